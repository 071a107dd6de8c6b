//===- PackedMatrix.cpp - Reading matrices in packed forms ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An element is computed in double and rounded once, so that it is the nearest
// number in F32 of what the tensors say.
//
//===----------------------------------------------------------------------===//

#include "../Json.h"
#include "../Quantization.h"
#include "../TensorErrors.h"
#include "PackedFormat.h"
#include "Widen.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <array>

using namespace mla;
using namespace mla::importer;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Codes
//===----------------------------------------------------------------------===//

namespace {
/// A matrix of codes of a few bits in containers.
struct PackedCodes {
  const void *data = nullptr;
  DType container = DType::I32;
  unsigned bits = 4;
  int64_t columns = 0;            ///< Containers of a row, as stored.
  bool isTransposed = false;      ///< Stored with the second index first.
  bool packsFirst = false;        ///< Codes in a container differ in the first index.
  const uint8_t *order = nullptr; ///< See PackedFormat.

  int64_t perContainer() const { return 8 * dtypeSize(container) / bits; }
  uint32_t at(int64_t first, int64_t second) const;
};
} // namespace

uint32_t PackedCodes::at(int64_t first, int64_t second) const {
  int64_t &packed = packsFirst ? first : second, each = perContainer();
  int64_t place = packed % each;
  packed /= each;
  int64_t index = isTransposed ? second * columns + first : first * columns + second;
  uint32_t word = dtypeSize(container) == 1 ? loadAt<uint8_t>(data, index) : loadAt<uint32_t>(data, index);
  return word >> bits * (order ? order[place] : place) & ((1u << bits) - 1);
}

