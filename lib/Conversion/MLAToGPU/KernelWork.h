//===- KernelWork.h - Bytes and operations of a kernel ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the launches of an mla.kernel have to do, whatever their tiles and
// splits. Bytes are those of operands and results, each once, as far as the
// operation needs them: of a table the rows of the tokens, of a cache the cached
// rows, of experts' weights those of as many experts as tokens can choose. What
// the launches of a kernel pass to each other is not counted: splitting must not
// look like bandwidth. Operations are those of products, for any tile; of two
// terms twice as many.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_KERNELWORK_H
#define MLA_CONVERSION_MLATOGPU_KERNELWORK_H

#include "mla/Dialect/MLA/IR/Launch.h"
#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla::gpu {

class KernelWork {
public:
  explicit KernelWork(KernelOp kernel);

  /// Return the bytes of the operands and results among the launch's arguments.
  mlir::AffineExpr bytesOf(const Launch &launch) const;
  /// Return the operations of products with a weight, a cache or keys among the launch's arguments.
  mlir::AffineExpr flopsOf(const Launch &launch) const;

private:
  void countProducts();
  void addProduct(mlir::Value factor, mlir::AffineExpr flops);
  mlir::AffineExpr sumOf(const Launch &launch, llvm::function_ref<mlir::AffineExpr(const Buffer &)> amountOf) const;

  KernelOp kernel;
  llvm::SmallVector<mlir::AffineExpr> operandBytes, operandFlops, resultBytes; ///< by number
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_KERNELWORK_H
