// Splits and tokens are parallel. Whole pages are read in place; the page at the causal edge is cut off first.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @latent_attention(
// CHECK-SAME: %[[Q:.*]]: tensor<?x4x64xf32>, %[[Q_ROPE:.*]]: tensor<?x4x16xf32>, %[[CU:.*]]: tensor<?xi32>, %[[PAGES:.*]]: tensor<?x16x80xf32>, %[[TABLE:.*]]: tensor<?x?xi32>, %[[LENGTHS:.*]]: tensor<?xi32>
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[FOR:.*]]:2 = scf.for %[[I:.*]] = %[[C0]] to %{{.*}} step %[[C1]] iter_args(%[[STATE:.*]] = %{{.*}}, %[[STATE_2:.*]] = %{{.*}}) -> (tensor<?xi32>, tensor<?xi32>)
// CHECK: %[[FOR_2:.*]]:2 = scf.for %[[I_2:.*]] = %[[C0]] to %{{.*}} step %[[C1]] iter_args(%[[STATE_3:.*]] = %[[STATE]], %[[STATE_4:.*]] = %[[STATE_2]]) -> (tensor<?xi32>, tensor<?xi32>)
// CHECK: %[[FOR_3:.*]] = scf.for %[[I_3:.*]] = %[[C0]] to %{{.*}} step %[[C1]] iter_args(%[[STATE_5:.*]] = %[[C1]]) -> (index)
// CHECK: %[[MAXSI:.*]] = arith.maxsi %[[STATE_5]], %{{.*}} : index
// CHECK: %[[MAXSI_2:.*]] = arith.maxsi %{{.*}}, %[[C1]] : index
// CHECK: %[[CEILDIVUI:.*]] = arith.ceildivui %[[C8]], %[[MAXSI_2]] : index
// CHECK: %[[CEILDIVUI_2:.*]] = arith.ceildivui %[[FOR_3]], %[[C16]] : index
// CHECK: %[[MINSI:.*]] = arith.minsi %[[CEILDIVUI]], %[[CEILDIVUI_2]] : index
// CHECK: %[[FORALL:.*]]:2 = scf.forall (%[[I_4:.*]], %[[I_5:.*]]) in (%[[MINSI]], %{{.*}}) shared_outs(%[[STATE_6:.*]] = %{{.*}}, %[[STATE_7:.*]] = %{{.*}}) -> (tensor<?x?x4x64xf32>, tensor<?x?x4xf32>)
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[Q]][%[[I_5]], 0, 0] [1, 4, 64] [1, 1, 1] : tensor<?x4x64xf32> to tensor<4x64xf32>
// CHECK: %[[SLICE_2:.*]] = tensor.extract_slice %[[Q_ROPE]][%[[I_5]], 0, 0] [1, 4, 16] [1, 1, 1] : tensor<?x4x16xf32> to tensor<4x16xf32>
// CHECK: %[[MAXSI_3:.*]] = arith.maxsi %{{.*}}, %[[C0]] : index
// CHECK: %[[CEILDIVUI_3:.*]] = arith.ceildivui %[[MAXSI_3]], %[[C16]] : index
// CHECK: %[[CEILDIVUI_4:.*]] = arith.ceildivui %[[CEILDIVUI_3]], %[[MINSI]] : index
// CHECK: %[[MINSI_2:.*]] = arith.minsi %{{.*}}, %[[CEILDIVUI_3]] : index
// CHECK: %[[DIVUI:.*]] = arith.divui %[[MAXSI_3]], %[[C16]] : index
// CHECK: %[[MINSI_3:.*]] = arith.minsi %[[MINSI_2]], %[[DIVUI]] : index
// CHECK: %[[FOR_4:.*]]:3 = scf.for %[[I_6:.*]] = %{{.*}} to %[[MINSI_3]] step %[[C1]] iter_args(%[[STATE_8:.*]] = %{{.*}}, %[[STATE_9:.*]] = %{{.*}}, %[[STATE_10:.*]] = %{{.*}}) -> (tensor<4xf32>, tensor<4xf32>, tensor<4x64xf32>)
// CHECK: %[[SLICE_3:.*]] = tensor.extract_slice %[[PAGES]][%{{.*}}, 0, 0] [1, 16, 64] [1, 1, 1] : tensor<?x16x80xf32> to tensor<16x64xf32>
// CHECK: %[[SLICE_4:.*]] = tensor.extract_slice %[[PAGES]][%{{.*}}, 0, 64] [1, 16, 16] [1, 1, 1] : tensor<?x16x80xf32> to tensor<16x16xf32>
// CHECK: %[[MATMUL:.*]] = linalg.matmul ins(%[[SLICE_3]], %{{.*}} : tensor<16x64xf32>, tensor<64x4xf32>) outs(%{{.*}} : tensor<16x4xf32>) -> tensor<16x4xf32>
// CHECK: %[[MATMUL_2:.*]] = linalg.matmul ins(%[[SLICE_4]], %{{.*}} : tensor<16x16xf32>, tensor<16x4xf32>) outs(%[[MATMUL]] : tensor<16x4xf32>) -> tensor<16x4xf32>
// CHECK: %[[MATERIALIZE_IN_DESTINATION:.*]] = bufferization.materialize_in_destination %{{.*}} in %[[STATE_8]] : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK: %[[MATMUL_3:.*]] = linalg.matmul {{.*}}ins(%{{.*}}, %[[SLICE_3]] : tensor<16x4xf32>, tensor<16x64xf32>) outs(%{{.*}} : tensor<4x64xf32>) -> tensor<4x64xf32>
// CHECK: %[[MAXSI_4:.*]] = arith.maxsi %{{.*}}, %[[DIVUI]] : index
// CHECK: %[[FOR_5:.*]]:3 = scf.for %[[I_7:.*]] = %[[MAXSI_4]] to %[[MINSI_2]] step %[[C1]] iter_args(%[[STATE_11:.*]] = %[[FOR_4]]#0, %[[STATE_12:.*]] = %[[FOR_4]]#1, %[[STATE_13:.*]] = %[[FOR_4]]#2) -> (tensor<4xf32>, tensor<4xf32>, tensor<4x64xf32>)
// CHECK: %[[SLICE_5:.*]] = tensor.extract_slice %[[PAGES]][%{{.*}}, 0, 0] [1, 16, 64] [1, 1, 1] : tensor<?x16x80xf32> to tensor<16x64xf32>
// CHECK: %[[SLICE_6:.*]] = tensor.extract_slice %[[PAGES]][%{{.*}}, 0, 64] [1, 16, 16] [1, 1, 1] : tensor<?x16x80xf32> to tensor<16x16xf32>
// CHECK: %[[MATMUL_4:.*]] = linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<16x64xf32>, tensor<64x4xf32>) outs(%{{.*}} : tensor<16x4xf32>) -> tensor<16x4xf32>
// CHECK: %[[MATMUL_5:.*]] = linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<16x16xf32>, tensor<16x4xf32>) outs(%[[MATMUL_4]] : tensor<16x4xf32>) -> tensor<16x4xf32>
// CHECK: %[[MATERIALIZE_IN_DESTINATION_2:.*]] = bufferization.materialize_in_destination %{{.*}} in %[[STATE_11]] : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK: %[[MATMUL_6:.*]] = linalg.matmul {{.*}}ins(%{{.*}}, %{{.*}} : tensor<16x4xf32>, tensor<16x64xf32>) outs(%{{.*}} : tensor<4x64xf32>) -> tensor<4x64xf32>
// CHECK: scf.forall.in_parallel
// CHECK: tensor.parallel_insert_slice %{{.*}} into %[[STATE_6]][%[[I_4]], %[[I_5]], 0, 0] [1, 1, 4, 64] [1, 1, 1, 1] : tensor<4x64xf32> into tensor<?x?x4x64xf32>
// CHECK: tensor.parallel_insert_slice %{{.*}} into %[[STATE_7]][%[[I_4]], %[[I_5]], 0] [1, 1, 4] [1, 1, 1] : tensor<4xf32> into tensor<?x?x4xf32>
// CHECK: return %{{.*}} : tensor<?x4x64xf32>
func.func @latent_attention(%q: tensor<?x4x64xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x64xf32> {
  %o = mla.latent_attention queries(%q, %q_rope of %cu) cache(%cache) {scale = 0.5 : f64}
      : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !cache) -> tensor<?x4x64xf32>
  return %o : tensor<?x4x64xf32>
}
