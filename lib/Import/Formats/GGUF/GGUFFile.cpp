//===- GGUFFile.cpp - Header of a GGUF file -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GGUFFile.h"
#include "../../Json.h"
#include "../Widen.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"

#include <charconv>
#include <cmath>

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;
using llvm::Twine;

static constexpr StringRef magic = "GGUF";

/// Above those of any model; a hostile file could otherwise take many times its size.
static constexpr uint64_t maxEntries = 1 << 20, maxDimensions = 4;

int64_t GGUFTensor::rows() const {
  int64_t rows = 1;
  for (int64_t size : llvm::ArrayRef<int64_t>(shape).drop_back())
    rows *= size;
  return rows;
}

void GGUFTensor::decodeRow(int64_t row, float *to) const {
  type->decodeRow(data + row * (columns() / type->blockElements * type->blockBytes), columns(), to);
}

std::optional<int64_t> GGUFFile::size(StringRef key) const {
  const llvm::json::Value *value = find(key);
  std::optional<double> number = value ? value->getAsNumber() : std::nullopt;
  if (!number || !(*number >= 0 && *number <= INT32_MAX) || *number != std::floor(*number))
    return std::nullopt;
  return static_cast<int64_t>(*number);
}

/// Return the double whose decimal digits are those of a number in F32: 0.1 for the float next to it.
static double decimalOf(float number) {
  char digits[64];
  double value = number;
  if (auto [end, code] = std::to_chars(digits, digits + sizeof(digits), number); code == std::errc())
    std::from_chars(digits, end, value);
  return value;
}

namespace mla::importer {
/// Reads a header and keeps the first error.
class GGUFParser {
public:
  GGUFParser(StringRef bytes, StringRef path, GGUFFile &file) : bytes(bytes), path(path), file(file) {}
  llvm::Error parse();

private:
  enum Kind : uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64 };

  void fail(const Twine &what) {
    if (message.empty())
      message = (path + ": " + what + "; the file is damaged, fetch or convert it again").str();
  }
  bool failed() const { return !message.empty(); }
  template <typename T> T read();
  StringRef readString();
  llvm::json::Value readNumber(uint32_t kind);
  void skipArray();
  llvm::json::Value readValue(uint32_t kind);
  void readStart();
  void readEntry();
  void readTensor();
  void placeTensors();

  StringRef bytes, path;
  GGUFFile &file;
  size_t at = 0;
  uint64_t tensors = 0, entries = 0;
  std::vector<uint64_t> offsets;
  std::string message;
};
} // namespace mla::importer

template <typename T> T GGUFParser::read() {
  if (bytes.size() - at < sizeof(T)) {
    fail("ends in its header, at byte " + Twine(bytes.size()));
    at = bytes.size();
    return T();
  }
  T value = loadAt<T>(bytes.data() + at, 0);
  at += sizeof(T);
  return value;
}

StringRef GGUFParser::readString() {
  uint64_t size = read<uint64_t>();
  if (size > bytes.size() - at) {
    fail("has a text of " + Twine(size) + " bytes at byte " + Twine(at) + ", beyond its end");
    return "";
  }
  StringRef text = bytes.substr(at, size);
  at += size;
  return text;
}

llvm::json::Value GGUFParser::readNumber(uint32_t kind) {
  switch (kind) {
  case U8:
    return read<uint8_t>();
  case I8:
    return read<int8_t>();
  case U16:
    return read<uint16_t>();
  case I16:
    return read<int16_t>();
  case U32:
    return read<uint32_t>();
  case I32:
    return read<int32_t>();
  case F32:
    return decimalOf(read<float>());
  case Bool:
    return read<uint8_t>() != 0;
  case U64:
    return read<uint64_t>();
  case I64:
    return read<int64_t>();
  case F64:
    return read<double>();
  default:
    fail("has a value of the unknown type " + Twine(kind));
    return nullptr;
  }
}

/// Nothing in an array is needed: most are the vocabulary.
void GGUFParser::skipArray() {
  uint32_t kind = read<uint32_t>();
  uint64_t count = read<uint64_t>();
  if (kind == Array)
    fail("has an array of arrays");
  for (uint64_t i = 0; i < count && !failed(); ++i)
    if (kind == String)
      readString();
    else
      readNumber(kind);
}

llvm::json::Value GGUFParser::readValue(uint32_t kind) {
  if (kind == Array)
    return skipArray(), nullptr;
  if (kind != String)
    return readNumber(kind);
  StringRef text = readString();
  return llvm::json::isUTF8(text) ? text.str() : llvm::json::fixUTF8(text);
}

