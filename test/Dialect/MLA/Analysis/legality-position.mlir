// Rotations and factors per token.
// Absorption and folding follow the analysis.
//
// RUN: mla-opt %s --split-input-file --mla-print-legality --verify-diagnostics
// RUN: mla-opt %s --split-input-file --mla-absorb --mla-fold 2>/dev/null | FileCheck %s --check-prefix=ACT

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// The classical mistake. The output side is not affected.
// ACT-LABEL: func.func @rope_on_k_nope_blocks_absorb(
// ACT-NOT: mla.project per_head
// ACT: %[[K:.*]] = mla.rope interleaved
// ACT: %[[O:.*]] = mla.attention queries({{.*}} keys(%[[K]],
// ACT: mla.project from_heads %[[O]],{{.*}}, tensor<160x4x64xf32>)
func.func @rope_on_k_nope_blocks_absorb(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %at: tensor<?xi32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{'mla.rope' is between the up-projection and the attention's k_nope: the rotation depends on the token's position and does not commute with a projection; the q side cannot absorb}}
  // expected-remark @+1 {{'mla.rope' is between the up-projection and the attention's k_nope: the rotation depends on the token's position and does not commute with a projection; the q side cannot fold}}
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

// No split: the whole key is rotated, including k_nope.
// ACT-LABEL: func.func @rope_on_whole_key_blocks_absorb(
// ACT-NOT: mla.project per_head
// ACT: %[[K:.*]] = tensor.extract_slice
// ACT: %[[O:.*]] = mla.attention queries({{.*}} keys(%[[K]],
// ACT: mla.project from_heads %[[O]],{{.*}}, tensor<160x4x64xf32>)
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
  // expected-remark @+2 {{'mla.rope' is between the up-projection and the attention's k_nope: the rotation depends on the token's position and does not commute with a projection; the q side cannot absorb}}
  // expected-remark @+1 {{'mla.rope' is between the up-projection and the attention's k_nope: the rotation depends on the token's position and does not commute with a projection; the q side cannot fold}}
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

// A rotation of the query alone is only between W_UQ and W_UK.
// ACT-LABEL: func.func @rope_on_q_nope_blocks_q_fold_only(
// ACT: %[[TURNED:.*]] = mla.rope interleaved
// ACT: %[[Q:.*]] = mla.project per_head %[[TURNED]],
// ACT: %[[O:.*]] = mla.latent_attention queries(%[[Q]],
// ACT-NOT: per_head
// ACT: mla.project from_heads %[[O]],{{.*}}, tensor<160x4x64xf32>)
func.func @rope_on_q_nope_blocks_q_fold_only(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %at: tensor<?xi32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.rope' is between two projections: the rotation depends on the token's position and does not commute with a projection; the q side cannot fold}}
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

// Mistral-4's factor per token is moved after the product.
// ACT-LABEL: func.func @position_scale_on_q_commutes(
// ACT: %[[Q:.*]] = mla.project to_heads %{{.*}} -> tensor<?x4x64xf32>
// ACT: %[[Q_S:.*]] = mla.position_scale %[[Q]]
// ACT: %[[O:.*]] = mla.latent_attention queries(%[[Q_S]],
// ACT-NOT: per_head
// ACT: mla.project from_heads %[[O]],{{.*}} -> tensor<?x160xf32>
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
