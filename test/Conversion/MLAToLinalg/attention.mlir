// Tiles of 16 queries and heads are parallel; tiles of 64 keys: those seen by all queries,
// those that are masked, then those at the end of the sequence. Shared keys
// are slices of rank 2, keys of a head of rank 3.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @keys_per_head(
// CHECK-SAME: %[[Q:.*]]: tensor<?x4x32xf32>, %[[Q_ROPE:.*]]: tensor<?x4x16xf32>, %[[CU:.*]]: tensor<?xi32>, %[[K:.*]]: tensor<?x4x32xf32>, %[[K_ROPE:.*]]: tensor<?x16xf32>, %[[CU_KEYS:.*]]: tensor<?xi32>, %[[V:.*]]: tensor<?x4x24xf32>
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[FOR:.*]]:2 = scf.for %[[I:.*]] = %[[C0]] to %{{.*}} step %[[C1]] iter_args(%[[STATE:.*]] = %{{.*}}, %[[STATE_2:.*]] = %{{.*}}) -> (tensor<?x4x24xf32>, tensor<?x4xf32>)
// CHECK: %[[CEILDIVUI:.*]] = arith.ceildivui %{{.*}}, %[[C16]] : index
// CHECK: %[[FORALL:.*]]:2 = scf.forall (%[[I_2:.*]], %[[I_3:.*]]) in (%[[CEILDIVUI]], 4) shared_outs(%[[STATE_3:.*]] = %[[STATE]], %[[STATE_4:.*]] = %[[STATE_2]]) -> (tensor<?x4x24xf32>, tensor<?x4xf32>)
// CHECK: %[[MINSI:.*]] = arith.minsi %{{.*}}, %{{.*}} : index
// CHECK: %[[MINSI_2:.*]] = arith.minsi %{{.*}}, %{{.*}} : index
// CHECK: %[[MAXSI:.*]] = arith.maxsi %{{.*}}, %[[C0]] : index
// CHECK: %[[DIVUI:.*]] = arith.divui %[[MAXSI]], %[[C64]] : index
// CHECK: %[[MINSI_3:.*]] = arith.minsi %{{.*}}, %{{.*}} : index
// CHECK: %[[MAXSI_2:.*]] = arith.maxsi %[[MINSI_3]], %[[C0]] : index
// CHECK: %[[CEILDIVUI_2:.*]] = arith.ceildivui %[[MAXSI_2]], %[[C64]] : index
// CHECK: %[[FOR_2:.*]]:3 = scf.for %[[I_4:.*]] = %[[C0]] to %[[DIVUI]] step %[[C1]] iter_args(%[[STATE_5:.*]] = %{{.*}}, %[[STATE_6:.*]] = %{{.*}}, %[[STATE_7:.*]] = %{{.*}}) -> (tensor<16xf32>, tensor<16xf32>, tensor<16x24xf32>)
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[K]][%{{.*}}, %[[I_3]], 0] [64, 1, 32] [1, 1, 1] : tensor<?x4x32xf32> to tensor<64x32xf32>
// CHECK: %[[MATMUL:.*]] = linalg.matmul ins(%[[SLICE]], %{{.*}} : tensor<64x32xf32>, tensor<32x16xf32>) outs(%{{.*}} : tensor<64x16xf32>) -> tensor<64x16xf32>
// CHECK: %[[SLICE_2:.*]] = tensor.extract_slice %[[K_ROPE]][%{{.*}}, 0] [64, 16] [1, 1] : tensor<?x16xf32> to tensor<64x16xf32>
// CHECK: %[[MATMUL_2:.*]] = linalg.matmul ins(%[[SLICE_2]], %{{.*}} : tensor<64x16xf32>, tensor<16x16xf32>) outs(%[[MATMUL]] : tensor<64x16xf32>) -> tensor<64x16xf32>
// CHECK: %[[SLICE_3:.*]] = tensor.extract_slice %[[V]][%{{.*}}, %[[I_3]], 0] [64, 1, 24] [1, 1, 1] : tensor<?x4x24xf32> to tensor<64x24xf32>
// CHECK: %[[MATERIALIZE_IN_DESTINATION:.*]] = bufferization.materialize_in_destination %{{.*}} in %[[STATE_5]] : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
// CHECK: %[[MATMUL_3:.*]] = linalg.matmul {{.*}}ins(%{{.*}}, %[[SLICE_3]] : tensor<64x16xf32>, tensor<64x24xf32>) outs(%{{.*}} : tensor<16x24xf32>) -> tensor<16x24xf32>
// CHECK: %[[INSIDE:.*]] = arith.divui %{{.*}}, %[[C64]] : index
// CHECK: %[[INSIDE_2:.*]] = arith.minsi %[[CEILDIVUI_2]], %[[INSIDE]] : index
// CHECK: %[[INSIDE_3:.*]] = arith.maxsi %[[DIVUI]], %[[INSIDE_2]] : index
// CHECK: %[[MASKED:.*]]:3 = scf.for %{{.*}} = %[[DIVUI]] to %[[INSIDE_3]] step %[[C1]] iter_args(%{{.*}} = %[[FOR_2]]#0, %{{.*}} = %[[FOR_2]]#1, %{{.*}} = %[[FOR_2]]#2)
// CHECK: %[[SCORES:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<64x16xf32>) outs(%{{.*}} : tensor<64x16xf32>)
// CHECK: arith.select %{{.*}}, %{{.*}}, %{{.*}} : f32
// CHECK: %[[FOR_3:.*]]:3 = scf.for %[[I_5:.*]] = %[[INSIDE_3]] to %[[CEILDIVUI_2]] step %[[C1]] iter_args(%[[STATE_8:.*]] = %[[MASKED]]#0, %[[STATE_9:.*]] = %[[MASKED]]#1, %[[STATE_10:.*]] = %[[MASKED]]#2) -> (tensor<16xf32>, tensor<16xf32>, tensor<16x24xf32>)
// CHECK: %[[MINSI_4:.*]] = arith.minsi %{{.*}}, %{{.*}} : index
// CHECK: %[[MATMUL_4:.*]] = linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<64x32xf32>, tensor<32x16xf32>) outs(%{{.*}} : tensor<64x16xf32>) -> tensor<64x16xf32>
// CHECK: %[[MINSI_5:.*]] = arith.minsi %{{.*}}, %{{.*}} : index
// CHECK: %[[MATMUL_5:.*]] = linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<64x16xf32>, tensor<16x16xf32>) outs(%[[MATMUL_4]] : tensor<64x16xf32>) -> tensor<64x16xf32>
// CHECK: %[[MINSI_6:.*]] = arith.minsi %{{.*}}, %{{.*}} : index
// CHECK: %[[MATERIALIZE_IN_DESTINATION_2:.*]] = bufferization.materialize_in_destination %{{.*}} in %[[STATE_8]] : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
// CHECK: %[[MATMUL_6:.*]] = linalg.matmul {{.*}}ins(%{{.*}}, %{{.*}} : tensor<64x16xf32>, tensor<64x24xf32>) outs(%{{.*}} : tensor<16x24xf32>) -> tensor<16x24xf32>
// CHECK: %[[MINSI_7:.*]] = arith.minsi %{{.*}}, %[[C16]] : index
// CHECK: %[[SLICE_4:.*]] = tensor.extract_slice %{{.*}}[0, 0] [%[[MINSI_7]], 24] [1, 1] : tensor<16x24xf32> to tensor<?x24xf32>
// CHECK: %[[SLICE_5:.*]] = tensor.extract_slice %{{.*}}[0] [%[[MINSI_7]]] [1] : tensor<16xf32> to tensor<?xf32>
// CHECK: scf.forall.in_parallel
// CHECK: tensor.parallel_insert_slice %[[SLICE_4]] into %[[STATE_3]][%{{.*}}, %[[I_3]], 0] [%[[MINSI_7]], 1, 24] [1, 1, 1] : tensor<?x24xf32> into tensor<?x4x24xf32>
// CHECK: tensor.parallel_insert_slice %[[SLICE_5]] into %[[STATE_4]][%{{.*}}, %[[I_3]]] [%[[MINSI_7]], 1] [1, 1] : tensor<?xf32> into tensor<?x4xf32>
// CHECK: return %[[FOR]]#0 : tensor<?x4x24xf32>
func.func @keys_per_head(%q: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %k: tensor<?x4x32xf32>, %k_rope: tensor<?x16xf32>, %cu_keys: tensor<?xi32>, %v: tensor<?x4x24xf32>) -> tensor<?x4x24xf32> {
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 0.5 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x24xf32>) -> tensor<?x4x24xf32>
  return %o : tensor<?x4x24xf32>
}

