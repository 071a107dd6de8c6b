// A layer in both forms, as mla-fold leaves it: every operation is in one kernel, and values between kernels are bf16.
// Slices and positions are part of the kernels.
//
// RUN: mla-opt %s --mla-hoist-position-scales --mla-group-kernels | FileCheck %s --implicit-check-not="func.func @latent_attention"

!cache = !mla.cache<page = 16, latent = 64, rope = 16, bf16>

// CHECK-LABEL: func.func @decode
// CHECK-SAME: (%[[HIDDEN:.*]]: tensor<?x160xbf16>, %[[CU:.*]]: tensor<?xi32>, %[[CACHE:.*]]: !mla.cache
// CHECK-DAG: %[[W_DQ:.*]] = mla.weight "q_a_proj"
// CHECK-DAG: %[[G_Q:.*]] = mla.weight "q_a_layernorm"
// CHECK-DAG: %[[W_UQ:.*]] = mla.weight "q_b_proj"
// CHECK-DAG: %[[W_DKV:.*]] = mla.weight "kv_a_proj"
// CHECK-DAG: %[[G_KV:.*]] = mla.weight "kv_a_layernorm"
// CHECK-DAG: %[[W_UK:.*]] = mla.weight "w_uk.t"
// CHECK-DAG: %[[W_UV:.*]] = mla.weight "w_uv"
// CHECK-DAG: %[[W_O:.*]] = mla.weight "o_proj"

// CHECK: %[[Q_A:.*]] = mla.kernel projection "q_a"(%[[X:.*]] = %[[HIDDEN]], %[[W:.*]] = %[[W_DQ]]) : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
// CHECK-NEXT: %[[Y:.*]] = mla.project %[[X]], %[[W]] : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
// CHECK-NEXT: mla.yield %[[Y]]
// CHECK-NEXT: }
// CHECK-NEXT: %[[Q_N:.*]] = mla.kernel normalize {{.*}}(%[[X:.*]] = %[[Q_A]], %[[G:.*]] = %[[G_Q]])
// CHECK-NEXT: %[[Y:.*]] = mla.rms_norm %[[X]], %[[G]] {{.*}} : tensor<?x48xbf16>, tensor<48xf32> -> tensor<?x48xbf16>
// CHECK-NEXT: mla.yield %[[Y]]
// CHECK-NEXT: }
// CHECK-NEXT: %[[Q:.*]] = mla.kernel projection "q"(%[[X:.*]] = %[[Q_N]], %[[W:.*]] = %[[W_UQ]])
// CHECK-NEXT: mla.project to_heads %[[X]], %[[W]] {{.*}} -> tensor<?x4x48xbf16>

// The product of each head's query appends, and rotates the rotary part of the query to the same positions, in place.
// CHECK: %[[KV_A:.*]] = mla.kernel projection {{.*}}(%{{.*}} = %[[HIDDEN]], %{{.*}} = %[[W_DKV]])
// CHECK-NOT: mla.kernel append
// CHECK: %[[NEW:.*]]:3 = mla.kernel projection {{.*}}(%[[Q1:.*]] = %[[Q]], %[[C:.*]] = %[[CU]], %[[K:.*]] = %[[CACHE]], %[[X:.*]] = %[[KV_A]], %[[G:.*]] = %[[G_KV]], %[[W:.*]] = %[[W_UK]])
// CHECK-NEXT: %[[C0:.*]] = arith.constant 0 : index
// CHECK-NEXT: %[[T:.*]] = tensor.dim %[[Q1]], %[[C0]] : tensor<?x4x48xbf16>
// CHECK-NEXT: %[[S:.*]] = tensor.extract_slice %[[Q1]][0, 0, 32] [%[[T]], 4, 16] [1, 1, 1] : tensor<?x4x48xbf16> to tensor<?x4x16xbf16>
// CHECK-NEXT: %[[P:.*]], %[[B:.*]] = mla.positions %[[T]] of %[[C]] in %[[K]]
// CHECK-NEXT: %[[ROTATED:.*]] = mla.rope interleaved %[[S]] at %[[P]] {{.*}} : tensor<?x4x16xbf16>
// CHECK: %[[RAW:.*]] = tensor.extract_slice %[[X]][0, 0]
// CHECK: %[[LATENT:.*]] = mla.rms_norm %[[RAW]], %[[G]] {{.*}} : tensor<?x64xbf16>, tensor<64xf32> -> tensor<?x64xf32>
// CHECK: %[[PE:.*]] = tensor.extract_slice %[[X]][0, 64]
// CHECK: %[[KEY:.*]] = mla.rope interleaved %[[PE]] at %[[P]]
// CHECK: %[[APPENDED:.*]] = mla.append %[[LATENT]], %[[KEY]] at %[[P]] of %[[B]] into %[[K]] : tensor<?x64xf32>, tensor<?x16xbf16>
// CHECK: %[[S:.*]] = tensor.extract_slice %[[Q1]][0, 0, 0]
// CHECK: %[[Y:.*]] = mla.project per_head %[[S]], %[[W]] {{.*}} -> tensor<?x4x64xbf16>
// CHECK-NEXT: mla.yield %[[Y]], %[[ROTATED]], %[[APPENDED]] : tensor<?x4x64xbf16>, tensor<?x4x16xbf16>, !mla.cache

