// Biases are affine.
// Absorption and folding follow the analysis.
//
// RUN: mla-opt %s --allow-unregistered-dialect --split-input-file --mla-print-legality --verify-diagnostics
// RUN: mla-opt %s --allow-unregistered-dialect --split-input-file --mla-absorb --mla-fold 2>/dev/null | FileCheck %s --check-prefix=ACT

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// The bias of the keys cancels in the softmax; that of the values becomes W_O b_V: probabilities sum to 1.
// ACT-LABEL: func.func @kv_b_bias_is_affine(
// ACT-NOT: b_uk
// ACT-DAG: %[[B:.*]] = mla.weight "w_o_x_b_uv" : tensor<160xf32>
// ACT: %[[O:.*]] = mla.latent_attention
// ACT-NOT: mla.bias
// ACT: %[[SUM:.*]] = mla.project from_heads %[[O]],{{.*}}, tensor<160x4x64xf32>)
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

// A bias that cancels in the softmax changes its LSE.
// ACT-LABEL: func.func @k_bias_blocks_absorb_where_lse_is_used(
// ACT: %[[K:.*]] = mla.project to_heads %{{.*}}, %w_uk
// ACT: %[[K_B:.*]] = mla.bias %[[K]]
// ACT: mla.attention queries({{.*}} keys(%[[K_B]],
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
  // expected-remark @+2 {{'mla.bias' is between the up-projection and the attention's k_nope: it cancels in the softmax, but not in the LSE, which is used; the q side cannot absorb}}
  // expected-remark @+1 {{'mla.bias' is between the up-projection and the attention's k_nope: it cancels in the softmax, but not in the LSE, which is used; the q side cannot fold}}
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

// This cache may lack the tokens of the step: a query without keys has result 0.
// ACT-LABEL: func.func @v_bias_blocks_absorb_where_no_key_may_be_seen(
// ACT: %[[V:.*]] = mla.project to_heads
// ACT: %[[V_B:.*]] = mla.bias %[[V]]
// ACT: mla.attention queries({{.*}} values(%[[V_B]])
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
  // expected-remark @+2 {{'mla.bias' is between the up-projection and the attention's v: a query that sees no key has result 0, without it; the o side cannot absorb}}
  // expected-remark @+1 {{'mla.bias' is between the up-projection and the attention's v: a query that sees no key has result 0, without it; the o side cannot fold}}
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

// A bias from the request is moved, but not multiplied out.
// ACT-LABEL: func.func @v_bias_of_the_request_blocks_o_fold_only(
// ACT: %[[O:.*]] = mla.latent_attention
// ACT: %[[V:.*]] = mla.project per_head %[[O]]
// ACT: %[[V_B:.*]] = mla.bias %[[V]]
// ACT: mla.project from_heads %[[V_B]]
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
  // expected-remark @+1 {{'mla.bias' is between two projections: its bias is not known at preparation time; the o side cannot fold}}
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
// ACT: %[[Q_B:.*]] = mla.bias %[[Q]], %[[B]]
// ACT: %[[O:.*]] = mla.latent_attention queries(%[[Q_B]],
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
