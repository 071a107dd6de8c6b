// Panels of a weight are parallel; tokens are processed in blocks of 8, then one by one.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @rows_of_a_checkpoint(
// CHECK-SAME: %[[X:.*]]: tensor<?x48xf32>, %[[W:.*]]: tensor<96x48xf32>
// CHECK-DAG: %[[C32:.*]] = arith.constant 32 : index
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[EXPAND_SHAPE:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1, 2]] output_shape [%{{.*}}, 1, 48] : tensor<?x48xf32> into tensor<?x1x48xf32>
// CHECK: %[[DIVUI:.*]] = arith.divui %{{.*}}, %[[C8]] : index
// CHECK: %[[MULI:.*]] = arith.muli %[[DIVUI]], %[[C8]] : index
// CHECK: %[[EMPTY:.*]] = tensor.empty(%{{.*}}) : tensor<?x1x96xf32>
// CHECK: %[[FORALL:.*]] = scf.forall (%[[I:.*]]) in (3) shared_outs(%[[STATE:.*]] = %[[EMPTY]]) -> (tensor<?x1x96xf32>)
// CHECK: %[[EXPAND_SHAPE_2:.*]] = tensor.expand_shape %[[W]] {{\[\[}}0, 1], [2]] output_shape [1, 96, 48] : tensor<96x48xf32> into tensor<1x96x48xf32>
// CHECK: %[[MULI_2:.*]] = arith.muli %[[I]], %[[C32]] : index
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[EXPAND_SHAPE_2]][0, %[[MULI_2]], 0] [1, 32, 48] [1, 1, 1] : tensor<1x96x48xf32> to tensor<32x48xf32>
// CHECK: %[[EMPTY_2:.*]] = tensor.empty() : tensor<48x32xf32>
// CHECK: %[[TRANSPOSE:.*]] = linalg.transpose ins(%[[SLICE]] : tensor<32x48xf32>) outs(%[[EMPTY_2]] : tensor<48x32xf32>) permutation = [1, 0]
// CHECK: %[[SLICE_2:.*]] = tensor.extract_slice %[[STATE]][0, 0, %[[MULI_2]]] [%{{.*}}, 1, 32] [1, 1, 1] : tensor<?x1x96xf32> to tensor<?x32xf32>
// CHECK: %[[FOR:.*]] = scf.for %[[I_2:.*]] = %[[C0]] to %[[MULI]] step %[[C8]] iter_args(%[[STATE_2:.*]] = %[[SLICE_2]]) -> (tensor<?x32xf32>)
// CHECK: %[[SLICE_3:.*]] = tensor.extract_slice %[[EXPAND_SHAPE]][%[[I_2]], 0, 0] [8, 1, 48] [1, 1, 1] : tensor<?x1x48xf32> to tensor<8x48xf32>
// CHECK: %[[SLICE_4:.*]] = tensor.extract_slice %[[STATE_2]][%[[I_2]], 0] [8, 32] [1, 1] : tensor<?x32xf32> to tensor<8x32xf32>
// CHECK: %[[MATMUL:.*]] = linalg.matmul ins(%[[SLICE_3]], %[[TRANSPOSE]] : tensor<8x48xf32>, tensor<48x32xf32>) outs(%{{.*}} : tensor<8x32xf32>) -> tensor<8x32xf32>
// CHECK: %[[INSERTED:.*]] = tensor.insert_slice %[[MATMUL]] into %[[STATE_2]][%[[I_2]], 0] [8, 32] [1, 1] : tensor<8x32xf32> into tensor<?x32xf32>
// CHECK: %[[FOR_2:.*]] = scf.for %[[I_3:.*]] = %[[MULI]] to %{{.*}} step %[[C1]] iter_args(%[[STATE_3:.*]] = %[[FOR]]) -> (tensor<?x32xf32>)
// CHECK: %[[SLICE_5:.*]] = tensor.extract_slice %[[EXPAND_SHAPE]][%[[I_3]], 0, 0] [1, 1, 48] [1, 1, 1] : tensor<?x1x48xf32> to tensor<1x48xf32>
// CHECK: %[[SLICE_6:.*]] = tensor.extract_slice %[[STATE_3]][%[[I_3]], 0] [1, 32] [1, 1] : tensor<?x32xf32> to tensor<1x32xf32>
// CHECK: %[[MATMUL_2:.*]] = linalg.matmul ins(%[[SLICE_5]], %[[TRANSPOSE]] : tensor<1x48xf32>, tensor<48x32xf32>) outs(%{{.*}} : tensor<1x32xf32>) -> tensor<1x32xf32>
// CHECK: %[[INSERTED_2:.*]] = tensor.insert_slice %[[MATMUL_2]] into %[[STATE_3]][%[[I_3]], 0] [1, 32] [1, 1] : tensor<1x32xf32> into tensor<?x32xf32>
// CHECK: scf.forall.in_parallel
// CHECK: tensor.parallel_insert_slice %[[FOR_2]] into %[[STATE]][0, 0, %[[MULI_2]]] [%{{.*}}, 1, 32] [1, 1, 1] : tensor<?x32xf32> into tensor<?x1x96xf32>
// CHECK: %[[COLLAPSE_SHAPE:.*]] = tensor.collapse_shape %[[FORALL]] {{\[\[}}0], [1, 2]] : tensor<?x1x96xf32> into tensor<?x96xf32>
// CHECK: return %[[COLLAPSE_SHAPE]] : tensor<?x96xf32>
func.func @rows_of_a_checkpoint(%x: tensor<?x48xf32>, %w: tensor<96x48xf32>) -> tensor<?x96xf32> {
  %y = mla.project %x, %w : (tensor<?x48xf32>, tensor<96x48xf32>) -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// CHECK-LABEL: func.func @panels_of_heads(
// CHECK-SAME: %[[X:.*]]: tensor<?x4x48xf32>, %[[W:.*]]: tensor<4x2x48x16xf32>
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[DIVUI:.*]] = arith.divui %{{.*}}, %[[C8]] : index
// CHECK: %[[MULI:.*]] = arith.muli %[[DIVUI]], %[[C8]] : index
// CHECK: %[[EMPTY:.*]] = tensor.empty(%{{.*}}) : tensor<?x4x32xf32>
// CHECK: %[[FORALL:.*]] = scf.forall (%[[I:.*]], %[[I_2:.*]]) in (4, 2) shared_outs(%[[STATE:.*]] = %[[EMPTY]]) -> (tensor<?x4x32xf32>)
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[W]][%[[I]], %[[I_2]], 0, 0] [1, 1, 48, 16] [1, 1, 1, 1] : tensor<4x2x48x16xf32> to tensor<48x16xf32>
// CHECK: %[[MULI_2:.*]] = arith.muli %[[I_2]], %[[C16]] : index
// CHECK: %[[SLICE_2:.*]] = tensor.extract_slice %[[STATE]][0, %[[I]], %[[MULI_2]]] [%{{.*}}, 1, 16] [1, 1, 1] : tensor<?x4x32xf32> to tensor<?x16xf32>
// CHECK: %[[FOR:.*]] = scf.for %[[I_3:.*]] = %[[C0]] to %[[MULI]] step %[[C8]] iter_args(%[[STATE_2:.*]] = %[[SLICE_2]]) -> (tensor<?x16xf32>)
// CHECK: %[[SLICE_3:.*]] = tensor.extract_slice %[[X]][%[[I_3]], %[[I]], 0] [8, 1, 48] [1, 1, 1] : tensor<?x4x48xf32> to tensor<8x48xf32>
// CHECK: %[[SLICE_4:.*]] = tensor.extract_slice %[[STATE_2]][%[[I_3]], 0] [8, 16] [1, 1] : tensor<?x16xf32> to tensor<8x16xf32>
// CHECK: %[[MATMUL:.*]] = linalg.matmul ins(%[[SLICE_3]], %[[SLICE]] : tensor<8x48xf32>, tensor<48x16xf32>) outs(%{{.*}} : tensor<8x16xf32>) -> tensor<8x16xf32>
// CHECK: %[[INSERTED:.*]] = tensor.insert_slice %[[MATMUL]] into %[[STATE_2]][%[[I_3]], 0] [8, 16] [1, 1] : tensor<8x16xf32> into tensor<?x16xf32>
// CHECK: %[[FOR_2:.*]] = scf.for %[[I_4:.*]] = %[[MULI]] to %{{.*}} step %[[C1]] iter_args(%[[STATE_3:.*]] = %[[FOR]]) -> (tensor<?x16xf32>)
// CHECK: %[[SLICE_5:.*]] = tensor.extract_slice %[[X]][%[[I_4]], %[[I]], 0] [1, 1, 48] [1, 1, 1] : tensor<?x4x48xf32> to tensor<1x48xf32>
// CHECK: %[[SLICE_6:.*]] = tensor.extract_slice %[[STATE_3]][%[[I_4]], 0] [1, 16] [1, 1] : tensor<?x16xf32> to tensor<1x16xf32>
// CHECK: %[[MATMUL_2:.*]] = linalg.matmul ins(%[[SLICE_5]], %[[SLICE]] : tensor<1x48xf32>, tensor<48x16xf32>) outs(%{{.*}} : tensor<1x16xf32>) -> tensor<1x16xf32>
// CHECK: %[[INSERTED_2:.*]] = tensor.insert_slice %[[MATMUL_2]] into %[[STATE_3]][%[[I_4]], 0] [1, 16] [1, 1] : tensor<1x16xf32> into tensor<?x16xf32>
// CHECK: scf.forall.in_parallel
// CHECK: tensor.parallel_insert_slice %[[FOR_2]] into %[[STATE]][0, %[[I]], %[[MULI_2]]] [%{{.*}}, 1, 16] [1, 1, 1] : tensor<?x16xf32> into tensor<?x4x32xf32>
// CHECK: return %[[FORALL]] : tensor<?x4x32xf32>
func.func @panels_of_heads(%x: tensor<?x4x48xf32>, %w: tensor<4x2x48x16xf32>) -> tensor<?x4x32xf32> {
  %y = mla.project per_head %x, %w panels : (tensor<?x4x48xf32>, tensor<4x2x48x16xf32>) -> tensor<?x4x32xf32>
  return %y : tensor<?x4x32xf32>
}
