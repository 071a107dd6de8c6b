// One case per constraint, named for its label in MLADecoderOps.td.
//
// RUN: mla-opt %s --split-input-file --verify-diagnostics

func.func @embed_c1_table(%ids: tensor<?xi32>, %table: tensor<320xf32>) {
  // expected-error @+1 {{(C1) the table must be [vocabulary, D], and static}}
  %x = mla.embed %ids, %table : tensor<320xf32> -> tensor<?x128xf32>
  return
}

// -----

func.func @embed_c1_result(%ids: tensor<?xi32>, %table: tensor<320x64xf32>) {
  // expected-error @+1 {{(C1) result has shape [-9223372036854775808, 128], expected [-9223372036854775808, 64]}}
  %x = mla.embed %ids, %table : tensor<320x64xf32> -> tensor<?x128xf32>
  return
}

// -----

func.func @swiglu_c1_result(%gate: tensor<?x64xf32>) {
  // expected-error @+1 {{(C1) result has shape}}
  %h = mla.swiglu %gate, %gate : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @route_c1_rank(%logits: tensor<8xf32>) {
  // expected-error @+1 {{(C1) logits must be [T, E], experts [T, C], with static E and C}}
  %e, %w = mla.route softmax %logits : tensor<8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c1_dynamic_choices(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{(C1) logits must be [T, E], experts [T, C], with static E and C}}
  %e, %w = mla.route softmax %logits : tensor<?x8xf32> -> tensor<?x?xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c1_weights(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{(C1) weights has shape}}
  %e, %w = mla.route softmax %logits : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x3xf32>
  return
}

// -----

func.func @route_c1_correction(%logits: tensor<?x8xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{(C1) correction has shape [4], expected [8]}}
  %e, %w = mla.route sigmoid %logits corrected %b : tensor<4xf32> : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c2_groups_do_not_divide(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{(C2) 8 experts cannot be in 3 groups of which 1 are kept by their 1 best}}
  %e, %w = mla.route softmax %logits {groups = 3 : i64} : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c2_keeps_more_than_all(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{(C2) 8 experts cannot be in 4 groups of which 5 are kept by their 1 best}}
  %e, %w = mla.route softmax %logits {groups = 4 : i64, kept = 5 : i64} : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c2_best_of_too_few(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{(C2) 8 experts cannot be in 4 groups of which 2 are kept by their 3 best}}
  %e, %w = mla.route softmax %logits {groups = 4 : i64, kept = 2 : i64, best = 3 : i64} : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c3_too_many(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{(C3) cannot choose 5 of the 4 experts of the kept groups}}
  %e, %w = mla.route softmax %logits {groups = 4 : i64, kept = 2 : i64} : tensor<?x8xf32> -> tensor<?x5xi32>, tensor<?x5xf32>
  return
}

// -----

func.func @route_c4_factor(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{(C4) the factor must be finite}}
  %e, %w = mla.route softmax %logits {factor = 0x7FF0000000000000 : f64} : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @experts_c1_rank(%x: tensor<?x128xf32>, %w: tensor<64x128xf32>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C1) x must be [T, K] or [T, C, K], experts [T, C], and the weight [E, N, K] or in panels, without empty dimensions}}
  %h = mla.experts_project %x, %w of %e : (tensor<?x128xf32>, tensor<64x128xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  return
}

// -----

func.func @experts_c1_empty_panels(%x: tensor<?x8xf32>, %w: tensor<2x4x8x0xf32>, %e: tensor<?x1xi32>) {
  // expected-error @+1 {{(C1) x must be [T, K] or [T, C, K], experts [T, C], and the weight [E, N, K] or in panels, without empty dimensions}}
  %h = mla.experts_project %x, %w panels of %e : (tensor<?x8xf32>, tensor<2x4x8x0xf32>, tensor<?x1xi32>) -> tensor<?x1x0xf32>
  return
}

// -----

func.func @experts_c1_rows_beyond_count(%x: tensor<?x128xf32>, %w: tensor<8x4611686018427387920x128x4xf32>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C1) x must be [T, K] or [T, C, K], experts [T, C], and the weight [E, N, K] or in panels, without empty dimensions}}
  %h = mla.experts_project %x, %w panels of %e : (tensor<?x128xf32>, tensor<8x4611686018427387920x128x4xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  return
}

// -----

func.func @experts_c1_contracted(%x: tensor<?x64xf32>, %w: tensor<8x64x128xf32>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C1) x has shape}}
  %h = mla.experts_project %x, %w of %e : (tensor<?x64xf32>, tensor<8x64x128xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  return
}

// -----

func.func @experts_c1_choices(%x: tensor<?x2x128xf32>, %w: tensor<8x64x128xf32>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C1) x has shape}}
  %h = mla.experts_project %x, %w of %e : (tensor<?x2x128xf32>, tensor<8x64x128xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  return
}

// -----

