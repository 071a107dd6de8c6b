// A @prepare function computes the box of its weight at given offsets.
//
// RUN: mla-opt %s --mla-tile-prepare --split-input-file | FileCheck %s
// RUN: mla-opt %s --mla-tile-prepare --split-input-file --mla-to-cpu | FileCheck %s --check-prefix=LOWERED

// LOWERED-NOT: unrealized_conversion_cast

// A product: one head, all columns. Its sums are written to the packed layout directly, before they are rounded.
// CHECK-LABEL: func.func @prepare.product
// CHECK-SAME: %[[A:.*]]: tensor<64x3x16xf32> {mla.weight = "a"}, %[[B:.*]]: tensor<3x16x40xf32> {mla.weight = "b"},
// CHECK-SAME: %[[OFFSETS:.*]]: tensor<3xi64>, %[[TILE:.*]]: tensor<2x40x32xf32>, %[[STORED:.*]]: tensor<2x40x32xbf16>
// CHECK-SAME: mla.tile = array<i64: 2, 40, 32>
// CHECK-DAG: tensor.extract_slice %[[A]][{{.*}}] [64, 1, 16] [1, 1, 1]
// CHECK-DAG: tensor.extract_slice %[[B]][{{.*}}] [1, 16, 40] [1, 1, 1]
// CHECK: %[[MADE:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[TILE]])
// CHECK: %[[PANEL:.*]] = linalg.transpose
// CHECK: vector.transfer_read %[[PANEL]]
// CHECK: %[[ELEMENT:.*]] = tensor.extract
// CHECK: %[[ALL:.*]] = vector.broadcast %[[ELEMENT]] : f32 to vector<32xf32>
// CHECK: vector.fma %[[ALL]]
// CHECK: vector.transfer_write {{.*}} : vector<32xf32>, tensor<2x40x32xf32>
// CHECK: %[[ROUNDED:.*]] = linalg.generic {{.*}} ins(%[[MADE]] : tensor<2x40x32xf32>)
// CHECK: arith.truncf
// CHECK: %[[OUT:.*]] = bufferization.materialize_in_destination %[[ROUNDED]] in %[[STORED]]
// CHECK: return %[[MADE]], %[[OUT]]
func.func @prepare.product(%a: tensor<64x3x16xf32> {mla.weight = "a"}, %b: tensor<3x16x40xf32> {mla.weight = "b"}) -> tensor<2x120x32xbf16> {
  %0 = tensor.empty() : tensor<3x64x16xf32>
  %t = linalg.transpose ins(%a : tensor<64x3x16xf32>) outs(%0 : tensor<3x64x16xf32>) permutation = [1, 0, 2]
  %w = mla.compose %t, %b : (tensor<3x64x16xf32>, tensor<3x16x40xf32>) -> tensor<3x64x40xf32>
  %1 = tensor.empty() : tensor<64x3x40xf32>
  %u = linalg.transpose ins(%w : tensor<3x64x40xf32>) outs(%1 : tensor<64x3x40xf32>) permutation = [1, 0, 2]
  %r = arith.truncf %u : tensor<64x3x40xf32> to tensor<64x3x40xbf16>
  %c = tensor.collapse_shape %r [[0], [1, 2]] : tensor<64x3x40xbf16> into tensor<64x120xbf16>
  %2 = tensor.empty() : tensor<2x120x32xbf16>
  %p = linalg.pack %c inner_dims_pos = [0] inner_tiles = [32] into %2 : tensor<64x120xbf16> -> tensor<2x120x32xbf16>
  return %p : tensor<2x120x32xbf16>
}

// -----

// Scales are those of the whole weight's blocks.
// CHECK-LABEL: func.func @prepare.scaled
// CHECK-SAME: %[[W:.*]]: tensor<64x48xf8E4M3FN> {mla.weight = "w"}, %[[S:.*]]: tensor<3x3xf32> {mla.weight = "s"}, %[[OFFSETS:.*]]: tensor<2xi64>, %[[TILE:.*]]: tensor<16x48xf32>
// CHECK: %[[AT:.*]] = tensor.extract %[[OFFSETS]]
// CHECK: %[[ROW:.*]] = arith.index_cast %[[AT]]
// CHECK: %[[PART:.*]] = tensor.extract_slice %[[W]][%[[ROW]], 0] [16, 48] [1, 1]
// CHECK: linalg.generic {{.*}} ins(%[[PART]]
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[GLOBAL:.*]] = arith.addi %[[ROW]], %[[I]]
// CHECK: %[[BLOCK:.*]] = arith.divui %[[GLOBAL]]
// CHECK: tensor.extract %[[S]][%[[BLOCK]], %{{.*}}]
func.func @prepare.scaled(%w: tensor<64x48xf8E4M3FN> {mla.weight = "w"}, %s: tensor<3x3xf32> {mla.weight = "s"}) -> tensor<64x48xf32>
    attributes {mla.tile = array<i64: 16, 48>} {
  %d = mla.dequantize %w, %s {block = array<i64: 24, 16>} : tensor<64x48xf8E4M3FN>, tensor<3x3xf32> -> tensor<64x48xf32>
  return %d : tensor<64x48xf32>
}

// -----

