//===- KernelWork.cpp - Bytes and operations of a kernel --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelWork.h"
#include "mla/Conversion/MLAToGPU/Views.h"
#include "mla/Dialect/MLA/IR/Adapt.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

/// Return the elements of a row; a width known only to a step counts as one.
static int64_t rowElements(RankedTensorType type) {
  int64_t elements = 1;
  for (int64_t size : type.getShape().drop_front())
    elements *= ShapedType::isDynamic(size) ? 1 : size;
  return elements;
}

static int64_t bytesOf(RankedTensorType type, int64_t elements) {
  return llvm::divideCeil(elements * type.getElementTypeBitWidth(), 8);
}

static AffineExpr bytesOf(Value value, AffineExpr rows) {
  return rows * bytesOf(typeOf(value), rowElements(typeOf(value)));
}

static AffineExpr atMost(AffineExpr count, int64_t most) { return isAtMost(count, most) * (count - most) + most; }

/// Return the experts that the tokens can choose.
static AffineExpr expertsOf(GroupedProjectOp op) {
  AffineExpr choices = rowsOf(op.getRows()) * typeOf(op.getRows()).getDimSize(1);
  return atMost(choices, typeOf(op.getWeight()).getDimSize(0));
}

/// Return the adapters that the sequences can have.
static AffineExpr adaptersOf(AdaptOp op) {
  return atMost(expressionOf(Size::Batch, op.getContext()), op.getSizes().adapters);
}

/// Return the product of experts of which the value is the weight; null if it is none.
static GroupedProjectOp findReaderAsWeight(Value value) {
  for (Operation *user : value.getUsers())
    if (auto grouped = dyn_cast<GroupedProjectOp>(user); grouped && grouped.getWeight() == value)
      return grouped;
  return {};
}

/// Return the bytes of the operand that the user needs. A slice is not all of its source.
static AffineExpr bytesOfUse(OpOperand &use) {
  Value value = use.get();
  AffineExpr rows = rowsOf(value);
  return llvm::TypeSwitch<Operation *, AffineExpr>(use.getOwner())
      .Case([&](EmbedOp op) { return bytesOf(value, value == op.getTable() ? rowsOf(op.getIds()) : rows); })
      .Case([&](GroupedProjectOp op) { return bytesOf(value, value == op.getWeight() ? expertsOf(op) : rows); })
      .Case([&](AdaptOp op) {
        bool isMatrix = value == op.getDown() || value == op.getUp();
        return bytesOf(value, isMatrix ? adaptersOf(op) : rows);
      })
      .Case([&](DequantizeOp op) {
        GroupedProjectOp grouped = findReaderAsWeight(op);
        return bytesOf(value, grouped ? expertsOf(grouped) : rows);
      })
      .Case([&](tensor::ExtractSliceOp op) { return bytesOf(op.getResult(), rows); })
      .Case([&](tensor::DimOp) { return getAffineConstantExpr(0, value.getContext()); })
      .Default([&](Operation *) { return bytesOf(value, rows); });
}

/// Return the smaller of two numbers from 0 to 2^40. Affine expressions have no minimum.
static AffineExpr smallerOf(AffineExpr a, AffineExpr b) {
  constexpr int64_t beyond = int64_t(1) << 40;
  AffineExpr exceeds = (a - b + (beyond - 1)).floorDiv(beyond);
  return a - (a - b) * exceeds;
}

/// Return the cached tokens that an attention reads: with a window no more than the queries see together, as if all
/// sequences had as many.
static AffineExpr countSeen(LatentAttentionOp attention) {
  MLIRContext *context = attention.getContext();
  AffineExpr cached = expressionOf(Size::Cached, context);
  int64_t window = attention.getMask().getWindow();
  if (!window)
    return cached;
  return smallerOf(cached, expressionOf(Size::Batch, context) * (window - 1) + rowsOf(attention.getQLatent()));
}

