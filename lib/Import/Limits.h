//===- Limits.h - Limits of config values -----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_LIMITS_H
#define MLA_LIB_IMPORT_LIMITS_H

#include <cstdint>

namespace mla::importer {

// Each is more than ten times that of any released model; together they keep every product below 2^63.
constexpr int64_t maxHidden = 1 << 20;
constexpr int64_t maxHeads = 1 << 16;
constexpr int64_t maxLayers = 1 << 16;
constexpr int64_t maxVocabulary = 1 << 26;
/// Tokens of a text.
constexpr int64_t maxLength = int64_t(1) << 31;

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_LIMITS_H
