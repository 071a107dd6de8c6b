//===- SafetensorsWriter.cpp - Streaming to safetensors files -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"
#include "SafetensorsHeader.h"
#include "Text.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>

using namespace mla;

static constexpr uint64_t dataAlignment = 64;

namespace {
/// The location of one tensor in the file, and its written bytes.
struct Slot {
  uint64_t begin = 0, bytes = 0;
  std::map<uint64_t, uint64_t> written; // disjoint intervals, begin to end

  void add(uint64_t from, uint64_t to);
  bool complete() const { return bytes == 0 || (written.size() == 1 && written.begin()->second == bytes); }
  uint64_t firstMissing() const { return written.empty() || written.begin()->first ? 0 : written.begin()->second; }
};
} // namespace

void Slot::add(uint64_t from, uint64_t to) {
  if (from == to)
    return;
  auto it = written.upper_bound(from);
  if (it != written.begin() && std::prev(it)->second >= from)
    --it;
  while (it != written.end() && it->first <= to) {
    from = std::min(from, it->first);
    to = std::max(to, it->second);
    it = written.erase(it);
  }
  written[from] = to;
}

struct SafetensorsWriter::Impl {
  explicit Impl(std::string path) : path(std::move(path)) {}

  std::string path, header;
  uint64_t end = 0;  // of the data
  uint64_t size = 0; // of the file, when it was opened
  int file = -1;
  std::map<std::string, Slot, std::less<>> slots;
  std::mutex mutex;    // guards the slots' intervals
  bool remove = false; // when destroyed

  ~Impl() {
    if (file >= 0)
      ::close(file);
    if (remove)
      unlink(path.c_str());
  }
  Error layOut(const std::vector<SafetensorsSpec> &tensors, const SafetensorsMetadata &metadata);
  Error open(int flags);
  Error failed(const char *what, int number) const;
  Error writeAt(uint64_t at, const char *data, uint64_t count);
};

Error SafetensorsWriter::Impl::failed(const char *what, int number) const {
  const char *advice = number == ENOSPC || number == EDQUOT ? "free some space or write elsewhere"
                       : number == EFBIG                    ? "raise the limit on file sizes or write elsewhere"
                                                            : "check the path and the permissions";
  return systemError(path, what, number, advice);
}

Error SafetensorsWriter::Impl::writeAt(uint64_t at, const char *data, uint64_t count) {
  constexpr uint64_t largestCall = 1u << 30; // Linux writes at most 2 GB - 4 KB per call
  while (count) {
    ssize_t done = pwrite(file, data, std::min(count, largestCall), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      return failed("write", done < 0 ? errno : ENOSPC);
    at += done, data += done, count -= done;
  }
  return {};
}

/// Returns the order that keeps every tensor aligned without holes, which the format forbids.
static std::vector<SafetensorsSpec> sortedForAlignment(const std::vector<SafetensorsSpec> &tensors) {
  auto groupOf = [](const SafetensorsSpec &tensor) {
    return *tensorBytes(tensor.dtype, tensor.shape) % dataAlignment == 0 ? dataAlignment : dtypeSize(tensor.dtype);
  };
  std::vector<SafetensorsSpec> order;
  for (uint64_t group : {dataAlignment, uint64_t(8), uint64_t(4), uint64_t(2), uint64_t(1)})
    for (const SafetensorsSpec &tensor : tensors)
      if (groupOf(tensor) == group)
        order.push_back(tensor);
  return order;
}

static Error checkSpecs(const std::string &path, const std::vector<SafetensorsSpec> &tensors) {
  // Far from the largest file offset, so that no sum below overflows.
  constexpr uint64_t maxBytes = uint64_t(1) << 62;
  uint64_t total = 0;
  for (const SafetensorsSpec &tensor : tensors) {
    std::optional<uint64_t> bytes = tensorBytes(tensor.dtype, tensor.shape);
    if (!bytes || *bytes > maxBytes - total)
      return Error(ErrorKind::InvalidArgument, path + ": tensor " + quoted(tensor.name) + ": shape " +
                                                   shapeText(tensor.shape) + " is negative or too large");
    if (tensor.name.empty() || tensor.name == "__metadata__")
      return Error(ErrorKind::InvalidArgument, path + ": a tensor cannot be named " + quoted(tensor.name));
    total += *bytes;
  }
  return {};
}

static std::string paddedHeader(const std::vector<SafetensorsSpec> &tensors, const SafetensorsMetadata &metadata) {
  std::string header = printSafetensorsHeader(tensors, metadata);
  while ((8 + header.size()) % dataAlignment)
    header += ' ';
  std::string result;
  for (int i = 0; i < 8; ++i)
    result += static_cast<char>(header.size() >> (8 * i) & 255);
  return result + header;
}

/// Lays out the file: `header` first, then the slots up to `end`.
Error SafetensorsWriter::Impl::layOut(const std::vector<SafetensorsSpec> &tensors,
                                      const SafetensorsMetadata &metadata) {
  if (Error error = checkSpecs(path, tensors))
    return error;
  std::vector<SafetensorsSpec> order = sortedForAlignment(tensors);
  header = paddedHeader(order, metadata);
  if (header.size() - 8 > maxSafetensorsHeader)
    return Error(ErrorKind::InvalidArgument, path + ": the header would exceed the format's limit of " +
                                                 std::to_string(maxSafetensorsHeader) + " bytes; split the file");
  end = header.size();
  for (const SafetensorsSpec &tensor : order) {
    Slot slot;
    slot.begin = end;
    slot.bytes = *tensorBytes(tensor.dtype, tensor.shape);
    end += slot.bytes;
    if (!slots.emplace(tensor.name, std::move(slot)).second)
      return Error(ErrorKind::InvalidArgument, path + ": tensor " + quoted(tensor.name) + " is listed twice");
  }
  return {};
}

/// Opens a regular file; devices and pipes must not be overwritten or removed.
Error SafetensorsWriter::Impl::open(int flags) {
  file = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  if (file < 0)
    return failed(flags & O_CREAT ? "create" : "open", errno);
  struct stat info = {};
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode))
    return Error(ErrorKind::IO, path + ": is not a regular file; give another path");
  size = static_cast<uint64_t>(info.st_size);
  return {};
}

