//===- GroupKernels.cpp - Group operations into kernels ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StoredElements.h"
#include "mla/Dialect/MLA/Analysis/Commuting.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mla {
#define GEN_PASS_DEF_MLAGROUPKERNELS
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// What belongs together
//===----------------------------------------------------------------------===//

/// Return the only operation that reads the results, through slices or as a part of a joined tensor that no kernel
/// stores; null if there are several. Sizes are known without the results.
static Operation *findReader(Operation *op, const KernelTarget &target) {
  Operation *reader = nullptr;
  for (Operation *user : op->getUsers()) {
    if (isa<tensor::DimOp>(user))
      continue;
    while (isa<tensor::ConcatOp, tensor::CollapseShapeOp, tensor::ExtractSliceOp>(user) && user->hasOneUse() &&
           !target.findTaking(user))
      user = *user->user_begin();
    if (reader && user != reader)
      return nullptr;
    reader = user;
  }
  return reader;
}

/// Return whether the operation is computed in the kernel of its only reader, and never stored.
static bool isPartOfUser(Operation *op, const KernelTarget &target) {
  Operation *reader = findReader(op, target);
  const KernelKind *kind = reader ? target.findTaking(reader) : nullptr;
  return kind && kind->fuses(op, reader);
}

/// Return whether the operation is free: its readers read its source, through strides or by the same arithmetic.
static bool isRepeated(Operation *op) {
  return isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::DimOp, arith::ConstantOp, PositionsOp>(op);
}

/// Return whether a kernel ends with the operation.
static bool endsKernel(Operation *op, const KernelTarget &target) {
  return target.findTaking(op) && !isPartOfUser(op, target);
}

/// Names the bias by its checkpoint name, or as the fold named a moved one: `o_proj_x_b_uv`.
static LogicalResult refuseBias(BiasOp op) {
  auto error = op.emitOpError("adds ");
  if (auto weight = op.getBias().getDefiningOp<WeightOp>())
    error << "the bias '" << weight.getName() << "'";
  else
    error << "a bias";
  return error << ", which no kernel does yet; compile with --target=cpu";
}

/// Return whether rows of the source are rows of the result, in parts.
static bool keepsRows(tensor::ExpandShapeOp expanded) {
  SmallVector<ReassociationIndices> dims = expanded.getReassociationIndices();
  return !dims.empty() && dims.front().size() == 1;
}

/// Reports operations without a kernel, before anything changes.
static LogicalResult check(Operation *op, const KernelTarget &target) {
  if (const KernelKind *kind = target.findTaking(op))
    return kind->checkOperation(op);
  if (auto bias = dyn_cast<BiasOp>(op))
    return refuseBias(bias);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op); slice && !takesAllRows(slice))
    return slice.emitOpError("slices the rows of a tensor, which no kernel supports; compile with --target=cpu");
  if (auto expanded = dyn_cast<tensor::ExpandShapeOp>(op); expanded && !keepsRows(expanded))
    return expanded.emitOpError("splits the rows of a tensor, which no kernel supports; compile with --target=cpu");
  if (isRepeated(op) || isa<WeightOp, arith::TruncFOp, func::ReturnOp>(op) || isPartOfUser(op, target))
    return success();
  return op->emitOpError("has no kernel on the target ") << target.getInfo().name << " yet; compile with --target=cpu";
}

//===----------------------------------------------------------------------===//
// What a kernel also stores
//===----------------------------------------------------------------------===//

namespace {
/// Operations whose results the kernels of others also store.
struct KeptOps {
  llvm::DenseMap<Operation *, SmallVector<Operation *>> byKeeper; ///< in order, by the last operation of the kernel
  llvm::DenseSet<Operation *> all;
};
} // namespace

/// Return whether the kernel that ends with `last` depends on `op`.
static bool dependsOn(Operation *last, Operation *op) {
  SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.filter = [&](Operation *source) { return source == op || op->isBeforeInBlock(source); };
  (void)getBackwardSlice(last, &slice, options);
  return slice.contains(op);
}

