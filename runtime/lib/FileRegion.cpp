//===- FileRegion.cpp - Memory that processes share -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FileRegion.h"
#include "Memory.h"
#include "TimeLimit.h"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

using namespace mla;

static constexpr const char *advice = "name a file in a directory that all ranks may write to, such as /dev/shm";

namespace {
class FileRegion : public SharedRegion {
public:
  FileRegion(const std::string &path, int64_t ranks, int64_t rank) : SharedRegion(ranks), path(path), rank(rank) {}
  ~FileRegion() override {
    if (file >= 0)
      ::close(file);
  }
  /// Of rank 0.
  Error make();
  /// Of the others: returns whether the file is one to join, and why not if that cannot change.
  Result<bool> join();
  Error awaitAll(const TimeLimit &limit);
  /// Removes the file if it is still this one.
  void remove() const;

  bool isDead(int64_t peer) const override;

private:
  const std::string path;
  const int64_t rank;
  int file = -1;

  Error map();
  Error refuseOthers() const;
  Result<bool> adoptFile(int opened);
  bool lockOwnByte() const;
  std::string absent() const;
};
} // namespace

static void sleepMilliseconds(int count) {
  timespec time = {0, count * 1'000'000L};
  nanosleep(&time, nullptr);
}

/// Returns the number of ranks of the region in a file, if it has one.
static std::optional<int64_t> ranksIn(int file) {
  char bytes[sizeof(RegionHead)];
  const char *magic = bytes + offsetof(RegionHead, magic);
  if (pread(file, bytes, sizeof(bytes), 0) != static_cast<ssize_t>(sizeof(bytes)) ||
      std::memcmp(magic, RegionHead::expectedMagic, sizeof(RegionHead::magic)) != 0)
    return std::nullopt;
  int64_t ranks = 0;
  std::memcpy(&ranks, bytes + offsetof(RegionHead, ranks), sizeof(ranks));
  return ranks;
}

