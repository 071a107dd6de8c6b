// Values that become @prepare functions, and their calls.
//
// RUN: mla-opt %s --mla-fold=storage=bf16 --split-input-file | FileCheck %s
// RUN: mla-opt %s --mla-fold=storage=bf16 --mla-fold=storage=bf16 --split-input-file | FileCheck %s

// A bias is one row: f32 whatever the storage type, and its name stays that of a bias.
// CHECK-LABEL: func.func @bias
// CHECK-SAME: (%[[X:.*]]: tensor<?x48xf32>)
// CHECK: %[[W:.*]] = mla.weight "q_a_proj" : tensor<32x48xbf16>
// CHECK: %[[B:.*]] = mla.weight "q_a_proj.bias" : tensor<32xf32>
// CHECK: %[[Y:.*]] = mla.project %[[X]], %[[W]]
// CHECK: mla.bias %[[Y]], %[[B]]
// CHECK-LABEL: func.func @prepare.q_a_proj() -> tensor<32x48xbf16>
// CHECK-LABEL: func.func @prepare.q_a_proj.bias() -> tensor<32xf32>
// CHECK: %[[B:.*]] = mla.weight "model.layers.0.self_attn.q_a_proj.bias" : tensor<32xbf16>
// CHECK: %[[B_F32:.*]] = arith.extf %[[B]]
// CHECK: return %[[B_F32]]
module attributes {mla.checkpoint_prefix = "model.layers.0.self_attn."} {
  func.func @bias(%x: tensor<?x48xf32>) -> tensor<?x32xf32> {
    %w = mla.weight "model.layers.0.self_attn.q_a_proj.weight" : tensor<32x48xf32>
    %b = mla.weight "model.layers.0.self_attn.q_a_proj.bias" : tensor<32xbf16>
    %y = mla.project %x, %w : (tensor<?x48xf32>, tensor<32x48xf32>) -> tensor<?x32xf32>
    %z = mla.bias %y, %b : tensor<?x32xf32>, tensor<32xbf16>
    return %z : tensor<?x32xf32>
  }
}

// -----

// Two shapes of one weight would have the same name; the second gets a number.
// CHECK-LABEL: func.func @two_shapes
// CHECK-DAG: %[[FLAT:.*]] = mla.weight "w" : tensor<32x48xbf16>
// CHECK-DAG: %[[HEADS:.*]] = mla.weight "w_0" : tensor<4x8x48xbf16>
// CHECK: mla.project %{{.*}}, %[[FLAT]]
// CHECK: mla.project to_heads %{{.*}}, %[[HEADS]]
// CHECK-LABEL: func.func @prepare.w() -> tensor<32x48xbf16>
// CHECK-LABEL: func.func @prepare.w_0() -> tensor<4x8x48xbf16>
// CHECK: %[[W:.*]] = mla.weight "w.weight"
// CHECK: tensor.expand_shape %[[W]]
func.func @two_shapes(%x: tensor<?x48xf32>) -> (tensor<?x32xf32>, tensor<?x4x8xf32>) {
  %w = mla.weight "w.weight" : tensor<32x48xbf16>
  %h = tensor.expand_shape %w [[0, 1], [2]] output_shape [4, 8, 48] : tensor<32x48xbf16> into tensor<4x8x48xbf16>
  %y = mla.project %x, %w : (tensor<?x48xf32>, tensor<32x48xbf16>) -> tensor<?x32xf32>
  %z = mla.project to_heads %x, %h : (tensor<?x48xf32>, tensor<4x8x48xbf16>) -> tensor<?x4x8xf32>
  return %y, %z : tensor<?x32xf32>, tensor<?x4x8xf32>
}

// -----

// Functions share equal weights, in any order.
// CHECK-LABEL: func.func @first
// CHECK: mla.weight "kv_b.8to15" : tensor<4x8x48xbf16>
// CHECK-LABEL: func.func @second
// CHECK: mla.weight "kv_b.8to15" : tensor<4x8x48xbf16>
// CHECK-LABEL: func.func @prepare.kv_b.8to15
// CHECK-NOT: @prepare
func.func @first(%x: tensor<?x48xf32>) -> tensor<?x4x8xf32> {
  %w = mla.weight "kv_b.weight" : tensor<64x48xf8E4M3FN>
  %s = mla.weight "kv_b.weight_scale_inv" : tensor<1x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<64x48xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x48xf32>
  %h = tensor.expand_shape %d [[0, 1], [2]] output_shape [4, 16, 48] : tensor<64x48xf32> into tensor<4x16x48xf32>
  %v = tensor.extract_slice %h[0, 8, 0] [4, 8, 48] [1, 1, 1] : tensor<4x16x48xf32> to tensor<4x8x48xf32>
  %y = mla.project to_heads %x, %v : (tensor<?x48xf32>, tensor<4x8x48xf32>) -> tensor<?x4x8xf32>
  return %y : tensor<?x4x8xf32>
}
func.func @second(%x: tensor<?x48xf32>) -> tensor<?x4x8xf32> {
  %s = mla.weight "kv_b.weight_scale_inv" : tensor<1x1xf32>
  %w = mla.weight "kv_b.weight" : tensor<64x48xf8E4M3FN>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<64x48xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x48xf32>
  %h = tensor.expand_shape %d [[0, 1], [2]] output_shape [4, 16, 48] : tensor<64x48xf32> into tensor<4x16x48xf32>
  %v = tensor.extract_slice %h[0, 8, 0] [4, 8, 48] [1, 1, 1] : tensor<4x16x48xf32> to tensor<4x8x48xf32>
  %y = mla.project to_heads %x, %v : (tensor<?x48xf32>, tensor<4x8x48xf32>) -> tensor<?x4x8xf32>
  return %y : tensor<?x4x8xf32>
}

// -----

// With a storage type, dequantization gives f32, which is rounded once, at the end.
// CHECK-LABEL: func.func @rounded_once
// CHECK-LABEL: func.func @prepare.w() -> tensor<4x4xbf16>
// CHECK: %[[D:.*]] = mla.dequantize %{{.*}}, %{{.*}} {{.*}} -> tensor<4x4xf32>
// CHECK: %[[R:.*]] = arith.truncf %[[D]] : tensor<4x4xf32> to tensor<4x4xbf16>
// CHECK: return %[[R]]
func.func @rounded_once(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = mla.weight "w" : tensor<4x4xf8E4M3FN>
  %s = mla.weight "s" : tensor<1x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 4, 4>} : tensor<4x4xf8E4M3FN>, tensor<1x1xf32> -> tensor<4x4xbf16>
  %y = mla.project %x, %d : (tensor<?x4xf32>, tensor<4x4xbf16>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
