//===- Target.h - The target h100 -------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_TARGET_H
#define MLA_CONVERSION_MLATOGPU_SM90_TARGET_H

#include <memory>

namespace mla {
class KernelTarget;
namespace gpu {

/// Hopper: the target "h100" of chip sm_90a, which the H100 and the H200 have, with its kinds of kernels.
std::unique_ptr<KernelTarget> createSM90Target();

} // namespace gpu
} // namespace mla

#endif // MLA_CONVERSION_MLATOGPU_SM90_TARGET_H
