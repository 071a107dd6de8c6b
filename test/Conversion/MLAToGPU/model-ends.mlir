// The ends of a model are launch lists with buffers of their own, and the next token is chosen by a core without a function.
//
// RUN: mla-opt %s --mla-group-kernels --mla-schedule-kernels --convert-mla-to-gpu | FileCheck %s

// CHECK: module attributes
module attributes {mla.model = {
    cache = {dtype = "bf16", format = "standard"}, dtype = "bf16", heads = 4 : i64, hidden_size = 128 : i64, kv_lora_rank = 64 : i64,
    model_type = "youtu", num_attention_heads = 4 : i64, page = 64 : i64, q_lora_rank = 96 : i64, qk_nope_head_dim = 32 : i64,
    qk_rope_head_dim = 16 : i64, rank = 0 : i64, rms_norm_eps = 1.0e-06 : f64, rope_theta = 1.0e+04 : f64, scope = "model",
    tensor_parallel = 1 : i64, v_head_dim = 32 : i64, vocab_size = 320 : i64}} {
  // CHECK: gpu.module @kernels
  // CHECK: llvm.func @next(

  // CHECK-LABEL: mla.launches @embed
  // CHECK-SAME: weights ["table"]
  // CHECK-SAME: bindings [#mla.binding<"ids", tensor<?xi32>>, #mla.binding<"hidden", tensor<?x128xbf16>>]
  // CHECK-SAME: attributes {mla.end = "embed"}
  // CHECK-NEXT: mla.launch @kernels::@embed_320x128 grid (tokens, 1, 1) {{.*}} args [
  // CHECK-NEXT: #mla.pointer<"ids">,
  // CHECK-NEXT: #mla.pointer<"weight:table">,
  // CHECK-NEXT: #mla.pointer<"hidden">
  func.func @embed(%ids: tensor<?xi32>) -> tensor<?x128xbf16> attributes {mla.end = "embed"} {
    %table = mla.weight "table" : tensor<320x128xbf16>
    %rows = mla.embed %ids, %table : tensor<320x128xbf16> -> tensor<?x128xbf16>
    return %rows : tensor<?x128xbf16>
  }

  // CHECK-LABEL: mla.launches @logits
  // CHECK-SAME: bindings [#mla.binding<"hidden", tensor<?x128xbf16>>, #mla.binding<"logits", tensor<?x320xf32>>]
  // CHECK-SAME: attributes {mla.end = "logits"}
  // CHECK: mla.launch @kernels::@normalize_128_
  // CHECK: mla.launch @kernels::@projection_1x320x128_
  // CHECK: #mla.pointer<"logits">
  func.func @logits(%hidden: tensor<?x128xbf16>) -> tensor<?x320xf32> attributes {mla.end = "logits"} {
    %gamma = mla.weight "norm" : tensor<128xf32>
    %head = mla.weight "head" : tensor<320x128xbf16>
    %x = mla.rms_norm %hidden, %gamma {epsilon = 1.0e-06 : f64} : tensor<?x128xbf16>, tensor<128xf32> -> tensor<?x128xbf16>
    %y = mla.project %x, %head : (tensor<?x128xbf16>, tensor<320x128xbf16>) -> tensor<?x320xf32>
    return %y : tensor<?x320xf32>
  }

  // CHECK-LABEL: mla.launches @next
  // CHECK-SAME: bindings [#mla.binding<"logits", tensor<?x320xf32>>, #mla.binding<"next", tensor<?xi32>>]
  // CHECK: mla.launch @kernels::@next grid (tokens, 1, 1) threads 1024 shared 256 args [
  // CHECK-NEXT: #mla.pointer<"logits">,
  // CHECK-NEXT: #mla.pointer<"next">]
}