// Panels of 16 rows over heads of 8, half of the checkpoint's rows: rows are read one head after the other.
// CHECK-LABEL: func.func @prepare.spanning
// CHECK: %[[ROWS:.*]] = scf.for
// CHECK: tensor.extract_slice %{{.*}} [8, 12] [1, 1] : tensor<64x12xbf16>
// CHECK: tensor.insert_slice
// CHECK: linalg.pack
func.func @prepare.spanning(%a: tensor<64x12xbf16> {mla.weight = "a"}) -> tensor<2x12x16xbf16> {
  %h = tensor.expand_shape %a [[0, 1], [2]] output_shape [4, 16, 12] : tensor<64x12xbf16> into tensor<4x16x12xbf16>
  %s = tensor.extract_slice %h[0, 6, 0] [4, 8, 12] [1, 1, 1] : tensor<4x16x12xbf16> to tensor<4x8x12xbf16>
  %c = tensor.collapse_shape %s [[0, 1], [2]] : tensor<4x8x12xbf16> into tensor<32x12xbf16>
  %0 = tensor.empty() : tensor<2x12x16xbf16>
  %p = linalg.pack %c inner_dims_pos = [0] inner_tiles = [16] into %0 : tensor<32x12xbf16> -> tensor<2x12x16xbf16>
  return %p : tensor<2x12x16xbf16>
}

// -----

// Parts that are the tile itself, stored and rounded: the loop writes to separate memory.
// CHECK-LABEL: func.func @prepare.of_heads
// CHECK: %[[OWN:.*]] = bufferization.alloc_tensor() : tensor<8x48x128xf32>
// CHECK: %[[ROWS:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[OWN]])
// CHECK: bufferization.materialize_in_destination %[[ROWS]]
func.func @prepare.of_heads(%a: tensor<896x128xf32> {mla.weight = "a"}) -> tensor<8x48x128xbf16> {
  %h = tensor.expand_shape %a [[0, 1], [2]] output_shape [8, 112, 128] : tensor<896x128xf32> into tensor<8x112x128xf32>
  %s = tensor.extract_slice %h[0, 64, 0] [8, 48, 128] [1, 1, 1] : tensor<8x112x128xf32> to tensor<8x48x128xf32>
  %r = arith.truncf %s : tensor<8x48x128xf32> to tensor<8x48x128xbf16>
  return %r : tensor<8x48x128xbf16>
}

// -----

// A merged LoRA: both terms of the box, in one element type. The scale is a constant of the tile, not a weight.
// CHECK-LABEL: func.func @prepare.merged
// CHECK-SAME: %[[W:.*]]: tensor<64x48xf32> {mla.weight = "w"}, %[[B:.*]]: tensor<1x64x8xf32> {mla.weight = "b"}, %[[A:.*]]: tensor<1x8x48xf32> {mla.weight = "a"}, %[[OFFSETS:.*]]: tensor<2xi64>, %[[TILE:.*]]: tensor<16x48xf32>
// CHECK: %[[PART:.*]] = tensor.extract_slice %[[W]][%{{.*}}, 0] [16, 48] [1, 1]
// CHECK: %[[PRODUCT:.*]] = scf.for
// CHECK: vector.fma
// CHECK: %[[TWO:.*]] = arith.constant dense<2.000000e+00> : tensor<1x16x48xf32>
// CHECK: %[[SCALED:.*]] = arith.mulf %[[PRODUCT]], %[[TWO]] : tensor<1x16x48xf32>
// CHECK: %[[TERM:.*]] = tensor.collapse_shape %[[SCALED]]
// CHECK: %[[SUM:.*]] = arith.addf %[[PART]], %[[TERM]] : tensor<16x48xf32>
// CHECK: bufferization.materialize_in_destination %[[SUM]] in %[[TILE]]
func.func @prepare.merged(%w: tensor<64x48xf32> {mla.weight = "w"}, %b: tensor<1x64x8xf32> {mla.weight = "b"}, %a: tensor<1x8x48xf32> {mla.weight = "a"}) -> tensor<64x48xf32>
    attributes {mla.tile = array<i64: 16, 48>} {
  %p = mla.compose %b, %a : (tensor<1x64x8xf32>, tensor<1x8x48xf32>) -> tensor<1x64x48xf32>
  %two = arith.constant dense<2.0> : tensor<1x64x48xf32>
  %s = arith.mulf %p, %two : tensor<1x64x48xf32>
  %c = tensor.collapse_shape %s [[0, 1], [2]] : tensor<1x64x48xf32> into tensor<64x48xf32>
  %m = arith.addf %w, %c : tensor<64x48xf32>
  return %m : tensor<64x48xf32>
}

// -----

// A bias moved by W_O: one column whose number of steps is that of the values of all heads, so that tiles have few rows.
// CHECK-LABEL: func.func @prepare.moved_bias
// CHECK-SAME: tensor<16xf32>
// CHECK-SAME: mla.tile = array<i64: 16>
func.func @prepare.moved_bias(%o: tensor<1x7168x16384xf32> {mla.weight = "o"}, %b: tensor<1x16384x1xf32> {mla.weight = "b"}) -> tensor<7168xf32> {
  %p = mla.compose %o, %b : (tensor<1x7168x16384xf32>, tensor<1x16384x1xf32>) -> tensor<1x7168x1xf32>
  %c = tensor.collapse_shape %p [[0, 1, 2]] : tensor<1x7168x1xf32> into tensor<7168xf32>
  return %c : tensor<7168xf32>
}
