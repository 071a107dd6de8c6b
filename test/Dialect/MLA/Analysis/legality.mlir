// What the analysis says of every case, and that absorption and folding do as it says.
//
// RUN: mla-opt %s --split-input-file --allow-unregistered-dialect --mla-print-legality --verify-diagnostics
// RUN: mla-opt %s --split-input-file --allow-unregistered-dialect --mla-absorb --mla-fold 2>/dev/null | FileCheck %s --check-prefix=ACT

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// Norms stand before W_UQ, W_UK and W_UV: nothing is between factors.
// ACT-LABEL: func.func @norms_on_latents_are_harmless(
// ACT: mla.project to_heads %{{.*}} -> tensor<?x4x64xf32>
// ACT: mla.latent_attention
// ACT-NOT: per_head
// ACT: mla.project from_heads %{{.*}} -> tensor<?x160xf32>
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

// The classical mistake. The output side is not concerned.
// ACT-LABEL: func.func @rope_on_k_nope_blocks_absorb(
// ACT-NOT: mla.project per_head
// ACT: mla.attention
// ACT: mla.project from_heads %{{.*}}, tensor<160x4x64xf32>)
func.func @rope_on_k_nope_blocks_absorb(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %at: tensor<?xi32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{'mla.rope' stands between the up-projection and the attention's k_nope: the rotation depends on the token's position and does not commute with a projection; the q side cannot absorb}}
  // expected-remark @+1 {{'mla.rope' stands between the up-projection and the attention's k_nope: the rotation depends on the token's position and does not commute with a projection; the q side cannot fold}}
  %k_n = mla.rope interleaved %k at %at {frequencies = array<f32: 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15., 16.>} : tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k_n, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// No split: all of the key is rotated, and a part of it is k_nope.
// ACT-LABEL: func.func @rope_on_whole_key_blocks_absorb(
// ACT-NOT: mla.project per_head
// ACT: mla.attention
// ACT: mla.project from_heads %{{.*}}, tensor<160x4x64xf32>)
func.func @rope_on_whole_key_blocks_absorb(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %at: tensor<?xi32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %w_k = mla.weight "w_k" : tensor<4x48x64xf32>
  %c0 = arith.constant 0 : index
  %keys = tensor.dim %latent, %c0 : tensor<?x64xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_k : (tensor<?x64xf32>, tensor<4x48x64xf32>) -> tensor<?x4x48xf32>
  // expected-remark @+2 {{'mla.rope' stands between the up-projection and the attention's k_nope: the rotation depends on the token's position and does not commute with a projection; the q side cannot absorb}}
  // expected-remark @+1 {{'mla.rope' stands between the up-projection and the attention's k_nope: the rotation depends on the token's position and does not commute with a projection; the q side cannot fold}}
  %rotated = mla.rope half_split %k at %at {frequencies = array<f32: 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24.>} : tensor<?x4x48xf32>
  %k_n = tensor.extract_slice %rotated[0, 0, 0] [%keys, 4, 32] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k_n, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// A rotation of the query alone stands between W_UQ and W_UK only.
// ACT-LABEL: func.func @rope_on_q_nope_blocks_q_fold_only(
// ACT: mla.project per_head
// ACT: mla.latent_attention
// ACT-NOT: per_head
// ACT: mla.project from_heads %{{.*}}, tensor<160x4x64xf32>)
func.func @rope_on_q_nope_blocks_q_fold_only(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %at: tensor<?xi32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.rope' stands between two projections: the rotation depends on the token's position and does not commute with a projection; the q side cannot fold}}
  %q_n = mla.rope interleaved %q at %at {frequencies = array<f32: 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15., 16.>} : tensor<?x4x32xf32>
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

