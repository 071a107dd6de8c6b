// A whole layer, as the importer generates it: block-scaled q_b_proj, bf16 otherwise,
// queries with a position scale. Decode is folded, prefill stays naive.
//
// RUN: mla-opt %s --mla-absorb --mla-fold=storage=bf16 | FileCheck %s
// RUN: mla-opt %s --mla-absorb --mla-fold=storage=f32 | FileCheck %s --check-prefix=F32
// RUN: mla-opt %s --mla-absorb --mla-fold | FileCheck %s --check-prefix=ASIS
// RUN: mla-opt %s --mla-absorb --mla-fold=storage=bf16 --mla-fold=storage=bf16 | FileCheck %s
// RUN: not mla-opt %s --mla-fold=storage=f16 2>&1 | FileCheck %s --check-prefix=STORAGE

// STORAGE: error: storage: unknown element type 'f16'; expected f32 or bf16

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>
module attributes {
  mla.checkpoint_prefix = "model.layers.0.self_attn",
  mla.plan = #mla.plan<[{phase = decode, q = fold, o = fold}, {phase = prefill, q = naive, o = naive}], why = "test">
} {

// CHECK-LABEL: func.func @decode
// CHECK-SAME: (%[[X:.*]]: tensor<?x160xf32>, %[[CU:.*]]: tensor<?xi32>, %[[CACHE_IN:.*]]: !mla.cache
// CHECK-DAG: %[[W_DQ:.*]] = mla.weight "q_a_proj" : tensor<48x160xbf16>
// CHECK-DAG: %[[G_Q:.*]] = mla.weight "q_a_layernorm" : tensor<48xf32>
// CHECK-DAG: %[[W_QR:.*]] = mla.weight "q_b_proj.32to47" : tensor<4x16x48xbf16>
// CHECK-DAG: %[[W_QL:.*]] = mla.weight "kv_b_proj.0to31.t_x_q_b_proj.0to31" : tensor<4x64x48xbf16>
// CHECK-DAG: %[[W_OL:.*]] = mla.weight "o_proj_x_w_uv" : tensor<160x4x64xbf16>
// CHECK-DAG: %[[POSITION:.*]], %{{.*}} = mla.positions %{{.*}} of %[[CU]] in %[[CACHE_IN]]
// CHECK: %[[Q_A:.*]] = mla.project %[[X]], %[[W_DQ]]
// CHECK: %[[Q_N:.*]] = mla.rms_norm %[[Q_A]], %[[G_Q]]
// The slices of the query are projections of sliced weights.
// CHECK: %[[Q_R:.*]] = mla.project to_heads %[[Q_N]], %[[W_QR]] : (tensor<?x48xf32>, tensor<4x16x48xbf16>) -> tensor<?x4x16xf32>
// CHECK: %[[Q_ROPE:.*]] = mla.rope {{ ?}}interleaved %[[Q_R]] at %[[POSITION]]
// CHECK: %[[CACHE:.*]] = mla.append
// CHECK: %[[Q_L:.*]] = mla.project to_heads %[[Q_N]], %[[W_QL]] : (tensor<?x48xf32>, tensor<4x64x48xbf16>) -> tensor<?x4x64xf32>
// The scale per token commutes: it is now after the product.
// CHECK: %[[Q_S:.*]] = mla.position_scale %[[Q_L]] at %[[POSITION]]
// CHECK: %[[O_L:.*]] = mla.latent_attention queries(%[[Q_S]], %[[Q_ROPE]] of %[[CU]]) cache(%[[CACHE]])
// CHECK: %[[OUT:.*]] = mla.project from_heads %[[O_L]], %[[W_OL]] : (tensor<?x4x64xf32>, tensor<160x4x64xbf16>) -> tensor<?x160xf32>
// CHECK: return %[[OUT]], %[[CACHE]]
func.func @decode(%x: tensor<?x160xf32>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x160xf32>, !cache) attributes {mla.phase = #mla.phase<decode>} {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x160xf32>
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %w_q_a = mla.weight "model.layers.0.self_attn.q_a_proj.weight" : tensor<48x160xbf16>
  %g_q = mla.weight "model.layers.0.self_attn.q_a_layernorm.weight" : tensor<48xbf16>
  %w_q_b8 = mla.weight "model.layers.0.self_attn.q_b_proj.weight" : tensor<192x48xf8E4M3FN>
  %w_q_bs = mla.weight "model.layers.0.self_attn.q_b_proj.weight_scale_inv" : tensor<2x1xf32>
  %w_q_b = mla.dequantize %w_q_b8, %w_q_bs {block = array<i64: 128, 128>} : tensor<192x48xf8E4M3FN>, tensor<2x1xf32> -> tensor<192x48xf32>
  %w_q_b3 = tensor.expand_shape %w_q_b [[0, 1], [2]] output_shape [4, 48, 48] : tensor<192x48xf32> into tensor<4x48x48xf32>
  %q_a = mla.project %x, %w_q_a : (tensor<?x160xf32>, tensor<48x160xbf16>) -> tensor<?x48xf32>
  %q_a_n = mla.rms_norm %q_a, %g_q {epsilon = 1.0e-06 : f64} : tensor<?x48xf32>, tensor<48xbf16> -> tensor<?x48xf32>
  %q = mla.project to_heads %q_a_n, %w_q_b3 : (tensor<?x48xf32>, tensor<4x48x48xf32>) -> tensor<?x4x48xf32>
  %q_n0 = tensor.extract_slice %q[0, 0, 0] [%tokens, 4, 32] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x32xf32>
  %q_nope = mla.position_scale %q_n0 at %position {beta = 1.000000e-01 : f64, original = 8192 : i64} : tensor<?x4x32xf32>
  %q_r = tensor.extract_slice %q[0, 0, 32] [%tokens, 4, 16] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x16xf32>
  %q_rope = mla.rope interleaved %q_r at %position {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xf32>
  %w_kv_a = mla.weight "model.layers.0.self_attn.kv_a_proj_with_mqa.weight" : tensor<80x160xbf16>
  %g_kv = mla.weight "model.layers.0.self_attn.kv_a_layernorm.weight" : tensor<64xbf16>
  %ckv = mla.project %x, %w_kv_a : (tensor<?x160xf32>, tensor<80x160xbf16>) -> tensor<?x80xf32>
  %c = tensor.extract_slice %ckv[0, 0] [%tokens, 64] [1, 1] : tensor<?x80xf32> to tensor<?x64xf32>
  %k_r = tensor.extract_slice %ckv[0, 64] [%tokens, 16] [1, 1] : tensor<?x80xf32> to tensor<?x16xf32>
  %c_n = mla.rms_norm %c, %g_kv {epsilon = 1.0e-06 : f64} : tensor<?x64xf32>, tensor<64xbf16> -> tensor<?x64xf32>
  %k = mla.rope interleaved %k_r at %position {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x16xf32>
  %cache1 = mla.append %c_n, %k at %position of %sequence into %cache : tensor<?x64xf32>, tensor<?x16xf32> into !cache
  %latent, %k_rope, %cu_keys = mla.gather %cache1 : !cache
  %w_kv_b = mla.weight "model.layers.0.self_attn.kv_b_proj.weight" : tensor<256x64xbf16>
  %w_kv_b3 = tensor.expand_shape %w_kv_b [[0, 1], [2]] output_shape [4, 64, 64] : tensor<256x64xbf16> into tensor<4x64x64xbf16>
  %w_uk = tensor.extract_slice %w_kv_b3[0, 0, 0] [4, 32, 64] [1, 1, 1] : tensor<4x64x64xbf16> to tensor<4x32x64xbf16>
  %w_uv = tensor.extract_slice %w_kv_b3[0, 32, 0] [4, 32, 64] [1, 1, 1] {mla.name = "w_uv"} : tensor<4x64x64xbf16> to tensor<4x32x64xbf16>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xbf16>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xbf16>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 0.14433756729740643 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %w_o = mla.weight "model.layers.0.self_attn.o_proj.weight" : tensor<160x128xbf16>
  %w_o3 = tensor.expand_shape %w_o [[0], [1, 2]] output_shape [160, 4, 32] : tensor<160x128xbf16> into tensor<160x4x32xbf16>
  %out = mla.project from_heads %o, %w_o3 : (tensor<?x4x32xf32>, tensor<160x4x32xbf16>) -> tensor<?x160xf32>
  return %out, %cache1 : tensor<?x160xf32>, !cache
}

// Prefill shares equal weights and has its own others.
// CHECK-LABEL: func.func @prefill
// CHECK-NOT: self_attn
// CHECK-DAG: mla.weight "q_a_proj" : tensor<48x160xbf16>
// CHECK-DAG: mla.weight "q_b_proj" : tensor<4x48x48xbf16>
// CHECK-DAG: %[[W_UK:.*]] = mla.weight "kv_b_proj.0to31" : tensor<4x32x64xbf16>
// CHECK-DAG: %[[W_UV:.*]] = mla.weight "w_uv" : tensor<4x32x64xbf16>
// CHECK: mla.project to_heads %{{.*}}, %[[W_UK]]
// CHECK: mla.project to_heads %{{.*}}, %[[W_UV]]
func.func @prefill(%x: tensor<?x160xf32>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x160xf32>, !cache) attributes {mla.phase = #mla.phase<prefill>} {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x160xf32>
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %w_q_a = mla.weight "model.layers.0.self_attn.q_a_proj.weight" : tensor<48x160xbf16>
  %g_q = mla.weight "model.layers.0.self_attn.q_a_layernorm.weight" : tensor<48xbf16>
  %w_q_b8 = mla.weight "model.layers.0.self_attn.q_b_proj.weight" : tensor<192x48xf8E4M3FN>
  %w_q_bs = mla.weight "model.layers.0.self_attn.q_b_proj.weight_scale_inv" : tensor<2x1xf32>
  %w_q_b = mla.dequantize %w_q_b8, %w_q_bs {block = array<i64: 128, 128>} : tensor<192x48xf8E4M3FN>, tensor<2x1xf32> -> tensor<192x48xf32>
  %w_q_b3 = tensor.expand_shape %w_q_b [[0, 1], [2]] output_shape [4, 48, 48] : tensor<192x48xf32> into tensor<4x48x48xf32>
  %q_a = mla.project %x, %w_q_a : (tensor<?x160xf32>, tensor<48x160xbf16>) -> tensor<?x48xf32>
  %q_a_n = mla.rms_norm %q_a, %g_q {epsilon = 1.0e-06 : f64} : tensor<?x48xf32>, tensor<48xbf16> -> tensor<?x48xf32>
  %q = mla.project to_heads %q_a_n, %w_q_b3 : (tensor<?x48xf32>, tensor<4x48x48xf32>) -> tensor<?x4x48xf32>
  %q_n0 = tensor.extract_slice %q[0, 0, 0] [%tokens, 4, 32] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x32xf32>
  %q_nope = mla.position_scale %q_n0 at %position {beta = 1.000000e-01 : f64, original = 8192 : i64} : tensor<?x4x32xf32>
  %q_r = tensor.extract_slice %q[0, 0, 32] [%tokens, 4, 16] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x16xf32>
  %q_rope = mla.rope interleaved %q_r at %position {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xf32>
  %w_kv_a = mla.weight "model.layers.0.self_attn.kv_a_proj_with_mqa.weight" : tensor<80x160xbf16>
  %g_kv = mla.weight "model.layers.0.self_attn.kv_a_layernorm.weight" : tensor<64xbf16>
  %ckv = mla.project %x, %w_kv_a : (tensor<?x160xf32>, tensor<80x160xbf16>) -> tensor<?x80xf32>
  %c = tensor.extract_slice %ckv[0, 0] [%tokens, 64] [1, 1] : tensor<?x80xf32> to tensor<?x64xf32>
  %k_r = tensor.extract_slice %ckv[0, 64] [%tokens, 16] [1, 1] : tensor<?x80xf32> to tensor<?x16xf32>
  %c_n = mla.rms_norm %c, %g_kv {epsilon = 1.0e-06 : f64} : tensor<?x64xf32>, tensor<64xbf16> -> tensor<?x64xf32>
  %k = mla.rope interleaved %k_r at %position {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x16xf32>
  %cache1 = mla.append %c_n, %k at %position of %sequence into %cache : tensor<?x64xf32>, tensor<?x16xf32> into !cache
  %latent, %k_rope, %cu_keys = mla.gather %cache1 : !cache
  %w_kv_b = mla.weight "model.layers.0.self_attn.kv_b_proj.weight" : tensor<256x64xbf16>
  %w_kv_b3 = tensor.expand_shape %w_kv_b [[0, 1], [2]] output_shape [4, 64, 64] : tensor<256x64xbf16> into tensor<4x64x64xbf16>
  %w_uk = tensor.extract_slice %w_kv_b3[0, 0, 0] [4, 32, 64] [1, 1, 1] : tensor<4x64x64xbf16> to tensor<4x32x64xbf16>
  %w_uv = tensor.extract_slice %w_kv_b3[0, 32, 0] [4, 32, 64] [1, 1, 1] {mla.name = "w_uv"} : tensor<4x64x64xbf16> to tensor<4x32x64xbf16>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xbf16>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xbf16>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 0.14433756729740643 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %w_o = mla.weight "model.layers.0.self_attn.o_proj.weight" : tensor<160x128xbf16>
  %w_o3 = tensor.expand_shape %w_o [[0], [1, 2]] output_shape [160, 4, 32] : tensor<160x128xbf16> into tensor<160x4x32xbf16>
  %out = mla.project from_heads %o, %w_o3 : (tensor<?x4x32xf32>, tensor<160x4x32xbf16>) -> tensor<?x160xf32>
  return %out, %cache1 : tensor<?x160xf32>, !cache
}
}

// CHECK-LABEL: func.func @prepare.q_a_proj() -> tensor<48x160xbf16>
// CHECK-NEXT: %[[W:.*]] = mla.weight "model.layers.0.self_attn.q_a_proj.weight"
// CHECK-NEXT: return %[[W]]

// CHECK-LABEL: func.func @prepare.q_a_layernorm() -> tensor<48xf32>
// CHECK-NEXT: %[[G:.*]] = mla.weight "model.layers.0.self_attn.q_a_layernorm.weight" : tensor<48xbf16>
// CHECK-NEXT: %[[G_F32:.*]] = arith.extf %[[G]]
// CHECK-NEXT: return %[[G_F32]]

// Dequantized and sliced in f32, rounded at the end.
// CHECK-LABEL: func.func @prepare.q_b_proj.32to47() -> tensor<4x16x48xbf16>
// CHECK: %[[FP8:.*]] = mla.weight "model.layers.0.self_attn.q_b_proj.weight"
// CHECK: %[[SCALE:.*]] = mla.weight "model.layers.0.self_attn.q_b_proj.weight_scale_inv"
// CHECK: %[[W:.*]] = mla.dequantize %[[FP8]], %[[SCALE]] {{.*}} -> tensor<192x48xf32>
// CHECK: %[[HEADS:.*]] = tensor.expand_shape %[[W]]
// CHECK: %[[ROPE:.*]] = tensor.extract_slice %[[HEADS]][0, 32, 0] [4, 16, 48]
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[ROPE]]
// CHECK: return %[[ROUNDED]]

// CHECK-LABEL: func.func @prepare.kv_a_proj_with_mqa
// CHECK-LABEL: func.func @prepare.kv_a_layernorm

// Factors are widened before the product; the product is rounded after it.
// CHECK-LABEL: func.func @prepare.kv_b_proj.0to31.t_x_q_b_proj.0to31() -> tensor<4x64x48xbf16>
// CHECK: %[[KV_B:.*]] = mla.weight "model.layers.0.self_attn.kv_b_proj.weight"
// CHECK: %[[KV_H:.*]] = tensor.expand_shape %[[KV_B]]
// CHECK: %[[UK:.*]] = tensor.extract_slice %[[KV_H]][0, 0, 0] [4, 32, 64]
// CHECK: %[[UK_T:.*]] = linalg.transpose ins(%[[UK]] : tensor<4x32x64xbf16>) {{.*}} permutation = [0, 2, 1]
// CHECK: %[[UK_F32:.*]] = arith.extf %[[UK_T]]
// CHECK: %[[Q_B:.*]] = mla.dequantize
// CHECK: %[[Q_H:.*]] = tensor.expand_shape %[[Q_B]]
// CHECK: %[[UQ:.*]] = tensor.extract_slice %[[Q_H]][0, 0, 0] [4, 32, 48]
// CHECK: %[[PRODUCT:.*]] = mla.compose %[[UK_F32]], %[[UQ]] : (tensor<4x64x32xf32>, tensor<4x32x48xf32>) -> tensor<4x64x48xf32>
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[PRODUCT]]
// CHECK: return %[[ROUNDED]]

// CHECK-LABEL: func.func @prepare.o_proj_x_w_uv() -> tensor<160x4x64xbf16>
// CHECK: %[[O:.*]] = mla.weight "model.layers.0.self_attn.o_proj.weight"
// CHECK: %[[O_H:.*]] = tensor.expand_shape %[[O]] {{\[}}[0], [1, 2]]
// CHECK: %[[O_P:.*]] = linalg.transpose ins(%[[O_H]] : tensor<160x4x32xbf16>) {{.*}} permutation = [1, 0, 2]
// CHECK: %[[O_F32:.*]] = arith.extf %[[O_P]]
// CHECK: %[[UV:.*]] = tensor.extract_slice %{{.*}}[0, 32, 0] [4, 32, 64]
// CHECK: %[[UV_F32:.*]] = arith.extf %[[UV]]
// CHECK: %[[PRODUCT:.*]] = mla.compose %[[O_F32]], %[[UV_F32]] : (tensor<4x160x32xf32>, tensor<4x32x64xf32>) -> tensor<4x160x64xf32>
// CHECK: %[[BACK:.*]] = linalg.transpose ins(%[[PRODUCT]] : tensor<4x160x64xf32>) {{.*}} permutation = [1, 0, 2]
// CHECK: %[[ROUNDED:.*]] = arith.truncf %[[BACK]]
// CHECK: return %[[ROUNDED]]

// CHECK-LABEL: func.func @prepare.q_b_proj() -> tensor<4x48x48xbf16>
// CHECK-LABEL: func.func @prepare.kv_b_proj.0to31() -> tensor<4x32x64xbf16>
// CHECK-LABEL: func.func @prepare.w_uv() -> tensor<4x32x64xbf16>
// CHECK-LABEL: func.func @prepare.o_proj() -> tensor<160x4x32xbf16>
// CHECK-NOT: func.func

// F32-LABEL: func.func @prepare.kv_b_proj.0to31.t_x_q_b_proj.0to31() -> tensor<4x64x48xf32>
// F32: %[[PRODUCT:.*]] = mla.compose {{.*}} -> tensor<4x64x48xf32>
// F32-NEXT: return %[[PRODUCT]]
// F32-LABEL: func.func @prepare.w_uv() -> tensor<4x32x64xf32>

// Unchanged types: a product has its outer factor's type, a gamma the checkpoint's.
// ASIS-LABEL: func.func @prepare.q_a_layernorm() -> tensor<48xbf16>
// ASIS-LABEL: func.func @prepare.q_b_proj.32to47() -> tensor<4x16x48xf32>
// ASIS-LABEL: func.func @prepare.kv_b_proj.0to31.t_x_q_b_proj.0to31() -> tensor<4x64x48xbf16>
// ASIS-NOT: arith.
// ASIS: mla.compose {{.*}} : (tensor<4x64x32xbf16>, tensor<4x32x48xf32>) -> tensor<4x64x48xbf16>
// ASIS-LABEL: func.func @prepare.w_uv() -> tensor<4x32x64xbf16>
