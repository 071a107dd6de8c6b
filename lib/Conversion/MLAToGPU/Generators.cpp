//===- Generators.cpp - A generator for every kind --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/MLAToGPU/Generators.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

/// One line a kind.
static GenerateFn generatorOf(KernelKind kind) {
  switch (kind) {
  case KernelKind::Projection:
    return generateProjection;
  case KernelKind::Normalize:
    return generateNormalize;
  case KernelKind::Rope:
    return generateRope;
  case KernelKind::Append:
    return generateAppend;
  case KernelKind::Gather:
    return generateGather;
  case KernelKind::LatentAttention:
    return generateLatentAttention;
  case KernelKind::NaiveAttention:
    return generateNaiveAttention;
  }
  llvm_unreachable("every kind has its line");
}

/// Sums of a projection may stay in f32; so does an LSE.
static bool mayBeF32(KernelKind kind, unsigned result) {
  if (kind == KernelKind::LatentAttention || kind == KernelKind::NaiveAttention)
    return result == 1;
  return kind == KernelKind::Projection;
}

/// What kernels write, and the caches that they read and write.
static LogicalResult checkElements(KernelOp kernel) {
  for (auto [i, type] : llvm::enumerate(kernel.getResultTypes())) {
    Type element = getElementTypeOrSelf(type);
    bool isWritten = element.isBF16() || element.isInteger(32) || (element.isF32() && mayBeF32(kernel.getKind(), i));
    if (isa<RankedTensorType>(type) && !isWritten)
      return kernel.emitOpError() << "gives " << type << "; kernels of the H100 target write bf16";
  }
  for (Type type : kernel.getOperandTypes())
    if (auto cache = dyn_cast<CacheType>(type); cache && !cache.getElementType().isBF16())
      return kernel.emitOpError() << "has a cache of " << cache.getElementType()
                                  << "; kernels of the H100 target read bf16";
  return success();
}

FailureOr<Launches> mla::gpu::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) {
  if (!kernel.getSchedule())
    return kernel.emitOpError("has no schedule; run mla-schedule-kernels before");
  if (failed(checkElements(kernel)))
    return failure();
  return generatorOf(kernel.getKind())(kernel, module);
}
