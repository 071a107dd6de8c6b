//===- TilePrepare.cpp - Weights in tiles ---------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emits a box of the result of an operation, and recursively the boxes of the
// operands that it needs, from the result to the checkpoint's weights. There is
// one function per operation of `@prepare` functions.
//
//===----------------------------------------------------------------------===//

#include "WeightProduct.h"
#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/Analysis/PrepareTile.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mla {
#define GEN_PASS_DEF_MLATILEPREPARE
#include "mla/Conversion/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
/// A box of a tensor, aligned to its sizes if the tensor is not an input of a slice.
struct Box {
  SmallVector<Value> offsets;
  SmallVector<int64_t> sizes;
};

class TileEmitter {
public:
  /// `rounding` is skipped: its users are applied to unrounded elements.
  TileEmitter(Emitter &e, Operation *rounding) : e(e), rounding(rounding) {}

  /// Emit the elements of the box; null after an error. A box that is not a box of the source is emitted in parts.
  Value emit(Value value, const Box &box);
  /// Insert the elements of the box in `into`.
  Value emitInto(Value value, const Box &box, Value into);

private:
  Box sourceBox(Operation *op, const Box &box);
  Value emitParts(Value value, const Box &box);
  Value emitMove(Operation *op, const Box &box);
  Value emitConstant(arith::ConstantOp op, const Box &box);
  template <typename Op> Value emitArithmetic(Op op, const Box &box);
  Value emitDequantize(DequantizeOp op, const Box &box);
  Value emitCompose(ComposeOp op, const Box &box);
  Value emitConcat(tensor::ConcatOp op, const Box &box);
  Value emitHead(ComposeOp op, const Box &box, const ProductPlace &place);
  Value emitProductInto(Value value, const Box &box, Value into);
  Value sliceOf(Value tensor, const Box &box);
  Type exactElementType(Value value) const;

  Emitter &e;
  Operation *rounding;
};
} // namespace

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

static int64_t productOf(ArrayRef<int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>());
}

/// Linearize the offsets of adjacent dimensions.
static Value joinOffsets(Emitter &e, ArrayRef<Value> offsets, ArrayRef<int64_t> shape) {
  Value joined = offsets.front();
  for (auto [offset, size] : llvm::zip_equal(offsets.drop_front(), shape.drop_front()))
    joined = e.add(e.mul(joined, e.index(size)), offset);
  return joined;
}

static void splitOffset(Emitter &e, Value offset, ArrayRef<int64_t> shape, MutableArrayRef<Value> offsets) {
  for (size_t i = 0; i < shape.size(); ++i) {
    Value outer = e.div(offset, e.index(productOf(shape.drop_front(i + 1))));
    offsets[i] = i == 0 ? outer : arith::RemUIOp::create(e, outer, e.index(shape[i])).getResult();
  }
}

static SmallVector<Value> sourceOffsets(Emitter &e, Operation *op, ArrayRef<Value> offsets) {
  SmallVector<Value> source(typeOf(op->getOperand(0)).getRank());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    for (auto [i, group] : llvm::enumerate(expand.getReassociationIndices()))
      source[i] = joinOffsets(e, offsets.slice(group.front(), group.size()),
                              expand.getResultType().getShape().slice(group.front(), group.size()));
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    for (auto [offset, group] : llvm::zip_equal(offsets, collapse.getReassociationIndices()))
      splitOffset(e, offset, collapse.getSrcType().getShape().slice(group.front(), group.size()),
                  MutableArrayRef(source).slice(group.front(), group.size()));
  } else if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
    for (auto [offset, dimension] : llvm::zip_equal(offsets, transpose.getPermutation()))
      source[dimension] = offset;
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    for (auto [offset, from, to] : llvm::zip_equal(offsets, slice.getStaticOffsets(), source))
      to = e.add(offset, e.index(from));
  } else if (auto pack = dyn_cast<linalg::PackOp>(op)) {
    llvm::copy(offsets.drop_back(), source.begin());
    Value &rows = source[pack.getInnerDimsPos().front()];
    rows = e.mul(rows, e.index(pack.getStaticInnerTiles().front()));
  }
  return source;
}

