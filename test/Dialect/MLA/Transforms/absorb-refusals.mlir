// An operation between an up-projection and the attention prevents absorption
// with a remark; the other side is absorbed.
//
// RUN: mla-opt %s --mla-absorb --split-input-file --verify-diagnostics | FileCheck %s

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// The classical mistake. Values are not rotated: the other side is absorbed.
// CHECK-LABEL: func.func @rope_on_nope_blocks_key_absorption
// CHECK: %[[LATENT:.*]], %{{.*}}, %{{.*}} = mla.gather
// CHECK: %[[STEP:.*]] = mla.rope
// CHECK: %[[O_L:.*]] = mla.attention queries({{.*}}) keys(%[[STEP]], %{{.*}} of %{{.*}}) values(%[[LATENT]])
// CHECK: mla.project per_head %[[O_L]]
func.func @rope_on_nope_blocks_key_absorption(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %position: tensor<?xi32>) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.rope' is between the up-projection and the attention's k_nope: the rotation depends on the token's position and does not commute with a projection; the q side is not absorbed}}
  %step = mla.rope interleaved %k_nope at %position {frequencies = array<f32: 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15., 16.>} : tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%step, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @norm_on_nope_blocks_key_absorption
// CHECK: %[[LATENT:.*]], %{{.*}}, %{{.*}} = mla.gather
// CHECK: %[[STEP:.*]] = mla.rms_norm
// CHECK: %[[O_L:.*]] = mla.attention queries({{.*}}) keys(%[[STEP]], %{{.*}} of %{{.*}}) values(%[[LATENT]])
// CHECK: mla.project per_head %[[O_L]]
func.func @norm_on_nope_blocks_key_absorption(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %gamma = mla.weight "gamma" : tensor<32xf32>
  // expected-remark @+1 {{'mla.rms_norm' is between the up-projection and the attention's k_nope: a norm is not linear; the q side is not absorbed}}
  %step = mla.rms_norm %k_nope, %gamma {epsilon = 1.0e-6 : f64} : tensor<?x4x32xf32>, tensor<32xf32> -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%step, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @position_scale_on_nope_blocks_key_absorption
// CHECK: %[[LATENT:.*]], %{{.*}}, %{{.*}} = mla.gather
// CHECK: %[[STEP:.*]] = mla.position_scale
// CHECK: %[[O_L:.*]] = mla.attention queries({{.*}}) keys(%[[STEP]], %{{.*}} of %{{.*}}) values(%[[LATENT]])
// CHECK: mla.project per_head %[[O_L]]
func.func @position_scale_on_nope_blocks_key_absorption(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %position: tensor<?xi32>) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.position_scale' is between the up-projection and the attention's k_nope: the factor depends on the key's position; the q side is not absorbed}}
  %step = mla.position_scale %k_nope at %position {beta = 0.1 : f64, original = 64 : i64} : tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%step, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @bias_on_v_blocks_value_absorption_where_no_key_may_be_seen
// CHECK: %[[LATENT:.*]], %{{.*}}, %{{.*}} = mla.gather
// CHECK: %[[STEP:.*]] = mla.bias
// CHECK: %[[Q_L:.*]] = mla.project per_head
// CHECK: mla.attention queries(%[[Q_L]], %{{.*}} of %{{.*}}) keys(%[[LATENT]], %{{.*}} of %{{.*}}) values(%[[STEP]])
func.func @bias_on_v_blocks_value_absorption_where_no_key_may_be_seen(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %bias = mla.weight "bias" : tensor<4x32xf32>
  // expected-remark @+1 {{'mla.bias' is between the up-projection and the attention's v: a query that sees no key has result 0, without it; the o side is not absorbed}}
  %step = mla.bias %v, %bias : tensor<?x4x32xf32>, tensor<4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%step) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @gate_on_v_blocks_value_absorption
// CHECK: %[[LATENT:.*]], %{{.*}}, %{{.*}} = mla.gather
// CHECK: %[[STEP:.*]] = arith.mulf
// CHECK: %[[Q_L:.*]] = mla.project per_head
// CHECK: mla.attention queries(%[[Q_L]], %{{.*}} of %{{.*}}) keys(%[[LATENT]], %{{.*}} of %{{.*}}) values(%[[STEP]])
func.func @gate_on_v_blocks_value_absorption(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %gate: tensor<?x4x32xf32>) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'arith.mulf' is between the up-projection and the attention's v: a gate depends on the token; the o side is not absorbed}}
  %step = arith.mulf %v, %gate : tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%step) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @unknown_on_v_blocks_value_absorption
