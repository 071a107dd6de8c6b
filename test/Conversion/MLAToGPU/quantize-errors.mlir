// Products and quantizations that no kernel computes.
//
// RUN: mla-opt %s --convert-mla-to-gpu --split-input-file --verify-diagnostics

func.func @blocks_across_heads(%hidden: tensor<?x64xbf16>) {
  %h = mla.weight "h" : tensor<2x128x64xbf16>
  %x = mla.kernel projection "x"(%a = %hidden, %b = %h) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}> : (tensor<?x64xbf16>, tensor<2x128x64xbf16>) -> tensor<?x2x128xbf16> {
    %z = mla.project to_heads %a, %b : (tensor<?x64xbf16>, tensor<2x128x64xbf16>) -> tensor<?x2x128xbf16>
    mla.yield %z : tensor<?x2x128xbf16>
  }
  %q:2 = mla.kernel quantize "q"(%a = %x) schedule <quantize> : (tensor<?x2x128xbf16>) -> (tensor<?x2x128xf8E4M3FN>, tensor<?x2x1xf32>) {
    %e, %s = mla.quantize %a {group = 128 : i64} : tensor<?x2x128xbf16> -> tensor<?x2x128xf8E4M3FN>, tensor<?x2x1xf32>
    mla.yield %e, %s : tensor<?x2x128xf8E4M3FN>, tensor<?x2x1xf32>
  }
  %w = mla.weight "w" : tensor<64x2x128xf8E4M3FN>
  %ws = mla.weight "w_scale" : tensor<1x1x1xf32>
  %y = mla.kernel projection "y"(%a = %q#0, %as = %q#1, %b = %w, %bs = %ws) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}>
      : (tensor<?x2x128xf8E4M3FN>, tensor<?x2x1xf32>, tensor<64x2x128xf8E4M3FN>, tensor<1x1x1xf32>) -> tensor<?x64xbf16> {
    %ad = mla.dequantize %a, %as {block = array<i64: 1, 1, 128>} : tensor<?x2x128xf8E4M3FN>, tensor<?x2x1xf32> -> tensor<?x2x128xf32>
    %bd = mla.dequantize %b, %bs {block = array<i64: 64, 2, 128>} : tensor<64x2x128xf8E4M3FN>, tensor<1x1x1xf32> -> tensor<64x2x128xf32>
    // expected-error @+1 {{multiplies by a weight with blocks across heads; compile with --dtype=bf16}}
    %z = mla.project from_heads %ad, %bd : (tensor<?x2x128xf32>, tensor<64x2x128xf32>) -> tensor<?x64xbf16>
    mla.yield %z : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @blocks_across_heads_of_rows(%x: tensor<?x128xbf16>) {
  %q:2 = mla.kernel quantize "q"(%a = %x) schedule <quantize> : (tensor<?x128xbf16>) -> (tensor<?x128xf8E4M3FN>, tensor<?x1xf32>) {
    %e, %s = mla.quantize %a {group = 128 : i64} : tensor<?x128xbf16> -> tensor<?x128xf8E4M3FN>, tensor<?x1xf32>
    mla.yield %e, %s : tensor<?x128xf8E4M3FN>, tensor<?x1xf32>
  }
  %w = mla.weight "w" : tensor<2x64x128xf8E4M3FN>
  %ws = mla.weight "w_scale" : tensor<1x1x1xf32>
  %y = mla.kernel projection "y"(%a = %q#0, %as = %q#1, %b = %w, %bs = %ws) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}>
      : (tensor<?x128xf8E4M3FN>, tensor<?x1xf32>, tensor<2x64x128xf8E4M3FN>, tensor<1x1x1xf32>) -> tensor<?x2x64xbf16> {
    %ad = mla.dequantize %a, %as {block = array<i64: 1, 128>} : tensor<?x128xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x128xf32>
    %bd = mla.dequantize %b, %bs {block = array<i64: 2, 64, 128>} : tensor<2x64x128xf8E4M3FN>, tensor<1x1x1xf32> -> tensor<2x64x128xf32>
    // expected-error @+1 {{multiplies by a weight with blocks across heads; compile with --dtype=bf16}}
    %z = mla.project to_heads %ad, %bd : (tensor<?x128xf32>, tensor<2x64x128xf32>) -> tensor<?x2x64xbf16>
    mla.yield %z : tensor<?x2x64xbf16>
  }
  return
}

// -----

// The rows of all heads are one matrix.
func.func @partial_blocks_of_rows(%x: tensor<?x128xbf16>) {
  %q:2 = mla.kernel quantize "q"(%a = %x) schedule <quantize> : (tensor<?x128xbf16>) -> (tensor<?x128xf8E4M3FN>, tensor<?x1xf32>) {
    %e, %s = mla.quantize %a {group = 128 : i64} : tensor<?x128xbf16> -> tensor<?x128xf8E4M3FN>, tensor<?x1xf32>
    mla.yield %e, %s : tensor<?x128xf8E4M3FN>, tensor<?x1xf32>
  }
  %w = mla.weight "w" : tensor<2x80x128xf8E4M3FN>
  %ws = mla.weight "w_scale" : tensor<2x2x1xf32>
  %y = mla.kernel projection "y"(%a = %q#0, %as = %q#1, %b = %w, %bs = %ws) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}>
      : (tensor<?x128xf8E4M3FN>, tensor<?x1xf32>, tensor<2x80x128xf8E4M3FN>, tensor<2x2x1xf32>) -> tensor<?x2x80xbf16> {
    %ad = mla.dequantize %a, %as {block = array<i64: 1, 128>} : tensor<?x128xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x128xf32>
    %bd = mla.dequantize %b, %bs {block = array<i64: 1, 64, 128>} : tensor<2x80x128xf8E4M3FN>, tensor<2x2x1xf32> -> tensor<2x80x128xf32>
    // expected-error @+1 {{multiplies by a weight whose heads do not have whole blocks; compile with --dtype=bf16}}
    %z = mla.project to_heads %ad, %bd : (tensor<?x128xf32>, tensor<2x80x128xf32>) -> tensor<?x2x80xbf16>
    mla.yield %z : tensor<?x2x80xbf16>
  }
  return
}

// -----

func.func @partial_blocks_of_columns(%hidden: tensor<?x64xbf16>) {
  %h = mla.weight "h" : tensor<2x192x64xbf16>
  %x = mla.kernel projection "x"(%a = %hidden, %b = %h) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}> : (tensor<?x64xbf16>, tensor<2x192x64xbf16>) -> tensor<?x2x192xbf16> {
    %z = mla.project to_heads %a, %b : (tensor<?x64xbf16>, tensor<2x192x64xbf16>) -> tensor<?x2x192xbf16>
    mla.yield %z : tensor<?x2x192xbf16>
  }
  %q:2 = mla.kernel quantize "q"(%a = %x) schedule <quantize> : (tensor<?x2x192xbf16>) -> (tensor<?x2x192xf8E4M3FN>, tensor<?x2x3xf32>) {
    %e, %s = mla.quantize %a {group = 64 : i64} : tensor<?x2x192xbf16> -> tensor<?x2x192xf8E4M3FN>, tensor<?x2x3xf32>
    mla.yield %e, %s : tensor<?x2x192xf8E4M3FN>, tensor<?x2x3xf32>
  }
  %w = mla.weight "w" : tensor<64x2x192xf8E4M3FN>
  %ws = mla.weight "w_scale" : tensor<1x2x2xf32>
  %y = mla.kernel projection "y"(%a = %q#0, %as = %q#1, %b = %w, %bs = %ws) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}>
      : (tensor<?x2x192xf8E4M3FN>, tensor<?x2x3xf32>, tensor<64x2x192xf8E4M3FN>, tensor<1x2x2xf32>) -> tensor<?x64xbf16> {
    %ad = mla.dequantize %a, %as {block = array<i64: 1, 1, 64>} : tensor<?x2x192xf8E4M3FN>, tensor<?x2x3xf32> -> tensor<?x2x192xf32>
    %bd = mla.dequantize %b, %bs {block = array<i64: 64, 1, 128>} : tensor<64x2x192xf8E4M3FN>, tensor<1x2x2xf32> -> tensor<64x2x192xf32>
    // expected-error @+1 {{multiplies by a weight whose heads do not have whole blocks; compile with --dtype=bf16}}
    %z = mla.project from_heads %ad, %bd : (tensor<?x2x192xf32>, tensor<64x2x192xf32>) -> tensor<?x64xbf16>
    mla.yield %z : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @block_within_a_group(%x: tensor<?x256xbf16>) {
  %q:2 = mla.kernel quantize "q"(%a = %x) schedule <quantize> : (tensor<?x256xbf16>) -> (tensor<?x256xf8E4M3FN>, tensor<?x2xf32>) {
    %e, %s = mla.quantize %a {group = 128 : i64} : tensor<?x256xbf16> -> tensor<?x256xf8E4M3FN>, tensor<?x2xf32>
    mla.yield %e, %s : tensor<?x256xf8E4M3FN>, tensor<?x2xf32>
  }
  %w = mla.weight "w" : tensor<64x256xf8E4M3FN>
  %ws = mla.weight "w_scale" : tensor<1x4xf32>
  %y = mla.kernel projection "y"(%a = %q#0, %as = %q#1, %b = %w, %bs = %ws) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}>
      : (tensor<?x256xf8E4M3FN>, tensor<?x2xf32>, tensor<64x256xf8E4M3FN>, tensor<1x4xf32>) -> tensor<?x64xbf16> {
    %ad = mla.dequantize %a, %as {block = array<i64: 1, 128>} : tensor<?x256xf8E4M3FN>, tensor<?x2xf32> -> tensor<?x256xf32>
    %bd = mla.dequantize %b, %bs {block = array<i64: 64, 64>} : tensor<64x256xf8E4M3FN>, tensor<1x4xf32> -> tensor<64x256xf32>
    // expected-error @+1 {{multiplies groups of 128 columns by blocks of 64; a block must have whole groups}}
    %z = mla.project %ad, %bd : (tensor<?x256xf32>, tensor<64x256xf32>) -> tensor<?x64xbf16>
    mla.yield %z : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @columns_of_8(%x: tensor<?x136xbf16>) {
  %q:2 = mla.kernel quantize "q"(%a = %x) schedule <quantize> : (tensor<?x136xbf16>) -> (tensor<?x136xf8E4M3FN>, tensor<?x2xf32>) {
    %e, %s = mla.quantize %a {group = 128 : i64} : tensor<?x136xbf16> -> tensor<?x136xf8E4M3FN>, tensor<?x2xf32>
    mla.yield %e, %s : tensor<?x136xf8E4M3FN>, tensor<?x2xf32>
  }
  %w = mla.weight "w" : tensor<64x136xf8E4M3FN>
  %ws = mla.weight "w_scale" : tensor<1x2xf32>
  %y = mla.kernel projection "y"(%a = %q#0, %as = %q#1, %b = %w, %bs = %ws) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}>
      : (tensor<?x136xf8E4M3FN>, tensor<?x2xf32>, tensor<64x136xf8E4M3FN>, tensor<1x2xf32>) -> tensor<?x64xbf16> {
    %ad = mla.dequantize %a, %as {block = array<i64: 1, 128>} : tensor<?x136xf8E4M3FN>, tensor<?x2xf32> -> tensor<?x136xf32>
    %bd = mla.dequantize %b, %bs {block = array<i64: 64, 128>} : tensor<64x136xf8E4M3FN>, tensor<1x2xf32> -> tensor<64x136xf32>
    // expected-error @+1 {{multiplies 136 columns of e4m3 with a scale per 128; kernels take multiples of 16 columns, and 32, 64 or 128 per scale}}
    %z = mla.project %ad, %bd : (tensor<?x136xf32>, tensor<64x136xf32>) -> tensor<?x64xbf16>
    mla.yield %z : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @rows_of_4(%x: tensor<?x128xbf16>) {
  %q:2 = mla.kernel quantize "q"(%a = %x) schedule <quantize> : (tensor<?x128xbf16>) -> (tensor<?x128xf8E4M3FN>, tensor<?x1xf32>) {
    %e, %s = mla.quantize %a {group = 128 : i64} : tensor<?x128xbf16> -> tensor<?x128xf8E4M3FN>, tensor<?x1xf32>
    mla.yield %e, %s : tensor<?x128xf8E4M3FN>, tensor<?x1xf32>
  }
  %w = mla.weight "w" : tensor<60x128xf8E4M3FN>
  %ws = mla.weight "w_scale" : tensor<1x1xf32>
  // expected-error @+1 {{multiplies by 60 x 128; the copy engine needs multiples of 8; compile with --target=cpu}}
  %y = mla.kernel projection "y"(%a = %q#0, %as = %q#1, %b = %w, %bs = %ws) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}>
      : (tensor<?x128xf8E4M3FN>, tensor<?x1xf32>, tensor<60x128xf8E4M3FN>, tensor<1x1xf32>) -> tensor<?x60xbf16> {
    %ad = mla.dequantize %a, %as {block = array<i64: 1, 128>} : tensor<?x128xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x128xf32>
    %bd = mla.dequantize %b, %bs {block = array<i64: 64, 128>} : tensor<60x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<60x128xf32>
    %z = mla.project %ad, %bd : (tensor<?x128xf32>, tensor<60x128xf32>) -> tensor<?x60xbf16>
    mla.yield %z : tensor<?x60xbf16>
  }
  return
}

// -----

func.func @scaled_weight_of_bf16(%x: tensor<?x128xbf16>) {
  %q:2 = mla.kernel quantize "q"(%a = %x) schedule <quantize> : (tensor<?x128xbf16>) -> (tensor<?x128xf8E4M3FN>, tensor<?x1xf32>) {
    %e, %s = mla.quantize %a {group = 128 : i64} : tensor<?x128xbf16> -> tensor<?x128xf8E4M3FN>, tensor<?x1xf32>
    mla.yield %e, %s : tensor<?x128xf8E4M3FN>, tensor<?x1xf32>
  }
  %w = mla.weight "w" : tensor<64x128xbf16>
  %ws = mla.weight "w_scale" : tensor<1x1xf32>
  %y = mla.kernel projection "y"(%a = %q#0, %as = %q#1, %b = %w, %bs = %ws) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}>
      : (tensor<?x128xf8E4M3FN>, tensor<?x1xf32>, tensor<64x128xbf16>, tensor<1x1xf32>) -> tensor<?x64xbf16> {
    %ad = mla.dequantize %a, %as {block = array<i64: 1, 128>} : tensor<?x128xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x128xf32>
    %bd = mla.dequantize %b, %bs {block = array<i64: 64, 128>} : tensor<64x128xbf16>, tensor<1x1xf32> -> tensor<64x128xf32>
    // expected-error @+1 {{expected a weight of 'f8E4M3FN' with static sizes, got 'tensor<64x128xbf16>'}}
    %z = mla.project %ad, %bd : (tensor<?x128xf32>, tensor<64x128xf32>) -> tensor<?x64xbf16>
    mla.yield %z : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @more_tokens_than_registers_hold(%x: tensor<?x128xbf16>) {
  %q:2 = mla.kernel quantize "q"(%a = %x) schedule <quantize> : (tensor<?x128xbf16>) -> (tensor<?x2x128xf8E4M3FN>, tensor<?x1xf32>) {
    %e, %s = mla.quantize %a {group = 128 : i64, terms = 2 : i64} : tensor<?x128xbf16> -> tensor<?x2x128xf8E4M3FN>, tensor<?x1xf32>
    mla.yield %e, %s : tensor<?x2x128xf8E4M3FN>, tensor<?x1xf32>
  }
  %w = mla.weight "w" : tensor<64x128xf8E4M3FN>
  %ws = mla.weight "w_scale" : tensor<1x1xf32>
  // expected-error @+1 {{has a schedule that no kernel can follow: rows is 64 or 128, tokens 16 or a multiple of 32 up to 256, of e4m3 up to 192}}
  %y = mla.kernel projection "y"(%a = %q#0, %as = %q#1, %b = %w, %bs = %ws) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 224}>
      : (tensor<?x2x128xf8E4M3FN>, tensor<?x1xf32>, tensor<64x128xf8E4M3FN>, tensor<1x1xf32>) -> tensor<?x64xbf16> {
    %ad = mla.dequantize %a, %as {block = array<i64: 1, 128>} : tensor<?x2x128xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x128xf32>
    %bd = mla.dequantize %b, %bs {block = array<i64: 64, 128>} : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
    %z = mla.project %ad, %bd : (tensor<?x128xf32>, tensor<64x128xf32>) -> tensor<?x64xbf16>
    mla.yield %z : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @one_quantized_operand(%x: tensor<?x128xbf16>) {
  %w = mla.weight "w" : tensor<64x128xf8E4M3FN>
  %ws = mla.weight "w_scale" : tensor<1x1xf32>
  %y = mla.kernel projection "y"(%a = %x, %b = %w, %bs = %ws) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}>
      : (tensor<?x128xbf16>, tensor<64x128xf8E4M3FN>, tensor<1x1xf32>) -> tensor<?x64xbf16> {
    %bd = mla.dequantize %b, %bs {block = array<i64: 64, 128>} : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
    // expected-error @+1 {{expected a weight of bf16, got 'f32'; compile with --dtype=bf16, or with --target=cpu}}
    %z = mla.project %a, %bd : (tensor<?x128xbf16>, tensor<64x128xf32>) -> tensor<?x64xbf16>
    mla.yield %z : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @quantized_tokens_only(%x: tensor<?x128xbf16>) {
  %q:2 = mla.kernel quantize "q"(%a = %x) schedule <quantize> : (tensor<?x128xbf16>) -> (tensor<?x128xf8E4M3FN>, tensor<?x1xf32>) {
    %e, %s = mla.quantize %a {group = 128 : i64} : tensor<?x128xbf16> -> tensor<?x128xf8E4M3FN>, tensor<?x1xf32>
    mla.yield %e, %s : tensor<?x128xf8E4M3FN>, tensor<?x1xf32>
  }
  %w = mla.weight "w" : tensor<64x128xbf16>
  %y = mla.kernel projection "y"(%a = %q#0, %as = %q#1, %b = %w) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}>
      : (tensor<?x128xf8E4M3FN>, tensor<?x1xf32>, tensor<64x128xbf16>) -> tensor<?x64xbf16> {
    %ad = mla.dequantize %a, %as {block = array<i64: 1, 128>} : tensor<?x128xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x128xf32>
    // expected-error @+1 {{multiplies one operand of e4m3 by one of bf16; quantize both}}
    %z = mla.project %ad, %b : (tensor<?x128xf32>, tensor<64x128xbf16>) -> tensor<?x64xbf16>
    mla.yield %z : tensor<?x64xbf16>
  }
  return
}

// -----

// Heads of the second term would be those after the slice.
func.func @slice_of_heads(%hidden: tensor<?x64xbf16>) {
  %h = mla.weight "h" : tensor<4x64x64xbf16>
  %x = mla.kernel projection "x"(%a = %hidden, %b = %h) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}> : (tensor<?x64xbf16>, tensor<4x64x64xbf16>) -> tensor<?x4x64xbf16> {
    %z = mla.project to_heads %a, %b : (tensor<?x64xbf16>, tensor<4x64x64xbf16>) -> tensor<?x4x64xbf16>
    mla.yield %z : tensor<?x4x64xbf16>
  }
  %q:2 = mla.kernel quantize "q"(%a = %x) schedule <quantize> : (tensor<?x4x64xbf16>) -> (tensor<?x2x4x64xf8E4M3FN>, tensor<?x4x1xf32>) {
    %e, %s = mla.quantize %a {group = 64 : i64, terms = 2 : i64} : tensor<?x4x64xbf16> -> tensor<?x2x4x64xf8E4M3FN>, tensor<?x4x1xf32>
    mla.yield %e, %s : tensor<?x2x4x64xf8E4M3FN>, tensor<?x4x1xf32>
  }
  %r:2 = mla.kernel quantize "r"(%a = %x) schedule <quantize> : (tensor<?x4x64xbf16>) -> (tensor<?x2x2x64xf8E4M3FN>, tensor<?x2x1xf32>) {
    %c0 = arith.constant 0 : index
    %t = tensor.dim %a, %c0 : tensor<?x4x64xbf16>
    %p = tensor.extract_slice %a[0, 1, 0] [%t, 2, 64] [1, 1, 1] : tensor<?x4x64xbf16> to tensor<?x2x64xbf16>
    %e, %s = mla.quantize %p {group = 64 : i64, terms = 2 : i64} : tensor<?x2x64xbf16> -> tensor<?x2x2x64xf8E4M3FN>, tensor<?x2x1xf32>
    mla.yield %e, %s : tensor<?x2x2x64xf8E4M3FN>, tensor<?x2x1xf32>
  }
  %w = mla.weight "w" : tensor<2x64x64xf8E4M3FN>
  %ws = mla.weight "w_scale" : tensor<2x1x1xf32>
  %y = mla.kernel projection "y"(%a = %q#0, %as = %r#1, %b = %w, %bs = %ws) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 16}>
      : (tensor<?x2x4x64xf8E4M3FN>, tensor<?x2x1xf32>, tensor<2x64x64xf8E4M3FN>, tensor<2x1x1xf32>) -> tensor<?x2x64xbf16> {
    %c0 = arith.constant 0 : index
    %t = tensor.dim %a, %c0 : tensor<?x2x4x64xf8E4M3FN>
    %p = tensor.extract_slice %a[0, 0, 1, 0] [%t, 2, 2, 64] [1, 1, 1, 1] : tensor<?x2x4x64xf8E4M3FN> to tensor<?x2x2x64xf8E4M3FN>
    %ad = mla.dequantize %p, %as {block = array<i64: 1, 1, 64>} : tensor<?x2x2x64xf8E4M3FN>, tensor<?x2x1xf32> -> tensor<?x2x64xf32>
    %bd = mla.dequantize %b, %bs {block = array<i64: 1, 64, 64>} : tensor<2x64x64xf8E4M3FN>, tensor<2x1x1xf32> -> tensor<2x64x64xf32>
    // expected-error @+1 {{multiplies a slice of the heads of two terms; the kernel needs all heads of a term}}
    %z = mla.project per_head %ad, %bd : (tensor<?x2x64xf32>, tensor<2x64x64xf32>) -> tensor<?x2x64xbf16>
    mla.yield %z : tensor<?x2x64xbf16>
  }
  return
}

// -----

func.func @group_of_16(%x: tensor<?x128xbf16>) {
  // expected-error @+1 {{expected groups of 32, 64 or 128 columns, got 16}}
  %y:2 = mla.kernel quantize "y"(%a = %x) schedule <quantize> : (tensor<?x128xbf16>) -> (tensor<?x128xf8E4M3FN>, tensor<?x8xf32>) {
    %q, %s = mla.quantize %a {group = 16 : i64} : tensor<?x128xbf16> -> tensor<?x128xf8E4M3FN>, tensor<?x8xf32>
    mla.yield %q, %s : tensor<?x128xf8E4M3FN>, tensor<?x8xf32>
  }
  return
}

// -----

func.func @width_of_no_vectors(%x: tensor<?x100xbf16>) {
  // expected-error @+1 {{expected rows of a multiple of 8 elements, got 100; compile with --target=cpu}}
  %y:2 = mla.kernel quantize "y"(%a = %x) schedule <quantize> : (tensor<?x100xbf16>) -> (tensor<?x100xf8E4M3FN>, tensor<?x1xf32>) {
    %q, %s = mla.quantize %a {group = 128 : i64} : tensor<?x100xbf16> -> tensor<?x100xf8E4M3FN>, tensor<?x1xf32>
    mla.yield %q, %s : tensor<?x100xf8E4M3FN>, tensor<?x1xf32>
  }
  return
}

// -----

func.func @rows_of_f32(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{expected rows of bf16 with static sizes, got 'tensor<?x64xf32>'}}
  %y:2 = mla.kernel quantize "y"(%a = %x) schedule <quantize> : (tensor<?x64xf32>) -> (tensor<?x64xf8E4M3FN>, tensor<?x1xf32>) {
    %q, %s = mla.quantize %a {group = 64 : i64} : tensor<?x64xf32> -> tensor<?x64xf8E4M3FN>, tensor<?x1xf32>
    mla.yield %q, %s : tensor<?x64xf8E4M3FN>, tensor<?x1xf32>
  }
  return
}

// -----

func.func @norm_of_16(%x: tensor<?x128xbf16>) {
  %g = mla.weight "g" : tensor<128xf32>
  // expected-error @+1 {{expected groups of 32, 64 or 128 columns, got 16}}
  %y:2 = mla.kernel quantize "y"(%a = %x, %b = %g) schedule <quantize> : (tensor<?x128xbf16>, tensor<128xf32>) -> (tensor<?x128xf8E4M3FN>, tensor<?x8xf32>) {
    %n = mla.rms_norm %a, %b {epsilon = 1.0e-6 : f64} : tensor<?x128xbf16>, tensor<128xf32> -> tensor<?x128xf32>
    %q, %s = mla.quantize %n {group = 16 : i64} : tensor<?x128xf32> -> tensor<?x128xf8E4M3FN>, tensor<?x8xf32>
    mla.yield %q, %s : tensor<?x128xf8E4M3FN>, tensor<?x8xf32>
  }
  return
}
