//===- ModulePattern.h - Regular expressions of adapters --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_MODULEPATTERN_H
#define MLA_LIB_IMPORT_MODULEPATTERN_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Regex.h"

#include <optional>

namespace mla::importer {

/// A regular expression of Python's `re` over names of modules.
class ModulePattern {
public:
  enum class Extent {
    Whole, ///< It matches the name: target_modules, as re.fullmatch.
    End,   ///< It matches the last components of the name: keys of rank_pattern and alpha_pattern.
  };
  /// Nothing for what POSIX expressions cannot say (look-around, back references), for what is longer than any pattern
  /// of names, and for what is no regular expression.
  static std::optional<ModulePattern> parse(llvm::StringRef pattern, Extent extent);

  bool matches(llvm::StringRef module) const { return regex.match(module); }

private:
  explicit ModulePattern(llvm::StringRef posix) : regex(posix) {}
  llvm::Regex regex;
};

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_MODULEPATTERN_H