/// Return the bytes of a cache's rows that the user reads or writes.
static AffineExpr bytesOfCacheUse(OpOperand &use) {
  MLIRContext *context = use.get().getContext();
  RankedTensorType pages = cast<CacheType>(use.get().getType()).getPagesType();
  int64_t rowBytes = bytesOf(pages, pages.getShape().back());
  return llvm::TypeSwitch<Operation *, AffineExpr>(use.getOwner())
      .Case([&](AppendOp op) { return rowsOf(op.getLatent()) * rowBytes; })
      .Case([&](GatherOp) { return expressionOf(Size::Cached, context) * rowBytes; })
      .Case([&](LatentAttentionOp op) { return countSeen(op) * rowBytes; })
      .Default([&](Operation *) { return getAffineConstantExpr(0, context); });
}

/// Return whether the use needs all of the operand.
static bool takesAll(OpOperand &use) { return !isa<tensor::ExtractSliceOp, tensor::DimOp>(use.getOwner()); }

/// Return the bytes of an operand that the region needs. Slices do not overlap.
static AffineExpr bytesOfOperand(BlockArgument operand) {
  AffineExpr sum = getAffineConstantExpr(0, operand.getContext());
  for (OpOperand &use : operand.getUses()) {
    if (isa<CacheType>(operand.getType()))
      sum = sum + bytesOfCacheUse(use);
    else if (takesAll(use))
      return bytesOfUse(use);
    else
      sum = sum + bytesOfUse(use);
  }
  return sum;
}

