// RUN: mla-opt %s --mla-schedule-kernels --convert-mla-to-gpu --split-input-file --verify-diagnostics

// Latent too wide.
// expected-remark @+1 {{@latent_attention is left out: 'mla.kernel' op attends to latents of 1040 elements; the kernel takes multiples of 16 up to 1024; compile with --target=cpu}}
func.func @latent_attention(%q_latent: tensor<?x16x?xbf16> {mla.buffer = "q_latent"}, %q_rope: tensor<?x16x?xbf16> {mla.buffer = "q_rope"},
                            %cu_seqlens: tensor<?xi32> {mla.buffer = "cu_seqlens"}, %cache: !mla.cache<page = 64, latent = 1040, rope = 64, bf16> {mla.buffer = "cache"})
    -> (tensor<?x16x1040xbf16> {mla.buffer = "out"}, tensor<?x16xf32> {mla.buffer = "lse"}) attributes {mla.phase = #mla.phase<decode>} {
  %o:2 = mla.kernel latent_attention "o"(%qs = %q_latent, %rs = %q_rope, %cu = %cu_seqlens, %k = %cache)
      : (tensor<?x16x?xbf16>, tensor<?x16x?xbf16>, tensor<?xi32>, !mla.cache<page = 64, latent = 1040, rope = 64, bf16>) -> (tensor<?x16x1040xbf16>, tensor<?x16xf32>) {
    %zero = arith.constant 0 : index
    %tokens = tensor.dim %qs, %zero : tensor<?x16x?xbf16>
    %q = tensor.extract_slice %qs[0, 0, 0] [%tokens, 16, 1040] [1, 1, 1] : tensor<?x16x?xbf16> to tensor<?x16x1040xbf16>
    %rows = tensor.dim %rs, %zero : tensor<?x16x?xbf16>
    %r = tensor.extract_slice %rs[0, 0, 0] [%rows, 16, 64] [1, 1, 1] : tensor<?x16x?xbf16> to tensor<?x16x64xbf16>
    %y, %lse = mla.latent_attention queries(%q, %r of %cu) cache(%k) {scale = 0.1 : f64} : (tensor<?x16x1040xbf16>, tensor<?x16x64xbf16>, !mla.cache<page = 64, latent = 1040, rope = 64, bf16>) -> tensor<?x16x1040xbf16>, tensor<?x16xf32>
    mla.yield %y, %lse : tensor<?x16x1040xbf16>, tensor<?x16xf32>
  }
  return %o#0, %o#1 : tensor<?x16x1040xbf16>, tensor<?x16xf32>
}

// -----

// Latent of half a step.
// expected-remark @+1 {{@latent_attention is left out: 'mla.kernel' op attends to latents of 72 elements; the kernel takes multiples of 16 up to 1024; compile with --target=cpu}}
func.func @latent_attention(%q_latent: tensor<?x16x?xbf16> {mla.buffer = "q_latent"}, %q_rope: tensor<?x16x?xbf16> {mla.buffer = "q_rope"},
                            %cu_seqlens: tensor<?xi32> {mla.buffer = "cu_seqlens"}, %cache: !mla.cache<page = 64, latent = 72, rope = 64, bf16> {mla.buffer = "cache"})
    -> (tensor<?x16x72xbf16> {mla.buffer = "out"}, tensor<?x16xf32> {mla.buffer = "lse"}) attributes {mla.phase = #mla.phase<decode>} {
  %o:2 = mla.kernel latent_attention "o"(%qs = %q_latent, %rs = %q_rope, %cu = %cu_seqlens, %k = %cache)
      : (tensor<?x16x?xbf16>, tensor<?x16x?xbf16>, tensor<?xi32>, !mla.cache<page = 64, latent = 72, rope = 64, bf16>) -> (tensor<?x16x72xbf16>, tensor<?x16xf32>) {
    %zero = arith.constant 0 : index
    %tokens = tensor.dim %qs, %zero : tensor<?x16x?xbf16>
    %q = tensor.extract_slice %qs[0, 0, 0] [%tokens, 16, 72] [1, 1, 1] : tensor<?x16x?xbf16> to tensor<?x16x72xbf16>
    %rows = tensor.dim %rs, %zero : tensor<?x16x?xbf16>
    %r = tensor.extract_slice %rs[0, 0, 0] [%rows, 16, 64] [1, 1, 1] : tensor<?x16x?xbf16> to tensor<?x16x64xbf16>
    %y, %lse = mla.latent_attention queries(%q, %r of %cu) cache(%k) {scale = 0.1 : f64} : (tensor<?x16x72xbf16>, tensor<?x16x64xbf16>, !mla.cache<page = 64, latent = 72, rope = 64, bf16>) -> tensor<?x16x72xbf16>, tensor<?x16xf32>
    mla.yield %y, %lse : tensor<?x16x72xbf16>, tensor<?x16xf32>
  }
  return %o#0, %o#1 : tensor<?x16x72xbf16>, tensor<?x16xf32>
}

