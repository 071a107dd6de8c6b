// An operation between two projections prevents folding, with a remark. Absorbed
// forms are legal where these folds are not.
//
// RUN: mla-opt %s --mla-fold --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @norm_between_blocks_query_fold
// CHECK: %[[Q:.*]] = mla.project to_heads
// CHECK: %[[N:.*]] = mla.rms_norm %[[Q]],
// CHECK: mla.project per_head %[[N]],
func.func @norm_between_blocks_query_fold(%x: tensor<?x48xf32>) -> tensor<?x4x64xf32> {
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x64x32xf32>
  %gamma = mla.weight "gamma" : tensor<32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.rms_norm' is between two projections: a norm is not linear; the q side is not folded}}
  %n = mla.rms_norm %q, %gamma {epsilon = 1.0e-6 : f64} : tensor<?x4x32xf32>, tensor<32xf32> -> tensor<?x4x32xf32>
  %l = mla.project per_head %n, %w_uk : (tensor<?x4x32xf32>, tensor<4x64x32xf32>) -> tensor<?x4x64xf32>
  return %l : tensor<?x4x64xf32>
}

// -----

// CHECK-LABEL: func.func @rope_on_q_nope_blocks_query_fold
// CHECK: %[[Q:.*]] = mla.project to_heads
// CHECK: %[[R:.*]] = mla.rope {{ ?}}interleaved %[[Q]] at
// CHECK: mla.project per_head %[[R]],
func.func @rope_on_q_nope_blocks_query_fold(%x: tensor<?x48xf32>, %position: tensor<?xi32>) -> tensor<?x4x64xf32> {
  %w_uq = mla.weight "w_uq" : tensor<4x4x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x64x4xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x4x48xf32>) -> tensor<?x4x4xf32>
  // expected-remark @+1 {{'mla.rope' is between two projections: the rotation depends on the token's position and does not commute with a projection; the q side is not folded}}
  %r = mla.rope interleaved %q at %position {frequencies = array<f32: 1.0, 0.5>} : tensor<?x4x4xf32>
  %l = mla.project per_head %r, %w_uk : (tensor<?x4x4xf32>, tensor<4x64x4xf32>) -> tensor<?x4x64xf32>
  return %l : tensor<?x4x64xf32>
}

// -----

// CHECK-LABEL: func.func @bias_of_the_request_blocks_query_fold
// CHECK-SAME: %[[BIAS:[^:]*]]: tensor<4x32xf32>
// CHECK: %[[Q:.*]] = mla.project to_heads
// CHECK: %[[B:.*]] = mla.bias %[[Q]], %[[BIAS]]
// CHECK: mla.project per_head %[[B]],
func.func @bias_of_the_request_blocks_query_fold(%x: tensor<?x48xf32>, %bias: tensor<4x32xf32>) -> tensor<?x4x64xf32> {
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x64x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.bias' is between two projections: its bias is not known at preparation time; the q side is not folded}}
  %b = mla.bias %q, %bias : tensor<?x4x32xf32>, tensor<4x32xf32>
  %l = mla.project per_head %b, %w_uk : (tensor<?x4x32xf32>, tensor<4x64x32xf32>) -> tensor<?x4x64xf32>
  return %l : tensor<?x4x64xf32>
}

// -----

// The projection after a gate is found at either operand.
// CHECK-LABEL: func.func @gate_blocks_output_fold
// CHECK: %[[O:.*]] = mla.project per_head
// CHECK: %[[G:.*]] = arith.mulf %{{.*}}, %[[O]]
// CHECK: mla.project from_heads %[[G]],
func.func @gate_blocks_output_fold(%o_l: tensor<?x4x64xf32>, %gate: tensor<?x4x32xf32>) -> tensor<?x160xf32> {
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %o = mla.project per_head %o_l, %w_uv : (tensor<?x4x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'arith.mulf' is between two projections: a gate depends on the token; the o side is not folded}}
  %g = arith.mulf %gate, %o : tensor<?x4x32xf32>
  %out = mla.project from_heads %g, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

