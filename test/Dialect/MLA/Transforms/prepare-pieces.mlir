// Concatenated weights are one prepared weight, whose panels do not reach into two pieces.
//
// RUN: mla-opt %s --mla-fold=storage=bf16 --mla-layout --split-input-file | FileCheck %s

// Panels of 24 rows: 32 would divide the 96 rows, but not the 48 of a piece.
// CHECK-LABEL: func.func @gate_and_up
// CHECK-SAME: (%[[X:.*]]: tensor<?x40xf32>)
// CHECK: %[[W:.*]] = mla.weight "gate_up" : tensor<4x40x24xbf16>
// CHECK: mla.project %[[X]], %[[W]] panels : (tensor<?x40xf32>, tensor<4x40x24xbf16>) -> tensor<?x96xf32>
// CHECK-LABEL: func.func @prepare.gate_up() -> tensor<4x40x24xbf16>
// CHECK: %[[GATE:.*]] = mla.weight "gate" : tensor<48x40xf32>
// CHECK: %[[UP:.*]] = mla.weight "up" : tensor<48x40xf32>
// CHECK: %[[BOTH:.*]] = tensor.concat dim(0) %[[GATE]], %[[UP]] : (tensor<48x40xf32>, tensor<48x40xf32>) -> tensor<96x40xf32>
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[BOTH]]
// CHECK: linalg.pack %[[ROUNDED]] inner_dims_pos = [0] inner_tiles = [24]
func.func @gate_and_up(%x: tensor<?x40xf32>) -> tensor<?x96xf32> {
  %gate = mla.weight "gate" : tensor<48x40xf32>
  %up = mla.weight "up" : tensor<48x40xf32>
  %w = tensor.concat dim(0) %gate, %up {mla.name = "gate_up"} : (tensor<48x40xf32>, tensor<48x40xf32>) -> tensor<96x40xf32>
  %y = mla.project %x, %w : (tensor<?x40xf32>, tensor<96x40xf32>) -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// -----

// Scaled pieces are dequantized one by one. An expert is packed as a head. The correction of a router is f32.
// CHECK-LABEL: func.func @experts
// CHECK-DAG: %[[W:.*]] = mla.weight "down" : tensor<2x1x16x32xbf16>
// CHECK-DAG: %[[B:.*]] = mla.weight "b" : tensor<2xf32>
// CHECK: mla.route sigmoid %{{.*}} corrected %[[B]] : tensor<2xf32>
// CHECK: mla.experts_project %{{.*}}, %[[W]] panels of %{{.*}} : (tensor<?x16xf32>, tensor<2x1x16x32xbf16>, tensor<?x1xi32>) -> tensor<?x1x32xf32>
// CHECK-LABEL: func.func @prepare.b() -> tensor<2xf32>
// CHECK-LABEL: func.func @prepare.down() -> tensor<2x1x16x32xbf16>
// CHECK: %[[W0:.*]] = mla.dequantize {{.*}} -> tensor<32x16xf32>
// CHECK: %[[W1:.*]] = mla.dequantize {{.*}} -> tensor<32x16xf32>
// CHECK: %[[ROWS:.*]] = tensor.concat dim(0) %[[W0]], %[[W1]] : (tensor<32x16xf32>, tensor<32x16xf32>) -> tensor<64x16xf32>
// CHECK: tensor.expand_shape %[[ROWS]]
// CHECK: linalg.pack %{{.*}} inner_dims_pos = [1] inner_tiles = [32]
func.func @experts(%x: tensor<?x16xf32>, %logits: tensor<?x2xf32>) -> tensor<?x1x32xf32> {
  %b = mla.weight "b" : tensor<2xbf16>
  %e, %f = mla.route sigmoid %logits corrected %b : tensor<2xbf16> : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %w0 = mla.weight "w0" : tensor<32x16xf8E4M3FN>
  %s0 = mla.weight "s0" : tensor<1x1xf32>
  %d0 = mla.dequantize %w0, %s0 {block = array<i64: 128, 128>} : tensor<32x16xf8E4M3FN>, tensor<1x1xf32> -> tensor<32x16xf32>
  %w1 = mla.weight "w1" : tensor<32x16xf8E4M3FN>
  %s1 = mla.weight "s1" : tensor<1x1xf32>
  %d1 = mla.dequantize %w1, %s1 {block = array<i64: 128, 128>} : tensor<32x16xf8E4M3FN>, tensor<1x1xf32> -> tensor<32x16xf32>
  %rows = tensor.concat dim(0) %d0, %d1 {mla.name = "down"} : (tensor<32x16xf32>, tensor<32x16xf32>) -> tensor<64x16xf32>
  %w = tensor.expand_shape %rows [[0, 1], [2]] output_shape [2, 32, 16] : tensor<64x16xf32> into tensor<2x32x16xf32>
  %y = mla.experts_project %x, %w of %e : (tensor<?x16xf32>, tensor<2x32x16xf32>, tensor<?x1xi32>) -> tensor<?x1x32xf32>
  return %y : tensor<?x1x32xf32>
}
