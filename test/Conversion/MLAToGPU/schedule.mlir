// Schedules depend on kind, widths, phase and regime; given choices are kept.
//
// RUN: mla-opt %s --mla-schedule-kernels | FileCheck %s --check-prefixes=CHECK,BALANCED
// RUN: mla-opt %s --mla-schedule-kernels=batch-invariant | FileCheck %s --check-prefixes=CHECK,INVARIANT
// RUN: mla-opt %s --mla-schedule-kernels --mla-schedule-kernels=batch-invariant | FileCheck %s --check-prefixes=CHECK,BALANCED

!cache = !mla.cache<page = 64, latent = 512, rope = 64, bf16>

// CHECK-LABEL: func.func @decode
func.func @decode(%x: tensor<?x7168xbf16>, %w: tensor<1536x7168xbf16>, %small: tensor<576x7168xbf16>, %q: tensor<?x128x512xbf16>, %r: tensor<?x128x64xbf16>, %cu: tensor<?xi32>, %cache: !cache)
    attributes {mla.phase = #mla.phase<decode>} {
  // CHECK: mla.kernel projection
  // One class for each number of tokens; one for all if results must not depend on the batch.
  // BALANCED-NEXT: schedule <projection, [{blocks = {{[1-3]}}, direct = 0, early = 1, limit = 16, rows = 64, splits = {{[0-9]+}}, stages = {{[0-9]+}}, streamed = 1, tokens = 16, turns = {{[123]}}}, {blocks = {{[1-3]}}, direct = 0, early = 1, limit = 64, rows = {{64|128}}, splits = {{[0-9]+}}, stages = {{[0-9]+}}, streamed = 1, tokens = 64, turns = {{[123]}}}, {blocks = {{[1-3]}}, direct = 0, early = 0, limit = 128, rows = {{64|128}}, splits = {{[0-9]+}}, stages = {{[0-9]+}}, streamed = {{[01]}}, tokens = {{64|128}}, turns = {{[123]}}}, {blocks = {{[1-3]}}, direct = 0, early = 0, rows = {{64|128}}, splits = {{[0-9]+}}, stages = {{[0-9]+}}, streamed = 0, tokens = {{64|128|256}}, turns = {{[123]}}}]> :
  // INVARIANT-NEXT: schedule <projection, {blocks = {{[1-3]}}, direct = 0, early = 1, rows = {{64|128}}, splits = {{[0-9]+}}, stages = {{[0-9]+}}, streamed = 1, tokens = 64, turns = {{[123]}}}> :
  %a = mla.kernel projection "a"(%xa = %x, %wa = %w) : (tensor<?x7168xbf16>, tensor<1536x7168xbf16>) -> tensor<?x1536xbf16> {
    %y = mla.project %xa, %wa : (tensor<?x7168xbf16>, tensor<1536x7168xbf16>) -> tensor<?x1536xbf16>
    mla.yield %y : tensor<?x1536xbf16>
  }
  // CHECK: mla.kernel projection
  // The one class of a given schedule remains the only one.
  // CHECK-NEXT: schedule <projection, {blocks = {{[1-3]}}, direct = 0, early = 1, rows = {{64|128}}, splits = {{[0-9]+}}, stages = {{[0-9]+}}, streamed = 1, tokens = 16, turns = {{[123]}}}> :
  %b = mla.kernel projection "b"(%xa = %x, %wa = %w) schedule <projection, {tokens = 16}> : (tensor<?x7168xbf16>, tensor<1536x7168xbf16>) -> tensor<?x1536xbf16> {
    %y = mla.project %xa, %wa : (tensor<?x7168xbf16>, tensor<1536x7168xbf16>) -> tensor<?x1536xbf16>
    mla.yield %y : tensor<?x1536xbf16>
  }
  // Given classes are completed, each for its own number of tokens.
  // CHECK: mla.kernel projection
  // CHECK-NEXT: schedule <projection, [{blocks = {{[1-3]}}, direct = 0, early = 1, limit = 8, rows = 64, splits = 3, stages = {{[0-9]+}}, streamed = 1, tokens = 16, turns = {{[123]}}}, {blocks = {{[1-3]}}, direct = 0, early = 1, rows = 128, splits = {{[0-9]+}}, stages = {{[0-9]+}}, streamed = {{[01]}}, tokens = {{64|128}}, turns = {{[123]}}}]> :
  %c = mla.kernel projection "c"(%xa = %x, %wa = %w) schedule <projection, [{limit = 8, splits = 3}, {rows = 128}]> : (tensor<?x7168xbf16>, tensor<1536x7168xbf16>) -> tensor<?x1536xbf16> {
    %y = mla.project %xa, %wa : (tensor<?x7168xbf16>, tensor<1536x7168xbf16>) -> tensor<?x1536xbf16>
    mla.yield %y : tensor<?x1536xbf16>
  }
  // The registers of all SMs hold a small weight: a class of one token is direct, unless results must not depend on the batch.
  // CHECK: mla.kernel projection "d"
  // BALANCED-NEXT: schedule <projection, [{{[{].*}}direct = 1, early = 1, limit = 1, {{.*}}}, {{[{].*}}direct = 0, early = 1, limit = {{16|64}}, {{.*}}}, {{.*}}]> :
  // INVARIANT-NEXT: schedule <projection, {{[{].*}}direct = 0, early = 1, rows = {{.*}}}> :
  %d = mla.kernel projection "d"(%xa = %x, %wa = %small) : (tensor<?x7168xbf16>, tensor<576x7168xbf16>) -> tensor<?x576xbf16> {
    %y = mla.project %xa, %wa : (tensor<?x7168xbf16>, tensor<576x7168xbf16>) -> tensor<?x576xbf16>
    mla.yield %y : tensor<?x576xbf16>
  }
  // CHECK: mla.kernel latent_attention
  // BALANCED-NEXT: schedule <latent_attention, {few_rows = 0, fixed_blocks = 0, min_blocks = 2, overhead = 5}>
  // INVARIANT-NEXT: schedule <latent_attention, {few_rows = 0, fixed_blocks = 32, min_blocks = 2, overhead = 5}>
  %o = mla.kernel latent_attention "o"(%qa = %q, %ra = %r, %ca = %cu, %k = %cache)
      : (tensor<?x128x512xbf16>, tensor<?x128x64xbf16>, tensor<?xi32>, !cache) -> tensor<?x128x512xbf16> {
    %y = mla.latent_attention queries(%qa, %ra of %ca) cache(%k) {scale = 0.1 : f64}
        : (tensor<?x128x512xbf16>, tensor<?x128x64xbf16>, !cache) -> tensor<?x128x512xbf16>
    mla.yield %y : tensor<?x128x512xbf16>
  }
  return
}

