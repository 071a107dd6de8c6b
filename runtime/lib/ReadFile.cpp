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

static Result<std::string> readAll(int file, const std::string &path, size_t size) {
  if (!hasMemory(size))
    return outOfMemory(path, std::to_string(size) + " bytes");
  std::string text(size, '\0');
  for (size_t done = 0; done < size;) {
    ssize_t got = ::read(file, &text[done], size - done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return failedCall(path, "read", got < 0 ? errno : EIO);
    done += got;
  }
  return text;
}

Result<std::string> mla::readFile(const std::string &path, int64_t most) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (file < 0 && errno == ELOOP)
    return isLink(path);
  if (file < 0)
    return failedCall(path, "open", errno);
  struct stat info = {};
  Result<std::string> text = Error(ErrorKind::InvalidFile, path + ": is not a file of at most " + std::to_string(most) +
                                                               " bytes; compile the bundle again");
  if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_size <= most)
    text = readAll(file, path, info.st_size);
  ::close(file);
  return text;
}
