//===- Json.h - A small JSON document ---------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plain tree, so that RapidJSON stays inside Json.cpp. The parser bounds what
// a hostile text can cost: depth, and number of values.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_JSON_H
#define MLA_RUNTIME_JSON_H

#include "mla/error.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mla::json {

struct Value {
  enum class Kind : uint8_t { Null, Bool, Integer, Number, String, Array, Object };

  Kind kind = Kind::Null;
  bool boolean = false;
  int64_t integer = 0;           ///< Only of an Integer: written without fraction or exponent, and fits.
  double number = 0;             ///< Of an Integer or a Number.
  std::string text;              ///< Of a String: valid UTF-8, perhaps with NUL bytes.
  std::vector<std::string> keys; ///< Of an Object: one for each item, none twice.
  std::vector<Value> items;      ///< Of an Array or an Object.

  bool is(Kind other) const { return kind == other; }
  /// The item of that key, or null. Linear: for small objects.
  const Value *find(std::string_view key) const;
};

/// "a string", "an object", …
const char *kindName(Value::Kind kind);

/// Parses exactly one value. The error's message has no place in it: the caller names its file.
/// A value takes about a hundred bytes of memory: more of them than `maxValues` are an error.
Result<Value> parse(std::string_view text, size_t maxValues = 2000000);

/// Takes an item of an object; parsing ends where it gives false.
using ItemHandler = std::function<bool(std::string key, Value value)>;

/// Parses one value. If it is an object, hands its items over one after another, keeps none, and does not look whether
/// a key is there twice. More than `maxValues` values in an item are an error. `memory` bounds what the handler takes.
Result<Value> parseItems(std::string_view text, size_t maxValues, uint64_t memory, const ItemHandler &handler);

/// `text` as a JSON string with its quotes. Bytes that are not UTF-8, as a path may have, become U+FFFD.
std::string quote(std::string_view text);

} // namespace mla::json

#endif // MLA_RUNTIME_JSON_H
