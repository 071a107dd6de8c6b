// The body of a parallel loop is a function of what it uses, the bounds and a linear index. Constants are copied into it.
//
// RUN: mla-opt %s --mla-cpu-outline --canonicalize | FileCheck %s

// CHECK: func.func private @scale_parallel(
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32>, %[[FACTOR:.*]]: f32, %[[BOUND0:.*]]: index, %[[BOUND1:.*]]: index, %[[LINEAR:.*]]: index) {
// CHECK: %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
// CHECK: %[[AT:.*]]:2 = affine.delinearize_index %[[LINEAR]] into (%{{.*}}) : index, index
// CHECK: %[[V:.*]] = memref.load %[[X]][%[[AT]]#0, %[[AT]]#1]
// CHECK: %[[W:.*]] = arith.mulf %[[V]], %[[FACTOR]] : f32
// CHECK: %[[U:.*]] = arith.mulf %[[W]], %[[TWO]] : f32
// CHECK: memref.store %[[U]], %[[X]][%[[AT]]#0, %[[AT]]#1]
// CHECK: return

// CHECK-LABEL: func.func @scale(
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32>, %[[FACTOR:.*]]: f32, %[[ROWS:.*]]: index
// CHECK: %[[C8:.*]] = arith.constant 8 : index
// CHECK: %[[COUNT:.*]] = arith.muli %[[ROWS]], %[[C8]] : index
// CHECK: mla.spawn @scale_parallel(%[[X]], %[[FACTOR]], %[[ROWS]], %[[C8]]) times %[[COUNT]] : memref<?x8xf32>, f32, index, index
// CHECK-NOT: scf.forall
func.func @scale(%x: memref<?x8xf32>, %factor: f32, %rows: index) attributes {mla.phase = #mla.phase<decode>} {
  %two = arith.constant 2.0 : f32
  scf.forall (%i, %j) in (%rows, 8) {
    %v = memref.load %x[%i, %j] : memref<?x8xf32>
    %w = arith.mulf %v, %factor : f32
    %u = arith.mulf %w, %two : f32
    memref.store %u, %x[%i, %j] : memref<?x8xf32>
  }
  return
}
