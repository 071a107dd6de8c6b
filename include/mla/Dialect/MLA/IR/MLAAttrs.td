//===- MLAAttrs.td - What a deciding pass leaves behind ----*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_ATTRS_TD
#define MLA_ATTRS_TD

include "mla/Dialect/MLA/IR/MLADialect.td"

def MLA_Regime : MLA_Attr<"Regime", "regime"> {
  let summary = "the forms of both sides where phase, queries and cached length are as said";
  let description = [{
    `tokens` is a range of query tokens of the sequence of a step that has most,
    `context` one of cached tokens of its longest sequence, this step's included;
    both ends belong to a range. Without one the regime holds for every number,
    without `to` from a number on.

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
    /// The same in the plan's own brackets, `{phase = …}`.
    void printBody(::llvm::raw_ostream &os) const;
    static ::mlir::FailureOr<RegimeAttr> parseBody(::mlir::AsmParser &parser);
    bool covers(int64_t tokens, int64_t context) const {
      return getTokens().covers(tokens) && getContexts().covers(context);
    }
    bool hasForms(Form q, Form o) const { return getQ() == q && getO() == o; }
  }];
}

def MLA_Plan : MLA_Attr<"Plan", "plan"> {
  let summary = "which form to use, per phase, side, queries and cached length, and why";
  let description = [{
    The regimes of a phase do not overlap and leave no step out: their ranges of
    tokens follow each other, and of each the ranges of contexts do.

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
    /// The regimes of one phase, by rising tokens, of each by rising context.
    ::llvm::SmallVector<RegimeAttr> getRegimes(Phase phase) const;
  }];
}

#endif // MLA_ATTRS_TD
