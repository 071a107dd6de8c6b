//===- SpawnToLLVM.cpp - Lower mla.spawn to the runtime -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Captured values are stored in a struct on the stack. A thunk with the
// signature of mla_parallel_for's callback (mla/abi.h) loads them and calls the
// body.
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Target/CPU/Passes.h"

#include "mlir/Conversion/ConvertToLLVM/ToLLVMInterface.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"

using namespace mlir;
using namespace mla;

/// void thunk(ptr captured, i64 index)
static LLVM::LLVMFuncOp createThunk(ConversionPatternRewriter &rewriter, const LLVMTypeConverter &converter, SpawnOp op,
                                    LLVM::LLVMStructType captured) {
  Location loc = op.getLoc();
  MLIRContext *context = op.getContext();
  OpBuilder::InsertionGuard guard(rewriter);
  auto module = op->getParentOfType<ModuleOp>();
  rewriter.setInsertionPointToEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(context), i64 = rewriter.getI64Type();
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {pointer, i64});
  auto thunk = LLVM::LLVMFuncOp::create(rewriter, loc, (op.getBody() + "_thunk").str(), type, LLVM::Linkage::Internal);
  Block *entry = thunk.addEntryBlock(rewriter);
  rewriter.setInsertionPointToStart(entry);
  Value all = LLVM::LoadOp::create(rewriter, loc, captured, entry->getArgument(0));
  SmallVector<Value> values;
  for (int64_t i = 0, n = captured.getBody().size(); i < n; ++i)
    values.push_back(LLVM::ExtractValueOp::create(rewriter, loc, all, i));
  SmallVector<Value> arguments = converter.promoteOperands(loc, op.getCaptured(), values, rewriter);
  arguments.push_back(entry->getArgument(1));
  LLVM::CallOp::create(rewriter, loc, TypeRange(), op.getBody(), arguments);
  LLVM::ReturnOp::create(rewriter, loc, ValueRange());
  return thunk;
}

namespace {

struct SpawnToLLVM : ConvertOpToLLVMPattern<SpawnOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(SpawnOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto module = op->getParentOfType<ModuleOp>();
    Type pointer = LLVM::LLVMPointerType::get(getContext()), i64 = rewriter.getI64Type();
    FailureOr<LLVM::LLVMFuncOp> run = LLVM::lookupOrCreateFn(
        rewriter, module, "mla_parallel_for", {pointer, pointer, i64}, LLVM::LLVMVoidType::get(getContext()));
    if (failed(run))
      return failure();
    auto captured = LLVM::LLVMStructType::getLiteral(getContext(), llvm::to_vector(adaptor.getCaptured().getTypes()));
    LLVM::LLVMFuncOp thunk = createThunk(rewriter, *getTypeConverter(), op, captured);

    Value all = LLVM::UndefOp::create(rewriter, loc, captured);
    for (auto [i, value] : llvm::enumerate(adaptor.getCaptured()))
      all = LLVM::InsertValueOp::create(rewriter, loc, all, value, i);
    Value memory = allocaInEntry(op, captured, rewriter);
    LLVM::StoreOp::create(rewriter, loc, all, memory);
    Value address = LLVM::AddressOfOp::create(rewriter, loc, thunk);
    rewriter.replaceOpWithNewOp<LLVM::CallOp>(op, *run, ValueRange{address, memory, adaptor.getCount()});
    return success();
  }

  /// Allocate on the stack in the entry block, so that a loop around the spawn does not allocate repeatedly.
  static Value allocaInEntry(SpawnOp op, Type type, ConversionPatternRewriter &rewriter) {
    OpBuilder::InsertionGuard guard(rewriter);
    Operation *function = op->getParentWithTrait<OpTrait::IsIsolatedFromAbove>();
    rewriter.setInsertionPointToStart(&function->getRegion(0).front());
    Value one = LLVM::ConstantOp::create(rewriter, op.getLoc(), rewriter.getI64Type(), 1);
    return LLVM::AllocaOp::create(rewriter, op.getLoc(), LLVM::LLVMPointerType::get(op.getContext()), type, one);
  }
};

struct SpawnInterface : ConvertToLLVMPatternInterface {
  using ConvertToLLVMPatternInterface::ConvertToLLVMPatternInterface;
  void populateConvertToLLVMConversionPatterns(ConversionTarget &target, LLVMTypeConverter &converter,
                                               RewritePatternSet &patterns) const final {
    target.addIllegalOp<SpawnOp>();
    patterns.add<SpawnToLLVM>(converter);
  }
};

} // namespace

void mla::registerSpawnToLLVM(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, MLADialect *dialect) { dialect->addInterfaces<SpawnInterface>(); });
}
