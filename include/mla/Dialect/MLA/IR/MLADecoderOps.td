//===- MLADecoderOps.td - The rest of a decoder ------------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a decoder computes besides attention: embedding, MLP, experts. Norms and
// projections are those of the attention; residuals are added by arith.addf.
// `mla-sort-choices` divides projections of experts into what kernels compute.
// Constraints are labelled as in MLAOps.td.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DECODEROPS_TD
#define MLA_DECODEROPS_TD

include "mla/Dialect/MLA/IR/MLAOpBase.td"

def MLA_TokenRows : AnyTypeOf<[RankedTensorOf<[F32, BF16, F16, F8E4M3FN]>],
    "tensor of f32, bf16, f16 or f8E4M3FN", "::mlir::RankedTensorType">;
def MLA_ChoiceTensor : AnyTypeOf<[RankedTensorOf<[I32]>], "tensor of i32", "::mlir::RankedTensorType">;

def MLA_Scoring : MLA_I32Enum<"Scoring", "how a router turns logits into scores", [
  I32EnumAttrCase<"Softmax", 0, "softmax">,
  I32EnumAttrCase<"Sigmoid", 1, "sigmoid">
]>;
def MLA_ScoringAttr : EnumAttr<MLA_Dialect, MLA_Scoring, "scoring">;

def MLA_EmbedOp : MLA_Op<"embed", [Pure]> {
  let summary = "the row of a table for every token";
  let description = [{
    `result[t, d] = table[id[t], d]`. An id that is no row of the table yields
    zeros.

    (C1) the table is `[vocabulary, D]`, the result `[T, D]`; sizes are at most
    2^31 - 1.

    ```mlir
    func.func @embed(%ids: tensor<?xi32>) -> tensor<?x128xf32> {
      %table = mla.weight "model.embed_tokens.weight" : tensor<320x128xf32>
      %x = mla.embed %ids, %table : tensor<320x128xf32> -> tensor<?x128xf32>
      return %x : tensor<?x128xf32>
    }
    ```
  }];
  let arguments = (ins MLA_Indices:$ids, MLA_Weight:$table);
  let results = (outs MLA_Activation:$result);
  let assemblyFormat = "$ids `,` $table attr-dict `:` type($table) `->` type($result)";
  let hasVerifier = 1;
}

def MLA_SwigluOp : MLA_Op<"swiglu", [Pure, MLA_Divisible, AllTypesMatch<["gate", "up"]>]> {
  let summary = "the gated activation of an MLP: silu(gate) * up";
  let description = [{
    `result = up * gate / (1 + exp(-gate))`, elementwise (SwiGLU,
    arXiv:2002.05202, equation 6, without biases).

    (C1) the result has the operands' shape.

    ```mlir
    func.func @activate(%gate: tensor<?x64xf32>, %up: tensor<?x64xf32>) -> tensor<?x64xbf16> {
      %h = mla.swiglu %gate, %up : tensor<?x64xf32> -> tensor<?x64xbf16>
      return %h : tensor<?x64xbf16>
    }
    ```
  }];
  let arguments = (ins MLA_Activation:$gate, MLA_Activation:$up);
  let results = (outs MLA_Activation:$result);
  let assemblyFormat = "$gate `,` $up attr-dict `:` type($gate) `->` type($result)";
  let hasVerifier = 1;
}

