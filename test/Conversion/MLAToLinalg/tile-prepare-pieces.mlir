// A tile of concatenated weights is of one piece, which its offset selects.
//
// RUN: mla-opt %s --mla-tile-prepare --split-input-file | FileCheck %s
// RUN: mla-opt %s --mla-tile-prepare --split-input-file --mla-to-cpu | FileCheck %s --check-prefix=LOWERED

// LOWERED-NOT: unrealized_conversion_cast

// CHECK-LABEL: func.func @prepare.gate_up
// CHECK-SAME: %[[A:.*]]: tensor<1024x512xf32> {mla.weight = "a"}, %[[B:.*]]: tensor<1024x512xf32> {mla.weight = "b"}, %[[OFFSETS:.*]]: tensor<2xi64>, %[[TILE:.*]]: tensor<512x512xf32>)
// CHECK-SAME: mla.tile = array<i64: 512, 512>
// CHECK: %[[SIZE:.*]] = arith.constant 1024 : index
// CHECK: %[[PIECE:.*]] = arith.divui %[[AT:.*]], %[[SIZE]]
// CHECK: %[[ROW:.*]] = arith.remui %[[AT]], %
// CHECK: %[[MADE:.*]] = scf.index_switch %[[PIECE]] -> tensor<512x512xf32>
// CHECK: case 0 {
// CHECK: %[[OF_A:.*]] = tensor.extract_slice %[[A]][%[[ROW]], 0] [512, 512] [1, 1]
// CHECK: scf.yield %[[OF_A]]
// CHECK: default {
// CHECK: %[[OF_B:.*]] = tensor.extract_slice %[[B]][%[[ROW]], 0] [512, 512] [1, 1]
// CHECK: scf.yield %[[OF_B]]
// CHECK: bufferization.materialize_in_destination %[[MADE]] in %[[TILE]]
func.func @prepare.gate_up(%a: tensor<1024x512xf32> {mla.weight = "a"}, %b: tensor<1024x512xf32> {mla.weight = "b"}) -> tensor<2048x512xf32> {
  %w = tensor.concat dim(0) %a, %b : (tensor<1024x512xf32>, tensor<1024x512xf32>) -> tensor<2048x512xf32>
  return %w : tensor<2048x512xf32>
}

// -----

// Experts, packed: a tile is of one expert, and of gate or up.
// CHECK-LABEL: func.func @prepare.experts
// CHECK-SAME: mla.tile = array<i64: 1, 2, 1024, 32>
// CHECK: scf.index_switch
// CHECK: case 2 {
// CHECK: default {
func.func @prepare.experts(%a: tensor<64x1024xf32> {mla.weight = "a"}, %b: tensor<64x1024xf32> {mla.weight = "b"}, %c: tensor<64x1024xf32> {mla.weight = "c"}, %d: tensor<64x1024xf32> {mla.weight = "d"}) -> tensor<2x4x1024x32xf32> {
  %rows = tensor.concat dim(0) %a, %b, %c, %d : (tensor<64x1024xf32>, tensor<64x1024xf32>, tensor<64x1024xf32>, tensor<64x1024xf32>) -> tensor<256x1024xf32>
  %w = tensor.expand_shape %rows [[0, 1], [2]] output_shape [2, 128, 1024] : tensor<256x1024xf32> into tensor<2x128x1024xf32>
  %e = tensor.empty() : tensor<2x4x1024x32xf32>
  %p = linalg.pack %w inner_dims_pos = [1] inner_tiles = [32] into %e : tensor<2x128x1024xf32> -> tensor<2x4x1024x32xf32>
  return %p : tensor<2x4x1024x32xf32>
}

// -----

// A given tile in two pieces is made row by row.
// CHECK-LABEL: func.func @prepare.in_two
// CHECK: scf.for
// CHECK: scf.index_switch %{{.*}} -> tensor<1x4xf32>
func.func @prepare.in_two(%a: tensor<3x4xf32> {mla.weight = "a"}, %b: tensor<3x4xf32> {mla.weight = "b"}) -> tensor<6x4xf32>
    attributes {mla.tile = array<i64: 2, 4>} {
  %w = tensor.concat dim(0) %a, %b : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<6x4xf32>
  return %w : tensor<6x4xf32>
}