/// Return the source box of an operation that has one.
Box TileEmitter::sourceBox(Operation *op, const Box &box) {
  return Box{sourceOffsets(e, op, box.offsets), *sourceTile(op, box.sizes)};
}

/// Return the dimensions larger than 1.
static SmallVector<int64_t> realDims(ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> dims;
  for (auto [i, size] : llvm::enumerate(sizes))
    if (size != 1)
      dims.push_back(i);
  return dims;
}

/// Return whether a transpose of these sizes keeps the order of elements in memory.
static bool keepsOrder(linalg::TransposeOp op, ArrayRef<int64_t> resultSizes) {
  SmallVector<int64_t> from;
  for (int64_t dimension : realDims(resultSizes))
    from.push_back(op.getPermutation()[dimension]);
  return llvm::is_sorted(from);
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

Value TileEmitter::sliceOf(Value tensor, const Box &box) {
  return e.slice(tensor, getAsOpFoldResult(box.offsets), getAsIndexOpFoldResult(e.getContext(), box.sizes),
                 box.sizes.size());
}

/// Return the element type before rounding, if `rounding` is among the operations of the value.
Type TileEmitter::exactElementType(Value value) const {
  Operation *op = value.getDefiningOp();
  while (op && movesElements(op))
    op = op->getOperand(0).getDefiningOp();
  return typeOf(op && op == rounding ? op->getOperand(0) : value).getElementType();
}

Value TileEmitter::emitMove(Operation *op, const Box &box) {
  Value tile = emit(op->getOperand(0), sourceBox(op, box));
  if (!tile || isa<tensor::ExtractSliceOp>(op))
    return tile;
  auto empty = [&] {
    return e.empty(getAsIndexOpFoldResult(e.getContext(), box.sizes), typeOf(tile).getElementType());
  };
  auto transpose = dyn_cast<linalg::TransposeOp>(op);
  if (transpose && !keepsOrder(transpose, box.sizes))
    return linalg::TransposeOp::create(e, tile, empty(), transpose.getPermutation()).getResult()[0];
  if (auto pack = dyn_cast<linalg::PackOp>(op))
    return linalg::PackOp::create(e, tile, empty(), pack.getInnerDimsPos(), pack.getMixedTiles()).getResult();
  return e.reshaped(tile, box.sizes);
}

/// Allocate a tensor for a loop to fill. The destination of the tile would replace a `tensor.empty`, and one-shot
/// bufferization finds a conflict between the loop and the operation that materializes the tile there.
static Value allocate(Emitter &e, ArrayRef<int64_t> sizes, Type element) {
  return bufferization::AllocTensorOp::create(e, RankedTensorType::get(sizes, element), ValueRange());
}

/// Emit one index of the first dimension with several after the other.
Value TileEmitter::emitParts(Value value, const Box &box) {
  int64_t dimension = realDims(box.sizes).front();
  bool failed = false;
  auto body = [&](Emitter &inner, Value i, ValueRange carried) -> SmallVector<Value> {
    Box part = box;
    part.offsets[dimension] = inner.add(part.offsets[dimension], i);
    part.sizes[dimension] = 1;
    Value made = TileEmitter(inner, rounding).emit(value, part);
    if ((failed |= !made))
      return {carried[0]};
    SmallVector<OpFoldResult> offsets(box.sizes.size(), inner.size(0));
    offsets[dimension] = i;
    return {inner.insert(made, carried[0], offsets, getAsIndexOpFoldResult(inner.getContext(), part.sizes))};
  };
  Value into = allocate(e, box.sizes, exactElementType(value));
  Value all = e.loop(e.index(0), e.index(box.sizes[dimension]), e.index(1), into, body)[0];
  return failed ? Value() : all;
}

Value TileEmitter::emitDequantize(DequantizeOp op, const Box &box) {
  Value weight = emit(op.getX(), box);
  return weight ? emitDequantized(e, weight, op.getScale(), op.getBlock(), box.offsets, op.getType().getElementType())
                : Value();
}

/// Emit a splat without a tensor of the weight's size.
Value TileEmitter::emitConstant(arith::ConstantOp op, const Box &box) {
  if (auto splat = dyn_cast<SplatElementsAttr>(op.getValue()))
    return arith::ConstantOp::create(e, splat.resizeSplat(cast<RankedTensorType>(op.getType()).clone(box.sizes)));
  return sliceOf(e.clone(*op)->getResult(0), box);
}

/// Emit elementwise arithmetic. Bufferization does not write to weights.
template <typename Op> Value TileEmitter::emitArithmetic(Op op, const Box &box) {
  Value lhs = emit(op.getLhs(), box), rhs = emit(op.getRhs(), box);
  return lhs && rhs ? Op::create(e, lhs, rhs).getResult() : Value();
}

/// Emit one head of a product: `box` has one.
Value TileEmitter::emitHead(ComposeOp op, const Box &box, const ProductPlace &place) {
  int64_t depth = typeOf(op.getOuter()).getDimSize(2), rows = box.sizes[1], columns = box.sizes[2];
  Value zero = e.index(0);
  Value outer = emit(op.getOuter(), {{box.offsets[0], box.offsets[1], zero}, {1, rows, depth}});
  Value inner = emit(op.getInner(), {{box.offsets[0], zero, box.offsets[2]}, {1, depth, columns}});
  if (!outer || !inner)
    return {};
  outer = e.cast(e.reshaped(outer, {rows, depth}), e.getF32Type());
  inner = e.cast(e.reshaped(inner, {depth, columns}), e.getF32Type());
  return emitWeightProduct(e, outer, inner, place);
}

Value TileEmitter::emitCompose(ComposeOp op, const Box &box) {
  Value into = allocate(e, box.sizes, e.getF32Type());
  bool failed = false;
  auto body = [&](Emitter &inner, Value head, ValueRange carried) -> SmallVector<Value> {
    Box ofHead{{inner.add(box.offsets[0], head), box.offsets[1], box.offsets[2]}, {1, box.sizes[1], box.sizes[2]}};
    Value zero = inner.index(0);
    Value made = TileEmitter(inner, rounding).emitHead(op, ofHead, {carried[0], {head, zero, zero}, 1, 2, false});
    failed |= !made;
    return {made ? made : carried[0]};
  };
  Value all = e.loop(e.index(0), e.index(box.sizes[0]), e.index(1), into, body)[0];
  return failed ? Value() : e.cast(all, typeOf(op).getElementType());
}

/// Emit a box in one piece, which its offset selects; a larger box in parts.
Value TileEmitter::emitConcat(tensor::ConcatOp op, const Box &box) {
  uint64_t dim = op.getDim();
  std::optional<int64_t> size = getPieceSize(op);
  if (!size)
    return op.emitOpError("has pieces of different sizes, which cannot be prepared in tiles"), Value();
  if (*size % box.sizes[dim] != 0)
    return emitParts(op, box);
  Value number = e.div(box.offsets[dim], e.index(*size));
  Box inPiece = box;
  inPiece.offsets[dim] = arith::RemUIOp::create(e, box.offsets[dim], e.index(*size));
  // The last piece is the default.
  SmallVector<int64_t> cases = llvm::to_vector(llvm::seq<int64_t>(op.getInputs().size() - 1));
  Type type = RankedTensorType::get(box.sizes, typeOf(op).getElementType());
  auto choice = scf::IndexSwitchOp::create(e, type, number, cases, cases.size());
  bool failed = false;
  for (auto [i, piece] : llvm::enumerate(op.getInputs())) {
    Region &region = i < cases.size() ? choice.getCaseRegions()[i] : choice.getDefaultRegion();
    Emitter inner(e.getLoc(), OpBuilder::atBlockBegin(&region.emplaceBlock()));
    Value made = TileEmitter(inner, rounding).emit(piece, inPiece);
    failed |= !made;
    if (made)
      scf::YieldOp::create(inner, made);
  }
  return failed ? Value() : choice.getResult(0);
}

Value TileEmitter::emit(Value value, const Box &box) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return sliceOf(value, box);
  if (op == rounding)
    return emit(op->getOperand(0), box);
  if (movesElements(op) && succeeded(sourceTile(op, box.sizes)))
    return emitMove(op, box);
  if (movesElements(op) && !realDims(box.sizes).empty())
    return emitParts(value, box);
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](DequantizeOp dequantize) { return emitDequantize(dequantize, box); })
      .Case([&](ComposeOp compose) { return emitCompose(compose, box); })
      .Case([&](tensor::ConcatOp concat) { return emitConcat(concat, box); })
      .Case([&](arith::ConstantOp constant) { return emitConstant(constant, box); })
      .Case<arith::AddFOp, arith::MulFOp>([&](auto arithmetic) { return emitArithmetic(arithmetic, box); })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto cast) {
        Value tile = emit(cast.getIn(), box);
        return tile ? e.cast(tile, typeOf(cast).getElementType()) : tile;
      })
      .Default([&](Operation *) {
        op->emitOpError("cannot be prepared in tiles");
        return Value();
      });
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Emit a product directly in its destination, if users only move dimensions of size 1 and, last, pack rows.
Value TileEmitter::emitProductInto(Value value, const Box &box, Value into) {
  auto pack = value.getDefiningOp<linalg::PackOp>();
  Box source = box;
  Operation *op = value.getDefiningOp();
  for (; op && !isa<ComposeOp>(op); op = op->getOperand(0).getDefiningOp()) {
    if (op == rounding)
      continue;
    auto transpose = dyn_cast<linalg::TransposeOp>(op);
    if (!movesElements(op) || (isa<linalg::PackOp>(op) && op != pack) ||
        (transpose && !keepsOrder(transpose, source.sizes)) || failed(sourceTile(op, source.sizes)))
      return {};
    source = sourceBox(op, source);
  }
  if (!op || source.sizes[0] != 1 || source.sizes[1] == 1 || source.sizes[2] == 1)
    return {};
  // Rows and columns; with panels, the first size counts panels.
  SmallVector<int64_t> unpacked = pack ? *sourceTile(pack, box.sizes) : box.sizes, dims = realDims(unpacked);
  if (dims.size() != 2 || unpacked[dims[1]] != source.sizes[2] || (pack && pack.getInnerDimsPos().front() != dims[0]) ||
      (!pack && dims[1] != static_cast<int64_t>(unpacked.size()) - 1))
    return {};
  SmallVector<Value> origin(box.sizes.size(), e.index(0));
  return emitHead(cast<ComposeOp>(op), source, {into, origin, dims[0], dims[1], pack != nullptr});
}

