//===- PrintLegality.cpp - Print the legality of forms ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/Legality.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"

#include "mlir/IR/Iterators.h"

namespace mla {
#define GEN_PASS_DEF_MLAPRINTLEGALITY
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static void print(Operation *attention, Side side, Form form) {
  if (std::optional<Refusal> refusal = findRefusal(attention, side, form))
    refusal->remark(side, "cannot " + stringifyForm(form));
  else
    attention->emitRemark() << "the " << stringifySide(side) << " side can " << stringifyForm(form);
}

namespace {
struct MLAPrintLegality : mla::impl::MLAPrintLegalityBase<MLAPrintLegality> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    // An operation that is never executed may depend on itself.
    getOperation()->walk<WalkOrder::PreOrder, ForwardDominanceIterator<>>([](Operation *op) {
      if (!isa<AttentionOp, LatentAttentionOp>(op))
        return;
      for (Side side : {Side::Q, Side::O})
        for (Form form : {Form::Absorb, Form::Fold})
          print(op, side, form);
    });
  }
};
} // namespace
