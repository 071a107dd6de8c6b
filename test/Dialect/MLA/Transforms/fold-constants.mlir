// On literal weights the products W_UQ·W_UK and W_UV·W_O are constants in the
// function: no up-projection remains, and there is nothing to prepare.
//
// RUN: mla-opt %s --mla-absorb --mla-fold --split-input-file | FileCheck %s
// RUN: mla-opt %s --mla-absorb --mla-fold=storage=bf16 --split-input-file | FileCheck %s --check-prefix=BF16

!cache = !mla.cache<page = 16, latent = 3, rope = 2, f32>

// 2 heads; I = 2, P = 1, R = 2, L = 3, V = 1, D = 2.
// W_UQ is [H, P + R, I], W_UK [H, P, L], W_UV [H, V, L], W_O [D, H, V].

// CHECK-LABEL: func.func @layer
// CHECK-SAME: (%[[X:[^:]*]]: tensor<?x2xf32>, %[[CU:[^:]*]]: tensor<?xi32>, %[[POSITION:[^:]*]]: tensor<?xi32>, %[[CACHE:[^:]*]]: !mla.cache
// W_UK^T W_UQ, head by head: outer(latent) by inner(I).
// CHECK-DAG: %[[W_Q:.*]] = arith.constant dense<{{\[\[\[}}1.000000e+01, 2.000000e+01], [1.100000e+01, 2.200000e+01], [1.200000e+01, 2.400000e+01]], {{\[\[}}5.200000e+01, 6.500000e+01], [5.600000e+01, 7.000000e+01], [6.000000e+01, 7.500000e+01]]]> : tensor<2x3x2xf32>
// The rope rows of W_UQ, unchanged.
// CHECK-DAG: %[[W_QR:.*]] = arith.constant dense<{{\[\[\[}}2.500000e-01, 5.000000e-01], [7.500000e-01, 1.000000e+00]], {{\[\[}}1.250000e+00, 1.500000e+00], [1.750000e+00, 2.000000e+00]]]> : tensor<2x2x2xf32>
// W_O W_UV, [D, H, L].
// CHECK-DAG: %[[W_OL:.*]] = arith.constant dense<{{\[\[\[}}2.000000e+00, 4.000000e+00, 6.000000e+00], [1.200000e+01, 1.500000e+01, 1.800000e+01]], {{\[\[}}4.000000e+00, 8.000000e+00, 1.200000e+01], [2.000000e+01, 2.500000e+01, 3.000000e+01]]]> : tensor<2x2x3xf32>
// CHECK-NOT: mla.project per_head
// CHECK: %[[Q_R:.*]] = mla.project to_heads %[[X]], %[[W_QR]]
// CHECK: %[[Q_ROPE:.*]] = mla.rope {{ ?}}interleaved %[[Q_R]] at %[[POSITION]]
// CHECK: %[[Q_L:.*]] = mla.project to_heads %[[X]], %[[W_Q]]
// CHECK: %[[O_L:.*]] = mla.latent_attention queries(%[[Q_L]], %[[Q_ROPE]] of %[[CU]]) cache(%[[CACHE]])
// CHECK: %[[OUT:.*]] = mla.project from_heads %[[O_L]], %[[W_OL]]
// CHECK: return %[[OUT]]
// CHECK-NOT: @prepare

