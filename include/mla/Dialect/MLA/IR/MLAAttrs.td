//===- MLAAttrs.td - Plans and regimes ---------------------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_ATTRS_TD
#define MLA_ATTRS_TD

include "mla/Dialect/MLA/IR/MLADialect.td"

def MLA_Regime : MLA_Attr<"Regime", "regime"> {
  let summary = "the forms of both sides for a phase and ranges of queries and cached tokens";
  let description = [{
    A dispatch variant. `tokens` is a range of query tokens, of the sequence with
    most in the step; `context` is a range of cached tokens, of the longest
    sequence, including this step's. Both ends are inclusive. A missing range
    covers every number; a range without `to` is unbounded.

    ```mlir
    func.func private @prefill() attributes {
      mla.regime = #mla.regime<{phase = prefill, tokens = 0 to 199, context = 512, q = absorb, o = absorb}>
    }
    ```
  }];
  let parameters = (ins
    "::mla::Phase":$phase,
    "::mla::Range":$tokens,
    "::mla::Range":$contexts,
    "::mla::Form":$q, "::mla::Form":$o
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Prints and parses the form used within a plan, `{phase = …}`.
    void printBody(::llvm::raw_ostream &os) const;
    static ::mlir::FailureOr<RegimeAttr> parseBody(::mlir::AsmParser &parser);
    bool covers(int64_t tokens, int64_t context) const {
      return getTokens().covers(tokens) && getContexts().covers(context);
    }
    bool hasForms(Form q, Form o) const { return getQ() == q && getO() == o; }
  }];
}

def MLA_Plan : MLA_Attr<"Plan", "plan"> {
  let summary = "the form to use, per phase, side, queries and cached length, with reasons";
  let description = [{
    The regimes of a phase do not overlap and cover every step: their ranges of
    tokens are consecutive, and so are the ranges of contexts of each.

    ```mlir
    module attributes {mla.plan = #mla.plan<[
      {phase = decode, q = absorb, o = absorb},
      {phase = prefill, tokens = 0 to 199, context = 0 to 511, q = naive, o = naive},
      {phase = prefill, tokens = 0 to 199, context = 512, q = absorb, o = absorb},
      {phase = prefill, tokens = 200, q = naive, o = naive}
    ], why = "an up-projection pays where enough queries share it">} {}
    ```
  }];
  let parameters = (ins
    ArrayRefParameter<"::mla::RegimeAttr">:$regimes,
    StringRefParameter<>:$why
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Return the regimes of one phase, sorted by tokens, then by context.
    ::llvm::SmallVector<RegimeAttr> getRegimes(Phase phase) const;
  }];
}

def MLA_Products : MLA_Attr<"Products", "products"> {
  let summary = "the elements that projections by a prepared weight, or an attention, multiply, and why";
  let description = [{
    On a `@prepare` function, as `mla.products`: `mla-choose-products` decides,
    and `mla-quantize` follows. On an `mla.latent_attention` with a packed cache:
    whether a kernel may quantize queries and probabilities to e4m3.

    ```mlir
    func.func private @prepare.q_a_proj() -> tensor<1536x7168xbf16> attributes {
      mla.products = #mla.products<plain, why = "it has no scales in the checkpoint">
    }
    ```
  }];
  let parameters = (ins EnumParameter<MLA_ProductElements>:$elements, StringRefParameter<>:$why);
  let assemblyFormat = "`<` $elements `,` `why` `=` $why `>`";
}

def MLA_Cut : MLA_Attr<"Cut", "cut"> {
  let summary = "the part of each rank in what an operation sums over, and why";
  let description = [{
    Of rank `r`, the part is elements `first[r]` to `first[r] + count[r] - 1`.
    Parts may be of different sizes, and several ranks may have the same one if
    they divide something else. On an operation that sums, as an element of
    `mla.cuts`: `mla-shard` decides, and `mla-partition` follows.

    ```mlir
    func.func private @out() attributes {
      example = #mla.cut<heads, first = [0, 3], count = [3, 2], why = "5 heads over 2 ranks">
    }
    ```
  }];
  let parameters = (ins
    EnumParameter<MLA_CutKind>:$kind, ArrayRefParameter<"int64_t">:$first, ArrayRefParameter<"int64_t">:$count,
    StringRefParameter<>:$why
  );
  let assemblyFormat = [{
    `<` $kind `,` `first` `=` `[` $first `]` `,` `count` `=` `[` $count `]` `,` `why` `=` $why `>`
  }];
  let genVerifyDecl = 1;
}

def MLA_Mask : MLA_Attr<"Mask", "mask"> {
  let summary = "which keys of its sequence a query of an attention sees";
  let description = [{
    If a sequence of length `n` has `s` queries in this step, query `i` has
    position `p = n - s + i`, and sees the keys

    | mask | keys |
    |---|---|
    | `causal` | 0 to p |
    | `none` | 0 to n - 1 |
    | `window = W` | max(0, p - W + 1) to p |

    A window counts the query's own key, as `sliding_window` of transformers does
    (`sliding_window_overlay` of its masking_utils.py).

    ```mlir
    func.func @recent(%q: tensor<?x4x64xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>,
                      %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>) -> tensor<?x4x64xf32> {
      %o = mla.latent_attention queries(%q, %q_rope of %cu) cache(%cache)
          {mask = #mla.mask<window = 513>, scale = 0.14433756729740643 : f64}
          : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !mla.cache<page = 16, latent = 64, rope = 16, f32>)
          -> tensor<?x4x64xf32>
      return %o : tensor<?x4x64xf32>
    }
    ```
  }];
  let parameters = (ins EnumParameter<MLA_MaskKind>:$kind, DefaultValuedParameter<"int64_t", "0">:$window);
  let assemblyFormat = "`<` $kind (`=` $window^)? `>`";
  let genVerifyDecl = 1;
  let constBuilderCall = "::mla::MaskAttr::get($_builder.getContext(), $0)";
  let extraClassDeclaration = [{
    static MaskAttr get(::mlir::MLIRContext *context, ::mla::MaskKind kind) { return get(context, kind, 0); }
    bool isNone() const { return getKind() == ::mla::MaskKind::None; }
  }];
}

#endif // MLA_ATTRS_TD
