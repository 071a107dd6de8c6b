//===- MLAOps.td - The operations --------------------------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A constraint has a label, (C1), (C2), …, which the verifier and the name of
// its test repeat. Shapes use the symbols of the dialect's description.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_OPS_TD
#define MLA_OPS_TD

include "mla/Dialect/MLA/IR/MLADecoderOps.td"
include "mla/Dialect/MLA/IR/MLAKernelOps.td"
include "mla/Dialect/MLA/IR/MLALaunchOps.td"
include "mla/Dialect/MLA/IR/MLAOpBase.td"
include "mla/Dialect/MLA/IR/MLAWeightOps.td"

//===----------------------------------------------------------------------===//
// Linear maps
//===----------------------------------------------------------------------===//

def MLA_ProjectOp : MLA_Op<"project", [Pure, MLA_DivisibleSum]> {
  let summary = "a contraction of every token with a weight, plain or per head";
  let description = [{
    | | x | weight | result |
    |---|---|---|---|
    | `plain` | `[T, K]` | `[N, K]` | `[T, N]` |
    | `to_heads` | `[T, K]` | `[H, N, K]` | `[T, H, N]` |
    | `per_head` | `[T, H, K]` | `[H, N, K]` | `[T, H, N]` |
    | `from_heads` | `[T, H, K]` | `[N, H, K]` | `[T, N]`, summed over heads too |

    A weight has the orientation of checkpoints, output before input. With
    `panels` it has the packed layout: rows are in panels of `n`, with the
    contracted index before the row of the panel: `[N / n, K, n]`,
    `[H * N / n, K, n]`, `[H, N / n, K, n]` and `[N / n, H * K, n]`. `plain` is
    not printed.

    (C1) ranks are as in the table;
    (C2) sizes agree, and are at most 2^31 - 1;
    (C3) the panel size divides the number of rows.

    ```mlir
    func.func @queries(%x: tensor<?x48xf32>) -> tensor<?x4x64xf32> {
      %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
      %q = mla.project to_heads %x, %w_uq
          : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
      %w_uk = mla.weight "w_uk" : tensor<4x64x32xf32>
      %q_latent = mla.project per_head %q, %w_uk
          : (tensor<?x4x32xf32>, tensor<4x64x32xf32>) -> tensor<?x4x64xf32>
      return %q_latent : tensor<?x4x64xf32>
    }
    ```
  }];
  let arguments = (ins
    MLA_Activation:$x, MLA_Weight:$weight,
    DefaultValuedProp<EnumProp<MLA_Heads>, "::mla::Heads::None">:$heads,
    UnitProp:$panels
  );
  let results = (outs MLA_Activation:$result);
  let assemblyFormat = [{
    ($heads^)? $x `,` $weight (`panels` $panels^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Number of elements summed for one element of the result.
    int64_t getContractedSize();
    /// Number of rows of the matrix that x is multiplied with: those of all heads for `to_heads`, else those of a head.
    int64_t getNumRows();
    /// Return the dimension of the rows in a weight that is not in panels.
    static int64_t getRowDim(Heads heads) { return heads == Heads::To || heads == Heads::Per ? 1 : 0; }
    int64_t getRowDim() { return getRowDim(getHeads()); }
  }];
}

def MLA_BiasOp : MLA_Op<"bias", [Pure, MLA_Divisible, AllTypesMatch<["x", "result"]>]> {
  let summary = "adds a bias to every token";
  let description = [{
    `result[t, …] = x[t, …] + bias[…]`. A separate operation, so that the
    legality analysis finds the bias on the use-def chain.

    (C1) the bias has the shape of one token.

    ```mlir
    func.func @affine(%x: tensor<?x48xf32>) -> tensor<?x48xf32> {
      %b = mla.weight "q_a_proj.bias" : tensor<48xf32>
      %y = mla.bias %x, %b : tensor<?x48xf32>, tensor<48xf32>
      return %y : tensor<?x48xf32>
    }
    ```
  }];
  let arguments = (ins MLA_Activation:$x, MLA_Weight:$bias);
  let results = (outs MLA_Activation:$result);
  let assemblyFormat = "$x `,` $bias attr-dict `:` type($x) `,` type($bias)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Norm and position
//===----------------------------------------------------------------------===//

def MLA_RmsNormOp : MLA_Op<"rms_norm", [Pure, MLA_Divisible]> {
  let summary = "root-mean-square norm of the last dimension, times gamma";
  let description = [{
    `result[…, k] = gamma[k] * x[…, k] / sqrt(mean_k(x[…, k]^2) + epsilon)`
    (arXiv:1910.07467, equation 4).

    (C1) gamma has the size of the last dimension;
    (C2) x and the result have the same shape;
    (C3) epsilon is not negative.

    ```mlir
    func.func @norm(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
      %gamma = mla.weight "kv_a_layernorm.weight" : tensor<64xf32>
      %y = mla.rms_norm %x, %gamma {epsilon = 1.000000e-06 : f64}
          : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x64xf32>
      return %y : tensor<?x64xf32>
    }
    ```
  }];
  let arguments = (ins MLA_Activation:$x, MLA_Weight:$gamma, F64Attr:$epsilon);
  let results = (outs MLA_Activation:$result);
  let assemblyFormat = [{
    $x `,` $gamma attr-dict `:` type($x) `,` type($gamma) `->` type($result)
  }];
  let hasVerifier = 1;
}

def MLA_PositionsOp : MLA_Op<"positions", [Pure]> {
  let summary = "position and sequence of every token of this step";
  let description = [{
    If sequence `b` of length `n` has `s` tokens in this step, its token `i` has
    position `n - s + i`. Results are `[T]`: the position, and `b`.

    ```mlir
    func.func @where(%cu: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>) {
      %tokens = arith.constant 3 : index
      %position, %sequence = mla.positions %tokens of %cu in %cache
          : !mla.cache<page = 16, latent = 64, rope = 16, f32>
      return
    }
    ```
  }];
  let arguments = (ins Index:$tokens, MLA_Indices:$cu, MLA_Cache:$cache);
  let results = (outs MLA_Indices:$position, MLA_Indices:$sequence);
  let assemblyFormat = "$tokens `of` $cu `in` $cache attr-dict `:` type($cache)";
}

def MLA_RopeOp : MLA_Op<"rope", [Pure, MLA_Divisible, AllTypesMatch<["x", "result"]>]> {
  let summary = "rotary position embedding of the last dimension";
  let description = [{
    Rotates pair `i` of the last dimension by `position * frequencies[i]`
    (RoFormer, arXiv:2104.09864, section 3.2.2). Pair `i` is elements `2i` and
    `2i + 1` (`interleaved`, what DeepSeek checkpoints hold) or `i` and
    `i + R/2` (`half_split`); elements stay in checkpoint order. Sine and
    cosine are multiplied by `scale` (YaRN's attention factor,
    arXiv:2309.00071, section 3.4). YaRN and plain RoPE differ only in their
    frequencies. Angles, sines and the rotation are in float32.

    (C1) x is `[T, R]` or `[T, H, R]`, R even;
    (C2) there are R/2 frequencies.

    ```mlir
    func.func @rotate(%x: tensor<?x4x4xf32>, %position: tensor<?xi32>) -> tensor<?x4x4xf32> {
      %y = mla.rope interleaved %x at %position
          {frequencies = array<f32: 1.0, 0.01>, scale = 1.0 : f32} : tensor<?x4x4xf32>
      return %y : tensor<?x4x4xf32>
    }
    ```
  }];
  let arguments = (ins
    MLA_Activation:$x, MLA_Indices:$position, MLA_RopeStyleAttr:$style,
    DenseF32ArrayAttr:$frequencies, DefaultValuedAttr<F32Attr, "1.0f">:$scale
  );
  let results = (outs MLA_Activation:$result);
  let assemblyFormat = "$style $x `at` $position attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def MLA_PositionScaleOp : MLA_Op<"position_scale", [Pure, MLA_Divisible, AllTypesMatch<["x", "result"]>]> {
  let summary = "scales each token by the logarithm of its position";
  let description = [{
    `result[t, …] = x[t, …] * (1 + beta * log(1 + floor(position[t] / original)))`,
    Mistral-4's scaling of queries (`llama_4_scaling_beta`). A scalar per token
    commutes with every projection.

    (C1) original is positive.

    ```mlir
    func.func @long(%q: tensor<?x4x32xf32>, %position: tensor<?xi32>) -> tensor<?x4x32xf32> {
      %y = mla.position_scale %q at %position {beta = 1.000000e-01 : f64, original = 8192 : i64}
          : tensor<?x4x32xf32>
      return %y : tensor<?x4x32xf32>
    }
    ```
  }];
  let arguments = (ins MLA_Activation:$x, MLA_Indices:$position, F64Attr:$beta, I64Attr:$original);
  let results = (outs MLA_Activation:$result);
  let assemblyFormat = "$x `at` $position attr-dict `:` type($x)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// The cache
//===----------------------------------------------------------------------===//

def MLA_AppendOp : MLA_Op<"append", [Pure, AllTypesMatch<["cache", "result"]>]> {
  let summary = "writes this step's tokens into the cache";
  let description = [{
    Writes row `latent[t] ‖ k_rope[t]` of token `t` to its position in its
    sequence. The cache's lengths already include this step's tokens. The result
    is the cache written to: destination-style, in place once bufferized.

    (C1) latent is `[T, L]`, k_rope `[T, R]` of the cache's widths.

    ```mlir
    func.func @write(%c: tensor<?x64xf32>, %k: tensor<?x16xf32>, %position: tensor<?xi32>, %sequence: tensor<?xi32>,
                     %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>)
        -> !mla.cache<page = 16, latent = 64, rope = 16, f32> {
      %new = mla.append %c, %k at %position of %sequence into %cache
          : tensor<?x64xf32>, tensor<?x16xf32> into !mla.cache<page = 16, latent = 64, rope = 16, f32>
      return %new : !mla.cache<page = 16, latent = 64, rope = 16, f32>
    }
    ```
  }];
  let arguments = (ins MLA_Activation:$latent, MLA_Activation:$k_rope,
                       MLA_Indices:$position, MLA_Indices:$sequence, MLA_Cache:$cache);
  let results = (outs MLA_Cache:$result);
  let assemblyFormat = [{
    $latent `,` $k_rope `at` $position `of` $sequence `into` $cache attr-dict
    `:` type($latent) `,` type($k_rope) `into` type($cache)
  }];
  let hasVerifier = 1;
}

def MLA_GatherOp : MLA_Op<"gather", [Pure, InferTypeOpAdaptor]> {
  let summary = "the cached tokens of all sequences, packed";
  let description = [{
    Results are the latents `[N, L]`, the rotated keys `[N, R]` and the
    cumulative cached lengths `[B + 1]`. The naive form starts with this
    operation; absorbed forms read the cache in place.

    ```mlir
    func.func @read(%cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>) {
      %latent, %k_rope, %cu_keys = mla.gather %cache : !mla.cache<page = 16, latent = 64, rope = 16, f32>
      return
    }
    ```
  }];
  let arguments = (ins MLA_Cache:$cache);
  let results = (outs MLA_Activation:$latent, MLA_Activation:$k_rope, MLA_Indices:$cu_keys);
  let assemblyFormat = "$cache attr-dict `:` type($cache)";
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

def MLA_AttentionOp : MLA_Op<"attention", [Pure, MLA_Divisible]> {
  let summary = "attention over keys and values of a ragged batch";
  let description = [{
    `softmax(scale * (q_nope · k_nope + q_rope · k_rope)) · v` (arXiv:2405.04434,
    equations 15 to 17). `mask` says which keys of its sequence a query sees; the
    default, which is not printed, is causal: if a sequence of length `n` has `s`
    queries in this step, query `i` sees its keys up to `n - s + i`. `k_nope` and
    `v` are either per head, `[N, H, …]`, as `mla.project` of the latent computes
    them, or shared by all heads, `[N, …]`: the latent itself, after absorbing the
    side.

    `sinks` has a learned logit per head, which joins the denominator of the
    softmax only: with scores `x_j`, the probability of key `j` is
    `exp(x_j) / (exp(sink) + sum_k exp(x_k))` (gpt-oss, arXiv:2508.10925). It
    is not multiplied by `scale`.

    The optional second result is the natural logarithm of the sum of
    exponentials of the scores (LSE), f32. It does not include the sink, so that
    partial attentions can be merged: these have no sinks, which join at the merge
    (`mla.merge`). A query that sees no key has result 0 and LSE -inf.

    (C1) queries are `[T, H, …]`, keys and values `[N, …]` or `[N, H, …]`, k_rope `[N, R]`;
    (C2) heads and widths agree;
    (C3) the scale is finite;
    (C4) there is one sink per head.

    ```mlir
    func.func @naive(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>,
                     %c: tensor<?x64xf32>, %k_rope: tensor<?x16xf32>, %cu_keys: tensor<?xi32>) -> tensor<?x4x32xf32> {
      %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
      %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
      %k_nope = mla.project to_heads %c, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
      %v = mla.project to_heads %c, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
      %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v)
          {scale = 0.14433756729740643 : f64}
          : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>)
          -> tensor<?x4x32xf32>
      return %o : tensor<?x4x32xf32>
    }
    ```
  }];
  let arguments = (ins
    MLA_Activation:$q_nope, MLA_Activation:$q_rope, MLA_Indices:$cu,
    MLA_Activation:$k_nope, MLA_Activation:$k_rope, MLA_Indices:$cu_keys,
    MLA_Activation:$v, Optional<MLA_Sinks>:$sinks, F64Attr:$scale, MLA_CausalByDefault:$mask
  );
  let results = (outs MLA_Activation:$result, Optional<MLA_Lse>:$lse);
  let assemblyFormat = [{
    `queries` `(` $q_nope `,` $q_rope `of` $cu `)`
    `keys` `(` $k_nope `,` $k_rope `of` $cu_keys `)` `values` `(` $v `)` (`sinks` `(` $sinks^ `)`)? attr-dict
    `:` `(` type($q_nope) `,` type($q_rope) `,` type($k_nope) `,` type($k_rope) `,` type($v) (`,` type($sinks)^)? `)`
    `->` type($result) (`,` type($lse)^)?
  }];
  let hasVerifier = 1;
}

def MLA_LatentAttentionOp : MLA_Op<"latent_attention", [Pure]> {
  let summary = "multi-query attention on the cached latent: the absorbed form";
  let description = [{
    `softmax(scale * (q_latent · c + q_rope · k_rope)) · c`, where `c ‖ k_rope`
    are the rows of the cache: one key head of width L + R and one value head of
    width L for all query heads (arXiv:2405.04434, appendix C). Masks, sinks and
    the LSE are those of `mla.attention`. The LSE is `[T, H]`. Rows that no query
    of a sequence sees may hold anything, and so may the block table where it has
    only such rows: with a window, a cache may drop old pages.

    (C1) q_latent is `[T, H, L]`, q_rope `[T, H, R]`, the result `[T, H, L]`;
    (C2) widths are the cache's;
    (C3) the scale is finite;
    (C4) there is one sink per head.

    ```mlir
    func.func @absorbed(%q_latent: tensor<?x4x64xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>,
                        %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>) -> tensor<?x4x64xf32> {
      %o = mla.latent_attention queries(%q_latent, %q_rope of %cu) cache(%cache) {scale = 0.14433756729740643 : f64}
          : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !mla.cache<page = 16, latent = 64, rope = 16, f32>)
          -> tensor<?x4x64xf32>
      return %o : tensor<?x4x64xf32>
    }
    ```
  }];
  let arguments = (ins
    MLA_Activation:$q_latent, MLA_Activation:$q_rope, MLA_Indices:$cu,
    MLA_Cache:$cache, Optional<MLA_Sinks>:$sinks, F64Attr:$scale, MLA_CausalByDefault:$mask
  );
  let results = (outs MLA_Activation:$result, Optional<MLA_Lse>:$lse);
  let assemblyFormat = [{
    `queries` `(` $q_latent `,` $q_rope `of` $cu `)` `cache` `(` $cache `)` (`sinks` `(` $sinks^ `)`)? attr-dict
    `:` `(` type($q_latent) `,` type($q_rope) `,` type($cache) (`,` type($sinks)^)? `)` `->` type($result) (`,` type($lse)^)?
  }];
  let hasVerifier = 1;
}

def MLA_MergeOp : MLA_Op<"merge", [Pure]> {
  let summary = "merges partial attentions over disjoint keys by their LSE";
  let description = [{
    With `w_s = exp(lse_s - lse)` and `lse = log(sum_s exp(lse_s))`, the result
    is `sum_s w_s * partial_s` (Flash-Decoding; FlashInfer, arXiv:2501.01005,
    section 2.2). Used for split-KV, chunked prefill and shared prefixes. A
    partial without keys has LSE -inf and is ignored, whatever it holds.

    `sinks` are those of `mla.attention`, for partial attentions without: with
    them, `w_s = exp(lse_s) / (exp(lse) + exp(sink))`. The LSE does not include
    the sink.

    (C1) partials are `[S, T, H, V]`, their LSE `[S, T, H]`;
    (C2) results have the same shape without S;
    (C3) there is one sink per head.

    ```mlir
    func.func @merge(%o: tensor<2x?x4x64xf32>, %l: tensor<2x?x4xf32>) -> tensor<?x4x64xf32> {
      %out, %lse = mla.merge %o, %l : (tensor<2x?x4x64xf32>, tensor<2x?x4xf32>) -> tensor<?x4x64xf32>, tensor<?x4xf32>
      return %out : tensor<?x4x64xf32>
    }
    ```
  }];
  let arguments = (ins MLA_Activation:$partials, MLA_Lse:$lses, Optional<MLA_Sinks>:$sinks);
  let results = (outs MLA_Activation:$result, MLA_Lse:$lse);
  let assemblyFormat = [{
    $partials `,` $lses (`sinks` `(` $sinks^ `)`)? attr-dict
    `:` `(` type($partials) `,` type($lses) (`,` type($sinks)^)? `)` `->` type($result) `,` type($lse)
  }];
  let hasVerifier = 1;
}

def MLA_GateOp : MLA_Op<"gate", [Pure, MLA_Divisible]> {
  let summary = "multiplies what heads have attended to by the sigmoid of a gate";
  let description = [{
    `result[t, h, v] = x[t, h, v] / (1 + exp(-gate[t, h, v]))`, with a gate per
    element, or one per head, `gate[t, h]` (Gated Attention, arXiv:2505.06708,
    equation 5, behind the attention). It stands between W_UV and W_O: both forms
    of the attention are legal, but no product of these two weights, since the
    gate depends on the token.

    (C1) x and the result are `[T, H, V]`, the gate `[T, H, V]` or `[T, H]`.

    ```mlir
    func.func @gated(%o: tensor<?x4x32xf32>, %x: tensor<?x64xf32>) -> tensor<?x4x32xf32> {
      %w_g = mla.weight "g_proj" : tensor<4x32x64xf32>
      %g = mla.project to_heads %x, %w_g : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
      %y = mla.gate %o by %g : (tensor<?x4x32xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
      return %y : tensor<?x4x32xf32>
    }
    ```
  }];
  let arguments = (ins MLA_Activation:$x, MLA_Activation:$gate);
  let results = (outs MLA_Activation:$result);
  let assemblyFormat = "$x `by` $gate attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Threads of the host
//===----------------------------------------------------------------------===//

def MLA_SpawnOp : MLA_Op<"spawn", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs a function for every index of a range on the runtime's threads";
  let description = [{
    Calls the body with the captured values and an index, for every index from
    0 to count - 1, on any thread and in any order, and waits for all.
    `scf.forall` is lowered to this operation on the host; it becomes a call of
    the runtime's `mla_parallel_for`.

    (C1) the body is a function that takes the captured values and an index and
    returns nothing.

    ```mlir
    func.func private @body(memref<8xf32>, index)
    func.func @run(%x: memref<8xf32>, %count: index) {
      mla.spawn @body(%x) times %count : memref<8xf32>
      return
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$body, Variadic<AnyType>:$captured, Index:$count);
  let assemblyFormat = "$body `(` $captured `)` `times` $count attr-dict (`:` type($captured)^)?";
}

#endif // MLA_OPS_TD
