// Cosines and sines of a token's angles once, then each element with the other one of its pair.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @interleaved(
// CHECK-SAME: %[[X:.*]]: tensor<?x4x4xf32>, %[[POSITION:.*]]: tensor<?xi32>
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[CST:.*]] = arith.constant 2.000000e+00 : f32
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[GENERIC:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]} ins(%[[POSITION]], %{{.*}} : tensor<?xi32>, tensor<2xf32>) outs(%{{.*}} : tensor<?x2xf32>)
// CHECK: %[[SITOFP:.*]] = arith.sitofp %{{.*}} : i32 to f32
// CHECK: %[[MULF:.*]] = arith.mulf %[[SITOFP]], %{{.*}} : f32
// CHECK: %[[COS:.*]] = math.cos %[[MULF]] : f32
// CHECK: %[[MULF_2:.*]] = arith.mulf %[[COS]], %[[CST]] : f32
// CHECK: linalg.yield %[[MULF_2]] : f32
// CHECK: %[[GENERIC_2:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]} ins(%[[POSITION]], %{{.*}} : tensor<?xi32>, tensor<2xf32>) outs(%{{.*}} : tensor<?x2xf32>)
// CHECK: %[[SITOFP_2:.*]] = arith.sitofp %{{.*}} : i32 to f32
// CHECK: %[[MULF_3:.*]] = arith.mulf %[[SITOFP_2]], %{{.*}} : f32
// CHECK: %[[SIN:.*]] = math.sin %[[MULF_3]] : f32
// CHECK: %[[MULF_4:.*]] = arith.mulf %[[SIN]], %[[CST]] : f32
// CHECK: linalg.yield %[[MULF_4]] : f32
// CHECK: %[[GENERIC_3:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel"]} ins(%[[X]] : tensor<?x4x4xf32>) outs(%{{.*}} : tensor<?x4x4xf32>)
// CHECK: %[[INDEX:.*]] = linalg.index 0 : index
// CHECK: %[[INDEX_2:.*]] = linalg.index 1 : index
// CHECK: %[[INDEX_3:.*]] = linalg.index 2 : index
// CHECK: %[[REMUI:.*]] = arith.remui %[[INDEX_3]], %[[C2]] : index
// CHECK: %[[XORI:.*]] = arith.xori %[[INDEX_3]], %[[C1]] : index
// CHECK: %[[CMPI:.*]] = arith.cmpi eq, %[[REMUI]], %[[C0]] : index
// CHECK: %[[DIVUI:.*]] = arith.divui %[[INDEX_3]], %[[C2]] : index
// CHECK: %[[EXTRACT:.*]] = tensor.extract %[[GENERIC]][%[[INDEX]], %[[DIVUI]]] : tensor<?x2xf32>
// CHECK: %[[EXTRACT_2:.*]] = tensor.extract %[[GENERIC_2]][%[[INDEX]], %[[DIVUI]]] : tensor<?x2xf32>
// CHECK: %[[EXTRACT_3:.*]] = tensor.extract %[[X]][%[[INDEX]], %[[INDEX_2]], %[[XORI]]] : tensor<?x4x4xf32>
// CHECK: %[[NEGF:.*]] = arith.negf %[[EXTRACT_2]] : f32
// CHECK: %[[SELECT:.*]] = arith.select %[[CMPI]], %[[NEGF]], %[[EXTRACT_2]] : f32
// CHECK: %[[MULF_5:.*]] = arith.mulf %{{.*}}, %[[EXTRACT]] : f32
// CHECK: %[[MULF_6:.*]] = arith.mulf %[[EXTRACT_3]], %[[SELECT]] : f32
// CHECK: %[[ADDF:.*]] = arith.addf %[[MULF_5]], %[[MULF_6]] : f32
// CHECK: linalg.yield %[[ADDF]] : f32
// CHECK: return %[[GENERIC_3]] : tensor<?x4x4xf32>
func.func @interleaved(%x: tensor<?x4x4xf32>, %position: tensor<?xi32>) -> tensor<?x4x4xf32> {
  %y = mla.rope interleaved %x at %position {frequencies = array<f32: 1.0, 0.01>, scale = 2.0 : f32} : tensor<?x4x4xf32>
  return %y : tensor<?x4x4xf32>
}

