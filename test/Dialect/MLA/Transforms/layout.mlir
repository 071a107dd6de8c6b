// RUN: mla-opt %s --mla-fold --mla-layout --split-input-file | FileCheck %s
// RUN: mla-opt %s --mla-fold --mla-layout --mla-layout --split-input-file | FileCheck %s
// RUN: mla-opt %s --mla-fold --mla-layout=panel=8 --split-input-file | FileCheck %s --check-prefix=EIGHT

// CHECK-LABEL: func.func @plain
// CHECK-SAME: (%[[X:.*]]: tensor<?x48xf32>)
// CHECK: %[[W:.*]] = mla.weight "w" : tensor<2x48x30xf32>
// CHECK: mla.project %[[X]], %[[W]] panels : (tensor<?x48xf32>, tensor<2x48x30xf32>) -> tensor<?x60xf32>
// CHECK-LABEL: func.func @prepare.w() -> tensor<2x48x30xf32>
// CHECK: %[[W:.*]] = mla.weight "w" : tensor<60x48xf32>
// CHECK: %[[E:.*]] = tensor.empty() : tensor<2x48x30xf32>
// CHECK: %[[P:.*]] = linalg.pack %[[W]] inner_dims_pos = [0] inner_tiles = [30] into %[[E]] : tensor<60x48xf32> -> tensor<2x48x30xf32>
// CHECK: return %[[P]]
// EIGHT-LABEL: func.func @prepare.w() -> tensor<10x48x6xf32>
func.func @plain(%x: tensor<?x48xf32>) -> tensor<?x60xf32> {
  %w = mla.weight "w" : tensor<60x48xf32>
  %y = mla.project %x, %w : (tensor<?x48xf32>, tensor<60x48xf32>) -> tensor<?x60xf32>
  return %y : tensor<?x60xf32>
}

// -----

// Rows of all heads together: a panel may span heads.
// CHECK-LABEL: func.func @to_heads
// CHECK: mla.project to_heads %{{.*}}, %{{.*}} panels : (tensor<?x48xf32>, tensor<3x48x32xf32>) -> tensor<?x4x24xf32>
// CHECK-LABEL: func.func @prepare.w() -> tensor<3x48x32xf32>
// CHECK: %[[W:.*]] = mla.weight "w" : tensor<4x24x48xf32>
// CHECK: %[[C:.*]] = tensor.collapse_shape %[[W]] {{\[}}[0, 1], [2]] : tensor<4x24x48xf32> into tensor<96x48xf32>
// CHECK: linalg.pack %[[C]] inner_dims_pos = [0] inner_tiles = [32] into %{{.*}} : tensor<96x48xf32> -> tensor<3x48x32xf32>
func.func @to_heads(%x: tensor<?x48xf32>) -> tensor<?x4x24xf32> {
  %w = mla.weight "w" : tensor<4x24x48xf32>
  %y = mla.project to_heads %x, %w : (tensor<?x48xf32>, tensor<4x24x48xf32>) -> tensor<?x4x24xf32>
  return %y : tensor<?x4x24xf32>
}

// -----

// CHECK-LABEL: func.func @per_head
// CHECK: mla.project per_head %{{.*}}, %{{.*}} panels : (tensor<?x4x48xf32>, tensor<4x1x48x24xf32>) -> tensor<?x4x24xf32>
// CHECK-LABEL: func.func @prepare.w() -> tensor<4x1x48x24xf32>
// CHECK: %[[W:.*]] = mla.weight "w" : tensor<4x24x48xf32>
// CHECK: linalg.pack %[[W]] inner_dims_pos = [1] inner_tiles = [24] into %{{.*}} : tensor<4x24x48xf32> -> tensor<4x1x48x24xf32>
func.func @per_head(%x: tensor<?x4x48xf32>) -> tensor<?x4x24xf32> {
  %w = mla.weight "w" : tensor<4x24x48xf32>
  %y = mla.project per_head %x, %w : (tensor<?x4x48xf32>, tensor<4x24x48xf32>) -> tensor<?x4x24xf32>
  return %y : tensor<?x4x24xf32>
}

// -----

