//===- Raise.cpp - Raise attentions to the mla dialect --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mla {
#define GEN_PASS_DEF_MLARAISE
#include "mla/Conversion/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla::raise;

static void remarkOn(linalg::LinalgOp attention, const Reason &reason) {
  auto diagnostic = attention->emitRemark("attention is not raised: ") << reason.text;
  if (reason.at && reason.at != attention->getResult(0))
    diagnostic.attachNote(reason.at.getLoc()) << "this value";
}

namespace {
struct MLARaise : mla::impl::MLARaiseBase<MLARaise> {
  using MLARaiseBase::MLARaiseBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    // Erase unreachable blocks, in which a value may depend on itself, so that walks along operands terminate.
    bool changed = succeeded(eraseUnreachableBlocks(rewriter, getOperation()->getRegions()));
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (op.hasPureTensorSemantics() && op->getNumResults() != 0)
        ops.push_back(op);
    });
    for (linalg::LinalgOp op : ops)
      changed |= raise(op);
    if (!changed)
      return markAllAnalysesPreserved();
    eraseUnused();
  }

  /// Erase unused operations, users first.
  void eraseUnused() {
    getOperation()->walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
      if (isOpTriviallyDead(op))
        op->erase();
    });
  }

  bool raise(linalg::LinalgOp op) {
    Terms terms(&getContext());
    std::optional<Matched<Layer>> layer = matchLayer(terms, op, causalMasks);
    if (!layer)
      return false;
    if (!*layer) {
      remarkOn(op, layer->reason());
    } else if (!buildLayer(terms, **layer, matchOutput(terms, **layer))) {
      remarkOn(op, {"a tensor cannot be rearranged by reshapes, slices and transposes", Value()});
    } else {
      ++raised;
      return true;
    }
    ++declined;
    return false;
  }
};
} // namespace
