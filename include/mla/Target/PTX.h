//===- PTX.h - From generated kernels to PTX --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TARGET_PTX_H
#define MLA_TARGET_PTX_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mla::gpu {

/// Lower the kernels of every gpu.module from arith, scf and nvvm to the LLVM dialect.
void buildNVVMPipeline(mlir::OpPassManager &pm);

/// Return the PTX of a lowered gpu.module, for the chip of its #nvvm.target: one module of text for ptxas and the
/// driver.
llvm::Expected<std::string> emitPTX(mlir::gpu::GPUModuleOp module);

} // namespace mla::gpu

#endif // MLA_TARGET_PTX_H