/// Return the bytes of a result. A cache is written in place, and is an operand.
static AffineExpr bytesOfResult(Value result) {
  return isa<CacheType>(result.getType()) ? getAffineConstantExpr(0, result.getContext())
                                          : bytesOf(result, rowsOf(result));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Return the queries times the keys that each sees, as if all sequences had as many of both.
static AffineExpr countPairs(Value queries, MaskAttr mask) {
  MLIRContext *context = queries.getContext();
  AffineExpr tokens = rowsOf(queries), batch = expressionOf(Size::Batch, context);
  AffineExpr cached = expressionOf(Size::Cached, context);
  if (mask.isNone())
    return (tokens * cached).floorDiv(batch);
  AffineExpr causal = (tokens * (cached * 2 - tokens + batch)).floorDiv(batch * 2);
  return mask.getWindow() ? smallerOf(causal, tokens * mask.getWindow()) : causal;
}

/// Return the terms of an element of a token.
static int64_t termsOf(Value x) {
  auto dequantized = x.getDefiningOp<DequantizeOp>();
  if (!dequantized || typeOf(dequantized.getX()).getRank() == typeOf(x).getRank())
    return 1;
  return typeOf(dequantized.getX()).getDimSize(dequantized.getTermDim());
}

/// Return whether each head has an update of its own, by matrices of which one is that of all heads.
static bool isPerHead(AdaptOp op) { return typeOf(op.getX()).getRank() == 3 && !op.sumsHeads(); }

/// Adds the operations of a product to the operands that hold `factor`, by their shares.
void KernelWork::addProduct(Value factor, AffineExpr flops) {
  Operation *op = factor.getDefiningOp();
  if (auto argument = dyn_cast<BlockArgument>(factor))
    operandFlops[argument.getArgNumber()] = operandFlops[argument.getArgNumber()] + flops;
  else if (auto dequantized = dyn_cast<DequantizeOp>(op))
    addProduct(dequantized.getX(), flops);
  else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    addProduct(slice.getSource(), flops);
  else if (auto flat = dyn_cast<tensor::CollapseShapeOp>(op))
    addProduct(flat.getSrc(), flops);
  else if (auto joined = dyn_cast<tensor::ConcatOp>(op))
    for (Value part : joined.getInputs())
      addProduct(part, (flops * typeOf(part).getNumElements()).floorDiv(typeOf(factor).getNumElements()));
}

void KernelWork::countProducts() {
  for (Operation &op : kernel.getBody().front())
    llvm::TypeSwitch<Operation *>(&op)
        .Case([&](ProjectOp project) {
          int64_t elements = typeOf(project.getWeight()).getNumElements() * termsOf(project.getX());
          addProduct(project.getWeight(), rowsOf(project.getX()) * (2 * elements));
        })
        .Case([&](GroupedProjectOp project) {
          RankedTensorType weight = typeOf(project.getWeight());
          int64_t elements = weight.getNumElements() / weight.getDimSize(0);
          int64_t products = typeOf(project.getRows()).getDimSize(1) * termsOf(project.getRows());
          addProduct(project.getWeight(), rowsOf(project.getRows()) * (2 * products * elements));
        })
        .Case([&](AdaptOp op) {
          for (Value matrix : {op.getDown(), op.getUp()}) {
            int64_t elements = typeOf(matrix).getNumElements() / op.getSizes().adapters;
            int64_t times = typeOf(matrix).getRank() == 3 && isPerHead(op) ? op.getSizes().headsOut : 1;
            addProduct(matrix, rowsOf(op.getY()) * (2 * elements * times));
          }
        })
        .Case([&](LatentAttentionOp attention) {
          int64_t key = rowElements(typeOf(attention.getQLatent())) + rowElements(typeOf(attention.getQRope()));
          int64_t value = rowElements(typeOf(attention.getQLatent()));
          addProduct(attention.getCache(),
                     countPairs(attention.getQLatent(), attention.getMask()) * (2 * (key + value)));
        })
        .Case([&](AttentionOp attention) {
          int64_t key = rowElements(typeOf(attention.getQNope())) + rowElements(typeOf(attention.getQRope()));
          int64_t value = rowElements(typeOf(attention.getResult()));
          addProduct(attention.getKNope(), countPairs(attention.getQNope(), attention.getMask()) * (2 * (key + value)));
        });
}

//===----------------------------------------------------------------------===//
// A kernel
//===----------------------------------------------------------------------===//

KernelWork::KernelWork(KernelOp kernel) : kernel(kernel) {
  for (BlockArgument operand : kernel.getBody().getArguments())
    operandBytes.push_back(bytesOfOperand(operand));
  for (Value result : kernel.getOutputs())
    resultBytes.push_back(bytesOfResult(result));
  operandFlops.assign(operandBytes.size(), getAffineConstantExpr(0, kernel.getContext()));
  countProducts();
}

static const Buffer *bufferOf(const Argument &argument) {
  if (const auto *map = std::get_if<TensorMap>(&argument))
    return &map->buffer;
  return std::get_if<Buffer>(&argument);
}

/// Return the sum over the buffers, each once and with terms collected, since the runtime bounds the parts of an
/// expression. Of a cache, the pages count.
AffineExpr KernelWork::sumOf(const Launch &launch, llvm::function_ref<AffineExpr(const Buffer &)> amountOf) const {
  AffineExpr sum = getAffineConstantExpr(0, kernel->getContext());
  llvm::SmallDenseSet<std::pair<int, unsigned>> seen;
  for (const Argument &argument : launch.arguments) {
    const Buffer *buffer = bufferOf(argument);
    if (buffer && buffer->kind != Buffer::Workspace && buffer->part == Buffer::Pages &&
        seen.insert({buffer->kind, buffer->index}).second)
      sum = sum + amountOf(*buffer);
  }
  return simplifyAffineExpr(sum, /*numDims=*/0, numSizes);
}

AffineExpr KernelWork::bytesOf(const Launch &launch) const {
  return sumOf(launch, [&](const Buffer &buffer) {
    return (buffer.kind == Buffer::Operand ? operandBytes : resultBytes)[buffer.index];
  });
}

AffineExpr KernelWork::flopsOf(const Launch &launch) const {
  return sumOf(launch, [&](const Buffer &buffer) {
    return buffer.kind == Buffer::Operand ? operandFlops[buffer.index] : getAffineConstantExpr(0, kernel->getContext());
  });
}