/// Return the last operation of the kernel that also stores what `op` computes, before anything else depends on it;
/// null if `op` has a kernel of its own. What is read in f32 has one.
static Operation *findKeeper(Operation *op, const KeptOps &kept, const KernelTarget &target) {
  auto isFloat = [&](Value result) { return isStoredInFloat(result, target); };
  if (!endsKernel(op, target) || llvm::any_of(op->getResults(), isFloat))
    return nullptr;
  for (Operation *last = op->getNextNode(); last; last = last->getNextNode()) {
    if (!endsKernel(last, target) || kept.all.contains(last))
      continue;
    if (target.findTaking(last)->alsoStores(op, last))
      return last;
    if (dependsOn(last, op))
      return nullptr;
  }
  return nullptr;
}

/// Finds them backwards: a kernel may also store what others that it stores read.
static KeptOps findKept(ArrayRef<Operation *> ops, const KernelTarget &target) {
  KeptOps kept;
  for (Operation *op : llvm::reverse(ops))
    if (Operation *keeper = findKeeper(op, kept, target)) {
      SmallVector<Operation *> &others = kept.byKeeper[keeper];
      others.insert(others.begin(), op);
      kept.all.insert(op);
    }
  return kept;
}

//===----------------------------------------------------------------------===//
// One kernel
//===----------------------------------------------------------------------===//

namespace {
/// Fills the region of one kernel, backwards from its last operation to what other kernels or the caller store.
class KernelRegion {
public:
  /// `kept`: what the kernel also stores; `stored`: the values of other kernels, by the values that they replace.
  KernelRegion(Operation *last, ArrayRef<Operation *> kept, const KernelTarget &target, IRMapping &stored)
      : last(last), kept(kept), target(target), stored(stored), builder(last->getContext()) {
    body.push_back(new Block());
    builder.setInsertionPointToEnd(&body.front());
  }
  /// Creates the kernel before `last`.
  void build();

private:
  Value take(Value value);
  void takeSlice(tensor::ExtractSliceOp slice);
  void takeExpanded(tensor::ExpandShapeOp expanded);
  void takePositions(PositionsOp positions);
  Operation *clone(Operation *op);
  Value rowsOf(Value tensor);
  Value toElement(Value value, Type element);
  SmallVector<Value> roundResults(Operation *op, Operation *original);

  Operation *last;
  ArrayRef<Operation *> kept;
  const KernelTarget &target;
  IRMapping &stored;
  OpBuilder builder;
  Region body;
  IRMapping inside;
  SmallVector<Value> operands;
  Value firstTensor; ///< with one row per token
  DenseMap<Value, Value> rows;
};
} // namespace

/// Return the number of rows, computed once.
Value KernelRegion::rowsOf(Value tensor) {
  Value &number = rows[tensor];
  if (!number)
    number = tensor::DimOp::create(builder, tensor.getLoc(), tensor, 0);
  return number;
}

/// Return the value in the region: computed there, or an argument.
Value KernelRegion::take(Value value) {
  if (inside.contains(value))
    return inside.lookup(value);
  Operation *op = value.getDefiningOp();
  if (auto slice = dyn_cast_if_present<tensor::ExtractSliceOp>(op)) {
    takeSlice(slice);
  } else if (auto expanded = dyn_cast_if_present<tensor::ExpandShapeOp>(op)) {
    takeExpanded(expanded);
  } else if (auto positions = dyn_cast_if_present<PositionsOp>(op)) {
    takePositions(positions);
  } else if (op && isPartOfUser(op, target)) {
    clone(op);
  } else {
    operands.push_back(stored.lookupOrDefault(value));
    inside.map(value, body.front().addArgument(operands.back().getType(), value.getLoc()));
  }
  Value taken = inside.lookup(value);
  if (auto type = dyn_cast<RankedTensorType>(taken.getType()); !firstTensor && type && type.getRank() > 1)
    firstTensor = taken;
  return taken;
}

