//===- ExpectedProbes.cpp - Expected probes of a weight -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpectedProbes.h"
#include "mla/Dialect/MLA/Analysis/Commuting.h"
#include "mla/Dialect/MLA/Analysis/PrepareTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mla;

using Probes = llvm::MutableArrayRef<ProbeSums>;

static int64_t depthOf(ComposeOp op) {
  return mlir::cast<mlir::RankedTensorType>(op.getOuter().getType()).getDimSize(2);
}

int64_t mla::findDepth(mlir::Value value) {
  mlir::Operation *op = value.getDefiningOp();
  if (auto product = mlir::dyn_cast_if_present<ComposeOp>(op))
    return depthOf(product);
  int64_t deepest = 0;
  if (op)
    for (mlir::Value operand : op->getOperands())
      deepest = std::max(deepest, findDepth(operand));
  return deepest;
}

/// Return the maximum error of a factor's elements, relative to their magnitude and in units of u. The error is larger
/// if terms of a sum cancel: then the bound is too strict, but never too loose.
static double findRelativeError(mlir::Value value) {
  mlir::Operation *op = value.getDefiningOp();
  if (findDepth(value) == 0)
    return 0;
  if (auto product = mlir::dyn_cast<ComposeOp>(op))
    return std::sqrt(static_cast<double>(depthOf(product))) + findRelativeError(product.getOuter()) +
           findRelativeError(product.getInner());
  double most = 0;
  for (mlir::Value operand : op->getOperands())
    most = std::max(most, findRelativeError(operand));
  return most + (mlir::isa<mlir::arith::AddFOp, mlir::arith::MulFOp>(op) ? 1 : 0);
}

llvm::SmallVector<Place> mla::joinRows(const Selection &selection) {
  llvm::SmallVector<Place> rows = {{0, 0}};
  for (const auto &places : llvm::drop_end(selection)) {
    llvm::SmallVector<Place> joined;
    for (Place row : rows)
      for (Place place : places)
        joined.push_back({static_cast<int64_t>(joined.size()), row.offset + place.offset});
    rows = joined;
  }
  return rows;
}

ExpectedProbes::ExpectedProbes(const Reference &reference, const ProbeVectors &vectors)
    : reference(reference), vectors(vectors) {
  for (int probe = 0; probe < kNumProbes; ++probe) {
    underflow[probe] = 0;
    for (double element : vectors[probe])
      underflow[probe] += std::fabs(element) * 0x1p-126;
  }
}

static llvm::Error noProbe(mlir::Operation *op) {
  return llvm::createStringError("'" + op->getName().getStringRef() + "' in a product of weights cannot be checked");
}

llvm::Error ExpectedProbes::probe(mlir::Value value, const Selection &selection, Probes out) const {
  if (findDepth(value) == 0)
    return probeElements(value, selection, out);
  mlir::Operation *op = value.getDefiningOp();
  if (movesElements(op))
    return probeMoved(op, selection, out);
  return llvm::TypeSwitch<mlir::Operation *, llvm::Error>(op)
      .Case([&](ComposeOp product) { return probeProduct(product, selection, out); })
      .Case([&](mlir::arith::AddFOp) { return probeSum(op, selection, out); })
      .Case([&](mlir::arith::MulFOp) { return probeScaled(op, selection, out); })
      .Case([&](mlir::arith::ExtFOp) { return probe(op->getOperand(0), selection, out); })
      .Default(noProbe);
}

/// Number of elements evaluated together: they fit in L2, or in L1 if the checkpoint may store rows as columns.
static constexpr size_t kLargeBlock = 16384, kSmallBlock = 4096;

/// Probe exact elements: reading, moving, dequantizing and rounding have only one correct result.
llvm::Error ExpectedProbes::probeElements(mlir::Value value, const Selection &selection, Probes out) const {
  size_t block = std::max<size_t>(kLargeBlock / numColumns(), 1);
  if (selection.size() > 1 && selection.end()[-2].size() > block)
    return probeBlocks(value, selection, block, out);
  llvm::SmallVector<Place> rows = joinRows(selection);
  std::vector<double> elements(rows.size() * numColumns());
  if (llvm::Error error = reference.evaluate(value, dense(selection), elements.data()))
    return error;
  for (Place row : rows)
    out[row.offset / numColumns()] =
        sumRow(llvm::ArrayRef(elements).slice(row.index * numColumns(), numColumns()), vectors);
  return llvm::Error::success();
}

/// Probe blocks of this many indices of the second-to-last dimension.
llvm::Error ExpectedProbes::probeBlocks(mlir::Value value, const Selection &selection, size_t size, Probes out) const {
  Selection block = selection;
  for (llvm::ArrayRef<Place> rest = selection.end()[-2]; !rest.empty();
       rest = rest.drop_front(block.end()[-2].size())) {
    block.end()[-2] = llvm::to_vector(rest.take_front(size));
    if (llvm::Error error = probeElements(value, block, out))
      return error;
  }
  return llvm::Error::success();
}