/// Return the values of all codes of a form.
static std::array<double, 256> valuesOf(Code code) {
  std::array<double, 256> values;
  for (int bits = 0; bits < 256; ++bits)
    values[bits] = code == Code::E2M1     ? widenFloat(bits, 2, 1)
                   : code == Code::E4M3   ? widenE4M3(bits)
                   : code == Code::Signed ? static_cast<int8_t>(bits)
                                          : bits;
  return values;
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

namespace {
/// Reads rows of a matrix.
struct PackedMatrix {
  PackedCodes codes, zeros; ///< Indices are [n, k] and [n, g].
  std::array<double, 256> values;
  double noZero = 0.0; ///< Subtracted if there are no zeros.
  int64_t zeroOffset = 0, columns = 0, groups = 0;
  int64_t groupColumns = 0; ///< 0: not known yet
  const SafetensorsTensor *scales = nullptr;
  ScaleCode scaleCode = ScaleCode::Float;
  int64_t scaleRows = 0;    ///< Rows of scales.
  int64_t rowsPerScale = 1; ///< Rows that share scales.
  std::vector<int64_t> groupOfColumn;
  double global = 1.0;
  bool isDivisor = false;

  void read(int64_t row, float *to) const;
  double scaleAt(int64_t row, int64_t group) const;
};
} // namespace

static double plainAt(const SafetensorsTensor &tensor, int64_t index) {
  switch (tensor.dtype) {
  case DType::F32:
    return loadAt<float>(tensor.data, index);
  case DType::BF16:
    return widenBF16(loadAt<uint16_t>(tensor.data, index));
  default:
    return widenF16(loadAt<uint16_t>(tensor.data, index));
  }
}

double PackedMatrix::scaleAt(int64_t row, int64_t group) const {
  row /= rowsPerScale;
  int64_t index = codes.isTransposed ? group * scaleRows + row : row * groups + group;
  switch (scaleCode) {
  case ScaleCode::E4M3:
    return widenE4M3(loadAt<uint8_t>(scales->data, index));
  case ScaleCode::E8M0:
    return widenE8M0(loadAt<uint8_t>(scales->data, index));
  case ScaleCode::Float:
    return plainAt(*scales, index);
  }
  llvm_unreachable("every code of scales is read");
}

void PackedMatrix::read(int64_t row, float *to) const {
  std::vector<double> scale(groups), zero(groups, noZero);
  for (int64_t group = 0; group < groups; ++group) {
    scale[group] = scaleAt(row, group);
    if (zeros.data)
      zero[group] = static_cast<double>(zeros.at(row, group) + zeroOffset);
  }
  for (int64_t k = 0; k < columns; ++k) {
    int64_t group = groupOfColumn[k];
    double value = (values[codes.at(row, k)] - zero[group]) * scale[group];
    to[k] = static_cast<float>(isDivisor ? value / global : value * global);
  }
}

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

namespace {
/// Finds the tensors of a matrix and checks them against a form.
class PackedOpener {
public:
  PackedOpener(Checkpoint &checkpoint, const PackedFormat &format, const AttentionConfig &config, StringRef module,
               ArrayRef<int64_t> shape)
      : checkpoint(checkpoint), format(format), config(config), module(module), outputs(shape[0]), inputs(shape[1]) {}

  llvm::Expected<PackedMatrix> open();

private:
  llvm::Expected<const SafetensorsTensor *> find(StringRef part) { return checkpoint.find((module + part).str()); }
  bool has(StringRef part) const { return !part.empty() && checkpoint.contains((module + part).str()); }
  llvm::Error differs(StringRef part, const SafetensorsTensor &tensor, const Twine &expected) const;
  /// Return the stored shape of a matrix of which dimension `out` may be packed.
  std::vector<int64_t> stored(int64_t out, int64_t in) const {
    return format.isTransposed ? std::vector<int64_t>{in, out} : std::vector<int64_t>{out, in};
  }
  llvm::Error openCodes(PackedMatrix &matrix);
  llvm::Error openScales(PackedMatrix &matrix);
  llvm::Error openZeros(PackedMatrix &matrix);
  llvm::Error findOffset(PackedMatrix &matrix) const;
  llvm::Expected<int64_t> findColumns(int64_t groups) const;
  llvm::Error openGroups(PackedMatrix &matrix);
  llvm::Error openGlobal(PackedMatrix &matrix);
  llvm::Error checkOthers() const;
  const IntegerQuantization::Group *announced() const { return announcedGroup(config, module); }
  bool findBlocks(const SafetensorsTensor &scales, PackedMatrix &matrix) const;
  bool findGroups(const SafetensorsTensor &scales, PackedMatrix &matrix) const;

  Checkpoint &checkpoint;
  const PackedFormat &format;
  const AttentionConfig &config;
  StringRef module;
  int64_t outputs, inputs;
};
} // namespace

llvm::Error PackedOpener::differs(StringRef part, const SafetensorsTensor &tensor, const Twine &expected) const {
  return fail(part.drop_front() + " is " + tensor.typeName() + " " + shapeText(tensor.shape) + ", not " + expected);
}

/// Return how many bits a code may have.
static std::vector<unsigned> widthsOf(const PackedFormat &format) {
  if (format.code == Code::Integer && !format.order)
    return {4, 8, 2};
  return {format.code == Code::Integer || format.code == Code::E2M1 ? 4u : 8u};
}

llvm::Error PackedOpener::openCodes(PackedMatrix &matrix) {
  llvm::Expected<const SafetensorsTensor *> tensor = find(format.codes);
  if (!tensor)
    return tensor.takeError();
  matrix.codes = {(*tensor)->data, format.container, 0, 0, format.isTransposed, format.packsOutputs, format.order};
  matrix.values = valuesOf(format.code);
  matrix.columns = inputs;
  std::vector<std::string> expected;
  for (unsigned bits : widthsOf(format)) {
    matrix.codes.bits = bits;
    int64_t each = matrix.codes.perContainer();
    std::vector<int64_t> shape = format.packsOutputs ? stored(llvm::divideCeilSigned(outputs, each), inputs)
                                                     : stored(outputs, llvm::divideCeilSigned(inputs, each));
    matrix.codes.columns = shape[1];
    if ((*tensor)->dtype == format.container && (*tensor)->shape == shape)
      return llvm::Error::success();
    expected.push_back(shapeText(shape));
  }
  return differs(format.codes, **tensor, Twine(dtypeName(format.container)) + " " + llvm::join(expected, " or "));
}

/// Check that scales are those of the config's blocks.
bool PackedOpener::findBlocks(const SafetensorsTensor &scales, PackedMatrix &matrix) const {
  std::optional<BlockQuantization> block = announcedBlock(config, module);
  if (!block || !block->blockRows || !block->blockColumns)
    return false;
  matrix.rowsPerScale = block->blockRows;
  matrix.scaleRows = llvm::divideCeilSigned(outputs, block->blockRows);
  matrix.groups = llvm::divideCeilSigned(inputs, block->blockColumns);
  matrix.groupColumns = block->blockColumns;
  return scales.shape == std::vector<int64_t>{matrix.scaleRows, matrix.groups};
}

/// Determine the number of groups from the shape of the scales.
bool PackedOpener::findGroups(const SafetensorsTensor &scales, PackedMatrix &matrix) const {
  if (format.group == configBlocks)
    return findBlocks(scales, matrix);
  ArrayRef<int64_t> shape = scales.shape;
  bool isOne = scales.numElements() == 1 && !format.group;
  matrix.groups = isOne || shape.size() == 1 ? 1 : shape.size() == 2 ? shape[format.isTransposed ? 0 : 1] : 0;
  matrix.scaleRows = isOne ? 1 : outputs;
  matrix.rowsPerScale = isOne ? outputs : 1;
  matrix.groupColumns = format.group;
  bool isColumn = shape.size() == 1 && shape[0] == outputs && !format.group;
  if (!isOne && !isColumn && scales.shape != stored(outputs, matrix.groups))
    return false;
  return matrix.groups > 0 && (!format.group || matrix.groups == llvm::divideCeilSigned(inputs, format.group));
}

llvm::Error PackedOpener::openScales(PackedMatrix &matrix) {
  llvm::Expected<const SafetensorsTensor *> tensor = find(format.scales);
  if (!tensor)
    return tensor.takeError();
  DType type = (*tensor)->dtype;
  bool isCode = format.scaleCode == ScaleCode::Float  ? isPlainFloat(type)
                : format.scaleCode == ScaleCode::E4M3 ? type == DType::F8_E4M3
                                                      : type == DType::F8_E8M0 || type == DType::U8;
  StringRef expected = format.scaleCode == ScaleCode::Float  ? "F32, BF16 or F16"
                       : format.scaleCode == ScaleCode::E4M3 ? "F8_E4M3"
                                                             : "F8_E8M0 or U8";
  matrix.scales = *tensor;
  matrix.scaleCode = format.scaleCode;
  if (isCode && findGroups(**tensor, matrix))
    return llvm::Error::success();
  std::string groups = format.group > 0 ? std::to_string(llvm::divideCeilSigned(inputs, format.group)) : "groups";
  if (format.group == configBlocks)
    return differs(format.scales, **tensor,
                   expected + " of blocks of the config's weight_block_size for " + shapeText({outputs, inputs}));
  return differs(format.scales, **tensor,
                 expected + " [" +
                     (format.isTransposed ? groups + ", " + Twine(outputs) : Twine(outputs) + ", " + groups) + "]");
}

/// Find what to add to zeros. Where nothing says it, they are those of a symmetric quantization, all in the middle.
llvm::Error PackedOpener::findOffset(PackedMatrix &matrix) const {
  using ZeroPoints = IntegerQuantization::ZeroPoints;
  matrix.zeroOffset = format.zerosAreLess && config.integers.zeros == ZeroPoints::MinusOne;
  if (!format.zerosAreLess || config.integers.zeros != ZeroPoints::Unknown)
    return llvm::Error::success();
  int64_t middle = 1 << (matrix.codes.bits - 1), first = matrix.zeros.at(0, 0);
  bool isSymmetric = first == middle || first == middle - 1;
  for (int64_t n = 0; n < outputs && isSymmetric; ++n)
    for (int64_t g = 0; g < matrix.groups; ++g)
      isSymmetric &= matrix.zeros.at(n, g) == first;
  if (!isSymmetric)
    return fail(format.zeros.drop_front() + " may be stored as they are or minus one; give a quantization_config with "
                                            "quant_method gptq and checkpoint_format gptq or gptq_v2");
  matrix.zeroOffset = middle - first;
  return llvm::Error::success();
}

llvm::Error PackedOpener::openZeros(PackedMatrix &matrix) {
  if (format.code != Code::Integer)
    return llvm::Error::success();
  matrix.noZero = 1 << (matrix.codes.bits - 1);
  if (!has(format.zeros) && !format.needsZeros)
    return llvm::Error::success();
  llvm::Expected<const SafetensorsTensor *> tensor = find(format.zeros);
  if (!tensor)
    return tensor.takeError();
  PackedCodes &zeros = matrix.zeros = matrix.codes;
  std::vector<int64_t> shape = stored(llvm::divideCeilSigned(outputs, zeros.perContainer()), matrix.groups);
  if ((*tensor)->dtype != format.container || (*tensor)->shape != shape)
    return differs(format.zeros, **tensor, Twine(dtypeName(format.container)) + " " + shapeText(shape));
  zeros.data = (*tensor)->data;
  zeros.columns = shape[1];
  zeros.packsFirst = true;
  return findOffset(matrix);
}

/// Find the columns of a group. The last may have fewer, so that the number of groups does not tell it, unless it makes
/// groups of a usual size.
llvm::Expected<int64_t> PackedOpener::findColumns(int64_t groups) const {
  if (groups == 1)
    return inputs;
  const IntegerQuantization::Group *group = announced();
  if (!group && inputs % groups == 0 && llvm::isPowerOf2_64(inputs / groups))
    return inputs / groups;
  if (group && group->columns && llvm::divideCeilSigned(inputs, group->columns) == groups)
    return group->columns;
  std::string said = group ? "the config's group_size of " + group->size + " does not make"
                           : "without a group_size in the config may be of any size";
  return fail(format.scales.drop_front() + " has " + Twine(groups) + " groups for " + Twine(inputs) +
              " columns, which " + said + "; give the quantization_config of this checkpoint");
}

llvm::Error PackedOpener::openGroups(PackedMatrix &matrix) {
  matrix.groupOfColumn.resize(inputs);
  if (!has(format.groupOfColumn)) {
    if (matrix.groups > 1 && !format.groupOfColumn.empty() && announced() && announced()->isOrdered)
      return fail("the config orders columns by activation, but there is no tensor that says which group has which; "
                  "give the whole checkpoint");
    llvm::Expected<int64_t> size = matrix.groupColumns ? matrix.groupColumns : findColumns(matrix.groups);
    if (!size)
      return size.takeError();
    for (int64_t k = 0; k < inputs; ++k)
      matrix.groupOfColumn[k] = k / *size;
    return llvm::Error::success();
  }
  llvm::Expected<const SafetensorsTensor *> tensor = find(format.groupOfColumn);
  if (!tensor)
    return tensor.takeError();
  if ((*tensor)->dtype != DType::I32 || (*tensor)->shape != std::vector<int64_t>{inputs})
    return differs(format.groupOfColumn, **tensor, "I32 [" + Twine(inputs) + "]");
  for (int64_t k = 0; k < inputs; ++k) {
    int64_t group = matrix.groupOfColumn[k] = loadAt<int32_t>((*tensor)->data, k);
    if (group < 0 || group >= matrix.groups)
      return fail(format.groupOfColumn.drop_front() + " has " + Twine(group) + " at [" + Twine(k) +
                  "], but there are " + Twine(matrix.groups) + " groups");
  }
  return llvm::Error::success();
}

llvm::Error PackedOpener::openGlobal(PackedMatrix &matrix) {
  if (format.global == GlobalScale::None)
    return llvm::Error::success();
  llvm::Expected<const SafetensorsTensor *> tensor = find(format.globalScale);
  if (!tensor)
    return tensor.takeError();
  if (!isPlainFloat((*tensor)->dtype) || (*tensor)->numElements() != 1)
    return differs(format.globalScale, **tensor, "one number in F32");
  matrix.global = plainAt(**tensor, 0);
  matrix.isDivisor = format.global == GlobalScale::Divisor;
  if (!std::isfinite(matrix.global) || matrix.global <= 0)
    return fail(format.globalScale.drop_front() + " is " + numberText(matrix.global) + ", but scales are positive");
  return llvm::Error::success();
}

/// Check what says again what the matrix is: the shape that compressed-tensors stores, and a plain weight.
llvm::Error PackedOpener::checkOthers() const {
  if (format.codes != ".weight" && has(".weight"))
    return fail("there is a plain weight, too; remove the wrong one");
  if (!has(shapePart))
    return llvm::Error::success();
  llvm::Expected<const SafetensorsTensor *> tensor = checkpoint.find((module + shapePart).str());
  if (!tensor)
    return tensor.takeError();
  if ((*tensor)->shape != std::vector<int64_t>{2} || ((*tensor)->bytes != 16 && (*tensor)->bytes != 8))
    return differs(shapePart, **tensor, "I64 [2] or I32 [2]");
  bool isLong = (*tensor)->bytes == 16;
  const int64_t sizes[] = {outputs, inputs};
  for (auto [i, size] : llvm::enumerate(sizes))
    if (int64_t stored = isLong ? loadAt<int64_t>((*tensor)->data, i) : loadAt<int32_t>((*tensor)->data, i);
        stored != size)
      return fail(shapePart.drop_front() + " has " + Twine(stored) + " at [" + Twine(i) + "], not " + Twine(size));
  return llvm::Error::success();
}

llvm::Expected<PackedMatrix> PackedOpener::open() {
  PackedMatrix matrix;
  if (llvm::Error error = checkOthers())
    return error;
  if (llvm::Error error = openCodes(matrix))
    return error;
  if (llvm::Error error = openScales(matrix))
    return error;
  if (llvm::Error error = openZeros(matrix))
    return error;
  if (llvm::Error error = openGroups(matrix))
    return error;
  if (llvm::Error error = openGlobal(matrix))
    return error;
  return matrix;
}

/// Return "AWQ int4".
static std::string nameOf(const PackedFormat &format, unsigned bits) {
  return format.name.str() + (format.code == Code::Integer ? " int" + std::to_string(bits) : "");
}

llvm::Expected<std::unique_ptr<ComputedMatrix>> mla::importer::openPacked(Checkpoint &checkpoint,
                                                                          const AttentionConfig &config,
                                                                          const PackedFormat &format, StringRef name,
                                                                          ArrayRef<int64_t> shape) {
  PackedOpener opener(checkpoint, format, config, name.rsplit('.').first, shape);
  llvm::Expected<PackedMatrix> matrix = opener.open();
  if (!matrix)
    return matrix.takeError();
  std::string form = nameOf(format, matrix->codes.bits);
  auto row = [matrix = std::move(*matrix)](int64_t row, float *to) { matrix.read(row, to); };
  return std::make_unique<ComputedMatrix>(name, shape, std::move(form), std::move(row));
}
