// A bias before W_O becomes W_O b after it, in every form: a product of weights.
//
// RUN: mla-opt %s --mla-fold --split-input-file --verify-diagnostics | FileCheck %s

// The sum is in f32 and rounded once, where the projection rounded.
// CHECK-LABEL: func.func @bias_moves_in_absorbed_form
// CHECK-SAME: %[[O_L:[^:]*]]: tensor<?x4x64xf32>
// CHECK-DAG: %[[B2:.*]] = mla.weight "w_o_x_b2" : tensor<160xbf16>
// CHECK-DAG: %[[B1:.*]] = mla.weight "w_o_x_b1" : tensor<160xbf16>
// CHECK: %[[O:.*]] = mla.project per_head %[[O_L]]
// CHECK: %[[SUM:.*]] = mla.project from_heads %[[O]], %{{.*}} -> tensor<?x160xf32>
// CHECK: %[[SUM1:.*]] = mla.bias %[[SUM]], %[[B1]]
// CHECK: %[[SUM2:.*]] = mla.bias %[[SUM1]], %[[B2]]
// CHECK: %[[OUT:.*]] = arith.truncf %[[SUM2]]
// CHECK: return %[[OUT]]
// CHECK-LABEL: func.func @prepare.w_o_x_b1() -> tensor<160xbf16>
// CHECK: %[[COLUMN:.*]] = tensor.expand_shape %{{.*}} : tensor<128xf32> into tensor<1x128x1xf32>
// CHECK: mla.compose %{{.*}}, %[[COLUMN]] : (tensor<1x160x128xbf16>, tensor<1x128x1xf32>) -> tensor<1x160x1xbf16>
func.func @bias_moves_in_absorbed_form(%o_l: tensor<?x4x64xf32>) -> tensor<?x160xbf16>
    attributes {mla.regime = #mla.regime<{phase = decode, q = absorb, o = absorb}>} {
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xbf16>
  %w_o = mla.weight "w_o" : tensor<160x4x32xbf16>
  %b1 = mla.weight "b1" : tensor<4x32xf32>
  %b2 = mla.weight "b2" : tensor<4x32xf32>
  %o = mla.project per_head %o_l, %w_uv : (tensor<?x4x64xf32>, tensor<4x32x64xbf16>) -> tensor<?x4x32xf32>
  %o1 = mla.bias %o, %b1 : tensor<?x4x32xf32>, tensor<4x32xf32>
  %o2 = mla.bias %o1, %b2 : tensor<?x4x32xf32>, tensor<4x32xf32>
  %out = mla.project from_heads %o2, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xbf16>) -> tensor<?x160xbf16>
  return %out : tensor<?x160xbf16>
}

// -----

// Between a slice and a position scale: the bias is sliced, and scaled after the product as it was before.
// CHECK-LABEL: func.func @bias_between_slice_and_scale
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x48xf32>
// CHECK-DAG: %[[W:.*]] = mla.weight "w_uk_x_w_uq.0to31" : tensor<4x64x48xf32>
// CHECK-DAG: %[[B:.*]] = mla.weight "w_uk_x_b_q.0to31" : tensor<4x64xf32>
// CHECK: %[[Q:.*]] = mla.project to_heads %[[X]], %[[W]]
// CHECK: %[[Q_B:.*]] = mla.bias %[[Q]], %[[B]]
// CHECK: %[[Q_S:.*]] = mla.position_scale %[[Q_B]]
// CHECK: return %[[Q_S]]
func.func @bias_between_slice_and_scale(%x: tensor<?x48xf32>, %position: tensor<?xi32>) -> tensor<?x4x64xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x48xf32>
  %w_uq = mla.weight "w_uq" : tensor<4x48x48xf32>
  %b_q = mla.weight "b_q" : tensor<4x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x64x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x48x48xf32>) -> tensor<?x4x48xf32>
  %q_b = mla.bias %q, %b_q : tensor<?x4x48xf32>, tensor<4x48xf32>
  %q_nope = tensor.extract_slice %q_b[0, 0, 0] [%tokens, 4, 32] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x32xf32>
  %q_s = mla.position_scale %q_nope at %position {beta = 0.1 : f64, original = 64 : i64} : tensor<?x4x32xf32>
  %l = mla.project per_head %q_s, %w_uk : (tensor<?x4x32xf32>, tensor<4x64x32xf32>) -> tensor<?x4x64xf32>
  return %l : tensor<?x4x64xf32>
}

// -----

// A value that cannot be a factor is not moved: the map is exact without the product.
// CHECK-LABEL: func.func @f16_bias_is_not_multiplied
// CHECK: %[[O_B:.*]] = mla.bias
// CHECK: mla.project from_heads %[[O_B]]
func.func @f16_bias_is_not_multiplied(%o: tensor<?x4x32xf32>) -> tensor<?x160xf32> {
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %b = mla.weight "b" : tensor<4x32xf16>
  %o_b = mla.bias %o, %b : tensor<?x4x32xf32>, tensor<4x32xf16>
  %out = mla.project from_heads %o_b, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}