// A norm per head.
// ACT-LABEL: func.func @norm_on_q_nope_blocks_q_fold_only(
// ACT: mla.project per_head
// ACT: mla.latent_attention
// ACT-NOT: per_head
// ACT: mla.project from_heads %{{.*}}, tensor<160x4x64xf32>)
func.func @norm_on_q_nope_blocks_q_fold_only(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %g = mla.weight "g" : tensor<32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.rms_norm' stands between two projections: a norm is not linear; the q side cannot fold}}
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
// ACT: mla.attention
// ACT: mla.project from_heads %{{.*}}, tensor<160x4x64xf32>)
func.func @norm_on_k_nope_blocks_absorb(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %g = mla.weight "g" : tensor<32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{'mla.rms_norm' stands between the up-projection and the attention's k_nope: a norm is not linear; the q side cannot absorb}}
  // expected-remark @+1 {{'mla.rms_norm' stands between the up-projection and the attention's k_nope: a norm is not linear; the q side cannot fold}}
  %k_n = mla.rms_norm %k, %g {epsilon = 1.0e-6 : f64} : tensor<?x4x32xf32>, tensor<32xf32> -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k_n, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// Kimi K3: the gate stands behind the attention, between W_UV and W_O.
// ACT-LABEL: func.func @gate_blocks_o_fold_only(
// ACT: mla.project to_heads %{{.*}} -> tensor<?x4x64xf32>
// ACT: mla.latent_attention
// ACT: mla.project per_head
// ACT: mla.project from_heads %{{.*}}, tensor<160x4x32xf32>)
func.func @gate_blocks_o_fold_only(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %gate: tensor<?x4x32xf32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+3 {{the q side can absorb}}
  // expected-remark @+2 {{the q side can fold}}
  // expected-remark @+1 {{the o side can absorb}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'arith.mulf' stands between two projections: a gate depends on the token; the o side cannot fold}}
  %o_g = arith.mulf %gate, %o : tensor<?x4x32xf32>
  %out = mla.project from_heads %o_g, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// A gate of the values does depend on the key.
// ACT-LABEL: func.func @gate_on_v_blocks_absorb(
// ACT: mla.project to_heads %{{.*}} -> tensor<?x4x64xf32>
// ACT: mla.attention
// ACT: mla.project from_heads %{{.*}}, tensor<160x4x32xf32>)
func.func @gate_on_v_blocks_absorb(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %gate: tensor<?x4x32xf32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{'arith.mulf' stands between the up-projection and the attention's v: a gate depends on the token; the o side cannot absorb}}
  // expected-remark @+1 {{'arith.mulf' stands between the up-projection and the attention's v: a gate depends on the token; the o side cannot fold}}
  %v_g = arith.mulf %v, %gate : tensor<?x4x32xf32>
  // expected-remark @+2 {{the q side can absorb}}
  // expected-remark @+1 {{the q side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v_g) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// The bias of the keys cancels in the softmax, that of the values becomes W_O b_V: probabilities sum to 1.
// ACT-LABEL: func.func @kv_b_bias_is_affine(
// ACT-NOT: b_uk
// ACT-DAG: %[[B:.*]] = mla.weight "w_o_x_b_uv" : tensor<160xf32>
// ACT: mla.latent_attention
// ACT-NOT: mla.bias
// ACT: %[[SUM:.*]] = mla.project from_heads %{{.*}}, tensor<160x4x64xf32>)
// ACT: mla.bias %[[SUM]], %[[B]]
func.func @kv_b_bias_is_affine(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %c: tensor<?x64xf32>, %k_r: tensor<?x16xf32>) -> tensor<?x160xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x48xf32>
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %cache1 = mla.append %c, %k_r at %position of %sequence into %cache : tensor<?x64xf32>, tensor<?x16xf32> into !cache
  %latent, %k_rope, %cu_keys = mla.gather %cache1 : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %b_uk = mla.weight "b_uk" : tensor<4x32xf32>
  %b_uv = mla.weight "b_uv" : tensor<4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %k_b = mla.bias %k, %b_uk : tensor<?x4x32xf32>, tensor<4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v_b = mla.bias %v, %b_uv : tensor<?x4x32xf32>, tensor<4x32xf32>
  // expected-remark @+4 {{the q side can absorb}}
  // expected-remark @+3 {{the q side can fold}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k_b, %k_rope of %cu_keys) values(%v_b) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// What cancels in the softmax does not in its logarithm of the sum.
// ACT-LABEL: func.func @k_bias_blocks_absorb_where_lse_is_used(
func.func @k_bias_blocks_absorb_where_lse_is_used(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %c: tensor<?x64xf32>, %k_r: tensor<?x16xf32>) -> tensor<?x160xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x48xf32>
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %cache1 = mla.append %c, %k_r at %position of %sequence into %cache : tensor<?x64xf32>, tensor<?x16xf32> into !cache
  %latent, %k_rope, %cu_keys = mla.gather %cache1 : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %b_uk = mla.weight "b_uk" : tensor<4x32xf32>
  %b_uv = mla.weight "b_uv" : tensor<4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{'mla.bias' stands between the up-projection and the attention's k_nope: it cancels in the softmax, but not in the LSE, which is used; the q side cannot absorb}}
  // expected-remark @+1 {{'mla.bias' stands between the up-projection and the attention's k_nope: it cancels in the softmax, but not in the LSE, which is used; the q side cannot fold}}
  %k_b = mla.bias %k, %b_uk : tensor<?x4x32xf32>, tensor<4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v_b = mla.bias %v, %b_uv : tensor<?x4x32xf32>, tensor<4x32xf32>
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o, %lse = mla.attention queries(%q, %q_rope of %cu) keys(%k_b, %k_rope of %cu_keys) values(%v_b) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>, tensor<?x4xf32>
  "test.use"(%lse) : (tensor<?x4xf32>) -> ()
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// This cache need not hold the tokens of the step: a query may see nothing, and has result 0.
// ACT-LABEL: func.func @v_bias_blocks_absorb_where_no_key_may_be_seen(
func.func @v_bias_blocks_absorb_where_no_key_may_be_seen(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %b_uk = mla.weight "b_uk" : tensor<4x32xf32>
  %b_uv = mla.weight "b_uv" : tensor<4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %k_b = mla.bias %k, %b_uk : tensor<?x4x32xf32>, tensor<4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{'mla.bias' stands between the up-projection and the attention's v: a query that sees no key has result 0, without it; the o side cannot absorb}}
  // expected-remark @+1 {{'mla.bias' stands between the up-projection and the attention's v: a query that sees no key has result 0, without it; the o side cannot fold}}
  %v_b = mla.bias %v, %b_uv : tensor<?x4x32xf32>, tensor<4x32xf32>
  // expected-remark @+2 {{the q side can absorb}}
  // expected-remark @+1 {{the q side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k_b, %k_rope of %cu_keys) values(%v_b) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// A bias that comes with the request is moved, but not multiplied out.
// ACT-LABEL: func.func @v_bias_of_the_request_blocks_o_fold_only(
// ACT: mla.latent_attention
// ACT: mla.project per_head
// ACT: mla.bias
// ACT: mla.project from_heads
func.func @v_bias_of_the_request_blocks_o_fold_only(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %c: tensor<?x64xf32>, %k_r: tensor<?x16xf32>, %b_uv: tensor<4x32xf32>) -> tensor<?x160xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x48xf32>
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %cache1 = mla.append %c, %k_r at %position of %sequence into %cache : tensor<?x64xf32>, tensor<?x16xf32> into !cache
  %latent, %k_rope, %cu_keys = mla.gather %cache1 : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.bias' stands between two projections: its bias is not known when the layer is prepared; the o side cannot fold}}
  %v_b = mla.bias %v, %b_uv : tensor<?x4x32xf32>, tensor<4x32xf32>
  // expected-remark @+3 {{the q side can absorb}}
  // expected-remark @+2 {{the q side can fold}}
  // expected-remark @+1 {{the o side can absorb}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v_b) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// W_UK (W_UQ x + b) = W_UK W_UQ x + W_UK b.
// ACT-LABEL: func.func @q_b_bias_is_affine(
// ACT-DAG: %[[B:.*]] = mla.weight "w_uk.t_x_b_q" : tensor<4x64xf32>
// ACT: %[[Q:.*]] = mla.project to_heads %{{.*}} -> tensor<?x4x64xf32>
// ACT: mla.bias %[[Q]], %[[B]]
// ACT: mla.latent_attention
func.func @q_b_bias_is_affine(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %b_q = mla.weight "b_q" : tensor<4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %q_b = mla.bias %q, %b_q : tensor<?x4x32xf32>, tensor<4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+4 {{the q side can absorb}}
  // expected-remark @+3 {{the q side can fold}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q_b, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// An activation is quantised between two factors.
// ACT-LABEL: func.func @rounding_blocks_o_fold_only(
// ACT: mla.project per_head
// ACT: arith.truncf
// ACT: mla.project from_heads
func.func @rounding_blocks_o_fold_only(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+3 {{the q side can absorb}}
  // expected-remark @+2 {{the q side can fold}}
  // expected-remark @+1 {{the o side can absorb}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'arith.truncf' stands between two projections: it rounds what stands between two factors; the o side cannot fold}}
  %o_r = arith.truncf %o : tensor<?x4x32xf32> to tensor<?x4x32xbf16>
  %o_w = arith.extf %o_r : tensor<?x4x32xbf16> to tensor<?x4x32xf32>
  %out = mla.project from_heads %o_w, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// The same, permitted.
// ACT-LABEL: func.func @rounding_is_left_out_where_the_plan_says_so(
// ACT-NOT: arith.truncf
// ACT: mla.project to_heads %{{.*}} -> tensor<?x4x64xf32>
// ACT: mla.latent_attention
// ACT-NOT: per_head
// ACT: mla.project from_heads %{{.*}} -> tensor<?x160xf32>
func.func @rounding_is_left_out_where_the_plan_says_so(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> attributes {mla.fold_across_rounding} {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+4 {{the q side can absorb}}
  // expected-remark @+3 {{the q side can fold}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %o_r = arith.truncf %o : tensor<?x4x32xf32> to tensor<?x4x32xbf16>
  %o_w = arith.extf %o_r : tensor<?x4x32xbf16> to tensor<?x4x32xf32>
  %out = mla.project from_heads %o_w, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// W_UK + 2 B A is a weight.
// ACT-LABEL: func.func @merged_lora_is_legal(
// ACT-DAG: mla.weight "w_uk_plus_lora_b_x_lora_a.t_x_w_uq" : tensor<4x64x48xf32>
// ACT: mla.project to_heads %{{.*}} -> tensor<?x4x64xf32>
// ACT: mla.latent_attention
// ACT-NOT: per_head
// ACT: mla.project from_heads %{{.*}} -> tensor<?x160xf32>
func.func @merged_lora_is_legal(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %b = mla.weight "lora_b" : tensor<1x128x8xf32>
  %a = mla.weight "lora_a" : tensor<1x8x64xf32>
  %ba = mla.compose %b, %a : (tensor<1x128x8xf32>, tensor<1x8x64xf32>) -> tensor<1x128x64xf32>
  %two = arith.constant dense<2.0> : tensor<1x128x64xf32>
  %scaled = arith.mulf %ba, %two : tensor<1x128x64xf32>
  %rows = tensor.collapse_shape %scaled [[0, 1], [2]] : tensor<1x128x64xf32> into tensor<128x64xf32>
  %delta = tensor.expand_shape %rows [[0, 1], [2]] output_shape [4, 32, 64] : tensor<128x64xf32> into tensor<4x32x64xf32>
  %w_merged = arith.addf %w_uk, %delta : tensor<4x32x64xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_merged : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
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

// A token's own adapter of W_UQ.
// ACT-LABEL: func.func @lora_of_the_request_on_q_blocks_q_fold_only(
// ACT: mla.project per_head
// ACT: mla.latent_attention
// ACT-NOT: per_head
// ACT: mla.project from_heads %{{.*}}, tensor<160x4x64xf32>)
func.func @lora_of_the_request_on_q_blocks_q_fold_only(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %delta: tensor<?x4x32xf32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'arith.addf' stands between two projections: what is added depends on the token; the q side cannot fold}}
  %q_d = arith.addf %q, %delta : tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+3 {{the q side can absorb}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q_d, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// A token's own adapter of W_UK acts on the keys.
// ACT-LABEL: func.func @lora_of_the_request_on_k_nope_blocks_absorb(
// ACT-NOT: mla.project per_head
// ACT: mla.attention
// ACT: mla.project from_heads %{{.*}}, tensor<160x4x64xf32>)
func.func @lora_of_the_request_on_k_nope_blocks_absorb(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %delta: tensor<?x4x32xf32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{'arith.addf' stands between the up-projection and the attention's k_nope: what is added depends on the token; the q side cannot absorb}}
  // expected-remark @+1 {{'arith.addf' stands between the up-projection and the attention's k_nope: what is added depends on the token; the q side cannot fold}}
  %k_d = arith.addf %k, %delta : tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k_d, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// W_UK comes with the request, one for all tokens.
// ACT-LABEL: func.func @weight_of_the_request_blocks_q_fold_only(
// ACT: mla.project per_head
// ACT: mla.latent_attention
// ACT-NOT: per_head
// ACT: mla.project from_heads %{{.*}}, tensor<160x4x64xf32>)
func.func @weight_of_the_request_blocks_q_fold_only(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %w_uk: tensor<4x32x64xf32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.project' cannot be multiplied out: its weight is not known when the layer is prepared; the q side cannot fold}}
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+3 {{the q side can absorb}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// Mistral-4's factor a token moves behind the product.
// ACT-LABEL: func.func @position_scale_on_q_commutes(
// ACT: %[[Q:.*]] = mla.project to_heads %{{.*}} -> tensor<?x4x64xf32>
// ACT: mla.position_scale %[[Q]]
// ACT: mla.latent_attention
// ACT-NOT: per_head
// ACT: mla.project from_heads %{{.*}} -> tensor<?x160xf32>
func.func @position_scale_on_q_commutes(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %at: tensor<?xi32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %q_s = mla.position_scale %q at %at {beta = 0.1 : f64, original = 64 : i64} : tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+4 {{the q side can absorb}}
  // expected-remark @+3 {{the q side can fold}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q_s, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// A constant is taken into the weight, on either side of the attention.
// ACT-LABEL: func.func @constant_scales_are_folded(
// ACT-NOT: arith.mulf
// ACT: mla.project to_heads %{{.*}} -> tensor<?x4x64xf32>
// ACT: mla.latent_attention
// ACT-NOT: per_head
// ACT: mla.project from_heads %{{.*}} -> tensor<?x160xf32>
func.func @constant_scales_are_folded(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x48xf32>
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %two = arith.constant 2.0 : f32
  %keys = tensor.dim %latent, %c0 : tensor<?x64xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %s_q = tensor.splat %two[%tokens] : tensor<?x4x32xf32>
  %q_s = arith.mulf %q, %s_q : tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %s_k = tensor.splat %two[%keys] : tensor<?x4x32xf32>
  %k_s = arith.mulf %k, %s_k : tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %s_v = tensor.splat %two[%keys] : tensor<?x4x32xf32>
  %v_s = arith.mulf %v, %s_v : tensor<?x4x32xf32>
  // expected-remark @+4 {{the q side can absorb}}
  // expected-remark @+3 {{the q side can fold}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q_s, %q_rope of %cu) keys(%k_s, %k_rope of %cu_keys) values(%v_s) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %s_o = tensor.splat %two[%tokens] : tensor<?x4x32xf32>
  %o_s = arith.mulf %o, %s_o : tensor<?x4x32xf32>
  %out = mla.project from_heads %o_s, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// llama.cpp #13137: f16 does not hold an absorbed query.
// ACT-LABEL: func.func @f16_query_blocks_absorb(
// ACT-NOT: mla.project per_head
// ACT: mla.attention
// ACT: mla.project from_heads %{{.*}}, tensor<160x4x64xf32>)
func.func @f16_query_blocks_absorb(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %q_h = arith.truncf %q : tensor<?x4x32xf32> to tensor<?x4x32xf16>
  // expected-remark @+2 {{'mla.project' cannot be moved: f16 cannot hold what it would make; use bf16 or f32; the q side cannot absorb}}
  // expected-remark @+1 {{'mla.project' cannot be moved: f16 cannot hold what it would make; use bf16 or f32; the q side cannot fold}}
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q_h, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf16>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// There is no W_UK to move.
// ACT-LABEL: func.func @keys_from_outside_block_absorb(
// ACT-NOT: mla.project per_head
// ACT: mla.attention
// ACT: mla.project from_heads %{{.*}}, tensor<160x4x64xf32>)
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

// An attention that is absorbed already is asked for folds.
func.func @absorbed_layer_is_asked_for_folds(%x: tensor<?x48xf32>, %q_l: tensor<?x4x64xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  // expected-remark @+4 {{the q side can absorb}}
  // expected-remark @+3 {{'mla.latent_attention' has queries that no projection to heads makes; the q side cannot fold}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o_l = mla.latent_attention queries(%q_l, %q_rope of %cu) cache(%cache) {scale = 2.5e-1 : f64} : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !cache) -> tensor<?x4x64xf32>
  %o = mla.project per_head %o_l, %w_uv : (tensor<?x4x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// The attention alone: there is nothing to multiply out.
func.func @attention_alone_has_no_fold(%q: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+4 {{the q side can absorb}}
  // expected-remark @+3 {{'mla.attention' has queries that no projection to heads makes; the q side cannot fold}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{'mla.attention' has a result that no projection from heads reads; the o side cannot fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}
