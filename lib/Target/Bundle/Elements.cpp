//===- Elements.cpp - Elements by definition ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elements.h"
#include "WideVectors.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"

#include <array>
#include <cmath>

using namespace mla;

using Row = llvm::MutableArrayRef<double>;

//===----------------------------------------------------------------------===//
// Widening
//===----------------------------------------------------------------------===//

/// Widen OCP 8-bit floating point, table 1: bias 7, no infinity.
static double widenE4M3(uint8_t bits) {
  int exponent = bits >> 3 & 15, mantissa = bits & 7;
  double magnitude = (bits & 0x7f) == 0x7f ? NAN
                     : exponent            ? std::ldexp(8 + mantissa, exponent - 10)
                                           : std::ldexp(mantissa, -9);
  return bits & 0x80 ? -magnitude : magnitude;
}

static const std::array<double, 256> &tableOfE4M3() {
  static const std::array<double, 256> table = [] {
    std::array<double, 256> values;
    for (int bits = 0; bits < 256; ++bits)
      values[bits] = widenE4M3(bits);
    return values;
  }();
  return table;
}

static double widenHalf(uint16_t bits) {
  int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  double magnitude = exponent == 31 ? (mantissa ? NAN : INFINITY)
                     : exponent     ? std::ldexp(1024 + mantissa, exponent - 25)
                                    : std::ldexp(mantissa, -24);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/// Load an element of possibly unaligned data.
template <typename T> static T load(const char *data, int64_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

MLA_WIDE_VECTORS static void widenF32(const char *data, double *row, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    row[i] = load<float>(data, i);
}

MLA_WIDE_VECTORS static void widenBF16(const char *data, double *row, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    row[i] = llvm::bit_cast<float>(uint32_t(load<uint16_t>(data, i)) << 16);
}

static void widenF16(const char *data, double *row, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    row[i] = widenHalf(load<uint16_t>(data, i));
}

MLA_WIDE_VECTORS static void widenF8(const char *data, const double *table, double *row, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    row[i] = table[static_cast<uint8_t>(data[i])];
}

void mla::widenRow(DType dtype, const void *data, int64_t first, Row row) {
  const char *from = static_cast<const char *>(data) + first * dtypeSize(dtype);
  switch (dtype) {
  case DType::F8_E4M3:
    return widenF8(from, tableOfE4M3().data(), row.data(), row.size());
  case DType::BF16:
    return widenBF16(from, row.data(), row.size());
  case DType::F16:
    return widenF16(from, row.data(), row.size());
  case DType::F32:
    return widenF32(from, row.data(), row.size());
  default:
    return llvm::fill(row, NAN);
  }
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

MLA_WIDE_VECTORS static void roundToF32(double *row, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    row[i] = static_cast<float>(row[i]);
}

void mla::roundRow(mlir::Type type, Row row) {
  if (type.isF32())
    return roundToF32(row.data(), row.size());
  for (double &value : row) {
    llvm::APFloat rounded(value);
    bool losesInfo;
    rounded.convert(mlir::cast<mlir::FloatType>(type).getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven,
                    &losesInfo);
    value = rounded.convertToDouble();
  }
}

MLA_WIDE_VECTORS static void multiply(double *row, const double *factors, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    row[i] *= factors[i];
}

void mla::multiplyRow(Row row, llvm::ArrayRef<double> factors) { multiply(row.data(), factors.data(), row.size()); }
