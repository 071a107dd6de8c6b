// One factor per token, for all of its elements.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @position_scale(
// CHECK-SAME: %[[X:.*]]: tensor<?x4x32xf32>, %[[POSITION:.*]]: tensor<?xi32>
// CHECK-DAG: %[[CST:.*]] = arith.constant 1.000000e-01 : f32
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK-DAG: %[[C8192:.*]] = arith.constant 8192 : i32
// CHECK: %[[GENERIC:.*]] = linalg.generic {{.*}}iterator_types = ["parallel"]} ins(%[[POSITION]] : tensor<?xi32>) outs(%{{.*}} : tensor<?xf32>)
// CHECK: %[[DIVSI:.*]] = arith.divsi %{{.*}}, %[[C8192]] : i32
// CHECK: %[[SITOFP:.*]] = arith.sitofp %[[DIVSI]] : i32 to f32
// CHECK: %[[ADDF:.*]] = arith.addf %[[SITOFP]], %[[ONE]] : f32
// CHECK: %[[LOG:.*]] = math.log %[[ADDF]] : f32
// CHECK: %[[MULF:.*]] = arith.mulf %[[LOG]], %[[CST]] : f32
// CHECK: %[[ADDF_2:.*]] = arith.addf %[[MULF]], %[[ONE]] : f32
// CHECK: linalg.yield %[[ADDF_2]] : f32
// CHECK: %[[GENERIC_2:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel"]} ins(%[[X]], %[[GENERIC]] : tensor<?x4x32xf32>, tensor<?xf32>) outs(%{{.*}} : tensor<?x4x32xf32>)
// CHECK: %[[MULF_2:.*]] = arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK: linalg.yield %[[MULF_2]] : f32
// CHECK: return %[[GENERIC_2]] : tensor<?x4x32xf32>
func.func @position_scale(%x: tensor<?x4x32xf32>, %position: tensor<?xi32>) -> tensor<?x4x32xf32> {
  %y = mla.position_scale %x at %position {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x32xf32>
  return %y : tensor<?x4x32xf32>
}
