//===- safetensors.h - Reading and writing safetensors files ----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A safetensors file is: 8 bytes, little-endian, the length of the header; the
// header, a JSON object of tensor names to {dtype, shape, data_offsets}; then
// the data, which the tensors must cover exactly, without overlap or hole.
//
// Files come from strangers. Whatever the bytes are, opening one either gives a
// file whose every tensor lies inside the mapping, or an Error that names the
// file, the tensor and what is wrong.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_SAFETENSORS_H
#define MLA_SAFETENSORS_H

#include "mla/error.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mla {

/// Element types of the format. Other: one that is not known here, as are those of less than a byte; what such a tensor
/// holds is bytes.
enum class DType { BOOL, U8, I8, F8_E4M3, F8_E5M2, F8_E8M0, I16, U16, F16, BF16, I32, U32, F32, I64, U64, F64, Other };

/// Bytes of one element; 1 of Other.
unsigned dtypeSize(DType dtype);
/// The name in the file, such as "BF16".
const char *dtypeName(DType dtype);
std::optional<DType> parseDType(std::string_view name);

/// One tensor of an open file, row-major. It is valid as long as the file is.
struct SafetensorsTensor {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape; ///< The product of the sizes fits in int64_t.
  /// The format lets the data start at any byte: a caller may assume nothing of the alignment of this pointer. Ask
  /// isAligned() before reading it through a typed pointer, else copy with read().
  const void *data = nullptr;
  uint64_t bytes = 0;
  std::string otherType = {}; ///< What the file calls DType::Other.

  /// The element type as the file calls it.
  const char *typeName() const { return dtype == DType::Other ? otherType.c_str() : dtypeName(dtype); }
  int64_t numElements() const;
  /// Whether `data` is aligned for its element type.
  bool isAligned() const;
  /// Copies `count` bytes from byte `offset` on; false, copying nothing, if they are not all inside the tensor.
  bool read(uint64_t offset, void *to, uint64_t count) const;
};

using SafetensorsMetadata = std::map<std::string, std::string>;

/// A file, mapped read-only. Any number of threads may read it. As with every mapping, another process that shortens
/// the file meanwhile makes reads fault; replace files by renaming new ones over them.
class SafetensorsFile {
public:
  static Result<SafetensorsFile> open(const std::string &path);

  SafetensorsFile(SafetensorsFile &&) noexcept;
  SafetensorsFile &operator=(SafetensorsFile &&) noexcept;
  ~SafetensorsFile();

  const std::string &path() const;
  const SafetensorsMetadata &metadata() const;
  /// All tensors, in the order of their data.
  const std::vector<SafetensorsTensor> &tensors() const;
  /// The tensor of that name, or null.
  const SafetensorsTensor *find(std::string_view name) const;

private:
  struct Impl;
  explicit SafetensorsFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// A tensor that is to be written.
struct SafetensorsSpec {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
};

/// Writes a file piece by piece, so that weights larger than memory can stream through. It uses pwrite, never a
/// mapping: a full disk is then an Error, and not a SIGBUS. The data starts at a multiple of 64 bytes; tensors whose
/// size is a multiple of 64 bytes come first and the others follow by falling element size, so that all are naturally
/// aligned. Unless finish() has succeeded or keep() was
/// called, destruction removes the file.
class SafetensorsWriter {
public:
  /// Creates (or truncates) `path`, writes the header and reserves the space where the file system can.
  static Result<SafetensorsWriter> create(const std::string &path, const std::vector<SafetensorsSpec> &tensors,
                                          const SafetensorsMetadata &metadata = {});

  /// Goes on with a file that a writer of the same tensors and metadata kept when it was not finished. Tensors that
  /// `written` names are complete in it; of the others nothing counts. Fails, and leaves the file alone, if it is no
  /// such file.
  static Result<SafetensorsWriter> resume(const std::string &path, const std::vector<SafetensorsSpec> &tensors,
                                          const std::vector<std::string> &written,
                                          const SafetensorsMetadata &metadata = {});

  SafetensorsWriter(SafetensorsWriter &&) noexcept;
  SafetensorsWriter &operator=(SafetensorsWriter &&) noexcept;
  ~SafetensorsWriter();

  /// Writes `count` bytes of a tensor from its byte `offset` on. Pieces may come in any order, from any thread, and may
  /// overwrite each other.
  Error write(std::string_view name, uint64_t offset, const void *data, uint64_t count);
  /// Returns when what was written so far would outlive a loss of power.
  Error flush();
  /// From now on destruction leaves an unfinished file for resume().
  void keep();
  /// Checks that every byte of every tensor was written, flushes to the disk and closes.
  Error finish();

private:
  struct Impl;
  explicit SafetensorsWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace mla

#endif // MLA_SAFETENSORS_H
