//===- BuildLayer.cpp - Build a matched layer -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sequences of equal length are a ragged batch whose cumulative lengths are
// multiples of the length. Everything between hidden states and result is
// float32, as in an imported layer: roundings inside the original layer are
// dropped.
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include "View.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla;
using namespace mla::raise;

namespace {
class LayerWriter {
public:
  LayerWriter(ImplicitLocOpBuilder &b, Terms &terms, const Layer &layer)
      : b(b), terms(terms), layer(layer), variables(terms.variables) {}

  /// Build the attention and return its result [T, H, V], or null if a tensor cannot be rearranged.
  Value writeAttention();
  /// Replace the original attention by `attention`.
  bool replaceAttended(Value attention);
  bool replaceOutput(Value attention, const Output &output);

private:
  using Pair = std::pair<Value, Value>;

  int64_t size(AffineExpr variable) { return variables.sizeOf(variable); }
  int64_t tokens() { return size(layer.batch) * size(layer.query); }
  Dims queryTokens() { return {layer.batch, layer.query}; }
  RankedTensorType tensorOf(ArrayRef<int64_t> shape) { return RankedTensorType::get(shape, b.getF32Type()); }

  Value read(TermRef term, ArrayRef<Dims> groups);
  Value project(Value x, Value weight, ArrayRef<int64_t> shape, Heads heads);
  Value projectRows(Value x, const Rows &rows, bool hasHeads);
  Pair projectBoth(Value x, const Rows &first, const Rows &second, bool hasHeads);
  Value columns(Value x, int64_t from, int64_t count);
  Value norm(Value x, const RmsNorm &norm, AffineExpr column);

  Value positions(const Angles &angles);
  Value cumulativeLengths();
  Value rotate(Value x, const Rope &rope, AffineExpr token);
  Value rotateBy(Value x, const Rope &rope, AffineExpr token);
  SmallVector<Dims> weightDims(const Rows &rows, bool hasHeads);

  ImplicitLocOpBuilder &b;
  Terms &terms;
  const Layer &layer;
  const Variables &variables;
  Value position; // The position of every token, once it is built.
};
} // namespace

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

//===----------------------------------------------------------------------===//
// Tensors of the module
//===----------------------------------------------------------------------===//

Value LayerWriter::read(TermRef term, ArrayRef<Dims> groups) {
  std::optional<View> view = viewOf(variables, term);
  return view ? arrange(b, variables, *view, groups) : Value();
}

/// Slice `count` elements of the last dimension.
Value LayerWriter::columns(Value x, int64_t from, int64_t count) {
  SmallVector<int64_t> shape(typeOf(x).getShape());
  SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(b.getContext(), shape);
  SmallVector<OpFoldResult> offsets(shape.size(), b.getIndexAttr(0)), strides(shape.size(), b.getIndexAttr(1));
  offsets.back() = b.getIndexAttr(from), sizes.back() = b.getIndexAttr(count);
  return tensor::ExtractSliceOp::create(b, x, offsets, sizes, strides);
}

static Value indices(ImplicitLocOpBuilder &b, ArrayRef<int32_t> values) {
  auto type = RankedTensorType::get(values.size(), b.getI32Type());
  Value constant = arith::ConstantOp::create(b, DenseElementsAttr::get(type, values));
  return tensor::CastOp::create(b, RankedTensorType::get({ShapedType::kDynamic}, b.getI32Type()), constant);
}

Value LayerWriter::cumulativeLengths() {
  SmallVector<int32_t> cumulative;
  for (int64_t sequence = 0; sequence <= size(layer.batch); ++sequence)
    cumulative.push_back(sequence * size(layer.query));
  return indices(b, cumulative);
}

