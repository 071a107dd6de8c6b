// The cache is written in place: after bufferization nothing of the cache's shape is allocated or copied, and it is not a
// result. The read through the new cache reads the written rows from the same memory.
//
// RUN: mla-opt %s --pass-pipeline='builtin.module(mla-to-linalg,func.func(convert-elementwise-to-linalg),canonicalize,cse,func.func(mla-cpu-vectorize),canonicalize,cse,eliminate-empty-tensors,mla-cpu-bufferize,canonicalize,cse,mla-cpu-drop-returned)' | FileCheck %s --implicit-check-not='alloc{{.*}}x16x80x' --implicit-check-not='linalg.copy{{.*}}x16x80x'
//
// After the rest of the pipeline there is no allocation of the size of pages, and no result.
// RUN: mla-opt %s --mla-to-cpu | FileCheck %s --check-prefix=LLVM --implicit-check-not=memrefCopy

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @decode(
// CHECK-SAME: %[[C:[a-z0-9]+]]: memref<?x64xf32>, %[[K:[a-z0-9]+]]: memref<?x16xf32>, %[[POSITION:[a-z0-9]+]]: memref<?xi32>, %[[SEQUENCE:[a-z0-9]+]]: memref<?xi32>,
// CHECK-SAME: %[[PAGES:[a-z0-9]+]]: memref<?x16x80xf32>, %{{[a-z0-9]+}}: memref<?x?xi32>, %{{[a-z0-9]+}}: memref<?xi32>
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref<?x4x64xf32>, %{{[a-z0-9]+}}: memref<?x4x16xf32>, %{{[a-z0-9]+}}: memref<?xi32>) -> memref<?x4x64xf32> {
// CHECK: scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step
// CHECK: %[[ROW:.*]] = memref.subview %[[C]][%[[T]], 0] [1, 64]
// CHECK: %[[TO:.*]] = memref.subview %[[PAGES]][%[[PAGE:.*]], %[[SLOT:.*]], 0] [1, 1, 64]
// CHECK: linalg.copy ins(%[[ROW]] : memref<1x64xf32, {{.*}}>) outs(%[[TO]] :
// CHECK: memref.subview %[[PAGES]][%[[PAGE]], %[[SLOT]], 64] [1, 1, 16]
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}}) {
// A whole page is read in place.
// CHECK: memref.subview %[[PAGES]][%{{.*}}, 0, 0] [1, 16, 64]
// LLVM-LABEL: llvm.func @_mlir_ciface_decode(
// LLVM: llvm.func @mla_entry_decode(
func.func @decode(%c: tensor<?x64xf32>, %k: tensor<?x16xf32>, %position: tensor<?xi32>, %sequence: tensor<?xi32>,
                  %cache: !cache, %q: tensor<?x4x64xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>) -> (tensor<?x4x64xf32>, !cache) {
  %new = mla.append %c, %k at %position of %sequence into %cache : tensor<?x64xf32>, tensor<?x16xf32> into !cache
  %o = mla.latent_attention queries(%q, %q_rope of %cu) cache(%new) {scale = 0.5 : f64}
      : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !cache) -> tensor<?x4x64xf32>
  return %o, %new : tensor<?x4x64xf32>, !cache
}
