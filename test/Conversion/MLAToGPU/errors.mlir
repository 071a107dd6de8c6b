// RUN: mla-opt %s --convert-mla-to-gpu --split-input-file --verify-diagnostics

func.func @ungrouped(%x: tensor<?x160xbf16>) -> tensor<?x48xbf16> {
  %w = mla.weight "w" : tensor<48x160xbf16>
  // expected-error @+1 {{'mla.project' op is not in a kernel; run mla-group-kernels first}}
  %y = mla.project %x, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
  return %y : tensor<?x48xbf16>
}

// -----

func.func @unscheduled(%x: tensor<?x160xbf16>) -> tensor<?x48xbf16> {
  %w_dq = mla.weight "w" : tensor<48x160xbf16>
  // expected-error @+1 {{'mla.kernel' op has no schedule; run mla-schedule-kernels first}}
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq) : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
    %z = mla.project %a, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %y : tensor<?x48xbf16>
}

// -----

func.func @impossible_schedule(%x: tensor<?x160xbf16>) -> tensor<?x48xbf16> {
  %w_dq = mla.weight "w" : tensor<48x160xbf16>
  // expected-error @+1 {{has a schedule that no kernel can follow}}
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq) schedule <projection, {blocks = 1, rows = 96, splits = 1, stages = 4, streamed = 0, tokens = 64}> : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
    %z = mla.project %a, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %y : tensor<?x48xbf16>
}

// -----

func.func @rows_of_no_known_size(%x: tensor<?x?xbf16>) -> tensor<?x?xbf16> {
  %gamma = mla.weight "gamma" : tensor<160xf32>
  // expected-error @+1 {{has a result of 'tensor<?x?xbf16>'; expected one row of static size per token}}
  %y = mla.kernel normalize "y"(%a = %x, %g = %gamma) schedule <normalize> : (tensor<?x?xbf16>, tensor<160xf32>) -> tensor<?x?xbf16> {
    %z = mla.rms_norm %a, %g {epsilon = 1.0e-6 : f64} : tensor<?x?xbf16>, tensor<160xf32> -> tensor<?x?xbf16>
    mla.yield %z : tensor<?x?xbf16>
  }
  return %y : tensor<?x?xbf16>
}

// -----

// expected-remark @+1 {{needs positions of tokens, and no mla.positions is in it that gives them}}
func.func @naive_attention(%x: tensor<?x4x16xbf16> {mla.buffer = "q_rope"}, %position: tensor<?xi32> {mla.buffer = "cu_seqlens"})
    -> (tensor<?x4x16xbf16> {mla.buffer = "out"}) {
  %y = mla.kernel rope "y"(%a = %x, %at = %position) schedule <rope, {passes = 2}> : (tensor<?x4x16xbf16>, tensor<?xi32>) -> tensor<?x4x16xbf16> {
    %z = mla.rope interleaved %a at %at {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xbf16>
    mla.yield %z : tensor<?x4x16xbf16>
  }
  return %y : tensor<?x4x16xbf16>
}

// -----

// A value computed in a kernel has no memory.
func.func @no_operand(%x: tensor<?x160xbf16>) -> tensor<?x48xbf16> {
  %w_dq = mla.weight "w" : tensor<48x160xbf16>
  %gamma = mla.weight "gamma" : tensor<160xf32>
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq, %g = %gamma) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 4, streamed = 0, tokens = 64}>
      : (tensor<?x160xbf16>, tensor<48x160xbf16>, tensor<160xf32>) -> tensor<?x48xbf16> {
    // expected-error @+1 {{expected an operand of the kernel, got a value that it computes}}
    %n = mla.rms_norm %a, %g {epsilon = 1.0e-06 : f64} : tensor<?x160xbf16>, tensor<160xf32> -> tensor<?x160xbf16>
    %z = mla.project %n, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %y : tensor<?x48xbf16>
}

// -----

