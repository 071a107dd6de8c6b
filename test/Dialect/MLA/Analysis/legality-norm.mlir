// Norms of latents and after projections.
// Absorption and folding follow the analysis.
//
// RUN: mla-opt %s --split-input-file --mla-print-legality --verify-diagnostics
// RUN: mla-opt %s --split-input-file --mla-absorb --mla-fold 2>/dev/null | FileCheck %s --check-prefix=ACT

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// Norms precede W_UQ, W_UK and W_UV: there is none between factors.
// ACT-LABEL: func.func @norms_on_latents_are_harmless(
// ACT: %[[Q:.*]] = mla.project to_heads %{{.*}} -> tensor<?x4x64xf32>
// ACT: %[[O:.*]] = mla.latent_attention queries(%[[Q]],
// ACT-NOT: per_head
// ACT: mla.project from_heads %[[O]],{{.*}} -> tensor<?x160xf32>
func.func @norms_on_latents_are_harmless(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %h: tensor<?x160xf32>, %k_r: tensor<?x16xf32>) -> tensor<?x160xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x48xf32>
  %w_dq = mla.weight "w_dq" : tensor<48x160xf32>
  %w_dkv = mla.weight "w_dkv" : tensor<64x160xf32>
  %g_q = mla.weight "g_q" : tensor<48xf32>
  %g_kv = mla.weight "g_kv" : tensor<64xf32>
  %q_a = mla.project %h, %w_dq : (tensor<?x160xf32>, tensor<48x160xf32>) -> tensor<?x48xf32>
  %q_n = mla.rms_norm %q_a, %g_q {epsilon = 1.0e-6 : f64} : tensor<?x48xf32>, tensor<48xf32> -> tensor<?x48xf32>
  %kv_a = mla.project %h, %w_dkv : (tensor<?x160xf32>, tensor<64x160xf32>) -> tensor<?x64xf32>
  %c = mla.rms_norm %kv_a, %g_kv {epsilon = 1.0e-6 : f64} : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x64xf32>
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %cache1 = mla.append %c, %k_r at %position of %sequence into %cache : tensor<?x64xf32>, tensor<?x16xf32> into !cache
  %latent, %k_rope, %cu_keys = mla.gather %cache1 : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %q_n, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+4 {{the q side can absorb}}
  // expected-remark @+3 {{the q side can fold}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// A norm per head.
// ACT-LABEL: func.func @norm_on_q_nope_blocks_q_fold_only(
// ACT: %[[NORM:.*]] = mla.rms_norm
// ACT: %[[Q:.*]] = mla.project per_head %[[NORM]],
// ACT: %[[O:.*]] = mla.latent_attention queries(%[[Q]],
// ACT-NOT: per_head
// ACT: mla.project from_heads %[[O]],{{.*}}, tensor<160x4x64xf32>)
func.func @norm_on_q_nope_blocks_q_fold_only(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %g = mla.weight "g" : tensor<32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.rms_norm' is between two projections: a norm is not linear; the q side cannot fold}}
  %q_n = mla.rms_norm %q, %g {epsilon = 1.0e-6 : f64} : tensor<?x4x32xf32>, tensor<32xf32> -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+3 {{the q side can absorb}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q_n, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// ACT-LABEL: func.func @norm_on_k_nope_blocks_absorb(
// ACT-NOT: mla.project per_head
// ACT: %[[K:.*]] = mla.rms_norm
// ACT: %[[O:.*]] = mla.attention queries({{.*}} keys(%[[K]],
// ACT: mla.project from_heads %[[O]],{{.*}}, tensor<160x4x64xf32>)
func.func @norm_on_k_nope_blocks_absorb(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %g = mla.weight "g" : tensor<32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{'mla.rms_norm' is between the up-projection and the attention's k_nope: a norm is not linear; the q side cannot absorb}}
  // expected-remark @+1 {{'mla.rms_norm' is between the up-projection and the attention's k_nope: a norm is not linear; the q side cannot fold}}
  %k_n = mla.rms_norm %k, %g {epsilon = 1.0e-6 : f64} : tensor<?x4x32xf32>, tensor<32xf32> -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k_n, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}
