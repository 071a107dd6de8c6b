//===- Tuned.cpp - tuned.json ---------------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tuned.h"
#include "FieldReader.h"
#include "ReadFile.h"

#include "mla/abi.h"

#include <cerrno>
#include <sys/stat.h>

using namespace mla;
using json::Value;

/// Calls `read` with a reader of each object of an array.
template <typename Read>
static void readObjects(const std::string &path, const std::string &prefix, FieldReader &parent, const char *name,
                        Error &error, Read read) {
  const Value &list = parent.get(name, Value::Kind::Array);
  for (size_t i = 0; i < list.items.size() && !error; ++i) {
    std::string place = std::string(name) + "[" + std::to_string(i) + "]";
    if (!list.items[i].is(Value::Kind::Object))
      return parent.fail(place.c_str(), std::string("must be an object, is ") + json::kindName(list.items[i].kind));
    read(prefix + place + ".", list.items[i]);
  }
}

static TunedSize readSize(FieldReader fields) {
  TunedSize size = {fields.integer("size", 0, INT64_MAX), {}};
  for (const Value &cost : fields.get("costs", Value::Kind::Array).items) {
    bool isNumber = cost.is(Value::Kind::Number) || cost.is(Value::Kind::Integer);
    if (!cost.is(Value::Kind::Null) && !(isNumber && cost.number >= 0))
      fields.fail("costs", "must hold numbers that are not negative, or null");
    size.costs.push_back(isNumber ? cost.number : -1);
  }
  return size;
}

static TunedChoice readChoice(const std::string &path, const std::string &prefix, const Value &object, Error &error) {
  FieldReader fields(path, prefix, object, error, retune);
  TunedChoice choice = {fields.text("list"), fields.text("kernel"), {}, {}};
  for (const Value &limit : fields.get("limits", Value::Kind::Array).items) {
    if (!limit.is(Value::Kind::Integer))
      fields.fail("limits", "must hold integers");
    choice.limits.push_back(limit.integer);
  }
  readObjects(path, prefix, fields, "sizes", error, [&](const std::string &place, const Value &size) {
    choice.sizes.push_back(readSize(FieldReader(path, place, size, error, retune)));
  });
  return choice;
}

static Result<Tuning> parseTuning(const std::string &path, const std::string &text) {
  Result<Value> root = json::parse(text);
  if (!root || !root->is(Value::Kind::Object))
    return Error(ErrorKind::InvalidFile,
                 path + ": is not a JSON object" + (root ? "" : ": " + root.error().message()) + "; " + retune);
  Error error;
  FieldReader fields(path, "", *root, error, retune);
  Tuning tuning = {fields.text("device"), fields.text("driver"), fields.text("date"), fields.text("unit"), {}};
  readObjects(path, "", fields, "choices", error, [&](const std::string &place, const Value &choice) {
    tuning.choices.push_back(readChoice(path, place, choice, error));
  });
  if (error)
    return error;
  return tuning;
}

std::string mla::tunedPath(const std::string &bundle) { return bundle + "/" MLA_TUNED_FILE; }

Result<std::optional<Tuning>> mla::readTuning(const std::string &bundle) {
  std::string path = tunedPath(bundle);
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0 && errno == ENOENT)
    return std::optional<Tuning>();
  if (!S_ISREG(info.st_mode))
    return Error(ErrorKind::InvalidFile, path + ": is not a regular file; " + retune);
  Result<std::string> text = readFile(path, maxManifestBytes);
  if (!text)
    return text.error();
  Result<Tuning> tuning = parseTuning(path, *text);
  if (!tuning)
    return tuning.error();
  return std::optional<Tuning>(std::move(*tuning));
}
