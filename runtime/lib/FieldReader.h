//===- FieldReader.h - Checked fields of a JSON object ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads fields one after the other and keeps the first error, so that reading a
// dozen fields is a plain list.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_FIELDREADER_H
#define MLA_RUNTIME_FIELDREADER_H

#include "Json.h"

namespace mla {

class FieldReader {
public:
  /// `prefix`: what stands before a field's name in messages, such as "model.".
  /// `advice`: what to do about an error.
  FieldReader(const std::string &path, std::string prefix, const json::Value &object, Error &error,
              const char *advice = "compile the bundle again")
      : path(path), prefix(std::move(prefix)), object(object), error(error), advice(advice) {}

  bool has(const char *name) const { return object.find(name); }
  std::string text(const char *name);
  /// Reads a string that is one of `choices`; returns its index.
  template <size_t count> size_t choice(const char *name, const char *const (&choices)[count]) {
    return choice(name, choices, count);
  }
  size_t choice(const char *name, const char *const *choices, size_t count);
  int64_t integer(const char *name, int64_t least, int64_t most);
  double number(const char *name, double least, double most);
  /// Returns the field if it is of that kind, else an empty value of it.
  const json::Value &get(const char *name, json::Value::Kind kind);
  FieldReader child(const char *name);

  /// Records an error about a field, unless there is one already.
  void fail(const char *name, const std::string &what, ErrorKind kind = ErrorKind::InvalidFile);
  bool failed() const { return static_cast<bool>(error); }

private:
  const std::string &path;
  std::string prefix;
  const json::Value &object;
  Error &error;
  const char *advice;
};

} // namespace mla

#endif // MLA_RUNTIME_FIELDREADER_H
