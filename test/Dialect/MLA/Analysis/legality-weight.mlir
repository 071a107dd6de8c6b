// Weights include merged adapters, but not values from the request.
// Absorption and folding follow the analysis.
//
// RUN: mla-opt %s --split-input-file --mla-print-legality --verify-diagnostics
// RUN: mla-opt %s --split-input-file --mla-absorb --mla-fold 2>/dev/null | FileCheck %s --check-prefix=ACT

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// W_UK + 2 B A is a weight.
// ACT-LABEL: func.func @merged_lora_is_legal(
// ACT-DAG: %[[W:.*]] = mla.weight "w_uk_plus_lora_b_x_lora_a.t_x_w_uq" : tensor<4x64x48xf32>
// ACT: %[[Q:.*]] = mla.project to_heads %{{.*}}, %[[W]] {{.*}} -> tensor<?x4x64xf32>
// ACT: %[[O:.*]] = mla.latent_attention queries(%[[Q]],
// ACT-NOT: per_head
// ACT: mla.project from_heads %[[O]],{{.*}} -> tensor<?x160xf32>
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

// An adapter of W_UQ per token.
// ACT-LABEL: func.func @lora_of_the_request_on_q_blocks_q_fold_only(
// ACT: %[[SUM:.*]] = arith.addf
// ACT: %[[Q:.*]] = mla.project per_head %[[SUM]],
// ACT: %[[O:.*]] = mla.latent_attention queries(%[[Q]],
// ACT-NOT: per_head
// ACT: mla.project from_heads %[[O]],{{.*}}, tensor<160x4x64xf32>)
func.func @lora_of_the_request_on_q_blocks_q_fold_only(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %delta: tensor<?x4x32xf32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'arith.addf' is between two projections: the addend depends on the token; the q side cannot fold}}
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

// An adapter of W_UK per token applies to the keys.
// ACT-LABEL: func.func @lora_of_the_request_on_k_nope_blocks_absorb(
// ACT-NOT: mla.project per_head
// ACT: %[[K:.*]] = arith.addf
// ACT: %[[O:.*]] = mla.attention queries({{.*}} keys(%[[K]],
// ACT: mla.project from_heads %[[O]],{{.*}}, tensor<160x4x64xf32>)
func.func @lora_of_the_request_on_k_nope_blocks_absorb(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %delta: tensor<?x4x32xf32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{'arith.addf' is between the up-projection and the attention's k_nope: the addend depends on the token; the q side cannot absorb}}
  // expected-remark @+1 {{'arith.addf' is between the up-projection and the attention's k_nope: the addend depends on the token; the q side cannot fold}}
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

// W_UK comes from the request, one for all tokens.
// ACT-LABEL: func.func @weight_of_the_request_blocks_q_fold_only(
// ACT: %[[Q:.*]] = mla.project per_head
// ACT: %[[O:.*]] = mla.latent_attention queries(%[[Q]],
// ACT-NOT: per_head
// ACT: mla.project from_heads %[[O]],{{.*}}, tensor<160x4x64xf32>)
func.func @weight_of_the_request_blocks_q_fold_only(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %w_uk: tensor<4x32x64xf32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.project' cannot be multiplied out: its weight is not known at preparation time; the q side cannot fold}}
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