/// Return whether the columns are the whole last dimension, which the vectors require.
static bool hasColumns(const Selection &selection, int64_t numColumns) {
  return static_cast<int64_t>(selection.back().size()) == numColumns &&
         llvm::all_of(llvm::enumerate(selection.back()),
                      [](auto place) { return place.value().offset == static_cast<int64_t>(place.index()); });
}

/// Probe moved elements, in parts if the selection is not a product of indices of the source.
llvm::Error ExpectedProbes::probeMoved(mlir::Operation *op, const Selection &selection, Probes out) const {
  if (!hasColumns(selection, numColumns()))
    return noProbe(op);
  llvm::Expected<Selection> source = selectSource(op, selection);
  if (source)
    return hasColumns(*source, numColumns()) ? probe(op->getOperand(0), *source, out) : noProbe(op);
  llvm::consumeError(source.takeError());
  for (const Selection &part : splitSelection(selection))
    if (llvm::Error error = probeMoved(op, part, out))
      return error;
  return llvm::Error::success();
}

llvm::Error ExpectedProbes::probeProduct(ComposeOp op, const Selection &selection, Probes out) const {
  int64_t depth = depthOf(op);
  for (Place head : selection[0]) {
    Selection ofInner = dense({{head}, selectAll({depth})[0], selection[2]});
    std::vector<ProbeSums> inner(depth), sums(selection[1].size());
    if (llvm::Error error = probe(op.getInner(), ofInner, inner))
      return error;
    if (llvm::Error error = probeOuter(op, head.index, selection[1], inner, sums))
      return error;
    for (auto [row, sum] : llvm::zip_equal(selection[1], sums))
      out[(head.offset + row.offset) / numColumns()] = sum;
  }
  return llvm::Error::success();
}

llvm::Error ExpectedProbes::probeOuter(ComposeOp op, int64_t head, llvm::ArrayRef<Place> rows,
                                       llvm::ArrayRef<ProbeSums> inner, Probes out) const {
  size_t depth = inner.size(), block = std::max<size_t>(kSmallBlock / depth, 1);
  double steps = depth, growth = std::max(std::sqrt(steps), steps / std::sqrt(numColumns()));
  double relative = growth + findRelativeError(op.getOuter());
  ProbedFactor factor(inner);
  std::vector<double> outer(std::min(block, rows.size()) * depth);
  for (; !rows.empty(); rows = rows.drop_front(std::min(block, rows.size()))) {
    llvm::SmallVector<Place> some = llvm::to_vector(rows.take_front(block));
    Selection ofOuter = dense({{Place{head, 0}}, some, selectAll({static_cast<int64_t>(depth)})[0]});
    if (llvm::Error error = reference.evaluate(op.getOuter(), ofOuter, outer.data()))
      return error;
    for (size_t n = 0; n < some.size(); ++n) {
      ProbeSums sum = factor.sumRow(llvm::ArrayRef(outer).slice(n * depth, depth));
      for (int probe = 0; probe < kNumProbes; ++probe)
        sum.errors[probe] += relative * sum.magnitudes[probe] + steps * underflow[probe];
      out[n] = sum;
    }
    out = out.drop_front(some.size());
  }
  return llvm::Error::success();
}

llvm::Error ExpectedProbes::probeSum(mlir::Operation *op, const Selection &selection, Probes out) const {
  std::vector<ProbeSums> other(out.size());
  if (llvm::Error error = probe(op->getOperand(0), selection, out))
    return error;
  if (llvm::Error error = probe(op->getOperand(1), selection, other))
    return error;
  for (Place row : joinRows(selection))
    for (int probe = 0; probe < kNumProbes; ++probe) {
      ProbeSums &sum = out[row.offset / numColumns()], &term = other[row.offset / numColumns()];
      sum.sums[probe] += term.sums[probe];
      sum.magnitudes[probe] += term.magnitudes[probe];
      sum.errors[probe] += term.errors[probe] + sum.magnitudes[probe];
    }
  return llvm::Error::success();
}

llvm::Error ExpectedProbes::probeScaled(mlir::Operation *op, const Selection &selection, Probes out) const {
  std::optional<ConstantScale> scale = getConstantScale(op);
  if (!scale)
    return noProbe(op);
  if (llvm::Error error = probe(scale->x, selection, out))
    return error;
  double factor = scale->factor.convertToDouble();
  for (Place row : joinRows(selection))
    for (int probe = 0; probe < kNumProbes; ++probe) {
      ProbeSums &sum = out[row.offset / numColumns()];
      sum.sums[probe] *= factor;
      sum.magnitudes[probe] *= std::fabs(factor);
      sum.errors[probe] = std::fabs(factor) * sum.errors[probe] + sum.magnitudes[probe] + underflow[probe];
    }
  return llvm::Error::success();
}