Value TileEmitter::emitInto(Value value, const Box &box, Value into) {
  if (Value made = emitProductInto(value, box, into))
    return made;
  Value tile = emit(value, box);
  return tile ? bufferization::MaterializeInDestinationOp::create(e, tile, into).getResult() : tile;
}

/// Return the element type before rounding for storage.
static Type exactType(func::FuncOp prepare, arith::TruncFOp rounding) {
  return cast<RankedTensorType>(rounding ? rounding.getIn().getType() : prepare.getResultTypes().front())
      .getElementType();
}

/// Read the offsets from an argument; 0 in dimensions that the tile covers.
static SmallVector<Value> readOffsets(Emitter &e, Value argument, RankedTensorType whole, ArrayRef<int64_t> sizes) {
  SmallVector<Value> offsets;
  for (auto [d, size] : llvm::enumerate(sizes))
    offsets.push_back(size == whole.getDimSize(d) ? e.index(0) : e.indexAt(argument, e.index(d)));
  return offsets;
}

/// Check that a weight is one float tensor of static shape, computed without control flow.
static LogicalResult checkPrepare(func::FuncOp prepare) {
  if (!llvm::hasSingleElement(prepare.getBody()) || !isa<func::ReturnOp>(prepare.front().getTerminator()))
    return prepare.emitOpError("has control flow; expected a single block");
  auto isWeight = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape() && isa<FloatType>(tensor.getElementType());
  };
  if (prepare.getNumResults() != 1 || !isWeight(prepare.getResultTypes().front()))
    return prepare.emitOpError("expected one result, a tensor of floats of static shape, got ")
           << prepare.getFunctionType();
  for (Operation &op : prepare.front().without_terminator())
    for (Type type : op.getResultTypes())
      if (auto tensor = dyn_cast<ShapedType>(type); tensor && !isWeight(type))
        return op.emitOpError("has a result of ") << type << "; expected a static shape";
  return success();
}

