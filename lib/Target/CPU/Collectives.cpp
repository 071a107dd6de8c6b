//===- Collectives.cpp - Exchanges of ranks as calls ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bufferizes collective operations on blocks to calls of the runtime's functions
// (mla/abi.h). An address is an i64, which is passed like a pointer.
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/Ranks.h"
#include "mla/Target/CPU/Passes.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Func/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Shard/IR/ShardDialect.h"
#include "mlir/Dialect/Shard/IR/ShardOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace {
/// Builds the arguments of a call.
class CallBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  Value number(int64_t value) { return arith::ConstantOp::create(*this, getI64IntegerAttr(value)); }

  Value address(Value buffer) {
    Value pointer = memref::ExtractAlignedPointerAsIndexOp::create(*this, buffer);
    return arith::IndexCastOp::create(*this, getI64Type(), pointer);
  }

  /// Return the number of elements, times `factor`.
  Value count(Value buffer, int64_t factor = 1) {
    Value product = arith::ConstantIndexOp::create(*this, factor);
    for (int64_t dim = 0; dim < cast<MemRefType>(buffer.getType()).getRank(); ++dim)
      product = arith::MulIOp::create(*this, product, memref::DimOp::create(*this, buffer, dim));
    return arith::IndexCastOp::create(*this, getI64Type(), product);
  }

  void call(ModuleOp module, StringRef name, ValueRange arguments) {
    auto type = getFunctionType(TypeRange(arguments), TypeRange());
    if (!module.lookupSymbol(name))
      func::createFnDecl(*this, module, name, type, /*setPrivate=*/true);
    func::CallOp::create(*this, name, TypeRange(), arguments);
  }
};
} // namespace

/// Return the buffer of an operand, whose elements lie one after the other.
static FailureOr<Value> contiguous(RewriterBase &rewriter, Value tensor, const BufferizationOptions &options,
                                   BufferizationState &state) {
  FailureOr<Value> buffer = getBuffer(rewriter, tensor, options, state);
  if (failed(buffer) || cast<MemRefType>(buffer->getType()).getLayout().isIdentity())
    return buffer;
  Location loc = tensor.getLoc();
  auto type = cast<MemRefType>(buffer->getType());
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(memref::DimOp::create(rewriter, loc, *buffer, dim));
  auto plain = MemRefType::get(type.getShape(), type.getElementType());
  FailureOr<Value> copy = options.createAlloc(rewriter, loc, plain, sizes);
  if (failed(copy) || failed(options.createMemCpy(rewriter, loc, *buffer, *copy)))
    return failure();
  return copy;
}

static LogicalResult checkRanks(Operation *op, int64_t ranks) {
  return ranks > 0 ? success()
                   : LogicalResult(op->emitOpError() << "expected a group of consecutive ranks of the grid @ranks");
}

namespace {

/// In place.
struct AllReduceModel : BufferizableOpInterface::ExternalModel<AllReduceModel, shard::AllReduceOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &, const AnalysisState &) const { return true; }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &, const AnalysisState &) const { return true; }
  AliasingValueList getAliasingValues(Operation *op, OpOperand &, const AnalysisState &) const {
    return {{op->getResult(0), BufferRelation::Equivalent}};
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto reduce = cast<shard::AllReduceOp>(op);
    auto module = op->getParentOfType<ModuleOp>();
    int64_t ranks = mla::countRanks(module, reduce.getGridAxes());
    Type element = getElementTypeOrSelf(reduce.getType());
    if (failed(checkRanks(op, ranks)))
      return failure();
    if (reduce.getReduction() != shard::ReductionKind::Sum || (!element.isF32() && !element.isBF16()))
      return op->emitOpError() << "expected a sum of f32 or bf16";
    FailureOr<Value> buffer = contiguous(rewriter, reduce.getInput(), options, state);
    if (failed(buffer))
      return failure();
    CallBuilder builder(op->getLoc(), rewriter);
    Value isBF16 = arith::ConstantOp::create(builder, builder.getI32IntegerAttr(element.isBF16()));
    builder.call(module, "mla_all_reduce",
                 {builder.number(ranks), builder.address(*buffer), builder.count(*buffer), isBF16});
    replaceOpWithBufferizedValues(rewriter, op, *buffer);
    return success();
  }
};

/// From one buffer to a new one.
template <typename Op> struct ExchangeModel : BufferizableOpInterface::ExternalModel<ExchangeModel<Op>, Op> {
  bool bufferizesToAllocation(Operation *, Value) const { return true; }
  bool bufferizesToMemoryRead(Operation *, OpOperand &, const AnalysisState &) const { return true; }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &, const AnalysisState &) const { return false; }
  AliasingValueList getAliasingValues(Operation *, OpOperand &, const AnalysisState &) const { return {}; }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto exchange = cast<Op>(op);
    auto module = op->getParentOfType<ModuleOp>();
    int64_t ranks = mla::countRanks(module, exchange.getGridAxes());
    if (failed(checkRanks(op, ranks)))
      return failure();
    FailureOr<Value> in = contiguous(rewriter, exchange.getInput(), options, state);
    if (failed(in))
      return failure();
    CallBuilder builder(op->getLoc(), rewriter);
    auto type = cast<RankedTensorType>(exchange.getType());
    auto plain = MemRefType::get(type.getShape(), type.getElementType());
    SmallVector<Value> sizes; // the first dimension is that of blocks, and static
    for (int64_t dim = 1; dim < plain.getRank(); ++dim)
      if (plain.isDynamicDim(dim))
        sizes.push_back(memref::DimOp::create(builder, *in, dim));
    FailureOr<Value> out = options.createAlloc(rewriter, op->getLoc(), plain, sizes);
    if (failed(out))
      return failure();
    bool isGather = std::is_same_v<Op, shard::AllGatherOp>;
    int64_t bytes = type.getElementTypeBitWidth() / 8;
    Value block = builder.count(*in, bytes);
    if (!isGather)
      block = arith::DivUIOp::create(builder, block, builder.number(ranks));
    builder.call(module, isGather ? "mla_all_gather" : "mla_all_to_all",
                 {builder.number(ranks), builder.address(*in), builder.address(*out), block});
    replaceOpWithBufferizedValues(rewriter, op, *out);
    return success();
  }
};

} // namespace

void mla::registerCollectivesBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, shard::ShardDialect *) {
    shard::AllReduceOp::attachInterface<AllReduceModel>(*context);
    shard::AllGatherOp::attachInterface<ExchangeModel<shard::AllGatherOp>>(*context);
    shard::AllToAllOp::attachInterface<ExchangeModel<shard::AllToAllOp>>(*context);
    context->loadDialect<arith::ArithDialect, func::FuncDialect, memref::MemRefDialect>();
  });
}
