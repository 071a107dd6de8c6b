// Lowered functions that prepare weights have the attribute, and so do the wrappers of their C interface.
//
// RUN: mla-opt %s --mla-to-cpu | FileCheck %s

// CHECK: llvm.func @prepare.w({{.*}} attributes {{.*}}mla.products = #mla.products<plain, why = "by hand">
// CHECK: llvm.func @_mlir_ciface_prepare.w({{.*}} attributes {{.*}}mla.products = #mla.products<plain, why = "by hand">
func.func @prepare.w(%w: tensor<64xf32> {mla.weight = "a"}) -> tensor<64xf32> attributes {mla.products = #mla.products<plain, why = "by hand">} {
  return %w : tensor<64xf32>
}
