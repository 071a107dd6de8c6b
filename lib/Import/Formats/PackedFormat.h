//===- PackedFormat.h - Packed forms of matrices ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A row of the table of PackedFormats.cpp describes how a form stores a matrix W
// [out, in] in tensors next to each other. In all of them
//
//     W[n, k] = (code[n, k] - zero[n, g]) * scale[n, g] * global
//
// where g is the group of column k. PackedMatrix.cpp reads any row.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_FORMATS_PACKEDFORMAT_H
#define MLA_LIB_IMPORT_FORMATS_PACKEDFORMAT_H

#include "ComputedMatrix.h"

#include "llvm/ADT/StringSet.h"

namespace mla::importer {

/// What the bits of an element mean.
enum class Code {
  Integer, ///< Unsigned, of 2, 4 or 8 bits; the number of bits follows from the shape.
  Signed,  ///< Of 8 bits in two's complement.
  E2M1,    ///< A float of 4 bits: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives.
  E4M3,
};

/// What the bits of a scale mean.
enum class ScaleCode {
  Float, ///< F32, BF16 or F16.
  E4M3,
  E8M0, ///< A power of two: 2^(bits - 127). In a tensor of F8_E8M0 or U8.
};

/// The factor of the whole tensor.
enum class GlobalScale { None, Factor, Divisor };

constexpr int64_t configBlocks = -1;

/// The tensor with the shape of a weight, which compressed-tensors stores beside its codes.
constexpr llvm::StringLiteral shapePart = ".weight_shape";

struct PackedFormat {
  llvm::StringLiteral name;
  Code code;
  /// The tensor of codes and its element type, which holds as many codes as fit. Names are those after the module's.
  llvm::StringLiteral codes;
  DType container;
  bool isTransposed;    ///< Codes, scales and zeros are stored [in, out], or [group, out].
  bool packsOutputs;    ///< Codes in a container are neighbours along `out`, else along `in`.
  const uint8_t *order; ///< The place in its container of each of 8 neighbours, from the lowest bits; null: in order.
  llvm::StringLiteral scales;
  ScaleCode scaleCode;
  /// Columns of a group; 0: follows from the shape of the scales; configBlocks: a scale is for a block of several rows,
  /// whose size the config gives.
  int64_t group;
  llvm::StringLiteral zeros; ///< Packed as codes are, along `out`; "" or absent: half of the range of integers.
  bool needsZeros;
  bool zerosAreLess;                 ///< Zeros may be stored minus one (IntegerQuantization::zeros).
  llvm::StringLiteral groupOfColumn; ///< The group of each column, if groups are not neighbours; "": there is none.
  llvm::StringLiteral globalScale;
  GlobalScale global;
};

/// All forms that are read.
llvm::ArrayRef<PackedFormat> packedFormats();

/// Return the matrix `name` [out, in] of a form, or an error that says how the tensors differ from it.
llvm::Expected<std::unique_ptr<ComputedMatrix>> openPacked(Checkpoint &checkpoint, const AttentionConfig &config,
                                                           const PackedFormat &format, llvm::StringRef name,
                                                           llvm::ArrayRef<int64_t> shape);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_FORMATS_PACKEDFORMAT_H
