// Gathers and exchanges along other dimensions are those of blocks, between transposes.
//
// RUN: mla-opt %s --mla-to-linalg | FileCheck %s

shard.grid @ranks(shape = 2x3)

// CHECK-LABEL: func.func @heads_of_all
// CHECK-SAME: (%[[Q:.*]]: tensor<?x2x8xf32>)
// CHECK: %[[ONE:.*]] = tensor.expand_shape %[[Q]] {{\[\[}}0, 1], [2], [3]]
// CHECK: %[[ALL:.*]] = shard.all_gather %[[ONE]] on @ranks grid_axes = [1] gather_axis = 0 : tensor<1x?x2x8xf32> -> tensor<3x?x2x8xf32>
// CHECK: %[[MOVED:.*]] = linalg.transpose ins(%[[ALL]] : {{.*}} permutation = [1, 0, 2, 3]
// CHECK: %[[R:.*]] = tensor.collapse_shape %[[MOVED]] {{\[\[}}0], [1, 2], [3]] : tensor<?x3x2x8xf32> into tensor<?x6x8xf32>
// CHECK: return %[[R]]
func.func @heads_of_all(%q: tensor<?x2x8xf32>) -> tensor<?x6x8xf32> {
  %all = shard.all_gather %q on @ranks grid_axes = [1] gather_axis = 1 : tensor<?x2x8xf32> -> tensor<?x6x8xf32>
  return %all : tensor<?x6x8xf32>
}

// CHECK-LABEL: func.func @own_heads
// CHECK-SAME: (%[[O:.*]]: tensor<1x?x6x8xf32>)
// CHECK: %[[SPLIT:.*]] = tensor.expand_shape %[[O]] {{\[\[}}0], [1], [2, 3], [4]]
// CHECK: %[[BLOCKS:.*]] = linalg.transpose ins(%[[SPLIT]] : {{.*}} permutation = [2, 0, 1, 3, 4]
// CHECK: %[[X:.*]] = shard.all_to_all %[[BLOCKS]] on @ranks grid_axes = [1] split_axis = 0 concat_axis = 0 : tensor<3x1x?x2x8xf32> -> tensor<3x1x?x2x8xf32>
// CHECK: %[[R:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2], [3], [4]] : tensor<3x1x?x2x8xf32> into tensor<3x?x2x8xf32>
// CHECK: return %[[R]]
func.func @own_heads(%o: tensor<1x?x6x8xf32>) -> tensor<3x?x2x8xf32> {
  %own = shard.all_to_all %o on @ranks grid_axes = [1] split_axis = 2 concat_axis = 0
      : tensor<1x?x6x8xf32> -> tensor<3x?x2x8xf32>
  return %own : tensor<3x?x2x8xf32>
}
