//===- Json.h - Reading fields of untrusted JSON ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_JSON_H
#define MLA_LIB_IMPORT_JSON_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <optional>
#include <string>

namespace mla::importer {

/// An error with a text of the form "WHERE: WHAT; what to do".
llvm::Error fail(const llvm::Twine &text);

/// Parses text that must be one JSON object. Deep nesting is refused: LLVM's parser recurses.
llvm::Expected<llvm::json::Value> parseObject(llvm::StringRef text, llvm::StringRef where);

/// A number as a person writes it.
std::string numberText(double number);

/// The start of a JSON value, for messages.
std::string shortText(const llvm::json::Value &value);

/// Reads typed fields of an object. The first failure is kept and the fields after it read as if they were fine, so
/// that a list of fields reads like one; takeError() must be called before any value is used.
class FieldReader {
public:
  /// `scope` precedes field names in messages ("rope_parameters.").
  FieldReader(const llvm::json::Object &object, llvm::StringRef where, llvm::StringRef scope = "")
      : object(object), where(where), scope(scope) {}

  /// The field's value; null where it is absent, or (`nullIsAbsent`) null.
  const llvm::json::Value *find(llvm::StringRef key, bool nullIsAbsent = true) const;

  /// A whole number from `least` to `limit`.
  int64_t count(llvm::StringRef key, int64_t limit, int64_t least = 1);
  /// The same of a given value (an element of an array).
  int64_t count(llvm::StringRef key, const llvm::json::Value &value, int64_t limit, int64_t least = 1);
  /// A finite number in [low, high], or `absent` where there is none or null.
  double number(llvm::StringRef key, double low, double high, std::optional<double> absent);
  /// true or false, or `absent`. Null is refused: nobody agrees on which of the two it means.
  bool boolean(llvm::StringRef key, bool absent);
  /// A string, or empty.
  llvm::StringRef string(llvm::StringRef key);

  /// Records "WHERE: FIELD: WHAT", unless an error came before.
  void refuse(llvm::StringRef key, const llvm::Twine &what);
  bool failed() const { return !message.empty(); }
  llvm::Error takeError() { return failed() ? fail(message) : llvm::Error::success(); }

private:
  const llvm::json::Object &object;
  std::string where, scope, message;
};

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_JSON_H