// Few heads have a kernel for few rows, unless results must not depend on the batch. A latent of 1024 has no other kernel.
// CHECK-LABEL: func.func @decode_few_rows
func.func @decode_few_rows(%q: tensor<?x16x512xbf16>, %r: tensor<?x16x64xbf16>, %cu: tensor<?xi32>, %cache: !cache,
                           %wide: tensor<?x16x1024xbf16>, %wide_cache: !mla.cache<page = 64, latent = 1024, rope = 64, bf16>)
    attributes {mla.phase = #mla.phase<decode>} {
  // CHECK: mla.kernel latent_attention "few"
  // BALANCED-NEXT: schedule <latent_attention, {few_rows = 16, fixed_blocks = 0, min_blocks = 2, overhead = 3}>
  // INVARIANT-NEXT: schedule <latent_attention, {few_rows = 0, fixed_blocks = 32, min_blocks = 2, overhead = 5}>
  %a = mla.kernel latent_attention "few"(%qa = %q, %ra = %r, %ca = %cu, %k = %cache)
      : (tensor<?x16x512xbf16>, tensor<?x16x64xbf16>, tensor<?xi32>, !cache) -> tensor<?x16x512xbf16> {
    %y = mla.latent_attention queries(%qa, %ra of %ca) cache(%k) {scale = 0.1 : f64}
        : (tensor<?x16x512xbf16>, tensor<?x16x64xbf16>, !cache) -> tensor<?x16x512xbf16>
    mla.yield %y : tensor<?x16x512xbf16>
  }
  // CHECK: mla.kernel latent_attention "wide"
  // CHECK-NEXT: schedule <latent_attention, {few_rows = 0,
  %b = mla.kernel latent_attention "wide"(%qa = %wide, %ra = %r, %ca = %cu, %k = %wide_cache)
      : (tensor<?x16x1024xbf16>, tensor<?x16x64xbf16>, tensor<?xi32>, !mla.cache<page = 64, latent = 1024, rope = 64, bf16>) -> tensor<?x16x1024xbf16> {
    %y = mla.latent_attention queries(%qa, %ra of %ca) cache(%k) {scale = 0.1 : f64}
        : (tensor<?x16x1024xbf16>, tensor<?x16x64xbf16>, !mla.cache<page = 64, latent = 1024, rope = 64, bf16>) -> tensor<?x16x1024xbf16>
    mla.yield %y : tensor<?x16x1024xbf16>
  }
  return
}