static struct flock byteLock(int64_t byte, short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

static bool isLocked(int file, int64_t byte) {
  struct flock lock = byteLock(byte, F_WRLCK);
  return fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool FileRegion::lockOwnByte() const {
  struct flock lock = byteLock(rank, F_WRLCK);
  return fcntl(file, F_OFD_SETLK, &lock) == 0;
}

bool FileRegion::isDead(int64_t peer) const {
  return peer != rank && slot(peer).presence.load() == Presence::Present && !isLocked(file, peer);
}

Error FileRegion::map() {
  void *mapping = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapping == MAP_FAILED)
    return systemError(path, "map", errno, advice);
  adopt(mapping);
  return {};
}

//===----------------------------------------------------------------------===//
// Rank 0
//===----------------------------------------------------------------------===//

/// Only an empty file, or the region of a run that has ended, may be replaced.
Error FileRegion::refuseOthers() const {
  int opened = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (opened < 0)
    return errno == ENOENT ? Error() : systemError(path, "open", errno, advice);
  struct stat info = {};
  bool isEmpty = fstat(opened, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0;
  bool isRegion = ranksIn(opened).has_value(), isUsed = isRegion && isLocked(opened, 0);
  ::close(opened);
  if (isUsed)
    return Error(ErrorKind::InvalidArgument, path + ": another run uses it; name another file");
  if (isEmpty || isRegion)
    return {};
  return Error(ErrorKind::InvalidArgument, path + ": is a file of another kind; name one that does not exist");
}

Error FileRegion::make() {
  if (Error error = refuseOthers())
    return error;
  std::string made = path + ".XXXXXX";
  file = mkostemp(made.data(), O_CLOEXEC);
  if (file < 0)
    return systemError(path, "create", errno, advice);
  Error error;
  // Reserved: a full file system would otherwise be a bus error later.
  if (int failed = posix_fallocate(file, 0, static_cast<off_t>(bytes())))
    error = systemError(path, "write", failed, advice);
  if (!error)
    error = map();
  if (!error && !lockOwnByte())
    error = systemError(path, "lock", errno, advice);
  if (!error) {
    head().ranks = ranks();
    std::memcpy(head().magic, RegionHead::expectedMagic, sizeof(head().magic));
    slot(rank).presence.store(Presence::Present);
    if (::rename(made.c_str(), path.c_str()) != 0)
      error = systemError(path, "create", errno, advice);
  }
  if (error)
    ::unlink(made.c_str());
  return error;
}

void FileRegion::remove() const {
  struct stat own = {}, named = {};
  if (fstat(file, &own) == 0 && lstat(path.c_str(), &named) == 0 && own.st_dev == named.st_dev &&
      own.st_ino == named.st_ino)
    ::unlink(path.c_str());
}

//===----------------------------------------------------------------------===//
// The others
//===----------------------------------------------------------------------===//

Result<bool> FileRegion::adoptFile(int opened) {
  struct stat info = {};
  std::optional<int64_t> found = ranksIn(opened);
  if (!found && fstat(opened, &info) == 0 && info.st_size > 0)
    return Error(ErrorKind::InvalidArgument, path + ": is a file of another kind; name one that does not exist");
  if (!found || !isLocked(opened, 0)) // of a run that has ended
    return false;
  if (*found != ranks())
    return Error(ErrorKind::InvalidArgument, path + ": is of " + std::to_string(*found) + " ranks, but this is rank " +
                                                 std::to_string(rank) + " of " + std::to_string(ranks()) +
                                                 "; start all with the same number");
  file = opened;
  return lockOwnByte();
}

Result<bool> FileRegion::join() {
  int opened = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (opened < 0)
    return errno == ENOENT ? Result<bool>(false) : systemError(path, "open", errno, advice);
  Result<bool> adopted = adoptFile(opened);
  if (adopted && *adopted) {
    if (Error error = map())
      return error;
    Presence expected = Presence::Absent;
    if (!hasFailed() && slot(rank).presence.compare_exchange_strong(expected, Presence::Present))
      return true;
    unmap();
  }
  ::close(opened);
  file = -1;
  return adopted ? Result<bool>(false) : adopted;
}

//===----------------------------------------------------------------------===//
// All
//===----------------------------------------------------------------------===//

std::string FileRegion::absent() const {
  std::string names;
  for (int64_t peer = 0; peer < ranks(); ++peer)
    if (slot(peer).presence.load() == Presence::Absent)
      names += (names.empty() ? "" : ", ") + std::to_string(peer);
  return names;
}

Error FileRegion::awaitAll(const TimeLimit &limit) {
  for (std::string names = absent(); !names.empty(); names = absent()) {
    for (int64_t peer = 0; peer < ranks(); ++peer)
      if (isDead(peer))
        fail("rank " + std::to_string(peer) + " has left: its process has ended");
    if (limit.hasPassed())
      fail("of " + std::to_string(ranks()) + " ranks these did not come within " + limit.text() + ": " + names);
    if (hasFailed())
      return Error(ErrorKind::Rank, path + ": " + failureText() + "; start all ranks, each with its number");
    sleepMilliseconds(1);
  }
  return {};
}

Result<std::shared_ptr<SharedRegion>> mla::meetInFile(const std::string &path, int64_t ranks, int64_t rank,
                                                      double timeoutSeconds) {
  TimeLimit limit(timeoutSeconds);
  auto region = std::make_shared<FileRegion>(path, ranks, rank);
  if (rank == 0) {
    if (Error error = region->make())
      return error;
  } else {
    for (Result<bool> joined = region->join(); !joined || !*joined; joined = region->join()) {
      if (!joined)
        return joined.error();
      if (limit.hasPassed())
        return Error(ErrorKind::Rank, path + ": rank 0 did not make it within " + limit.text() +
                                          ", or another is rank " + std::to_string(rank) + "; start each of the " +
                                          std::to_string(ranks) + " ranks once");
      sleepMilliseconds(2);
    }
  }
  Error error = region->awaitAll(limit);
  if (rank == 0)
    region->remove();
  if (error)
    return error;
  return std::shared_ptr<SharedRegion>(std::move(region));
}
