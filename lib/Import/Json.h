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

/// Return an error with a text of the form "WHERE: WHAT; what to do".
llvm::Error fail(const llvm::Twine &text);

/// Reject the text that replaces a file that was not fetched.
llvm::Error checkNoLfsPointer(llvm::StringRef text, llvm::StringRef where);

/// Parse a text that must be one JSON object. Reject deep nesting because LLVM's parser recurses.
llvm::Expected<llvm::json::Value> parseObject(llvm::StringRef text, llvm::StringRef where);

/// Return the shortest decimal form of a number.
std::string numberText(double number);

/// Return the start of a JSON value, for messages.
std::string shortText(const llvm::json::Value &value);

/// Return the object of a key, null if the key is missing or null, or an error that names `where` and the key.
llvm::Expected<const llvm::json::Object *> findObject(const llvm::json::Object &root, llvm::StringRef key,
                                                      llvm::StringRef where);

/// Reads typed fields of an object. The first failure is recorded, and further fields are read as if valid, so that
/// callers need not check each one. Call takeError() before using any value.
class FieldReader {
public:
  /// `scope` is the prefix of field names in messages ("rope_parameters.").
  FieldReader(const llvm::json::Object &object, llvm::StringRef where, llvm::StringRef scope = "")
      : object(object), where(where), scope(scope) {}

  /// Return the field's value, or null if it is absent or (with `nullIsAbsent`) null.
  const llvm::json::Value *find(llvm::StringRef key, bool nullIsAbsent = true) const;

  /// Read an integer from `least` to `limit`.
  int64_t count(llvm::StringRef key, int64_t limit, int64_t least = 1);
  /// Read an integer from the given value (an element of an array).
  int64_t count(llvm::StringRef key, const llvm::json::Value &value, int64_t limit, int64_t least = 1);
  /// Read a finite number in [low, high]; return `absent` if it is missing or null.
  double number(llvm::StringRef key, double low, double high, std::optional<double> absent);
  /// Read true or false; return `absent` if it is missing. Reject null, which implementations interpret differently.
  bool boolean(llvm::StringRef key, bool absent);
  /// Read a string; return "" if it is missing.
  llvm::StringRef string(llvm::StringRef key);

  /// Record the error "WHERE: FIELD: WHAT" unless one is already recorded.
  void refuse(llvm::StringRef key, const llvm::Twine &what);
  bool failed() const { return !message.empty(); }
  llvm::Error takeError() { return failed() ? fail(message) : llvm::Error::success(); }

private:
  const llvm::json::Object &object;
  std::string where, scope, message;
};

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_JSON_H
