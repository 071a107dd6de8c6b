//===- Bindings.cpp - Buffers bound by launch lists -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/Bindings.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

SmallVector<schema::Binding> mla::bindingsOf(schema::List list) {
  return llvm::to_vector(
      llvm::make_filter_range(schema::bindings, [&](const schema::Binding &binding) { return binding.list == list; }));
}

std::optional<schema::List> mla::findCoreList(StringRef core) {
  const auto *name = llvm::find(schema::coreNames, core);
  if (name == std::end(schema::coreNames))
    return std::nullopt;
  return schema::listOf(static_cast<schema::Core>(name - schema::coreNames));
}

std::optional<schema::List> mla::listOf(LaunchesOp launches) {
  return launches.getRegime() ? schema::List::Entry : findCoreList(launches.getSymName());
}

std::optional<schema::Element> mla::elementOf(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  const auto *name = llvm::find(schema::elementNames, text);
  if (name == std::end(schema::elementNames))
    return std::nullopt;
  return static_cast<schema::Element>(name - schema::elementNames);
}

static Type elementTypeOf(schema::Element element, Type dtype) {
  switch (element) {
  case schema::Element::F32:
    return Float32Type::get(dtype.getContext());
  case schema::Element::BF16:
    return BFloat16Type::get(dtype.getContext());
  case schema::Element::I32:
    return IntegerType::get(dtype.getContext(), 32);
  case schema::Element::F8E4M3FN:
    return Float8E4M3FNType::get(dtype.getContext());
  case schema::Element::I8:
    return IntegerType::get(dtype.getContext(), 8);
  case schema::Element::DType:
  case schema::Element::CacheDType:
    return dtype;
  }
  llvm_unreachable("every element has a type");
}

static int64_t sizeOf(schema::Extent extent, DictionaryAttr model) {
  const schema::ExtentRow &row = schema::rowOf(extent);
  if (schema::isDynamic(extent))
    return ShapedType::kDynamic;
  if (row.kind == schema::ExtentRow::Fixed)
    return row.number;
  return model.getAs<IntegerAttr>(row.key).getInt();
}

RankedTensorType mla::typeOf(const schema::Binding &binding, DictionaryAttr model, Type dtype) {
  SmallVector<int64_t> shape;
  for (unsigned i = 0; i < binding.extents.rank; ++i)
    shape.push_back(sizeOf(binding.extents[i], model));
  return RankedTensorType::get(shape, elementTypeOf(binding.element, dtype));
}

//===----------------------------------------------------------------------===//
// Arguments and results
//===----------------------------------------------------------------------===//

static SmallVector<const schema::Binding *> valuesOf(schema::List list, bool areResults) {
  SmallVector<const schema::Binding *> rows;
  bool hasCache = false;
  for (const schema::Binding &binding : schema::bindings) {
    if (binding.list != list || (binding.access == schema::Access::Out) != areResults)
      continue;
    bool isCache = binding.group == schema::Group::Cache;
    if (!isCache || !hasCache)
      rows.push_back(&binding);
    hasCache |= isCache;
  }
  return rows;
}

SmallVector<const schema::Binding *> mla::argumentsOf(schema::List list) { return valuesOf(list, false); }
SmallVector<const schema::Binding *> mla::resultsOf(schema::List list) { return valuesOf(list, true); }

StringRef mla::argumentNameOf(const schema::Binding &binding) {
  return binding.group == schema::Group::Cache ? "cache" : binding.name;
}

/// Accept any float if the table leaves the element type to the bundle, and the bytes of a packed cache.
static bool isOf(schema::Element element, Type type) {
  if (element == schema::Element::CacheDType && type.isInteger(8))
    return true;
  if (element == schema::Element::DType || element == schema::Element::CacheDType)
    return isa<FloatType>(type);
  return elementOf(type) == element;
}

bool mla::matches(const schema::Binding &binding, Type type) {
  if (binding.group == schema::Group::Cache)
    return isa<CacheType>(type);
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == binding.extents.rank && isOf(binding.element, tensor.getElementType());
}

SmallVector<const schema::Binding *> mla::matchInOrder(ArrayRef<const schema::Binding *> rows, TypeRange types) {
  SmallVector<const schema::Binding *> matched;
  for (Type type : types) {
    rows = rows.drop_until([&](const schema::Binding *row) { return matches(*row, type); });
    matched.push_back(rows.empty() ? nullptr : rows.front());
    rows = rows.drop_front(rows.empty() ? 0 : 1);
  }
  return matched;
}

bool mla::isCore(FunctionOpInterface function) {
  return function.getNumArguments() > 0 && function.getArgAttr(0, kBufferAttr);
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

template <typename Names> static std::string listed(Names &&names) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(names, stream);
  return text;
}

LogicalResult BindingAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringAttr buffer,
                                  RankedTensorType type) {
  if (elementOf(type.getElementType()))
    return success();
  return emitError() << "expected elements of a buffer to be one of " << listed(schema::elementNames) << ", got "
                     << type.getElementType();
}

static LogicalResult verifyType(LaunchesOp launches, BindingAttr attribute, const schema::Binding &binding) {
  RankedTensorType type = attribute.getType();
  if (type.getRank() != binding.extents.rank)
    return launches.emitOpError() << "(C5) expected rank " << binding.extents.rank << " of " << attribute.getBuffer()
                                  << ", got " << type;
  if (!isOf(binding.element, type.getElementType()))
    return launches.emitOpError() << "(C5) expected elements of "
                                  << (binding.element < schema::Element::DType ? nameOf(binding.element)
                                                                               : "a float type")
                                  << " in " << attribute.getBuffer() << ", got " << type;
  for (unsigned i = 0; i < binding.extents.rank; ++i)
    if (type.isDynamicDim(i) != schema::isDynamic(binding.extents[i]))
      return launches.emitOpError() << "(C5) expected extent #" << i << " of " << attribute.getBuffer()
                                    << (type.isDynamicDim(i) ? " to be known" : " to be '?'") << ", got " << type;
  return success();
}

LogicalResult LaunchesOp::verify() {
  std::optional<schema::List> list = listOf(*this);
  if (!list && !getBindings().empty())
    return emitOpError() << "(C4) binds buffers, but is neither an entry with a regime nor one of "
                         << listed(schema::coreNames);
  llvm::SmallPtrSet<const schema::Binding *, 8> bound;
  for (auto attribute : getBindings().getAsRange<BindingAttr>()) {
    const schema::Binding *binding = schema::findBinding(*list, attribute.getBuffer().getValue());
    if (!binding)
      return emitOpError() << "(C4) has no buffer " << attribute.getBuffer() << "; expected one of "
                           << listed(llvm::map_range(bindingsOf(*list), [](const auto &one) { return one.name; }));
    if (!bound.insert(binding).second)
      return emitOpError() << "(C4) binds " << attribute.getBuffer() << " twice";
    if (failed(verifyType(*this, attribute, *binding)))
      return failure();
  }
  return success();
}