// CHECK: %[[O_L:.*]] = mla.kernel latent_attention {{.*}}(%[[A:.*]] = %[[NEW]]#0, %[[R:.*]] = %[[NEW]]#1, %[[C:.*]] = %[[CU]], %[[K:.*]] = %[[NEW]]#2)
// CHECK-NEXT: mla.latent_attention queries(%[[A]], %[[R]] of %[[C]]) cache(%[[K]]) {{.*}} -> tensor<?x4x64xbf16>
// CHECK: %[[O:.*]] = mla.kernel projection {{.*}}(%{{.*}} = %[[O_L]], %{{.*}} = %[[W_UV]])
// CHECK: %[[OUT:.*]] = mla.kernel projection {{.*}}(%{{.*}} = %[[O]], %{{.*}} = %[[W_O]])
// CHECK: return %[[OUT]], %[[NEW]]#2 : tensor<?x160xbf16>, !mla.cache
func.func @decode(%hidden: tensor<?x160xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x160xbf16>, !cache) attributes {mla.phase = #mla.phase<decode>} {
  %w_dq = mla.weight "q_a_proj" : tensor<48x160xbf16>
  %g_q = mla.weight "q_a_layernorm" : tensor<48xf32>
  %w_uq = mla.weight "q_b_proj" : tensor<4x48x48xbf16>
  %w_dkv = mla.weight "kv_a_proj" : tensor<80x160xbf16>
  %g_kv = mla.weight "kv_a_layernorm" : tensor<64xf32>
  %w_uk = mla.weight "w_uk.t" : tensor<4x64x32xbf16>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xbf16>
  %w_o = mla.weight "o_proj" : tensor<160x4x32xbf16>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %hidden, %c0 : tensor<?x160xbf16>
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %q_a = mla.project %hidden, %w_dq : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xf32> loc("q_a")
  %q_n = mla.rms_norm %q_a, %g_q {epsilon = 1.0e-06 : f64} : tensor<?x48xf32>, tensor<48xf32> -> tensor<?x48xf32>
  %q = mla.project to_heads %q_n, %w_uq : (tensor<?x48xf32>, tensor<4x48x48xbf16>) -> tensor<?x4x48xf32> loc("q")
  %q_nope = tensor.extract_slice %q[0, 0, 0] [%tokens, 4, 32] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x32xf32>
  %q_pe = tensor.extract_slice %q[0, 0, 32] [%tokens, 4, 16] [1, 1, 1] : tensor<?x4x48xf32> to tensor<?x4x16xf32>
  %q_rope = mla.rope interleaved %q_pe at %position {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xf32>
  %kv_a = mla.project %hidden, %w_dkv : (tensor<?x160xbf16>, tensor<80x160xbf16>) -> tensor<?x80xf32>
  %c_raw = tensor.extract_slice %kv_a[0, 0] [%tokens, 64] [1, 1] : tensor<?x80xf32> to tensor<?x64xf32>
  %k_pe = tensor.extract_slice %kv_a[0, 64] [%tokens, 16] [1, 1] : tensor<?x80xf32> to tensor<?x16xf32>
  %c = mla.rms_norm %c_raw, %g_kv {epsilon = 1.0e-06 : f64} : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x64xf32>
  %k_rope = mla.rope interleaved %k_pe at %position {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x16xf32>
  %cached = mla.append %c, %k_rope at %position of %sequence into %cache : tensor<?x64xf32>, tensor<?x16xf32> into !cache
  %q_l = mla.project per_head %q_nope, %w_uk : (tensor<?x4x32xf32>, tensor<4x64x32xbf16>) -> tensor<?x4x64xf32>
  %o_l = mla.latent_attention queries(%q_l, %q_rope of %cu) cache(%cached) {scale = 0.14 : f64}
      : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !cache) -> tensor<?x4x64xf32>
  %o = mla.project per_head %o_l, %w_uv : (tensor<?x4x64xf32>, tensor<4x32x64xbf16>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xbf16>) -> tensor<?x160xbf16>
  return %out, %cached : tensor<?x160xbf16>, !cache
}

// CHECK-LABEL: func.func @naive
// CHECK-SAME: (%[[Q:.*]]: tensor<?x4x48xbf16>, %[[CU:.*]]: tensor<?xi32>, %[[CACHE:.*]]: !mla.cache
// CHECK: %[[G:.*]]:3 = mla.kernel gather {{.*}}(%[[K:.*]] = %[[CACHE]])
// CHECK-NEXT: %[[A:.*]], %[[B:.*]], %[[C:.*]] = mla.gather %[[K]]
// CHECK-NEXT: mla.yield %[[A]], %[[B]], %[[C]] : tensor<?x64xbf16>, tensor<?x16xbf16>, tensor<?xi32>
// CHECK: %[[KEYS:.*]] = mla.kernel projection {{.*}}(%{{.*}} = %[[G]]#0, %{{.*}} = %{{.*}}) : (tensor<?x64xbf16>, tensor<4x32x64xbf16>) -> tensor<?x4x32xbf16>
// Both parts of the query are read in place; values are the latent.
// CHECK: %[[O:.*]] = mla.kernel naive_attention {{.*}}(%[[X:.*]] = %[[Q]], %[[C:.*]] = %[[CU]], %[[KN:.*]] = %[[KEYS]], %[[KR:.*]] = %[[G]]#1, %[[CK:.*]] = %[[G]]#2, %[[V:.*]] = %[[G]]#0)
// CHECK: %[[QN:.*]] = tensor.extract_slice %[[X]][0, 0, 0]
// CHECK: %[[QR:.*]] = tensor.extract_slice %[[X]][0, 0, 32]
// CHECK: mla.attention queries(%[[QN]], %[[QR]] of %[[C]]) keys(%[[KN]], %[[KR]] of %[[CK]]) values(%[[V]]) {{.*}} -> tensor<?x4x64xbf16>
// CHECK: return %[[O]]
func.func @naive(%q: tensor<?x4x48xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x64xbf16> {
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xbf16>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %q, %c0 : tensor<?x4x48xbf16>
  %q_nope = tensor.extract_slice %q[0, 0, 0] [%tokens, 4, 32] [1, 1, 1] : tensor<?x4x48xbf16> to tensor<?x4x32xbf16>
  %q_rope = tensor.extract_slice %q[0, 0, 32] [%tokens, 4, 16] [1, 1, 1] : tensor<?x4x48xbf16> to tensor<?x4x16xbf16>
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xbf16>, tensor<4x32x64xbf16>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%latent) {scale = 0.14 : f64}
      : (tensor<?x4x32xbf16>, tensor<?x4x16xbf16>, tensor<?x4x32xf32>, tensor<?x16xbf16>, tensor<?x64xbf16>) -> tensor<?x4x64xf32>
  %rounded = arith.truncf %o : tensor<?x4x64xf32> to tensor<?x4x64xbf16>
  return %rounded : tensor<?x4x64xbf16>
}

// The whole query is scaled by position: the normalized latent is scaled once, before it is rounded.
// CHECK-LABEL: func.func @scaled
// CHECK: %[[N:.*]] = mla.kernel normalize
// CHECK: %[[Y:.*]] = mla.rms_norm {{.*}} -> tensor<?x48xf32>
// CHECK: %[[S:.*]] = mla.position_scale %[[Y]] at %{{.*}} {beta = 1.000000e-01 : f64, original = 8192 : i64} : tensor<?x48xf32>
// CHECK-NEXT: %[[T:.*]] = arith.truncf %[[S]]
// CHECK-NEXT: mla.yield %[[T]] : tensor<?x48xbf16>
// CHECK-NOT: mla.position_scale
// CHECK: mla.kernel rope
// CHECK-NOT: mla.position_scale
// CHECK: return
func.func @scaled(%q_a: tensor<?x48xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x4x64xbf16>, tensor<?x4x16xbf16>) {
  %g_q = mla.weight "q_a_layernorm" : tensor<48xf32>
  %w_ql = mla.weight "w_uk.t_x_q_b_proj" : tensor<4x64x48xbf16>
  %w_qr = mla.weight "q_b_proj.32to47" : tensor<4x16x48xbf16>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %q_a, %c0 : tensor<?x48xbf16>
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %q_n = mla.rms_norm %q_a, %g_q {epsilon = 1.0e-06 : f64} : tensor<?x48xbf16>, tensor<48xf32> -> tensor<?x48xf32>
  %q_l = mla.project to_heads %q_n, %w_ql : (tensor<?x48xf32>, tensor<4x64x48xbf16>) -> tensor<?x4x64xf32>
  %q_ls = mla.position_scale %q_l at %position {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x64xf32>
  %q_pe = mla.project to_heads %q_n, %w_qr : (tensor<?x48xf32>, tensor<4x16x48xbf16>) -> tensor<?x4x16xf32>
  %q_rope = mla.rope interleaved %q_pe at %position {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xf32>
  %q_rs = mla.position_scale %q_rope at %position {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x16xf32>
  %a = arith.truncf %q_ls : tensor<?x4x64xf32> to tensor<?x4x64xbf16>
  %b = arith.truncf %q_rs : tensor<?x4x16xf32> to tensor<?x4x16xbf16>
  return %a, %b : tensor<?x4x64xbf16>, tensor<?x4x16xbf16>
}

// If another path leads past the scales, they stay; that of a rotation is in its kernel, and nothing is rounded twice.
// CHECK-LABEL: func.func @scaled_in_part
// CHECK: mla.kernel normalize
// CHECK-NOT: mla.position_scale
// CHECK: mla.kernel rope
// CHECK: %[[X:.*]] = arith.extf %{{.*}} : tensor<?x4x16xbf16> to tensor<?x4x16xf32>
// CHECK: %[[Y:.*]] = mla.rope interleaved %[[X]] at %[[P:.*]] {
// CHECK-NEXT: %[[S:.*]] = mla.position_scale %[[Y]] at %[[P]]
// CHECK-NEXT: %[[T:.*]] = arith.truncf %[[S]]
// CHECK-NEXT: mla.yield %[[T]]
func.func @scaled_in_part(%q_a: tensor<?x48xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x48xbf16>, tensor<?x4x16xbf16>) {
  %g_q = mla.weight "q_a_layernorm" : tensor<48xf32>
  %w_qr = mla.weight "q_b_proj.32to47" : tensor<4x16x48xbf16>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %q_a, %c0 : tensor<?x48xbf16>
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %q_n = mla.rms_norm %q_a, %g_q {epsilon = 1.0e-06 : f64} : tensor<?x48xbf16>, tensor<48xf32> -> tensor<?x48xbf16>
  %q_pe = mla.project to_heads %q_n, %w_qr : (tensor<?x48xbf16>, tensor<4x16x48xbf16>) -> tensor<?x4x16xf32>
  %q_rope = mla.rope interleaved %q_pe at %position {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xf32>
  %q_rs = mla.position_scale %q_rope at %position {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x4x16xf32>
  %b = arith.truncf %q_rs : tensor<?x4x16xf32> to tensor<?x4x16xbf16>
  return %q_n, %b : tensor<?x48xbf16>, tensor<?x4x16xbf16>
}

// Weights are prepared separately.
// CHECK-LABEL: func.func @prepare.q_b_proj
// CHECK-NOT: mla.kernel
func.func @prepare.q_b_proj() -> tensor<4x16xf32> {
  %w = mla.weight "w" : tensor<4x16xf32>
  return %w : tensor<4x16xf32>
}
