//===- Probe.cpp - Start of dynamic shared memory ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Probe.h"
#include "mla/Conversion/MLAToGPU/KernelBuilder.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mla::gpu;

/// Declares the memory as in PTX: external, without a size. No other kernel refers to it.
static LLVM::GlobalOp declareShared(mlir::gpu::GPUModuleOp module) {
  constexpr unsigned leastAlignment = 16;
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), 0);
  return LLVM::GlobalOp::create(builder, module.getLoc(), type, /*isConstant=*/false, LLVM::Linkage::External,
                                "mla_dynamic_shared", Attribute(), leastAlignment,
                                static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared));
}

void mla::gpu::emitProbe(mlir::gpu::GPUModuleOp module) {
  constexpr int64_t threads = 32;
  LLVM::GlobalOp memory = declareShared(module);
  KernelBuilder k(module, "mla_probe", threads, /*oneBlock=*/false);
  unsigned out = k.addPointer();
  k.begin();
  Value address = LLVM::AddressOfOp::create(k, memory);
  // Every lane writes the same.
  k.store(k.wrap(LLVM::PtrToIntOp::create(k, k.i32Type(), address)), k.argument(out));
  k.finish();
}
