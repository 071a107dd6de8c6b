// Sequence b of length n with s tokens: position n - s + i, sequence b.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @positions(
// CHECK-SAME: %[[TOKENS:.*]]: index, %[[CU:.*]]: tensor<?xi32>, %[[PAGES:.*]]: tensor<?x16x80xf32>, %[[TABLE:.*]]: tensor<?x?xi32>, %[[LENGTHS:.*]]: tensor<?xi32>
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[EMPTY:.*]] = tensor.empty(%[[TOKENS]]) : tensor<?xi32>
// CHECK: %[[DIM:.*]] = tensor.dim %[[LENGTHS]], %[[C0]] : tensor<?xi32>
// CHECK: %[[FOR:.*]]:2 = scf.for %[[I:.*]] = %[[C0]] to %[[DIM]] step %[[C1]] iter_args(%[[STATE:.*]] = %[[EMPTY]], %[[STATE_2:.*]] = %[[EMPTY]]) -> (tensor<?xi32>, tensor<?xi32>)
// CHECK: %[[EXTRACT:.*]] = tensor.extract %[[LENGTHS]][%[[I]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST:.*]] = arith.index_cast %[[EXTRACT]] : i32 to index
// CHECK: %[[EXTRACT_2:.*]] = tensor.extract %[[CU]][%[[I]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST_2:.*]] = arith.index_cast %[[EXTRACT_2]] : i32 to index
// CHECK: %[[ADDI:.*]] = arith.addi %[[I]], %[[C1]] : index
// CHECK: %[[EXTRACT_3:.*]] = tensor.extract %[[CU]][%[[ADDI]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST_3:.*]] = arith.index_cast %[[EXTRACT_3]] : i32 to index
// CHECK: %[[SUBI:.*]] = arith.subi %[[INDEX_CAST_3]], %[[INDEX_CAST_2]] : index
// CHECK: %[[SUBI_2:.*]] = arith.subi %[[INDEX_CAST]], %[[SUBI]] : index
// CHECK: %[[FOR_2:.*]]:2 = scf.for %[[I_2:.*]] = %[[C0]] to %[[SUBI]] step %[[C1]] iter_args(%[[STATE_3:.*]] = %[[STATE]], %[[STATE_4:.*]] = %[[STATE_2]]) -> (tensor<?xi32>, tensor<?xi32>)
// CHECK: %[[ADDI_2:.*]] = arith.addi %[[INDEX_CAST_2]], %[[I_2]] : index
// CHECK: %[[ADDI_3:.*]] = arith.addi %[[SUBI_2]], %[[I_2]] : index
// CHECK: %[[INDEX_CAST_4:.*]] = arith.index_cast %[[ADDI_3]] : index to i32
// CHECK: %[[INSERT:.*]] = tensor.insert %[[INDEX_CAST_4]] into %[[STATE_3]][%[[ADDI_2]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST_5:.*]] = arith.index_cast %[[I]] : index to i32
// CHECK: %[[INSERT_2:.*]] = tensor.insert %[[INDEX_CAST_5]] into %[[STATE_4]][%[[ADDI_2]]] : tensor<?xi32>
// CHECK: scf.yield %[[INSERT]], %[[INSERT_2]] : tensor<?xi32>, tensor<?xi32>
// CHECK: scf.yield %[[FOR_2]]#0, %[[FOR_2]]#1 : tensor<?xi32>, tensor<?xi32>
// CHECK: return %[[FOR]]#0, %[[FOR]]#1 : tensor<?xi32>, tensor<?xi32>
func.func @positions(%tokens: index, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?xi32>, tensor<?xi32>) {
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  return %position, %sequence : tensor<?xi32>, tensor<?xi32>
}
