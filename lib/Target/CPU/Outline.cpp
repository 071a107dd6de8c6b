//===- Outline.cpp - Bodies of parallel loops as functions ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Target/CPU/Passes.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mla {
#define GEN_PASS_DEF_MLACPUOUTLINE
#include "mla/Target/CPU/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Values from outside that the body uses; constants are copied into it.
static SetVector<Value> captures(RewriterBase &rewriter, scf::ForallOp loop) {
  SetVector<Value> used;
  getUsedValuesDefinedAbove(loop.getRegion(), used);
  SetVector<Value> captured;
  for (Value value : used) {
    Operation *constant = value.getDefiningOp();
    if (!constant || !constant->hasTrait<OpTrait::ConstantLike>()) {
      captured.insert(value);
      continue;
    }
    rewriter.setInsertionPointToStart(loop.getBody());
    Operation *copy = rewriter.clone(*constant);
    replaceAllUsesInRegionWith(value, copy->getResult(0), loop.getRegion());
  }
  return captured;
}

/// A function of the captured values, the bounds and a linear index.
static func::FuncOp outlineBody(RewriterBase &rewriter, scf::ForallOp loop, ValueRange captured, ValueRange bounds,
                                SymbolTable &symbols) {
  Location loc = loop.getLoc();
  SmallVector<Type> types(captured.getTypes());
  types.append(bounds.size() + 1, rewriter.getIndexType());
  auto parent = loop->getParentOfType<func::FuncOp>();
  rewriter.setInsertionPoint(parent);
  auto function =
      func::FuncOp::create(rewriter, loc, (parent.getName() + "_parallel").str(), rewriter.getFunctionType(types, {}));
  function.setPrivate();
  symbols.insert(function);

  Block *entry = function.addEntryBlock();
  rewriter.setInsertionPointToStart(entry);
  SmallVector<Value> basis(entry->getArguments().slice(captured.size(), bounds.size()));
  FailureOr<SmallVector<Value>> indices = affine::delinearizeIndex(rewriter, loc, entry->getArguments().back(), basis);
  IRMapping mapping;
  mapping.map(captured, entry->getArguments().take_front(captured.size()));
  mapping.map(loop.getInductionVars(), *indices);
  for (Operation &op : loop.getBody()->without_terminator())
    rewriter.clone(op, mapping);
  func::ReturnOp::create(rewriter, loc);
  return function;
}

static LogicalResult outline(RewriterBase &rewriter, scf::ForallOp loop, SymbolTable &symbols) {
  if (loop.getNumResults() != 0 || !loop.isNormalized())
    return loop.emitOpError("is not bufferised or not normalised");
  SetVector<Value> captured = captures(rewriter, loop);
  rewriter.setInsertionPoint(loop);
  SmallVector<Value> bounds = getValueOrCreateConstantIndexOp(rewriter, loop.getLoc(), loop.getMixedUpperBound());
  func::FuncOp body = outlineBody(rewriter, loop, captured.getArrayRef(), bounds, symbols);

  rewriter.setInsertionPoint(loop);
  Value count = bounds.front();
  for (Value bound : ArrayRef(bounds).drop_front())
    count = arith::MulIOp::create(rewriter, loop.getLoc(), count, bound);
  SmallVector<Value> operands(captured.getArrayRef());
  llvm::append_range(operands, bounds);
  SpawnOp::create(rewriter, loop.getLoc(), body.getName(), operands, count);
  rewriter.eraseOp(loop);
  return success();
}

namespace {

struct MLACPUOutlinePass : mla::impl::MLACPUOutlineBase<MLACPUOutlinePass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    IRRewriter rewriter(&getContext());
    SmallVector<scf::ForallOp> loops;
    getOperation().walk([&](scf::ForallOp loop) { loops.push_back(loop); });
    for (scf::ForallOp loop : loops)
      if (failed(outline(rewriter, loop, symbols)))
        return signalPassFailure();
  }
};

} // namespace