void KernelRegion::takeSlice(tensor::ExtractSliceOp slice) {
  Value source = take(slice.getSource());
  SmallVector<OpFoldResult> sizes = slice.getMixedSizes();
  if (isa<Value>(sizes.front()))
    sizes.front() = rowsOf(source);
  RankedTensorType type = slice.getType().clone(getElementTypeOrSelf(source.getType()));
  inside.map(slice.getResult(), tensor::ExtractSliceOp::create(builder, slice.getLoc(), type, source,
                                                               slice.getMixedOffsets(), sizes, slice.getMixedStrides())
                                    .getResult());
}

void KernelRegion::takeExpanded(tensor::ExpandShapeOp expanded) {
  Value source = take(expanded.getSrc());
  SmallVector<OpFoldResult> sizes = expanded.getMixedOutputShape();
  if (isa<Value>(sizes.front()))
    sizes.front() = rowsOf(source);
  RankedTensorType type = expanded.getResultType().clone(getElementTypeOrSelf(source.getType()));
  inside.map(expanded.getResult(), tensor::ExpandShapeOp::create(builder, expanded.getLoc(), type, source,
                                                                 expanded.getReassociationIndices(), sizes)
                                       .getResult());
}

void KernelRegion::takePositions(PositionsOp positions) {
  auto own = PositionsOp::create(builder, positions.getLoc(), positions->getResultTypes(), rowsOf(firstTensor),
                                 take(positions.getCu()), take(positions.getCache()));
  inside.map(positions->getResults(), own->getResults());
}

/// Casts between f32 and bf16.
Value KernelRegion::toElement(Value value, Type element) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getElementType() == element)
    return value;
  if (element.isF32())
    return arith::ExtFOp::create(builder, value.getLoc(), type.clone(element), value);
  return arith::TruncFOp::create(builder, value.getLoc(), type.clone(element), value);
}

/// Return whether the operation joins columns of tokens. Weights are joined by their rows.
static bool joinsColumns(Operation *op) {
  auto concat = dyn_cast<tensor::ConcatOp>(op);
  return concat && concat.getDim() != 0;
}

/// Return whether the result must have the elements of the operands, so that it is rounded by another operation.
static bool hasTypeOfOperand(Operation *op) {
  return isa<PositionScaleOp, arith::AddFOp, AdaptOp>(op) || joinsColumns(op);
}

Operation *KernelRegion::clone(Operation *op) {
  for (Value operand : op->getOperands())
    take(operand);
  // Nothing is rounded between operations of one kernel.
  bool scales =
      isa<PositionScaleOp>(op) || (isa<RopeOp>(op) && llvm::any_of(op->getUsers(), llvm::IsaPred<PositionScaleOp>));
  bool joinsComputed = joinsColumns(op) && llvm::any_of(op->getOperands(), [&](Value operand) {
                         return getElementTypeOrSelf(inside.lookup(operand)).isF32();
                       });
  unsigned numExtended = isa<arith::AddFOp>(op) || joinsComputed ? op->getNumOperands()
                         : scales || isa<AdaptOp>(op)            ? 1
                                                                 : 0;
  for (Value operand : op->getOperands().take_front(numExtended))
    inside.map(operand, toElement(inside.lookup(operand), builder.getF32Type()));
  Operation *copy = builder.clone(*op, inside);
  if (isa<RopeOp>(copy) || hasTypeOfOperand(copy)) {
    auto type = cast<RankedTensorType>(copy->getResult(0).getType());
    copy->getResult(0).setType(type.clone(getElementTypeOrSelf(copy->getOperand(0).getType())));
  }
  return copy;
}

