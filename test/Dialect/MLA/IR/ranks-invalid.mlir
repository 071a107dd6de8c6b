// RUN: mla-opt %s --verify-diagnostics --split-input-file

// expected-error@+1 {{expected a part of several, numbered from 0, got part 2 of 2}}
func.func private @part_beyond(!mla.cache<page = 4, latent = 8, rope = 2, f32 part 2 of 2>)

// -----

// expected-error@+1 {{expected a first element and a count of each rank, got 2 and 1 numbers}}
func.func private @uneven() attributes {a = #mla.cut<heads, first = [0, 1], count = [1], why = "">}

// -----

// expected-error@+1 {{the part of a rank has an element at least, got 0 from 1}}
func.func private @empty_part() attributes {a = #mla.cut<heads, first = [0, 1], count = [1, 0], why = "">}

// -----

func.func @no_cuts(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>) -> tensor<?x8xf32> {
  // expected-error@+1 {{expected mla.cuts to be an array of #mla.cut, got 1 : i64}}
  %y = mla.project %x, %w {mla.cuts = 1 : i64} : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

func.func @no_sum(%x: tensor<?x4xf32>, %w: tensor<2x8x4xf32>) -> tensor<?x2x8xf32> {
  // expected-error@+1 {{expected mla.cuts on an operation that sums over what ranks may divide}}
  %y = mla.project to_heads %x, %w {mla.cuts = [#mla.cut<heads, first = [0], count = [2], why = "">]}
      : (tensor<?x4xf32>, tensor<2x8x4xf32>) -> tensor<?x2x8xf32>
  return %y : tensor<?x2x8xf32>
}

// -----

func.func @different_ranks(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>) -> tensor<?x8xf32> {
  // expected-error@+1 {{expected all of mla.cuts to be of as many ranks}}
  %y = mla.project %x, %w {mla.cuts = [
      #mla.cut<width, first = [0], count = [4], why = "">, #mla.cut<width, first = [0, 2], count = [2, 2], why = "">]}
      : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

func.func @negative_expert(%x: tensor<?x4xf32>, %w: tensor<3x8x4xf32>, %e: tensor<?x2xi32>) -> tensor<?x2x8xf32> {
  // expected-error@+1 {{(C4) from must be from 0 to 2^31 - 1, got -1}}
  %y = mla.experts_project %x, %w of %e {from = -1 : i64} : (tensor<?x4xf32>, tensor<3x8x4xf32>, tensor<?x2xi32>) -> tensor<?x2x8xf32>
  return %y : tensor<?x2x8xf32>
}

// -----

func.func @negative_sorted(%x: tensor<?x4xf32>, %e: tensor<?x2xi32>) -> tensor<?x2x4xf32> {
  // expected-error@+1 {{(C4) from must be from 0 to 2^31 - 1, got -1}}
  %rows, %order, %first = mla.sort_choices %x by %e {from = -1 : i64} : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2x4xf32>, tensor<?x2xi32>, tensor<4xi32>
  return %rows : tensor<?x2x4xf32>
}

// -----

mla.launches @latent_attention {
  mla.workspace "temp:0" bytes (tokens * 32)
  // expected-error@+1 {{(C1) expected 2 ranks at least, and elements of f32 or bf16, got 1 and 'f32'}}
  mla.collective all_reduce of f32 among 1 from #mla.pointer<"temp:0"> to #mla.pointer<"temp:0"> count (tokens)
}

// -----

mla.launches @latent_attention {
  mla.workspace "temp:0" bytes (tokens * 32)
  // expected-error@+1 {{(C2) the count must be one expression over the sizes of a step}}
  mla.collective all_reduce of f32 among 2 from #mla.pointer<"temp:0"> to #mla.pointer<"temp:0"> count (tokens, tokens)
}

// -----

mla.launches @latent_attention {
  mla.workspace "temp:0" bytes (tokens * 32)
  // expected-error@+1 {{(C2) unknown buffer "temp:1"}}
  mla.collective all_reduce of f32 among 2 from #mla.pointer<"temp:0"> to #mla.pointer<"temp:1"> count (tokens)
}

// -----

// expected-error@+1 {{expected ranks of mla.model to have a count, a rank below it, and tokens that divide it}}
module attributes {mla.model = {
    heads = 3 : i64, kv_lora_rank = 8 : i64, page = 4 : i64, qk_nope_head_dim = 4 : i64, qk_rope_head_dim = 2 : i64,
    v_head_dim = 4 : i64, ranks = {count = 4 : i64, rank = 1 : i64, tokens = 3 : i64}}} {}
