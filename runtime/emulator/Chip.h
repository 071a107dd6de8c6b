//===- Chip.h - The GPU that is emulated ------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The properties and limits of the emulated device (CUDA C++ Programming
// Guide 12.4, 16.2).
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_CHIP_H
#define MLA_EMULATOR_CHIP_H

#include <cstdint>

namespace mla::emulator::chip {

inline constexpr const char *name = "H100", *target = "sm_90a";
inline constexpr const char *targetFamily = "sm_90"; ///< Modules for it run, too.
inline constexpr uint32_t maxSharedBytes = 232448;   ///< Dynamic shared memory of a block.
inline constexpr uint64_t maxParameterBytes = 32764, maxStaticSharedBytes = 48 * 1024;

} // namespace mla::emulator::chip

#endif // MLA_EMULATOR_CHIP_H