// -----

// k_rope too wide.
// expected-remark @+1 {{@latent_attention is left out: 'mla.kernel' op attends with a k_rope of 136 elements; the kernel takes multiples of 8 up to 128; compile with --target=cpu}}
func.func @latent_attention(%q_latent: tensor<?x16x?xbf16> {mla.buffer = "q_latent"}, %q_rope: tensor<?x16x?xbf16> {mla.buffer = "q_rope"},
                            %cu_seqlens: tensor<?xi32> {mla.buffer = "cu_seqlens"}, %cache: !mla.cache<page = 64, latent = 512, rope = 136, bf16> {mla.buffer = "cache"})
    -> (tensor<?x16x512xbf16> {mla.buffer = "out"}, tensor<?x16xf32> {mla.buffer = "lse"}) attributes {mla.phase = #mla.phase<decode>} {
  %o:2 = mla.kernel latent_attention "o"(%qs = %q_latent, %rs = %q_rope, %cu = %cu_seqlens, %k = %cache)
      : (tensor<?x16x?xbf16>, tensor<?x16x?xbf16>, tensor<?xi32>, !mla.cache<page = 64, latent = 512, rope = 136, bf16>) -> (tensor<?x16x512xbf16>, tensor<?x16xf32>) {
    %zero = arith.constant 0 : index
    %tokens = tensor.dim %qs, %zero : tensor<?x16x?xbf16>
    %q = tensor.extract_slice %qs[0, 0, 0] [%tokens, 16, 512] [1, 1, 1] : tensor<?x16x?xbf16> to tensor<?x16x512xbf16>
    %rows = tensor.dim %rs, %zero : tensor<?x16x?xbf16>
    %r = tensor.extract_slice %rs[0, 0, 0] [%rows, 16, 136] [1, 1, 1] : tensor<?x16x?xbf16> to tensor<?x16x136xbf16>
    %y, %lse = mla.latent_attention queries(%q, %r of %cu) cache(%k) {scale = 0.1 : f64} : (tensor<?x16x512xbf16>, tensor<?x16x136xbf16>, !mla.cache<page = 64, latent = 512, rope = 136, bf16>) -> tensor<?x16x512xbf16>, tensor<?x16xf32>
    mla.yield %y, %lse : tensor<?x16x512xbf16>, tensor<?x16xf32>
  }
  return %o#0, %o#1 : tensor<?x16x512xbf16>, tensor<?x16xf32>
}

// -----

