//===- Level.cpp - Instruction sets of processors -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/CPU/Level.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mla;

namespace {
/// A level, and the features that can be missing on processors with the rest of it.
struct Row {
  CPULevel level;
  llvm::SmallVector<llvm::StringRef> features;
};
} // namespace

/// Return the levels from the highest to the lowest. Sums take 16 of 32 registers with AVX-512, else 8 of 16.
static llvm::ArrayRef<Row> rows() {
  static const Row x86[] = {
      {{"sapphirerapids", "x86-64-v4", "+amx-tile,+amx-bf16,+avx512bf16", "512", 8, 32, true, true},
       {"amx-tile", "amx-bf16", "avx512bf16", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}},
      {{"x86-64-v4", "x86-64-v4", "", "512", 8, 32, false, false},
       {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}},
      {{"x86-64-v3", "x86-64-v3", "", "", 4, 16, false, false},
       {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"}},
      {{"x86-64-v2", "x86-64-v2", "", "", 4, 8, false, false}, {}}};
  static const Row arm[] = {{{"aarch64", "generic", "", "", 8, 8, false, false}, {}}};
  static const bool isX86 = llvm::Triple(llvm::sys::getDefaultTargetTriple()).isX86();
  return isX86 ? llvm::ArrayRef<Row>(x86) : llvm::ArrayRef<Row>(arm);
}

/// Return whether this machine has the level and all below.
static bool isSupported(const Row &row, const llvm::StringMap<bool> &features) {
  return llvm::all_of(row.features, [&](llvm::StringRef name) { return features.lookup(name); });
}

static const CPULevel &detect() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  const Row *found = nullptr;
  for (const Row &row : llvm::reverse(rows())) {
    if (!isSupported(row, features))
      break;
    found = &row;
  }
  return found->level;
}

const CPULevel &mla::hostLevel() {
  static const CPULevel &level = detect();
  return level;
}

llvm::Expected<const CPULevel *> mla::findLevel(llvm::StringRef name) {
  if (name == "native")
    return &hostLevel();
  for (const Row &row : rows())
    if (row.level.isa == name)
      return &row.level;
  auto names = llvm::map_range(rows(), [](const Row &row) { return row.level.isa; });
  return llvm::createStringError("expected native, " + llvm::join(names, ", ") + ", got '" + name + "'");
}
