// Rounding between factors, and types too narrow for a product.
// Absorption and folding follow the analysis.
//
// RUN: mla-opt %s --split-input-file --mla-print-legality --verify-diagnostics
// RUN: mla-opt %s --split-input-file --mla-absorb --mla-fold 2>/dev/null | FileCheck %s --check-prefix=ACT

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// An activation is quantized between two factors.
// ACT-LABEL: func.func @rounding_blocks_o_fold_only(
// ACT: %[[V:.*]] = mla.project per_head
// ACT: %[[V_T:.*]] = arith.truncf %[[V]]
// ACT: %[[V_E:.*]] = arith.extf %[[V_T]]
// ACT: mla.project from_heads %[[V_E]],
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
  // expected-remark @+1 {{'arith.truncf' is between two projections: it rounds between two factors; the o side cannot fold}}
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
// ACT: %[[Q:.*]] = mla.project to_heads %{{.*}} -> tensor<?x4x64xf32>
// ACT: %[[O:.*]] = mla.latent_attention queries(%[[Q]],
// ACT-NOT: per_head
// ACT: mla.project from_heads %[[O]],{{.*}} -> tensor<?x160xf32>
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

// llama.cpp #13137: an absorbed query overflows f16.
// ACT-LABEL: func.func @f16_query_blocks_absorb(
// ACT-NOT: mla.project per_head
// ACT: %[[Q:.*]] = arith.truncf
// ACT: %[[O:.*]] = mla.attention queries(%[[Q]],
// ACT: mla.project from_heads %[[O]],{{.*}}, tensor<160x4x64xf32>)
func.func @f16_query_blocks_absorb(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %q_h = arith.truncf %q : tensor<?x4x32xf32> to tensor<?x4x32xf16>
  // expected-remark @+2 {{'mla.project' cannot be moved: f16 cannot represent its result; use bf16 or f32; the q side cannot absorb}}
  // expected-remark @+1 {{'mla.project' cannot be moved: f16 cannot represent its result; use bf16 or f32; the q side cannot fold}}
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q_h, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf16>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}
