//===- CheckFinite.cpp - Reject weights with NaN or infinity --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A NaN in a weight makes every result NaN, and products computed offline
// spread it. The check costs one pass over the bits.
//
//===----------------------------------------------------------------------===//

#include "Json.h"
#include "mla/Import/LayerWeights.h"

#include "llvm/ADT/APFloat.h"

#include <algorithm>
#include <cstring>

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;

/// Number of elements checked together: the inner loop has no exit and vectorizes.
static constexpr uint64_t chunkElements = 4096;

/// Return the index of the first element with all bits of `mask` set, or `count`. In IEEE types a full exponent is
/// infinity or NaN; in e4m3 only 0x7f and 0xff are NaN and there is no infinity (Micikevicius et al., arXiv:2209.05433,
/// table 1).
template <typename Bits> static uint64_t firstWith(Bits mask, const void *data, uint64_t count) {
  Bits chunk[chunkElements];
  for (uint64_t begin = 0; begin < count; begin += chunkElements) {
    uint64_t size = std::min(chunkElements, count - begin);
    // The data may be unaligned.
    std::memcpy(chunk, static_cast<const char *>(data) + begin * sizeof(Bits), size * sizeof(Bits));
    Bits found = 0;
    for (uint64_t i = 0; i < size; ++i)
      found |= static_cast<Bits>((chunk[i] & mask) == mask);
    if (found)
      return begin + (std::find_if(chunk, chunk + size, [&](Bits bits) { return (bits & mask) == mask; }) - chunk);
  }
  return count;
}

/// Return an element.
static llvm::APFloat valueAt(const SafetensorsTensor &tensor, uint64_t index) {
  unsigned size = dtypeSize(tensor.dtype);
  uint32_t bits = 0; // little-endian, like the file
  tensor.read(index * size, &bits, size);
  const llvm::fltSemantics &type = tensor.dtype == DType::F32    ? llvm::APFloat::IEEEsingle()
                                   : tensor.dtype == DType::BF16 ? llvm::APFloat::BFloat()
                                   : tensor.dtype == DType::F16  ? llvm::APFloat::IEEEhalf()
                                                                 : llvm::APFloat::Float8E4M3FN();
  return llvm::APFloat(type, llvm::APInt(8 * size, bits));
}

/// Return "[3, 7]" for a row-major index.
static std::string indexText(const SafetensorsTensor &tensor, uint64_t index) {
  std::string text = "]";
  for (size_t i = tensor.shape.size(); i-- > 0;) {
    text = (i ? ", " : "") + std::to_string(index % tensor.shape[i]) + text;
    index /= tensor.shape[i];
  }
  return "[" + text;
}

llvm::Error mla::importer::checkFinite(const SafetensorsTensor &tensor, StringRef where) {
  uint64_t count = tensor.numElements(), index = 0;
  switch (tensor.dtype) {
  case DType::F32:
    index = firstWith<uint32_t>(0x7F800000, tensor.data, count);
    break;
  case DType::BF16:
    index = firstWith<uint16_t>(0x7F80, tensor.data, count);
    break;
  case DType::F16:
    index = firstWith<uint16_t>(0x7C00, tensor.data, count);
    break;
  case DType::F8_E4M3:
    index = firstWith<uint8_t>(0x7F, tensor.data, count);
    break;
  default:
    return fail(where + ": tensor " + tensor.name + ": cannot check " + tensor.typeName() +
                " for NaN; convert it to BF16");
  }
  if (index == count)
    return llvm::Error::success();
  return fail(where + ": tensor " + tensor.name + ": element " + indexText(tensor, index) + " is " +
              (valueAt(tensor, index).isNaN() ? "NaN" : "infinite") +
              "; the checkpoint is damaged, fetch or convert it again");
}

/// Reject finite scales that are not positive: no quantization makes them.
static llvm::Error checkPositive(const SafetensorsTensor &scale, StringRef where) {
  for (uint64_t index = 0, count = scale.numElements(); index < count; ++index) {
    llvm::APFloat value = valueAt(scale, index);
    if (value.isNonZero() && !value.isNegative())
      continue;
    return fail(where + ": tensor " + scale.name + ": element " + indexText(scale, index) + " is " +
                numberText(value.convertToDouble()) +
                ", but scales are positive; the checkpoint is damaged, fetch or convert it again");
  }
  return llvm::Error::success();
}

llvm::Error mla::importer::checkFinite(llvm::ArrayRef<LayerWeight> weights, StringRef where) {
  for (const LayerWeight &weight : weights) {
    if (llvm::Error error = checkFinite(*weight.tensor, where))
      return error;
    if (!weight.scale)
      continue;
    if (llvm::Error error = checkFinite(*weight.scale, where))
      return error;
    if (llvm::Error error = checkPositive(*weight.scale, where))
      return error;
  }
  return llvm::Error::success();
}