Value LayerWriter::positions(const Angles &angles) {
  if (angles.position->kind == Term::Index) {
    SmallVector<int32_t> values;
    for (int64_t token : llvm::seq(tokens())) {
      AffineExpr at = angles.position->index[0].replace(layer.batch, variables.constant(token / size(layer.query)));
      at = variables.simplify(at.replace(layer.query, variables.constant(token % size(layer.query))));
      values.push_back(cast<AffineConstantExpr>(at).getValue());
    }
    return indices(b, values);
  }
  Value x = read(angles.position, {queryTokens()});
  if (!x || !typeOf(x).getElementType().isSignlessInteger())
    return nullptr;
  if (typeOf(x).getElementTypeBitWidth() > 32)
    x = arith::TruncIOp::create(b, typeOf(x).clone(b.getI32Type()), x);
  else if (typeOf(x).getElementTypeBitWidth() < 32)
    x = arith::ExtSIOp::create(b, typeOf(x).clone(b.getI32Type()), x);
  return tensor::CastOp::create(b, RankedTensorType::get({ShapedType::kDynamic}, b.getI32Type()), x);
}

//===----------------------------------------------------------------------===//
// Projections and norms
//===----------------------------------------------------------------------===//

Value LayerWriter::project(Value x, Value weight, ArrayRef<int64_t> shape, Heads heads) {
  return ProjectOp::create(b, tensorOf(shape), x, weight, heads);
}

SmallVector<Dims> LayerWriter::weightDims(const Rows &rows, bool hasHeads) {
  SmallVector<Dims> dims = {{rows.row}, {rows.k}};
  if (hasHeads)
    dims.insert(dims.begin(), Dims{layer.head});
  return dims;
}

Value LayerWriter::projectRows(Value x, const Rows &rows, bool hasHeads) {
  SmallVector<Dims> dims = weightDims(rows, hasHeads);
  Value weight = read(rows.weight, dims);
  if (!weight)
    return nullptr;
  SmallVector<int64_t> shape(typeOf(weight).getShape().drop_back());
  shape.insert(shape.begin(), tokens());
  Value y = project(x, weight, shape, hasHeads ? Heads::To : Heads::None);
  if (!rows.bias)
    return y;
  Value bias = read(rows.bias, ArrayRef<Dims>(dims).drop_back());
  return bias ? BiasOp::create(b, y, bias).getResult() : Value();
}

/// Build a single projection and slice it if both parts are rows of one weight.
LayerWriter::Pair LayerWriter::projectBoth(Value x, const Rows &first, const Rows &second, bool hasHeads) {
  std::optional<View> a = viewOf(variables, first.weight), other = viewOf(variables, second.weight);
  if (!a || !other)
    return {};
  View::Axis from = *a->find(first.row), to = *other->find(second.row);
  if (first.bias || second.bias || !widenToBoth(*a, first.row, *other, second.row))
    return {projectRows(x, first, hasHeads), projectRows(x, second, hasHeads)};
  Rows both = first;
  both.row = terms.variables.make(from.whole);
  a->find(first.row)->variable = both.row;
  Value weight = arrange(b, variables, *a, weightDims(both, hasHeads));
  if (!weight)
    return {};
  SmallVector<int64_t> shape(typeOf(weight).getShape().drop_back());
  shape.insert(shape.begin(), tokens());
  Value y = project(x, weight, shape, hasHeads ? Heads::To : Heads::None);
  return {columns(y, from.offset, from.size), columns(y, to.offset, to.size)};
}

Value LayerWriter::norm(Value x, const RmsNorm &norm, AffineExpr column) {
  Value gamma = read(norm.gamma, {{column}});
  return x && gamma ? RmsNormOp::create(b, x.getType(), x, gamma, b.getF64FloatAttr(norm.epsilon)).getResult()
                    : Value();
}

//===----------------------------------------------------------------------===//
// Rotation
//===----------------------------------------------------------------------===//

/// Return the first or second elements of pairs, [T, R/2] or [T, H, R/2].
static Value takeOfPairs(ImplicitLocOpBuilder &b, Value x, bool second, bool isInterleaved) {
  SmallVector<int64_t> shape(typeOf(x).getShape());
  int64_t half = shape.back() / 2;
  shape.back() = half;
  SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(b.getContext(), shape);
  SmallVector<OpFoldResult> offsets(shape.size(), b.getIndexAttr(0)), strides(shape.size(), b.getIndexAttr(1));
  offsets.back() = b.getIndexAttr(second ? (isInterleaved ? 1 : half) : 0);
  strides.back() = b.getIndexAttr(isInterleaved ? 2 : 1);
  return tensor::ExtractSliceOp::create(b, x, offsets, sizes, strides);
}

