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

/// Return the values from outside that the body uses; constants are cloned into
/// it.
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

//===----------------------------------------------------------------------===//
// Buffers of a body
//===----------------------------------------------------------------------===//

/// Memory of different threads must not share cache lines, which some processors fetch in pairs.
static constexpr int64_t kScratchAlignment = 128;

/// Upper bound of sizes, whose sums do not overflow.
static constexpr uint64_t kMostScratch = uint64_t(1) << 48;

static bool isBuffer(memref::AllocOp alloc) {
  MemRefType type = alloc.getType();
  return type.hasStaticShape() && type.getLayout().isIdentity() && type.getElementType().isIntOrFloat();
}

static int64_t bytesOf(memref::AllocOp alloc) {
  uint64_t bytes = llvm::divideCeil(alloc.getType().getElementTypeBitWidth(), 8);
  for (int64_t size : alloc.getType().getShape())
    bytes = llvm::SaturatingMultiply(bytes, static_cast<uint64_t>(size));
  return llvm::alignTo(std::min(bytes, kMostScratch), kScratchAlignment);
}

/// Return the operations that free the buffer or an alias. Fail if another operation may keep it: a buffer has one
/// address in all iterations of a loop in the body.
static FailureOr<SmallVector<Operation *>> findDeallocations(Value buffer) {
  SmallVector<Operation *> deallocations;
  SmallVector<Value> names = {buffer};
  while (!names.empty())
    for (Operation *user : names.pop_back_val().getUsers()) {
      if (isa<ViewLikeOpInterface>(user)) {
        llvm::append_range(names, user->getResults());
        continue;
      }
      if (user->hasTrait<OpTrait::IsTerminator>() ||
          llvm::any_of(user->getResultTypes(), llvm::IsaPred<BaseMemRefType>))
        return failure();
      if (isa<memref::DeallocOp>(user))
        deallocations.push_back(user);
    }
  return deallocations;
}

static LogicalResult checkBuffer(memref::AllocOp alloc) {
  if (!isBuffer(alloc))
    return alloc.emitOpError("in a parallel loop must have a static size");
  if (alloc.getAlignment().value_or(1) > kScratchAlignment)
    return alloc.emitOpError("in a parallel loop is aligned to more than ") << kScratchAlignment << " bytes";
  if (failed(findDeallocations(alloc)))
    return alloc.emitOpError("in a parallel loop escapes, and its memory may be reused");
  return success();
}

/// Return the bytes per thread for all buffers of the body. They are not on the stack, which might overflow.
static FailureOr<int64_t> scratchBytes(scf::ForallOp loop) {
  int64_t bytes = 0;
  WalkResult result = loop.walk([&](memref::AllocOp alloc) {
    bytes = std::min<int64_t>(bytes + bytesOf(alloc), kMostScratch);
    return WalkResult(checkBuffer(alloc));
  });
  if (result.wasInterrupted())
    return failure();
  if (bytes == static_cast<int64_t>(kMostScratch))
    return loop.emitOpError("allocates too much memory per thread");
  return bytes;
}

/// Call a function of the runtime without arguments.
static Value callRuntime(RewriterBase &rewriter, Location loc, StringRef name, Type type, SymbolTable &symbols) {
  if (!symbols.lookup(name)) {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(cast<ModuleOp>(symbols.getOp()).getBody());
    auto declaration = func::FuncOp::create(rewriter, loc, name, rewriter.getFunctionType({}, type));
    declaration.setPrivate();
    symbols.insert(declaration);
  }
  Value number = func::CallOp::create(rewriter, loc, name, type).getResult(0);
  return arith::IndexCastOp::create(rewriter, loc, rewriter.getIndexType(), number);
}

/// Allocate this many bytes per thread.
static Value allocateScratch(RewriterBase &rewriter, Location loc, int64_t bytes, SymbolTable &symbols) {
  Value threads = callRuntime(rewriter, loc, "mla_num_threads", rewriter.getI32Type(), symbols);
  Value size = arith::MulIOp::create(rewriter, loc, threads, arith::ConstantIndexOp::create(rewriter, loc, bytes));
  return memref::AllocOp::create(rewriter, loc, MemRefType::get({ShapedType::kDynamic}, rewriter.getI8Type()), size,
                                 rewriter.getI64IntegerAttr(kScratchAlignment));
}