void GGUFParser::readStart() {
  at = magic.size();
  if (!bytes.starts_with(magic))
    fail("does not begin with 'GGUF'");
  uint32_t version = read<uint32_t>();
  if (version != 2 && version != 3)
    fail("has version " + Twine(version) + " of GGUF, of which 2 and 3, little-endian, are read");
  tensors = read<uint64_t>();
  entries = read<uint64_t>();
  if (tensors > maxEntries || entries > maxEntries)
    fail("has " + Twine(tensors) + " tensors and " + Twine(entries) + " values, more than " + Twine(maxEntries));
}

void GGUFParser::readEntry() {
  StringRef key = readString();
  llvm::json::Value value = readValue(read<uint32_t>());
  if (!llvm::json::isUTF8(key))
    fail("has a key that is not UTF-8");
  if (!failed() && !file.metadata.try_emplace(key.str(), std::move(value)).second)
    fail("has the key " + key + " twice");
}

void GGUFParser::readTensor() {
  GGUFTensor tensor;
  tensor.name = readString().str();
  uint32_t dimensions = read<uint32_t>();
  if (!llvm::json::isUTF8(tensor.name) || dimensions == 0 || dimensions > maxDimensions)
    return fail("tensor " + llvm::json::fixUTF8(tensor.name) + " has " + Twine(dimensions) +
                " dimensions, or a name that is not UTF-8");
  int64_t elements = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    uint64_t size = read<uint64_t>();
    if (size == 0 || size > INT64_MAX || llvm::MulOverflow(elements, int64_t(size), elements))
      return fail("tensor " + tensor.name + " has a size of " + Twine(size));
    tensor.shape.insert(tensor.shape.begin(), size);
  }
  tensor.typeNumber = read<uint32_t>();
  tensor.type = findGGUFType(tensor.typeNumber);
  offsets.push_back(read<uint64_t>());
  if (!failed())
    file.list.push_back(std::move(tensor));
}

/// Find the data of the tensors. Those of an unknown size are refused where they are read.
void GGUFParser::placeTensors() {
  std::optional<int64_t> alignment = file.find("general.alignment") ? file.size("general.alignment") : 32;
  if (!alignment || !llvm::isPowerOf2_64(*alignment) || *alignment > 1 << 20)
    return fail("general.alignment is no power of two");
  uint64_t begin = llvm::alignTo(at, llvm::Align(*alignment)), size = bytes.size();
  for (auto [tensor, offset] : llvm::zip_equal(file.list, offsets)) {
    if (!tensor.type)
      continue;
    int64_t blocks = tensor.columns() / tensor.type->blockElements, length;
    if (tensor.columns() % tensor.type->blockElements)
      return fail("tensor " + tensor.name + " has " + Twine(tensor.columns()) + " columns of " + tensor.type->name +
                  ", whose blocks have " + Twine(tensor.type->blockElements));
    bool overflows =
        llvm::MulOverflow(tensor.rows(), blocks, length) || llvm::MulOverflow(length, tensor.type->blockBytes, length);
    if (overflows || begin > size || offset > size - begin || uint64_t(length) > size - begin - offset)
      return fail("tensor " + tensor.name + ": its data end beyond the file's " + Twine(size) + " bytes");
    tensor.data = bytes.data() + begin + offset;
  }
}

llvm::Error GGUFParser::parse() {
  readStart();
  for (uint64_t i = 0; i < entries && !failed(); ++i)
    readEntry();
  for (uint64_t i = 0; i < tensors && !failed(); ++i)
    readTensor();
  llvm::StringSet<> names;
  for (const GGUFTensor &tensor : file.list)
    if (!names.insert(tensor.name).second)
      fail("has the tensor " + tensor.name + " twice");
  if (!failed())
    placeTensors();
  return failed() ? importer::fail(message) : llvm::Error::success();
}

llvm::Expected<GGUFFile> GGUFFile::parse(StringRef bytes, StringRef path) {
  GGUFFile file;
  file.where = path.str();
  if (llvm::Error error = GGUFParser(bytes, path, file).parse())
    return error;
  return file;
}

llvm::Expected<GGUFFile> GGUFFile::open(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fail(path + ": cannot be read: " + buffer.getError().message() + "; check the path and the permissions");
  if (llvm::Error error = checkNoLfsPointer((*buffer)->getBuffer(), path))
    return error;
  llvm::Expected<GGUFFile> file = parse((*buffer)->getBuffer(), path);
  if (file)
    file->mapping = std::move(*buffer);
  return file;
}

bool mla::importer::isGGUF(StringRef path) {
  if (!llvm::sys::fs::is_regular_file(path))
    return false;
  if (path.ends_with(".gguf")) // whatever is in it: an empty one is no safetensors file
    return true;
  auto start = llvm::MemoryBuffer::getFileSlice(path, magic.size(), /*Offset=*/0);
  return start && (*start)->getBuffer() == magic;
}
