//===- GGUFType.h - Element types of GGUF -----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_FORMATS_GGUF_GGUFTYPE_H
#define MLA_LIB_IMPORT_FORMATS_GGUF_GGUFTYPE_H

#include "mla/safetensors.h"

#include "llvm/ADT/StringRef.h"

namespace mla::importer {

/// A type whose elements are stored in blocks along the rows.
struct GGUFType {
  uint32_t number;
  llvm::StringLiteral name;
  int64_t blockElements, blockBytes;
  DType plain; ///< The same type in safetensors; Other: elements must be decoded.
  /// Decodes a block to `blockElements` numbers.
  void (*decode)(const uint8_t *block, float *to);

  /// Decode a row of `columns` elements.
  void decodeRow(const char *row, int64_t columns, float *to) const;
};

/// Return the type of a number, or null if it is not read.
const GGUFType *findGGUFType(uint32_t number);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_FORMATS_GGUF_GGUFTYPE_H
