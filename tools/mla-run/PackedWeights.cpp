//===- PackedWeights.cpp - Weights in packed forms ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Written apart from the compiler's readers (lib/Import/Formats), which it
// checks. All tensors are little-endian streams of codes, row by row: eight
// codes of 4 bits in a word follow each other like those in four bytes.
//
//===----------------------------------------------------------------------===//

#include "PackedWeights.h"
#include "Float.h"
#include "ReferenceWeights.h"

#include <cmath>

using namespace mla;
using namespace mla::run;

using Shape = std::vector<int64_t>;
/// An element of a matrix.
using At = std::function<double(int64_t row, int64_t column)>;

namespace {
struct Tensors {
  const Checkpoint &checkpoint;
  std::string module;
  int64_t rows, columns;

  const SafetensorsTensor *find(const char *part) const { return checkpoint.find(module + part); }
  Matrix matrix(At at) const {
    return {rows, columns, [at = std::move(at), columns = columns](int64_t row, double *to) {
              for (int64_t i = 0; i < columns; ++i)
                to[i] = at(row, i);
            }};
  }
};
} // namespace

static int64_t codeAt(const SafetensorsTensor &tensor, int64_t bits, int64_t index) {
  auto byte = static_cast<const uint8_t *>(tensor.data)[index * bits / 8];
  return byte >> index * bits % 8 & ((1 << bits) - 1);
}

/// The group of each column, from a tensor or neighbours; {}: not so many groups.
static std::vector<int64_t> groupsOf(const SafetensorsTensor *order, int64_t columns, int64_t groups,
                                     const Semantics &semantics) {
  std::vector<int64_t> result(columns);
  int64_t size = semantics.groupSize;
  if (size <= 0 || (columns + size - 1) / size != groups)
    size = columns % groups ? 0 : columns / groups;
  if (order ? order->dtype != DType::I32 || order->numElements() != columns : !size)
    return {};
  for (int64_t column = 0; column < columns; ++column) {
    int32_t group = 0;
    if (order)
      order->read(column * sizeof(group), &group, sizeof(group));
    result[column] = order ? group : column / size;
    if (result[column] < 0 || result[column] >= groups)
      return {};
  }
  return result;
}

static double numberAt(const SafetensorsTensor &tensor, int64_t index) {
  double number = 0;
  readElements(tensor, index, 1, &number);
  return number;
}

/// The bits of a code of which `count` are in the tensor; 0: of no number that is read.
static int64_t bitsOf(const SafetensorsTensor &tensor, int64_t count) {
  for (int64_t bits : {2, 4, 8})
    if (static_cast<int64_t>(tensor.bytes) * 8 == count * bits)
      return bits;
  return 0;
}

/// AWQ: [in, out] codes, eight outputs in a word in the order 0, 2, 4, 6, 1, 3, 5, 7.
static Matrix readAWQ(const Tensors &tensors, const SafetensorsTensor &codes, const SafetensorsTensor &scales,
                      const Semantics &semantics) {
  const SafetensorsTensor *zeros = tensors.find(".qzeros");
  int64_t rows = tensors.rows, groups = scales.shape[0];
  std::vector<int64_t> groupOf = groupsOf(nullptr, tensors.columns, groups, semantics);
  if (groupOf.empty() || !zeros || bitsOf(*zeros, groups * rows) != 4)
    return {};
  auto place = [](int64_t row) { return row / 8 * 8 + row % 8 / 2 + row % 2 * 4; };
  return tensors.matrix([=, &codes, &scales](int64_t row, int64_t column) {
    int64_t group = groupOf[column];
    int64_t code = codeAt(codes, 4, column * rows + place(row)), zero = codeAt(*zeros, 4, group * rows + place(row));
    return (code - zero) * numberAt(scales, group * rows + row);
  });
}

/// GPTQ: [in, out] codes, several inputs in a word.
static Matrix readGPTQ(const Tensors &tensors, const SafetensorsTensor &codes, const SafetensorsTensor &scales,
                       const Semantics &semantics) {
  const SafetensorsTensor *zeros = tensors.find(".qzeros"), *order = tensors.find(".g_idx");
  int64_t rows = tensors.rows, groups = scales.shape[0];
  std::vector<int64_t> groupOf = groupsOf(order, tensors.columns, groups, semantics);
  int64_t bits = bitsOf(codes, rows * tensors.columns), each = bits ? 32 / bits : 1;
  if (!bits || groupOf.empty() || (zeros && bitsOf(*zeros, groups * rows) != bits))
    return {};
  int64_t less = semantics.zeroOffset;
  if (zeros && less < 0) // a symmetric quantization, whose zero is half of the range
    less = (1 << (bits - 1)) - codeAt(*zeros, bits, 0);
  return tensors.matrix([=, &codes, &scales](int64_t row, int64_t column) {
    int64_t group = groupOf[column];
    int64_t code = codeAt(codes, bits, (column / each * rows + row) * each + column % each);
    int64_t zero = zeros ? codeAt(*zeros, bits, group * rows + row) + less : 1 << (bits - 1);
    return (code - zero) * numberAt(scales, group * rows + row);
  });
}