static Value widen(OpBuilder &b, Location loc, Value x) {
  return x.getType().isF32() ? x : arith::ExtFOp::create(b, loc, b.getF32Type(), x).getResult();
}

/// Rotate by cosines and sines of the module. The results of a pair are half the width apart, in queries and keys
/// alike.
Value LayerWriter::rotateBy(Value x, const Rope &rope, AffineExpr token) {
  const Rotation &rotation = rope.rotation;
  SmallVector<Dims> dims = {{layer.batch, token}, {rotation.pair}};
  SmallVector<Value> inputs = {takeOfPairs(b, x, false, rope.isInterleaved),
                               takeOfPairs(b, x, true, rope.isInterleaved)};
  for (TermRef wave : {rotation.cos[0], rotation.sin[0], rotation.cos[1], rotation.sin[1]})
    inputs.push_back(read(wave, dims));
  if (llvm::is_contained(inputs, nullptr))
    return nullptr;
  RankedTensorType half = typeOf(inputs[0]);
  int64_t rank = half.getRank();
  AffineMap identity = b.getMultiDimIdentityMap(rank);
  AffineMap ofToken = AffineMap::get(rank, 0, {b.getAffineDimExpr(0), b.getAffineDimExpr(rank - 1)}, b.getContext());
  Value init = tensor::EmptyOp::create(b, half.getShape(), half.getElementType());
  SmallVector<AffineMap> maps = {identity, identity, ofToken, ofToken, ofToken, ofToken, identity, identity};
  SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
  auto turn = [](OpBuilder &b, Location loc, ValueRange args) {
    auto multiply = [&](Value x, Value wave) -> Value { return arith::MulFOp::create(b, loc, x, widen(b, loc, wave)); };
    Value one = arith::SubFOp::create(b, loc, multiply(args[0], args[2]), multiply(args[1], args[3]));
    Value two = arith::AddFOp::create(b, loc, multiply(args[1], args[4]), multiply(args[0], args[5]));
    linalg::YieldOp::create(b, loc, ValueRange{one, two});
  };
  auto turned = linalg::GenericOp::create(b, TypeRange{half, half}, inputs, ValueRange{init, init}, maps, loops, turn);
  Value result = tensor::EmptyOp::create(b, typeOf(x).getShape(), b.getF32Type());
  for (int part : {0, 1}) {
    SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(b.getContext(), half.getShape());
    SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0)), strides(rank, b.getIndexAttr(1));
    offsets.back() = b.getIndexAttr(part * half.getShape().back());
    result = tensor::InsertSliceOp::create(b, turned.getResult(part), result, offsets, sizes, strides);
  }
  return result;
}

/// Rotate by positions. The results of a pair keep the places of its elements, in queries and keys alike: the scores
/// are the same.
Value LayerWriter::rotate(Value x, const Rope &rope, AffineExpr token) {
  if (!x)
    return nullptr;
  if (layer.queryRotation.angles && !position)
    position = positions(*layer.queryRotation.angles);
  if (!position)
    return rotateBy(x, rope, token);
  const Angles &angles = *layer.queryRotation.angles;
  RopeStyle style = rope.isInterleaved ? RopeStyle::Interleaved : RopeStyle::HalfSplit;
  return RopeOp::create(b, x, position, RopeStyleAttr::get(b.getContext(), style),
                        b.getDenseF32ArrayAttr(angles.frequencies), b.getF32FloatAttr(angles.scale));
}

//===----------------------------------------------------------------------===//
// The layer
//===----------------------------------------------------------------------===//

