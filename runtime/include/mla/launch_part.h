//===- launch_part.h - The parts of a step ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The parts of a model's step, which profiles sum up. The compiler says of which
// part a launch is; the names are those of the manifest.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LAUNCH_PART_H
#define MLA_LAUNCH_PART_H

#include <cstdint>

namespace mla::schema {

enum class Part : uint8_t {
  Query,     ///< what the attention's queries are computed from and by
  Attention, ///< the attention, and keys and values made from the cache
  Output,    ///< what the attention's result goes through before it is added to the stream
  Mlp,       ///< a dense MLP
  Experts,   ///< router and experts
  Rest       ///< norms, sums, the cache's new rows, and the ends of a model
};

inline constexpr const char *partNames[] = {"query side", "attention", "output side", "MLP", "experts", "rest"};
inline constexpr unsigned numParts = sizeof(partNames) / sizeof(*partNames);

constexpr const char *nameOf(Part part) { return partNames[static_cast<unsigned>(part)]; }

} // namespace mla::schema

#endif // MLA_LAUNCH_PART_H
