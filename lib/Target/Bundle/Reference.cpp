//===- Reference.cpp - Weights by definition ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reference.h"
#include "Elements.h"
#include "mla/Dialect/MLA/Analysis/PrepareTile.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mla;

using Places = llvm::SmallVector<Place>;
using Row = llvm::MutableArrayRef<double>;

//===----------------------------------------------------------------------===//
// Selections
//===----------------------------------------------------------------------===//

Selection mla::selectBox(llvm::ArrayRef<int64_t> offsets, llvm::ArrayRef<int64_t> sizes) {
  Selection selection(sizes.size());
  int64_t stride = 1;
  for (size_t d = sizes.size(); d-- > 0; stride *= sizes[d]) {
    selection[d].reserve(sizes[d]);
    for (int64_t i = 0; i < sizes[d]; ++i)
      selection[d].push_back({offsets[d] + i, i * stride});
  }
  return selection;
}

Selection mla::selectAll(llvm::ArrayRef<int64_t> shape) {
  return selectBox(llvm::SmallVector<int64_t>(shape.size(), 0), shape);
}

/// Join two dimensions; the inner one has `size` indices.
static Places join(llvm::ArrayRef<Place> outer, llvm::ArrayRef<Place> inner, int64_t size) {
  Places joined;
  joined.reserve(outer.size() * inner.size());
  for (Place o : outer)
    for (Place i : inner)
      joined.push_back({o.index * size + i.index, o.offset + i.offset});
  return joined;
}

/// Split one dimension into two, if its indices are all combinations of theirs.
static std::optional<std::pair<Places, Places>> split(llvm::ArrayRef<Place> places, int64_t size) {
  Places outer, inner;
  for (Place place : places)
    if (place.index / size == places[0].index / size)
      inner.push_back({place.index % size, place.offset - places[0].offset});
  for (size_t i = 0; i < places.size(); i += inner.size())
    outer.push_back({places[i].index / size, places[i].offset});
  Places again = join(outer, inner, size);
  bool same = llvm::equal(places, again, [](Place a, Place b) { return a.index == b.index && a.offset == b.offset; });
  return same ? std::optional(std::pair(outer, inner)) : std::nullopt;
}

static llvm::Expected<Selection> sourceOfCollapse(mlir::tensor::CollapseShapeOp op, const Selection &selection) {
  Selection source(op.getSrcType().getRank());
  for (auto [places, group] : llvm::zip_equal(selection, op.getReassociationIndices())) {
    Places rest = places;
    for (int64_t d : llvm::reverse(llvm::drop_begin(group))) {
      auto parts = split(rest, op.getSrcType().getDimSize(d));
      if (!parts)
        return llvm::createStringError("a tile of a weight is not a box of its source");
      std::tie(rest, source[d]) = *parts;
    }
    source[group.front()] = rest;
  }
  return source;
}

static Selection sourceOfExpand(mlir::tensor::ExpandShapeOp op, const Selection &selection) {
  Selection source;
  for (llvm::ArrayRef<int64_t> group : op.getReassociationIndices()) {
    Places joined = selection[group.front()];
    for (int64_t d : group.drop_front())
      joined = join(joined, selection[d], op.getResultType().getDimSize(d));
    source.push_back(joined);
  }
  return source;
}

static Selection sourceOfSlice(mlir::tensor::ExtractSliceOp op, const Selection &selection) {
  Selection source = selection;
  for (auto [places, offset] : llvm::zip_equal(source, op.getStaticOffsets()))
    for (Place &place : places)
      place.index += offset;
  return source;
}

llvm::Expected<Selection> mla::selectSource(mlir::Operation *op, const Selection &selection) {
  using Result = llvm::Expected<Selection>;
  return llvm::TypeSwitch<mlir::Operation *, Result>(op)
      .Case([&](mlir::tensor::CollapseShapeOp collapse) { return sourceOfCollapse(collapse, selection); })
      .Case([&](mlir::tensor::ExpandShapeOp expand) -> Result { return sourceOfExpand(expand, selection); })
      .Case([&](mlir::tensor::ExtractSliceOp slice) -> Result { return sourceOfSlice(slice, selection); })
      .Case([&](mlir::linalg::TransposeOp transpose) -> Result {
        Selection source(selection.size());
        for (auto [places, dimension] : llvm::zip_equal(selection, transpose.getPermutation()))
          source[dimension] = places;
        return source;
      })
      .Case([&](mlir::linalg::PackOp pack) -> Result {
        Selection source(llvm::ArrayRef(selection).drop_back());
        Places &rows = source[pack.getInnerDimsPos().front()];
        rows = join(rows, selection.back(), pack.getStaticInnerTiles().front());
        return source;
      })
      .Default([](mlir::Operation *op) -> Result {
        return llvm::createStringError("'" + op->getName().getStringRef() + "' does not move elements");
      });
}

