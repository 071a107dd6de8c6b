//===- WriteFile.cpp - Whole files ----------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WriteFile.h"
#include "Text.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mla;
using namespace mla::run;

static Error failed(const std::string &path, int number) {
  return Error(ErrorKind::IO, path + ": cannot be written: " + errnoText(number) +
                                  "; give a path in a directory that you may write, with free space");
}

Result<WholeFile> WholeFile::create(const std::string &path) {
  struct stat info = {};
  bool inPlace = stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
  std::string written = inPlace ? path : path + ".part" + std::to_string(getpid());
  int file = open(written.c_str(), inPlace ? O_WRONLY : O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0)
    return failed(path, errno);
  return WholeFile(path, std::move(written), file);
}

WholeFile::WholeFile(WholeFile &&other) noexcept
    : path(std::move(other.path)), written(std::move(other.written)), file(other.file) {
  other.file = -1;
}

WholeFile::~WholeFile() {
  if (file < 0)
    return;
  close(file);
  if (written != path)
    unlink(written.c_str());
}

Error WholeFile::finish(const std::string &text) {
  for (size_t done = 0; done < text.size();) {
    ssize_t count = write(file, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return failed(path, errno);
    done += static_cast<size_t>(count);
  }
  if (written != path && rename(written.c_str(), path.c_str()) != 0)
    return failed(path, errno);
  close(file);
  file = -1;
  return {};
}
