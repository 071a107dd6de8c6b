// The planning pass reports requests that are not legal at the operation that prevents them.
//
// RUN: mla-opt %s --mla-plan="plan=decode.q=fold,decode.o=absorb" --split-input-file --verify-diagnostics | FileCheck %s

!cache = !mla.cache<page = 64, latent = 8, rope = 4, f32>
// The plan keeps the legal part of the request, without a remark.
// CHECK: {phase = decode, q = fold, o = absorb}
// CHECK-SAME: decode q fold as requested, o absorb as requested
func.func @requested(%q_nope: tensor<?x2x4xf32>, %q_pe: tensor<?x2x4xf32>, %cu: tensor<?xi32>, %position: tensor<?xi32>, %cache: !cache) -> tensor<?x2x4xf32> attributes {mla.phase = #mla.phase<decode>} {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<2x4x8xf32>
  %w_uv = mla.weight "w_uv" : tensor<2x4x8xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x8xf32>, tensor<2x4x8xf32>) -> tensor<?x2x4xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x8xf32>, tensor<2x4x8xf32>) -> tensor<?x2x4xf32>
  // expected-remark @+1 {{'mla.rope' is between the up-projection and the attention's k_nope: the rotation depends on the token's position and does not commute with a projection; the q side cannot fold, which is planned for decode}}
  %k_rotated = mla.rope interleaved %k at %position {frequencies = array<f32: 1.0, 1.0>} : tensor<?x2x4xf32>
  %o = mla.attention queries(%q_nope, %q_pe of %cu) keys(%k_rotated, %k_rope of %cu_keys) values(%v) {scale = 1.0e-1 : f64}
      : (tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x4xf32>, tensor<?x2x4xf32>) -> tensor<?x2x4xf32>
  return %o : tensor<?x2x4xf32>
}

// -----

// Also for an earlier plan: prefill is unchanged. There is no W_UQ to multiply W_UK with, nor a W_O.
// CHECK: {phase = prefill, q = naive, o = fold}
!cache = !mla.cache<page = 64, latent = 8, rope = 4, f32>
module attributes {mla.plan = #mla.plan<[{phase = decode, q = naive, o = naive}, {phase = prefill, q = naive, o = fold}], why = "by hand">} {
  func.func @planned(%q_nope: tensor<?x2x4xf32>, %q_pe: tensor<?x2x4xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x2x4xf32> attributes {mla.phase = #mla.phase<prefill>} {
    %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
    %w_uk = mla.weight "w_uk" : tensor<2x4x8xf32>
    %w_uv = mla.weight "w_uv" : tensor<2x4x8xf32>
    %k = mla.project to_heads %latent, %w_uk : (tensor<?x8xf32>, tensor<2x4x8xf32>) -> tensor<?x2x4xf32>
    %v = mla.project to_heads %latent, %w_uv : (tensor<?x8xf32>, tensor<2x4x8xf32>) -> tensor<?x2x4xf32>
    // expected-remark @+1 {{'mla.attention' has a result that no projection from heads reads; the o side cannot fold, which is planned for prefill}}
    %o = mla.attention queries(%q_nope, %q_pe of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 1.0e-1 : f64}
        : (tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x4xf32>, tensor<?x2x4xf32>) -> tensor<?x2x4xf32>
    return %o : tensor<?x2x4xf32>
  }
}
