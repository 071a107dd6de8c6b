//===- Entries.cpp - Entry points -----------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/CPU/Passes.h"

namespace mla {
#define GEN_PASS_DEF_MLACPUENTRIES
#define GEN_PASS_DEF_MLACPUMARKENTRIES
#include "mla/Target/CPU/Passes.h.inc"
} // namespace mla

using namespace mlir;

/// Return whether all arguments are memrefs; scalars have no descriptor.
static bool takesDescriptors(LLVM::LLVMFuncOp interface) {
  return llvm::all_of(interface.getArgumentTypes(), llvm::IsaPred<LLVM::LLVMPointerType>);
}

/// Create void mla_entry_<name>(ptr descriptors), which calls the C interface.
static void createEntry(LLVM::LLVMFuncOp interface, StringRef name) {
  OpBuilder builder(interface->getContext());
  builder.setInsertionPointAfter(interface);
  Location loc = interface.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()), {pointer});
  auto entry = LLVM::LLVMFuncOp::create(builder, loc, ("mla_entry_" + name).str(), type);
  Block *block = entry.addEntryBlock(builder);
  builder.setInsertionPointToStart(block);
  SmallVector<Value> arguments;
  for (int32_t i = 0, n = interface.getNumArguments(); i < n; ++i) {
    Value slot = LLVM::GEPOp::create(builder, loc, pointer, pointer, block->getArgument(0), ArrayRef<LLVM::GEPArg>{i});
    arguments.push_back(LLVM::LoadOp::create(builder, loc, pointer, slot));
  }
  LLVM::CallOp::create(builder, loc, interface, arguments);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

namespace {

struct MLACPUMarkEntriesPass : mla::impl::MLACPUMarkEntriesBase<MLACPUMarkEntriesPass> {
  void runOnOperation() override {
    if (getOperation().isPublic() && !getOperation().isExternal())
      getOperation()->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(), UnitAttr::get(&getContext()));
  }
};

struct MLACPUEntriesPass : mla::impl::MLACPUEntriesBase<MLACPUEntriesPass> {
  void runOnOperation() override {
    SmallVector<LLVM::LLVMFuncOp> functions(getOperation().getOps<LLVM::LLVMFuncOp>());
    for (LLVM::LLVMFuncOp function : functions) {
      StringRef name = function.getName();
      if (!name.consume_front("_mlir_ciface_") || function.isExternal() || !takesDescriptors(function))
        continue;
      createEntry(function, name);
      if (auto others = getOperation().lookupSymbol(name)->getAttrOfType<ArrayAttr>(mla::kEntryNamesAttr))
        for (StringAttr other : others.getAsRange<StringAttr>())
          createEntry(function, other);
    }
  }
};

} // namespace
