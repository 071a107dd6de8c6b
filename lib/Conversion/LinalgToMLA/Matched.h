//===- Matched.h - A match, or the reason why there is none -----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_LINALGTOMLA_MATCHED_H
#define MLA_LIB_CONVERSION_LINALGTOMLA_MATCHED_H

#include "Term.h"

#include "llvm/ADT/Twine.h"
#include <string>
#include <variant>

namespace mla::raise {

/// The condition that is not satisfied, and the value that violates it.
struct Reason {
  std::string text;
  mlir::Value at;
};

/// Return the nearest value behind a formula for a diagnostic, if any.
inline mlir::Value placeOf(TermRef term) {
  if (term->tensor || term->operands.empty())
    return term->tensor;
  return placeOf(term->operands[0]);
}

inline Reason because(const llvm::Twine &text, TermRef at) { return {text.str(), placeOf(at)}; }

/// The result of a matcher.
template <typename T> class Matched {
public:
  Matched(T value) : result(std::move(value)) {}
  Matched(Reason reason) : result(std::move(reason)) {}

  explicit operator bool() const { return result.index() == 0; }
  T &operator*() { return std::get<0>(result); }
  T *operator->() { return &std::get<0>(result); }
  const Reason &reason() const { return std::get<1>(result); }

private:
  std::variant<T, Reason> result;
};

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_MATCHED_H
