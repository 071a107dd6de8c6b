//===- BufferNames.h - Names of the buffers of kernels ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_BUFFERNAMES_H
#define MLA_CONVERSION_MLATOGPU_BUFFERNAMES_H

#include "mla/Dialect/MLA/IR/Launch.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mla::gpu {

/// The names of the buffers of one function's kernels. Scratch memory is declared with the builder.
class BufferNames {
public:
  BufferNames(mlir::func::FuncOp function, mlir::ImplicitLocOpBuilder &builder);

  /// Declares the kernel's own scratch memory.
  void enter(KernelOp kernel, llvm::ArrayRef<mlir::AffineExpr> workspace);
  /// Return the name of a buffer of the kernel entered last.
  mlir::StringAttr nameOf(const Buffer &buffer);
  /// Return the caller's buffers: the function's arguments and results, a cache by its parts. Emit an error and
  /// return null if one has a type that no buffer has.
  mlir::ArrayAttr bindings();

private:
  mlir::StringAttr nameOf(mlir::Value value, Buffer::Part part);
  mlir::StringAttr nameOfArgument(mlir::BlockArgument argument, Buffer::Part part);
  mlir::StringAttr declare(mlir::AffineExpr bytes);

  mlir::func::FuncOp function;
  mlir::ImplicitLocOpBuilder &builder;
  llvm::DenseMap<mlir::Value, mlir::StringAttr> stored;
  unsigned numTemps = 0;
  KernelOp kernel;
  llvm::SmallVector<mlir::StringAttr> workspace;
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_BUFFERNAMES_H
