//===- Text.h - Words for messages ------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names and numbers come from files that may hold anything; messages show them
// without control characters and on one line.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_TEXT_H
#define MLA_RUNTIME_TEXT_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mla {

/// Returns 'name', with unprintable characters escaped, and shortened if very long.
std::string quoted(std::string_view name);
/// [2, 3, 4]
std::string shapeText(const std::vector<int64_t> &shape);
/// Returns the message of an errno value.
std::string errnoText(int number);

} // namespace mla

#endif // MLA_RUNTIME_TEXT_H