/// Check that shared values do not multiply code: a tile is emitted for every use of an operation, recursively.
static LogicalResult checkRepeated(func::FuncOp prepare) {
  constexpr uint64_t most = 1024;
  llvm::DenseMap<Operation *, uint64_t> times;
  times[prepare.front().getTerminator()] = 1;
  for (Operation &op : llvm::reverse(prepare.front())) {
    uint64_t timesOfOp = times.lookup(&op);
    if (timesOfOp > most)
      return op.emitOpError("is used in too many ways to be prepared in tiles");
    for (Value operand : op.getOperands())
      if (Operation *made = operand.getDefiningOp())
        times[made] += timesOfOp;
  }
  return success();
}

/// Check that no slice is taken of a concatenation: the slice's boxes do not start at multiples of their sizes there,
/// and could lie in two pieces.
static LogicalResult checkSlices(func::FuncOp prepare) {
  WalkResult result = prepare.walk([](tensor::ExtractSliceOp slice) {
    llvm::SetVector<Operation *> makers;
    (void)getBackwardSlice(slice.getOperation(), &makers);
    return llvm::any_of(makers, llvm::IsaPred<tensor::ConcatOp>)
               ? WalkResult(slice.emitOpError("of a concatenation cannot be prepared in tiles"))
               : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Check that a given tile divides the weight.
static LogicalResult checkTile(func::FuncOp prepare, RankedTensorType whole, ArrayRef<int64_t> sizes) {
  auto divides = [](int64_t size, int64_t all) { return size > 0 ? all % size == 0 : size == all; };
  if (sizes.size() == static_cast<size_t>(whole.getRank()) && llvm::all_of_zip(sizes, whole.getShape(), divides))
    return success();
  return prepare.emitOpError() << "has a tile of [" << sizes << "], which does not divide " << whole;
}

static LogicalResult tilePrepare(func::FuncOp prepare) {
  if (failed(checkPrepare(prepare)) || failed(checkRepeated(prepare)) || failed(checkSlices(prepare)))
    return failure();
  auto whole = cast<RankedTensorType>(prepare.getResultTypes().front());
  auto chosen = prepare->getAttrOfType<DenseI64ArrayAttr>(kPrepareTileAttr);
  if (!chosen)
    prepare->setAttr(kPrepareTileAttr,
                     chosen = DenseI64ArrayAttr::get(prepare.getContext(), choosePrepareTile(prepare)));
  ArrayRef<int64_t> sizes = chosen;
  if (failed(checkTile(prepare, whole, sizes)))
    return failure();
  arith::TruncFOp rounding = findRounding(prepare);
  Operation *end = prepare.front().getTerminator();
  Emitter e(prepare.getLoc(), end);

  Block &entry = prepare.front();
  auto exact = RankedTensorType::get(sizes, exactType(prepare, rounding));
  Value offsets = entry.addArgument(RankedTensorType::get({whole.getRank()}, e.getI64Type()), prepare.getLoc());
  Value into = entry.addArgument(exact, prepare.getLoc());
  Value tile =
      TileEmitter(e, rounding)
          .emitInto(end->getOperand(0), {readOffsets(e, offsets, whole, sizes), SmallVector<int64_t>(sizes)}, into);
  if (!tile)
    return failure();
  SmallVector<Value> results = {tile};
  if (rounding) {
    Value stored = entry.addArgument(exact.clone(whole.getElementType()), prepare.getLoc());
    results.push_back(
        bufferization::MaterializeInDestinationOp::create(e, e.cast(tile, whole.getElementType()), stored).getResult());
  }
  end->setOperands(results);
  SmallVector<DictionaryAttr> attributes;
  prepare.getAllArgAttrs(attributes);
  prepare.setFunctionType(e.getFunctionType(entry.getArgumentTypes(), ValueRange(results).getTypes()));
  attributes.resize(entry.getNumArguments(), e.getDictionaryAttr({}));
  prepare.setAllArgAttrs(attributes);
  IRRewriter rewriter(prepare.getContext());
  (void)runRegionDCE(rewriter, prepare->getRegions());
  return success();
}

namespace {
struct MLATilePrepare : mla::impl::MLATilePrepareBase<MLATilePrepare> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (isPrepare(function) && !function.isExternal() && failed(tilePrepare(function)))
        return signalPassFailure();
  }
};
} // namespace