/// Rounds what the kernel stores of `op`, a copy of `original`, to bf16, in the operation itself if possible, unless
/// the kind stores the element type.
SmallVector<Value> KernelRegion::roundResults(Operation *op, Operation *original) {
  Value result = op->getResult(0);
  SmallVector<Value> results(op->getResults());
  const KernelKind *kind = target.findTaking(original);
  bool staysFloat = kind->stores(builder.getF32Type(), 0) && isStoredInFloat(original->getResult(0), target);
  if (staysFloat || !kind->stores(builder.getBF16Type(), 0))
    return results;
  auto type = dyn_cast<RankedTensorType>(result.getType());
  if (!type || !type.getElementType().isF32())
    return results;
  if (hasTypeOfOperand(op))
    results.front() = toElement(result, builder.getBF16Type());
  else
    result.setType(type.clone(builder.getBF16Type()));
  return results;
}

/// Return "q_a", from the value's location.
static StringRef nameOf(Operation *op, StringRef kind) {
  auto name = dyn_cast<NameLoc>(op->getLoc());
  return name ? name.getName().getValue() : kind;
}

void KernelRegion::build() {
  SmallVector<Value> results, others, replaced(last->getResults());
  for (Operation *op : kept) {
    llvm::append_range(others, roundResults(clone(op), op));
    llvm::append_range(replaced, op->getResults());
  }
  llvm::append_range(results, roundResults(clone(last), last));
  llvm::append_range(results, others);
  YieldOp::create(builder, last->getLoc(), results);
  builder.setInsertionPoint(last);
  StringRef kind = target.findTaking(last)->getName();
  auto kernel = KernelOp::create(builder, last->getLoc(), TypeRange(ValueRange(results)), operands, kind,
                                 nameOf(last, kind), ScheduleAttr());
  kernel.getBody().takeBody(body);
  for (auto [value, output] : llvm::zip_equal(replaced, kernel.getOutputs()))
    stored.map(value, output);
}

//===----------------------------------------------------------------------===//
// A function
//===----------------------------------------------------------------------===//

/// Removes a cast of what a kernel has already rounded.
static LogicalResult skipRounding(arith::TruncFOp cast, IRMapping &stored) {
  Value rounded = stored.lookupOrNull(cast.getIn());
  if (!rounded || rounded.getType() != cast.getType())
    return cast.emitOpError("does not round the result of a kernel; compile with --target=cpu");
  stored.map(cast.getOut(), rounded);
  return success();
}

static LogicalResult replaceReturned(func::ReturnOp op, IRMapping &stored) {
  for (OpOperand &operand : op->getOpOperands()) {
    Value value = stored.lookupOrDefault(operand.get());
    if (value.getType() != operand.get().getType() || (value == operand.get() && !isa<BlockArgument>(value)))
      return op.emitOpError("expected the result of a kernel, got ")
             << operand.get().getType() << "; compile with --dtype=bf16, or with --target=cpu";
    operand.set(value);
  }
  return success();
}

static LogicalResult group(func::FuncOp function, const KernelTarget &target) {
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitOpError("has control flow, which kernels do not support");
  SmallVector<Operation *> ops;
  for (Operation &op : function.front()) {
    if (failed(check(&op, target)))
      return failure();
    ops.push_back(&op);
  }
  KeptOps kept = findKept(ops, target);
  IRMapping stored;
  for (Operation *op : ops) {
    if (endsKernel(op, target) && !kept.all.contains(op))
      KernelRegion(op, kept.byKeeper[op], target, stored).build();
    else if (auto cast = dyn_cast<arith::TruncFOp>(op); cast && failed(skipRounding(cast, stored)))
      return failure();
  }
  if (failed(replaceReturned(cast<func::ReturnOp>(function.front().getTerminator()), stored)))
    return failure();
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
  return success();
}

namespace {
struct MLAGroupKernels : mla::impl::MLAGroupKernelsBase<MLAGroupKernels> {
  void runOnOperation() override {
    const KernelTarget *target = KernelTarget::findFor(getOperation());
    if (!target)
      return signalPassFailure();
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!isPrepare(function) && !function.isExternal() && failed(group(function, *target)))
        return signalPassFailure();
  }
};
} // namespace
