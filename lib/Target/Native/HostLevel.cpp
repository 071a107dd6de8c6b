//===- HostLevel.cpp - Instruction set of the host ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostLevel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mla;

/// Return the level according to the x86-64 psABI, section 3.1.1. Only features are checked that can be missing on
/// processors with the rest of a level.
static HostLevel x86Level() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  auto hasAll = [&](std::initializer_list<llvm::StringRef> names) {
    return llvm::all_of(names, [&](llvm::StringRef name) { return features.lookup(name); });
  };
  bool v3 = hasAll({"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"});
  if (v3 && hasAll({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}))
    return {"x86-64-v4", "x86-64-v4", "512"};
  if (v3)
    return {"x86-64-v3", "x86-64-v3", ""};
  return {"x86-64-v2", "x86-64-v2", ""};
}

static HostLevel detect() {
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  return triple.isX86() ? x86Level() : HostLevel{"aarch64", "generic", ""};
}

const HostLevel &mla::hostLevel() {
  static const HostLevel level = detect();
  return level;
}