// CHECK-LABEL: func.func @from_heads
// CHECK: mla.project from_heads %{{.*}}, %{{.*}} panels : (tensor<?x4x48xf32>, tensor<5x192x32xf32>) -> tensor<?x160xf32>
// CHECK-LABEL: func.func @prepare.w() -> tensor<5x192x32xf32>
// CHECK: %[[W:.*]] = mla.weight "w" : tensor<160x4x48xf32>
// CHECK: %[[C:.*]] = tensor.collapse_shape %[[W]] {{\[}}[0], [1, 2]] : tensor<160x4x48xf32> into tensor<160x192xf32>
// CHECK: linalg.pack %[[C]] inner_dims_pos = [0] inner_tiles = [32] into %{{.*}} : tensor<160x192xf32> -> tensor<5x192x32xf32>
func.func @from_heads(%x: tensor<?x4x48xf32>) -> tensor<?x160xf32> {
  %w = mla.weight "w" : tensor<160x4x48xf32>
  %y = mla.project from_heads %x, %w : (tensor<?x4x48xf32>, tensor<160x4x48xf32>) -> tensor<?x160xf32>
  return %y : tensor<?x160xf32>
}

// -----

// W_UV: up-projects values in prefill, follows the attention in decode. One
// weight with panels within a head is used by both.
// CHECK-LABEL: func.func @prefill
// CHECK: %[[W:.*]] = mla.weight "w_uv" : tensor<4x1x64x32xf32>
// CHECK: %[[C:.*]] = tensor.collapse_shape %[[W]] {{\[}}[0, 1], [2], [3]] : tensor<4x1x64x32xf32> into tensor<4x64x32xf32>
// CHECK: mla.project to_heads %{{.*}}, %[[C]] panels : (tensor<?x64xf32>, tensor<4x64x32xf32>) -> tensor<?x4x32xf32>
// CHECK-LABEL: func.func @decode
// CHECK: %[[W:.*]] = mla.weight "w_uv" : tensor<4x1x64x32xf32>
// CHECK: mla.project per_head %{{.*}}, %[[W]] panels : (tensor<?x4x64xf32>, tensor<4x1x64x32xf32>) -> tensor<?x4x32xf32>
// CHECK-LABEL: func.func @prepare.w_uv() -> tensor<4x1x64x32xf32>
func.func @prefill(%c: tensor<?x64xf32>) -> tensor<?x4x32xf32> {
  %w = mla.weight "w_uv" : tensor<4x32x64xf32>
  %v = mla.project to_heads %c, %w : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  return %v : tensor<?x4x32xf32>
}
func.func @decode(%o_l: tensor<?x4x64xf32>) -> tensor<?x4x32xf32> {
  %w = mla.weight "w_uv" : tensor<4x32x64xf32>
  %o = mla.project per_head %o_l, %w : (tensor<?x4x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

// No panel size of 4 or more divides 74 rows; values without a projection stay.
// CHECK-LABEL: func.func @left_as_they_are
// CHECK-DAG: mla.weight "narrow" : tensor<74x48xf32>
// CHECK-DAG: mla.weight "gamma" : tensor<64xf32>
// CHECK-NOT: panels
// CHECK-NOT: linalg.pack
func.func @left_as_they_are(%x: tensor<?x48xf32>, %z: tensor<?x64xf32>) -> (tensor<?x74xf32>, tensor<?x64xf32>) {
  %w = mla.weight "narrow" : tensor<74x48xf32>
  %y = mla.project %x, %w : (tensor<?x48xf32>, tensor<74x48xf32>) -> tensor<?x74xf32>
  %gamma = mla.weight "gamma" : tensor<64xf32>
  %n = mla.rms_norm %z, %gamma {epsilon = 1.0e-6 : f64} : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x64xf32>
  return %y, %n : tensor<?x74xf32>, tensor<?x64xf32>
}

// -----

// Uses without a common layout: nothing changes.
// CHECK-LABEL: func.func @two_kinds
// CHECK: %[[W:.*]] = mla.weight "w" : tensor<48x4x48xf32>
// CHECK: mla.project from_heads %{{.*}}, %[[W]] : (tensor<?x4x48xf32>, tensor<48x4x48xf32>)
// CHECK: mla.project to_heads %{{.*}}, %[[W]] : (tensor<?x48xf32>, tensor<48x4x48xf32>)
// CHECK-NOT: linalg.pack
func.func @two_kinds(%x: tensor<?x4x48xf32>) -> tensor<?x48x4xf32> {
  %w = mla.weight "w" : tensor<48x4x48xf32>
  %y = mla.project from_heads %x, %w : (tensor<?x4x48xf32>, tensor<48x4x48xf32>) -> tensor<?x48xf32>
  %z = mla.project to_heads %y, %w : (tensor<?x48xf32>, tensor<48x4x48xf32>) -> tensor<?x48x4xf32>
  return %z : tensor<?x48x4xf32>
}

// -----

// The rows of an update's matrices, which lanes hold, are their last index.
// CHECK-LABEL: func.func @updates
// CHECK-DAG: %[[A:.*]] = mla.weight "a" : tensor<3x48x8xf32>
// CHECK-DAG: %[[B:.*]] = mla.weight "b" : tensor<3x4x8x32xf32>
// CHECK-DAG: %[[A_O:.*]] = mla.weight "a_o" : tensor<3x4x32x8xf32>
// CHECK-DAG: %[[B_O:.*]] = mla.weight "b_o" : tensor<3x8x48xf32>
// CHECK: mla.adapt %{{.*}} by %{{.*}}, %[[A]] panels, %[[B]] panels of
// CHECK: mla.adapt %{{.*}} by %{{.*}}, %[[A_O]] panels, %[[B_O]] panels of
// CHECK-LABEL: func.func @prepare.b() -> tensor<3x4x8x32xf32>
// CHECK: %[[W:.*]] = mla.weight "b" : tensor<3x4x32x8xf32>
// CHECK: linalg.transpose ins(%[[W]] : tensor<3x4x32x8xf32>) outs(%{{.*}} : tensor<3x4x8x32xf32>) permutation = [0, 1, 3, 2]
// CHECK-LABEL: func.func @prepare.a_o() -> tensor<3x4x32x8xf32>
// CHECK: %[[W:.*]] = mla.weight "a_o" : tensor<3x8x4x32xf32>
// CHECK: linalg.transpose ins(%[[W]] : tensor<3x8x4x32xf32>) outs(%{{.*}} : tensor<3x4x32x8xf32>) permutation = [0, 2, 3, 1]
func.func @updates(%y: tensor<?x4x32xf32>, %x: tensor<?x48xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) -> tensor<?x48xf32> {
  %a = mla.weight "a" : tensor<3x8x48xf32>
  %b = mla.weight "b" : tensor<3x4x32x8xf32>
  %a_o = mla.weight "a_o" : tensor<3x8x4x32xf32>
  %b_o = mla.weight "b_o" : tensor<3x48x8xf32>
  %r = mla.adapt %y by %x, %a, %b of %n for %cu
      : (tensor<?x4x32xf32>, tensor<?x48xf32>, tensor<3x8x48xf32>, tensor<3x4x32x8xf32>) -> tensor<?x4x32xf32>
  %s = mla.adapt %x by %r, %a_o, %b_o of %n for %cu
      : (tensor<?x48xf32>, tensor<?x4x32xf32>, tensor<3x8x4x32xf32>, tensor<3x48x8xf32>) -> tensor<?x48xf32>
  return %s : tensor<?x48xf32>
}

// -----

// One update sums the heads that another reads: nothing changes.
// CHECK-LABEL: func.func @two_updates
// CHECK: %[[A:.*]] = mla.weight "a" : tensor<3x4x32x32xf32>
// CHECK: mla.adapt %{{.*}} by %{{.*}}, %[[A]], %{{.*}}
// CHECK: mla.adapt %{{.*}} by %{{.*}}, %[[A]], %{{.*}}
// CHECK-NOT: linalg.transpose ins(%{{.*}} : tensor<3x4x32x32xf32>)
func.func @two_updates(%z: tensor<?x48xf32>, %x: tensor<?x32x32xf32>, %v: tensor<?x4x32xf32>, %w: tensor<?x4x32xf32>,
                       %n: tensor<?xi32>, %cu: tensor<?xi32>) -> (tensor<?x4x32xf32>, tensor<?x48xf32>) {
  %a = mla.weight "a" : tensor<3x4x32x32xf32>
  %b = mla.weight "b" : tensor<3x32x32xf32>
  %c = mla.weight "c" : tensor<3x48x4xf32>
  %r = mla.adapt %v by %w, %a, %b of %n for %cu
      : (tensor<?x4x32xf32>, tensor<?x4x32xf32>, tensor<3x4x32x32xf32>, tensor<3x32x32xf32>) -> tensor<?x4x32xf32>
  %s = mla.adapt %z by %x, %a, %c of %n for %cu
      : (tensor<?x48xf32>, tensor<?x32x32xf32>, tensor<3x4x32x32xf32>, tensor<3x48x4xf32>) -> tensor<?x48xf32>
  return %r, %s : tensor<?x4x32xf32>, tensor<?x48xf32>
}
