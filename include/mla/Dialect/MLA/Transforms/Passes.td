//===- Passes.td - Passes on the mla dialect ---------------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_PASSES_TD
#define MLA_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def MLAShard : Pass<"mla-shard", "::mlir::ModuleOp"> {
  let summary = "Decide what several ranks divide, with reasons";
  let description = [{
    Attaches `mla.cuts` to the operations at which the sums of ranks are added,
    and adds the grid of ranks, `shard.grid @ranks`. Nothing else changes.

    | divided | among | at |
    |---|---|---|
    | heads | all ranks | `mla.project from_heads`, by W_O, and updates of it |
    | width of an MLP | all ranks | `mla.project` of `mla.swiglu` |
    | experts, then their width | `experts` groups of ranks, the ranks of a group | summed `mla.experts_project` |
    | pages of a cache | the ranks of each of heads / tokens groups | the grid's second axis |

    Parts need not be equal: of 20 heads, 8 ranks have 2 or 3. Widths are cut at
    multiples of 128 columns where these are enough, so that blocks of scales and
    tiles of kernels stay whole. Fewer heads than ranks are an error; a width
    that has fewer columns than ranks is not cut, with a remark.
  }];
  let options = [
    Option<"heads", "heads", "int64_t", "1", "ranks: each has a part of the heads"> ,
    Option<"tokens", "tokens", "int64_t", "1", "ranks of a group, each of which caches a part of the tokens">,
    Option<"experts", "experts", "int64_t", "1", "parts of the experts">
  ];
  let dependentDialects = ["::mlir::shard::ShardDialect"];
}

