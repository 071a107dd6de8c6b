// Position, block table and page determine the row. The cache is passed along, not copied.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @append(
// CHECK-SAME: %[[LATENT:.*]]: tensor<?x64xf32>, %[[K_ROPE:.*]]: tensor<?x16xf32>, %[[POSITION:.*]]: tensor<?xi32>, %[[SEQUENCE:.*]]: tensor<?xi32>, %[[PAGES:.*]]: tensor<?x16x80xf32>, %[[TABLE:.*]]: tensor<?x?xi32>, %[[LENGTHS:.*]]: tensor<?xi32>
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[DIM:.*]] = tensor.dim %[[LATENT]], %[[C0]] : tensor<?x64xf32>
// CHECK: %[[FOR:.*]] = scf.for %[[I:.*]] = %[[C0]] to %[[DIM]] step %[[C1]] iter_args(%[[STATE:.*]] = %[[PAGES]]) -> (tensor<?x16x80xf32>)
// CHECK: %[[EXTRACT:.*]] = tensor.extract %[[POSITION]][%[[I]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST:.*]] = arith.index_cast %[[EXTRACT]] : i32 to index
// CHECK: %[[DIVUI:.*]] = arith.divui %[[INDEX_CAST]], %[[C16]] : index
// CHECK: %[[EXTRACT_2:.*]] = tensor.extract %[[SEQUENCE]][%[[I]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST_2:.*]] = arith.index_cast %[[EXTRACT_2]] : i32 to index
// CHECK: %[[EXTRACT_3:.*]] = tensor.extract %[[TABLE]][%[[INDEX_CAST_2]], %[[DIVUI]]] : tensor<?x?xi32>
// CHECK: %[[INDEX_CAST_3:.*]] = arith.index_cast %[[EXTRACT_3]] : i32 to index
// CHECK: %[[REMUI:.*]] = arith.remui %[[INDEX_CAST]], %[[C16]] : index
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[LATENT]][%[[I]], 0] [1, 64] [1, 1] : tensor<?x64xf32> to tensor<1x64xf32>
// CHECK: %[[INSERTED:.*]] = tensor.insert_slice %[[SLICE]] into %[[STATE]][%[[INDEX_CAST_3]], %[[REMUI]], 0] [1, 1, 64] [1, 1, 1] : tensor<1x64xf32> into tensor<?x16x80xf32>
// CHECK: %[[SLICE_2:.*]] = tensor.extract_slice %[[K_ROPE]][%[[I]], 0] [1, 16] [1, 1] : tensor<?x16xf32> to tensor<1x16xf32>
// CHECK: %[[INSERTED_2:.*]] = tensor.insert_slice %[[SLICE_2]] into %[[INSERTED]][%[[INDEX_CAST_3]], %[[REMUI]], 64] [1, 1, 16] [1, 1, 1] : tensor<1x16xf32> into tensor<?x16x80xf32>
// CHECK: scf.yield %[[INSERTED_2]] : tensor<?x16x80xf32>
// CHECK: return %[[FOR]], %[[TABLE]], %[[LENGTHS]] : tensor<?x16x80xf32>, tensor<?x?xi32>, tensor<?xi32>
func.func @append(%latent: tensor<?x64xf32>, %k_rope: tensor<?x16xf32>, %position: tensor<?xi32>, %sequence: tensor<?xi32>, %cache: !cache) -> !cache {
  %new = mla.append %latent, %k_rope at %position of %sequence into %cache : tensor<?x64xf32>, tensor<?x16xf32> into !cache
  return %new : !cache
}