// CHECK-LABEL: func.func @shared_keys(
// CHECK-SAME: %[[Q:.*]]: tensor<?x4x64xf32>, %[[Q_ROPE:.*]]: tensor<?x4x16xf32>, %[[CU:.*]]: tensor<?xi32>, %[[C:.*]]: tensor<?x64xf32>, %[[K_ROPE:.*]]: tensor<?x16xf32>, %[[CU_KEYS:.*]]: tensor<?xi32>
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[FOR:.*]]:2 = scf.for %[[I:.*]] = %[[C0]] to %{{.*}} step %[[C1]] iter_args(%[[STATE:.*]] = %{{.*}}, %[[STATE_2:.*]] = %{{.*}}) -> (tensor<?x4x64xf32>, tensor<?x4xf32>)
// CHECK: %[[CEILDIVUI:.*]] = arith.ceildivui %{{.*}}, %[[C16]] : index
// CHECK: %[[FORALL:.*]]:2 = scf.forall (%[[I_2:.*]], %[[I_3:.*]]) in (%[[CEILDIVUI]], 4) shared_outs(%[[STATE_3:.*]] = %[[STATE]], %[[STATE_4:.*]] = %[[STATE_2]]) -> (tensor<?x4x64xf32>, tensor<?x4xf32>)
// CHECK: %[[MINSI:.*]] = arith.minsi %{{.*}}, %{{.*}} : index
// CHECK: %[[MINSI_2:.*]] = arith.minsi %{{.*}}, %{{.*}} : index
// CHECK: %[[MAXSI:.*]] = arith.maxsi %{{.*}}, %[[C0]] : index
// CHECK: %[[DIVUI:.*]] = arith.divui %[[MAXSI]], %[[C64]] : index
// CHECK: %[[MINSI_3:.*]] = arith.minsi %{{.*}}, %{{.*}} : index
// CHECK: %[[MAXSI_2:.*]] = arith.maxsi %[[MINSI_3]], %[[C0]] : index
// CHECK: %[[CEILDIVUI_2:.*]] = arith.ceildivui %[[MAXSI_2]], %[[C64]] : index
// CHECK: %[[FOR_2:.*]]:3 = scf.for %[[I_4:.*]] = %[[C0]] to %[[DIVUI]] step %[[C1]] iter_args(%[[STATE_5:.*]] = %{{.*}}, %[[STATE_6:.*]] = %{{.*}}, %[[STATE_7:.*]] = %{{.*}}) -> (tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>)
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[C]][%{{.*}}, 0] [64, 64] [1, 1] : tensor<?x64xf32> to tensor<64x64xf32>
// CHECK: %[[MATMUL:.*]] = linalg.matmul ins(%[[SLICE]], %{{.*}} : tensor<64x64xf32>, tensor<64x16xf32>) outs(%{{.*}} : tensor<64x16xf32>) -> tensor<64x16xf32>
// CHECK: %[[SLICE_2:.*]] = tensor.extract_slice %[[K_ROPE]][%{{.*}}, 0] [64, 16] [1, 1] : tensor<?x16xf32> to tensor<64x16xf32>
// CHECK: %[[MATMUL_2:.*]] = linalg.matmul ins(%[[SLICE_2]], %{{.*}} : tensor<64x16xf32>, tensor<16x16xf32>) outs(%[[MATMUL]] : tensor<64x16xf32>) -> tensor<64x16xf32>
// CHECK: %[[MATERIALIZE_IN_DESTINATION:.*]] = bufferization.materialize_in_destination %{{.*}} in %[[STATE_5]] : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
// CHECK: %[[MATMUL_3:.*]] = linalg.matmul {{.*}}ins(%{{.*}}, %[[SLICE]] : tensor<64x16xf32>, tensor<64x64xf32>) outs(%{{.*}} : tensor<16x64xf32>) -> tensor<16x64xf32>
// CHECK: %[[INSIDE:.*]] = arith.divui %{{.*}}, %[[C64]] : index
// CHECK: %[[INSIDE_2:.*]] = arith.minsi %[[CEILDIVUI_2]], %[[INSIDE]] : index
// CHECK: %[[INSIDE_3:.*]] = arith.maxsi %[[DIVUI]], %[[INSIDE_2]] : index
// CHECK: %[[MASKED:.*]]:3 = scf.for %{{.*}} = %[[DIVUI]] to %[[INSIDE_3]] step %[[C1]] iter_args(%{{.*}} = %[[FOR_2]]#0, %{{.*}} = %[[FOR_2]]#1, %{{.*}} = %[[FOR_2]]#2)
// CHECK: %[[SCORES:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<64x16xf32>) outs(%{{.*}} : tensor<64x16xf32>)
// CHECK: arith.select %{{.*}}, %{{.*}}, %{{.*}} : f32
// CHECK: %[[FOR_3:.*]]:3 = scf.for %[[I_5:.*]] = %[[INSIDE_3]] to %[[CEILDIVUI_2]] step %[[C1]] iter_args(%[[STATE_8:.*]] = %[[MASKED]]#0, %[[STATE_9:.*]] = %[[MASKED]]#1, %[[STATE_10:.*]] = %[[MASKED]]#2) -> (tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>)
// CHECK: %[[MINSI_4:.*]] = arith.minsi %{{.*}}, %{{.*}} : index
// CHECK: %[[MATMUL_4:.*]] = linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<64x64xf32>, tensor<64x16xf32>) outs(%{{.*}} : tensor<64x16xf32>) -> tensor<64x16xf32>
// CHECK: %[[MINSI_5:.*]] = arith.minsi %{{.*}}, %{{.*}} : index
// CHECK: %[[MATMUL_5:.*]] = linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<64x16xf32>, tensor<16x16xf32>) outs(%[[MATMUL_4]] : tensor<64x16xf32>) -> tensor<64x16xf32>
// CHECK: %[[MATERIALIZE_IN_DESTINATION_2:.*]] = bufferization.materialize_in_destination %{{.*}} in %[[STATE_8]] : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
// CHECK: %[[MATMUL_6:.*]] = linalg.matmul {{.*}}ins(%{{.*}}, %{{.*}} : tensor<64x16xf32>, tensor<64x64xf32>) outs(%{{.*}} : tensor<16x64xf32>) -> tensor<16x64xf32>
// CHECK: %[[MINSI_6:.*]] = arith.minsi %{{.*}}, %[[C16]] : index
// CHECK: %[[SLICE_3:.*]] = tensor.extract_slice %{{.*}}[0, 0] [%[[MINSI_6]], 64] [1, 1] : tensor<16x64xf32> to tensor<?x64xf32>
// CHECK: %[[SLICE_4:.*]] = tensor.extract_slice %{{.*}}[0] [%[[MINSI_6]]] [1] : tensor<16xf32> to tensor<?xf32>
// CHECK: scf.forall.in_parallel
// CHECK: tensor.parallel_insert_slice %[[SLICE_3]] into %[[STATE_3]][%{{.*}}, %[[I_3]], 0] [%[[MINSI_6]], 1, 64] [1, 1, 1] : tensor<?x64xf32> into tensor<?x4x64xf32>
// CHECK: tensor.parallel_insert_slice %[[SLICE_4]] into %[[STATE_4]][%{{.*}}, %[[I_3]]] [%[[MINSI_6]], 1] [1, 1] : tensor<?xf32> into tensor<?x4xf32>
// CHECK: return %[[FOR]]#0 : tensor<?x4x64xf32>
func.func @shared_keys(%q: tensor<?x4x64xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %c: tensor<?x64xf32>, %k_rope: tensor<?x16xf32>, %cu_keys: tensor<?xi32>) -> tensor<?x4x64xf32> {
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%c, %k_rope of %cu_keys) values(%c) {scale = 0.5 : f64}
      : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, tensor<?x64xf32>, tensor<?x16xf32>, tensor<?x64xf32>) -> tensor<?x4x64xf32>
  return %o : tensor<?x4x64xf32>
}
