//===- KernelParts.h - The parts that kernels belong to ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_KERNELPARTS_H
#define MLA_CONVERSION_MLATOGPU_KERNELPARTS_H

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/launch_part.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla::gpu {

/// The parts of the kernels of a function, by what they compute and where their operands come from.
class KernelParts {
public:
  explicit KernelParts(mlir::func::FuncOp function);

  schema::Part of(KernelOp kernel) const { return parts.lookup(kernel); }

private:
  llvm::DenseMap<mlir::Operation *, schema::Part> parts;
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_KERNELPARTS_H
