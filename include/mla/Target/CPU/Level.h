//===- Level.h - Instruction sets of processors -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TARGET_CPU_LEVEL_H
#define MLA_TARGET_CPU_LEVEL_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace mla {

/// An instruction set that code is generated for: a level of the x86-64 psABI (section 3.1.1), one beyond these, or
/// that of another architecture. A bundle runs on every processor that has it.
struct CPULevel {
  llvm::StringRef isa;        ///< "isa" in manifests (mla/abi.h), and the name in options
  llvm::StringRef cpu;        ///< the processor in LLVM
  llvm::StringRef features;   ///< what LLVM's processor lacks: "+amx-tile,…"
  llvm::StringRef vectorBits; ///< empty: LLVM's default
  int64_t rows;               ///< of a tile of a product whose sums stay in registers, at most
  int64_t columns;            ///< the same
  bool hasMatrixTiles;        ///< AMX with products of bf16
  bool roundsToBF16;          ///< Instructions round f32 to bf16; denormals to zero.
};

/// Return the highest level of this machine.
const CPULevel &hostLevel();

/// Return the level of the name; "native" is that of this machine. The error names the levels of this architecture.
llvm::Expected<const CPULevel *> findLevel(llvm::StringRef name);

} // namespace mla

#endif // MLA_TARGET_CPU_LEVEL_H
