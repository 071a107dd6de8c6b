// One case per constraint, named for its label in MLAKernelOps.td and MLAKernelAttrs.td.
//
// RUN: mla-opt %s --split-input-file --verify-diagnostics

func.func @kernel_c1_arguments(%x: tensor<?x8xbf16>) {
  // expected-error @+1 {{(C1) the arguments of the region must have the types of the operands}}
  "mla.kernel"(%x) <{kind = "rope", name = "x"}> ({
  ^bb0(%a: tensor<?x4xbf16>):
    mla.yield
  }) : (tensor<?x8xbf16>) -> ()
  return
}

// -----

func.func @kernel_c2_results(%x: tensor<?x8xbf16>) {
  // expected-error @+1 {{(C2) the yielded values must have the types of the results}}
  %y = mla.kernel rope "x"(%a = %x) : (tensor<?x8xbf16>) -> tensor<?x4xbf16> {
    mla.yield %a : tensor<?x8xbf16>
  }
  return
}

// -----

func.func @kernel_c3_schedule(%x: tensor<?x8xbf16>) {
  // expected-error @+1 {{(C3) expected a schedule of rope, got one of gather}}
  mla.kernel rope "x"(%a = %x) schedule <gather> : (tensor<?x8xbf16>) -> () {
    mla.yield
  }
  return
}

// -----