!cache = !mla.cache<page = 16, latent = 60, rope = 16, bf16>
func.func @gathered(%x: tensor<?x64xbf16>, %cache: !cache) -> tensor<?x60xbf16> {
  // expected-error @+1 {{expected rows of a multiple of 8 elements, got 60}}
  %g:3 = mla.kernel gather "g"(%k = %cache) schedule <gather> : (!cache) -> (tensor<?x60xbf16>, tensor<?x16xbf16>, tensor<?xi32>) {
    %latent, %k_rope, %cu_keys = mla.gather %k : !cache
    mla.yield %latent, %k_rope, %cu_keys : tensor<?x60xbf16>, tensor<?x16xbf16>, tensor<?xi32>
  }
  return %g#0 : tensor<?x60xbf16>
}

// -----

// Each buffer of an entry has one name, so a second tensor, cache or result is an error.
// expected-error @+1 {{has an argument #2 of 'tensor<?x64xbf16>'; expected at most hidden, cu_seqlens, cache, adapters, in that order}}
func.func @two_tensors(%x: tensor<?x64xbf16>, %cu: tensor<?xi32>, %other: tensor<?x64xbf16>) {
  return
}

// -----

// expected-error @+1 {{has an argument #3 of 'tensor<?xi32>'; expected at most hidden, cu_seqlens, cache, adapters, in that order}}
func.func @three_of_sequences(%x: tensor<?x64xbf16>, %cu: tensor<?xi32>, %adapters: tensor<?xi32>, %other: tensor<?xi32>) {
  return
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, bf16>
// expected-error @+1 {{has an argument #3 of '!mla.cache<page = 16, latent = 64, rope = 16, bf16>'; expected at most hidden, cu_seqlens, cache, adapters, in that order}}
func.func @two_caches(%x: tensor<?x64xbf16>, %cu: tensor<?xi32>, %a: !cache, %b: !cache) {
  return
}

// -----

// expected-error @+1 {{has an argument #0 of 'tensor<?xi32>'; expected at most hidden, cu_seqlens, cache, adapters, in that order}}
func.func @no_hidden(%cu: tensor<?xi32>) {
  return
}

// -----

// expected-error @+1 {{has a result #1 of 'tensor<?x64xbf16>'; expected at most out}}
func.func @two_results(%x: tensor<?x64xbf16>) -> (tensor<?x64xbf16>, tensor<?x64xbf16>) {
  %g = mla.weight "g" : tensor<64xf32>
  %y = mla.kernel normalize "y"(%a = %x, %b = %g) schedule <normalize> : (tensor<?x64xbf16>, tensor<64xf32>) -> tensor<?x64xbf16> {
    %n = mla.rms_norm %a, %b {epsilon = 1.0e-6 : f64} : tensor<?x64xbf16>, tensor<64xf32> -> tensor<?x64xbf16>
    mla.yield %n : tensor<?x64xbf16>
  }
  return %y, %y : tensor<?x64xbf16>, tensor<?x64xbf16>
}

// -----

// expected-error @+1 {{has a result #0 that no kernel writes}}
func.func @returned_argument(%x: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  return %x : tensor<?x64xbf16>
}

// -----

// expected-error @+1 {{has an argument #3 of '!mla.cache<page = 16, latent = 64, rope = 16, bf16>'; expected at most hidden, cu_seqlens, cache, adapters, in that order}}
func.func @wrong_order(%x: tensor<?x64xbf16>, %cu: tensor<?xi32>, %adapters: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, bf16>) {
  return
}

// -----

// expected-error @+1 {{has an argument #0 of 'tensor<?x4x64xbf16>'; expected at most hidden, cu_seqlens, cache, adapters, in that order}}
func.func @other_rank(%x: tensor<?x4x64xbf16>) {
  return
}

// -----

// A core is optional: it is dropped if its kernels cannot be generated.
// expected-remark @+1 {{@naive_attention is left out: 'func.func' op has an argument #1 without a mla.buffer}}
func.func @naive_attention(%q: tensor<?x4x?xbf16> {mla.buffer = "q_nope"}, %k: tensor<?x64xbf16>) {
  return
}

// -----

// expected-remark @+1 {{@naive_attention is left out: 'func.func' op has an argument #1 in the buffer "q_nope", which is already in use or unknown; expected one of q_rope, cu_seqlens, k_nope, k_rope, cu_keys, v}}
func.func @naive_attention(%q: tensor<?x4x?xbf16> {mla.buffer = "q_nope"}, %k: tensor<?x4x?xbf16> {mla.buffer = "q_nope"}) {
  return
}

// -----

// expected-remark @+1 {{has an argument #0 in the buffer "cache", which is already in use or unknown; expected one of q_nope}}
func.func @naive_attention(%cache: !mla.cache<page = 16, latent = 64, rope = 16, bf16> {mla.buffer = "cache"}) {
  return
}

// -----

// expected-remark @+1 {{has an argument #0 of 'tensor<?x64xbf16>', which the buffer "q_nope" cannot hold}}
func.func @naive_attention(%q: tensor<?x64xbf16> {mla.buffer = "q_nope"}) {
  return
}

// -----

// expected-remark @+1 {{@other is left out: 'func.func' op is not a core; expected the name latent_attention, naive_attention, step_check}}
func.func @other(%q: tensor<?x4x?xbf16> {mla.buffer = "q_nope"}) {
  return
}

// -----

// Tensor maps are always of bf16.
func.func @rows_of_f32(%x: tensor<?x160xf32>) -> tensor<?x48xbf16> {
  %w_dq = mla.weight "w" : tensor<48x160xbf16>
  // expected-error @+1 {{expected rows of bf16 with static sizes, got 'tensor<?x160xf32>'}}
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 4, streamed = 0, tokens = 64}> : (tensor<?x160xf32>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
    %z = mla.project %a, %w : (tensor<?x160xf32>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %y : tensor<?x48xbf16>
}

// -----

func.func @weight_of_f32(%x: tensor<?x160xbf16>) -> tensor<?x48xbf16> {
  %w_dq = mla.weight "w" : tensor<48x160xf32>
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 4, streamed = 0, tokens = 64}> : (tensor<?x160xbf16>, tensor<48x160xf32>) -> tensor<?x48xbf16> {
    // expected-error @+1 {{expected a weight of bf16, got 'f32'}}
    %z = mla.project %a, %w : (tensor<?x160xbf16>, tensor<48x160xf32>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %y : tensor<?x48xbf16>
}

// -----

func.func @result_of_f16(%x: tensor<?x160xbf16>) -> tensor<?x48xf16> {
  %w_dq = mla.weight "w" : tensor<48x160xbf16>
  // expected-error @+1 {{cannot store 'tensor<?x48xf16>' as result #0 of a projection}}
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 4, streamed = 0, tokens = 64}> : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xf16> {
    %z = mla.project %a, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xf16>
    mla.yield %z : tensor<?x48xf16>
  }
  return %y : tensor<?x48xf16>
}

// -----

// A tile would have rows of both weights.
func.func @joined_within_a_tile(%x: tensor<?x160xbf16>) -> tensor<?x144xbf16> {
  %u = mla.weight "u" : tensor<96x160xbf16>
  %v = mla.weight "v" : tensor<48x160xbf16>
  %y = mla.kernel projection "y"(%a = %x, %b = %u, %c = %v) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 4, streamed = 0, tokens = 64}> : (tensor<?x160xbf16>, tensor<96x160xbf16>, tensor<48x160xbf16>) -> tensor<?x144xbf16> {
    %w = tensor.concat dim(0) %b, %c : (tensor<96x160xbf16>, tensor<48x160xbf16>) -> tensor<144x160xbf16>
    // expected-error @+1 {{multiplies by joined weights that no kernel supports: expected two with the same elements and blocks, the first with a multiple of 128 rows, in a plain projection}}
    %z = mla.project %a, %w : (tensor<?x160xbf16>, tensor<144x160xbf16>) -> tensor<?x144xbf16>
    mla.yield %z : tensor<?x144xbf16>
  }
  return %y : tensor<?x144xbf16>
}

// -----

func.func @three_weights(%x: tensor<?x160xbf16>) -> tensor<?x384xbf16> {
  %u = mla.weight "u" : tensor<128x160xbf16>
  %y = mla.kernel projection "y"(%a = %x, %b = %u) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 4, streamed = 0, tokens = 64}> : (tensor<?x160xbf16>, tensor<128x160xbf16>) -> tensor<?x384xbf16> {
    %w = tensor.concat dim(0) %b, %b, %b : (tensor<128x160xbf16>, tensor<128x160xbf16>, tensor<128x160xbf16>) -> tensor<384x160xbf16>
    // expected-error @+1 {{multiplies by joined weights that no kernel supports: expected two}}
    %z = mla.project %a, %w : (tensor<?x160xbf16>, tensor<384x160xbf16>) -> tensor<?x384xbf16>
    mla.yield %z : tensor<?x384xbf16>
  }
  return %y : tensor<?x384xbf16>
}

