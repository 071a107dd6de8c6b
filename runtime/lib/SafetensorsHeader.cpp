//===- SafetensorsHeader.cpp - The header of a safetensors file -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SafetensorsHeader.h"
#include "Json.h"
#include "Memory.h"
#include "Text.h"

#include <algorithm>

using namespace mla;
using json::Value;

static constexpr size_t maxRank = 64;

/// Limits above those of a header of the format's maximum size with names as in models, and of the metadata of any
/// file; a hostile header could otherwise take twenty times its size.
static constexpr size_t maxTensors = 1 << 20, maxValuesOfItem = 1 << 18;

/// Memory per tensor, in a growing vector, besides the bytes of its name.
static constexpr uint64_t memoryOfTensor = 3 * sizeof(SafetensorsTensor) + 128;

std::optional<uint64_t> mla::tensorBytes(DType dtype, const std::vector<int64_t> &shape) {
  int64_t product = dtypeSize(dtype);
  bool empty = false;
  for (int64_t size : shape) {
    empty |= size == 0;
    if (size < 0 || (size > 0 && __builtin_mul_overflow(product, size, &product)))
      return std::nullopt;
  }
  return empty ? 0 : static_cast<uint64_t>(product);
}

static Error invalid(const std::string &path, const std::string &what) {
  return Error(ErrorKind::InvalidFile, path + ": " + what + "; the file is damaged, fetch or write it again");
}

static Error invalidTensor(const std::string &path, const std::string &name, const std::string &what) {
  return invalid(path, "tensor " + quoted(name) + ": " + what);
}

static Error readMetadata(const std::string &path, const Value &object, SafetensorsMetadata &metadata) {
  if (!object.is(Value::Kind::Object))
    return invalid(path, std::string("__metadata__ must be an object, is ") + json::kindName(object.kind));
  for (size_t i = 0; i < object.items.size(); ++i) {
    const Value &value = object.items[i];
    if (!value.is(Value::Kind::String))
      return invalid(path, "__metadata__: the value of " + quoted(object.keys[i]) + " must be a string, is " +
                               json::kindName(value.kind));
    metadata[object.keys[i]] = value.text;
  }
  return {};
}

/// Reads an array of non-negative integers.
static Error readSizes(const std::string &path, const std::string &tensor, const char *field, const Value *array,
                       std::vector<int64_t> &sizes) {
  if (!array)
    return invalidTensor(path, tensor, std::string("no field '") + field + "'");
  if (!array->is(Value::Kind::Array))
    return invalidTensor(path, tensor, std::string(field) + " must be an array, is " + json::kindName(array->kind));
  for (const Value &item : array->items) {
    if (!item.is(Value::Kind::Integer))
      return invalidTensor(path, tensor,
                           std::string(field) + " must hold integers of 64 bits, has " +
                               (item.is(Value::Kind::Number) ? "another number" : kindName(item.kind)));
    if (item.integer < 0)
      return invalidTensor(path, tensor,
                           std::string(field) + " has the negative number " + std::to_string(item.integer));
    sizes.push_back(item.integer);
  }
  return {};
}

/// Accepts unknown types, since the format gets new ones: they are an error only where the tensor is read.
static Error readDType(const std::string &path, const Value *field, SafetensorsTensor &tensor) {
  if (!field)
    return invalidTensor(path, tensor.name, "no field 'dtype'");
  if (!field->is(Value::Kind::String))
    return invalidTensor(path, tensor.name, std::string("dtype must be a string, is ") + json::kindName(field->kind));
  tensor.dtype = parseDType(field->text).value_or(DType::Other);
  if (tensor.dtype == DType::Other)
    tensor.otherType = field->text;
  return {};
}

/// Reads one entry; `begin` becomes the start of its data.
static Error readTensor(const std::string &path, const Value &entry, uint64_t dataBytes, SafetensorsTensor &tensor,
                        uint64_t &begin) {
  if (!entry.is(Value::Kind::Object))
    return invalidTensor(path, tensor.name, std::string("the entry must be an object, is ") + kindName(entry.kind));
  if (Error error = readDType(path, entry.find("dtype"), tensor))
    return error;
  if (Error error = readSizes(path, tensor.name, "shape", entry.find("shape"), tensor.shape))
    return error;
  if (tensor.shape.size() > maxRank)
    return invalidTensor(path, tensor.name, "more than " + std::to_string(maxRank) + " dimensions");
  std::optional<uint64_t> bytes = tensorBytes(tensor.dtype, tensor.shape);
  if (!bytes)
    return invalidTensor(path, tensor.name, "shape " + shapeText(tensor.shape) + " overflows 64 bits");

  std::vector<int64_t> offsets;
  if (Error error = readSizes(path, tensor.name, "data_offsets", entry.find("data_offsets"), offsets))
    return error;
  if (offsets.size() != 2 || offsets[0] > offsets[1])
    return invalidTensor(path, tensor.name, "data_offsets must be [begin, end], is " + shapeText(offsets));
  begin = offsets[0];
  uint64_t end = offsets[1];
  if (end > dataBytes)
    return invalidTensor(path, tensor.name,
                         "its data end at byte " + std::to_string(end) + ", beyond the file's " +
                             std::to_string(dataBytes) + " bytes of data");
  if (tensor.dtype == DType::Other)
    bytes = end - begin;
  if (end - begin != *bytes)
    return invalidTensor(path, tensor.name,
                         "data_offsets span " + std::to_string(end - begin) + " bytes, but " + dtypeName(tensor.dtype) +
                             " of shape " + shapeText(tensor.shape) + " takes " + std::to_string(*bytes));
  tensor.bytes = *bytes;
  return {};
}