// BF16-LABEL: func.func @layer
// BF16-DAG: %[[W_Q:.*]] = arith.constant dense<{{.*}}> : tensor<2x3x2xbf16>
// BF16-DAG: %[[W_OL:.*]] = arith.constant dense<{{.*}}> : tensor<2x2x3xbf16>
// BF16-NOT: arith.truncf
// BF16: mla.project to_heads %{{.*}}, %[[W_Q]]
// BF16: mla.project from_heads %{{.*}}, %[[W_OL]]
// BF16-NOT: @prepare
func.func @layer(%x: tensor<?x2xf32>, %cu: tensor<?xi32>, %position: tensor<?xi32>, %cache: !cache) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x2xf32>
  %w_uq_flat = arith.constant dense<[[1.0, 2.0], [0.25, 0.5], [0.75, 1.0],
                                     [4.0, 5.0], [1.25, 1.5], [1.75, 2.0]]> : tensor<6x2xf32>
  %w_uq = tensor.expand_shape %w_uq_flat [[0, 1], [2]] output_shape [2, 3, 2] : tensor<6x2xf32> into tensor<2x3x2xf32>
  // A head's rows are W_UK, then W_UV.
  %kv_b_flat = arith.constant dense<[[10.0, 11.0, 12.0], [1.0, 2.0, 3.0],
                                     [13.0, 14.0, 15.0], [4.0, 5.0, 6.0]]> : tensor<4x3xf32>
  %kv_b = tensor.expand_shape %kv_b_flat [[0, 1], [2]] output_shape [2, 2, 3] : tensor<4x3xf32> into tensor<2x2x3xf32>
  %w_uk = tensor.extract_slice %kv_b[0, 0, 0] [2, 1, 3] [1, 1, 1] : tensor<2x2x3xf32> to tensor<2x1x3xf32>
  %w_uv = tensor.extract_slice %kv_b[0, 1, 0] [2, 1, 3] [1, 1, 1] : tensor<2x2x3xf32> to tensor<2x1x3xf32>
  %w_o_flat = arith.constant dense<[[2.0, 3.0], [4.0, 5.0]]> : tensor<2x2xf32>
  %w_o = tensor.expand_shape %w_o_flat [[0], [1, 2]] output_shape [2, 2, 1] : tensor<2x2xf32> into tensor<2x2x1xf32>

  %q = mla.project to_heads %x, %w_uq : (tensor<?x2xf32>, tensor<2x3x2xf32>) -> tensor<?x2x3xf32>
  %q_nope = tensor.extract_slice %q[0, 0, 0] [%tokens, 2, 1] [1, 1, 1] : tensor<?x2x3xf32> to tensor<?x2x1xf32>
  %q_r = tensor.extract_slice %q[0, 0, 1] [%tokens, 2, 2] [1, 1, 1] : tensor<?x2x3xf32> to tensor<?x2x2xf32>
  %q_rope = mla.rope interleaved %q_r at %position {frequencies = array<f32: 1.0>} : tensor<?x2x2xf32>
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x3xf32>, tensor<2x1x3xf32>) -> tensor<?x2x1xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x3xf32>, tensor<2x1x3xf32>) -> tensor<?x2x1xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 0.5 : f64}
      : (tensor<?x2x1xf32>, tensor<?x2x2xf32>, tensor<?x2x1xf32>, tensor<?x2xf32>, tensor<?x2x1xf32>) -> tensor<?x2x1xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x2x1xf32>, tensor<2x2x1xf32>) -> tensor<?x2xf32>
  return %out : tensor<?x2xf32>
}

// -----

// A product whose inner sums need more than bf16: 512 ones. Everything folds,
// also with a splat.
// CHECK-LABEL: func.func @splat
// CHECK: %[[W:.*]] = arith.constant dense<5.120000e+02> : tensor<1x1x1xf32>
// CHECK: mla.project to_heads %{{.*}}, %[[W]]
// BF16-LABEL: func.func @splat
// BF16: %[[W:.*]] = arith.constant dense<5.120000e+02> : tensor<1x1x1xbf16>
func.func @splat(%x: tensor<?x1xf32>) -> tensor<?x1x1xf32> {
  %w_uq = arith.constant dense<1.0> : tensor<1x512x1xf32>
  %w_uk = arith.constant dense<1.0> : tensor<1x512x1xf32>
  %empty = tensor.empty() : tensor<1x1x512xf32>
  %w_uk_t = linalg.transpose ins(%w_uk : tensor<1x512x1xf32>) outs(%empty : tensor<1x1x512xf32>) permutation = [0, 2, 1]
  %q = mla.project to_heads %x, %w_uq : (tensor<?x1xf32>, tensor<1x512x1xf32>) -> tensor<?x1x512xf32>
  %q_l = mla.project per_head %q, %w_uk_t : (tensor<?x1x512xf32>, tensor<1x1x512xf32>) -> tensor<?x1x1xf32>
  return %q_l : tensor<?x1x1xf32>
}
