//===- CompiledFor.cpp - What native code was compiled for ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompiledFor.h"
#include "Json.h"
#include "Text.h"

#include "mla/abi.h"

#include <algorithm>
#include <cstdio>

using namespace mla;
using json::Value;

namespace {
/// Compares values of the manifest with those of the code; keeps the first difference.
class Comparison {
public:
  explicit Comparison(std::string path) : path(std::move(path)) {}

  /// Compares all of `code` with what the manifest has at `field`.
  void compare(const std::string &field, const Value *manifest, const Value &code);
  void fail(const std::string &what) {
    if (!error)
      error = Error(ErrorKind::InvalidFile, path + ": " + what + "; compile the bundle again");
  }
  bool failed() const { return static_cast<bool>(error); }
  Error take() { return std::move(error); }

private:
  std::string path;
  Error error;

  void compareItems(const std::string &field, const Value &manifest, const Value &code);
};
} // namespace

static bool isNumber(const Value &value) { return value.is(Value::Kind::Integer) || value.is(Value::Kind::Number); }

static std::string textOf(const Value &value) {
  char number[32];
  std::snprintf(number, sizeof(number), "%.17g", value.number);
  switch (value.kind) {
  case Value::Kind::Integer:
    return std::to_string(value.integer);
  case Value::Kind::Number:
    return number;
  case Value::Kind::String:
    return quoted(value.text);
  case Value::Kind::Bool:
    return value.boolean ? "true" : "false";
  default:
    return json::kindName(value.kind);
  }
}

static bool isSameScalar(const Value &left, const Value &right) {
  if (isNumber(left) && isNumber(right))
    return left.number == right.number && left.integer == right.integer;
  return left.kind == right.kind && left.text == right.text && left.boolean == right.boolean;
}

static std::string compiledFor(const std::string &what) { return ", but " MLA_CODE_FILE " was compiled for " + what; }

void Comparison::compareItems(const std::string &field, const Value &manifest, const Value &code) {
  bool isObject = code.is(Value::Kind::Object);
  if (!isObject && manifest.items.size() != code.items.size())
    return fail("field '" + field + "' has " + std::to_string(manifest.items.size()) + " items" +
                compiledFor(std::to_string(code.items.size())));
  for (size_t i = 0; i < code.items.size() && !error; ++i)
    if (isObject)
      compare((field.empty() ? "" : field + ".") + code.keys[i], manifest.find(code.keys[i]), code.items[i]);
    else
      compare(field + "[" + std::to_string(i) + "]", &manifest.items[i], code.items[i]);
}

void Comparison::compare(const std::string &field, const Value *manifest, const Value &code) {
  bool hasItems = code.is(Value::Kind::Object) || code.is(Value::Kind::Array);
  if (!manifest)
    fail("field '" + field + "' is missing" + compiledFor(textOf(code)));
  else if (hasItems && manifest->is(code.kind))
    compareItems(field, *manifest, code);
  else if (!isSameScalar(*manifest, code))
    fail("field '" + field + "' is " + textOf(*manifest) + compiledFor(textOf(code)));
}

/// Entries by their symbols: a manifest may leave some out, or use them for other contexts.
static void compareEntries(Comparison &comparison, const Value &manifest, const Value &code) {
  for (size_t i = 0; i < manifest.items.size() && !comparison.failed(); ++i) {
    std::string field = "entries[" + std::to_string(i) + "]";
    const Value &symbol = *manifest.items[i].find("symbol");
    auto found = std::find_if(code.items.begin(), code.items.end(), [&](const Value &entry) {
      const Value *own = entry.find("symbol");
      return own && own->text == symbol.text;
    });
    if (found == code.items.end())
      comparison.fail("field '" + field + ".symbol' is " + textOf(symbol) +
                      ", but " MLA_CODE_FILE " has no such entry");
    else
      comparison.compare(field, &manifest.items[i], *found);
  }
}

static std::string typeText(const std::string &dtype, const std::vector<int64_t> &shape) {
  return dtype + " " + shapeText(shape);
}

/// Finds a weight of the first layer that has it, or of a model's ends.
static const SafetensorsTensor *findTensor(const WeightFiles &weights, const std::vector<int64_t> &layers,
                                           const std::string &name) {
  for (int64_t layer : layers)
    if (const SafetensorsTensor *tensor = weights.find("layers." + std::to_string(layer) + "." + name))
      return tensor;
  return weights.find(name);
}

static Error compareTensor(const WeightFiles &weights, const std::vector<int64_t> &layers, const std::string &name,
                           const Value &code) {
  const Value *dtype = code.find("dtype"), *sizes = code.find("shape");
  const SafetensorsTensor *tensor = findTensor(weights, layers, name);
  if (!tensor || !dtype || !sizes)
    return {}; // of an entry that the manifest leaves out
  std::vector<int64_t> shape;
  for (const Value &size : sizes->items)
    shape.push_back(size.integer);
  std::string have = typeText(tensor->typeName(), tensor->shape), want = typeText(dtype->text, shape);
  if (have == want)
    return {};
  return Error(ErrorKind::InvalidFile, weights.path() + ": tensor " + quoted(tensor->name) + " is " + have +
                                           compiledFor(want) + "; compile the bundle again");
}

Error mla::checkCompiledFor(const std::string &bundle, std::string_view manifest, const WeightFiles &weights,
                            const std::vector<int64_t> &layers, std::string_view compiled) {
  std::string path = bundle + "/";
  Result<Value> root = json::parse(manifest), code = json::parse(compiled);
  if (!code || !code->is(Value::Kind::Object))
    return Error(ErrorKind::InvalidFile, path + MLA_CODE_FILE ": does not say what it was compiled for; compile the "
                                                              "bundle again");
  if (!root)
    return root.error();
  Comparison comparison(path + MLA_MANIFEST_FILE);
  for (size_t i = 0; i < code->items.size(); ++i) {
    const std::string &key = code->keys[i];
    if (key == "entries")
      compareEntries(comparison, *root->find(key), code->items[i]);
    else if (key != "tensors")
      comparison.compare(key, root->find(key), code->items[i]);
  }
  if (comparison.failed())
    return comparison.take();
  if (const Value *tensors = code->find("tensors"))
    for (size_t i = 0; i < tensors->items.size(); ++i)
      if (Error error = compareTensor(weights, layers, tensors->keys[i], tensors->items[i]))
        return error;
  return {};
}
