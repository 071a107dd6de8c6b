//===- ModulePattern.h - Regular expressions of modules ---------*- C++ -*-===//
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

/// A regular expression of Python's `re` for module names.
class ModulePattern {
public:
  enum class Extent {
    Whole, ///< Matches the whole name: target_modules, like re.fullmatch.
    End,   ///< Matches the last components of the name: keys of rank_pattern and alpha_pattern.
    Begin, ///< Matches the beginning of the name: modules of a quantization, like re.match.
  };
  /// Return std::nullopt for invalid or too long patterns and for those that POSIX expressions cannot express
  /// (look-around, back references).
  static std::optional<ModulePattern> parse(llvm::StringRef pattern, Extent extent);

  bool matches(llvm::StringRef module) const { return regex.match(module); }

private:
  explicit ModulePattern(llvm::StringRef posix) : regex(posix) {}
  llvm::Regex regex;
};

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_MODULEPATTERN_H