Value LayerWriter::writeAttention() {
  Value hidden = read(layer.hidden, {queryTokens(), {layer.hiddenColumn}});
  if (!hidden)
    return nullptr;
  Value x = hidden;
  if (layer.queryDown) {
    Value low = projectRows(hidden, *layer.queryDown, /*hasHeads=*/false);
    x = low ? norm(low, *layer.queryNorm, layer.queryColumn) : Value();
  }
  auto [queryNope, queryPlain] = x ? projectBoth(x, layer.queryNope, layer.queryRope, /*hasHeads=*/true) : Pair();
  auto [latentRaw, keyPlain] = projectBoth(hidden, layer.latent, layer.keyRope, /*hasHeads=*/false);
  Value latent = norm(latentRaw, layer.latentNorm, layer.latentColumn);
  Value queryRope = rotate(queryPlain, layer.queryRotation, layer.query);
  Value keyRope = rotate(keyPlain, layer.keyRotation, layer.key);
  if (!latent || !queryNope || !queryRope || !keyRope)
    return nullptr;
  Value keys = projectRows(latent, layer.keyUp, /*hasHeads=*/true);
  Value values = projectRows(latent, layer.valueUp, /*hasHeads=*/true);
  if (!keys || !values)
    return nullptr;
  Value cu = cumulativeLengths();
  auto type = tensorOf({tokens(), size(layer.head), size(layer.value)});
  return AttentionOp::create(b, type, queryNope, queryRope, cu, keys, keyRope, cu, values,
                             /*sinks=*/Value(), b.getF64FloatAttr(layer.scale),
                             MaskAttr::get(b.getContext(), MaskKind::Causal))
      .getResult();
}

static Value toElement(ImplicitLocOpBuilder &b, Value x, Type element) {
  if (typeOf(x).getElementType() == element)
    return x;
  return arith::TruncFOp::create(b, typeOf(x).clone(element), x);
}

bool LayerWriter::replaceAttended(Value attention) {
  std::optional<View> view = viewOf(variables, layer.attendedRead);
  Value restored =
      view ? restore(b, variables, *view, {queryTokens(), {layer.head}, {layer.value}}, attention) : Value();
  if (!restored)
    return false;
  Value old = layer.attended;
  old.replaceAllUsesWith(toElement(b, restored, typeOf(old).getElementType()));
  return true;
}

bool LayerWriter::replaceOutput(Value attention, const Output &output) {
  Value weight = read(output.weight, {{output.row}, {layer.head}, {layer.value}});
  std::optional<View> view = viewOf(variables, output.resultRead);
  if (!weight || !view)
    return false;
  Value y = project(attention, weight, {tokens(), size(output.row)}, Heads::From);
  if (output.bias) {
    Value bias = read(output.bias, {{output.row}});
    if (!bias)
      return false;
    y = BiasOp::create(b, y, bias);
  }
  Value restored = restore(b, variables, *view, {queryTokens(), {output.row}}, y);
  if (!restored)
    return false;
  Value old = output.result;
  old.replaceAllUsesWith(toElement(b, restored, typeOf(old).getElementType()));
  return true;
}

namespace {
/// Records the created operations, so that they can be erased.
struct Written : OpBuilder::Listener {
  void notifyOperationInserted(Operation *op, OpBuilder::InsertPoint) override { ops.push_back(op); }
  void eraseAll() {
    // Bodies are erased with their operations.
    llvm::erase_if(ops, [](Operation *op) { return isa<linalg::LinalgOp>(op->getParentOp()); });
    for (Operation *op : llvm::reverse(ops))
      op->erase();
  }
  SmallVector<Operation *> ops;
};
} // namespace

bool mla::raise::buildLayer(Terms &terms, const Layer &layer, const std::optional<Output> &output) {
  Written written;
  Operation *attended = layer.attended.getDefiningOp();
  ImplicitLocOpBuilder b(attended->getLoc(), attended->getContext(), &written);
  b.setInsertionPoint(attended);
  LayerWriter writer(b, terms, layer);
  Value attention = writer.writeAttention();
  bool isReplaced = false;
  if (attention && output) {
    b.setInsertionPoint(output->result.getDefiningOp());
    isReplaced = writer.replaceOutput(attention, *output);
    b.setInsertionPoint(attended);
  }
  // Replace the attention's result for its other users, if there are any.
  if (attention)
    isReplaced |= writer.replaceAttended(attention);
  if (!isReplaced)
    written.eraseAll();
  return isReplaced;
}
