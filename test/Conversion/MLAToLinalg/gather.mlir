// Cumulative lengths, then whole pages; the last page is cut off at the length.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @gather(
// CHECK-SAME: %[[PAGES:.*]]: tensor<?x16x80xf32>, %[[TABLE:.*]]: tensor<?x?xi32>, %[[LENGTHS:.*]]: tensor<?xi32>
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i32
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C0_2:.*]] = arith.constant 0 : index
// CHECK: %[[DIM:.*]] = tensor.dim %[[LENGTHS]], %[[C0_2]] : tensor<?xi32>
// CHECK: %[[ADDI:.*]] = arith.addi %[[DIM]], %[[C1]] : index
// CHECK: %[[EMPTY:.*]] = tensor.empty(%[[ADDI]]) : tensor<?xi32>
// CHECK: %[[INSERT:.*]] = tensor.insert %[[C0]] into %[[EMPTY]][%[[C0_2]]] : tensor<?xi32>
// CHECK: %[[FOR:.*]]:2 = scf.for %[[I:.*]] = %[[C0_2]] to %[[DIM]] step %[[C1]] iter_args(%[[STATE:.*]] = %[[INSERT]], %[[STATE_2:.*]] = %[[C0]]) -> (tensor<?xi32>, i32)
// CHECK: %[[EXTRACT:.*]] = tensor.extract %[[LENGTHS]][%[[I]]] : tensor<?xi32>
// CHECK: %[[ADDI_2:.*]] = arith.addi %[[STATE_2]], %[[EXTRACT]] : i32
// CHECK: %[[ADDI_3:.*]] = arith.addi %[[I]], %[[C1]] : index
// CHECK: %[[INSERT_2:.*]] = tensor.insert %[[ADDI_2]] into %[[STATE]][%[[ADDI_3]]] : tensor<?xi32>
// CHECK: scf.yield %[[INSERT_2]], %[[ADDI_2]] : tensor<?xi32>, i32
// CHECK: %[[EXTRACT_2:.*]] = tensor.extract %[[FOR]]#0[%[[DIM]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST:.*]] = arith.index_cast %[[EXTRACT_2]] : i32 to index
// CHECK: %[[EMPTY_2:.*]] = tensor.empty(%[[INDEX_CAST]]) : tensor<?x64xf32>
// CHECK: %[[EMPTY_3:.*]] = tensor.empty(%[[INDEX_CAST]]) : tensor<?x16xf32>
// CHECK: %[[FOR_2:.*]]:2 = scf.for %[[I_2:.*]] = %[[C0_2]] to %[[DIM]] step %[[C1]] iter_args(%[[STATE_3:.*]] = %[[EMPTY_2]], %[[STATE_4:.*]] = %[[EMPTY_3]]) -> (tensor<?x64xf32>, tensor<?x16xf32>)
// CHECK: %[[EXTRACT_3:.*]] = tensor.extract %[[FOR]]#0[%[[I_2]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST_2:.*]] = arith.index_cast %[[EXTRACT_3]] : i32 to index
// CHECK: %[[EXTRACT_4:.*]] = tensor.extract %[[LENGTHS]][%[[I_2]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST_3:.*]] = arith.index_cast %[[EXTRACT_4]] : i32 to index
// CHECK: %[[CEILDIVUI:.*]] = arith.ceildivui %[[INDEX_CAST_3]], %[[C16]] : index
// CHECK: %[[FOR_3:.*]]:2 = scf.for %[[I_3:.*]] = %[[C0_2]] to %[[CEILDIVUI]] step %[[C1]] iter_args(%[[STATE_5:.*]] = %[[STATE_3]], %[[STATE_6:.*]] = %[[STATE_4]]) -> (tensor<?x64xf32>, tensor<?x16xf32>)
// CHECK: %[[MULI:.*]] = arith.muli %[[I_3]], %[[C16]] : index
// CHECK: %[[SUBI:.*]] = arith.subi %[[INDEX_CAST_3]], %[[MULI]] : index
// CHECK: %[[MINSI:.*]] = arith.minsi %[[SUBI]], %[[C16]] : index
// CHECK: %[[EXTRACT_5:.*]] = tensor.extract %[[TABLE]][%[[I_2]], %[[I_3]]] : tensor<?x?xi32>
// CHECK: %[[INDEX_CAST_4:.*]] = arith.index_cast %[[EXTRACT_5]] : i32 to index
// CHECK: %[[ADDI_4:.*]] = arith.addi %[[INDEX_CAST_2]], %[[MULI]] : index
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[PAGES]][%[[INDEX_CAST_4]], 0, 0] [1, %[[MINSI]], 64] [1, 1, 1] : tensor<?x16x80xf32> to tensor<?x64xf32>
// CHECK: %[[INSERTED:.*]] = tensor.insert_slice %[[SLICE]] into %[[STATE_5]][%[[ADDI_4]], 0] [%[[MINSI]], 64] [1, 1] : tensor<?x64xf32> into tensor<?x64xf32>
// CHECK: %[[SLICE_2:.*]] = tensor.extract_slice %[[PAGES]][%[[INDEX_CAST_4]], 0, 64] [1, %[[MINSI]], 16] [1, 1, 1] : tensor<?x16x80xf32> to tensor<?x16xf32>
// CHECK: %[[INSERTED_2:.*]] = tensor.insert_slice %[[SLICE_2]] into %[[STATE_6]][%[[ADDI_4]], 0] [%[[MINSI]], 16] [1, 1] : tensor<?x16xf32> into tensor<?x16xf32>
// CHECK: scf.yield %[[INSERTED]], %[[INSERTED_2]] : tensor<?x64xf32>, tensor<?x16xf32>
// CHECK: scf.yield %[[FOR_3]]#0, %[[FOR_3]]#1 : tensor<?x64xf32>, tensor<?x16xf32>
// CHECK: return %[[FOR_2]]#0, %[[FOR_2]]#1, %[[FOR]]#0 : tensor<?x64xf32>, tensor<?x16xf32>, tensor<?xi32>
func.func @gather(%cache: !cache) -> (tensor<?x64xf32>, tensor<?x16xf32>, tensor<?xi32>) {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  return %latent, %k_rope, %cu_keys : tensor<?x64xf32>, tensor<?x16xf32>, tensor<?xi32>
}