/// compressed-tensors: [out, in] codes; zeros [out, group], several outputs in a word.
static Matrix readIntegers(const Tensors &tensors, const SafetensorsTensor &codes, const SafetensorsTensor &scales,
                           const Semantics &semantics) {
  const SafetensorsTensor *zeros = tensors.find(".weight_zero_point"), *order = tensors.find(".weight_g_idx");
  int64_t columns = tensors.columns, groups = scales.numElements() / tensors.rows;
  std::vector<int64_t> groupOf = groupsOf(order, columns, groups, semantics);
  int64_t bits = bitsOf(codes, tensors.rows * columns), each = bits ? 32 / bits : 1;
  if (!bits || groupOf.empty() || (zeros && bitsOf(*zeros, groups * tensors.rows) != bits))
    return {};
  return tensors.matrix([=, &codes, &scales](int64_t row, int64_t column) {
    int64_t group = groupOf[column];
    int64_t code = codeAt(codes, bits, row * columns + column);
    int64_t zero = zeros ? codeAt(*zeros, bits, (row / each * groups + group) * each + row % each) : 1 << (bits - 1);
    return (code - zero) * numberAt(scales, row * groups + group);
  });
}

static double e2m1(int64_t code) {
  static constexpr double sizes[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  return code & 8 ? -sizes[code & 7] : sizes[code & 7];
}

/// NVFP4 and MXFP: [out, in] codes, a scale for 16 or 32 columns, and maybe one for all.
static Matrix readBlocks(const Tensors &tensors, const SafetensorsTensor &codes, const SafetensorsTensor &scales) {
  const SafetensorsTensor *factor = tensors.find(".weight_scale_2"), *divisor = tensors.find(".weight_global_scale");
  double whole = factor ? numberAt(*factor, 0) : divisor ? 1 / numberAt(*divisor, 0) : 1;
  bool isPower = scales.dtype != DType::F8_E4M3;
  int64_t columns = tensors.columns, size = isPower ? 32 : 16, groups = (columns + size - 1) / size;
  int64_t bits = bitsOf(codes, tensors.rows * columns);
  if (bits < 4 || scales.shape != Shape{tensors.rows, groups})
    return {};
  return tensors.matrix([=, &codes, &scales](int64_t row, int64_t column) {
    int64_t code = codeAt(codes, bits, row * columns + column), at = row * groups + column / size;
    double scale = isPower ? std::ldexp(1, static_cast<int>(codeAt(scales, 8, at)) - 127) : numberAt(scales, at);
    return (bits == 4 ? e2m1(code) : double(widenE4M3(static_cast<uint8_t>(code)))) * scale * whole;
  });
}

static Matrix readBytes(const Tensors &tensors, const SafetensorsTensor &codes, const SafetensorsTensor &scales) {
  int64_t columns = tensors.columns, count = scales.numElements();
  if (bitsOf(codes, tensors.rows * columns) != 8 || (count != 1 && count != tensors.rows))
    return {};
  return tensors.matrix([=, &codes, &scales](int64_t row, int64_t column) {
    return static_cast<int8_t>(codeAt(codes, 8, row * columns + column)) * numberAt(scales, count == 1 ? 0 : row);
  });
}

static bool isPlain(const SafetensorsTensor &tensor) {
  return tensor.dtype == DType::F32 || tensor.dtype == DType::F16 || tensor.dtype == DType::BF16;
}

Matrix mla::run::packedWeight(const Checkpoint &checkpoint, const std::string &module, const Semantics &semantics,
                              int64_t rows, int64_t columns) {
  Tensors tensors{checkpoint, module, rows, columns};
  const SafetensorsTensor *scales = tensors.find(".scales"), *codes = tensors.find(".qweight");
  if (codes && scales && isPlain(*scales) && scales->shape.size() == 2 && scales->shape[1] == rows &&
      scales->shape[0]) {
    bool isAWQ = codes->shape == Shape{columns, rows / 8};
    return isAWQ ? readAWQ(tensors, *codes, *scales, semantics) : readGPTQ(tensors, *codes, *scales, semantics);
  }
  scales = tensors.find(".weight_scale");
  if (!scales || scales->numElements() == 0)
    return {};
  if ((codes = tensors.find(".weight_packed")) && codes->dtype == DType::I32)
    return isPlain(*scales) && scales->numElements() % rows == 0 ? readIntegers(tensors, *codes, *scales, semantics)
                                                                 : Matrix();
  if (!codes)
    codes = tensors.find(".weight");
  if (codes && codes->dtype == DType::I8)
    return isPlain(*scales) ? readBytes(tensors, *codes, *scales) : Matrix();
  bool isBlocks =
      codes && (codes->dtype == DType::U8 || (codes->dtype == DType::F8_E4M3 && dtypeSize(scales->dtype) == 1));
  return isBlocks && !isPlain(*scales) ? readBlocks(tensors, *codes, *scales) : Matrix();
}
