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
// Files are not trusted. Whatever the bytes are, opening one returns either a
// file whose every tensor lies inside the mapping, or an Error that names the
// file, the tensor and the fault.
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
#include <utility>
#include <vector>

namespace mla {

/// Element types of the format. Other: an unknown type, or one of less than a byte; such a tensor is treated as bytes.
enum class DType { BOOL, U8, I8, F8_E4M3, F8_E5M2, F8_E8M0, I16, U16, F16, BF16, I32, U32, F32, I64, U64, F64, Other };

/// Returns the bytes of one element; 1 for Other.
unsigned dtypeSize(DType dtype);
/// Returns the name in the file, such as "BF16".
const char *dtypeName(DType dtype);
std::optional<DType> parseDType(std::string_view name);

/// One tensor of an open file, row-major. Valid as long as the file is.
struct SafetensorsTensor {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape; ///< The product of the sizes fits in int64_t.
  /// The data may start at any byte. Check isAligned() before reading it through a typed pointer, else copy with
  /// read().
  const void *data = nullptr;
  uint64_t bytes = 0;
  std::string otherType = {}; ///< The file's name for DType::Other.

  /// Returns the element type as the file names it.
  const char *typeName() const { return dtype == DType::Other ? otherType.c_str() : dtypeName(dtype); }
  int64_t numElements() const;
  /// Returns whether `data` is aligned for its element type.
  bool isAligned() const;
  /// Copies `count` bytes from byte `offset` on. Returns false, copying nothing, if they are not all inside the tensor.
  bool read(uint64_t offset, void *to, uint64_t count) const;
};

using SafetensorsMetadata = std::map<std::string, std::string>;

/// A file, mapped read-only. Any number of threads may read it. If another process truncates the file, reads fault;
/// replace files by renaming new ones over them.
class SafetensorsFile {
public:
  static Result<SafetensorsFile> open(const std::string &path);
  /// Opens a file that has only the header, of `dataBytes` bytes of data. The tensors have no data.
  static Result<SafetensorsFile> openHeader(const std::string &path, uint64_t dataBytes);

  SafetensorsFile(SafetensorsFile &&) noexcept;
  SafetensorsFile &operator=(SafetensorsFile &&) noexcept;
  ~SafetensorsFile();

  const std::string &path() const;
  /// Returns device and inode: the same for two paths to one file.
  std::pair<uint64_t, uint64_t> identity() const;
  const SafetensorsMetadata &metadata() const;
  /// Returns all tensors, in the order of their data.
  const std::vector<SafetensorsTensor> &tensors() const;
  /// Returns the tensor of that name, or null.
  const SafetensorsTensor *find(std::string_view name) const;

private:
  struct Impl;
  static Result<SafetensorsFile> open(const std::string &path, std::optional<uint64_t> announced);
  explicit SafetensorsFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// A tensor to write.
struct SafetensorsSpec {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
};

/// Writes a file piece by piece, so that weights larger than memory can be streamed. Uses pwrite instead of a mapping:
/// a full disk is then an Error, not a SIGBUS. The data starts at a multiple of 64 bytes. Tensors whose size is a
/// multiple of 64 bytes come first and the others follow by decreasing element size, so that all are naturally aligned.
/// The destructor removes the file unless finish() has succeeded or keep() was called.
class SafetensorsWriter {
public:
  /// Creates (or truncates) `path`, writes the header and reserves the space where the file system can.
  static Result<SafetensorsWriter> create(const std::string &path, const std::vector<SafetensorsSpec> &tensors,
                                          const SafetensorsMetadata &metadata = {});

  /// Resumes a file that a writer of the same tensors and metadata kept unfinished. The tensors in `written` are
  /// complete; the contents of the others are ignored. Fails, leaving the file alone, if it is no such file.
  static Result<SafetensorsWriter> resume(const std::string &path, const std::vector<SafetensorsSpec> &tensors,
                                          const std::vector<std::string> &written,
                                          const SafetensorsMetadata &metadata = {});

  SafetensorsWriter(SafetensorsWriter &&) noexcept;
  SafetensorsWriter &operator=(SafetensorsWriter &&) noexcept;
  ~SafetensorsWriter();

  /// Writes only the header, for SafetensorsFile::openHeader. Returns the bytes of data that it announces.
  static Result<uint64_t> writeHeader(const std::string &path, const std::vector<SafetensorsSpec> &tensors);

  /// Writes `count` bytes of a tensor from its byte `offset` on. Pieces may come in any order, from any thread, and may
  /// overwrite each other.
  Error write(std::string_view name, uint64_t offset, const void *data, uint64_t count);
  /// Flushes what was written to the disk.
  Error flush();
  /// Makes the destructor keep an unfinished file for resume().
  void keep();
  /// Checks that every byte of every tensor was written, flushes to the disk and closes the file.
  Error finish();

private:
  struct Impl;
  explicit SafetensorsWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace mla

#endif // MLA_SAFETENSORS_H
