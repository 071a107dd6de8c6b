//===- ReadFile.cpp - Whole files into memory -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReadFile.h"
#include "Memory.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mla;

Error mla::failedCall(const std::string &path, const char *what, int number) {
  return systemError(path, what, number, "give the directory that mla-compile wrote");
}

Error mla::isLink(const std::string &path) {
  return Error(ErrorKind::InvalidFile, path + ": is a symbolic link, which could lead out of the bundle; put a copy of "
                                              "the file in its place");
}

static Result<std::string> readAll(int file, const std::string &path, size_t size, const char *advice) {
  if (!hasMemory(size))
    return outOfMemory(path, std::to_string(size) + " bytes");
  std::string text(size, '\0');
  for (size_t done = 0; done < size;) {
    ssize_t got = ::read(file, &text[done], size - done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return systemError(path, "read", got < 0 ? errno : EIO, advice);
    done += got;
  }
  return text;
}

/// Reads and closes an open file.
static Result<std::string> readAndClose(int file, const std::string &path, int64_t most, const char *advice) {
  struct stat info = {};
  Result<std::string> text =
      Error(ErrorKind::InvalidFile, path + ": is not a file of at most " + std::to_string(most) + " bytes; " + advice);
  if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_size <= most)
    text = readAll(file, path, info.st_size, advice);
  ::close(file);
  return text;
}

static constexpr int readFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

Result<std::string> mla::readFile(const std::string &path, int64_t most) {
  int file = ::open(path.c_str(), readFlags | O_NOFOLLOW);
  if (file < 0 && errno == ELOOP)
    return isLink(path);
  if (file < 0)
    return failedCall(path, "open", errno);
  return readAndClose(file, path, most, "compile the bundle again");
}

Result<std::string> mla::readForeignFile(const std::string &path, int64_t most) {
  const char *advice = "check the path and the permissions";
  int file = ::open(path.c_str(), readFlags);
  return file < 0 ? systemError(path, "open", errno, advice) : readAndClose(file, path, most, advice);
}
