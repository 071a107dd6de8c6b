// The kernels of latent attention that a shape has: of 64 rows, of few rows, or of 32 or 16 rows for widths that are no
// whole tiles. The grid decides by the rows of a sequence.
//
// RUN: mla-opt %s --mla-schedule-kernels --convert-mla-to-gpu --split-input-file | FileCheck %s

// At most 16 rows have a kernel of their own.
// CHECK-LABEL: mla.launches @latent_attention
// CHECK: mla.launch @kernels::@[[MANY:latent_attention_l512_r64_page64_lse_o3m2]] grid (max_queries * 12 ceildiv 64 * ((limit[[#FEW:]] + 1) floordiv (max_queries * 12 + 1) ceildiv (limit{{[0-9]+}} + 2) * -1 + 1), {{.*}}) threads 256
// CHECK: mla.launch @kernels::@few_rows16_[[MANY]] grid ((limit[[#FEW]] + 1) floordiv (max_queries * 12 + 1) ceildiv (limit[[#FEW]] + 2), {{.*}}) threads 384
// CHECK: mla.launch @kernels::@latent_merge_l512_lse grid
func.func @latent_attention(%q_latent: tensor<?x12x?xbf16> {mla.buffer = "q_latent"}, %q_rope: tensor<?x12x?xbf16> {mla.buffer = "q_rope"},
                            %cu_seqlens: tensor<?xi32> {mla.buffer = "cu_seqlens"}, %cache: !mla.cache<page = 64, latent = 512, rope = 64, bf16> {mla.buffer = "cache"})
    -> (tensor<?x12x512xbf16> {mla.buffer = "out"}, tensor<?x12xf32> {mla.buffer = "lse"}) attributes {mla.phase = #mla.phase<decode>} {
  %o:2 = mla.kernel latent_attention "o"(%qs = %q_latent, %rs = %q_rope, %cu = %cu_seqlens, %k = %cache)
      : (tensor<?x12x?xbf16>, tensor<?x12x?xbf16>, tensor<?xi32>, !mla.cache<page = 64, latent = 512, rope = 64, bf16>) -> (tensor<?x12x512xbf16>, tensor<?x12xf32>) {
    %zero = arith.constant 0 : index
    %tokens = tensor.dim %qs, %zero : tensor<?x12x?xbf16>
    %q = tensor.extract_slice %qs[0, 0, 0] [%tokens, 12, 512] [1, 1, 1] : tensor<?x12x?xbf16> to tensor<?x12x512xbf16>
    %rows = tensor.dim %rs, %zero : tensor<?x12x?xbf16>
    %r = tensor.extract_slice %rs[0, 0, 0] [%rows, 12, 64] [1, 1, 1] : tensor<?x12x?xbf16> to tensor<?x12x64xbf16>
    %y, %lse = mla.latent_attention queries(%q, %r of %cu) cache(%k) {scale = 0.1 : f64} : (tensor<?x12x512xbf16>, tensor<?x12x64xbf16>, !mla.cache<page = 64, latent = 512, rope = 64, bf16>) -> tensor<?x12x512xbf16>, tensor<?x12xf32>
    mla.yield %y, %lse : tensor<?x12x512xbf16>, tensor<?x12xf32>
  }
  return %o#0, %o#1 : tensor<?x12x512xbf16>, tensor<?x12xf32>
}

// -----

// Heads alone are more than 16 rows.
// CHECK-LABEL: mla.launches @latent_attention
// CHECK: mla.launch @kernels::@latent_attention_l512_r64_page64_lse_o5m2 grid (max_queries * 20 ceildiv 64, {{.*}}) threads 256
// CHECK-NOT: mla.launch @kernels::@few_rows
func.func @latent_attention(%q_latent: tensor<?x20x?xbf16> {mla.buffer = "q_latent"}, %q_rope: tensor<?x20x?xbf16> {mla.buffer = "q_rope"},
                            %cu_seqlens: tensor<?xi32> {mla.buffer = "cu_seqlens"}, %cache: !mla.cache<page = 64, latent = 512, rope = 64, bf16> {mla.buffer = "cache"})
    -> (tensor<?x20x512xbf16> {mla.buffer = "out"}, tensor<?x20xf32> {mla.buffer = "lse"}) attributes {mla.phase = #mla.phase<decode>} {
  %o:2 = mla.kernel latent_attention "o"(%qs = %q_latent, %rs = %q_rope, %cu = %cu_seqlens, %k = %cache)
      : (tensor<?x20x?xbf16>, tensor<?x20x?xbf16>, tensor<?xi32>, !mla.cache<page = 64, latent = 512, rope = 64, bf16>) -> (tensor<?x20x512xbf16>, tensor<?x20xf32>) {
    %zero = arith.constant 0 : index
    %tokens = tensor.dim %qs, %zero : tensor<?x20x?xbf16>
    %q = tensor.extract_slice %qs[0, 0, 0] [%tokens, 20, 512] [1, 1, 1] : tensor<?x20x?xbf16> to tensor<?x20x512xbf16>
    %rows = tensor.dim %rs, %zero : tensor<?x20x?xbf16>
    %r = tensor.extract_slice %rs[0, 0, 0] [%rows, 20, 64] [1, 1, 1] : tensor<?x20x?xbf16> to tensor<?x20x64xbf16>
    %y, %lse = mla.latent_attention queries(%q, %r of %cu) cache(%k) {scale = 0.1 : f64} : (tensor<?x20x512xbf16>, tensor<?x20x64xbf16>, !mla.cache<page = 64, latent = 512, rope = 64, bf16>) -> tensor<?x20x512xbf16>, tensor<?x20xf32>
    mla.yield %y, %lse : tensor<?x20x512xbf16>, tensor<?x20xf32>
  }
  return %o#0, %o#1 : tensor<?x20x512xbf16>, tensor<?x20xf32>
}

