//===- Literal.cpp - Numbers in constants ---------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Literal.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

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

std::optional<double> mla::raise::splatOf(Attribute elements) {
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  if (!dense || !dense.isSplat())
    return std::nullopt;
  return numberOf(dense.getSplatValue<Attribute>());
}

template <typename Resource> static std::optional<double> resourceElement(Attribute elements, int64_t position) {
  auto resource = dyn_cast<Resource>(elements);
  auto values = resource ? resource.tryGetAsArrayRef() : std::nullopt;
  if (!values || position >= static_cast<int64_t>(values->size()))
    return std::nullopt;
  return (*values)[position];
}

std::optional<double> mla::raise::elementOf(Attribute elements, int64_t position) {
  if (std::optional<double> splat = splatOf(elements))
    return splat;
  if (auto dense = dyn_cast<DenseElementsAttr>(elements))
    return numberOf(*(dense.getValues<Attribute>().begin() + position));
  if (std::optional<double> value = resourceElement<DenseF32ResourceElementsAttr>(elements, position))
    return value;
  return resourceElement<DenseBoolResourceElementsAttr>(elements, position);
}
