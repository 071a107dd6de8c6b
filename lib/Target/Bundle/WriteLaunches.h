//===- WriteLaunches.h - mla.launches as JSON -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_WRITELAUNCHES_H
#define MLA_LIB_TARGET_BUNDLE_WRITELAUNCHES_H

#include "mla/Dialect/MLA/IR/MLA.h"

#include "llvm/Support/JSON.h"

namespace mla {

/// Add "bindings", "workspace" and "launches" of an entry or a core (mla/abi.h).
void addLaunchList(LaunchesOp list, llvm::json::Object &object);

} // namespace mla

#endif // MLA_LIB_TARGET_BUNDLE_WRITELAUNCHES_H
