// One function per form of the plan.
//
// RUN: mla-opt %s --mla-absorb --split-input-file | FileCheck %s
// RUN: mla-opt %s --mla-absorb --mla-absorb --split-input-file | FileCheck %s

// Two forms of prefill: the first keeps the name, and each has its range.
// CHECK-LABEL: func.func @prefill(
// CHECK-SAME: mla.regime = #mla.regime<{phase = prefill, context = 0 to 2047, q = naive, o = naive}>
// CHECK: mla.attention
// CHECK-LABEL: func.func @prefill_absorb(
// CHECK-SAME: mla.regime = #mla.regime<{phase = prefill, context = 2048, q = absorb, o = absorb}>
// CHECK: mla.latent_attention
// CHECK-LABEL: func.func @decode(
// CHECK-SAME: mla.regime = #mla.regime<{phase = decode, q = absorb, o = absorb}>
// CHECK: mla.latent_attention
// CHECK-LABEL: func.func @of_no_phase(
// CHECK-NOT: mla.regime
// CHECK: mla.attention
!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

module attributes {mla.plan = #mla.plan<[
  {phase = prefill, context = 0 to 2047, q = naive, o = naive},
  {phase = prefill, context = 2048, q = absorb, o = absorb},
  {phase = decode, q = absorb, o = absorb}
], why = "as measured">} {
func.func @prefill(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> attributes {mla.phase = #mla.phase<prefill>} {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}
func.func @decode(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> attributes {mla.phase = #mla.phase<decode>} {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}
func.func @of_no_phase(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}
}

// -----

// Different sides are both in the name. A form with two ranges is one function
// without a range, which the plan states.
// CHECK: module attributes {mla.plan = #mla.plan<[{phase = decode, context = 0 to 15, q = naive, o = naive}, {phase = decode, context = 16 to 31, q = fold, o = absorb}, {phase = decode, context = 32, q = naive, o = naive}]
// CHECK-LABEL: func.func @decode(
// CHECK-SAME: mla.regime = #mla.regime<{phase = decode, q = naive, o = naive}>
// CHECK: mla.attention
// CHECK-LABEL: func.func @decode_fold_absorb(
// CHECK-SAME: mla.regime = #mla.regime<{phase = decode, context = 16 to 31, q = fold, o = absorb}>
// CHECK: mla.latent_attention
// CHECK-NOT: func.func
!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

module attributes {mla.plan = #mla.plan<[
  {phase = decode, context = 0 to 15, q = naive, o = naive},
  {phase = decode, context = 16 to 31, q = fold, o = absorb},
  {phase = decode, context = 32, q = naive, o = naive}
], why = "a case">} {
func.func @decode(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> attributes {mla.phase = #mla.phase<decode>} {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}
}

// -----

// A function that the plan's phases do not cover is unchanged.
// CHECK-LABEL: func.func @prefill(
// CHECK-NOT: mla.regime
// CHECK: mla.attention
!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

module attributes {mla.plan = #mla.plan<[{phase = decode, q = absorb, o = absorb}], why = "decode alone">} {
func.func @prefill(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> attributes {mla.phase = #mla.phase<prefill>} {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}
}

// -----

// The same forms in two bands of queries: one function per band, also if a band has several contexts.
// CHECK-LABEL: func.func @prefill(
// CHECK-SAME: mla.regime = #mla.regime<{phase = prefill, tokens = 0 to 99, q = naive, o = naive}>
// CHECK: mla.attention
// CHECK-LABEL: func.func @prefill_absorb(
// CHECK-SAME: mla.regime = #mla.regime<{phase = prefill, tokens = 0 to 99, context = 512 to 4095, q = absorb, o = absorb}>
// CHECK: mla.latent_attention
// CHECK-LABEL: func.func @prefill_naive(
// CHECK-SAME: mla.regime = #mla.regime<{phase = prefill, tokens = 100, q = naive, o = naive}>
// CHECK: mla.attention
!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

module attributes {mla.plan = #mla.plan<[
  {phase = prefill, tokens = 0 to 99, context = 0 to 511, q = naive, o = naive},
  {phase = prefill, tokens = 0 to 99, context = 512 to 4095, q = absorb, o = absorb},
  {phase = prefill, tokens = 0 to 99, context = 4096, q = naive, o = naive},
  {phase = prefill, tokens = 100, q = naive, o = naive}
], why = "as measured">} {
func.func @prefill(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> attributes {mla.phase = #mla.phase<prefill>} {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}
}
