// Ends of a walk: nothing to move, nothing to multiply out, an absorbed layer.
// Absorption and folding follow the analysis.
//
// RUN: mla-opt %s --split-input-file --mla-print-legality --verify-diagnostics
// RUN: mla-opt %s --split-input-file --mla-absorb --mla-fold 2>/dev/null | FileCheck %s --check-prefix=ACT

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// There is no W_UK to move.
// ACT-LABEL: func.func @keys_from_outside_block_absorb(
// ACT-SAME: %[[K:[^:]*]]: tensor<?x4x32xf32>)
// ACT-NOT: mla.project per_head
// ACT: %[[O:.*]] = mla.attention queries({{.*}} keys(%[[K]],
// ACT: mla.project from_heads %[[O]],{{.*}}, tensor<160x4x64xf32>)
func.func @keys_from_outside_block_absorb(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %k: tensor<?x4x32xf32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+4 {{k_nope comes from outside; the q side cannot absorb}}
  // expected-remark @+3 {{k_nope comes from outside; the q side cannot fold}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// Folds of an absorbed attention.
// ACT-LABEL: func.func @absorbed_layer_is_asked_for_folds(
// ACT: %[[O:.*]] = mla.latent_attention
// ACT: mla.project from_heads %[[O]],{{.*}}, tensor<160x4x64xf32>)
func.func @absorbed_layer_is_asked_for_folds(%x: tensor<?x48xf32>, %q_l: tensor<?x4x64xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  // expected-remark @+4 {{the q side can absorb}}
  // expected-remark @+3 {{'mla.latent_attention' has queries that are not computed by a projection to heads; the q side cannot fold}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o_l = mla.latent_attention queries(%q_l, %q_rope of %cu) cache(%cache) {scale = 2.5e-1 : f64} : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !cache) -> tensor<?x4x64xf32>
  %o = mla.project per_head %o_l, %w_uv : (tensor<?x4x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// An attention core: there is nothing to multiply out.
// ACT-LABEL: func.func @attention_alone_has_no_fold(
// ACT: %[[Q:.*]] = mla.project per_head
// ACT: %[[O:.*]] = mla.latent_attention queries(%[[Q]],
// ACT: mla.project per_head %[[O]],
func.func @attention_alone_has_no_fold(%q: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+4 {{the q side can absorb}}
  // expected-remark @+3 {{'mla.attention' has queries that are not computed by a projection to heads; the q side cannot fold}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{'mla.attention' has a result that no projection from heads reads; the o side cannot fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}