func.func @experts_c1_sum(%x: tensor<?x128xf32>, %w: tensor<8x64x128xf32>, %e: tensor<?x3xi32>, %s: tensor<?x2xf32>) {
  // expected-error @+1 {{(C1) sum has shape}}
  %h = mla.experts_project %x, %w of %e summed %s : (tensor<?x128xf32>, tensor<8x64x128xf32>, tensor<?x3xi32>, tensor<?x2xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @experts_c2_not_summed(%x: tensor<?x128xf32>, %w: tensor<8x64x128xf32>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C2) result has shape}}
  %h = mla.experts_project %x, %w of %e : (tensor<?x128xf32>, tensor<8x64x128xf32>, tensor<?x3xi32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @experts_c2_panels(%x: tensor<?x128xf32>, %w: tensor<8x2x128x16xf32>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C2) result has shape}}
  %h = mla.experts_project %x, %w panels of %e : (tensor<?x128xf32>, tensor<8x2x128x16xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  return
}

// -----

func.func @experts_c3_dynamic(%x: tensor<?x?xf32>, %w: tensor<8x64x128xf32>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C3) only the number of tokens may be dynamic}}
  %h = mla.experts_project %x, %w of %e : (tensor<?x?xf32>, tensor<8x64x128xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  return
}

// -----

func.func @experts_c3_no_choice(%x: tensor<?x128xf32>, %w: tensor<8x64x128xf32>, %e: tensor<?x0xi32>) {
  // expected-error @+1 {{(C3) expected a choice at least, and a weight whose elements can be counted}}
  %h = mla.experts_project %x, %w of %e : (tensor<?x128xf32>, tensor<8x64x128xf32>, tensor<?x0xi32>) -> tensor<?x0x64xf32>
  return
}

// -----

func.func @experts_c3_elements(%x: tensor<?x2147483647xf32>, %w: tensor<2147483647x2147483647x2147483647xf32>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C3) expected a choice at least, and a weight whose elements can be counted}}
  %h = mla.experts_project %x, %w of %e : (tensor<?x2147483647xf32>, tensor<2147483647x2147483647x2147483647xf32>, tensor<?x3xi32>) -> tensor<?x3x2147483647xf32>
  return
}

// -----

func.func @experts_c3_sizes(%x: tensor<?x128xf32>, %w: tensor<4294967296x64x128xf32>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C3) sizes must be at most 2147483647}}
  %h = mla.experts_project %x, %w of %e : (tensor<?x128xf32>, tensor<4294967296x64x128xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  return
}

// -----

// The number of an expert is an i32.
func.func @route_c1_sizes(%logits: tensor<?x4294967296xf32>) {
  // expected-error @+1 {{(C1) sizes must be at most 2147483647}}
  %e, %w = mla.route softmax %logits : tensor<?x4294967296xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @embed_c1_sizes(%ids: tensor<?xi32>, %table: tensor<4294967296x4294967296xf32>) {
  // expected-error @+1 {{(C1) sizes must be at most 2147483647}}
  %x = mla.embed %ids, %table : tensor<4294967296x4294967296xf32> -> tensor<?x4294967296xf32>
  return
}

// -----

func.func @route_c3_shared(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{(C3) expected 0 to 3 shared experts, got 4}}
  %e, %w = mla.route softmax %logits {shared = 4 : i64} : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  return
}

// -----

func.func @route_c3_only_shared(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{(C3) cannot choose 0 of the 8 experts}}
  %e, %w = mla.route softmax %logits {shared = 3 : i64} : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  return
}

// -----

func.func @sort_c1_tokens(%x: tensor<5x128xf32>, %e: tensor<4x3xi32>) {
  // expected-error @+1 {{(C1) x must be [T, K], or of two terms in e4m3 [T, 2, K], and experts [T, C]}}
  %rows, %order, %first = mla.sort_choices %x by %e : tensor<5x128xf32>, tensor<4x3xi32> -> tensor<5x3x128xf32>, tensor<4x3xi32>, tensor<9xi32>
  return
}

// -----

func.func @sort_c1_rows(%x: tensor<?x128xf32>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C1) rows has shape}}
  %rows, %order, %first = mla.sort_choices %x by %e : tensor<?x128xf32>, tensor<?x3xi32> -> tensor<?x2x128xf32>, tensor<?x3xi32>, tensor<9xi32>
  return
}

// -----

func.func @sort_c1_terms_of_bf16(%x: tensor<?x2x128xbf16>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C1) x must be [T, K], or of two terms in e4m3 [T, 2, K], and experts [T, C]}}
  %rows, %order, %first = mla.sort_choices %x by %e : tensor<?x2x128xbf16>, tensor<?x3xi32> -> tensor<?x3x2x128xbf16>, tensor<?x3xi32>, tensor<9xi32>
  return
}

// -----

