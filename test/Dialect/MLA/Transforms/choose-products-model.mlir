// The pass that decides also keeps what the model says of products, and decisions that are there already.
//
// RUN: mla-opt %s --mla-choose-products='for-kernels terms=1' --split-input-file | FileCheck %s

// No weight has scales.
// CHECK: module attributes {mla.model = {heads = 4 : i64, kv_lora_rank = 64 : i64, page = 64 : i64, qk_nope_head_dim = 32 : i64, qk_rope_head_dim = 16 : i64, v_head_dim = 32 : i64}} {
module attributes {mla.model = {heads = 4 : i64, kv_lora_rank = 64 : i64, page = 64 : i64, products = "e4m3", qk_nope_head_dim = 32 : i64, qk_rope_head_dim = 16 : i64, v_head_dim = 32 : i64}} {
  func.func @prepare.b() -> tensor<64x128xbf16> {
    %w = mla.weight "b" : tensor<64x128xbf16>
    return %w : tensor<64x128xbf16>
  }
  func.func @decode(%x: tensor<?x128xbf16>) -> tensor<?x64xbf16> {
    %b = mla.weight "b" : tensor<64x128xbf16>
    %y = mla.project %x, %b : (tensor<?x128xbf16>, tensor<64x128xbf16>) -> tensor<?x64xbf16>
    return %y : tensor<?x64xbf16>
  }
}

// -----

// An attention multiplies in e4m3.
// CHECK: module attributes {mla.model = {{.*}}, products = "e4m3", {{.*}}} {
!packed = !mla.cache<page = 64, latent = 512, rope = 64, bf16, fp8_row>
module attributes {mla.model = {heads = 32 : i64, kv_lora_rank = 512 : i64, page = 64 : i64, products = "e4m3", qk_nope_head_dim = 32 : i64, qk_rope_head_dim = 64 : i64, v_head_dim = 32 : i64}} {
  func.func @attend(%q: tensor<?x32x512xbf16>, %r: tensor<?x32x64xbf16>, %cu: tensor<?xi32>, %cache: !packed) -> tensor<?x32x512xbf16> {
    // CHECK: mla.latent_attention {{.*}} {mla.products = #mla.products<e4m3,
    %a = mla.latent_attention queries(%q, %r of %cu) cache(%cache) {scale = 0.1 : f64}
        : (tensor<?x32x512xbf16>, tensor<?x32x64xbf16>, !packed) -> tensor<?x32x512xbf16>
    return %a : tensor<?x32x512xbf16>
  }
}

// -----

// Decisions by hand stay.
// CHECK: module attributes {mla.model = {heads = 4 : i64, kv_lora_rank = 64 : i64, page = 64 : i64, qk_nope_head_dim = 32 : i64, qk_rope_head_dim = 16 : i64, v_head_dim = 32 : i64}} {
// CHECK: func.func @prepare.w() -> tensor<64x128xf32> attributes {mla.products = #mla.products<plain, why = "by hand">}
module attributes {mla.model = {heads = 4 : i64, kv_lora_rank = 64 : i64, page = 64 : i64, products = "e4m3", qk_nope_head_dim = 32 : i64, qk_rope_head_dim = 16 : i64, v_head_dim = 32 : i64}} {
  func.func @prepare.w() -> tensor<64x128xf32> attributes {mla.products = #mla.products<plain, why = "by hand">} {
    %w = mla.weight "a" : tensor<64x128xf8E4M3FN>
    %s = mla.weight "s" : tensor<1x1xf32>
    %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
    return %d : tensor<64x128xf32>
  }
  func.func @decode(%x: tensor<?x128xbf16>) -> tensor<?x64xbf16> {
    %w = mla.weight "w" : tensor<64x128xf32>
    %y = mla.project %x, %w : (tensor<?x128xbf16>, tensor<64x128xf32>) -> tensor<?x64xbf16>
    return %y : tensor<?x64xbf16>
  }
}