def MLAPartition : Pass<"mla-partition", "::mlir::ModuleOp"> {
  let summary = "Make the module of one rank";
  let description = [{
    Follows `mla.cuts` and the grid of `mla-shard`. An operation with cuts sums
    over the rank's part only, and `shard.all_reduce` adds the sums of all ranks.
    Parts move up to the weights: what comes before computes only the part
    (`DivisibleOpInterface`), and a rank loads only its parts of weights. Caches
    become parts of caches if a group divides them; `mla-divide-tokens` follows
    after `mla-absorb`. Describes the rank in `mla.model`.

    With `caller-reduces`, nothing is added: results are the rank's sums, which
    the caller adds, and only rank 0 adds a bias behind.

    ```mlir
    func.func @out(%o: tensor<?x4x32xf32>) -> tensor<?x64xf32> {
      %w = mla.weight "o_proj" : tensor<64x4x32xf32>
      %y = mla.project from_heads %o, %w {mla.cuts = [
          #mla.cut<heads, first = [0, 2], count = [2, 2], why = "4 heads over 2 ranks">]}
          : (tensor<?x4x32xf32>, tensor<64x4x32xf32>) -> tensor<?x64xf32>
      return %y : tensor<?x64xf32>
    }
    ```
  }];
  let options = [
    Option<"rank", "rank", "int64_t", "0", "the rank, from 0">,
    Option<"callerReduces", "caller-reduces", "bool", "false", "leave adding the sums of ranks to the caller">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::shard::ShardDialect", "::mlir::tensor::TensorDialect"];
}

def MLADivideTokens : Pass<"mla-divide-tokens", "::mlir::ModuleOp"> {
  let summary = "Attend to the tokens of all ranks of a group";
  let description = [{
    Of a cache of which a rank has a part of the pages (`part r of M`):

    * absorbed, queries of all heads of the group are gathered
      (`shard.all_gather`), attend to the rank's pages, and partial results go to
      the ranks of their heads (`shard.all_to_all`), which merge them by their LSE
      (`mla.merge`; sinks join there). A rank without visible tokens has LSE -inf;
    * naive, rows that ranks gather are added (`shard.all_reduce`): each is zero
      everywhere but on one.

    Ranks with fewer heads than others fill theirs with zeros, up to
    `mla.most_heads`. Follows types; without divided caches it changes nothing. Runs
    after `mla-absorb`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::shard::ShardDialect", "::mlir::tensor::TensorDialect"];
}

def MLAPlan : Pass<"mla-plan", "::mlir::ModuleOp"> {
  let summary = "Choose the form of every phase and side, with reasons";
  let description = [{
    Attaches `mla.plan` to the module and changes nothing else. Computes the cost
    of every legal pair of forms (`CostModel`: bytes, FLOPs and launches on a
    device) over the contexts from 128 to 1,048,576 tokens. The boundaries
    between regimes are where the choice changes, to the token. Sizes are those
    of the operations, so that no `mla.model` is needed. A phase without an
    attention gets its default form.

    With `products` of `mla.model`, a weight that moves block-scaled e4m3 of the
    checkpoint counts one byte per element and its scales, at the device's rate
    of e4m3; a product of weights counts as the hidden states do.

    A phase leaves its default form (decode: absorbed, prefill: naive) only for
    one that takes a tenth less time for the whole layer, in the geometric mean
    over the expected steps: decode of 1, 8, 32 and 128 sequences, one query
    each; prefill of one sequence in steps of 16 to `prefill-tokens`, or of the
    whole context if that is shorter. The naive form up-projects the whole
    context once per step, which pays when enough queries share it, 171 and more
    for DeepSeek-V3 by FLOPs. A plan of prefill therefore has bands of queries,
    and in each ranges of contexts; a range whose numbers do not grow by half
    joins the next. Fewer than 16 queries are treated as 16, more than
    `prefill-tokens` as `prefill-tokens`.

    Keeps an existing plan unless forms are requested. `plan` is a form for
    decode (`absorb`), which leaves the choice for prefill to the pass, or a list
    of `phase=form` and `phase.side=form`
    (`decode.q=fold,decode.o=absorb,prefill=naive`). `across-rounding`, added to
    any plan (`fold,across-rounding`), sets `mla.fold_across_rounding` on the
    module: products may then omit roundings between their factors, which
    changes results. A requested form holds for every step. `why` says of each
    side whether it was requested, planned before, or chosen, with the times of
    the chosen and declined forms. A form requested or planned before that a
    side cannot have stays in the plan, with a remark at the operation that
    prevents it; the passes that act leave that side as it is.

    The device is `device`, else the first one in the module's
    `dlti.target_system_spec` that has these entries, else an H100:

    ```mlir
    module attributes {dlti.target_system_spec = #dlti.target_system_spec<
      "GPU" = #dlti.target_device_spec<
        "name" = "h100", "read_bytes_per_second" = 3.07e12 : f64, "copy_bytes_per_second" = 2.4e12 : f64,
        "flops_per_second" = 7.44e14 : f64, "e4m3_flops_per_second" = 1.1e15 : f64,
        "launch_seconds" = 2.75e-6 : f64, "attention_seconds" = 5.0e-6 : f64, "token_tile" = 128 : i64,
        "row_tile" = 64 : i64, "memory_bytes" = 80000000000 : i64>>} {}
    ```
  }];
  let options = [
    Option<"plan", "plan", "std::string", "\"auto\"",
           "auto, a form for decode, or phase[.side]=form, …; and across-rounding">,
    Option<"device", "device", "std::string", "\"\"",
           "h100, cpu, or a JSON file; empty: the module's, else h100">,
    Option<"prefillTokens", "prefill-tokens", "int64_t", "2048",
           "most queries of a step of prefill">,
    Option<"target", "target", "std::string", "\"\"",
           "cpu, for which every form has code, or a GPU, which must have kernels; empty: the module's">,
    Option<"explain", "explain", "bool", "false",
           "remark on the costs of what was taken and declined">
  ];
  let statistics = [
    Statistic<"regimes", "regimes", "Regimes decided by cost">,
    Statistic<"declined", "declined", "Pairs of forms that are legal and were not taken">
  ];
  // A module without any operation of ours gets a plan, too.
  let dependentDialects = ["::mla::MLADialect"];
}

def MLAPrintCosts : Pass<"mla-print-costs", "::mlir::ModuleOp"> {
  let summary = "Print the cost of every form of every function";
  let description = [{
    For every function with a naive attention, prints one line per pair of legal
    forms to standard error: bytes read and written, FLOPs, kernels, and the time
    of each part. `*` marks the forms of the module's plan. Changes nothing.

    ```
    @decode, decode: 32 x 1 tokens, context 4096, on h100
      q      o         MB read  MB written     GFLOP  kernels us: common      query up-project  attention     output      total
    * absorb absorb      537.9        12.3     48.48       11       25.8       42.5        0.0       82.6      100.4      251.3
      absorb fold       1224.7        11.2     70.49       10       25.8       42.5        0.0       82.6      350.3      501.2
      …
    ```
  }];
  let options = [
    Option<"device", "device", "std::string", "\"\"",
           "h100, cpu, or a JSON file; empty: the module's, else h100">,
    Option<"batch", "batch", "int64_t", "1", "sequences">,
    Option<"tokens", "tokens", "int64_t", "0",
           "queries of each; 0: one in decode, 2048 in prefill">,
    Option<"context", "context", "int64_t", "4096", "tokens of each, the queries included">,
    Option<"target", "target", "std::string", "\"\"",
           "cpu, for which every form has code, or a GPU, which must have kernels; empty: the module's">
  ];
}

def MLAPrintLegality : Pass<"mla-print-legality"> {
  let summary = "Print which forms every side of every attention may have";
  let description = [{
    Remarks, for each side (q, o) and form (absorb, fold) of every attention,
    that it is legal, or, at the operation that prevents it, why it is not.
    `mla-plan`, `mla-absorb` and `mla-fold` use the same analysis. Changes
    nothing.
  }];
}

def MLAAbsorb : Pass<"mla-absorb", "::mlir::ModuleOp"> {
  let summary = "Move up-projections out of the attention, by associativity";
  let description = [{
    Query side: `q_nope · (W_UK c) = (W_UK^T q_nope) · c`. Output side:
    `sum p (W_UV c) = W_UV (sum p c)` (arXiv:2405.04434, section 2.1.2). An
    attention whose keys and values are both the cached latent becomes
    `mla.latent_attention`, which reads the cache in place.

    Follows the module's plan: a phase with several forms first becomes one
    function per form, each with its `mla.regime`. The first form keeps the
    function's name, another is `<name>_<form>`, or `<name>_<q>_<o>` where the
    sides differ. A side to be folded is absorbed here. Without a plan, absorbs
    every side that can be.

    A row slice of the up-projection's result is applied to its weight instead,
    and a constant scale is multiplied into it. A bias is affine and exact. That
    of the keys adds one number per query to all its scores and is dropped, since
    it cancels in the softmax (rejected where an LSE is used, which it changes).
    That of the values moves behind the attention, since probabilities sum to 1
    (rejected where queries may see no key: unless the keys are gathered from a
    cache to which this step's tokens were appended). Anything else between
    up-projection and attention is left alone, with a remark per side: one may be
    rejected and the other absorbed. Preserves values up to the order of
    summation.
  }];
  let statistics = [
    Statistic<"absorbed", "absorbed", "Sides absorbed">,
    Statistic<"refused", "refused", "Sides that something stands in the way of">
  ];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def MLAFold : Pass<"mla-fold", "::mlir::ModuleOp"> {
  let summary = "Precompute everything that depends only on weights";
  let description = [{
    Where the plan says `fold` (everywhere, without a plan), replaces two
    consecutive projections by one with the product of their weights:
    `mla.compose`. Row slices and constant scales between them are applied to the
    weight; position scales, a factor per token, move behind; a bias becomes
    another bias behind. Roundings (`arith.truncf`) are omitted if the function
    or the module has `mla.fold_across_rounding` (set by a plan with
    `across-rounding`). Anything else between gets a remark. In every form, a
    bias in front of a `from_heads` projection becomes the bias `W_O b` of its
    result.

    Then moves every function's weight-only operations (dequantisation, slices,
    transposes, products and the cast to `storage`) to `@prepare.<weight>`
    functions, each of which computes one weight for all functions that use it.
    Products are in float32 or better and rounded once.

    A function whose name begins with `prepare.` has no arguments and one
    result, and holds only `mla.weight`, `mla.dequantize`, `mla.compose`, sums
    and elementwise products (as in a merged LoRA: `arith.addf`, `arith.mulf`),
    reshapes, slices, transposes, casts and `linalg.pack`. The weight's name is
    the checkpoint's without the module's `mla.checkpoint_prefix` and `.weight`,
    then the operations: `kv_b_proj.0to31` (a slice), `….t` (a matrix
    transposed), `o_proj_x_kv_b_proj` (a product, outer first), `a_plus_b` (a
    sum). A string attribute `mla.name` of an operation replaces that name.

    ```mlir
    func.func @prepare.w_uk.t() -> tensor<4x64x32xbf16> {
      %w = mla.weight "model.layers.0.self_attn.kv_b_proj.weight" : tensor<256x64xbf16>
      %heads = tensor.expand_shape %w [[0, 1], [2]] output_shape [4, 64, 64]
          : tensor<256x64xbf16> into tensor<4x64x64xbf16>
      %w_uk = tensor.extract_slice %heads[0, 0, 0] [4, 32, 64] [1, 1, 1]
          : tensor<4x64x64xbf16> to tensor<4x32x64xbf16>
      %empty = tensor.empty() : tensor<4x64x32xbf16>
      %t = linalg.transpose ins(%w_uk : tensor<4x32x64xbf16>) outs(%empty : tensor<4x64x32xbf16>)
          permutation = [0, 2, 1]
      return %t : tensor<4x64x32xbf16>
    }
    ```

    Literal weights (`arith.constant`) have no `@prepare` function: their
    operations fold to constants in the function.

    `storage` applies to weights of projections: sums are in f32 from the first
    operation on, the cast to `storage` is last. Gammas and biases are f32.
  }];
  let options = [
    Option<"storage", "storage", "std::string", "\"\"",
           "element type of prepared weights: f32, bf16, or empty: as they are">
  ];
  let statistics = [
    Statistic<"folded", "folded", "Pairs of projections made one">,
    Statistic<"refused", "refused", "Pairs that something stands in the way of">,
    Statistic<"prepared", "prepared", "Prepared weights">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
}

def MLAChooseProducts : Pass<"mla-choose-products", "::mlir::ModuleOp"> {
  let summary = "Decide which weights are multiplied in e4m3";
  let description = [{
    Attaches `#mla.products` to the `@prepare` function of every weight of a
    projection, also of experts, with the reason. A weight is multiplied in e4m3
    if it is a dequantized one, or several put together, that is only moved
    (`ScaledWeight.h`) and used by nothing else, if its products are no logits of
    a router or a model, and if with `for-kernels` the module's target has kernels
    for it. A remark names every other weight. With `for-kernels`, also attaches it to
    every `mla.latent_attention` with a packed cache: queries and probabilities
    are multiplied in e4m3 if tokens have one term; a schedule follows. What already
    has an attribute keeps it. If nothing is multiplied in e4m3, removes
    `products` from `mla.model`. Runs after `mla-fold`; `mla-quantize` follows.
  }];
  let options = [
    Option<"forKernels", "for-kernels", "bool", "false", "only what kernels of the module's target multiply">,
    Option<"terms", "terms", "int64_t", "2", "numbers of e4m3 per element of a token: 2, as precise as bf16, or 1">,
    Option<"explains", "explain", "bool", "false", "remarks on weights in e4m3, too">
  ];
}

def MLAQuantize : Pass<"mla-quantize", "::mlir::ModuleOp"> {
  let summary = "Multiply weights in e4m3 as chosen";
  let description = [{
    Quantizes x of every projection by a weight whose `@prepare` function has
    `#mla.products` of e4m3 (`mla-choose-products`): `mla.quantize`, then
    `mla.dequantize`. A group has 128 columns, or fewer where the weight's blocks
    are smaller. Projections of the same x share it. Rows of choices
    (`mla.experts_project`) have their two terms side by side.

    With `for-kernels`, the `@prepare` function stores the elements of the
    weight, another one its scales, and `mla.dequantize` is in front of the
    projection, whose kernel multiplies elements and applies the scales to sums.
    A block that crosses the border of a head, slice or piece is divided, and
    nothing is rounded. Without, weights stay dequantized: the same numbers for a target
    without such kernels. Attributes are checked: what cannot be multiplied in
    e4m3, or is not used, is an error.
  }];
  let options = [
    Option<"forKernels", "for-kernels", "bool", "false", "store elements and scales, for the module's target">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def MLALayout : Pass<"mla-layout", "::mlir::ModuleOp"> {
  let summary = "Pack prepared weights into panels";
  let description = [{
    Appends a `linalg.pack` to the `@prepare` function of every projection's
    weight and marks the projection `panels`: in this packed layout vectors of a
    panel's rows are contiguous, for one token and for many. The panel is the
    largest divisor of the rows up to `panel`; rows whose only divisors are under
    4 stay unpacked. Runs after `mla-fold`.

    Packs a weight only if one layout serves all its users: projections of one
    kind, or `to_heads` and `per_head`, whose panels then lie within a head and
    are collapsed (a view) for `to_heads`.
  }];
  let options = [
    Option<"panel", "panel", "int64_t", "32", "rows of a panel at most">
  ];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def MLABindWeights : Pass<"mla-bind-weights", "::mlir::ModuleOp"> {
  let summary = "Turn weights into arguments of the functions that use them";
  let description = [{
    Every `mla.weight` of a function becomes one of its last arguments, with the
    weight's name as the argument's `mla.weight`, in the order of a bundle's
    manifest. A weight that is used twice is one argument. Arguments of
    `@prepare` functions are tensors of the checkpoint.
  }];
}

def MLAAttentionCores : Pass<"mla-attention-cores", "::mlir::ModuleOp"> {
  let summary = "Add attention-only functions";
  let description = [{
    Adds `@latent_attention` and `@naive_attention`, which hold only the model's
    attention, for engines with their own projections. Widths are those of
    `mla.model`, elements bf16, and the scale of the scores is that of the
    layer's attentions. Queries may be the first elements of wider rows. Adds
    nothing without `mla.model` or an attention.

    The mask is that of the layer's attentions too, or of `mask`: what is between
    the brackets of `#mla.mask<…>`. If they have sinks, or with `sinks`, the cores
    take sinks as their last argument.
  }];
  let options = [
    Option<"mask", "mask", "std::string", "\"\"", "of the cores: causal, none or window=N; empty: the layer's">,
    Option<"sinks", "sinks", "bool", "false", "the cores take sinks, also if the layer has none">
  ];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::tensor::TensorDialect"];
}

def MLAHoistPositionScales : Pass<"mla-hoist-position-scales", "::mlir::ModuleOp"> {
  let summary = "Scale the query latent instead of the queries";
  let description = [{
    If every part of a function's query is scaled by position, and all come from
    one normalised query latent, scales the latent instead: a factor per token
    commutes with projections, rotations and slices of the last dimension.
    Otherwise changes nothing. Preserves values up to rounding.
  }];
}

def MLAJoinProjections : Pass<"mla-join-projections", "::mlir::ModuleOp"> {
  let summary = "Multiply tokens by two weights in one product";
  let description = [{
    Replaces two projections of the same tokens, such as those to the latents of
    queries and of keys, by one whose weight is `tensor.concat` of theirs, and
    their results by slices of its result. A kernel reads both weights where they
    are: weights are stored as before. Of a projection to heads, the weight is
    `tensor.collapse_shape`, and the result `tensor.expand_shape` of the slice;
    heads that something reads whole are left.

    The weights must have the same elements and, in e4m3, blocks, of which each
    has a whole one, and no heads; and one of them rows in a multiple of 128, so
    that no tile of a kernel has rows of both. Results must be stored alike: a
    router's logits are not rounded. Runs before `mla-group-kernels`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def MLAShareExperts : Pass<"mla-share-experts", "::mlir::ModuleOp"> {
  let summary = "Make an MLP that all tokens share experts that all tokens choose";
  let description = [{
    An MLP of width S * I, added to the sum of experts of width I for the same
    tokens, is S experts that every token has with weight 1 (`shared` of
    `mla.route`): their weights join those of the others. One kernel then
    multiplies all. Applies where the widths divide, and where nothing else reads
    what the router chooses. Preserves values up to the order of sums. Runs
    before weights are prepared.
  }];
  let statistics = [Statistic<"numShared", "shared", "Experts that every token has">];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def MLASortChoices : Pass<"mla-sort-choices", "::mlir::ModuleOp"> {
  let summary = "Multiply choices of experts in the order of their experts";
  let description = [{
    Replaces the two projections of an MLP of experts by `mla.sort_choices`,
    `mla.grouped_project` and `mla.mix_choices`, so that a tile of a kernel has
    rows of one expert. Applies to `mla.experts_project` of all tokens, then
    `mla.swiglu` of slices of its columns, then a summed `mla.experts_project` of
    the same experts; leaves all others. Quantized tokens are sorted with their
    scales. Preserves values: a row is computed from
    its own elements alone. Runs before `mla-group-kernels`.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def MLAGroupKernels : Pass<"mla-group-kernels", "::mlir::ModuleOp"> {
  let summary = "Group operations into the kernels of the target";
  let description = [{
    Moves every mla operation of a function into exactly one `mla.kernel`, named
    after the value it computes. The target's kinds of kernels say which
    operations they take (`mla/Dialect/MLA/IR/KernelKind.h`). For example:

    | kind | operations |
    |---|---|
    | `projection` | `mla.project`; of each head it also stores what `append` would |
    | `gated_projection` | `mla.project` or `mla.grouped_project`, `mla.swiglu` of both halves of its result |
    | `routed_choices` | `mla.sort_choices` of a norm; it also stores the norm, what `router` would, and the sum that the norm is of |
    | `sort_choices` | other `mla.sort_choices` |
    | `grouped_projection` | `mla.grouped_project` |
    | `mix_choices` | `mla.grouped_project`, `mla.mix_choices` |
    | `normalize` | `mla.rms_norm`, of the query its `mla.position_scale`; of a sum `arith.addf`, which it also stores if others read it |
    | `rope` | `mla.rope` of the query, and its `mla.position_scale` |
    | `append` | `mla.rms_norm` of the latent, `mla.rope` of the key, `mla.append`; it also stores what `rope` would |
    | `gather` | `mla.gather` |
    | `latent_attention`, `naive_attention` | `mla.latent_attention`, `mla.attention` |
    | `sum` | `arith.addf`, those of which it is the only user, `arith.extf` of their operands |

    Values between kernels are stored, and so rounded to bf16 once, unless a kind
    reads them in f32 or an end of a model returns them. Slices and
    `tensor.expand_shape` are not stored: their readers take the whole tensor and
    read through strides. Positions are computed where they are needed.

    Operations without a kernel are errors: `mla.bias`, `mla.merge`, weights and
    caches of f32. Runs after `mla-fold` instead of `mla-layout`, and after
    `mla-attention-cores` and `mla-hoist-position-scales`, so that cores become
    kernels too, and a scale of the query is where a kernel takes it.
  }];
  let dependentDialects = [
    "::mla::MLADialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::tensor::TensorDialect"
  ];
}

#endif // MLA_TRANSFORMS_PASSES_TD