func.func @sort_c3_no_scales(%x: tensor<?x128xf8E4M3FN>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C3) must have scales, and rows in e4m3, if and only if x is in e4m3}}
  %rows, %order, %first = mla.sort_choices %x by %e : tensor<?x128xf8E4M3FN>, tensor<?x3xi32> -> tensor<?x3x128xf8E4M3FN>, tensor<?x3xi32>, tensor<9xi32>
  return
}

// -----

func.func @sort_c3_scales_of_bf16(%x: tensor<?x128xbf16>, %s: tensor<?x1xf32>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C3) must have scales, and rows in e4m3, if and only if x is in e4m3}}
  %rows, %order, %first, %scales = mla.sort_choices %x scaled %s : tensor<?x1xf32> by %e : tensor<?x128xbf16>, tensor<?x3xi32> -> tensor<?x3x128xbf16>, tensor<?x3xi32>, tensor<9xi32>, tensor<?x3x1xf32>
  return
}

// -----

func.func @sort_c3_shape(%x: tensor<?x2x128xf8E4M3FN>, %s: tensor<?x1xf32>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C3) scales has shape}}
  %rows, %order, %first, %scales = mla.sort_choices %x scaled %s : tensor<?x1xf32> by %e : tensor<?x2x128xf8E4M3FN>, tensor<?x3xi32> -> tensor<?x3x2x128xf8E4M3FN>, tensor<?x3xi32>, tensor<9xi32>, tensor<?x3x2xf32>
  return
}

// -----

func.func @sort_c2_no_expert(%x: tensor<?x128xf32>, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{(C2) first must be [E + 1], static, with at least one expert}}
  %rows, %order, %first = mla.sort_choices %x by %e : tensor<?x128xf32>, tensor<?x3xi32> -> tensor<?x3x128xf32>, tensor<?x3xi32>, tensor<1xi32>
  return
}

// -----

func.func @grouped_c1_first(%rows: tensor<?x3x128xf32>, %w: tensor<8x64x128xf32>, %first: tensor<8xi32>) {
  // expected-error @+1 {{(C1) first has shape}}
  %y = mla.grouped_project %rows, %w by %first : (tensor<?x3x128xf32>, tensor<8x64x128xf32>, tensor<8xi32>) -> tensor<?x3x64xf32>
  return
}

// -----

func.func @grouped_c1_columns(%rows: tensor<?x3x64xf32>, %w: tensor<8x64x128xf32>, %first: tensor<9xi32>) {
  // expected-error @+1 {{(C1) rows has shape}}
  %y = mla.grouped_project %rows, %w by %first : (tensor<?x3x64xf32>, tensor<8x64x128xf32>, tensor<9xi32>) -> tensor<?x3x64xf32>
  return
}

// -----

func.func @grouped_c2_empty(%rows: tensor<?x3x0xf32>, %w: tensor<8x64x0xf32>, %first: tensor<9xi32>) {
  // expected-error @+1 {{(C2) only the number of tokens may be dynamic, and no dimension of the weight empty}}
  %y = mla.grouped_project %rows, %w by %first : (tensor<?x3x0xf32>, tensor<8x64x0xf32>, tensor<9xi32>) -> tensor<?x3x64xf32>
  return
}

// -----

func.func @mix_c1_result(%rows: tensor<?x3x64xf32>, %order: tensor<?x3xi32>, %f: tensor<?x3xf32>) {
  // expected-error @+1 {{(C1) result has shape}}
  %y = mla.mix_choices %rows by %order weighted %f : (tensor<?x3x64xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @pass_c1_result(%x: tensor<?x128xf32>, %e: tensor<?x3xi32>, %f: tensor<?x3xf32>) {
  // expected-error @+1 {{(C1) result has shape}}
  %y = mla.pass_choices %x of %e weighted %f from 8 : (tensor<?x128xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @pass_c1_weights(%x: tensor<?x128xf32>, %e: tensor<?x3xi32>, %f: tensor<?x4xf32>) {
  // expected-error @+1 {{(C1) weights has shape}}
  %y = mla.pass_choices %x of %e weighted %f from 8 : (tensor<?x128xf32>, tensor<?x3xi32>, tensor<?x4xf32>) -> tensor<?x128xf32>
  return
}

// -----

func.func @pass_c1_dynamic_choices(%x: tensor<?x128xf32>, %e: tensor<?x?xi32>, %f: tensor<?x?xf32>) {
  // expected-error @+1 {{(C1) x must be [T, D], experts [T, C], with static C}}
  %y = mla.pass_choices %x of %e weighted %f from 8 : (tensor<?x128xf32>, tensor<?x?xi32>, tensor<?x?xf32>) -> tensor<?x128xf32>
  return
}

// -----

func.func @pass_c2_beyond_numbers(%x: tensor<?x128xf32>, %e: tensor<?x3xi32>, %f: tensor<?x3xf32>) {
  // expected-error @+1 {{(C2) expected from to be a number of i32 that is not negative, got 2147483648}}
  %y = mla.pass_choices %x of %e weighted %f from 2147483648 : (tensor<?x128xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xf32>
  return
}
