// Projections that are left as they are, with a remark that says why.
//
// RUN: mla-opt %s --mla-choose-products=for-kernels --mla-quantize=for-kernels --split-input-file --verify-diagnostics | FileCheck %s --implicit-check-not="mla.quantize"

// CHECK-LABEL: func.func @product_of_weights
// expected-remark @+1 {{weight 'w_uk_x_w_uq' is not multiplied in e4m3: it is a product of weights}}
func.func @prepare.w_uk_x_w_uq() -> tensor<2x256x320xbf16> {
  %a = mla.weight "a" : tensor<2x256x192xf32>
  %b = mla.weight "b" : tensor<2x192x320xf32>
  %w = mla.compose %a, %b : (tensor<2x256x192xf32>, tensor<2x192x320xf32>) -> tensor<2x256x320xf32>
  %r = arith.truncf %w : tensor<2x256x320xf32> to tensor<2x256x320xbf16>
  return %r : tensor<2x256x320xbf16>
}
func.func @product_of_weights(%x: tensor<?x320xbf16>) -> tensor<?x2x256xbf16> {
  %w = mla.weight "w_uk_x_w_uq" : tensor<2x256x320xbf16>
  // CHECK: mla.project to_heads %arg0,
  %y = mla.project to_heads %x, %w : (tensor<?x320xbf16>, tensor<2x256x320xbf16>) -> tensor<?x2x256xbf16>
  return %y : tensor<?x2x256xbf16>
}

// -----

// CHECK-LABEL: func.func @unscaled
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it has no scales in the checkpoint}}
func.func @prepare.w() -> tensor<192x320xbf16> {
  %w = mla.weight "a" : tensor<192x320xbf16>
  return %w : tensor<192x320xbf16>
}
func.func @unscaled(%x: tensor<?x320xbf16>) -> tensor<?x192xbf16> {
  %w = mla.weight "w" : tensor<192x320xbf16>
  %y = mla.project %x, %w : (tensor<?x320xbf16>, tensor<192x320xbf16>) -> tensor<?x192xbf16>
  return %y : tensor<?x192xbf16>
}

// -----

// An adapter's update, for example.
// CHECK-LABEL: func.func @sum
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it is computed by arith.addf}}
func.func @prepare.w() -> tensor<192x320xf32> {
  %w = mla.weight "a" : tensor<192x320xf8E4M3FN>
  %s = mla.weight "s" : tensor<2x3xf32>
  %u = mla.weight "u" : tensor<192x320xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<192x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<192x320xf32>
  %r = arith.addf %d, %u : tensor<192x320xf32>
  return %r : tensor<192x320xf32>
}
func.func @sum(%x: tensor<?x320xbf16>) -> tensor<?x192xbf16> {
  %w = mla.weight "w" : tensor<192x320xf32>
  %y = mla.project %x, %w : (tensor<?x320xbf16>, tensor<192x320xf32>) -> tensor<?x192xbf16>
  return %y : tensor<?x192xbf16>
}

// -----

// CHECK-LABEL: func.func @other_elements
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it has elements of tensor<192x320xf8E5M2> in the checkpoint}}
func.func @prepare.w() -> tensor<192x320xf32> {
  %w = mla.weight "a" : tensor<192x320xf8E5M2>
  %s = mla.weight "s" : tensor<2x3xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<192x320xf8E5M2>, tensor<2x3xf32> -> tensor<192x320xf32>
  return %d : tensor<192x320xf32>
}
func.func @other_elements(%x: tensor<?x320xbf16>) -> tensor<?x192xbf16> {
  %w = mla.weight "w" : tensor<192x320xf32>
  %y = mla.project %x, %w : (tensor<?x320xbf16>, tensor<192x320xf32>) -> tensor<?x192xbf16>
  return %y : tensor<?x192xbf16>
}

// -----

// Blocks that are joined again would not be a grid.
// CHECK-LABEL: func.func @collapsed
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it moves its blocks apart by tensor.collapse_shape}}
func.func @prepare.w() -> tensor<384x64xf32> {
  %w = mla.weight "a" : tensor<384x64xf8E4M3FN>
  %s = mla.weight "s" : tensor<3x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<384x64xf8E4M3FN>, tensor<3x1xf32> -> tensor<384x64xf32>
  %h = tensor.expand_shape %d [[0, 1], [2]] output_shape [2, 192, 64] : tensor<384x64xf32> into tensor<2x192x64xf32>
  %r = tensor.collapse_shape %h [[0, 1], [2]] : tensor<2x192x64xf32> into tensor<384x64xf32>
  return %r : tensor<384x64xf32>
}
func.func @collapsed(%x: tensor<?x64xbf16>) -> tensor<?x384xbf16> {
  %w = mla.weight "w" : tensor<384x64xf32>
  %y = mla.project %x, %w : (tensor<?x64xbf16>, tensor<384x64xf32>) -> tensor<?x384xbf16>
  return %y : tensor<?x384xbf16>
}

// -----