// Packed latent that no kernel takes.
// expected-remark @+1 {{@latent_attention is left out: 'mla.kernel' op attends to latents of 1032 elements; the kernel takes multiples of 16 up to 1024; compile with --target=cpu}}
func.func @latent_attention(%q_latent: tensor<?x16x?xbf16> {mla.buffer = "q_latent"}, %q_rope: tensor<?x16x?xbf16> {mla.buffer = "q_rope"},
                            %cu_seqlens: tensor<?xi32> {mla.buffer = "cu_seqlens"}, %cache: !mla.cache<page = 64, latent = 1032, rope = 64, bf16, fp8_tensor> {mla.buffer = "cache"})
    -> (tensor<?x16x1032xbf16> {mla.buffer = "out"}, tensor<?x16xf32> {mla.buffer = "lse"}) attributes {mla.phase = #mla.phase<decode>} {
  %o:2 = mla.kernel latent_attention "o"(%qs = %q_latent, %rs = %q_rope, %cu = %cu_seqlens, %k = %cache)
      : (tensor<?x16x?xbf16>, tensor<?x16x?xbf16>, tensor<?xi32>, !mla.cache<page = 64, latent = 1032, rope = 64, bf16, fp8_tensor>) -> (tensor<?x16x1032xbf16>, tensor<?x16xf32>) {
    %zero = arith.constant 0 : index
    %tokens = tensor.dim %qs, %zero : tensor<?x16x?xbf16>
    %q = tensor.extract_slice %qs[0, 0, 0] [%tokens, 16, 1032] [1, 1, 1] : tensor<?x16x?xbf16> to tensor<?x16x1032xbf16>
    %rows = tensor.dim %rs, %zero : tensor<?x16x?xbf16>
    %r = tensor.extract_slice %rs[0, 0, 0] [%rows, 16, 64] [1, 1, 1] : tensor<?x16x?xbf16> to tensor<?x16x64xbf16>
    %y, %lse = mla.latent_attention queries(%q, %r of %cu) cache(%k) {scale = 0.1 : f64} : (tensor<?x16x1032xbf16>, tensor<?x16x64xbf16>, !mla.cache<page = 64, latent = 1032, rope = 64, bf16, fp8_tensor>) -> tensor<?x16x1032xbf16>, tensor<?x16xf32>
    mla.yield %y, %lse : tensor<?x16x1032xbf16>, tensor<?x16xf32>
  }
  return %o#0, %o#1 : tensor<?x16x1032xbf16>, tensor<?x16xf32>
}

// -----

// Few rows of a packed latent that the kernel does not divide.
// expected-remark @+1 {{@latent_attention is left out: 'mla.kernel' op expected 'few_rows' of the schedule to be 0: its kernel takes packed caches with a latent of 128, 256 or 512 elements and a k_rope of 0, 16, 32 or 64}}
func.func @latent_attention(%q_latent: tensor<?x16x?xbf16> {mla.buffer = "q_latent"}, %q_rope: tensor<?x16x?xbf16> {mla.buffer = "q_rope"},
                            %cu_seqlens: tensor<?xi32> {mla.buffer = "cu_seqlens"}, %cache: !mla.cache<page = 64, latent = 192, rope = 64, bf16, fp8_row> {mla.buffer = "cache"})
    -> (tensor<?x16x192xbf16> {mla.buffer = "out"}, tensor<?x16xf32> {mla.buffer = "lse"}) attributes {mla.phase = #mla.phase<decode>} {
  %o:2 = mla.kernel latent_attention "o"(%qs = %q_latent, %rs = %q_rope, %cu = %cu_seqlens, %k = %cache) schedule <latent_attention, {few_rows = 16}>
      : (tensor<?x16x?xbf16>, tensor<?x16x?xbf16>, tensor<?xi32>, !mla.cache<page = 64, latent = 192, rope = 64, bf16, fp8_row>) -> (tensor<?x16x192xbf16>, tensor<?x16xf32>) {
    %zero = arith.constant 0 : index
    %tokens = tensor.dim %qs, %zero : tensor<?x16x?xbf16>
    %q = tensor.extract_slice %qs[0, 0, 0] [%tokens, 16, 192] [1, 1, 1] : tensor<?x16x?xbf16> to tensor<?x16x192xbf16>
    %rows = tensor.dim %rs, %zero : tensor<?x16x?xbf16>
    %r = tensor.extract_slice %rs[0, 0, 0] [%rows, 16, 64] [1, 1, 1] : tensor<?x16x?xbf16> to tensor<?x16x64xbf16>
    %y, %lse = mla.latent_attention queries(%q, %r of %cu) cache(%k) {scale = 0.1 : f64} : (tensor<?x16x192xbf16>, tensor<?x16x64xbf16>, !mla.cache<page = 64, latent = 192, rope = 64, bf16, fp8_row>) -> tensor<?x16x192xbf16>, tensor<?x16xf32>
    mla.yield %y, %lse : tensor<?x16x192xbf16>, tensor<?x16xf32>
  }
  return %o#0, %o#1 : tensor<?x16x192xbf16>, tensor<?x16xf32>
}
