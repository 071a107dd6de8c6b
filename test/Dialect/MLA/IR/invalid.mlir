// One case per constraint, named for its label in MLAOps.td.
//
// RUN: mla-opt %s --split-input-file --verify-diagnostics

func.func @weight_c1_static_shape() {
  // expected-error @+1 {{(C1) the shape of a weight must be static}}
  %w = mla.weight "w" : tensor<?x4xf32>
  return
}

// -----

func.func @dequantize_c1_one_shape(%w: tensor<4x4xf8E4M3FN>, %s: tensor<1x1xf32>) {
  // expected-error @+1 {{(C1) scale must have the rank of the result, and x its shape, or one with a dimension 1 of two terms}}
  %x = mla.dequantize %w, %s {block = array<i64: 4, 4>} : tensor<4x4xf8E4M3FN>, tensor<1x1xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @dequantize_c1_rank(%w: tensor<4x4xf8E4M3FN>, %s: tensor<1xf32>) {
  // expected-error @+1 {{(C1) scale must have the rank of the result}}
  %x = mla.dequantize %w, %s {block = array<i64: 4, 4>} : tensor<4x4xf8E4M3FN>, tensor<1xf32> -> tensor<4x4xf32>
  return
}

// -----

func.func @dequantize_c1_three_terms(%x: tensor<?x3x64xf8E4M3FN>, %s: tensor<?x3x1xf32>) {
  // expected-error @+1 {{(C1) scale must have the rank of the result, and x its shape, or one with a dimension 1 of two terms}}
  %y = mla.dequantize %x, %s {block = array<i64: 1, 1, 64>} : tensor<?x3x64xf8E4M3FN>, tensor<?x3x1xf32> -> tensor<?x64xf32>
  return
}

// -----

// The number of terms is part of the code.
func.func @dequantize_c1_dynamic_terms(%x: tensor<?x?x64xf8E4M3FN>, %s: tensor<?x?x1xf32>) {
  // expected-error @+1 {{(C1) scale must have the rank of the result, and x its shape, or one with a dimension 1 of two terms}}
  %y = mla.dequantize %x, %s {block = array<i64: 1, 1, 64>} : tensor<?x?x64xf8E4M3FN>, tensor<?x?x1xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dequantize_c2_block(%w: tensor<4x4xf8E4M3FN>, %s: tensor<1x1xf32>) {
  // expected-error @+1 {{(C2) block must have 2 positive sizes, 1 in a dynamic dimension, got [4, 0]}}
  %x = mla.dequantize %w, %s {block = array<i64: 4, 0>} : tensor<4x4xf8E4M3FN>, tensor<1x1xf32> -> tensor<4x4xf32>
  return
}

// -----

func.func @dequantize_c2_rank(%w: tensor<4x4xf8E4M3FN>, %s: tensor<1x1xf32>) {
  // expected-error @+1 {{(C2) block must have 2 positive sizes, 1 in a dynamic dimension, got [4]}}
  %x = mla.dequantize %w, %s {block = array<i64: 4>} : tensor<4x4xf8E4M3FN>, tensor<1x1xf32> -> tensor<4x4xf32>
  return
}

// -----

func.func @dequantize_c2_dynamic_dimension(%w: tensor<?x4xf8E4M3FN>, %s: tensor<?x1xf32>) {
  // expected-error @+1 {{(C2) block must have 2 positive sizes, 1 in a dynamic dimension, got [4, 4]}}
  %x = mla.dequantize %w, %s {block = array<i64: 4, 4>} : tensor<?x4xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @dequantize_c1_scales_of_terms(%x: tensor<?x2x64xf8E4M3FN>, %s: tensor<?x2x1xf32>) {
  // expected-error @+1 {{(C1) scale must have the rank of the result}}
  %y = mla.dequantize %x, %s {block = array<i64: 1, 1, 64>} : tensor<?x2x64xf8E4M3FN>, tensor<?x2x1xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dequantize_c3_scales(%w: tensor<320x192xf8E4M3FN>, %s: tensor<3x1xf32>) {
  // expected-error @+1 {{(C3) scale has 1 elements in dimension 1, expected 2}}
  %x = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<320x192xf8E4M3FN>, tensor<3x1xf32> -> tensor<320x192xf32>
  return
}

// -----

func.func @dequantize_c1_terms_are_last(%x: tensor<?x64x2xf8E4M3FN>, %s: tensor<?x1xf32>) {
  // expected-error @+1 {{(C1) scale must have the rank of the result, and x its shape, or one with a dimension 2 of two terms}}
  %y = mla.dequantize %x, %s {block = array<i64: 1, 64>, term_dim = 2 : i64} : tensor<?x64x2xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @quantize_c1_terms_in_another_dimension(%x: tensor<?x3x64xf32>) {
  // expected-error @+1 {{(C1) the elements must have x's shape, with two terms another dimension 2 of 2}}
  %q, %s = mla.quantize %x {group = 64 : i64, terms = 2 : i64, term_dim = 2 : i64} : tensor<?x3x64xf32> -> tensor<?x2x3x64xf8E4M3FN>, tensor<?x3x1xf32>
  return
}

// -----

func.func @quantize_c1_rank(%x: tensor<64xf32>) {
  // expected-error @+1 {{(C1) x must have at least two dimensions, of which only the first may be dynamic}}
  %q, %s = mla.quantize %x {group = 64 : i64} : tensor<64xf32> -> tensor<64xf8E4M3FN>, tensor<1xf32>
  return
}

// -----

func.func @quantize_c1_dynamic_columns(%x: tensor<?x?xf32>) {
  // expected-error @+1 {{(C1) x must have at least two dimensions, of which only the first may be dynamic}}
  %q, %s = mla.quantize %x {group = 64 : i64} : tensor<?x?xf32> -> tensor<?x?xf8E4M3FN>, tensor<?x?xf32>
  return
}

// -----

func.func @quantize_c1_shape(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{(C1) the elements must have x's shape, with two terms another dimension 1 of 2}}
  %q, %s = mla.quantize %x {group = 64 : i64, terms = 2 : i64} : tensor<?x64xf32> -> tensor<?x64xf8E4M3FN>, tensor<?x1xf32>
  return
}

// -----

func.func @quantize_c2_group(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{(C2) expected a positive group, and 1 or 2 terms, got 0 and 1}}
  %q, %s = mla.quantize %x {group = 0 : i64} : tensor<?x64xf32> -> tensor<?x64xf8E4M3FN>, tensor<?x1xf32>
  return
}

// -----

func.func @quantize_c2_negative_group(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{(C2) expected a positive group, and 1 or 2 terms, got -64 and 1}}
  %q, %s = mla.quantize %x {group = -64 : i64} : tensor<?x64xf32> -> tensor<?x64xf8E4M3FN>, tensor<?x1xf32>
  return
}

// -----

func.func @quantize_c2_terms(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{(C2) expected a positive group, and 1 or 2 terms, got 64 and 3}}
  %q, %s = mla.quantize %x {group = 64 : i64, terms = 3 : i64} : tensor<?x64xf32> -> tensor<?x3x64xf8E4M3FN>, tensor<?x3x1xf32>
  return
}

// -----

func.func @quantize_c3_scales(%x: tensor<?x160xf32>) {
  // expected-error @+1 {{(C3) expected scales of 'tensor<?x2xf32>', got 'tensor<?x2x1xf32>'}}
  %q, %s = mla.quantize %x {group = 128 : i64, terms = 2 : i64} : tensor<?x160xf32> -> tensor<?x2x160xf8E4M3FN>, tensor<?x2x1xf32>
  return
}

// -----

func.func @quantize_to_another_type(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{result #0 must be tensor of f8E4M3FN, but got 'tensor<?x64xf8E5M2>'}}
  %q, %s = mla.quantize %x {group = 64 : i64} : tensor<?x64xf32> -> tensor<?x64xf8E5M2>, tensor<?x1xf32>
  return
}

// -----

func.func @compose_c1_heads(%a: tensor<4x64x32xf32>, %b: tensor<2x32x48xf32>) {
  // expected-error @+1 {{(C1) operands must have rank 3 and one number of heads}}
  %w = mla.compose %a, %b : (tensor<4x64x32xf32>, tensor<2x32x48xf32>) -> tensor<4x64x48xf32>
  return
}

// -----

func.func @compose_c2_contraction(%a: tensor<4x64x32xf32>, %b: tensor<4x31x48xf32>) {
  // expected-error @+1 {{(C2) the outer weight reads 32 elements, the inner one writes 31}}
  %w = mla.compose %a, %b : (tensor<4x64x32xf32>, tensor<4x31x48xf32>) -> tensor<4x64x48xf32>
  return
}

// -----

func.func @compose_c3_f16(%a: tensor<4x64x32xf32>, %b: tensor<4x32x48xf16>) {
  // expected-error @+1 {{(C3) f16 cannot represent a product of weights; use bf16 or f32}}
  %w = mla.compose %a, %b : (tensor<4x64x32xf32>, tensor<4x32x48xf16>) -> tensor<4x64x48xf32>
  return
}

// -----

func.func @project_c1_plain_rank(%x: tensor<?x4x48xf32>, %w: tensor<32x48xf32>) {
  // expected-error @+1 {{(C1) plain expects x of rank 2 and a result of rank 2}}
  %y = mla.project %x, %w : (tensor<?x4x48xf32>, tensor<32x48xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @project_c1_from_heads_rank(%x: tensor<?x48xf32>, %w: tensor<32x4x48xf32>) {
  // expected-error @+1 {{(C1) from_heads expects x of rank 3 and a result of rank 2}}
  %y = mla.project from_heads %x, %w : (tensor<?x48xf32>, tensor<32x4x48xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @project_c2_sizes_beyond_32_bits(%x: tensor<?x48xf32>, %w: tensor<4x9223372036854775807x48xf32>) {
  // expected-error @+1 {{(C2) sizes must be at most 2147483647}}
  %y = mla.project to_heads %x, %w : (tensor<?x48xf32>, tensor<4x9223372036854775807x48xf32>) -> tensor<?x4x9223372036854775807xf32>
  return
}

// -----

func.func @project_c2_dynamic_width(%x: tensor<?x?xf32>, %w: tensor<32x48xf32>) {
  // expected-error @+1 {{(C2) only the number of tokens may be dynamic}}
  %y = mla.project %x, %w : (tensor<?x?xf32>, tensor<32x48xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @project_c2_input_before_output(%x: tensor<?x48xf32>, %w: tensor<48x32xf32>) {
  // expected-error @+1 {{(C2) weight has shape [48, 32], expected [32, 48]}}
  %y = mla.project %x, %w : (tensor<?x48xf32>, tensor<48x32xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @project_c2_heads(%x: tensor<?x4x48xf32>, %w: tensor<8x32x48xf32>) {
  // expected-error @+1 {{(C2) weight has shape [8, 32, 48], expected [4, 32, 48]}}
  %y = mla.project per_head %x, %w : (tensor<?x4x48xf32>, tensor<8x32x48xf32>) -> tensor<?x4x32xf32>
  return
}

// -----

func.func @project_c2_panels(%x: tensor<?x48xf32>, %w: tensor<4x8x48xf32>) {
  // expected-error @+1 {{(C2) weight has shape [4, 8, 48], expected [2, 48, 48]}}
  %y = mla.project %x, %w panels : (tensor<?x48xf32>, tensor<4x8x48xf32>) -> tensor<?x96xf32>
  return
}

// -----

func.func @project_c3_panel_divides_rows(%x: tensor<?x48xf32>, %w: tensor<4x48x7xf32>) {
  // expected-error @+1 {{(C3) panels of 7 do not divide 32 rows}}
  %y = mla.project %x, %w panels : (tensor<?x48xf32>, tensor<4x48x7xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @bias_c1_shape(%x: tensor<?x4x8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{(C1) bias has shape [8], expected [4, 8]}}
  %y = mla.bias %x, %b : tensor<?x4x8xf32>, tensor<8xf32>
  return
}

// -----

func.func @rms_norm_c1_gamma(%x: tensor<?x64xf32>, %g: tensor<32xf32>) {
  // expected-error @+1 {{(C1) gamma has shape [32], expected [64]}}
  %y = mla.rms_norm %x, %g {epsilon = 1.0e-06 : f64} : tensor<?x64xf32>, tensor<32xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @rms_norm_c2_result(%x: tensor<?x64xf32>, %g: tensor<64xf32>) {
  // expected-error @+1 {{(C2) result has shape}}
  %y = mla.rms_norm %x, %g {epsilon = 1.0e-06 : f64} : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @rms_norm_c3_epsilon(%x: tensor<?x64xf32>, %g: tensor<64xf32>) {
  // expected-error @+1 {{(C3) epsilon must not be negative}}
  %y = mla.rms_norm %x, %g {epsilon = -1.0e-06 : f64} : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @rope_c1_odd(%x: tensor<?x5xf32>, %p: tensor<?xi32>) {
  // expected-error @+1 {{(C1) x must be [T, R] or [T, H, R] with an even R}}
  %y = mla.rope interleaved %x at %p {frequencies = array<f32: 1.0, 0.5>} : tensor<?x5xf32>
  return
}

// -----

func.func @rope_c1_rank(%x: tensor<4xf32>, %p: tensor<?xi32>) {
  // expected-error @+1 {{(C1) x must be [T, R] or [T, H, R] with an even R}}
  %y = mla.rope half_split %x at %p {frequencies = array<f32: 1.0, 0.5>} : tensor<4xf32>
  return
}

// -----

func.func @rope_c2_frequencies(%x: tensor<?x4xf32>, %p: tensor<?xi32>) {
  // expected-error @+1 {{(C2) expected 2 frequencies for 4 elements, got 1}}
  %y = mla.rope interleaved %x at %p {frequencies = array<f32: 1.0>} : tensor<?x4xf32>
  return
}

// -----

func.func @position_scale_c1_original(%x: tensor<?x4xf32>, %p: tensor<?xi32>) {
  // expected-error @+1 {{(C1) original must be positive}}
  %y = mla.position_scale %x at %p {beta = 0.1 : f64, original = 0 : i64} : tensor<?x4xf32>
  return
}

// -----

func.func @append_c1_latent(%c: tensor<?x32xf32>, %k: tensor<?x16xf32>, %p: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>) {
  // expected-error @+1 {{(C1) latent has shape}}
  %new = mla.append %c, %k at %p of %p into %cache : tensor<?x32xf32>, tensor<?x16xf32> into !mla.cache<page = 16, latent = 64, rope = 16, f32>
  return
}

// -----

func.func @append_c1_k_rope(%c: tensor<?x64xf32>, %k: tensor<?x8xf32>, %p: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>) {
  // expected-error @+1 {{(C1) k_rope has shape}}
  %new = mla.append %c, %k at %p of %p into %cache : tensor<?x64xf32>, tensor<?x8xf32> into !mla.cache<page = 16, latent = 64, rope = 16, f32>
  return
}
