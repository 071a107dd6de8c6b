//===- MLAFolders.cpp - Folding of constant operands ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/MLA.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;

void WeightOp::getAsmResultNames(function_ref<void(Value, StringRef)> setName) {
  // The last distinguishing part of the name: "…self_attn.q_a_proj.weight" is
  // %q_a_proj.
  StringRef name = getName();
  name.consume_back(".weight");
  StringRef last = name.rsplit('.').second;
  setName(getResult(), last.empty() ? name : last);
}

static SmallVector<double> toDoubles(DenseFPElementsAttr elements) {
  SmallVector<double> values;
  values.reserve(elements.getNumElements());
  for (const APFloat &value : elements) {
    APFloat wide = value;
    bool losesInfo;
    wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
    values.push_back(wide.convertToDouble());
  }
  return values;
}

static APFloat toFloat(double value, FloatType type) {
  APFloat rounded(value);
  bool losesInfo;
  rounded.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
  return rounded;
}

/// Maximum multiplications of a folder, and elements of its result; larger products are computed when the layer is
/// prepared, by faster and certified code.
static constexpr int64_t kLargestFoldedProduct = int64_t(1) << 26;

/// Return whether this many elements, or multiplications, are few; sizes may be any of 63 bits.
static bool isSmall(ArrayRef<int64_t> sizes) {
  uint64_t product = 1;
  for (int64_t size : sizes)
    product = llvm::SaturatingMultiply(product, static_cast<uint64_t>(size));
  return product <= static_cast<uint64_t>(kLargestFoldedProduct);
}

/// Multiplies two small constants in double and rounds once.
OpFoldResult ComposeOp::fold(FoldAdaptor adaptor) {
  auto outer = dyn_cast_if_present<DenseFPElementsAttr>(adaptor.getOuter());
  auto inner = dyn_cast_if_present<DenseFPElementsAttr>(adaptor.getInner());
  if (!outer || !inner)
    return {};
  auto type = cast<RankedTensorType>(getType());
  int64_t heads = type.getDimSize(0), rows = type.getDimSize(1), columns = type.getDimSize(2);
  int64_t depth = outer.getType().getDimSize(2);
  // A splat of any size is one number in memory, so that nothing else bounds the sizes.
  if (!isSmall({heads, rows, depth}) || !isSmall({heads, depth, columns}) || !isSmall({heads, rows, columns}) ||
      !isSmall({heads, rows, columns, depth}))
    return {};
  SmallVector<double> a = toDoubles(outer), b = toDoubles(inner);
  SmallVector<APFloat> product;
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t n = 0; n < rows; ++n)
      for (int64_t k = 0; k < columns; ++k) {
        double sum = 0;
        for (int64_t j = 0; j < depth; ++j)
          sum += a[(h * rows + n) * depth + j] * b[(h * depth + j) * columns + k];
        product.push_back(toFloat(sum, cast<FloatType>(type.getElementType())));
      }
  return DenseElementsAttr::get(type, product);
}

/// Groups that are all kept exclude no expert.
LogicalResult RouteOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &) {
  if (getGroups() == 1 || getKept() != getGroups())
    return failure();
  setGroups(1);
  setKept(1);
  setBest(1);
  return success();
}