// The kernel of products in e4m3 is chosen where the decision allows them.
// CHECK-LABEL: func.func @decode_e4m3
func.func @decode_e4m3(%q: tensor<?x128x512xbf16>, %r: tensor<?x128x64xbf16>, %cu: tensor<?xi32>, %cache: !mla.cache<page = 64, latent = 512, rope = 64, bf16, fp8_row>)
    attributes {mla.phase = #mla.phase<decode>} {
  // CHECK: mla.kernel latent_attention
  // CHECK-NEXT: schedule <latent_attention, {{.*}}few_rows = 0, {{.*}}query_terms = 1
  %o = mla.kernel latent_attention "o"(%qa = %q, %ra = %r, %ca = %cu, %k = %cache)
      : (tensor<?x128x512xbf16>, tensor<?x128x64xbf16>, tensor<?xi32>, !mla.cache<page = 64, latent = 512, rope = 64, bf16, fp8_row>) -> tensor<?x128x512xbf16> {
    %y = mla.latent_attention queries(%qa, %ra of %ca) cache(%k) {mla.products = #mla.products<e4m3, why = "tokens have one term">, scale = 0.1 : f64}
        : (tensor<?x128x512xbf16>, tensor<?x128x64xbf16>, !mla.cache<page = 64, latent = 512, rope = 64, bf16, fp8_row>) -> tensor<?x128x512xbf16>
    mla.yield %y : tensor<?x128x512xbf16>
  }
  return
}

// CHECK-LABEL: func.func @prefill
func.func @prefill(%x: tensor<?x7168xbf16>, %w: tensor<1536x7168xbf16>, %cache: !cache) attributes {mla.phase = #mla.phase<prefill>} {
  // CHECK: mla.kernel projection
  // CHECK-NEXT: schedule <projection, {blocks = {{[0-9]+}}, direct = 0, early = 0, rows = {{64|128}}, {{.*}}, streamed = 0, tokens = {{128|192|256}}, turns = 1}> :
  %a = mla.kernel projection "a"(%xa = %x, %wa = %w) : (tensor<?x7168xbf16>, tensor<1536x7168xbf16>) -> tensor<?x1536xbf16> {
    %y = mla.project %xa, %wa : (tensor<?x7168xbf16>, tensor<1536x7168xbf16>) -> tensor<?x1536xbf16>
    mla.yield %y : tensor<?x1536xbf16>
  }
  // A kind without choices.
  // CHECK: mla.kernel gather
  // CHECK-NEXT: schedule <gather> :
  %g:3 = mla.kernel gather "g"(%k = %cache) : (!cache) -> (tensor<?x512xbf16>, tensor<?x64xbf16>, tensor<?xi32>) {
    %latent, %k_rope, %cu_keys = mla.gather %k : !cache
    mla.yield %latent, %k_rope, %cu_keys : tensor<?x512xbf16>, tensor<?x64xbf16>, tensor<?xi32>
  }
  return
}

// A few queries on a long context: their own projection has the tiles for few tokens, an up-projection those for many.
// CHECK-LABEL: func.func @few_queries
func.func @few_queries(%x: tensor<?x7168xbf16>, %w: tensor<1536x7168xbf16>, %w_uk: tensor<16384x512xbf16>, %cache: !cache)
    attributes {mla.phase = #mla.phase<prefill>, mla.regime = #mla.regime<{phase = prefill, tokens = 0 to 225, q = naive, o = naive}>} {
  // CHECK: %{{.*}} = mla.kernel projection "a"(
  // BALANCED-NEXT: schedule <projection, [{{[{].*}}limit = 16, {{.*}}tokens = 16, {{.*}}limit = 64, {{.*}}tokens = 64, {{.*}}]> :
  // INVARIANT-NEXT: schedule <projection, {blocks = {{.*}}tokens = 64, turns = {{[123]}}}> :
  %a = mla.kernel projection "a"(%xa = %x, %wa = %w) : (tensor<?x7168xbf16>, tensor<1536x7168xbf16>) -> tensor<?x1536xbf16> {
    %y = mla.project %xa, %wa : (tensor<?x7168xbf16>, tensor<1536x7168xbf16>) -> tensor<?x1536xbf16>
    mla.yield %y : tensor<?x1536xbf16>
  }
  // CHECK: %[[G:.*]]:3 = mla.kernel gather
  %g:3 = mla.kernel gather "g"(%k = %cache) : (!cache) -> (tensor<?x512xbf16>, tensor<?x64xbf16>, tensor<?xi32>) {
    %latent, %k_rope, %cu_keys = mla.gather %k : !cache
    mla.yield %latent, %k_rope, %cu_keys : tensor<?x512xbf16>, tensor<?x64xbf16>, tensor<?xi32>
  }
  // CHECK: mla.kernel projection "k"(%{{.*}} = %[[G]]#0,
  // CHECK-NEXT: schedule <projection, {blocks = {{.*}}tokens = {{128|192|256}}, turns = 1}> :
  %u = mla.kernel projection "k"(%xa = %g#0, %wa = %w_uk) : (tensor<?x512xbf16>, tensor<16384x512xbf16>) -> tensor<?x16384xbf16> {
    %y = mla.project %xa, %wa : (tensor<?x512xbf16>, tensor<16384x512xbf16>) -> tensor<?x16384xbf16>
    mla.yield %y : tensor<?x16384xbf16>
  }
  return
}

// On a short context both have the tiles for few tokens.
// CHECK-LABEL: func.func @short_context
func.func @short_context(%w_uk: tensor<16384x512xbf16>, %cache: !cache)
    attributes {mla.phase = #mla.phase<prefill>, mla.regime = #mla.regime<{phase = prefill, tokens = 0 to 225, context = 0 to 512, q = naive, o = naive}>} {
  %g:3 = mla.kernel gather "g"(%k = %cache) : (!cache) -> (tensor<?x512xbf16>, tensor<?x64xbf16>, tensor<?xi32>) {
    %latent, %k_rope, %cu_keys = mla.gather %k : !cache
    mla.yield %latent, %k_rope, %cu_keys : tensor<?x512xbf16>, tensor<?x64xbf16>, tensor<?xi32>
  }
  // CHECK: mla.kernel projection "k"(
  // BALANCED-NEXT: schedule <projection, [{{[{].*}}limit = 16, {{.*}}tokens = 16, {{.*}}limit = 64, {{.*}}tokens = 64, {{.*}}]> :
  // INVARIANT-NEXT: schedule <projection, {blocks = {{.*}}tokens = 64, turns = {{[123]}}}> :
  %u = mla.kernel projection "k"(%xa = %g#0, %wa = %w_uk) : (tensor<?x512xbf16>, tensor<16384x512xbf16>) -> tensor<?x16384xbf16> {
    %y = mla.project %xa, %wa : (tensor<?x512xbf16>, tensor<16384x512xbf16>) -> tensor<?x16384xbf16>
    mla.yield %y : tensor<?x16384xbf16>
  }
  return
}
