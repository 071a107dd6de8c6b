// If the whole query is scaled by position, its normalized latent is scaled instead. In all other cases the scales
// stay.
//
// RUN: mla-opt %s --mla-hoist-position-scales | FileCheck %s

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// Through a projection, and through a slice and a rotation of another.
// CHECK-LABEL: func.func @scaled_everywhere(
// CHECK: %[[P:.*]], %{{.*}} = mla.positions
// CHECK: %[[N:.*]] = mla.rms_norm
// CHECK-NEXT: %[[S:.*]] = mla.position_scale %[[N]] at %[[P]] {beta = 1.000000e-01 : f64, original = 8192 : i64} : tensor<?x48xf32>
// CHECK-NOT: mla.position_scale
// CHECK: %[[L:.*]] = mla.project to_heads %[[S]], %{{.*}} -> tensor<?x4x64xf32>
// CHECK: %[[Q:.*]] = mla.project to_heads %[[S]], %{{.*}} -> tensor<?x4x48xf32>
// CHECK: %[[PE:.*]] = tensor.extract_slice %[[Q]]
// CHECK: %[[R:.*]] = mla.rope interleaved %[[PE]] at %[[P]]
// CHECK-NOT: mla.position_scale
// CHECK: return %[[L]], %[[R]]
func.func @scaled_everywhere(%q_a: tensor<?x48xf32>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x4x64xf32>, tensor<?x4x16xf32>) {
  %g = mla.weight "g" : tensor<48xf32>
  %w_l = mla.weight "w_l" : tensor<4x64x48xf32>
  %w_q = mla.weight "w_q" : tensor<4x48x48xf32>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %q_a, %c0 : tensor<?x48xf32>
  %at, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %q_n = mla.rms_norm %q_a, %g {epsilon = 1.0e-06 : f64} : tensor<?x48xf32>, tensor<48xf32> -> tensor<?x48xf32>
  %l = mla.project to_heads %q_n, %w_l : (tensor<?x48xf32>, tensor<4x64x48xf32>) -> tensor<?x4x64xf32>
  %l_s = mla.position_scale %l at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x64xf32>
  %q = mla.project to_heads %q_n, %w_q : (tensor<?x48xf32>, tensor<4x48x48xf32>) -> tensor<?x4x48xf32>
  %pe = tensor.extract_slice %q[0, 0, 32] [%tokens, 4, 16] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x16xf32>
  %r = mla.rope interleaved %pe at %at {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xf32>
  %r_s = mla.position_scale %r at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x16xf32>
  return %l_s, %r_s : tensor<?x4x64xf32>, tensor<?x4x16xf32>
}

// The latent is also read unscaled.
// CHECK-LABEL: func.func @another_use_of_the_latent_keeps_scales(
// CHECK: %[[N:.*]] = mla.rms_norm
// CHECK: %[[L:.*]] = mla.project to_heads %[[N]], %{{.*}} -> tensor<?x4x64xf32>
// CHECK: %[[L_S:.*]] = mla.position_scale %[[L]]
// CHECK: %[[R:.*]] = mla.rope interleaved
// CHECK: %[[R_S:.*]] = mla.position_scale %[[R]]
// CHECK: return %[[L_S]], %[[R_S]]
// CHECK-SAME: , %[[N]] :
func.func @another_use_of_the_latent_keeps_scales(%q_a: tensor<?x48xf32>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x4x64xf32>, tensor<?x4x16xf32>, tensor<?x48xf32>) {
  %g = mla.weight "g" : tensor<48xf32>
  %w_l = mla.weight "w_l" : tensor<4x64x48xf32>
  %w_q = mla.weight "w_q" : tensor<4x48x48xf32>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %q_a, %c0 : tensor<?x48xf32>
  %at, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %q_n = mla.rms_norm %q_a, %g {epsilon = 1.0e-06 : f64} : tensor<?x48xf32>, tensor<48xf32> -> tensor<?x48xf32>
  %l = mla.project to_heads %q_n, %w_l : (tensor<?x48xf32>, tensor<4x64x48xf32>) -> tensor<?x4x64xf32>
  %l_s = mla.position_scale %l at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x64xf32>
  %q = mla.project to_heads %q_n, %w_q : (tensor<?x48xf32>, tensor<4x48x48xf32>) -> tensor<?x4x48xf32>
  %pe = tensor.extract_slice %q[0, 0, 32] [%tokens, 4, 16] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x16xf32>
  %r = mla.rope interleaved %pe at %at {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xf32>
  %r_s = mla.position_scale %r at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x16xf32>
  return %l_s, %r_s, %q_n : tensor<?x4x64xf32>, tensor<?x4x16xf32>, tensor<?x48xf32>
}

// Two parts, two factors.
// CHECK-LABEL: func.func @other_factors_keep_scales(
// CHECK: %[[N:.*]] = mla.rms_norm
// CHECK: %[[L:.*]] = mla.project to_heads %[[N]], %{{.*}} -> tensor<?x4x64xf32>
// CHECK: %[[L_S:.*]] = mla.position_scale %[[L]]
// CHECK: %[[R:.*]] = mla.rope interleaved
// CHECK: %[[R_S:.*]] = mla.position_scale %[[R]] at %{{.*}} {beta = 2.000000e-01
// CHECK: return %[[L_S]], %[[R_S]]
func.func @other_factors_keep_scales(%q_a: tensor<?x48xf32>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x4x64xf32>, tensor<?x4x16xf32>) {
  %g = mla.weight "g" : tensor<48xf32>
  %w_l = mla.weight "w_l" : tensor<4x64x48xf32>
  %w_q = mla.weight "w_q" : tensor<4x48x48xf32>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %q_a, %c0 : tensor<?x48xf32>
  %at, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %q_n = mla.rms_norm %q_a, %g {epsilon = 1.0e-06 : f64} : tensor<?x48xf32>, tensor<48xf32> -> tensor<?x48xf32>
  %l = mla.project to_heads %q_n, %w_l : (tensor<?x48xf32>, tensor<4x64x48xf32>) -> tensor<?x4x64xf32>
  %l_s = mla.position_scale %l at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x64xf32>
  %q = mla.project to_heads %q_n, %w_q : (tensor<?x48xf32>, tensor<4x48x48xf32>) -> tensor<?x4x48xf32>
  %pe = tensor.extract_slice %q[0, 0, 32] [%tokens, 4, 16] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x16xf32>
  %r = mla.rope interleaved %pe at %at {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xf32>
  %r_s = mla.position_scale %r at %at {beta = 2.0e-01 : f64, original = 8192 : i64} : tensor<?x4x16xf32>
  return %l_s, %r_s : tensor<?x4x64xf32>, tensor<?x4x16xf32>
}

// The factors of the slice's tokens differ from those of all tokens.
// CHECK-LABEL: func.func @slice_of_fewer_tokens_keeps_scales(
// CHECK: %[[N:.*]] = mla.rms_norm
// CHECK: %[[L:.*]] = mla.project to_heads %[[N]], %{{.*}} -> tensor<?x4x64xf32>
// CHECK: %[[L_S:.*]] = mla.position_scale %[[L]]
// CHECK: %[[R:.*]] = mla.rope interleaved
// CHECK: %[[R_S:.*]] = mla.position_scale %[[R]]
// CHECK: return %[[L_S]], %[[R_S]]
func.func @slice_of_fewer_tokens_keeps_scales(%q_a: tensor<?x48xf32>, %cu: tensor<?xi32>, %cache: !cache, %fewer: index) -> (tensor<?x4x64xf32>, tensor<?x4x16xf32>) {
  %g = mla.weight "g" : tensor<48xf32>
  %w_l = mla.weight "w_l" : tensor<4x64x48xf32>
  %w_q = mla.weight "w_q" : tensor<4x48x48xf32>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %q_a, %c0 : tensor<?x48xf32>
  %at, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %q_n = mla.rms_norm %q_a, %g {epsilon = 1.0e-06 : f64} : tensor<?x48xf32>, tensor<48xf32> -> tensor<?x48xf32>
  %at_fewer, %sequence_fewer = mla.positions %fewer of %cu in %cache : !cache
  %l = mla.project to_heads %q_n, %w_l : (tensor<?x48xf32>, tensor<4x64x48xf32>) -> tensor<?x4x64xf32>
  %l_s = mla.position_scale %l at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x64xf32>
  %q = mla.project to_heads %q_n, %w_q : (tensor<?x48xf32>, tensor<4x48x48xf32>) -> tensor<?x4x48xf32>
  %pe = tensor.extract_slice %q[0, 0, 32] [%fewer, 4, 16] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x16xf32>
  %r = mla.rope interleaved %pe at %at_fewer {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xf32>
  %r_s = mla.position_scale %r at %at_fewer {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x16xf32>
  return %l_s, %r_s : tensor<?x4x64xf32>, tensor<?x4x16xf32>
}

// The slice may not have all tokens.
// CHECK-LABEL: func.func @slice_of_unknown_tokens_keeps_scales(
// CHECK: %[[N:.*]] = mla.rms_norm
// CHECK: %[[L:.*]] = mla.project to_heads %[[N]], %{{.*}} -> tensor<?x4x64xf32>
// CHECK: %[[L_S:.*]] = mla.position_scale %[[L]]
// CHECK: %[[R:.*]] = mla.rope interleaved
// CHECK: %[[R_S:.*]] = mla.position_scale %[[R]]
// CHECK: return %[[L_S]], %[[R_S]]
func.func @slice_of_unknown_tokens_keeps_scales(%q_a: tensor<?x48xf32>, %cu: tensor<?xi32>, %cache: !cache, %fewer: index) -> (tensor<?x4x64xf32>, tensor<?x4x16xf32>) {
  %g = mla.weight "g" : tensor<48xf32>
  %w_l = mla.weight "w_l" : tensor<4x64x48xf32>
  %w_q = mla.weight "w_q" : tensor<4x48x48xf32>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %q_a, %c0 : tensor<?x48xf32>
  %at, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %q_n = mla.rms_norm %q_a, %g {epsilon = 1.0e-06 : f64} : tensor<?x48xf32>, tensor<48xf32> -> tensor<?x48xf32>
  %l = mla.project to_heads %q_n, %w_l : (tensor<?x48xf32>, tensor<4x64x48xf32>) -> tensor<?x4x64xf32>
  %l_s = mla.position_scale %l at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x64xf32>
  %q = mla.project to_heads %q_n, %w_q : (tensor<?x48xf32>, tensor<4x48x48xf32>) -> tensor<?x4x48xf32>
  %pe = tensor.extract_slice %q[0, 0, 32] [%fewer, 4, 16] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x16xf32>
  %r = mla.rope interleaved %pe at %at {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xf32>
  %r_s = mla.position_scale %r at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x16xf32>
  return %l_s, %r_s : tensor<?x4x64xf32>, tensor<?x4x16xf32>
}

// The norm would depend on them.
// CHECK-LABEL: func.func @positions_after_the_norm_keep_scales(
// CHECK: %[[N:.*]] = mla.rms_norm
// CHECK: %[[L:.*]] = mla.project to_heads %[[N]], %{{.*}} -> tensor<?x4x64xf32>
// CHECK: %[[L_S:.*]] = mla.position_scale %[[L]]
// CHECK: %[[R:.*]] = mla.rope interleaved
// CHECK: %[[R_S:.*]] = mla.position_scale %[[R]]
// CHECK: return %[[L_S]], %[[R_S]]
func.func @positions_after_the_norm_keep_scales(%q_a: tensor<?x48xf32>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x4x64xf32>, tensor<?x4x16xf32>) {
  %g = mla.weight "g" : tensor<48xf32>
  %w_l = mla.weight "w_l" : tensor<4x64x48xf32>
  %w_q = mla.weight "w_q" : tensor<4x48x48xf32>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %q_a, %c0 : tensor<?x48xf32>
  %q_n = mla.rms_norm %q_a, %g {epsilon = 1.0e-06 : f64} : tensor<?x48xf32>, tensor<48xf32> -> tensor<?x48xf32>
  %at, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %l = mla.project to_heads %q_n, %w_l : (tensor<?x48xf32>, tensor<4x64x48xf32>) -> tensor<?x4x64xf32>
  %l_s = mla.position_scale %l at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x64xf32>
  %q = mla.project to_heads %q_n, %w_q : (tensor<?x48xf32>, tensor<4x48x48xf32>) -> tensor<?x4x48xf32>
  %pe = tensor.extract_slice %q[0, 0, 32] [%tokens, 4, 16] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x16xf32>
  %r = mla.rope interleaved %pe at %at {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xf32>
  %r_s = mla.position_scale %r at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x16xf32>
  return %l_s, %r_s : tensor<?x4x64xf32>, tensor<?x4x16xf32>
}

// The scaled value is not the result of a norm.
// CHECK-LABEL: func.func @unnormalised_latent_keeps_scales(
// CHECK: %[[L:.*]] = mla.project to_heads %{{.*}}, %{{.*}} -> tensor<?x4x64xf32>
// CHECK: %[[L_S:.*]] = mla.position_scale %[[L]]
// CHECK: %[[R:.*]] = mla.rope interleaved
// CHECK: %[[R_S:.*]] = mla.position_scale %[[R]]
// CHECK: return %[[L_S]], %[[R_S]]
func.func @unnormalised_latent_keeps_scales(%q_a: tensor<?x48xf32>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x4x64xf32>, tensor<?x4x16xf32>) {
  %g = mla.weight "g" : tensor<48xf32>
  %w_l = mla.weight "w_l" : tensor<4x64x48xf32>
  %w_q = mla.weight "w_q" : tensor<4x48x48xf32>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %q_a, %c0 : tensor<?x48xf32>
  %at, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %l = mla.project to_heads %q_a, %w_l : (tensor<?x48xf32>, tensor<4x64x48xf32>) -> tensor<?x4x64xf32>
  %l_s = mla.position_scale %l at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x64xf32>
  %q = mla.project to_heads %q_a, %w_q : (tensor<?x48xf32>, tensor<4x48x48xf32>) -> tensor<?x4x48xf32>
  %pe = tensor.extract_slice %q[0, 0, 32] [%tokens, 4, 16] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x16xf32>
  %r = mla.rope interleaved %pe at %at {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xf32>
  %r_s = mla.position_scale %r at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x16xf32>
  return %l_s, %r_s : tensor<?x4x64xf32>, tensor<?x4x16xf32>
}

// An update by an adapter has the factor too, if it reads what is scaled.
// CHECK-LABEL: func.func @through_an_update(
// CHECK: %[[N:.*]] = mla.rms_norm
// CHECK-NEXT: %[[S:.*]] = mla.position_scale %[[N]]
// CHECK: %[[Q:.*]] = mla.project to_heads %[[S]]
// CHECK: %[[R:.*]] = mla.adapt %[[Q]] by %[[S]],
// CHECK: return %[[R]]
func.func @through_an_update(%q_a: tensor<?x48xf32>, %cu: tensor<?xi32>, %n: tensor<?xi32>, %cache: !cache) -> tensor<?x4x64xf32> {
  %g = mla.weight "g" : tensor<48xf32>
  %w = mla.weight "w" : tensor<4x64x48xf32>
  %a = mla.weight "a" : tensor<3x8x48xf32>
  %b = mla.weight "b" : tensor<3x4x64x8xf32>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %q_a, %c0 : tensor<?x48xf32>
  %at, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %q_n = mla.rms_norm %q_a, %g {epsilon = 1.0e-06 : f64} : tensor<?x48xf32>, tensor<48xf32> -> tensor<?x48xf32>
  %q = mla.project to_heads %q_n, %w : (tensor<?x48xf32>, tensor<4x64x48xf32>) -> tensor<?x4x64xf32>
  %r = mla.adapt %q by %q_n, %a, %b of %n for %cu
      : (tensor<?x4x64xf32>, tensor<?x48xf32>, tensor<3x8x48xf32>, tensor<3x4x64x8xf32>) -> tensor<?x4x64xf32>
  %s = mla.position_scale %r at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x64xf32>
  return %s : tensor<?x4x64xf32>
}

// This one reads what was before the norm.
// CHECK-LABEL: func.func @update_of_another_keeps_scales(
// CHECK: %[[N:.*]] = mla.rms_norm
// CHECK: %[[Q:.*]] = mla.project to_heads %[[N]]
// CHECK: %[[R:.*]] = mla.adapt %[[Q]] by %{{.*}},
// CHECK: %[[S:.*]] = mla.position_scale %[[R]]
// CHECK: return %[[S]]
func.func @update_of_another_keeps_scales(%q_a: tensor<?x48xf32>, %cu: tensor<?xi32>, %n: tensor<?xi32>, %cache: !cache) -> tensor<?x4x64xf32> {
  %g = mla.weight "g" : tensor<48xf32>
  %w = mla.weight "w" : tensor<4x64x48xf32>
  %a = mla.weight "a" : tensor<3x8x48xf32>
  %b = mla.weight "b" : tensor<3x4x64x8xf32>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %q_a, %c0 : tensor<?x48xf32>
  %at, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %q_n = mla.rms_norm %q_a, %g {epsilon = 1.0e-06 : f64} : tensor<?x48xf32>, tensor<48xf32> -> tensor<?x48xf32>
  %q = mla.project to_heads %q_n, %w : (tensor<?x48xf32>, tensor<4x64x48xf32>) -> tensor<?x4x64xf32>
  %r = mla.adapt %q by %q_a, %a, %b of %n for %cu
      : (tensor<?x4x64xf32>, tensor<?x48xf32>, tensor<3x8x48xf32>, tensor<3x4x64x8xf32>) -> tensor<?x4x64xf32>
  %s = mla.position_scale %r at %at {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x64xf32>
  return %s : tensor<?x4x64xf32>
}