def MLA_RouteOp : MLA_Op<"route", [Pure]> {
  let summary = "the experts that a router chooses for every token, and their weights";
  let description = [{
    The scores of a token are the softmax or the sigmoid of its logits. C minus
    `shared` experts are chosen by score plus correction, if there is one: those
    with the largest, of equal ones the first, in falling order. Behind them are
    `shared` experts that every token has, of numbers E, E + 1, …, with weight 1.

    With groups, of E / groups experts each, one after the other, a token chooses
    only from `kept` groups: those whose `best` largest corrected scores have the
    largest sum (DeepSeek-V2, arXiv:2405.04434, section 2.2.2, with `best` 1;
    DeepSeek-V3, arXiv:2412.19437, section 2.1.2, with `best` 2 and a correction).

    The weight of a chosen expert is its score, without correction; with
    `normalized` divided by the sum of the token's chosen scores plus 1e-20; times
    `factor`. All arithmetic is in float32. Numbers are always those of experts,
    also if a logit is NaN.

    (C1) logits are `[T, E]`, the correction `[E]`, both results `[T, C]`; sizes
    are at most 2^31 - 1;
    (C2) groups divides E, kept is from 1 to groups, and best from 1 to E / groups;
    (C3) the kept groups have at least as many experts as are chosen, at least one;
    shared is not negative;
    (C4) the factor is finite.

    ```mlir
    func.func @route(%x: tensor<?x128xf32>) -> (tensor<?x3xi32>, tensor<?x3xf32>) {
      %w = mla.weight "mlp.gate.weight" : tensor<8x128xf32>
      %b = mla.weight "mlp.gate.e_score_correction_bias" : tensor<8xf32>
      %logits = mla.project %x, %w : (tensor<?x128xf32>, tensor<8x128xf32>) -> tensor<?x8xf32>
      %experts, %weights = mla.route sigmoid %logits corrected %b : tensor<8xf32>
          {groups = 4, kept = 2, best = 2, normalized, factor = 2.5 : f64}
          : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
      return %experts, %weights : tensor<?x3xi32>, tensor<?x3xf32>
    }
    ```
  }];
  let arguments = (ins
    MLA_ScoringAttr:$scoring, MLA_Activation:$logits, Optional<MLA_Weight>:$correction,
    DefaultValuedAttr<I64Attr, "1">:$groups, DefaultValuedAttr<I64Attr, "1">:$kept,
    DefaultValuedAttr<I64Attr, "1">:$best, DefaultValuedAttr<I64Attr, "0">:$shared, UnitAttr:$normalized, DefaultValuedAttr<F64Attr, "1.0">:$factor
  );
  let results = (outs MLA_ChoiceTensor:$experts, MLA_Lse:$weights);
  let assemblyFormat = [{
    $scoring $logits (`corrected` $correction^ `:` type($correction))? attr-dict
    `:` type($logits) `->` type($experts) `,` type($weights)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def MLA_ExpertsProjectOp : MLA_Op<"experts_project", [Pure, MLA_DivisibleSum]> {
  let summary = "a contraction of every token with the weights of its chosen experts";
  let description = [{
    Without weights of the sum, `result[t, c, n] = sum_k x[t, c, k] * weight[e, n, k]`
    with `e = experts[t, c]`, for every choice `c`; x may have no dimension of
    choices, and then is the same for all of them. With weights of the sum,
    `result[t, n]` is the sum over `c` of these results times `sum[t, c]`.

    The weight has the experts from number `from` on, of which a rank may have
    only some: `weight[e - from]` is that of expert `e`. Any other number
    contributes zeros: a model may have choices that compute nothing. A token's result depends only on its own row, numbers and
    weights, bit by bit. With `panels` a weight is packed as that of a `per_head`
    projection, `[E, N / n, K, n]`.

    (C1) x is `[T, K]` or `[T, C, K]`, experts and sum `[T, C]`, the weight `[E, N, K]`;
    (C2) the result is `[T, C, N]`, or `[T, N]` with weights of the sum;
    (C3) all sizes but T are static, and at most 2^31 - 1; C is positive, and the
    number of elements of the weight fits 64 bits;
    (C4) from is at least 0 and at most 2^31 - 1.

    ```mlir
    func.func @mix(%x: tensor<?x128xf32>, %experts: tensor<?x3xi32>, %weights: tensor<?x3xf32>) -> tensor<?x128xf32> {
      %w_up = mla.weight "up" : tensor<8x64x128xf32>
      %w_down = mla.weight "down" : tensor<8x128x64xf32>
      %h = mla.experts_project %x, %w_up of %experts
          : (tensor<?x128xf32>, tensor<8x64x128xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
      %y = mla.experts_project %h, %w_down of %experts summed %weights
          : (tensor<?x3x64xf32>, tensor<8x128x64xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xf32>
      return %y : tensor<?x128xf32>
    }
    ```
  }];
  let arguments = (ins
    MLA_Activation:$x, MLA_Weight:$weight, MLA_ChoiceTensor:$experts, Optional<MLA_Lse>:$sum, UnitProp:$panels,
    DefaultValuedAttr<I64Attr, "0">:$from
  );
  let results = (outs MLA_Activation:$result);
  let assemblyFormat = [{
    $x `,` $weight (`panels` $panels^)? `of` $experts (`summed` $sum^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def MLA_PassChoicesOp : MLA_Op<"pass_choices", [Pure]> {
  let summary = "every token times the weights of its choices that compute nothing";
  let description = [{
    `result[t, d] = x[t, d] * sum_c weights[t, c]` over the choices `c` with
    `experts[t, c] >= from`: those of zero-computation experts, which return their
    input (LongCat-Flash, arXiv:2509.01322, section 2.1). The sum is in float32, in
    the order of choices.

    (C1) x and the result are `[T, D]`, experts and weights `[T, C]`, with static C;
    (C2) from is at least 0 and at most 2^31 - 1.

    ```mlir
    func.func @pass(%x: tensor<?x128xf32>, %experts: tensor<?x3xi32>, %weights: tensor<?x3xf32>) -> tensor<?x128xf32> {
      %y = mla.pass_choices %x of %experts weighted %weights from 8
          : (tensor<?x128xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xf32>
      return %y : tensor<?x128xf32>
    }
    ```
  }];
  let arguments = (ins MLA_Activation:$x, MLA_ChoiceTensor:$experts, MLA_Lse:$weights, I64Attr:$from);
  let results = (outs MLA_Activation:$result);
  let assemblyFormat = [{
    $x `of` $experts `weighted` $weights `from` $from attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Experts on a GPU
//===----------------------------------------------------------------------===//

// Choice c of token t has the number t * C + c. Tensors of sorted choices have the
// shape [T, C, ...], of which row r is the r-th of all T * C.

def MLA_SortChoicesOp : MLA_Op<"sort_choices", [Pure]> {
  let summary = "the rows of all choices, sorted by expert";
  let description = [{
    Sorts the choices of all tokens by expert, then by number; a choice that is no
    expert's comes last. `order` has the numbers of the sorted choices, and `rows`
    the rows of their tokens. The choices of expert e are rows `first[e]` to
    `first[e + 1] - 1`: `first[e]` is the number of choices of experts below e.
    Of rows in e4m3, `scale` has the scales of a token, which are sorted likewise.
    With `from`, experts are numbered from there on.

    (C1) x is `[T, K]`, or of two terms in e4m3 `[T, 2, K]`, experts and order `[T, C]`,
    rows `[T, C, K]` or `[T, C, 2, K]`;
    (C2) first is `[E + 1]`, static, of at least one expert;
    (C3) scale is `[T, G]`, and scales are `[T, C, G]`, if and only if x is in e4m3;
    (C4) from is at least 0 and at most 2^31 - 1.

    ```mlir
    func.func @sort(%x: tensor<?x128xbf16>, %experts: tensor<?x3xi32>) -> tensor<?x3x128xbf16> {
      %rows, %order, %first = mla.sort_choices %x by %experts
          : tensor<?x128xbf16>, tensor<?x3xi32> -> tensor<?x3x128xbf16>, tensor<?x3xi32>, tensor<9xi32>
      return %rows : tensor<?x3x128xbf16>
    }
    ```
  }];
  let arguments = (ins MLA_TokenRows:$x, MLA_ChoiceTensor:$experts, Optional<MLA_Lse>:$scale,
                       DefaultValuedAttr<I64Attr, "0">:$from);
  let results = (outs
    MLA_TokenRows:$rows, MLA_ChoiceTensor:$order, MLA_ChoiceTensor:$first, Optional<MLA_Lse>:$scales
  );
  let assemblyFormat = [{
    $x (`scaled` $scale^ `:` type($scale))? `by` $experts attr-dict `:` type($x) `,` type($experts) `->`
    type($rows) `,` type($order) `,` type($first) (`,` type($scales)^)?
  }];
  let hasVerifier = 1;
}

def MLA_GroupedProjectOp : MLA_Op<"grouped_project", [Pure]> {
  let summary = "a contraction of sorted choices with the weights of their experts";
  let description = [{
    `result[r, n] = sum_k rows[r, k] * weight[e, n, k]` for every row r of the
    sorted choices, with the expert e of `first[e] <= r < first[e + 1]`. Rows from
    `first[E]` on are zeros.

    (C1) rows are `[T, C, K]`, the weight `[E, N, K]`, first `[E + 1]`, the result `[T, C, N]`;
    (C2) all sizes but T are static.

    ```mlir
    func.func @grouped(%rows: tensor<?x3x128xbf16>, %first: tensor<9xi32>) -> tensor<?x3x64xbf16> {
      %w = mla.weight "up" : tensor<8x64x128xbf16>
      %y = mla.grouped_project %rows, %w by %first
          : (tensor<?x3x128xbf16>, tensor<8x64x128xbf16>, tensor<9xi32>) -> tensor<?x3x64xbf16>
      return %y : tensor<?x3x64xbf16>
    }
    ```
  }];
  let arguments = (ins MLA_Activation:$rows, MLA_Weight:$weight, MLA_ChoiceTensor:$first);
  let results = (outs MLA_Activation:$result);
  let assemblyFormat = "$rows `,` $weight `by` $first attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def MLA_MixChoicesOp : MLA_Op<"mix_choices", [Pure]> {
  let summary = "the weighted sum of every token's sorted choices";
  let description = [{
    `result[t, n] = sum_c weights[t, c] * rows[r, n]`, where r is the row of choice
    c of token t: `order[r] = t * C + c`.

    (C1) rows are `[T, C, N]`, order and weights `[T, C]`, the result `[T, N]`.

    ```mlir
    func.func @mix(%rows: tensor<?x3x128xbf16>, %order: tensor<?x3xi32>, %weights: tensor<?x3xf32>) -> tensor<?x128xbf16> {
      %y = mla.mix_choices %rows by %order weighted %weights
          : (tensor<?x3x128xbf16>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xbf16>
      return %y : tensor<?x128xbf16>
    }
    ```
  }];
  let arguments = (ins MLA_Activation:$rows, MLA_ChoiceTensor:$order, MLA_Lse:$weights);
  let results = (outs MLA_Activation:$result);
  let assemblyFormat = "$rows `by` $order `weighted` $weights attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // MLA_DECODEROPS_TD