/// Place the buffers of an outlined body in the thread's part of `scratch`.
static void placeBuffers(RewriterBase &rewriter, func::FuncOp body, Value scratch, int64_t bytes,
                         SymbolTable &symbols) {
  rewriter.setInsertionPointToStart(&body.front());
  Value thread = callRuntime(rewriter, body.getLoc(), "mla_thread", rewriter.getI64Type(), symbols);
  Value place = arith::MulIOp::create(rewriter, body.getLoc(), thread,
                                      arith::ConstantIndexOp::create(rewriter, body.getLoc(), bytes));
  int64_t offset = 0;
  SmallVector<memref::AllocOp> buffers;
  body.walk([&](memref::AllocOp alloc) { buffers.push_back(alloc); });
  for (memref::AllocOp alloc : buffers) {
    rewriter.setInsertionPoint(alloc);
    Value shift = arith::ConstantIndexOp::create(rewriter, alloc.getLoc(), offset);
    Value at = arith::AddIOp::create(rewriter, alloc.getLoc(), place, shift);
    offset += bytesOf(alloc);
    for (Operation *deallocation : *findDeallocations(alloc))
      rewriter.eraseOp(deallocation);
    rewriter.replaceOpWithNewOp<memref::ViewOp>(alloc, alloc.getType(), scratch, at, ValueRange());
  }
}

//===----------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------===//

/// Create a function of the captured values, the bounds and a linear index.
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
  SmallVector<Value> indices; // a loop without dimensions has one iteration
  if (!basis.empty())
    indices = *affine::delinearizeIndex(rewriter, loc, entry->getArguments().back(), basis);
  IRMapping mapping;
  mapping.map(captured, entry->getArguments().take_front(captured.size()));
  mapping.map(loop.getInductionVars(), indices);
  for (Operation &op : loop.getBody()->without_terminator())
    rewriter.clone(op, mapping);
  func::ReturnOp::create(rewriter, loc);
  return function;
}

static LogicalResult outline(RewriterBase &rewriter, scf::ForallOp loop, SymbolTable &symbols) {
  if (loop.getNumResults() != 0 || !loop.isNormalized())
    return loop.emitOpError("is not bufferized or not normalized");
  auto parent = loop->getParentOfType<func::FuncOp>();
  if (!parent || parent->getParentOp() != symbols.getOp())
    return loop.emitOpError("is not in a function of the module");
  SetVector<Value> captured = captures(rewriter, loop);
  rewriter.setInsertionPoint(loop);
  SmallVector<Value> bounds = getValueOrCreateConstantIndexOp(rewriter, loop.getLoc(), loop.getMixedUpperBound());
  FailureOr<int64_t> bytes = scratchBytes(loop);
  if (failed(bytes))
    return failure();
  Value scratch;
  if (*bytes)
    captured.insert(scratch = allocateScratch(rewriter, loop.getLoc(), *bytes, symbols));
  func::FuncOp body = outlineBody(rewriter, loop, captured.getArrayRef(), bounds, symbols);
  if (*bytes)
    placeBuffers(rewriter, body, body.getArgument(captured.size() - 1), *bytes, symbols);

  rewriter.setInsertionPoint(loop);
  Value count =
      bounds.empty() ? arith::ConstantIndexOp::create(rewriter, loop.getLoc(), 1).getResult() : bounds.front();
  for (Value bound : llvm::drop_begin(bounds, !bounds.empty()))
    count = arith::MulIOp::create(rewriter, loop.getLoc(), count, bound);
  SmallVector<Value> operands(captured.getArrayRef());
  llvm::append_range(operands, bounds);
  SpawnOp::create(rewriter, loop.getLoc(), body.getName(), operands, count);
  if (scratch)
    memref::DeallocOp::create(rewriter, loop.getLoc(), scratch);
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