// CHECK-LABEL: func.func @rows_of_no_kernel
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it is 60 x 320 with a scale per 128 columns, which no kernel multiplies in e4m3}}
func.func @prepare.w() -> tensor<60x320xf32> {
  %w = mla.weight "a" : tensor<60x320xf8E4M3FN>
  %s = mla.weight "s" : tensor<1x3xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<60x320xf8E4M3FN>, tensor<1x3xf32> -> tensor<60x320xf32>
  return %d : tensor<60x320xf32>
}
func.func @rows_of_no_kernel(%x: tensor<?x320xbf16>) -> tensor<?x60xbf16> {
  %w = mla.weight "w" : tensor<60x320xf32>
  %y = mla.project %x, %w : (tensor<?x320xbf16>, tensor<60x320xf32>) -> tensor<?x60xbf16>
  return %y : tensor<?x60xbf16>
}

// -----

// CHECK-LABEL: func.func @group_of_no_kernel
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it is 64 x 96 with a scale per 16 columns, which no kernel multiplies in e4m3}}
func.func @prepare.w() -> tensor<64x2x48xf32> {
  %w = mla.weight "a" : tensor<64x96xf8E4M3FN>
  %s = mla.weight "s" : tensor<1x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<64x96xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x96xf32>
  %h = tensor.expand_shape %d [[0], [1, 2]] output_shape [64, 2, 48] : tensor<64x96xf32> into tensor<64x2x48xf32>
  return %h : tensor<64x2x48xf32>
}
func.func @group_of_no_kernel(%x: tensor<?x2x48xbf16>) -> tensor<?x64xbf16> {
  %w = mla.weight "w" : tensor<64x2x48xf32>
  %y = mla.project from_heads %x, %w : (tensor<?x2x48xbf16>, tensor<64x2x48xf32>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

// CHECK-LABEL: func.func @another_user
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it is used by an operation that is no projection}}
func.func @prepare.w() -> tensor<64x128xf32> {
  %w = mla.weight "a" : tensor<64x128xf8E4M3FN>
  %s = mla.weight "s" : tensor<1x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
  return %d : tensor<64x128xf32>
}
func.func @another_user(%x: tensor<?x128xbf16>) -> (tensor<?x64xbf16>, tensor<64x128xf32>) {
  %w = mla.weight "w" : tensor<64x128xf32>
  %y = mla.project %x, %w : (tensor<?x128xbf16>, tensor<64x128xf32>) -> tensor<?x64xbf16>
  return %y, %w : tensor<?x64xbf16>, tensor<64x128xf32>
}

// -----

// The weight is x too.
// CHECK-LABEL: func.func @multiplied_by_itself
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it is used by an operation that is no projection}}
func.func @prepare.w() -> tensor<128x128xf32> {
  %w = mla.weight "a" : tensor<128x128xf8E4M3FN>
  %s = mla.weight "s" : tensor<1x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<128x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<128x128xf32>
  return %d : tensor<128x128xf32>
}
func.func @multiplied_by_itself() -> tensor<128x128xf32> {
  %w = mla.weight "w" : tensor<128x128xf32>
  %y = mla.project %w, %w : (tensor<128x128xf32>, tensor<128x128xf32>) -> tensor<128x128xf32>
  return %y : tensor<128x128xf32>
}

// -----

