//===- HostLevel.h - Instruction set of the host ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_NATIVE_HOSTLEVEL_H
#define MLA_LIB_TARGET_NATIVE_HOSTLEVEL_H

#include "llvm/ADT/StringRef.h"

namespace mla {

/// A level of the x86-64 psABI. Code is generated for a level and not for one processor, so that a bundle runs on every
/// machine of the level.
struct HostLevel {
  llvm::StringRef isa;        // name in manifests
  llvm::StringRef cpu;        // name in LLVM
  llvm::StringRef vectorBits; // empty: LLVM's default
};

const HostLevel &hostLevel();

} // namespace mla

#endif // MLA_LIB_TARGET_NATIVE_HOSTLEVEL_H