// CHECK-LABEL: func.func @half_split(
// CHECK-SAME: %[[X:.*]]: tensor<?x4x4xf32>, %[[POSITION:.*]]: tensor<?xi32>
// CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[CST:.*]] = arith.constant 2.000000e+00 : f32
// CHECK: %[[GENERIC:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]} ins(%[[POSITION]], %{{.*}} : tensor<?xi32>, tensor<2xf32>) outs(%{{.*}} : tensor<?x2xf32>)
// CHECK: %[[SITOFP:.*]] = arith.sitofp %{{.*}} : i32 to f32
// CHECK: %[[MULF:.*]] = arith.mulf %[[SITOFP]], %{{.*}} : f32
// CHECK: %[[COS:.*]] = math.cos %[[MULF]] : f32
// CHECK: %[[MULF_2:.*]] = arith.mulf %[[COS]], %[[CST]] : f32
// CHECK: linalg.yield %[[MULF_2]] : f32
// CHECK: %[[GENERIC_2:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]} ins(%[[POSITION]], %{{.*}} : tensor<?xi32>, tensor<2xf32>) outs(%{{.*}} : tensor<?x2xf32>)
// CHECK: %[[SITOFP_2:.*]] = arith.sitofp %{{.*}} : i32 to f32
// CHECK: %[[MULF_3:.*]] = arith.mulf %[[SITOFP_2]], %{{.*}} : f32
// CHECK: %[[SIN:.*]] = math.sin %[[MULF_3]] : f32
// CHECK: %[[MULF_4:.*]] = arith.mulf %[[SIN]], %[[CST]] : f32
// CHECK: linalg.yield %[[MULF_4]] : f32
// CHECK: %[[GENERIC_3:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel"]} ins(%[[X]] : tensor<?x4x4xf32>) outs(%{{.*}} : tensor<?x4x4xf32>)
// CHECK: %[[INDEX:.*]] = linalg.index 0 : index
// CHECK: %[[INDEX_2:.*]] = linalg.index 1 : index
// CHECK: %[[INDEX_3:.*]] = linalg.index 2 : index
// CHECK: %[[CMPI:.*]] = arith.cmpi slt, %[[INDEX_3]], %[[C2]] : index
// CHECK: %[[REMUI:.*]] = arith.remui %[[INDEX_3]], %[[C2]] : index
// CHECK: %[[REMUI_2:.*]] = arith.remui %{{.*}}, %[[C4]] : index
// CHECK: %[[EXTRACT:.*]] = tensor.extract %[[GENERIC]][%[[INDEX]], %[[REMUI]]] : tensor<?x2xf32>
// CHECK: %[[EXTRACT_2:.*]] = tensor.extract %[[GENERIC_2]][%[[INDEX]], %[[REMUI]]] : tensor<?x2xf32>
// CHECK: %[[EXTRACT_3:.*]] = tensor.extract %[[X]][%[[INDEX]], %[[INDEX_2]], %[[REMUI_2]]] : tensor<?x4x4xf32>
// CHECK: %[[NEGF:.*]] = arith.negf %[[EXTRACT_2]] : f32
// CHECK: %[[SELECT:.*]] = arith.select %[[CMPI]], %[[NEGF]], %[[EXTRACT_2]] : f32
// CHECK: %[[MULF_5:.*]] = arith.mulf %{{.*}}, %[[EXTRACT]] : f32
// CHECK: %[[MULF_6:.*]] = arith.mulf %[[EXTRACT_3]], %[[SELECT]] : f32
// CHECK: %[[ADDF:.*]] = arith.addf %[[MULF_5]], %[[MULF_6]] : f32
// CHECK: linalg.yield %[[ADDF]] : f32
// CHECK: return %[[GENERIC_3]] : tensor<?x4x4xf32>
func.func @half_split(%x: tensor<?x4x4xf32>, %position: tensor<?xi32>) -> tensor<?x4x4xf32> {
  %y = mla.rope half_split %x at %position {frequencies = array<f32: 1.0, 0.01>, scale = 2.0 : f32} : tensor<?x4x4xf32>
  return %y : tensor<?x4x4xf32>
}
