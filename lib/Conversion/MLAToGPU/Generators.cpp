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

FailureOr<Launches> mla::gpu::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) {
  if (!kernel.getSchedule())
    return kernel.emitOpError("has no schedule; run mla-schedule-kernels before");
  return generatorOf(kernel.getKind())(kernel, module);
}
