// Squares in float32, one factor per row, one rounding at the end.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @rms_norm(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[GAMMA:.*]]: tensor<64xbf16>
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK-DAG: %[[CST:.*]] = arith.constant 9.99999997E-7 : f32
// CHECK-DAG: %[[CST_2:.*]] = arith.constant 6.400000e+01 : f32
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: %[[FILL:.*]] = linalg.fill ins(%[[ZERO]] : f32) outs(%{{.*}} : tensor<?xf32>) -> tensor<?xf32>
// CHECK: %[[GENERIC:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]} ins(%[[X]] : tensor<?x64xbf16>) outs(%[[FILL]] : tensor<?xf32>)
// CHECK: %[[EXTF:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK: %[[MULF:.*]] = arith.mulf %[[EXTF]], %[[EXTF]] : f32
// CHECK: %[[ADDF:.*]] = arith.addf %{{.*}}, %[[MULF]] : f32
// CHECK: linalg.yield %[[ADDF]] : f32
// CHECK: %[[GENERIC_2:.*]] = linalg.generic {{.*}}iterator_types = ["parallel"]} ins(%[[GENERIC]] : tensor<?xf32>) outs(%{{.*}} : tensor<?xf32>)
// CHECK: %[[DIVF:.*]] = arith.divf %{{.*}}, %[[CST_2]] : f32
// CHECK: %[[ADDF_2:.*]] = arith.addf %[[DIVF]], %[[CST]] : f32
// CHECK: %[[SQRT:.*]] = math.sqrt %[[ADDF_2]] : f32
// CHECK: %[[DIVF_2:.*]] = arith.divf %[[ONE]], %[[SQRT]] : f32
// CHECK: linalg.yield %[[DIVF_2]] : f32
// CHECK: %[[GENERIC_3:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]} ins(%[[X]], %[[GENERIC_2]], %[[GAMMA]] : tensor<?x64xbf16>, tensor<?xf32>, tensor<64xbf16>) outs(%{{.*}} : tensor<?x64xbf16>)
// CHECK: %[[EXTF_2:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK: %[[MULF_2:.*]] = arith.mulf %[[EXTF_2]], %{{.*}} : f32
// CHECK: %[[EXTF_3:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK: %[[MULF_3:.*]] = arith.mulf %[[MULF_2]], %[[EXTF_3]] : f32
// CHECK: %[[TRUNCF:.*]] = arith.truncf %[[MULF_3]] : f32 to bf16
// CHECK: linalg.yield %[[TRUNCF]] : bf16
// CHECK: return %[[GENERIC_3]] : tensor<?x64xbf16>
func.func @rms_norm(%x: tensor<?x64xbf16>, %gamma: tensor<64xbf16>) -> tensor<?x64xbf16> {
  %y = mla.rms_norm %x, %gamma {epsilon = 1.0e-6 : f64} : tensor<?x64xbf16>, tensor<64xbf16> -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}
