// RUN: mla-opt %s --split-input-file --verify-diagnostics --verify-roundtrip | FileCheck %s

// CHECK: module attributes {mla.plan = #mla.plan<[{phase = decode, q = absorb, o = absorb}, {phase = prefill, context = 0 to 2047, q = naive, o = naive}, {phase = prefill, context = 2048, q = absorb, o = fold}], why = "a \22quoted\22 reason">}
module attributes {mla.plan = #mla.plan<[
  {phase = decode, q = absorb, o = absorb},
  {phase = prefill, context = 0 to 2047, q = naive, o = naive},
  {phase = prefill, context = 2048, q = absorb, o = fold}
], why = "a \"quoted\" reason">} {}

// -----

// CHECK: func.func private @decode() attributes {mla.phase = #mla.phase<decode>, mla.regime = #mla.regime<{phase = decode, q = absorb, o = fold}>}
func.func private @decode() attributes {mla.phase = #mla.phase<decode>, mla.regime = #mla.regime<{phase = decode, q = absorb, o = fold}>}
// CHECK: func.func private @short() attributes {mla.regime = #mla.regime<{phase = prefill, context = 0 to 15, q = naive, o = naive}>}
func.func private @short() attributes {mla.regime = #mla.regime<{phase = prefill, context = 0 to 15, q = naive, o = naive}>}
// CHECK: func.func private @long() attributes {mla.regime = #mla.regime<{phase = prefill, context = 16, q = naive, o = naive}>}
func.func private @long() attributes {mla.regime = #mla.regime<{phase = prefill, context = 16, q = naive, o = naive}>}
// CHECK: func.func private @few() attributes {mla.regime = #mla.regime<{phase = prefill, tokens = 9 to 225, context = 513, q = absorb, o = absorb}>}
func.func private @few() attributes {mla.regime = #mla.regime<{phase = prefill, tokens = 9 to 225, context = 513, q = absorb, o = absorb}>}
// CHECK: func.func private @cache(!mla.cache<page = 64, latent = 512, rope = 64, bf16>)
func.func private @cache(!mla.cache<page = 64, latent = 512, rope = 64, bf16>)
// CHECK: func.func private @row(!mla.cache<page = 64, latent = 512, rope = 64, bf16, fp8_row>)
func.func private @row(!mla.cache<page = 64, latent = 512, rope = 64, bf16, fp8_row>)
// CHECK: func.func private @tensor(!mla.cache<page = 64, latent = 512, rope = 64, f32, fp8_tensor>)
func.func private @tensor(!mla.cache<page = 64, latent = 512, rope = 64, f32, fp8_tensor>)
// CHECK: func.func private @default_format(!mla.cache<page = 64, latent = 512, rope = 64, bf16>)
func.func private @default_format(!mla.cache<page = 64, latent = 512, rope = 64, bf16, standard>)

// -----

// expected-error @+1 {{unknown phase 'encode'}}
func.func private @phase() attributes {mla.regime = #mla.regime<{phase = encode, q = naive, o = naive}>}

// -----

// expected-error @+1 {{unknown q 'fast'}}
func.func private @form() attributes {mla.regime = #mla.regime<{phase = decode, q = fast, o = naive}>}

// -----

// expected-error @+1 {{context must be a range of numbers, got 16 to 15}}
func.func private @backwards() attributes {mla.regime = #mla.regime<{phase = decode, context = 16 to 15, q = naive, o = naive}>}

// -----

// expected-error @+1 {{regimes of prefill must be contiguous and not overlap in context}}
module attributes {mla.plan = #mla.plan<[{phase = prefill, context = 0 to 15, q = naive, o = naive}, {phase = prefill, context = 17, q = naive, o = naive}], why = "gap">} {}

// -----

// expected-error @+1 {{regimes of prefill must be contiguous and not overlap in context}}
module attributes {mla.plan = #mla.plan<[{phase = prefill, q = naive, o = naive}, {phase = prefill, context = 17, q = naive, o = naive}], why = "overlap">} {}

// -----

// expected-error @+1 {{regimes of prefill must be contiguous and not overlap in tokens}}
module attributes {mla.plan = #mla.plan<[{phase = prefill, tokens = 0 to 15, q = naive, o = naive}, {phase = prefill, tokens = 17, q = naive, o = naive}], why = "gap">} {}

// -----

// Every band of tokens covers all contexts.
// expected-error @+1 {{the last regime of prefill must be unbounded in context}}
module attributes {mla.plan = #mla.plan<[{phase = prefill, tokens = 0 to 15, context = 0 to 99, q = naive, o = naive}, {phase = prefill, tokens = 16, q = naive, o = naive}], why = "hole">} {}

// -----

// expected-error @+1 {{the last regime of prefill must be unbounded in tokens}}
module attributes {mla.plan = #mla.plan<[{phase = prefill, tokens = 0 to 15, q = naive, o = naive}], why = "end">} {}

// -----

// expected-error @+1 {{tokens must be a range of numbers, got 3 to 2}}
func.func private @fewer() attributes {mla.regime = #mla.regime<{phase = prefill, tokens = 3 to 2, q = naive, o = naive}>}

// -----

// expected-error @+1 {{the last regime of decode must be unbounded in context}}
module attributes {mla.plan = #mla.plan<[{phase = decode, context = 0 to 15, q = naive, o = naive}], why = "end">} {}

// -----

// expected-error @+1 {{the last regime of decode must be unbounded in context}}
module attributes {mla.plan = #mla.plan<[{phase = decode, context = 0 to 9223372036854775807, q = naive, o = naive}], why = "end">} {}

// -----

// expected-error @+1 {{page and latent must be positive, and rope not negative}}
func.func private @no_page(!mla.cache<page = 0, latent = 512, rope = 64, bf16>)

// -----

// expected-error @+1 {{page, latent and rope must be at most 1048576}}
func.func private @rows_beyond_all_sizes(!mla.cache<page = 64, latent = 512, rope = 9223372036854775807, bf16>)

// -----

// expected-error @+1 {{element type must be a float type, got 'i8'}}
func.func private @integers(!mla.cache<page = 64, latent = 512, rope = 64, i8>)

// -----

// expected-error @+2 {{to be one of: standard, fp8_tensor, fp8_row}}
// expected-error @+1 {{failed to parse MLA_Cache parameter 'format'}}
func.func private @unknown_format(!mla.cache<page = 64, latent = 512, rope = 64, bf16, fp8_rows>)

// -----

// expected-error @+2 {{expected valid keyword or string}}
// expected-error @+1 {{failed to parse MLA_Cache parameter 'format'}}
func.func private @no_format(!mla.cache<page = 64, latent = 512, rope = 64, bf16, >)

// -----

// expected-error @+1 {{element type must be a float type, got 'i8'}}
func.func private @packed_integers(!mla.cache<page = 64, latent = 512, rope = 64, i8, fp8_row>)

// -----

// The bytes of a row are not what is appended.
func.func @append_bytes(%c: tensor<?x64xi8>, %k: tensor<?x16xf32>, %p: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32, fp8_row>) {
  // expected-error @+1 {{operand #0 must be}}
  %new = mla.append %c, %k at %p of %p into %cache : tensor<?x64xi8>, tensor<?x16xf32> into !mla.cache<page = 16, latent = 64, rope = 16, f32, fp8_row>
  return
}

// -----

// expected-error @+1 {{expected decimal integer value}}
func.func private @boolean() attributes {mla.regime = #mla.regime<{phase = decode, context = true, q = naive, o = naive}>}

// -----

// expected-error @+1 {{expected decimal integer value}}
func.func private @boolean_end() attributes {mla.regime = #mla.regime<{phase = decode, tokens = 0 to true, q = naive, o = naive}>}

// -----

// expected-error @+1 {{a window counts 1 to 2147483647 keys, got 0}}
func.func private @no_window() attributes {x = #mla.mask<window>}

// -----

// expected-error @+1 {{a window counts 1 to 2147483647 keys, got -1}}
func.func private @negative_window() attributes {x = #mla.mask<window = -1>}

// -----

// expected-error @+1 {{a window counts 1 to 2147483647 keys, got 2147483648}}
func.func private @window_beyond_i32() attributes {x = #mla.mask<window = 2147483648>}

// -----

// expected-error @+1 {{a mask 'causal' has no number, got 4}}
func.func private @number_of_no_window() attributes {x = #mla.mask<causal = 4>}