// CHECK-LABEL: func.func @rounding_between_blocks_output_fold
// CHECK: %[[O:.*]] = mla.project per_head
// CHECK: %[[R:.*]] = arith.truncf %[[O]]
// CHECK: mla.project from_heads %[[R]],
func.func @rounding_between_blocks_output_fold(%o_l: tensor<?x4x64xf32>) -> tensor<?x160xf32> {
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %o = mla.project per_head %o_l, %w_uv : (tensor<?x4x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'arith.truncf' is between two projections: it rounds between two factors; the o side is not folded}}
  %r = arith.truncf %o : tensor<?x4x32xf32> to tensor<?x4x32xbf16>
  %out = mla.project from_heads %r, %w_o : (tensor<?x4x32xbf16>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

// CHECK-LABEL: func.func @f16_blocks_fold
// CHECK: mla.project to_heads
// CHECK: mla.project per_head
// CHECK-NOT: mla.compose
func.func @f16_blocks_fold(%x: tensor<?x48xf32>) -> tensor<?x4x64xf32> {
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf16>
  %w_uk = mla.weight "w_uk" : tensor<4x64x32xf32>
  // expected-remark @+1 {{'mla.project' cannot be multiplied out: f16 cannot represent a product of weights; use bf16 or f32; the q side is not folded}}
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf16>) -> tensor<?x4x32xf32>
  %l = mla.project per_head %q, %w_uk : (tensor<?x4x32xf32>, tensor<4x64x32xf32>) -> tensor<?x4x64xf32>
  return %l : tensor<?x4x64xf32>
}

// -----

// A weight from the request, for example a LoRA.
// CHECK-LABEL: func.func @weight_of_the_request_blocks_fold
// CHECK: mla.project to_heads
// CHECK: mla.project per_head
func.func @weight_of_the_request_blocks_fold(%x: tensor<?x48xf32>, %w_uk: tensor<4x64x32xf32>) -> tensor<?x4x64xf32> {
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.project' cannot be multiplied out: its weight is not known at preparation time; the q side is not folded}}
  %l = mla.project per_head %q, %w_uk : (tensor<?x4x32xf32>, tensor<4x64x32xf32>) -> tensor<?x4x64xf32>
  return %l : tensor<?x4x64xf32>
}

// -----

// Sides that the plan does not fold get no remark.
// CHECK-LABEL: func.func @absorb_regime_is_silent
// CHECK: mla.project to_heads
// CHECK: mla.project per_head
func.func @absorb_regime_is_silent(%x: tensor<?x48xf32>) -> tensor<?x4x64xf32>
    attributes {mla.regime = #mla.regime<{phase = decode, q = absorb, o = absorb}>} {
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x64x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %l = mla.project per_head %q, %w_uk : (tensor<?x4x32xf32>, tensor<4x64x32xf32>) -> tensor<?x4x64xf32>
  return %l : tensor<?x4x64xf32>
}

// -----

// Nothing to fold and no remark: there is no projection after the norm.
// CHECK-LABEL: func.func @no_pair_is_silent
func.func @no_pair_is_silent(%q: tensor<?x4x32xf32>) -> tensor<?x4x64xf32> {
  %gamma = mla.weight "gamma" : tensor<32xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x64x32xf32>
  %n = mla.rms_norm %q, %gamma {epsilon = 1.0e-6 : f64} : tensor<?x4x32xf32>, tensor<32xf32> -> tensor<?x4x32xf32>
  %l = mla.project per_head %n, %w_uk : (tensor<?x4x32xf32>, tensor<4x64x32xf32>) -> tensor<?x4x64xf32>
  return %l : tensor<?x4x64xf32>
}

// -----

// CHECK-LABEL: func.func @gate_blocks_output_fold
// CHECK: %[[O:.*]] = mla.project per_head
// CHECK: %[[GATED:.*]] = mla.gate %[[O]] by
// CHECK: mla.project from_heads %[[GATED]],
func.func @gate_blocks_output_fold(%l: tensor<?x4x64xf32>, %g: tensor<?x4xf32>) -> tensor<?x48xf32> {
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<48x4x32xf32>
  %o = mla.project per_head %l, %w_uv : (tensor<?x4x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.gate' is between two projections: a gate depends on the token; the o side is not folded}}
  %gated = mla.gate %o by %g : (tensor<?x4x32xf32>, tensor<?x4xf32>) -> tensor<?x4x32xf32>
  %y = mla.project from_heads %gated, %w_o : (tensor<?x4x32xf32>, tensor<48x4x32xf32>) -> tensor<?x48xf32>
  return %y : tensor<?x48xf32>
}
