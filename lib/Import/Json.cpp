//===- Json.cpp - Reading fields of untrusted JSON ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Json.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstdio>

using namespace mla::importer;
using llvm::StringRef;
using llvm::Twine;

static constexpr unsigned maxNesting = 64;

llvm::Error mla::importer::fail(const Twine &text) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), text);
}

std::string mla::importer::numberText(double number) {
  char text[32];
  snprintf(text, sizeof(text), "%g", number);
  return text;
}

/// Return the maximum nesting depth of brackets outside strings.
static unsigned nestingDepth(StringRef text) {
  unsigned depth = 0, deepest = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString && c == '\\')
      ++i;
    else if (c == '"')
      inString = !inString;
    else if (!inString && (c == '{' || c == '['))
      deepest = std::max(deepest, ++depth);
    else if (!inString && (c == '}' || c == ']') && depth)
      --depth;
  }
  return deepest;
}

llvm::Error mla::importer::checkNoLfsPointer(StringRef text, StringRef where) {
  if (!text.starts_with("version https://git-lfs.github.com/spec/"))
    return llvm::Error::success();
  return fail(where + ": is a pointer of Git LFS and not the file that it stands for; fetch the file (git lfs pull)");
}

llvm::Expected<llvm::json::Value> mla::importer::parseObject(StringRef text, StringRef where) {
  if (llvm::Error error = checkNoLfsPointer(text, where))
    return error;
  if (nestingDepth(text) > maxNesting)
    return fail(where + ": JSON nested deeper than " + Twine(maxNesting) + " levels; give a plain config");
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
  if (!value)
    return fail(where + ": not valid JSON: " + llvm::toString(value.takeError()) + "; correct the file");
  if (value->kind() != llvm::json::Value::Object)
    return fail(where + ": expected a JSON object, got " + shortText(*value) + "; correct the file");
  return value;
}

llvm::Expected<const llvm::json::Object *> mla::importer::findObject(const llvm::json::Object &root, StringRef key,
                                                                     StringRef where) {
  const llvm::json::Value *value = root.get(key);
  if (!value || value->kind() == llvm::json::Value::Null)
    return nullptr;
  if (const llvm::json::Object *object = value->getAsObject())
    return object;
  return fail(where + ": " + key + ": expected an object, got " + shortText(*value) + "; correct the config");
}

/// Return the value as an integer, if it is one. LLVM's getAsInteger also converts 2^63, which does not fit in int64_t.
static std::optional<int64_t> asInteger(const llvm::json::Value &value) {
  std::optional<double> number = value.getAsNumber();
  return number && *number < 0x1p63 ? value.getAsInteger() : std::nullopt;
}

std::string mla::importer::shortText(const llvm::json::Value &value) {
  // JSON prints a number with all 17 digits.
  if (std::optional<double> number = value.getAsNumber(); number && !asInteger(value))
    return numberText(*number);
  std::string text;
  llvm::raw_string_ostream(text) << value;
  if (text.size() <= 40)
    return text;
  // Truncate between UTF-8 characters, not inside one.
  size_t length = 37;
  while (length && (text[length] & 0xC0) == 0x80)
    --length;
  return text.substr(0, length) + "...";
}

const llvm::json::Value *FieldReader::find(StringRef key, bool nullIsAbsent) const {
  const llvm::json::Value *value = object.get(key);
  return value && nullIsAbsent && value->kind() == llvm::json::Value::Null ? nullptr : value;
}

void FieldReader::refuse(StringRef key, const Twine &what) {
  if (!failed())
    message = (where + ": " + scope + key + ": " + what).str();
}

int64_t FieldReader::count(StringRef key, int64_t limit, int64_t least) {
  const llvm::json::Value *value = find(key, /*nullIsAbsent=*/false);
  if (value)
    return count(key, *value, limit, least);
  refuse(key, "missing; the attention layer cannot be built without it");
  return 1;
}

int64_t FieldReader::count(StringRef key, const llvm::json::Value &value, int64_t limit, int64_t least) {
  std::optional<int64_t> integer = asInteger(value);
  if (integer && *integer >= least && *integer <= limit)
    return *integer;
  refuse(key, "expected an integer from " + Twine(least) + " to " + Twine(limit) + ", got " + shortText(value) +
                  "; correct the config");
  return 1;
}

double FieldReader::number(StringRef key, double low, double high, std::optional<double> absent) {
  const llvm::json::Value *value = find(key);
  if (!value) {
    if (!absent)
      refuse(key, "missing; give a number");
    return absent.value_or(low);
  }
  std::optional<double> number = value->getAsNumber();
  if (number && std::isfinite(*number) && *number >= low && *number <= high)
    return *number;
  refuse(key, "expected a number from " + numberText(low) + " to " + numberText(high) + ", got " + shortText(*value) +
                  "; correct the config");
  return low;
}

bool FieldReader::boolean(StringRef key, bool absent) {
  const llvm::json::Value *value = find(key, /*nullIsAbsent=*/false);
  if (!value)
    return absent;
  if (std::optional<bool> boolean = value->getAsBoolean())
    return *boolean;
  refuse(key, "expected true or false, got " + shortText(*value) + "; correct the config");
  return absent;
}

StringRef FieldReader::string(StringRef key) {
  const llvm::json::Value *value = find(key);
  if (!value)
    return "";
  if (std::optional<StringRef> string = value->getAsString())
    return *string;
  refuse(key, "expected a string, got " + shortText(*value) + "; correct the config");
  return "";
}
