//===- SafetensorsReader.cpp - Opening safetensors files ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"
#include "SafetensorsHeader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mla;

static constexpr uint64_t lengthBytes = 8;

struct SafetensorsFile::Impl {
  std::string path;
  const char *map = nullptr;
  uint64_t mapBytes = 0;
  std::pair<uint64_t, uint64_t> identity;
  SafetensorsHeader header;
  std::vector<const SafetensorsTensor *> byName; // sorted

  ~Impl() {
    if (map)
      munmap(const_cast<char *>(map), mapBytes);
  }
  Error mapFile();
  /// Parses the header. Without data in the file, `announced` are their bytes.
  Error parse(std::optional<uint64_t> announced);
};

static Error failedCall(const std::string &path, const char *what, int number) {
  return systemError(path, what, number, "check the path and the permissions");
}

Error SafetensorsFile::Impl::mapFile() {
  // O_NONBLOCK: opening a pipe must not wait for a writer.
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return failedCall(path, "open", errno);
  struct stat info = {};
  Error error;
  if (fstat(file, &info) != 0)
    error = failedCall(path, "read its size", errno);
  else if (!S_ISREG(info.st_mode))
    error = Error(ErrorKind::IO, path + ": is not a regular file; give the path of a .safetensors file");
  else if (static_cast<uint64_t>(info.st_size) < lengthBytes)
    error = Error(ErrorKind::InvalidFile, path + ": has " + std::to_string(info.st_size) +
                                              " bytes, too few for a safetensors file; fetch or write it again");
  else {
    void *address = mmap(nullptr, info.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (address == MAP_FAILED)
      error = failedCall(path, "map", errno);
    else
      map = static_cast<const char *>(address), mapBytes = info.st_size;
    identity = {info.st_dev, info.st_ino};
  }
  ::close(file);
  return error;
}

/// Recognises the pointer that replaces a file that was not fetched. Read as a header's length it is an absurd number.
static bool isLfsPointer(std::string_view text) {
  constexpr std::string_view start = "version https://git-lfs.github.com/spec/";
  return text.substr(0, start.size()) == start;
}

Error SafetensorsFile::Impl::parse(std::optional<uint64_t> announced) {
  if (isLfsPointer({map, mapBytes}))
    return Error(ErrorKind::InvalidFile, path + ": is a pointer of Git LFS and not the file that it stands for; fetch "
                                                "the file (git lfs pull)");
  const unsigned char *bytes = reinterpret_cast<const unsigned char *>(map);
  uint64_t length = 0;
  for (int i = lengthBytes - 1; i >= 0; --i)
    length = length << 8 | bytes[i];
  const char *notOurs = "; it is not a safetensors file, or damaged";
  if (length > maxSafetensorsHeader)
    return Error(ErrorKind::InvalidFile, path + ": the header would have " + std::to_string(length) +
                                             " bytes, more than the format's limit of " +
                                             std::to_string(maxSafetensorsHeader) + notOurs);
  if (length > mapBytes - lengthBytes)
    return Error(ErrorKind::InvalidFile, path + ": the header would end at byte " +
                                             std::to_string(length + lengthBytes) + " of a file of " +
                                             std::to_string(mapBytes) + notOurs);
  const char *data = map + lengthBytes + length;
  uint64_t dataBytes = mapBytes - lengthBytes - length;
  if (announced && dataBytes)
    return Error(ErrorKind::InvalidFile, path + ": has data after the header, but none are expected" + notOurs);
  Result<SafetensorsHeader> parsed =
      parseSafetensorsHeader(path, {map + lengthBytes, length}, data, announced.value_or(dataBytes));
  if (!parsed)
    return parsed.error();
  header = std::move(*parsed);
  if (announced)
    for (SafetensorsTensor &tensor : header.tensors)
      tensor.data = nullptr;
  for (const SafetensorsTensor &tensor : header.tensors)
    byName.push_back(&tensor);
  std::sort(byName.begin(), byName.end(), [](auto *a, auto *b) { return a->name < b->name; });
  return {};
}

Result<SafetensorsFile> SafetensorsFile::open(const std::string &path, std::optional<uint64_t> announced) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  if (Error error = impl->mapFile())
    return error;
  if (Error error = impl->parse(announced))
    return error;
  return SafetensorsFile(std::move(impl));
}

Result<SafetensorsFile> SafetensorsFile::open(const std::string &path) { return open(path, std::nullopt); }

Result<SafetensorsFile> SafetensorsFile::openHeader(const std::string &path, uint64_t dataBytes) {
  return open(path, dataBytes);
}

SafetensorsFile::SafetensorsFile(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
SafetensorsFile::SafetensorsFile(SafetensorsFile &&) noexcept = default;
SafetensorsFile &SafetensorsFile::operator=(SafetensorsFile &&) noexcept = default;
SafetensorsFile::~SafetensorsFile() = default;

const std::string &SafetensorsFile::path() const { return impl->path; }
std::pair<uint64_t, uint64_t> SafetensorsFile::identity() const { return impl->identity; }
const SafetensorsMetadata &SafetensorsFile::metadata() const { return impl->header.metadata; }
const std::vector<SafetensorsTensor> &SafetensorsFile::tensors() const { return impl->header.tensors; }

const SafetensorsTensor *SafetensorsFile::find(std::string_view name) const {
  auto it = std::lower_bound(impl->byName.begin(), impl->byName.end(), name,
                             [](const SafetensorsTensor *tensor, std::string_view key) { return tensor->name < key; });
  return it != impl->byName.end() && (*it)->name == name ? *it : nullptr;
}

int64_t SafetensorsTensor::numElements() const { return static_cast<int64_t>(bytes / dtypeSize(dtype)); }

bool SafetensorsTensor::isAligned() const { return reinterpret_cast<uintptr_t>(data) % dtypeSize(dtype) == 0; }

bool SafetensorsTensor::read(uint64_t offset, void *to, uint64_t count) const {
  if (offset > bytes || count > bytes - offset)
    return false;
  if (count)
    std::memcpy(to, static_cast<const char *>(data) + offset, count);
  return true;
}
