// Between f16 and bf16 elements are f32.
//
// RUN: mla-opt %s --mla-to-linalg | FileCheck %s

// CHECK-LABEL: func.func @embed(
// CHECK: %[[FOUND:.*]] = tensor.extract %{{.*}} : tensor<3x8xf16>
// CHECK: %[[WIDE:.*]] = arith.extf %[[FOUND]] : f16 to f32
// CHECK: %[[NARROW:.*]] = arith.truncf %[[WIDE]] : f32 to bf16
// CHECK: arith.select %{{.*}}, %[[NARROW]]
func.func @embed(%ids: tensor<?xi32>, %table: tensor<3x8xf16>) -> tensor<?x8xbf16> {
  %x = mla.embed %ids, %table : tensor<3x8xf16> -> tensor<?x8xbf16>
  return %x : tensor<?x8xbf16>
}
