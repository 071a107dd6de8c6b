// The attention cores, of the model's widths, one kernel each. Queries may be parts of wider rows.
//
// RUN: mla-opt %s --mla-attention-cores --mla-group-kernels | FileCheck %s

!cache = !mla.cache<page = 32, latent = 64, rope = 16, bf16>
module attributes {mla.model = {heads = 4 : i64, kv_lora_rank = 64 : i64, page = 32 : i64, qk_nope_head_dim = 24 : i64, qk_rope_head_dim = 16 : i64, v_head_dim = 40 : i64}} {
func.func @decode(%a: tensor<?x4x64xbf16>, %b: tensor<?x4x16xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x64xbf16> {
  %o = mla.latent_attention queries(%a, %b of %cu) cache(%cache) {scale = 0.125 : f64}
      : (tensor<?x4x64xbf16>, tensor<?x4x16xbf16>, !cache) -> tensor<?x4x64xbf16>
  return %o : tensor<?x4x64xbf16>
}
}

// CHECK-LABEL: func.func @latent_attention
// CHECK-SAME: %[[QL:[^:]*]]: tensor<?x4x?xbf16> {mla.buffer = "q_latent"}
// CHECK-SAME: %[[QR:[^:]*]]: tensor<?x4x?xbf16> {mla.buffer = "q_rope"}
// CHECK-SAME: %[[CU:[^:]*]]: tensor<?xi32> {mla.buffer = "cu_seqlens"}
// CHECK-SAME: %[[CACHE:[^:]*]]: !mla.cache<page = 32, latent = 64, rope = 16, bf16>
// CHECK-SAME: -> (tensor<?x4x64xbf16> {mla.buffer = "out"}, tensor<?x4xf32> {mla.buffer = "lse"}) attributes {mla.phase = #mla.phase<decode>}
// CHECK: %[[O:.*]]:2 = mla.kernel latent_attention {{.*}}(%[[A:.*]] = %[[QL]], %[[B:.*]] = %[[QR]], %{{.*}} = %[[CU]], %{{.*}} = %[[CACHE]])
// CHECK-DAG: tensor.extract_slice %[[A]][0, 0, 0] [%{{.*}}, 4, 64] [1, 1, 1] : tensor<?x4x?xbf16> to tensor<?x4x64xbf16>
// CHECK-DAG: tensor.extract_slice %[[B]][0, 0, 0] [%{{.*}}, 4, 16] [1, 1, 1] : tensor<?x4x?xbf16> to tensor<?x4x16xbf16>
// CHECK: mla.latent_attention {{.*}} {scale = 1.250000e-01 : f64}
// CHECK: return %[[O]]#0, %[[O]]#1

// CHECK-LABEL: func.func @naive_attention
// CHECK-SAME: tensor<?x4x?xbf16> {mla.buffer = "q_nope"}
// CHECK-SAME: tensor<?x4x?xbf16> {mla.buffer = "q_rope"}
// CHECK-SAME: tensor<?xi32> {mla.buffer = "cu_seqlens"}
// CHECK-SAME: tensor<?x4x24xbf16> {mla.buffer = "k_nope"}
// CHECK-SAME: tensor<?x16xbf16> {mla.buffer = "k_rope"}
// CHECK-SAME: tensor<?xi32> {mla.buffer = "cu_keys"}
// CHECK-SAME: tensor<?x4x40xbf16> {mla.buffer = "v"}
// CHECK-SAME: attributes {mla.phase = #mla.phase<prefill>}
// CHECK: mla.kernel naive_attention
// CHECK: mla.attention {{.*}} {scale = 1.250000e-01 : f64} {{.*}} -> tensor<?x4x40xbf16>

// Options give the cores another mask, and sinks, which are their last argument.
//
// RUN: mla-opt %s --mla-attention-cores='mask=window=513 sinks' | FileCheck %s --check-prefix=EXTRAS
//
// EXTRAS-LABEL: func.func @latent_attention
// EXTRAS-SAME: %[[SINKS:[^:]*]]: tensor<4xf32> {mla.buffer = "sinks"}) ->
// EXTRAS: mla.latent_attention {{.*}} sinks(%[[SINKS]]) {mask = #mla.mask<window = 513>, scale = 1.250000e-01 : f64}
// EXTRAS-LABEL: func.func @naive_attention
// EXTRAS-SAME: %[[SINKS:[^:]*]]: tensor<4xf32> {mla.buffer = "sinks"}) ->
// EXTRAS: mla.attention {{.*}} sinks(%[[SINKS]]) {mask = #mla.mask<window = 513>, scale = 1.250000e-01 : f64}
//
// RUN: not mla-opt %s --mla-attention-cores='mask=sliding' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not mla-opt %s --mla-attention-cores='mask=window=0' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: unknown mask of cores '{{.*}}'; expected causal, none or window=N, with N keys from 1 to 2147483647
