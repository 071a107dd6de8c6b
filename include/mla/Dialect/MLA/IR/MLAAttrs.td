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
  let summary = "the forms of both sides where phase and cached length are as said";
  let description = [{
    `context` is a range of cached tokens of a step's longest sequence, both
    ends included; without it the regime holds for every length, without `to`
    from a length on.

    ```mlir
    func.func private @prefill() attributes {
      mla.regime = #mla.regime<{phase = prefill, context = 0 to 2047, q = naive, o = naive}>
    }
    ```
  }];
  let parameters = (ins
    "::mla::Phase":$phase,
    "int64_t":$firstContext,
    "int64_t":$lastContext, // kUnbounded: no end
    "::mla::Form":$q, "::mla::Form":$o
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static constexpr int64_t kUnbounded = -1;
    /// The same in the plan's own brackets, `{phase = …}`.
    void printBody(::llvm::raw_ostream &os) const;
    static ::mlir::FailureOr<RegimeAttr> parseBody(::mlir::AsmParser &parser);
    bool covers(int64_t context) const {
      return context >= getFirstContext() &&
             (getLastContext() == kUnbounded || context <= getLastContext());
    }
  }];
}

def MLA_Plan : MLA_Attr<"Plan", "plan"> {
  let summary = "which form to use, per phase, side and cached length, and why";
  let description = [{
    The regimes of a phase do not overlap and leave no length out.

    ```mlir
    module attributes {mla.plan = #mla.plan<[
      {phase = decode, q = absorb, o = absorb},
      {phase = prefill, context = 0 to 2047, q = naive, o = naive},
      {phase = prefill, context = 2048, q = absorb, o = absorb}
    ], why = "decode reads the cache once a head group">} {}
    ```
  }];
  let parameters = (ins
    ArrayRefParameter<"::mla::RegimeAttr">:$regimes,
    StringRefParameter<>:$why
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The regimes of one phase, by rising context.
    ::llvm::SmallVector<RegimeAttr> getRegimes(Phase phase) const;
  }];
}

#endif // MLA_ATTRS_TD
