//===- Bindings.cpp - Buffers bound by launch lists -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bindings.h"
#include "Text.h"

#include <algorithm>

using namespace mla;
using json::Value;
using schema::ExtentRow;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

int64_t BindingTypes::number(std::string_view key) const {
  if (key == "cache_row")
    return cacheRow;
  if (key == "hidden_row")
    return number("hidden_size") * std::max<int64_t>(number("streams"), 1);
  // Where it was checked: elsewhere a field of that name is none that we know, and may say anything.
  const Value *object = key == "page" ? &root : root.find("model"), *value = object ? object->find(key) : nullptr;
  return value ? value->integer : 0;
}

Element BindingTypes::element(Element row) const {
  return row == Element::DType ? dtype : row == Element::CacheDType ? cacheDType : row;
}

Result<uint64_t> BufferBinding::bytes(const Sizes &sizes) const {
  // Full rows up to the last, of which only the used part.
  uint64_t rows = 1, width = 1, last = 1, elements = 0;
  for (const Expression &extent : shape) {
    Result<int64_t> value = extent.evaluate(sizes);
    if (!value)
      return value.error();
    auto size = static_cast<uint64_t>(std::max<int64_t>(*value, 0));
    bool innermost = &extent == &shape.back();
    if (innermost) {
      width = size;
      last = std::min(size, static_cast<uint64_t>(used));
    } else if (__builtin_mul_overflow(rows, size, &rows)) {
      return Error(ErrorKind::InvalidArgument, "a buffer exceeds 64 bits; lower the sizes");
    }
  }
  if (rows == 0 || last == 0)
    return uint64_t(0);
  if (__builtin_mul_overflow(rows - 1, width, &elements) || __builtin_add_overflow(elements, last, &elements) ||
      elements > UINT64_MAX / 8)
    return Error(ErrorKind::InvalidArgument, "a buffer exceeds 64 bits; lower the sizes");
  return schema::bytesOf(elements, bitsOf(element));
}

bool BufferBinding::isEmpty() const {
  return used == 0 || std::count(shape.begin(), shape.end(), Expression::constant(0)) > 0;
}