// -----

func.func @missing_key(%x: tensor<?x160xbf16>) -> tensor<?x48xbf16> {
  %w_dq = mla.weight "w" : tensor<48x160xbf16>
  // expected-error @+1 {{'mla.kernel' op has no 'blocks' in its schedule; run mla-schedule-kernels first}}
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq) schedule <projection, {rows = 64, tokens = 64, splits = 1, stages = 4, streamed = 0}> : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
    %z = mla.project %a, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %y : tensor<?x48xbf16>
}

// -----

// expected-error @+1 {{unknown chip of the target 'sm_20'; expected sm_90a}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"chip" = "sm_20">>} {
}

// -----

func.func @slice_of_some_rows(%x: tensor<?x160xbf16>) -> tensor<?x48xbf16>
    attributes {mla.phase = #mla.phase<prefill>, mla.regime = #mla.regime<{phase = prefill, q = naive, o = naive}>} {
  %w_dq = mla.weight "w" : tensor<48x80xbf16>
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 64}> : (tensor<?x160xbf16>, tensor<48x80xbf16>) -> tensor<?x48xbf16> {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %a, %c0 : tensor<?x160xbf16>
    // expected-error @+1 {{'tensor.extract_slice' op requires all rows of its source}}
    %some = tensor.extract_slice %a[4, 0] [%n, 80] [1, 1] : tensor<?x160xbf16> to tensor<?x80xbf16>
    %z = mla.project %some, %w : (tensor<?x80xbf16>, tensor<48x80xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %y : tensor<?x48xbf16>
}

// -----

func.func @direct_product_of_unaligned_rows(%x: tensor<?x164xbf16>) -> tensor<?x48xbf16>
    attributes {mla.phase = #mla.phase<prefill>, mla.regime = #mla.regime<{phase = prefill, q = naive, o = naive}>} {
  %w_dq = mla.weight "w" : tensor<48x80xbf16>
  // expected-error @+1 {{'mla.kernel' op reads rows 164 elements apart; expected a multiple of 8}}
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq) schedule <projection, {blocks = 1, direct = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 64}> : (tensor<?x164xbf16>, tensor<48x80xbf16>) -> tensor<?x48xbf16> {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %a, %c0 : tensor<?x164xbf16>
    %some = tensor.extract_slice %a[0, 0] [%n, 80] [1, 1] : tensor<?x164xbf16> to tensor<?x80xbf16>
    %z = mla.project %some, %w : (tensor<?x80xbf16>, tensor<48x80xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %y : tensor<?x48xbf16>
}

// -----

func.func @appends_nothing(%x: tensor<?x160xbf16>) -> tensor<?x48xbf16>
    attributes {mla.phase = #mla.phase<prefill>, mla.regime = #mla.regime<{phase = prefill, q = naive, o = naive}>} {
  %w_dq = mla.weight "w" : tensor<48x160xbf16>
  // expected-error @+1 {{'mla.kernel' op expected 'appends' of the schedule to be 0: the kernel appends nothing}}
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq) schedule <projection, {appends = 1, blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 64}> : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
    %z = mla.project %a, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %y : tensor<?x48xbf16>
}

// -----

func.func @direct_product_of_many_columns(%x: tensor<?x16384xbf16>) -> tensor<?x48xbf16>
    attributes {mla.phase = #mla.phase<prefill>, mla.regime = #mla.regime<{phase = prefill, q = naive, o = naive}>} {
  %w_dq = mla.weight "w" : tensor<48x16384xbf16>
  // expected-error @+1 {{direct products are of bf16, of up to 8192 columns, and neither gated nor of experts}}
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq) schedule <projection, {blocks = 1, direct = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 64}> : (tensor<?x16384xbf16>, tensor<48x16384xbf16>) -> tensor<?x48xbf16> {
    %z = mla.project %a, %w : (tensor<?x16384xbf16>, tensor<48x16384xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %y : tensor<?x48xbf16>
}

// -----

// The kernel writes one row per row of %x, whatever the type states.
func.func @number_of_rows_in_a_type(%x: tensor<?x160xbf16>) -> tensor<?x48xbf16>
    attributes {mla.phase = #mla.phase<prefill>, mla.regime = #mla.regime<{phase = prefill, q = naive, o = naive}>} {
  %w_dq = mla.weight "w" : tensor<48x160xbf16>
  // expected-error @+1 {{'mla.kernel' op has a result of 'tensor<5x48xbf16>'; expected one row of static size per token}}
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 64}> : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<5x48xbf16> {
    %z = mla.project %a, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<5x48xbf16>
    mla.yield %z : tensor<5x48xbf16>
  }
  %w_again = mla.weight "w2" : tensor<48x48xbf16>
  %u = mla.kernel projection "u"(%a = %y, %w = %w_again) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 64}> : (tensor<5x48xbf16>, tensor<48x48xbf16>) -> tensor<?x48xbf16> {
    %z = mla.project %a, %w : (tensor<5x48xbf16>, tensor<48x48xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %u : tensor<?x48xbf16>
}

// -----

// Unreachable kernels would be launched.
// expected-error @+1 {{has control flow, which launch lists do not support}}
func.func @kernel_that_nothing_reaches(%x: tensor<?x160xbf16>)
    attributes {mla.phase = #mla.phase<prefill>, mla.regime = #mla.regime<{phase = prefill, q = naive, o = naive}>} {
  return
^bb1:
  %n = arith.constant 4 : index
  %w_dq = mla.weight "w" : tensor<48x160xbf16>
  %e = tensor.empty(%n) : tensor<?x160xbf16>
  %y = mla.kernel projection "y"(%a = %e, %w = %w_dq) schedule <projection, {blocks = 1, rows = 64, splits = 1, stages = 2, streamed = 0, tokens = 64}> : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
    %z = mla.project %a, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  cf.br ^bb1
}

// -----

// expected-error @+1 {{expected 'multiprocessors' of the target spec to be an i64 from 1 to 65536, got 0 : i64}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"chip" = "sm_90a", "multiprocessors" = 0 : i64>>} {
}

// -----

// expected-error @+1 {{expected 'multiprocessors' of the target spec to be an i64 from 1 to 65536, got "many"}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"chip" = "sm_90a", "multiprocessors" = "many">>} {
}

// -----

// expected-error @+1 {{expected 'chip' of the target spec to be a string, got 90 : i64}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"chip" = 90 : i64>>} {
}
