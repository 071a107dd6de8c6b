//===- Settings.h - Settings of the emulated device -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Read once from the environment variable MLA_EMULATOR, a list such as
//   policy=random:7,multiprocessors=8,threads=1
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_SETTINGS_H
#define MLA_EMULATOR_SETTINGS_H

#include <cstdint>
#include <string>

namespace mla::emulator {

/// How the emulator decides what the PTX ISA leaves open: the order of warps and blocks, and when asynchronous
/// operations complete.
enum class Policy {
  Eager,  ///< In order; asynchronous operations complete when they are issued.
  Lazy,   ///< In reverse order; asynchronous operations complete as late as a wait allows.
  Random, ///< At random, by a seed.
};

struct Settings {
  Policy policy = Policy::Lazy;
  uint64_t seed = 0;                        ///< Of Policy::Random.
  int devices = 1;                          ///< 1 to 64.
  int multiprocessors = 4;                  ///< 1 to 1024.
  int threads = 0;                          ///< Host threads that run blocks; 0: one per processor. 1 to 256.
  uint64_t instructions = 20'000'000'000ul; ///< Limit of a warp's instructions.

  /// Parses `text` into this. Returns the error, or "".
  std::string parse(const std::string &text);
  /// "lazy", "random:7", …
  std::string policyName() const;
};

/// The settings of the process. `error` gets what is wrong with MLA_EMULATOR, or "".
const Settings &settings(std::string &error);
const Settings &settings();

} // namespace mla::emulator

#endif // MLA_EMULATOR_SETTINGS_H