// -----

// The latent is no whole tiles.
// CHECK-LABEL: mla.launches @latent_attention
// CHECK: mla.launch @kernels::@few_rows32_latent_attention_l336_r32_page64_lse_o5m2 grid (max_queries * 20 ceildiv 32, {{.*}}) threads 384
// CHECK-NOT: mla.launch @kernels::@latent_attention_l336
// CHECK: mla.launch @kernels::@latent_merge_l336_lse grid
func.func @latent_attention(%q_latent: tensor<?x20x?xbf16> {mla.buffer = "q_latent"}, %q_rope: tensor<?x20x?xbf16> {mla.buffer = "q_rope"},
                            %cu_seqlens: tensor<?xi32> {mla.buffer = "cu_seqlens"}, %cache: !mla.cache<page = 64, latent = 336, rope = 32, bf16> {mla.buffer = "cache"})
    -> (tensor<?x20x336xbf16> {mla.buffer = "out"}, tensor<?x20xf32> {mla.buffer = "lse"}) attributes {mla.phase = #mla.phase<decode>} {
  %o:2 = mla.kernel latent_attention "o"(%qs = %q_latent, %rs = %q_rope, %cu = %cu_seqlens, %k = %cache)
      : (tensor<?x20x?xbf16>, tensor<?x20x?xbf16>, tensor<?xi32>, !mla.cache<page = 64, latent = 336, rope = 32, bf16>) -> (tensor<?x20x336xbf16>, tensor<?x20xf32>) {
    %zero = arith.constant 0 : index
    %tokens = tensor.dim %qs, %zero : tensor<?x20x?xbf16>
    %q = tensor.extract_slice %qs[0, 0, 0] [%tokens, 20, 336] [1, 1, 1] : tensor<?x20x?xbf16> to tensor<?x20x336xbf16>
    %rows = tensor.dim %rs, %zero : tensor<?x20x?xbf16>
    %r = tensor.extract_slice %rs[0, 0, 0] [%rows, 20, 32] [1, 1, 1] : tensor<?x20x?xbf16> to tensor<?x20x32xbf16>
    %y, %lse = mla.latent_attention queries(%q, %r of %cu) cache(%k) {scale = 0.1 : f64} : (tensor<?x20x336xbf16>, tensor<?x20x32xbf16>, !mla.cache<page = 64, latent = 336, rope = 32, bf16>) -> tensor<?x20x336xbf16>, tensor<?x20xf32>
    mla.yield %y, %lse : tensor<?x20x336xbf16>, tensor<?x20xf32>
  }
  return %o#0, %o#1 : tensor<?x20x336xbf16>, tensor<?x20xf32>
}

// -----

// Results of 1,024 columns leave registers for 16 rows.
// CHECK-LABEL: mla.launches @latent_attention
// CHECK: mla.launch @kernels::@few_rows16_latent_attention_l1024_r64_page64_lse_o5m2 grid (max_queries * 2, {{.*}}) threads 384
// CHECK-NOT: mla.launch @kernels::@latent_attention_l1024
// CHECK: mla.launch @kernels::@latent_merge_l1024_lse grid
func.func @latent_attention(%q_latent: tensor<?x32x?xbf16> {mla.buffer = "q_latent"}, %q_rope: tensor<?x32x?xbf16> {mla.buffer = "q_rope"},
                            %cu_seqlens: tensor<?xi32> {mla.buffer = "cu_seqlens"}, %cache: !mla.cache<page = 64, latent = 1024, rope = 64, bf16> {mla.buffer = "cache"})
    -> (tensor<?x32x1024xbf16> {mla.buffer = "out"}, tensor<?x32xf32> {mla.buffer = "lse"}) attributes {mla.phase = #mla.phase<decode>} {
  %o:2 = mla.kernel latent_attention "o"(%qs = %q_latent, %rs = %q_rope, %cu = %cu_seqlens, %k = %cache)
      : (tensor<?x32x?xbf16>, tensor<?x32x?xbf16>, tensor<?xi32>, !mla.cache<page = 64, latent = 1024, rope = 64, bf16>) -> (tensor<?x32x1024xbf16>, tensor<?x32xf32>) {
    %zero = arith.constant 0 : index
    %tokens = tensor.dim %qs, %zero : tensor<?x32x?xbf16>
    %q = tensor.extract_slice %qs[0, 0, 0] [%tokens, 32, 1024] [1, 1, 1] : tensor<?x32x?xbf16> to tensor<?x32x1024xbf16>
    %rows = tensor.dim %rs, %zero : tensor<?x32x?xbf16>
    %r = tensor.extract_slice %rs[0, 0, 0] [%rows, 32, 64] [1, 1, 1] : tensor<?x32x?xbf16> to tensor<?x32x64xbf16>
    %y, %lse = mla.latent_attention queries(%q, %r of %cu) cache(%k) {scale = 0.1 : f64} : (tensor<?x32x1024xbf16>, tensor<?x32x64xbf16>, !mla.cache<page = 64, latent = 1024, rope = 64, bf16>) -> tensor<?x32x1024xbf16>, tensor<?x32xf32>
    mla.yield %y, %lse : tensor<?x32x1024xbf16>, tensor<?x32xf32>
  }
  return %o#0, %o#1 : tensor<?x32x1024xbf16>, tensor<?x32xf32>
}