func.func @kernel_c4_empty_projection(%x: tensor<?x64xbf16>) {
  // expected-error @+1 {{(C4) expected mla.project in a kernel of kind projection}}
  %y = mla.kernel projection "y"(%a = %x) : (tensor<?x64xbf16>) -> tensor<?x64xbf16> {
    mla.yield %a : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @kernel_c4_empty_normalize(%x: tensor<?x64xbf16>) {
  // expected-error @+1 {{(C4) expected mla.rms_norm in a kernel of kind normalize}}
  %y = mla.kernel normalize "y"(%a = %x) : (tensor<?x64xbf16>) -> tensor<?x64xbf16> {
    mla.yield %a : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @kernel_c4_empty_rope(%x: tensor<?x64xbf16>) {
  // expected-error @+1 {{(C4) expected mla.rope in a kernel of kind rope}}
  %y = mla.kernel rope "y"(%a = %x) : (tensor<?x64xbf16>) -> tensor<?x64xbf16> {
    mla.yield %a : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @kernel_c4_empty_append(%x: tensor<?x64xbf16>) {
  // expected-error @+1 {{(C4) expected mla.append in a kernel of kind append}}
  %y = mla.kernel append "y"(%a = %x) : (tensor<?x64xbf16>) -> tensor<?x64xbf16> {
    mla.yield %a : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @kernel_c4_empty_gather(%x: tensor<?x64xbf16>) {
  // expected-error @+1 {{(C4) expected mla.gather in a kernel of kind gather}}
  %y = mla.kernel gather "y"(%a = %x) : (tensor<?x64xbf16>) -> tensor<?x64xbf16> {
    mla.yield %a : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @kernel_c4_empty_latent_attention(%x: tensor<?x64xbf16>) {
  // expected-error @+1 {{(C4) expected mla.latent_attention in a kernel of kind latent_attention}}
  %y = mla.kernel latent_attention "y"(%a = %x) : (tensor<?x64xbf16>) -> tensor<?x64xbf16> {
    mla.yield %a : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @kernel_c4_empty_naive_attention(%x: tensor<?x64xbf16>) {
  // expected-error @+1 {{(C4) expected mla.attention in a kernel of kind naive_attention}}
  %y = mla.kernel naive_attention "y"(%a = %x) : (tensor<?x64xbf16>) -> tensor<?x64xbf16> {
    mla.yield %a : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @kernel_c4_of_another_kind(%x: tensor<?x64xbf16>, %gamma: tensor<64xf32>) {
  // expected-error @+1 {{(C4) expected mla.project in a kernel of kind projection}}
  %y = mla.kernel projection "y"(%a = %x, %g = %gamma) : (tensor<?x64xbf16>, tensor<64xf32>) -> tensor<?x64xbf16> {
    %z = mla.rms_norm %a, %g {epsilon = 1.0e-6 : f64} : tensor<?x64xbf16>, tensor<64xf32> -> tensor<?x64xbf16>
    mla.yield %z : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @kernel_c4_two(%x: tensor<?x64xbf16>, %weight: tensor<64x64xbf16>) {
  // expected-error @+1 {{(C4) expected one operation mla.project, got two}}
  %y = mla.kernel projection "y"(%a = %x, %w = %weight) : (tensor<?x64xbf16>, tensor<64x64xbf16>) -> tensor<?x64xbf16> {
    %z = mla.project %a, %w : (tensor<?x64xbf16>, tensor<64x64xbf16>) -> tensor<?x64xbf16>
    %t = mla.project %z, %w : (tensor<?x64xbf16>, tensor<64x64xbf16>) -> tensor<?x64xbf16>
    mla.yield %t : tensor<?x64xbf16>
  }
  return
}

// -----

// Operations after the product would not be computed.
func.func @kernel_c4_yields_another(%x: tensor<?x64xbf16>, %weight: tensor<64x64xbf16>, %bias: tensor<64xbf16>) {
  // expected-error @+1 {{(C4) must yield the results of its mla.project}}
  %y = mla.kernel projection "y"(%a = %x, %w = %weight, %b = %bias) : (tensor<?x64xbf16>, tensor<64x64xbf16>, tensor<64xbf16>) -> tensor<?x64xbf16> {
    %z = mla.project %a, %w : (tensor<?x64xbf16>, tensor<64x64xbf16>) -> tensor<?x64xbf16>
    %t = mla.bias %z, %b : tensor<?x64xbf16>, tensor<64xbf16>
    mla.yield %t : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @kernel_c4_yields_elements_without_scales(%x: tensor<?x64xbf16>) {
  // expected-error @+1 {{(C4) must yield the results of its mla.quantize}}
  %y = mla.kernel quantize "y"(%a = %x) : (tensor<?x64xbf16>) -> tensor<?x64xf8E4M3FN> {
    %q, %s = mla.quantize %a {group = 64 : i64} : tensor<?x64xbf16> -> tensor<?x64xf8E4M3FN>, tensor<?x1xf32>
    mla.yield %q : tensor<?x64xf8E4M3FN>
  }
  return
}

// -----

func.func @kernel_c4_empty_quantize(%x: tensor<?x64xbf16>) {
  // expected-error @+1 {{(C4) expected mla.quantize in a kernel of kind quantize}}
  %y = mla.kernel quantize "y"(%a = %x) : (tensor<?x64xbf16>) -> tensor<?x64xbf16> {
    mla.yield %a : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @kernel_c4_yields_a_part(%c: !mla.cache<page = 16, latent = 64, rope = 16, bf16>) {
  // expected-error @+1 {{(C4) must yield the results of its mla.gather}}
  %y = mla.kernel gather "y"(%a = %c) : (!mla.cache<page = 16, latent = 64, rope = 16, bf16>) -> tensor<?x64xbf16> {
    %l, %k, %cu = mla.gather %a : !mla.cache<page = 16, latent = 64, rope = 16, bf16>
    mla.yield %l : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @kernel_c4_yields_what_it_does_not_store(%x: tensor<?x64xf32>, %g: tensor<64xf32>) {
  // expected-error @+1 {{(C4) yields a value that a normalize does not also store}}
  %y:2 = mla.kernel normalize "y"(%a = %x, %b = %g) : (tensor<?x64xf32>, tensor<64xf32>) -> (tensor<?x64xbf16>, tensor<?x64xbf16>) {
    %s = arith.addf %a, %a : tensor<?x64xf32>
    %t = arith.addf %s, %a : tensor<?x64xf32>
    %n = mla.rms_norm %t, %b {epsilon = 1.0e-06 : f64} : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x64xbf16>
    %r = arith.truncf %s : tensor<?x64xf32> to tensor<?x64xbf16>
    mla.yield %n, %r : tensor<?x64xbf16>, tensor<?x64xbf16>
  }
  return
}

// -----

func.func @kernel_c4_rotates_to_other_positions(%k: tensor<?x80xbf16>, %q: tensor<?x4x16xbf16>, %g: tensor<64xf32>, %at: tensor<?xi32>, %of: tensor<?xi32>, %c: !mla.cache<page = 16, latent = 64, rope = 16, bf16>, %other: tensor<?xi32>) {
  // expected-error @+1 {{(C4) expected one operation mla.rope, got two}}
  %y:2 = mla.kernel append "y"(%a = %k, %b = %q, %h = %g, %p = %at, %s = %of, %d = %c, %o = %other) : (tensor<?x80xbf16>, tensor<?x4x16xbf16>, tensor<64xf32>, tensor<?xi32>, tensor<?xi32>, !mla.cache<page = 16, latent = 64, rope = 16, bf16>, tensor<?xi32>) -> (!mla.cache<page = 16, latent = 64, rope = 16, bf16>, tensor<?x4x16xbf16>) {
    %c0 = arith.constant 0 : index
    %t = tensor.dim %a, %c0 : tensor<?x80xbf16>
    %l = tensor.extract_slice %a[0, 0] [%t, 64] [1, 1] : tensor<?x80xbf16> to tensor<?x64xbf16>
    %n = mla.rms_norm %l, %h {epsilon = 1.0e-06 : f64} : tensor<?x64xbf16>, tensor<64xf32> -> tensor<?x64xf32>
    %r = tensor.extract_slice %a[0, 64] [%t, 16] [1, 1] : tensor<?x80xbf16> to tensor<?x16xbf16>
    %u = mla.rope interleaved %r at %p {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x16xbf16>
    %v = mla.rope interleaved %b at %o {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xbf16>
    %w = mla.append %n, %u at %p of %s into %d : tensor<?x64xf32>, tensor<?x16xbf16> into !mla.cache<page = 16, latent = 64, rope = 16, bf16>
    mla.yield %w, %v : !mla.cache<page = 16, latent = 64, rope = 16, bf16>, tensor<?x4x16xbf16>
  }
  return
}

// -----

func.func @kernel_c4_yields_a_part_of_a_sum(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{(C4) must yield the results of its arith.addf}}
  %y = mla.kernel sum "y"(%a = %x) : (tensor<?x64xf32>) -> tensor<?x64xbf16> {
    %b = arith.addf %a, %a : tensor<?x64xf32>
    %c = arith.addf %b, %a : tensor<?x64xf32>
    %r = arith.truncf %b : tensor<?x64xf32> to tensor<?x64xbf16>
    mla.yield %r : tensor<?x64xbf16>
  }
  return
}

// -----

func.func @kernel_kind() {
  // expected-error @+1 {{(C5) unknown kind 'matmul'; expected projection, gated_projection, routed_choices, sort_choices, grouped_projection, mix_choices, normalize, quantize, rope, append, gather, latent_attention, naive_attention, embed, sum, swiglu, gate, pass_choices, join, router, route}}
  mla.kernel matmul "x"() : () -> () {
    mla.yield
  }
  return
}

// -----

func.func @kernel_is_isolated(%x: tensor<?x8xbf16>) {
  // expected-note @+1 {{required by region isolation constraints}}
  mla.kernel rope "x"() : () -> () {
    // expected-error @+1 {{using value defined outside the region}}
    mla.yield %x : tensor<?x8xbf16>
  }
  return
}

// -----

func.func @kernel_c3_unknown_key(%x: tensor<?x8xbf16>, %w: tensor<8x8xbf16>) -> tensor<?x8xbf16> {
  // expected-error @+1 {{(C3) unknown key 'splitz' in the schedule of a projection; expected tokens, rows, stages, blocks, turns, streamed, direct, early, appends, tokens_on_m, limit, splits}}
  %y = mla.kernel projection "y"(%a = %x, %b = %w) schedule <projection, {splitz = 3}> : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16> {
    %z = mla.project %a, %b : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16>
    mla.yield %z : tensor<?x8xbf16>
  }
  return %y : tensor<?x8xbf16>
}

// -----

func.func @kernel_c3_key_of_none(%cache: !mla.cache<page = 16, latent = 64, rope = 16, bf16>) {
  // expected-error @+1 {{(C3) unknown key 'rows' in the schedule of a gather; expected none}}
  %g:3 = mla.kernel gather "g"(%k = %cache) schedule <gather, {rows = 1}>
      : (!mla.cache<page = 16, latent = 64, rope = 16, bf16>) -> (tensor<?x64xbf16>, tensor<?x16xbf16>, tensor<?xi32>) {
    %latent, %k_rope, %cu = mla.gather %k : !mla.cache<page = 16, latent = 64, rope = 16, bf16>
    mla.yield %latent, %k_rope, %cu : tensor<?x64xbf16>, tensor<?x16xbf16>, tensor<?xi32>
  }
  return
}

// -----

func.func @kernel_c3_value_out_of_range(%x: tensor<?x8xbf16>, %w: tensor<8x8xbf16>) -> tensor<?x8xbf16> {
  // expected-error @+1 {{(C3) expected 'streamed' of the schedule to be 0 to 1, got 2}}
  %y = mla.kernel projection "y"(%a = %x, %b = %w) schedule <projection, {streamed = 2}> : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16> {
    %z = mla.project %a, %b : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16>
    mla.yield %z : tensor<?x8xbf16>
  }
  return %y : tensor<?x8xbf16>
}

// -----

// expected-error @+1 {{duplicate choice 'rows'}}
module attributes {a = #mla.schedule<projection, {rows = 1, rows = 2}>} {}

// -----

// expected-error @+1 {{expected at least one class of choices}}
module attributes {a = #mla.schedule<projection, []>} {}

// -----

// expected-error @+1 {{duplicate choice 'rows'}}
module attributes {a = #mla.schedule<projection, [{tokens = 16}, {rows = 1, rows = 2}]>} {}

// -----

func.func @c3_two_classes_of_a_kind_of_one(%x: tensor<?x4x16xbf16>, %p: tensor<?xi32>) {
  // expected-error @+1 {{(C3) expected one class of choices in the schedule of a rope, got 2}}
  %y = mla.kernel rope "y"(%a = %x, %at = %p) schedule <rope, [{passes = 2}, {passes = 3}]> : (tensor<?x4x16xbf16>, tensor<?xi32>) -> tensor<?x4x16xbf16> {
    %z = mla.rope interleaved %a at %at {frequencies = array<f32: 1.0, 0.1, 0.01, 0.001, 1.0, 0.1, 0.01, 0.001>} : tensor<?x4x16xbf16>
    mla.yield %z : tensor<?x4x16xbf16>
  }
  return
}

// -----

// No other constant is a number.
func.func @c3_boolean(%x: tensor<?x8xbf16>, %w: tensor<8x8xbf16>) {
  // expected-error @+1 {{expected decimal integer value}}
  %y = mla.kernel projection "y"(%a = %x, %b = %w) schedule <projection, [{limit = true}, {}]> : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16> {
    %z = mla.project %a, %b : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16>
    mla.yield %z : tensor<?x8xbf16>
  }
  return
}

// -----

func.func @c3_class_without_limit(%x: tensor<?x8xbf16>, %w: tensor<8x8xbf16>) {
  // expected-error @+1 {{(C3) expected class 1 of the schedule to have a 'limit': only the last has none}}
  %y = mla.kernel projection "y"(%a = %x, %b = %w) schedule <projection, [{limit = 16}, {tokens = 64}, {tokens = 128}]> : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16> {
    %z = mla.project %a, %b : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16>
    mla.yield %z : tensor<?x8xbf16>
  }
  return
}

// -----

func.func @c3_class_without_tokens(%x: tensor<?x8xbf16>, %w: tensor<8x8xbf16>) {
  // expected-error @+1 {{(C3) expected the 'limit' of class 1 of the schedule to be at least 65, got 64}}
  %y = mla.kernel projection "y"(%a = %x, %b = %w) schedule <projection, [{limit = 64}, {limit = 64}, {}]> : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16> {
    %z = mla.project %a, %b : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16>
    mla.yield %z : tensor<?x8xbf16>
  }
  return
}

// -----

func.func @c3_limit_of_no_tokens(%x: tensor<?x8xbf16>, %w: tensor<8x8xbf16>) {
  // expected-error @+1 {{(C3) expected 'limit' of the schedule to be 1 to 1048576, got 0}}
  %y = mla.kernel projection "y"(%a = %x, %b = %w) schedule <projection, [{limit = 0}, {}]> : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16> {
    %z = mla.project %a, %b : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16>
    mla.yield %z : tensor<?x8xbf16>
  }
  return
}

// -----

func.func @c3_last_class_with_limit(%x: tensor<?x8xbf16>, %w: tensor<8x8xbf16>) {
  // expected-error @+1 {{(C3) expected no 'limit' in the last class of the schedule, which is for all other numbers of tokens}}
  %y = mla.kernel projection "y"(%a = %x, %b = %w) schedule <projection, [{limit = 16}, {limit = 64}]> : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16> {
    %z = mla.project %a, %b : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16>
    mla.yield %z : tensor<?x8xbf16>
  }
  return
}

// -----

func.func @c3_key_of_a_class(%x: tensor<?x8xbf16>, %w: tensor<8x8xbf16>) {
  // expected-error @+1 {{(C3) expected 'tokens' of the schedule to be 16 to 256, got 8}}
  %y = mla.kernel projection "y"(%a = %x, %b = %w) schedule <projection, [{limit = 16}, {tokens = 8}]> : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16> {
    %z = mla.project %a, %b : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xbf16>
    mla.yield %z : tensor<?x8xbf16>
  }
  return
}

// -----

// expected-error @+1 {{strides must be multiples of 16, got 24}}
module attributes {a = #mla.tensor_map<"x", offset = 0, dims = (8, 8), strides = (24), box = (8, 8), swizzle = 0>} {}

// -----

// expected-error @+1 {{expected a map of 1 to 5 dimensions, one stride fewer and as many box sizes, got 2, 0 and 2}}
module attributes {a = #mla.tensor_map<"x", offset = 0, dims = (8, 8), strides = (), box = (8, 8), swizzle = 0>} {}

// -----

// expected-error @+1 {{sizes of a box must be 1 to 256}}
module attributes {a = #mla.tensor_map<"x", offset = 0, dims = (512), strides = (), box = (512), swizzle = 0>} {}

// -----

// expected-error @+1 {{the swizzle must be 0 or 128, got 64}}
module attributes {a = #mla.tensor_map<"x", offset = 0, dims = (8), strides = (), box = (8), swizzle = 64>} {}

// -----

// expected-error @+1 {{the offset must be a multiple of 16, got 8}}
module attributes {a = #mla.tensor_map<"x", offset = 8, dims = (8), strides = (), box = (8), swizzle = 0>} {}

// -----

// expected-error @+1 {{use of undeclared identifier}}
module attributes {a = #mla.extent<hours * 2>} {}

// -----

// expected-error @+1 {{expected elements of a buffer to be one of f32, bf16, i32, f8E4M3FN, i8, got 'f16'}}
module attributes {test.binding = #mla.binding<"hidden", tensor<?x8xf16>>} {}

// -----

// expected-error @+1 {{a class is for sizes up to 64, its limit is 65}}
module attributes {test.choice = #mla.choice<"q", size = tokens, limits = (65), most = (64)>} {}

// -----

// expected-error @+1 {{limits must be ascending, from 0 to 2147483647}}
module attributes {test.choice = #mla.choice<"q", size = tokens, limits = (16, 8), most = (64, 64)>} {}

// -----

// expected-error @+1 {{expected a limit, and as many of 'most', got 1 and 2}}
module attributes {test.choice = #mla.choice<"q", size = tokens, limits = (16), most = (64, 64)>} {}

// -----

// expected-error @+1 {{the size must be one expression over the sizes of a step}}
module attributes {test.choice = #mla.choice<"q", size = limit0, limits = (16), most = (64)>} {}
