//===- ScaledOperand.cpp - Operands of products in memory -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScaledOperand.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

/// Of an element of a map: copies do not depend on the type.
static constexpr int64_t mappedBytes = 2;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

DequantizeOp mla::gpu::scaled(Value operand) { return operand.getDefiningOp<DequantizeOp>(); }

/// Return the weight, of which another one has the heads' rows one after the other, as memory has.
static Value withHeads(Value weight) {
  auto flat = weight.getDefiningOp<tensor::CollapseShapeOp>();
  return flat ? flat.getSrc() : weight;
}

Value mla::gpu::storedOf(Value operand) {
  DequantizeOp dequantized = scaled(operand);
  return dequantized ? dequantized.getX() : withHeads(operand);
}

FailureOr<View> mla::gpu::viewOfElements(Value x) {
  return viewOf(storedOf(x), scaled(x) ? Elements::E4M3 : Elements::BF16);
}

/// Return the sizes of a block, not beyond the weight, so that they fit 32 bits.
static SmallVector<int64_t> blockOf(DequantizeOp weight) {
  return llvm::map_to_vector(llvm::zip_equal(weight.getBlock(), typeOf(weight).getShape()), [](auto sizes) {
    auto [block, whole] = sizes;
    return std::min<int64_t>(block, whole);
  });
}

void mla::gpu::setElements(ProjectionDims &dims, Heads heads, Value weight, Value x) {
  if (DequantizeOp dequantized = scaled(weight)) {
    SmallVector<int64_t> block = blockOf(dequantized);
    dims.blocks = {block[ProjectOp::getRowDim(heads)], block.back()};
  }
  DequantizeOp dequantized = scaled(x);
  if (!dequantized)
    return;
  RankedTensorType stored = typeOf(dequantized.getX());
  dims.group = dequantized.getBlock().back();
  dims.terms = stored.getRank() > typeOf(x).getRank() ? stored.getDimSize(dequantized.getTermDim()) : 1;
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// Heads side by side have whole blocks each.
static LogicalResult checkBlocks(Operation *op, Heads heads, DequantizeOp weight) {
  ArrayRef<int64_t> shape = typeOf(weight).getShape();
  SmallVector<int64_t> block = blockOf(weight);
  int64_t rowDim = ProjectOp::getRowDim(heads);
  for (size_t dim = 0; dim + 1 < block.size(); ++dim)
    if (static_cast<int64_t>(dim) != rowDim && block[dim] != 1)
      return op->emitOpError("multiplies by a weight with blocks across heads; compile with --dtype=bf16");
  bool joinsRows = heads == Heads::To, joinsColumns = heads == Heads::From;
  if ((joinsRows && shape[rowDim] % block[rowDim] != 0) || (joinsColumns && shape.back() % block.back() != 0))
    return op->emitOpError("multiplies by a weight whose heads do not have whole blocks; compile with --dtype=bf16");
  return success();
}

static LogicalResult checkGroups(Operation *op, const ProjectionDims &d) {
  if (!llvm::is_contained({32, 64, 128}, d.group) || d.contracted % 16 != 0)
    return op->emitOpError() << "multiplies " << d.contracted << " columns of e4m3 with a scale per " << d.group
                             << "; kernels take multiples of 16 columns, and 32, 64 or 128 per scale";
  // A block may reach beyond the last column.
  bool wholeGroups = d.blocks.columns % d.group == 0 || d.blocks.columns >= d.contracted;
  if (!wholeGroups)
    return op->emitOpError() << "multiplies groups of " << d.group << " columns by blocks of " << d.blocks.columns
                             << "; a block must have whole groups";
  // Gates and their ups have blocks of their own.
  if (d.gated && (d.rows / 2) % d.blocks.rows != 0)
    return op->emitOpError() << "activates " << d.rows << " rows with blocks of " << d.blocks.rows
                             << ", which cross from gates to ups; compile with --dtype=bf16";
  return success();
}

LogicalResult mla::gpu::checkElements(Operation *op, Heads heads, Value weight, const ProjectionDims &dims) {
  DequantizeOp dequantized = scaled(weight);
  Type expected = dequantized ? Type(Float8E4M3FNType::get(op->getContext())) : BFloat16Type::get(op->getContext());
  RankedTensorType stored = typeOf(storedOf(weight));
  if (stored.getElementType() != expected || !stored.hasStaticShape())
    return op->emitOpError("expected a weight of ") << expected << " with static sizes, got " << stored;
  if (static_cast<bool>(dequantized) != dims.isScaled())
    return op->emitOpError("multiplies one operand of e4m3 by one of bf16; quantize both");
  if (!dequantized)
    return success();
  if (failed(checkBlocks(op, heads, dequantized)))
    return failure();
  return checkGroups(op, dims);
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

int64_t mla::gpu::mappedColumns(const ProjectionDims &dims) {
  return dims.contracted * dims.elementBytes() / mappedBytes;
}

TensorMap mla::gpu::mapOfWeight(const Buffer &buffer, const ProjectionShape &shape, int64_t rows,
                                MLIRContext *context) {
  const ProjectionDims &d = shape.dims;
  auto numbers = [&](ArrayRef<int64_t> values) {
    return llvm::map_to_vector(values, [&](int64_t value) { return getAffineConstantExpr(value, context); });
  };
  int64_t columns = mappedColumns(d), rowBytes = mappedBytes * columns, all = std::max(d.heads, d.experts);
  if (!d.gated)
    return {buffer, numbers({columns, rows, all}), numbers({rowBytes, rowBytes * rows}), shape.weightBox()};
  return {buffer, numbers({columns, gatedRows, 2, rows / (2 * gatedRows), all}),
          numbers({rowBytes, rowBytes * (rows / 2), rowBytes * gatedRows, rowBytes * rows}), shape.weightBox()};
}

LogicalResult mla::gpu::addScales(ArrayRef<Value> weights, Value x, Launch &launch) {
  SmallVector<Value> operands(weights);
  operands.push_back(x);
  for (Value operand : operands)
    if (DequantizeOp dequantized = scaled(operand)) {
      FailureOr<Buffer> scales = operandOf(dequantized.getScale());
      if (failed(scales))
        return failure();
      launch.arguments.push_back(*scales);
    }
  return success();
}
