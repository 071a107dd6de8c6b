// Queries of all heads of a group attend to the pages of each rank, and partial results go back to the ranks of their
// heads. This rank has 2 heads, another one 3.
//
// RUN: mla-opt %s --mla-divide-tokens | FileCheck %s

!whole = !mla.cache<page = 4, latent = 8, rope = 2, f32>
!part = !mla.cache<page = 4, latent = 8, rope = 2, f32 part 1 of 2>

module attributes {mla.most_heads = 3 : i64} {
  shard.grid @ranks(shape = 1x2)

  // CHECK-LABEL: func.func @absorbed
  // CHECK-SAME: (%[[Q:.*]]: tensor<?x2x8xf32>, %[[QR:.*]]: tensor<?x2x2xf32>, %[[CU:.*]]: tensor<?xi32>, %[[CACHE:.*]]: !mla.cache<{{.*}}>, %[[SINKS:.*]]: tensor<2xf32>)
  // CHECK: %[[PADDED:.*]] = tensor.pad %[[Q]] low[0, 0, 0] high[0, 1, 0]
  // CHECK: %[[ALL:.*]] = shard.all_gather %[[PADDED]] on @ranks grid_axes = [1] gather_axis = 1 : tensor<?x3x8xf32> -> tensor<?x6x8xf32>
  // CHECK: %[[ALLR:.*]] = shard.all_gather %{{.*}} on @ranks grid_axes = [1] gather_axis = 1 : tensor<?x3x2xf32> -> tensor<?x6x2xf32>
  // CHECK: %[[O:.*]], %[[L:.*]] = mla.latent_attention queries(%[[ALL]], %[[ALLR]] of %[[CU]]) cache(%[[CACHE]]) {mask = #mla.mask<window = 9>, scale
  // CHECK: %[[ONE:.*]] = tensor.expand_shape %[[O]]
  // CHECK: %[[OX:.*]] = shard.all_to_all %[[ONE]] on @ranks grid_axes = [1] split_axis = 2 concat_axis = 0 : tensor<1x?x6x8xf32> -> tensor<2x?x3x8xf32>
  // CHECK: %[[OWN:.*]] = tensor.extract_slice %[[OX]][0, 0, 0, 0] [2, %{{.*}}, 2, 8]
  // CHECK: %[[LX:.*]] = shard.all_to_all %{{.*}} on @ranks grid_axes = [1] split_axis = 2 concat_axis = 0 : tensor<1x?x6xf32> -> tensor<2x?x3xf32>
  // CHECK: %[[LOWN:.*]] = tensor.extract_slice %[[LX]][0, 0, 0] [2, %{{.*}}, 2]
  // CHECK: %[[R:.*]], %{{.*}} = mla.merge %[[OWN]], %[[LOWN]] sinks(%[[SINKS]])
  // CHECK: return %[[R]]
  func.func @absorbed(%q: tensor<?x2x8xf32>, %q_rope: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %cache: !part,
                      %sinks: tensor<2xf32>) -> tensor<?x2x8xf32> {
    %o = mla.latent_attention queries(%q, %q_rope of %cu) cache(%cache) sinks(%sinks)
        {scale = 0.5 : f64, mask = #mla.mask<window = 9>}
        : (tensor<?x2x8xf32>, tensor<?x2x2xf32>, !part, tensor<2xf32>) -> tensor<?x2x8xf32>
    return %o : tensor<?x2x8xf32>
  }

  // CHECK-LABEL: func.func @naive
  // CHECK: %[[C:.*]], %[[K:.*]], %[[N:.*]] = mla.gather
  // CHECK-DAG: %[[CS:.*]] = shard.all_reduce %[[C]] on @ranks grid_axes = [1]
  // CHECK-DAG: %[[KS:.*]] = shard.all_reduce %[[K]] on @ranks grid_axes = [1]
  // CHECK: return %[[CS]], %[[KS]], %[[N]]
  func.func @naive(%cache: !part) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?xi32>) {
    %c, %k, %n = mla.gather %cache : !part
    return %c, %k, %n : tensor<?x8xf32>, tensor<?x2xf32>, tensor<?xi32>
  }

  // CHECK-LABEL: func.func @whole_cache
  // CHECK-NOT: shard
  func.func @whole_cache(%cache: !whole) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?xi32>) {
    %c, %k, %n = mla.gather %cache : !whole
    return %c, %k, %n : tensor<?x8xf32>, tensor<?x2xf32>, tensor<?xi32>
  }
}
