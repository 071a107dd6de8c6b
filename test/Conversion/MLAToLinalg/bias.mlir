// A sum in float32, rounded once.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @bias(
// CHECK-SAME: %[[X:.*]]: tensor<?x48xbf16>, %[[B:.*]]: tensor<48xf32>
// CHECK: %[[GENERIC:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]} ins(%[[X]], %[[B]] : tensor<?x48xbf16>, tensor<48xf32>) outs(%{{.*}} : tensor<?x48xbf16>)
// CHECK: %[[EXTF:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK: %[[ADDF:.*]] = arith.addf %[[EXTF]], %{{.*}} : f32
// CHECK: %[[TRUNCF:.*]] = arith.truncf %[[ADDF]] : f32 to bf16
// CHECK: linalg.yield %[[TRUNCF]] : bf16
// CHECK: return %[[GENERIC]] : tensor<?x48xbf16>
func.func @bias(%x: tensor<?x48xbf16>, %b: tensor<48xf32>) -> tensor<?x48xbf16> {
  %y = mla.bias %x, %b : tensor<?x48xbf16>, tensor<48xf32>
  return %y : tensor<?x48xbf16>
}
