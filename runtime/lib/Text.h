//===- Text.h - Words for messages ------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names and numbers come from files that may hold anything; messages show them
// so that a terminal or a log is not harmed and a line stays a line.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_TEXT_H
#define MLA_RUNTIME_TEXT_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mla {

/// 'name', with what cannot be printed escaped, and shortened if it is very long.
std::string quoted(std::string_view name);
/// [2, 3, 4]
std::string shapeText(const std::vector<int64_t> &shape);
/// The message of an errno value.
std::string errnoText(int number);

} // namespace mla

#endif // MLA_RUNTIME_TEXT_H