std::vector<Selection> mla::splitSelection(const Selection &selection) {
  std::vector<Selection> parts;
  auto several = llvm::find_if(selection, [](const Places &places) { return places.size() > 1; });
  if (several == selection.end())
    return parts;
  for (Place place : *several) {
    parts.push_back(selection);
    parts.back()[several - selection.begin()] = {place};
  }
  return parts;
}

/// Call back with the indices and the place of every row of the last dimension.
static void forEachRow(llvm::ArrayRef<Places> selection,
                       llvm::function_ref<void(llvm::ArrayRef<int64_t> indices, int64_t offset)> callback) {
  llvm::SmallVector<int64_t> indices;
  std::function<void(int64_t)> descend = [&](int64_t offset) {
    if (indices.size() + 1 >= selection.size())
      return callback(indices, offset);
    for (Place place : selection[indices.size()]) {
      indices.push_back(place.index);
      descend(offset + place.offset);
      indices.pop_back();
    }
  };
  descend(0);
}

/// Return whether elements are contiguous in the caller's memory.
static bool areContiguous(llvm::ArrayRef<Place> places) {
  return llvm::all_of(llvm::enumerate(places), [&](auto place) {
    return place.value().offset == places.front().offset + static_cast<int64_t>(place.index());
  });
}

enum class Rows { Filled, Changed };

/// Call back with every row of `out` to fill or change; rows that are not contiguous are copied to a buffer and back.
template <typename F> static void forEachRowOf(double *out, const Selection &selection, Rows are, F callback) {
  llvm::ArrayRef<Place> columns = selection.back();
  bool direct = areContiguous(columns);
  std::vector<double> buffer(direct ? 0 : columns.size());
  forEachRow(selection, [&](llvm::ArrayRef<int64_t> indices, int64_t offset) {
    if (direct)
      return callback(indices, llvm::MutableArrayRef(out + offset + columns.front().offset, columns.size()));
    if (are == Rows::Changed)
      for (auto [element, place] : llvm::zip_equal(buffer, columns))
        element = out[offset + place.offset];
    callback(indices, llvm::MutableArrayRef(buffer));
    for (auto [element, place] : llvm::zip_equal(buffer, columns))
      out[offset + place.offset] = element;
  });
}

static llvm::SmallVector<int64_t> sizesOf(const Selection &selection) {
  return llvm::map_to_vector(selection, [](const Places &places) { return static_cast<int64_t>(places.size()); });
}

static int64_t numElements(const Selection &selection) {
  int64_t count = 1;
  for (const Places &places : selection)
    count *= places.size();
  return count;
}

