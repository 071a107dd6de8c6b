//===- GGUFFile.h - Header of a GGUF file -----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A GGUF file, little-endian, is: "GGUF", a version, the numbers of tensors and
// of metadata entries; the metadata; names, sizes, types and offsets of tensors;
// padding to a multiple of general.alignment; the data.
//
// Files are not trusted. Whatever the bytes are, opening one returns either a
// file whose every tensor lies inside the mapping, or an error.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_FORMATS_GGUF_GGUFFILE_H
#define MLA_LIB_IMPORT_FORMATS_GGUF_GGUFFILE_H

#include "GGUFType.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mla::importer {

struct GGUFTensor {
  std::string name;
  std::vector<int64_t> shape; ///< Row-major: the last dimension is contiguous, which is the first in the file.
  uint32_t typeNumber = 0;
  const GGUFType *type = nullptr; ///< Null: a type that is not read.
  const char *data = nullptr;

  int64_t columns() const { return shape.back(); }
  int64_t rows() const;
  /// Decode a row; the type must be one that is read.
  void decodeRow(int64_t row, float *to) const;
};

class GGUFFile {
public:
  /// Map a file. `bytes` is its content.
  static llvm::Expected<GGUFFile> open(llvm::StringRef path);
  /// Parse content that outlives the file.
  static llvm::Expected<GGUFFile> parse(llvm::StringRef bytes, llvm::StringRef path);

  const std::string &path() const { return where; }
  llvm::ArrayRef<GGUFTensor> tensors() const { return list; }
  /// Return the value of a metadata key, or null: a number, a string or a boolean; JSON's null for an array.
  const llvm::json::Value *find(llvm::StringRef key) const { return metadata.get(key); }
  const llvm::json::Object &values() const { return metadata; }
  /// Return the value of a key that is a whole number from 0 to 2^31 - 1.
  std::optional<int64_t> size(llvm::StringRef key) const;

private:
  friend class GGUFParser;
  std::string where;
  std::unique_ptr<llvm::MemoryBuffer> mapping;
  llvm::json::Object metadata;
  std::vector<GGUFTensor> list;
};

/// Return whether the file begins like a GGUF file.
bool isGGUF(llvm::StringRef path);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_FORMATS_GGUF_GGUFFILE_H
