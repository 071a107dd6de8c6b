//===- Targets.cpp - GPU targets --------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/MLAToGPU/Targets.h"
#include "SM90/Target.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"

void mla::registerGPUTargets(mlir::DialectRegistry &registry) {
  registry.addExtension(+[](mlir::MLIRContext *, MLADialect *dialect) { dialect->add(gpu::createSM90Target()); });
}