// Heads that are transposed to the front of columns share a block of rows.
// CHECK-LABEL: func.func @blocks_across_heads
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it has blocks across heads}}
func.func @prepare.w() -> tensor<64x16x128xf32> {
  %w = mla.weight "a" : tensor<1024x128xf8E4M3FN>
  %s = mla.weight "s" : tensor<8x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<1024x128xf8E4M3FN>, tensor<8x1xf32> -> tensor<1024x128xf32>
  %h = tensor.expand_shape %d [[0, 1], [2]] output_shape [64, 16, 128] : tensor<1024x128xf32> into tensor<64x16x128xf32>
  return %h : tensor<64x16x128xf32>
}
func.func @blocks_across_heads(%x: tensor<?x16x128xbf16>) -> tensor<?x64xbf16> {
  %w = mla.weight "w" : tensor<64x16x128xf32>
  %y = mla.project from_heads %x, %w : (tensor<?x16x128xbf16>, tensor<64x16x128xf32>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

// CHECK-LABEL: func.func @declared
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it is not the one result of @prepare.w, without arguments and branches}}
func.func private @prepare.w() -> tensor<64x128xf32>
func.func @declared(%x: tensor<?x128xbf16>) -> tensor<?x64xbf16> {
  %w = mla.weight "w" : tensor<64x128xf32>
  %y = mla.project %x, %w : (tensor<?x128xbf16>, tensor<64x128xf32>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

// CHECK-LABEL: func.func @with_arguments
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it is not the one result of @prepare.w, without arguments and branches}}
func.func @prepare.w(%w: tensor<64x128xf8E4M3FN>, %s: tensor<1x1xf32>) -> tensor<64x128xf32> {
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
  return %d : tensor<64x128xf32>
}
func.func @with_arguments(%x: tensor<?x128xbf16>) -> tensor<?x64xbf16> {
  %w = mla.weight "w" : tensor<64x128xf32>
  %y = mla.project %x, %w : (tensor<?x128xbf16>, tensor<64x128xf32>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

// CHECK-LABEL: func.func @without_result
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it is not the one result of @prepare.w, without arguments and branches}}
func.func @prepare.w() {
  return
}
func.func @without_result(%x: tensor<?x128xbf16>) -> tensor<?x64xbf16> {
  %w = mla.weight "w" : tensor<64x128xf32>
  %y = mla.project %x, %w : (tensor<?x128xbf16>, tensor<64x128xf32>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

// CHECK-LABEL: func.func @terms
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it has elements of tensor<64x2x128xf8E4M3FN> in the checkpoint}}
func.func @prepare.w() -> tensor<64x128xf32> {
  %w = mla.weight "a" : tensor<64x2x128xf8E4M3FN>
  %s = mla.weight "s" : tensor<1x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 64, 128>} : tensor<64x2x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
  return %d : tensor<64x128xf32>
}
func.func @terms(%x: tensor<?x128xbf16>) -> tensor<?x64xbf16> {
  %w = mla.weight "w" : tensor<64x128xf32>
  %y = mla.project %x, %w : (tensor<?x128xbf16>, tensor<64x128xf32>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

// A second weight has the name of the scales.
// CHECK-LABEL: func.func @name_in_use
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it would have its scales in @prepare.w_scale, which is in use}}
func.func @prepare.w() -> tensor<64x128xf32> {
  %w = mla.weight "a" : tensor<64x128xf8E4M3FN>
  %s = mla.weight "s" : tensor<1x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
  return %d : tensor<64x128xf32>
}
func.func @prepare.w_scale() -> tensor<128xf32> {
  %w = mla.weight "b" : tensor<128xf32>
  return %w : tensor<128xf32>
}
func.func @name_in_use(%x: tensor<?x128xbf16>) -> tensor<?x64xbf16> {
  %w = mla.weight "w" : tensor<64x128xf32>
  %y = mla.project %x, %w : (tensor<?x128xbf16>, tensor<64x128xf32>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

// Gates in e4m3, and ups that are not.
// CHECK-LABEL: func.func @mixed_pieces
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it has no scales in the checkpoint}}
func.func @prepare.w() -> tensor<128x128xf32> {
  %a = mla.weight "a" : tensor<64x128xf8E4M3FN>
  %s = mla.weight "s" : tensor<1x1xf32>
  %b = mla.weight "b" : tensor<64x128xf32>
  %d = mla.dequantize %a, %s {block = array<i64: 128, 128>} : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
  %all = tensor.concat dim(0) %d, %b : (tensor<64x128xf32>, tensor<64x128xf32>) -> tensor<128x128xf32>
  return %all : tensor<128x128xf32>
}
func.func @mixed_pieces(%x: tensor<?x128xbf16>) -> tensor<?x128xbf16> {
  %w = mla.weight "w" : tensor<128x128xf32>
  %y = mla.project %x, %w : (tensor<?x128xbf16>, tensor<128x128xf32>) -> tensor<?x128xbf16>
  return %y : tensor<?x128xbf16>
}

// -----

// An error of e4m3 may choose another expert.
// CHECK-LABEL: func.func @router
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it makes logits, which choose experts or tokens}}
func.func @prepare.w() -> tensor<16x128xf32> {
  %a = mla.weight "a" : tensor<16x128xf8E4M3FN>
  %s = mla.weight "s" : tensor<1x1xf32>
  %d = mla.dequantize %a, %s {block = array<i64: 128, 128>} : tensor<16x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<16x128xf32>
  return %d : tensor<16x128xf32>
}
func.func @router(%x: tensor<?x128xbf16>) -> tensor<?x3xi32> {
  %w = mla.weight "w" : tensor<16x128xf32>
  %y = mla.project %x, %w : (tensor<?x128xbf16>, tensor<16x128xf32>) -> tensor<?x16xf32>
  %e, %f = mla.route softmax %y : tensor<?x16xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  return %e : tensor<?x3xi32>
}

// -----

// CHECK-LABEL: func.func @logits
// expected-remark @+1 {{weight 'w' is not multiplied in e4m3: it makes logits, which choose experts or tokens}}
func.func @prepare.w() -> tensor<16x128xf32> {
  %a = mla.weight "a" : tensor<16x128xf8E4M3FN>
  %s = mla.weight "s" : tensor<1x1xf32>
  %d = mla.dequantize %a, %s {block = array<i64: 128, 128>} : tensor<16x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<16x128xf32>
  return %d : tensor<16x128xf32>
}
func.func @logits(%x: tensor<?x128xbf16>) -> tensor<?x16xf32> attributes {mla.end = "logits"} {
  %w = mla.weight "w" : tensor<16x128xf32>
  %y = mla.project %x, %w : (tensor<?x128xbf16>, tensor<16x128xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
