//===- Limits.h - Of what a config may ask ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_LIMITS_H
#define MLA_LIB_IMPORT_LIMITS_H

#include <cstdint>

namespace mla::importer {

// Each is more than ten times what any released model has, and together they keep every product inside 64 bits.
constexpr int64_t maxHidden = 1 << 20;
constexpr int64_t maxHeads = 1 << 16;
constexpr int64_t maxLayers = 1 << 16;

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_LIMITS_H
