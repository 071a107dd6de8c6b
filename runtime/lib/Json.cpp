//===- Json.cpp - A small JSON document -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Json.h"
#include "Memory.h"
#include "Text.h"

#include <algorithm>
#include <charconv>

// RapidJSON's asserts guard its own invariants; on bad input it must report, never abort.
#define RAPIDJSON_ASSERT(x) (static_cast<void>(0))
// Its empty stack compares null + n with null, which clang's UBSan rightly and harmlessly reports.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/encodedstream.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#if defined(__clang__)
#pragma clang attribute pop
#endif

using namespace mla;
using json::ItemHandler;
using json::Value;

// What "[[[[…" may make us allocate is bounded by this, what "[0,0,0,…" may by the caller's number of values.
static constexpr size_t maxDepth = 64;

const Value *Value::find(std::string_view key) const {
  auto it = std::find(keys.begin(), keys.end(), key);
  return it == keys.end() ? nullptr : &items[it - keys.begin()];
}

const char *json::kindName(Value::Kind kind) {
  static const char *const names[] = {"null",     "true or false", "an integer", "a number",
                                      "a string", "an array",      "an object"};
  return names[static_cast<size_t>(kind)];
}

namespace {
/// Receives RapidJSON's events and builds the tree; a false return stops the parser.
class Builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
public:
  Builder(size_t maxValues, const ItemHandler *handler) : handler(handler), maxValues(maxValues) {}

  Value root;
  std::string failure;

  bool Null() { return add({}); }
  bool Bool(bool value) {
    Value result;
    result.kind = Value::Kind::Bool;
    result.boolean = value;
    return add(std::move(result));
  }
  bool RawNumber(const char *text, rapidjson::SizeType length, bool) {
    const char *end = text + length;
    Value result;
    result.kind = Value::Kind::Integer;
    std::from_chars_result parsed = std::from_chars(text, end, result.integer);
    result.number = static_cast<double>(result.integer);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
      result.kind = Value::Kind::Number;
      result.integer = 0;
      parsed = std::from_chars(text, end, result.number);
    }
    if (parsed.ec != std::errc() || parsed.ptr != end)
      return fail("the number " + std::string(text, std::min<size_t>(length, 40)) + " is out of range");
    return add(std::move(result));
  }
  bool String(const char *text, rapidjson::SizeType length, bool) {
    Value result;
    result.kind = Value::Kind::String;
    result.text.assign(text, length);
    return add(std::move(result));
  }
  bool StartArray() { return open(Value::Kind::Array); }
  bool EndArray(rapidjson::SizeType) { return close(); }
  bool StartObject() { return open(Value::Kind::Object); }
  bool Key(const char *text, rapidjson::SizeType length, bool) {
    stack.back().keys.emplace_back(text, length);
    return true;
  }
  bool EndObject(rapidjson::SizeType) { return keysAreUnique(stack.back().keys) && close(); }

private:
  const ItemHandler *handler;
  std::vector<Value> stack; // the arrays and objects that are still open
  size_t maxValues, count = 0;

  bool fail(std::string message) {
    failure = std::move(message);
    return false;
  }
  bool add(Value value) {
    if (++count > maxValues)
      return fail("more than " + std::to_string(maxValues) + " values");
    if (stack.empty())
      root = std::move(value);
    else if (handler && stack.size() == 1 && stack.front().is(Value::Kind::Object))
      return handOver(std::move(value));
    else
      stack.back().items.push_back(std::move(value));
    return true;
  }
  bool handOver(Value value) {
    count = 0;
    std::string key = std::move(stack.front().keys.back());
    stack.front().keys.pop_back();
    return (*handler)(std::move(key), std::move(value)) || fail("not taken");
  }
  bool open(Value::Kind kind) {
    if (stack.size() >= maxDepth)
      return fail("nested deeper than " + std::to_string(maxDepth));
    stack.emplace_back().kind = kind;
    return true;
  }
  bool close() {
    Value value = std::move(stack.back());
    stack.pop_back();
    return add(std::move(value));
  }
  /// A key twice means two readers may see two documents.
  bool keysAreUnique(const std::vector<std::string> &keys) {
    std::vector<std::string_view> sorted(keys.begin(), keys.end());
    std::sort(sorted.begin(), sorted.end());
    auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    return twice == sorted.end() || fail("the name " + quoted(*twice) + " appears twice");
  }
};
} // namespace

/// A bound of the memory that parsing takes, and that whoever reads the tree takes for what it makes of it.
static uint64_t memoryToParse(std::string_view text, size_t maxValues) {
  // A value stands behind one of these, and vectors that grow hold their elements up to three times.
  size_t values =
      1 + std::count_if(text.begin(), text.end(), [](char c) { return c == ',' || c == ':' || c == '[' || c == '{'; });
  return std::min(values, maxValues) * (3 * sizeof(Value)) + 4 * text.size();
}

static Result<Value> parseWith(std::string_view text, size_t maxValues, uint64_t memoryOfHandler,
                               const json::ItemHandler *handler) {
  if (!hasMemory(memoryToParse(text, maxValues) + memoryOfHandler))
    return Error(ErrorKind::OutOfMemory,
                 "the system gives no memory to parse " + std::to_string(text.size()) + " bytes");
  // Numbers come as text: RapidJSON's own exact conversion normalises a zero significand, which is undefined.
  constexpr unsigned flags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseValidateEncodingFlag;
  rapidjson::MemoryStream memory(text.data(), text.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(memory);
  rapidjson::Reader reader;
  Builder builder(maxValues, handler);
  rapidjson::ParseResult result = reader.Parse<flags>(stream, builder);
  if (result.IsError()) {
    std::string what = builder.failure.empty() ? rapidjson::GetParseError_En(result.Code()) : builder.failure;
    return Error(ErrorKind::InvalidFile, what + " (at byte " + std::to_string(result.Offset()) + ")");
  }
  // RapidJSON takes a NUL for the end and would pass over what follows it.
  if (stream.Tell() < text.size())
    return Error(ErrorKind::InvalidFile, "NUL byte (at byte " + std::to_string(stream.Tell()) + ")");
  return std::move(builder.root);
}

Result<Value> json::parse(std::string_view text, size_t maxValues) { return parseWith(text, maxValues, 0, nullptr); }

Result<Value> json::parseItems(std::string_view text, size_t maxValues, uint64_t memory, const ItemHandler &handler) {
  return parseWith(text, maxValues, memory, &handler);
}

/// The bytes of the first character, 0 if it is none in UTF-8.
static size_t firstCharacter(std::string_view text) {
  if (static_cast<unsigned char>(text.front()) < 0x80)
    return 1;
  rapidjson::MemoryStream memory(text.data(), text.size());
  unsigned codepoint = 0;
  return rapidjson::UTF8<>::Decode(memory, &codepoint) ? memory.Tell() : 0;
}

std::string json::quote(std::string_view text) {
  static const char digits[] = "0123456789abcdef";
  std::string result = "\"";
  while (!text.empty()) {
    size_t bytes = firstCharacter(text);
    char character = text.front();
    std::string_view whole = bytes ? text.substr(0, bytes) : "\xef\xbf\xbd"; // U+FFFD
    text.remove_prefix(std::max<size_t>(bytes, 1));
    if (character == '"' || character == '\\')
      result += '\\';
    if (static_cast<unsigned char>(character) >= 0x20) {
      result += whole;
      continue;
    }
    result += "\\u00";
    result += digits[character >> 4];
    result += digits[character & 15];
  }
  return result + '"';
}