// CHECK: %[[LATENT:.*]], %{{.*}}, %{{.*}} = mla.gather
// CHECK: %[[STEP:.*]] = arith.negf
// CHECK: %[[Q_L:.*]] = mla.project per_head
// CHECK: mla.attention queries(%[[Q_L]], %{{.*}} of %{{.*}}) keys(%[[LATENT]], %{{.*}} of %{{.*}}) values(%[[STEP]])
func.func @unknown_on_v_blocks_value_absorption(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'arith.negf' is between the up-projection and the attention's v: it is not known to commute with a projection; the o side is not absorbed}}
  %step = arith.negf %v : tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%step) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @slice_of_tokens_blocks_value_absorption
// CHECK: %[[LATENT:.*]], %{{.*}}, %{{.*}} = mla.gather
// CHECK: %[[STEP:.*]] = tensor.extract_slice
// CHECK: %[[Q_L:.*]] = mla.project per_head
// CHECK: mla.attention queries(%[[Q_L]], %{{.*}} of %{{.*}}) keys(%[[LATENT]], %{{.*}} of %{{.*}}) values(%[[STEP]])
func.func @slice_of_tokens_blocks_value_absorption(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %some: index) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'tensor.extract_slice' is between the up-projection and the attention's v: the slice may leave out tokens or heads; the o side is not absorbed}}
  %step = tensor.extract_slice %v[0, 0, 0] [%some, 4, 32] [1, 1, 1] : tensor<?x4x32xf32> to tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%step) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// Both sides get remarks, each at its operation.
// CHECK-LABEL: func.func @keys_and_values_from_outside
// CHECK-SAME: %[[K:[^:]*]]: tensor<?x4x32xf32>, %[[V:[^:]*]]: tensor<?x4x32xf32>)
// CHECK: mla.attention queries({{.*}}) keys(%[[K]], %{{.*}} of %{{.*}}) values(%[[V]])
func.func @keys_and_values_from_outside(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %k: tensor<?x4x32xf32>, %v: tensor<?x4x32xf32>) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  // expected-remark @+2 {{k_nope comes from outside; the q side is not absorbed}}
  // expected-remark @+1 {{v comes from outside; the o side is not absorbed}}
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// Sides that the plan does not absorb get no remark.
// CHECK-LABEL: func.func @naive_regime_is_silent
func.func @naive_regime_is_silent(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> attributes {mla.regime = #mla.regime<{phase = prefill, q = naive, o = naive}>} {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %step = arith.negf %k_nope : tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%step, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// Without sinks the first bias would cancel, and the second, of queries that see themselves, would be one of the result.
// CHECK-LABEL: func.func @biases_beside_sinks
// CHECK: %[[K:.*]] = mla.bias
// CHECK: %[[V:.*]] = mla.bias
// CHECK: mla.attention queries({{.*}}) keys(%[[K]], %{{.*}} of %{{.*}}) values(%[[V]]) sinks
func.func @biases_beside_sinks(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %c: tensor<?x64xf32>, %k: tensor<?x16xf32>, %tokens: index, %sinks: tensor<4xf32>) -> tensor<?x4x32xf32> {
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %new = mla.append %c, %k at %position of %sequence into %cache : tensor<?x64xf32>, tensor<?x16xf32> into !cache
  %latent, %k_rope, %cu_keys = mla.gather %new : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %bias = mla.weight "bias" : tensor<4x32xf32>
  %k_plain = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.bias' is between the up-projection and the attention's k_nope: it cancels in the softmax, but not against the sinks; the q side is not absorbed}}
  %k_nope = mla.bias %k_plain, %bias : tensor<?x4x32xf32>, tensor<4x32xf32>
  %v_plain = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.bias' is between the up-projection and the attention's v: probabilities do not sum to 1 beside a sink; the o side is not absorbed}}
  %v = mla.bias %v_plain, %bias : tensor<?x4x32xf32>, tensor<4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) sinks(%sinks) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>, tensor<4xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}
