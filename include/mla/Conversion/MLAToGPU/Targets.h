//===- Targets.h - GPU targets ----------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_TARGETS_H
#define MLA_CONVERSION_MLATOGPU_TARGETS_H

#include "mlir/IR/DialectRegistry.h"

namespace mla {

/// Adds every target of this project, with its kinds of kernels, to the mla dialect when it is loaded. The first is the
/// default.
void registerGPUTargets(mlir::DialectRegistry &registry);

} // namespace mla

#endif // MLA_CONVERSION_MLATOGPU_TARGETS_H
