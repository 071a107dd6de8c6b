//===- Passes.td - Passes on the mla dialect ---------------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_PASSES_TD
#define MLA_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def MLAPlan : Pass<"mla-plan", "::mlir::ModuleOp"> {
  let summary = "Decide the form of every phase and side, and say why";
  let description = [{
    Attaches `mla.plan` to the module and changes nothing else. Every pair of
    forms that is legal is costed (`CostModel`: bytes, FLOPs and launches on a
    device) over the contexts from 128 to 1,048,576 tokens, and the boundaries
    between regimes are where the choice changes, to the token. The sizes are
    those of the operations, so that no `mla.model` is needed; a phase without
    attention to look at gets its own form.

    A phase leaves its own form (decode: absorbed, prefill: naive) only for one
    that takes a tenth less time for the whole layer, in the geometric mean over
    what the phase is expected to do: decode of 1, 8, 32 and 128 sequences, a
    query each; prefill of one sequence in steps of 16 to `prefill-tokens`, or of
    the whole context where that is shorter. The naive form up-projects the whole
    context once per step, which pays when enough queries share it, 171 and more for
    DeepSeek-V3 by FLOPs: a plan of prefill has bands of queries, and in each
    ranges of contexts; a range whose numbers do not grow by half joins the next.
    Fewer queries than 16 are served as 16, more than `prefill-tokens` as these.

    A plan that is already there is kept unless forms are requested. `plan` is a
    form for decode (`absorb`), with prefill as decided, or a list of
    `phase=form` and `phase.side=form` (`decode.q=fold,decode.o=absorb,prefill=naive`).
    `across-rounding`, added to any plan (`fold,across-rounding`), sets
    `mla.fold_across_rounding` on the module: products may then leave out what
    rounds between their factors, and results differ by it.
    What is requested holds for every step; `why` says of each side whether
    it was requested, planned before, or decided, with the time of what was taken
    and of what was declined. What is requested, or planned before, for a side that
    cannot have it stays in the plan and is remarked on at the operation that
    stands in the way: the passes that act leave that side as it is.

    The device is `device`, else the first one in the module's
    `dlti.target_system_spec` that has these entries, else an H100:

    ```mlir
    module attributes {dlti.target_system_spec = #dlti.target_system_spec<
      "GPU" = #dlti.target_device_spec<
        "name" = "h100", "read_bytes_per_second" = 3.07e12 : f64, "copy_bytes_per_second" = 2.4e12 : f64,
        "flops_per_second" = 7.44e14 : f64, "launch_seconds" = 2.75e-6 : f64, "attention_seconds" = 5.0e-6 : f64,
        "token_tile" = 128 : i64, "row_tile" = 64 : i64, "memory_bytes" = 80000000000 : i64>>} {}
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
  let summary = "Print what every form of every function would cost";
  let description = [{
    For every function with a naive attention, a line a pair of legal forms on
    standard error: bytes read and written, FLOPs, kernels, and the time of each
    part. `*` marks the forms of the module's plan. Changes nothing.

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
  let summary = "Say which forms every side of every attention may have";
  let description = [{
    Remarks, for each side (q, o) and form (absorb, fold) of every attention,
    that it can, or at the operation that stands in the way why it cannot: what
    a plan may ask for, and what `mla-absorb` and `mla-fold` will do. Changes
    nothing.
  }];
}

def MLAAbsorb : Pass<"mla-absorb", "::mlir::ModuleOp"> {
  let summary = "Move up-projections out of the attention, by associativity";
  let description = [{
    Query side: `q_nope · (W_UK c) = (W_UK^T q_nope) · c`. Output side:
    `sum p (W_UV c) = W_UV (sum p c)` (arXiv:2405.04434, section 2.1.2). An
    attention whose keys and values are both the cached latent becomes
    `mla.latent_attention`, which reads the cache where it is.

    Obeys the module's plan: a phase with several forms first becomes a function
    a form, each with its `mla.regime`. The first form keeps the function's name,
    another is `<name>_<form>`, or `<name>_<q>_<o>` where the sides differ. A
    side that is to be folded is absorbed here. Without a plan every side that
    can be absorbed is.

    A row slice of the up-projection's result is taken of its weight instead, and
    a constant scale into it. A bias is affine and exact: that of the keys adds a
    number per query to all its scores and is dropped, since it cancels in the
    softmax (rejected where an LSE is used, which it changes); that of the values
    comes to stand behind the attention, since probabilities sum to 1 (rejected
    where queries may see no key: unless the keys are gathered of a cache to which
    this step's tokens were appended). Whatever else stands between up-projection
    and attention is left alone and remarked on, side by side: one may be rejected
    and the other absorbed. Preserves values up to the order of summation.
  }];
  let statistics = [
    Statistic<"absorbed", "absorbed", "Sides absorbed">,
    Statistic<"refused", "refused", "Sides that something stands in the way of">
  ];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def MLAFold : Pass<"mla-fold", "::mlir::ModuleOp"> {
  let summary = "Make constants of what depends on weights alone";
  let description = [{
    Where the plan says `fold` (everywhere, without a plan), two projections of
    which one reads what the other writes become one with the product of their
    weights: `mla.compose`. Row slices and constant scales between them are taken
    into the weight, position scales, a factor per token, move behind, and a bias
    becomes another one behind. Roundings (`arith.truncf`) are left out if the
    function or the module says `mla.fold_across_rounding` (a plan with
    `across-rounding` does). Whatever else stands
    between is remarked on. In every form, a bias in front of a `from_heads`
    projection becomes the bias `W_O b` of its result. Then every function's weight-only operations move to
    `@prepare.<weight>` functions, each of which makes one weight for all
    functions that use it, and the function takes the prepared weight:
    dequantisation, slices, transposes, products and the cast to `storage`.
    Products are in float32 or better and rounded once.

    A function whose name begins with `prepare.` has no arguments and one
    result, and only `mla.weight`, `mla.dequantize`, `mla.compose`, sums and
    elementwise products (a merged LoRA, say: `arith.addf`, `arith.mulf`), reshapes,
    slices, transposes, casts and `linalg.pack` in it. The weight's name is the
    checkpoint's without the module's `mla.checkpoint_prefix` and `.weight`, then
    what was done: `kv_b_proj.0to31` (a slice), `….t` (a matrix transposed),
    `o_proj_x_kv_b_proj` (a product, outer first), `a_plus_b` (a sum). An operation with a string
    attribute `mla.name` is called that instead.

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

    Literal weights (`arith.constant`) have no `@prepare` function: on them all
    this folds, and the products are constants in the function.

    `storage` is for weights of projections: sums are then in f32 from the first
    operation on, the cast to `storage` is the last, and gammas and biases are
    f32.
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

def MLALayout : Pass<"mla-layout", "::mlir::ModuleOp"> {
  let summary = "Lay prepared weights out in panels";
  let description = [{
    Appends a `linalg.pack` to the `@prepare` function of every projection's
    weight and marks the projection `panels`: vectors of a panel's rows are then
    contiguous for one token and for many alike. The panel is the largest
    divisor of the rows up to `panel`; rows that only panels under 4 divide stay
    as they are. Runs after `mla-fold`.

    A weight is laid out if one layout serves all who use it: projections of one
    kind, or `to_heads` beside `per_head`, whose panels then lie within a head
    and are collapsed (a view) for `to_heads`.
  }];
  let options = [
    Option<"panel", "panel", "int64_t", "32", "rows of a panel at most">
  ];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def MLABindWeights : Pass<"mla-bind-weights", "::mlir::ModuleOp"> {
  let summary = "Make weights arguments of the functions that use them";
  let description = [{
    Every `mla.weight` of a function becomes one of its last arguments, with the
    weight's name as the argument's `mla.weight`: the order in which a bundle's
    manifest lists them. A weight that is used twice is one argument. Arguments of
    `@prepare` functions are tensors of the checkpoint.
  }];
}

def MLAAttentionCores : Pass<"mla-attention-cores", "::mlir::ModuleOp"> {
  let summary = "Add functions with the attention alone";
  let description = [{
    Adds `@latent_attention` and `@naive_attention`, with nothing but the
    attention of the model in them, for engines that do the rest themselves.
    Widths are those of `mla.model`, elements bf16, and the scale of the scores
    is that of the layer's attentions. Queries may be the first elements of
    wider rows. Without `mla.model` or an attention nothing is added.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::tensor::TensorDialect"];
}

def MLAHoistPositionScales : Pass<"mla-hoist-position-scales", "::mlir::ModuleOp"> {
  let summary = "Scale a query once, where it is a latent";
  let description = [{
    Where every part of a function's query is scaled by position, and all come
    of one normalised query latent, that is scaled instead: a factor per token
    commutes with projections, rotations and slices of the last dimension. Else
    nothing changes. Preserves values up to rounding.
  }];
}

def MLAGroupKernels : Pass<"mla-group-kernels", "::mlir::ModuleOp"> {
  let summary = "Group operations into the kernels of the target";
  let description = [{
    Moves every mla operation of a function into exactly one `mla.kernel`, which
    is named after the value it makes. The target's kinds of kernels say which
    operations they take (`mla/Dialect/MLA/IR/KernelKind.h`). For example:

    | kind | operations |
    |---|---|
    | `projection` | `mla.project` |
    | `normalize` | `mla.rms_norm` of the query, and its `mla.position_scale` |
    | `rope` | `mla.rope` of the query, and its `mla.position_scale` |
    | `append` | `mla.rms_norm` of the latent, `mla.rope` of the key, `mla.append` |
    | `gather` | `mla.gather` |
    | `latent_attention`, `naive_attention` | `mla.latent_attention`, `mla.attention` |

    What lies between kernels is stored, and so rounded to bf16, once. A slice is
    none of their own: who reads it takes the whole tensor and reads through
    strides. Positions are computed where they are needed.

    What there is no kernel for is an error: `mla.bias`, `mla.merge`, weights and
    caches of f32. Runs after `mla-fold` in the place of `mla-layout`, and after
    `mla-attention-cores` and `mla-hoist-position-scales`, so that cores become
    kernels, too, and a scale of the query stands where a kernel takes it.
  }];
  let dependentDialects = [
    "::mla::MLADialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::tensor::TensorDialect"
  ];
}

#endif // MLA_TRANSFORMS_PASSES_TD
