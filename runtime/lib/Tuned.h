//===- Tuned.h - tuned.json -------------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Limits of choices that were measured, and the measurements, as abi.h has them.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_TUNED_H
#define MLA_RUNTIME_TUNED_H

#include "mla/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mla {

/// Costs of the classes at a size; negative: not measured.
struct TunedSize {
  int64_t size;
  std::vector<double> costs;
};

struct TunedChoice {
  std::string list, kernel;
  std::vector<int64_t> limits;
  std::vector<TunedSize> sizes;
};

struct Tuning {
  std::string device, driver, date, unit;
  std::vector<TunedChoice> choices;
};

/// What to do about a file that cannot be read.
constexpr const char *retune = "remove the file, or tune the bundle again";

/// Returns the path of a bundle's file.
std::string tunedPath(const std::string &bundle);

/// Reads the file of a bundle. Returns nothing if it has none.
Result<std::optional<Tuning>> readTuning(const std::string &bundle);

} // namespace mla

#endif // MLA_RUNTIME_TUNED_H
