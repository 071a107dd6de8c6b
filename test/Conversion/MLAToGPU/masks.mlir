// Masks and sinks are in the names of kernels, and sinks among their arguments. Partial results have no sinks: the merge
// depends on them, and on no mask.
//
// RUN: mla-opt %s --mla-attention-cores='mask=window=513 sinks' --mla-group-kernels --mla-schedule-kernels --convert-mla-to-gpu | FileCheck %s

!cache = !mla.cache<page = 32, latent = 64, rope = 16, bf16>
module attributes {mla.model = {heads = 4 : i64, kv_lora_rank = 64 : i64, page = 32 : i64, qk_nope_head_dim = 32 : i64, qk_rope_head_dim = 16 : i64, v_head_dim = 48 : i64}} {
// CHECK-LABEL: mla.launches @latent_attention
// CHECK-SAME: #mla.binding<"sinks", tensor<4xf32>>
// CHECK: mla.launch @kernels::@latent_attention_l64_r16_page32_lse_window513_sinks_
// CHECK: #mla.pointer<"lse">,
// CHECK-NEXT: #mla.pointer<"sinks">,
// CHECK-NEXT: #mla.extent<batch>
// The bytes are those of the window: the smaller of cached and batch * 512 + tokens.
// CHECK: mla.bytes = #mla.extent<{{.*}} + cached * 160 + (tokens * -1 + batch * -512 + cached) * ((tokens * -1 + batch * -512 + cached + 1099511627775) floordiv 1099511627776) * -160 + 20>
// CHECK: mla.launch @kernels::@latent_merge_l64_lse_sinks grid
// CHECK: #mla.pointer<"lse">,
// CHECK-NEXT: #mla.pointer<"sinks">,
// CHECK-NEXT: #mla.extent<batch>
// CHECK-LABEL: mla.launches @naive_attention
// CHECK-SAME: #mla.binding<"sinks", tensor<4xf32>>
// CHECK: mla.launch @kernels::@naive_attention_p32_r16_v48_k{{[0-9]+}}_window513_sinks grid
// CHECK: #mla.pointer<"out">,
// CHECK-NEXT: #mla.pointer<"sinks">
func.func @prefill(%hidden: tensor<?x256xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x256xbf16> attributes {mla.regime = #mla.regime<{phase = prefill, q = absorb, o = absorb}>} {
  %w = mla.weight "w" : tensor<4x64x256xbf16>
  %u = mla.weight "u" : tensor<4x16x256xbf16>
  %q = mla.project to_heads %hidden, %w : (tensor<?x256xbf16>, tensor<4x64x256xbf16>) -> tensor<?x4x64xbf16>
  %r = mla.project to_heads %hidden, %u : (tensor<?x256xbf16>, tensor<4x16x256xbf16>) -> tensor<?x4x16xbf16>
  %o = mla.latent_attention queries(%q, %r of %cu) cache(%cache) {scale = 0.125 : f64}
      : (tensor<?x4x64xbf16>, tensor<?x4x16xbf16>, !cache) -> tensor<?x4x64xbf16>
  %v = mla.weight "v" : tensor<256x4x64xbf16>
  %y = mla.project from_heads %o, %v : (tensor<?x4x64xbf16>, tensor<256x4x64xbf16>) -> tensor<?x256xbf16>
  return %y : tensor<?x256xbf16>
}
}
