// With matrix tiles, blocks of 32 tokens are multiplied by a weight of bf16 in pairs; the rest as without.
//
// RUN: mla-opt %s --mla-to-linalg=matrix-tiles --canonicalize --cse | FileCheck %s
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s --check-prefix=NONE

// CHECK-DAG: #[[PERMUTED:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, d1)>
// CHECK-LABEL: func.func @tiles(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[W:.*]]: tensor<1x64x32xbf16>
// CHECK: %[[BF16:.*]] = scf.forall {{.*}} -> (tensor<?x1x64xbf16>)
// CHECK: %[[PANEL:.*]] = tensor.extract_slice %{{.*}} : tensor<1x1x64x32xbf16> to tensor<64x32xbf16>
// CHECK: %[[SPLIT:.*]] = tensor.expand_shape %[[PANEL]] {{\[\[}}0, 1], [2]] output_shape [32, 2, 32]
// CHECK: %[[PAIRS:.*]] = linalg.generic {indexing_maps = [#[[PERMUTED]], #{{.*}}], {{.*}} ins(%[[SPLIT]] : tensor<32x2x32xbf16>) outs(%{{.*}} : tensor<32x32x2xbf16>)
// CHECK: %[[BLOCK:.*]] = tensor.extract_slice %[[BF16]][%{{.*}}, 0, 0] [32, 1, 64]
// CHECK: %[[ROWS:.*]] = tensor.expand_shape %[[BLOCK]] {{\[\[}}0], [1, 2]] output_shape [32, 32, 2]
// CHECK: linalg.generic {{.*}} ins(%[[ROWS]], %[[PAIRS]] : tensor<32x32x2xbf16>, tensor<32x32x2xbf16>) outs(%{{.*}} : tensor<32x32xf32>) attrs = {mla.matrix_tiles}
// CHECK: linalg.matmul {{.*}} tensor<8x32xf32>
// CHECK: linalg.matmul {{.*}} tensor<1x32xf32>
// NONE-NOT: mla.matrix_tiles
func.func @tiles(%x: tensor<?x64xf32>, %w: tensor<1x64x32xbf16>) -> tensor<?x32xf32> {
  %y = mla.project %x, %w panels : (tensor<?x64xf32>, tensor<1x64x32xbf16>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// A weight of f32, panels of 16 rows and a sum of 48 products do not suit tiles.
// CHECK-LABEL: func.func @float32(
// CHECK-NOT: mla.matrix_tiles
func.func @float32(%x: tensor<?x64xf32>, %w: tensor<1x64x32xf32>) -> tensor<?x32xf32> {
  %y = mla.project %x, %w panels : (tensor<?x64xf32>, tensor<1x64x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
func.func @narrow_panels(%x: tensor<?x64xf32>, %w: tensor<2x64x16xbf16>) -> tensor<?x32xf32> {
  %y = mla.project %x, %w panels : (tensor<?x64xf32>, tensor<2x64x16xbf16>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
func.func @odd_sum(%x: tensor<?x48xf32>, %w: tensor<1x48x32xbf16>) -> tensor<?x32xf32> {
  %y = mla.project %x, %w panels : (tensor<?x48xf32>, tensor<1x48x32xbf16>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
