//===- ReadKernel.cpp - What generators read from regions -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReadKernel.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

AffineExpr mla::gpu::number(KernelOp kernel, int64_t value) {
  return getAffineConstantExpr(value, kernel.getContext());
}
AffineExpr mla::gpu::size(KernelOp kernel, Size which) { return expressionOf(which, kernel.getContext()); }

Element mla::gpu::elementOf(Value value) {
  return getElementTypeOrSelf(value.getType()).isF32() ? Element::F32 : Element::BF16;
}

LogicalResult mla::gpu::checkWidth(KernelOp kernel, int64_t width) {
  if (width % laneElements == 0)
    return success();
  return kernel.emitOpError() << "expected rows of a multiple of 8 elements, got " << width
                              << "; compile with --target=cpu";
}

LogicalResult mla::gpu::checkAlignment(KernelOp kernel, const View &view) {
  if (view.buffer.offset % 16 != 0)
    return kernel.emitOpError() << "reads a slice " << view.buffer.offset
                                << " bytes from the start of a row; expected a multiple of 16";
  for (AffineExpr stride : ArrayRef(view.strides).drop_back())
    if (!stride.isMultipleOf(laneElements)) {
      std::string elements;
      llvm::raw_string_ostream stream(elements);
      print(stream, stride);
      return kernel.emitOpError() << "reads rows " << elements << " elements apart; expected a multiple of 8";
    }
  return success();
}

Launch mla::gpu::launchOf(KernelOp kernel, std::string name, AffineExpr blocks, int64_t threads) {
  Launch launch;
  launch.kernel = std::move(name);
  launch.grid[0] = blocks;
  launch.grid[1] = launch.grid[2] = number(kernel, 1);
  launch.threads = threads;
  return launch;
}