/// Creates the binding of a row of the table.
static BufferBinding make(const schema::Binding &row, const BindingTypes &types) {
  BufferBinding binding;
  binding.buffer = row.buffer;
  binding.element = types.element(row.element);
  for (unsigned i = 0; i < row.extents.rank; ++i) {
    const ExtentRow &extent = rowOf(row.extents[i]);
    if (isDynamic(row.extents[i]))
      binding.shape.push_back(Expression::size(extent.size, extent.number));
    else
      binding.shape.push_back(
          Expression::constant(extent.kind == ExtentRow::Fixed ? extent.number : types.number(extent.key)));
    if (extent.kind == ExtentRow::Query)
      binding.used = types.number(extent.key);
  }
  return binding;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Formats extents for messages: "tokens", "batch + 1", "heads, 8".
static std::string describe(schema::Extent extent, const BindingTypes &types) {
  const ExtentRow &row = rowOf(extent);
  if (isDynamic(extent))
    return nameOf(row.size) + (row.number ? " + " + std::to_string(row.number) : std::string());
  if (row.kind == ExtentRow::Fixed)
    return std::to_string(row.number);
  return row.key + (", " + std::to_string(types.number(row.key)));
}

static std::string describe(schema::List list) {
  return list == schema::List::Entry ? "an entry" : schema::coreNames[static_cast<unsigned>(list) - 1];
}

namespace {
/// Reads the bindings of one list. Keeps the first error.
class Reader {
public:
  Reader(const std::string &path, schema::List list, const BindingTypes &types, std::vector<BufferBinding> &bindings,
         Error &error)
      : path(path), list(list), types(types), bindings(bindings), error(error) {}

  void read(const std::string &prefix, const Value &object);

private:
  const std::string &path;
  schema::List list;
  const BindingTypes &types;
  std::vector<BufferBinding> &bindings;
  Error &error;

  bool isBound(Buffer buffer) const {
    return std::any_of(bindings.begin(), bindings.end(),
                       [&](const BufferBinding &one) { return one.buffer == buffer; });
  }
  const schema::Binding *readName(FieldReader &item);
  void readBinding(FieldReader item);
  void checkShape(FieldReader &item, const schema::Binding &row, const BufferBinding &expected);
  void checkAllBound(FieldReader &parent);
};
} // namespace

/// Returns null after an error.
const schema::Binding *Reader::readName(FieldReader &item) {
  std::string name = item.text("name"), known;
  const schema::Binding *row = schema::findBinding(list, name);
  for (const schema::Binding &binding : schema::bindings)
    if (binding.list == list)
      known += (known.empty() ? "" : ", ") + std::string(binding.name);
  if (!row)
    item.fail("name", "is " + quoted(name) + ", which is no buffer of " + describe(list) + ": those are " + known);
  else if (isBound(row->buffer))
    item.fail("name", "is " + quoted(name) + " a second time");
  return item.failed() ? nullptr : row;
}

void Reader::checkShape(FieldReader &item, const schema::Binding &row, const BufferBinding &expected) {
  const Value &extents = item.get("shape", Value::Kind::Array);
  if (extents.items.size() != expected.shape.size())
    return item.fail("shape", "has " + std::to_string(extents.items.size()) + " extents, must have " +
                                  std::to_string(expected.shape.size()) + " for " + quoted(row.name));
  for (size_t i = 0; i < expected.shape.size(); ++i) {
    std::string place = "shape[" + std::to_string(i) + "]";
    Result<Expression> extent = Expression::parse(extents.items[i], {(1u << numSizes) - 1});
    if (!extent)
      return item.fail(place.c_str(), extent.error().message());
    if (!(*extent == expected.shape[i]))
      return item.fail(place.c_str(), "must be " + describe(row.extents[i], types) + ", for " + quoted(row.name));
  }
}

void Reader::readBinding(FieldReader item) {
  const schema::Binding *row = readName(item);
  if (!row)
    return;
  BufferBinding expected = make(*row, types);
  auto element = static_cast<Element>(item.choice("dtype", schema::elementNames));
  if (element != expected.element)
    item.fail("dtype", "must be " + quoted(nameOf(expected.element)) + " for " + quoted(row->name) + ", is " +
                           quoted(nameOf(element)));
  checkShape(item, *row, expected);
  bindings.push_back(std::move(expected));
}

void Reader::checkAllBound(FieldReader &parent) {
  const char *part = nullptr; // of a cache
  for (const schema::Binding &row : schema::bindings)
    if (row.list == list && row.group == schema::Group::Cache && isBound(row.buffer))
      part = row.name;
  for (const schema::Binding &row : schema::bindings) {
    if (row.list != list || isBound(row.buffer))
      continue;
    if (row.group == schema::Group::Always)
      parent.fail("bindings", "lacks " + quoted(row.name) + ", which " + describe(list) + " needs");
    else if (row.group == schema::Group::Cache && part)
      parent.fail("bindings", "lacks " + quoted(row.name) + ", without which there can be no " + quoted(part));
  }
}

void Reader::read(const std::string &prefix, const Value &object) {
  FieldReader parent(path, prefix, object, error);
  const Value &items = parent.get("bindings", Value::Kind::Array);
  if (items.items.size() > size_t(schema::Limit::Bindings))
    return parent.fail("bindings", "has more than " + std::to_string(schema::Limit::Bindings) + " buffers");
  for (size_t i = 0; i < items.items.size() && !error; ++i) {
    std::string place = "bindings[" + std::to_string(i) + "]";
    if (!items.items[i].is(Value::Kind::Object))
      return parent.fail(place.c_str(), std::string("must be an object, is ") + json::kindName(items.items[i].kind));
    readBinding(FieldReader(path, prefix + place + ".", items.items[i], error));
  }
  checkAllBound(parent);
}

void mla::readBindings(const std::string &path, const std::string &prefix, const Value &object, schema::List list,
                       const BindingTypes &types, std::vector<BufferBinding> &bindings, Error &error) {
  if (object.find("bindings"))
    return Reader(path, list, types, bindings, error).read(prefix, object);
  for (const schema::Binding &row : schema::bindings)
    if (row.list == list && row.group != schema::Group::Optional)
      bindings.push_back(make(row, types));
}