Result<SafetensorsWriter> SafetensorsWriter::create(const std::string &path,
                                                    const std::vector<SafetensorsSpec> &tensors,
                                                    const SafetensorsMetadata &metadata) {
  auto impl = std::make_unique<Impl>(path);
  if (Error error = impl->layOut(tensors, metadata))
    return error;
  if (Error error = impl->open(O_WRONLY | O_CREAT | O_TRUNC))
    return error;
  impl->remove = true;
  // Reserve now, so that a full disk is reported early. Not every file system can; others report it on writing.
  if (fallocate(impl->file, 0, 0, static_cast<off_t>(impl->end)) != 0 &&
      (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
    return impl->failed(("reserve " + std::to_string(impl->end) + " bytes").c_str(), errno);
  if (Error error = impl->writeAt(0, impl->header.data(), impl->header.size()))
    return error;
  return SafetensorsWriter(std::move(impl));
}

Result<SafetensorsWriter> SafetensorsWriter::resume(const std::string &path,
                                                    const std::vector<SafetensorsSpec> &tensors,
                                                    const std::vector<std::string> &written,
                                                    const SafetensorsMetadata &metadata) {
  auto impl = std::make_unique<Impl>(path);
  if (Error error = impl->layOut(tensors, metadata))
    return error;
  if (Error error = impl->open(O_RDWR))
    return error;
  std::string present(impl->header.size(), '\0');
  ssize_t got = pread(impl->file, present.data(), present.size(), 0);
  if (got != static_cast<ssize_t>(present.size()) || present != impl->header || impl->size > impl->end)
    return Error(ErrorKind::InvalidFile, path + ": is not an unfinished file of the same tensors; remove it");
  for (const std::string &name : written) {
    auto found = impl->slots.find(name);
    if (found == impl->slots.end() || found->second.begin + found->second.bytes > impl->size)
      return Error(ErrorKind::InvalidFile, path + ": tensor " + quoted(name) + " is not in it; remove the file");
    found->second.add(0, found->second.bytes);
  }
  impl->remove = true;
  return SafetensorsWriter(std::move(impl));
}

Result<uint64_t> SafetensorsWriter::writeHeader(const std::string &path, const std::vector<SafetensorsSpec> &tensors) {
  Impl impl(path);
  if (Error error = impl.layOut(tensors, {}))
    return error;
  if (Error error = impl.open(O_WRONLY | O_CREAT | O_TRUNC))
    return error;
  impl.remove = true;
  if (Error error = impl.writeAt(0, impl.header.data(), impl.header.size()))
    return error;
  if (fsync(impl.file) != 0)
    return impl.failed("flush", errno);
  impl.remove = false;
  return impl.end - impl.header.size();
}

SafetensorsWriter::SafetensorsWriter(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
SafetensorsWriter::SafetensorsWriter(SafetensorsWriter &&) noexcept = default;
SafetensorsWriter &SafetensorsWriter::operator=(SafetensorsWriter &&) noexcept = default;
SafetensorsWriter::~SafetensorsWriter() = default;

Error SafetensorsWriter::write(std::string_view name, uint64_t offset, const void *data, uint64_t count) {
  auto found = impl->slots.find(name);
  if (found == impl->slots.end())
    return Error(ErrorKind::InvalidArgument, impl->path + ": no tensor " + quoted(name) + " was announced to create()");
  Slot &slot = found->second;
  if (offset > slot.bytes || count > slot.bytes - offset)
    return Error(ErrorKind::InvalidArgument, impl->path + ": tensor " + quoted(name) + ": " + std::to_string(count) +
                                                 " bytes from byte " + std::to_string(offset) + " on exceed its " +
                                                 std::to_string(slot.bytes));
  if (impl->file < 0)
    return Error(ErrorKind::InvalidArgument, impl->path + ": tensor " + quoted(name) + ": written after finish()");
  if (Error error = impl->writeAt(slot.begin + offset, static_cast<const char *>(data), count))
    return error;
  std::lock_guard<std::mutex> lock(impl->mutex);
  slot.add(offset, offset + count);
  return {};
}

Error SafetensorsWriter::flush() { return fdatasync(impl->file) == 0 ? Error() : impl->failed("flush", errno); }

void SafetensorsWriter::keep() { impl->remove = false; }

Error SafetensorsWriter::finish() {
  if (impl->file < 0)
    return Error(ErrorKind::InvalidArgument, impl->path + ": finish() was called twice");
  for (const auto &[name, slot] : impl->slots)
    if (!slot.complete())
      return Error(ErrorKind::InvalidArgument, impl->path + ": tensor " + quoted(name) + ": byte " +
                                                   std::to_string(slot.firstMissing()) + " of " +
                                                   std::to_string(slot.bytes) + " was never written");
  if (fsync(impl->file) != 0)
    return impl->failed("flush", errno);
  int file = impl->file;
  impl->file = -1; // the descriptor is closed whatever close returns
  if (::close(file) != 0)
    return impl->failed("close", errno);
  impl->remove = false;
  return {};
}
