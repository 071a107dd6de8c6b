//===- Literal.cpp - Numbers in attributes --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Literal.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mla::raise;

std::optional<double> mla::raise::numberOf(Attribute number) {
  if (auto integer = dyn_cast<IntegerAttr>(number))
    return integer.getType().isInteger(1) ? integer.getValue().getZExtValue() : integer.getValue().getSExtValue();
  auto value = dyn_cast<FloatAttr>(number);
  if (!value)
    return std::nullopt;
  APFloat wide = value.getValue();
  bool losesInfo;
  wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return wide.convertToDouble();
}

template <typename Resource> static auto valuesOf(Attribute elements) {
  auto resource = dyn_cast<Resource>(elements);
  return resource ? resource.tryGetAsArrayRef() : std::nullopt;
}

template <typename Resource> static std::optional<double> resourceSplat(Attribute elements) {
  auto values = valuesOf<Resource>(elements);
  return values && !values->empty() && llvm::all_equal(*values) ? std::optional<double>(values->front()) : std::nullopt;
}

std::optional<double> mla::raise::splatOf(Attribute elements) {
  if (auto dense = dyn_cast<DenseElementsAttr>(elements))
    return dense.isSplat() ? numberOf(dense.getSplatValue<Attribute>()) : std::nullopt;
  if (std::optional<double> value = resourceSplat<DenseF32ResourceElementsAttr>(elements))
    return value;
  return resourceSplat<DenseBoolResourceElementsAttr>(elements);
}

template <typename Resource> static std::optional<double> resourceElement(Attribute elements, int64_t position) {
  auto values = valuesOf<Resource>(elements);
  if (!values || position >= static_cast<int64_t>(values->size()))
    return std::nullopt;
  return (*values)[position];
}

std::optional<double> mla::raise::elementOf(Attribute elements, int64_t position) {
  if (auto dense = dyn_cast<DenseElementsAttr>(elements))
    return numberOf(*(dense.getValues<Attribute>().begin() + position));
  if (std::optional<double> value = resourceElement<DenseF32ResourceElementsAttr>(elements, position))
    return value;
  return resourceElement<DenseBoolResourceElementsAttr>(elements, position);
}