Selection mla::dense(const Selection &selection) {
  Selection packed = selectAll(sizesOf(selection));
  for (auto [to, from] : llvm::zip_equal(packed, selection))
    for (auto [place, original] : llvm::zip_equal(to, from))
      place.index = original.index;
  return packed;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

/// Return the row-major position of a row's first element.
static int64_t beginOfRow(llvm::ArrayRef<int64_t> indices, llvm::ArrayRef<int64_t> shape) {
  int64_t row = 0;
  for (auto [index, size] : llvm::zip(indices, shape))
    row = row * size + index;
  return row * shape.back();
}

static bool haveConsecutiveIndices(llvm::ArrayRef<Place> places) {
  return llvm::all_of(llvm::enumerate(places), [&](auto place) {
    return place.value().index == places.front().index + static_cast<int64_t>(place.index());
  });
}

static llvm::Error readWeight(const SafetensorsTensor &tensor, const Selection &selection, double *out) {
  if (selection.empty()) {
    widenRow(tensor.dtype, tensor.data, 0, Row(out, 1));
    return llvm::Error::success();
  }
  llvm::ArrayRef<Place> columns = selection.back();
  bool together = haveConsecutiveIndices(columns);
  forEachRowOf(out, selection, Rows::Filled, [&](llvm::ArrayRef<int64_t> indices, Row row) {
    int64_t begin = beginOfRow(indices, tensor.shape);
    if (together)
      return widenRow(tensor.dtype, tensor.data, begin + columns.front().index, row);
    for (size_t i = 0; i < columns.size(); ++i)
      widenRow(tensor.dtype, tensor.data, begin + columns[i].index, row.slice(i, 1));
  });
  return llvm::Error::success();
}

/// Dequantize. Rows of one row of blocks share their scales.
static llvm::Error dequantize(const Reference &reference, DequantizeOp op, const Selection &selection, double *out) {
  if (selection.size() != 2)
    return llvm::createStringError("a dequantized weight does not have rank 2");
  if (llvm::Error error = reference.evaluate(op.getX(), selection, out))
    return error;
  mlir::Type type = op.getType().getElementType();
  std::vector<double> scales(selection[1].size());
  Places columns = selection[1];
  for (Place &column : columns)
    column.index /= op.getBlock()[1];
  for (llvm::ArrayRef<Place> rest = selection[0]; !rest.empty();) {
    int64_t block = rest.front().index / op.getBlock()[0];
    auto rows = rest.take_while([&](Place row) { return row.index / op.getBlock()[0] == block; });
    if (llvm::Error error = reference.evaluate(op.getScale(), dense({{Place{block, 0}}, columns}), scales.data()))
      return error;
    forEachRowOf(out, {Places(rows), selection[1]}, Rows::Changed, [&](llvm::ArrayRef<int64_t>, Row row) {
      multiplyRow(row, scales);
      roundRow(type, row);
    });
    rest = rest.drop_front(rows.size());
  }
  return llvm::Error::success();
}

/// Compute products head by head, without rounding sums.
static llvm::Error compose(const Reference &reference, ComposeOp op, const Selection &selection, double *out) {
  int64_t depth = mlir::cast<mlir::RankedTensorType>(op.getOuter().getType()).getDimSize(2);
  Places steps = selectAll({depth})[0];
  int64_t rows = selection[1].size(), columns = selection[2].size();
  std::vector<double> outer(rows * depth), inner(depth * columns);
  for (Place head : selection[0]) {
    Selection ofOuter = dense({{head}, selection[1], steps}), ofInner = dense({{head}, steps, selection[2]});
    if (llvm::Error error = reference.evaluate(op.getOuter(), ofOuter, outer.data()))
      return error;
    if (llvm::Error error = reference.evaluate(op.getInner(), ofInner, inner.data()))
      return error;
    for (int64_t n = 0; n < rows; ++n)
      for (int64_t m = 0; m < columns; ++m) {
        double sum = 0;
        for (int64_t k = 0; k < depth; ++k)
          sum += outer[n * depth + k] * inner[k * columns + m];
        out[head.offset + selection[1][n].offset + selection[2][m].offset] = sum;
      }
  }
  return llvm::Error::success();
}

/// Evaluate every piece at the indices that lie in it.
static llvm::Error concatenate(const Reference &reference, mlir::tensor::ConcatOp op, const Selection &selection,
                               double *out) {
  int64_t begin = 0;
  for (mlir::Value piece : op.getInputs()) {
    int64_t end = begin + mlir::cast<mlir::RankedTensorType>(piece.getType()).getDimSize(op.getDim());
    Selection part = selection;
    Places &places = part[op.getDim()];
    llvm::erase_if(places, [&](Place place) { return place.index < begin || place.index >= end; });
    for (Place &place : places)
      place.index -= begin;
    begin = end;
    if (places.empty())
      continue;
    if (llvm::Error error = reference.evaluate(piece, part, out))
      return error;
  }
  return llvm::Error::success();
}

static llvm::Error readConstant(mlir::DenseElementsAttr values, const Selection &selection, double *out) {
  auto elements = values.getValues<llvm::APFloat>();
  forEachRowOf(out, selection, Rows::Filled, [&](llvm::ArrayRef<int64_t> indices, Row row) {
    int64_t begin = beginOfRow(indices, values.getType().getShape());
    for (auto [element, place] : llvm::zip_equal(row, selection.back()))
      element = elements[begin + place.index].convertToDouble();
  });
  return llvm::Error::success();
}

static llvm::Error castTo(const Reference &reference, mlir::Operation *op, const Selection &selection, double *out) {
  if (llvm::Error error = reference.evaluate(op->getOperand(0), selection, out))
    return error;
  mlir::Type type = mlir::getElementTypeOrSelf(op->getResult(0));
  forEachRowOf(out, selection, Rows::Changed, [&](llvm::ArrayRef<int64_t>, Row row) { roundRow(type, row); });
  return llvm::Error::success();
}

template <typename F>
static llvm::Error combine(const Reference &reference, mlir::Operation *op, const Selection &selection, double *out,
                           F combination) {
  if (llvm::Error error = reference.evaluate(op->getOperand(0), selection, out))
    return error;
  std::vector<double> others(numElements(selection));
  if (llvm::Error error = reference.evaluate(op->getOperand(1), dense(selection), others.data()))
    return error;
  mlir::Type type = mlir::getElementTypeOrSelf(op->getResult(0));
  const double *other = others.data();
  forEachRowOf(out, selection, Rows::Changed, [&](llvm::ArrayRef<int64_t>, Row row) {
    for (double &element : row)
      element = combination(element, *other++);
    roundRow(type, row);
  });
  return llvm::Error::success();
}

/// Evaluate a tensor of rank 0, which has no places, and give the element to every place.
llvm::Error Reference::evaluateScalar(mlir::Value scalar, const Selection &places, double *out) const {
  double element = 0;
  if (llvm::Error error = evaluate(scalar, {}, &element))
    return error;
  forEachRowOf(out, places, Rows::Filled,
               [&](llvm::ArrayRef<int64_t>, Row row) { std::fill(row.begin(), row.end(), element); });
  return llvm::Error::success();
}

/// Evaluate moved elements, in parts if the selection is not a product of indices of the source.
llvm::Error Reference::evaluateMoved(mlir::Operation *op, const Selection &selection, double *out) const {
  if (mlir::cast<mlir::RankedTensorType>(op->getOperand(0).getType()).getRank() == 0)
    return evaluateScalar(op->getOperand(0), selection, out);
  llvm::Expected<Selection> source = selectSource(op, selection);
  if (source)
    return evaluate(op->getOperand(0), *source, out);
  llvm::consumeError(source.takeError());
  for (const Selection &part : splitSelection(selection))
    if (llvm::Error error = evaluateMoved(op, part, out))
      return error;
  return llvm::Error::success();
}

llvm::Error Reference::evaluate(mlir::Value value, const Selection &selection, double *out) const {
  if (auto argument = mlir::dyn_cast<mlir::BlockArgument>(value))
    return readWeight(*inputs[argument.getArgNumber()], selection, out);
  mlir::Operation *op = value.getDefiningOp();
  if (op == unrounded)
    return evaluate(op->getOperand(0), selection, out);
  if (movesElements(op))
    return evaluateMoved(op, selection, out);
  mlir::DenseElementsAttr constant;
  if (mlir::matchPattern(op, mlir::m_Constant(&constant)))
    return readConstant(constant, selection, out);
  return llvm::TypeSwitch<mlir::Operation *, llvm::Error>(op)
      .Case([&](DequantizeOp dequantized) { return dequantize(*this, dequantized, selection, out); })
      .Case([&](ComposeOp product) { return compose(*this, product, selection, out); })
      .Case([&](mlir::tensor::ConcatOp pieces) { return concatenate(*this, pieces, selection, out); })
      .Case<mlir::arith::AddFOp>([&](auto) { return combine(*this, op, selection, out, std::plus<>()); })
      .Case<mlir::arith::MulFOp>([&](auto) { return combine(*this, op, selection, out, std::multiplies<>()); })
      .Case<mlir::arith::TruncFOp>([&](auto) { return castTo(*this, op, selection, out); })
      .Case<mlir::arith::ExtFOp>([&](auto) { return evaluate(op->getOperand(0), selection, out); })
      .Default([](mlir::Operation *op) {
        return llvm::createStringError("'" + op->getName().getStringRef() + "' cannot be checked");
      });
}
