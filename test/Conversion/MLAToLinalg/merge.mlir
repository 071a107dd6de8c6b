// The maximum of the LSE, the sum of exponentials, weights that are 0 without keys, and the weighted sum.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @merge(
// CHECK-SAME: %[[O:.*]]: tensor<2x?x4x64xf32>, %[[L:.*]]: tensor<2x?x4xf32>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG: %[[MINUS_INF:.*]] = arith.constant 0xFF800000 : f32
// CHECK: %[[FILL:.*]] = linalg.fill ins(%[[MINUS_INF]] : f32) outs(%{{.*}} : tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK: %[[GENERIC:.*]] = linalg.generic {{.*}}iterator_types = ["reduction", "parallel", "parallel"]} ins(%[[L]] : tensor<2x?x4xf32>) outs(%[[FILL]] : tensor<?x4xf32>)
// CHECK: %[[MAXIMUMF:.*]] = arith.maximumf %{{.*}}, %{{.*}} : f32
// CHECK: linalg.yield %[[MAXIMUMF]] : f32
// CHECK: %[[FILL_2:.*]] = linalg.fill ins(%[[ZERO]] : f32) outs(%{{.*}} : tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK: %[[GENERIC_2:.*]] = linalg.generic {{.*}}iterator_types = ["reduction", "parallel", "parallel"]} ins(%[[L]], %[[GENERIC]] : tensor<2x?x4xf32>, tensor<?x4xf32>) outs(%[[FILL_2]] : tensor<?x4xf32>)
// CHECK: %[[CMPF:.*]] = arith.cmpf oeq, %{{.*}}, %[[MINUS_INF]] : f32
// CHECK: %[[SELECT:.*]] = arith.select %[[CMPF]], %[[ZERO]], %{{.*}} : f32
// CHECK: %[[SUBF:.*]] = arith.subf %{{.*}}, %[[SELECT]] : f32
// CHECK: %[[EXP:.*]] = math.exp %[[SUBF]] : f32
// CHECK: %[[ADDF:.*]] = arith.addf %{{.*}}, %[[EXP]] : f32
// CHECK: linalg.yield %[[ADDF]] : f32
// CHECK: %[[GENERIC_3:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]} ins(%[[GENERIC]], %[[GENERIC_2]] : tensor<?x4xf32>, tensor<?x4xf32>) outs(%{{.*}} : tensor<?x4xf32>)
// CHECK: %[[LOG:.*]] = math.log %{{.*}} : f32
// CHECK: %[[ADDF_2:.*]] = arith.addf %{{.*}}, %[[LOG]] : f32
// CHECK: linalg.yield %[[ADDF_2]] : f32
// CHECK: %[[GENERIC_4:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel"]} ins(%[[L]], %[[GENERIC]], %[[GENERIC_2]] : tensor<2x?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) outs(%{{.*}} : tensor<2x?x4xf32>)
// CHECK: %[[CMPF_2:.*]] = arith.cmpf oeq, %{{.*}}, %[[MINUS_INF]] : f32
// CHECK: %[[SELECT_2:.*]] = arith.select %[[CMPF_2]], %[[ZERO]], %{{.*}} : f32
// CHECK: %[[SUBF_2:.*]] = arith.subf %{{.*}}, %[[SELECT_2]] : f32
// CHECK: %[[EXP_2:.*]] = math.exp %[[SUBF_2]] : f32
// CHECK: %[[CMPF_3:.*]] = arith.cmpf oeq, %[[EXP_2]], %[[ZERO]] : f32
// CHECK: %[[DIVF:.*]] = arith.divf %[[EXP_2]], %{{.*}} : f32
// CHECK: %[[SELECT_3:.*]] = arith.select %[[CMPF_3]], %[[EXP_2]], %[[DIVF]] : f32
// CHECK: linalg.yield %[[SELECT_3]] : f32
// CHECK: %[[FILL_3:.*]] = linalg.fill ins(%[[ZERO]] : f32) outs(%{{.*}} : tensor<?x4x64xf32>) -> tensor<?x4x64xf32>
// CHECK: %[[GENERIC_5:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "reduction", "parallel"]} ins(%[[O]], %[[GENERIC_4]] : tensor<2x?x4x64xf32>, tensor<2x?x4xf32>) outs(%[[FILL_3]] : tensor<?x4x64xf32>)
// CHECK: %[[CMPF_4:.*]] = arith.cmpf oeq, %{{.*}}, %[[ZERO]] : f32
// CHECK: %[[SELECT_4:.*]] = arith.select %[[CMPF_4]], %[[ZERO]], %{{.*}} : f32
// CHECK: %[[MULF:.*]] = arith.mulf %[[SELECT_4]], %{{.*}} : f32
// CHECK: %[[ADDF_3:.*]] = arith.addf %{{.*}}, %[[MULF]] : f32
// CHECK: linalg.yield %[[ADDF_3]] : f32
// CHECK: return %[[GENERIC_5]], %[[GENERIC_3]] : tensor<?x4x64xf32>, tensor<?x4xf32>
func.func @merge(%o: tensor<2x?x4x64xf32>, %l: tensor<2x?x4xf32>) -> (tensor<?x4x64xf32>, tensor<?x4xf32>) {
  %out, %lse = mla.merge %o, %l : (tensor<2x?x4x64xf32>, tensor<2x?x4xf32>) -> tensor<?x4x64xf32>, tensor<?x4xf32>
  return %out, %lse : tensor<?x4x64xf32>, tensor<?x4xf32>
}
