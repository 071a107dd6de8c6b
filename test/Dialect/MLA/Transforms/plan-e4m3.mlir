// Scaled weights that stay in e4m3 have half the bytes, products of weights do not: the output's fold, which has fewer
// elements here, is worth it up to shorter contexts than in bf16.
//
// RUN: mla-opt %s --mla-plan | FileCheck %s --check-prefix=E4M3
// RUN: sed 's/products = "e4m3x2", //' %s | mla-opt --mla-plan | FileCheck %s --check-prefix=BF16
// RUN: mla-opt %s --mla-plan=explain=true -o /dev/null 2>&1 | FileCheck %s --check-prefix=EXPLAIN
// RUN: mla-opt %s --mla-plan="explain=true target=cpu" -o /dev/null 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: mla-opt %s --mla-print-costs -o /dev/null 2>&1 | FileCheck %s --check-prefix=COSTS
// RUN: sed '/%o_e4m3 = /s/f8E4M3FN/bf16/; /%o_rows = /s/mla.dequantize .*/arith.extf %o_e4m3 : tensor<128x16384xbf16> to tensor<128x16384xf32>/' %s \
// RUN:   | mla-opt --mla-plan=explain=true -o /dev/null 2>&1 | FileCheck %s --check-prefix=MIXED

// RUN: sed 's/"e4m3x2"/"fp8"/' %s | not mla-opt --mla-plan 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: expected products of mla.model to be "e4m3" or "e4m3x2", got "fp8"

// BF16: {phase = decode, context = 0 to 4068, q = absorb, o = fold}, {phase = decode, context = 4069, q = absorb, o = absorb}
// E4M3: {phase = decode, context = 0 to 564, q = absorb, o = fold}, {phase = decode, context = 565, q = absorb, o = absorb}

// EXPLAIN: 2 bytes an element, scaled weights 1 in e4m3, tokens 2, on fast
// EXPLAIN-NEXT: weights of q 3.67 MB, folded 8.91 MB (2.43 times); of o 6.29 MB, folded 8.39 MB (1.33 times)

// A weight without scales has two bytes.
// MIXED: weights of q 3.67 MB, folded 8.91 MB (2.43 times); of o 8.39 MB, folded 8.39 MB (1.00 times)

// The CPU has no such products and holds all weights in f32.
// CPU: 2 bytes an element, on fast
// CPU-NEXT: of o 25.2 MB, folded 16.8 MB (0.67 times)

// Kernels quantize the tokens of four products, one of them the hidden states of two projections.
// COSTS: {{^}}  absorb absorb {{ *}}12.7 {{.*}} 13 
// COSTS: {{^}}  absorb fold {{.*}} 10 

!cache = !mla.cache<page = 64, latent = 256, rope = 32, bf16>
module attributes {
    mla.model = {products = "e4m3x2", heads = 128 : i64, kv_lora_rank = 256 : i64, page = 64 : i64, qk_nope_head_dim = 64 : i64, qk_rope_head_dim = 32 : i64, v_head_dim = 128 : i64},
    dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<
      "name" = "fast", "read_bytes_per_second" = 3.07e12 : f64, "copy_bytes_per_second" = 2.4e12 : f64,
      "flops_per_second" = 7.44e14 : f64, "e4m3_flops_per_second" = 1.1e15 : f64, "launch_seconds" = 0.0 : f64,
      "attention_seconds" = 0.0 : f64, "token_tile" = 1 : i64, "row_tile" = 1 : i64, "memory_bytes" = 80000000000 : i64>>} {
  func.func @decode(%hidden: tensor<?x128xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x128xbf16> attributes {mla.phase = #mla.phase<decode>} {
    %q_e4m3 = mla.weight "w_q" : tensor<12288x128xf8E4M3FN>
    %q_scale = mla.weight "w_q_scale" : tensor<96x1xf32>
    %q_rows = mla.dequantize %q_e4m3, %q_scale {block = array<i64: 128, 128>} : tensor<12288x128xf8E4M3FN>, tensor<96x1xf32> -> tensor<12288x128xf32>
    %w_q = tensor.expand_shape %q_rows [[0, 1], [2]] output_shape [128, 96, 128] : tensor<12288x128xf32> into tensor<128x96x128xf32>
    %q = mla.project to_heads %hidden, %w_q : (tensor<?x128xbf16>, tensor<128x96x128xf32>) -> tensor<?x128x96xf32>
    %c0 = arith.constant 0 : index
    %t = tensor.dim %hidden, %c0 : tensor<?x128xbf16>
    %q_nope = tensor.extract_slice %q[0, 0, 0] [%t, 128, 64] [1, 1, 1] : tensor<?x128x96xf32> to tensor<?x128x64xf32>
    %q_pe = tensor.extract_slice %q[0, 0, 64] [%t, 128, 32] [1, 1, 1] : tensor<?x128x96xf32> to tensor<?x128x32xf32>
    %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
    %kv_e4m3 = mla.weight "w_kv" : tensor<24576x256xf8E4M3FN>
    %kv_scale = mla.weight "w_kv_scale" : tensor<192x2xf32>
    %kv_rows = mla.dequantize %kv_e4m3, %kv_scale {block = array<i64: 128, 128>} : tensor<24576x256xf8E4M3FN>, tensor<192x2xf32> -> tensor<24576x256xf32>
    %kv = tensor.expand_shape %kv_rows [[0, 1], [2]] output_shape [128, 192, 256] : tensor<24576x256xf32> into tensor<128x192x256xf32>
    %w_uk = tensor.extract_slice %kv[0, 0, 0] [128, 64, 256] [1, 1, 1] {mla.name = "w_uk"} : tensor<128x192x256xf32> to tensor<128x64x256xf32>
    %w_uv = tensor.extract_slice %kv[0, 64, 0] [128, 128, 256] [1, 1, 1] {mla.name = "w_uv"} : tensor<128x192x256xf32> to tensor<128x128x256xf32>
    %k = mla.project to_heads %latent, %w_uk : (tensor<?x256xbf16>, tensor<128x64x256xf32>) -> tensor<?x128x64xf32>
    %v = mla.project to_heads %latent, %w_uv : (tensor<?x256xbf16>, tensor<128x128x256xf32>) -> tensor<?x128x128xf32>
    %o = mla.attention queries(%q_nope, %q_pe of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 1.0e-1 : f64}
        : (tensor<?x128x64xf32>, tensor<?x128x32xf32>, tensor<?x128x64xf32>, tensor<?x32xbf16>, tensor<?x128x128xf32>) -> tensor<?x128x128xf32>
    %o_e4m3 = mla.weight "w_o" : tensor<128x16384xf8E4M3FN>
    %o_scale = mla.weight "w_o_scale" : tensor<1x128xf32>
    %o_rows = mla.dequantize %o_e4m3, %o_scale {block = array<i64: 128, 128>} : tensor<128x16384xf8E4M3FN>, tensor<1x128xf32> -> tensor<128x16384xf32>
    %w_o = tensor.expand_shape %o_rows [[0], [1, 2]] output_shape [128, 128, 128] : tensor<128x16384xf32> into tensor<128x128x128xf32>
    %out = mla.project from_heads %o, %w_o : (tensor<?x128x128xf32>, tensor<128x128x128xf32>) -> tensor<?x128xf32>
    %rounded = arith.truncf %out : tensor<?x128xf32> to tensor<?x128xbf16>
    return %rounded : tensor<?x128xbf16>
  }
}