/// Checks that the tensors, in the order of their data, cover the data exactly.
static Error checkCoverage(const std::string &path, const std::vector<SafetensorsTensor> &tensors, const char *data,
                           uint64_t dataBytes) {
  uint64_t covered = 0;
  for (const SafetensorsTensor &tensor : tensors) {
    uint64_t begin = static_cast<const char *>(tensor.data) - data;
    if (begin < covered)
      return invalidTensor(path, tensor.name,
                           "its data, from byte " + std::to_string(begin) + " on, overlap those of another tensor");
    if (begin > covered)
      return invalidTensor(path, tensor.name,
                           "before its data is a hole of " + std::to_string(begin - covered) +
                               " bytes that no tensor covers");
    covered = begin + tensor.bytes;
  }
  if (covered != dataBytes)
    return invalid(path, "the tensors cover " + std::to_string(covered) + " of the file's " +
                             std::to_string(dataBytes) + " bytes of data");
  return {};
}

namespace {
/// Takes the header's items as they are parsed, so that only the tensors are kept.
struct HeaderReader {
  const std::string &path;
  const char *data;
  uint64_t dataBytes;
  SafetensorsHeader header = {};
  bool hasMetadata = false;
  Error error = {};

  bool take(std::string key, const Value &value) {
    error = key == "__metadata__" ? takeMetadata(value) : takeTensor(std::move(key), value);
    return !error;
  }

private:
  Error takeMetadata(const Value &value) {
    if (hasMetadata)
      return invalid(path, "the name '__metadata__' appears twice");
    hasMetadata = true;
    return readMetadata(path, value, header.metadata);
  }
  Error takeTensor(std::string name, const Value &value) {
    if (header.tensors.size() >= maxTensors)
      return invalid(path, "more than " + std::to_string(maxTensors) + " tensors");
    SafetensorsTensor &tensor = header.tensors.emplace_back();
    tensor.name = std::move(name);
    uint64_t begin = 0;
    if (Error failed = readTensor(path, value, dataBytes, tensor, begin))
      return failed;
    tensor.data = data + begin;
    return {};
  }
};
} // namespace

/// With a duplicate name, two readers may see two files.
static Error checkNames(const std::string &path, const std::vector<SafetensorsTensor> &tensors) {
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (const SafetensorsTensor &tensor : tensors)
    names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  auto twice = std::adjacent_find(names.begin(), names.end());
  return twice == names.end() ? Error() : invalid(path, "the name " + quoted(*twice) + " appears twice");
}

Result<SafetensorsHeader> mla::parseSafetensorsHeader(const std::string &path, std::string_view text, const char *data,
                                                      uint64_t dataBytes) {
  HeaderReader reader{path, data, dataBytes};
  size_t braces = std::count(text.begin(), text.end(), '{');
  Result<Value> root =
      json::parseItems(text, maxValuesOfItem, std::min(braces, maxTensors) * memoryOfTensor,
                       [&](std::string key, const Value &value) { return reader.take(std::move(key), value); });
  if (reader.error)
    return reader.error;
  if (!root && root.error().kind() == ErrorKind::OutOfMemory)
    return outOfMemory(path, "its header");
  if (!root)
    return invalid(path, "the header is not valid JSON: " + root.error().message());
  if (!root->is(Value::Kind::Object))
    return invalid(path, std::string("the header must be a JSON object, is ") + kindName(root->kind));
  SafetensorsHeader &header = reader.header;
  if (Error error = checkNames(path, header.tensors))
    return error;
  // Empty tensors first among those that start at the same byte: they cover nothing.
  std::sort(header.tensors.begin(), header.tensors.end(), [](const SafetensorsTensor &a, const SafetensorsTensor &b) {
    return a.data != b.data ? a.data < b.data : a.bytes != b.bytes ? a.bytes < b.bytes : a.name < b.name;
  });
  if (Error error = checkCoverage(path, header.tensors, data, dataBytes))
    return error;
  return std::move(header);
}

std::string mla::printSafetensorsHeader(const std::vector<SafetensorsSpec> &tensors,
                                        const SafetensorsMetadata &metadata) {
  std::string result = "{", entries;
  for (const auto &[key, value] : metadata)
    entries += (entries.empty() ? "" : ",") + json::quote(key) + ":" + json::quote(value);
  if (!metadata.empty())
    result += "\"__metadata__\":{" + entries + "}";
  uint64_t begin = 0;
  for (const SafetensorsSpec &tensor : tensors) {
    uint64_t end = begin + tensorBytes(tensor.dtype, tensor.shape).value_or(0);
    result += (result.size() > 1 ? "," : "") + json::quote(tensor.name) + ":{\"dtype\":\"" + dtypeName(tensor.dtype) +
              "\",\"shape\":" + shapeText(tensor.shape) +
              ",\"data_offsets\":" + shapeText({static_cast<int64_t>(begin), static_cast<int64_t>(end)}) + "}";
    begin = end;
  }
  return result + "}";
}
