//===- JsonWriter.h - Writes JSON -------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_JSONWRITER_H
#define MLA_RUN_JSONWRITER_H

#include "Json.h"

#include <cmath>
#include <cstdio>

namespace mla::run {

/// Assembles the text of a JSON value, including commas.
class JsonWriter {
public:
  JsonWriter &beginObject() { return open('{'); }
  JsonWriter &endObject() { return close('}'); }
  JsonWriter &beginArray() { return open('['); }
  JsonWriter &endArray() { return close(']'); }
  JsonWriter &key(std::string_view name) {
    separate();
    text += json::quote(name) + ": ";
    first = true; // no comma before the value
    return *this;
  }
  JsonWriter &value(std::string_view string) { return raw(json::quote(string)); }
  JsonWriter &value(const char *string) { return value(std::string_view(string)); }
  JsonWriter &value(int64_t number) { return raw(std::to_string(number)); }
  JsonWriter &value(double number) {
    char digits[32];
    std::snprintf(digits, sizeof(digits), "%.17g", number);
    return std::isfinite(number) ? raw(digits) : null();
  }
  JsonWriter &null() { return raw("null"); }

  template <typename T> JsonWriter &field(std::string_view name, const T &of) {
    key(name);
    return value(of);
  }
  /// Write a number; null if it is negative, which means unknown.
  JsonWriter &knownField(std::string_view name, int64_t number) {
    key(name);
    return number < 0 ? null() : value(number);
  }

  const std::string &str() const { return text; }

private:
  std::string text;
  bool first = true;

  void separate() {
    if (!first)
      text += ", ";
    first = false;
  }
  JsonWriter &raw(std::string_view what) {
    separate();
    text += what;
    return *this;
  }
  JsonWriter &open(char bracket) {
    separate();
    text += bracket;
    first = true;
    return *this;
  }
  JsonWriter &close(char bracket) {
    text += bracket;
    first = false;
    return *this;
  }
};

} // namespace mla::run

#endif // MLA_RUN_JSONWRITER_H
