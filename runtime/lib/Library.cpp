//===- Library.cpp - Shared libraries, by their files ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Library.h"
#include "Memory.h"
#include "ReadFile.h"
#include "Text.h"

#include <algorithm>
#include <cerrno>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <mutex>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <vector>

using namespace mla;

namespace {
/// A file whose library is loaded.
struct LoadedFile {
  struct stat info;
  std::string name; ///< known to the loader
  uint64_t checksum;
};

struct Loader {
  std::mutex mutex;
  std::vector<LoadedFile> files;
  uint64_t names = 0; ///< made so far

  Result<std::string> nameFor(const std::string &path, const struct stat &info);
};
} // namespace

/// Never destroyed: bundles may be closed when the process ends. Not kept for children: dlclose, under the mutex, waits
/// in older glibc for forks to end.
static Loader &loader() {
  static Loader *made = new Loader;
  return *made;
}

static bool isSameFile(const struct stat &left, const struct stat &right) {
  return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

static bool isUnchanged(const struct stat &left, const struct stat &right) {
  return left.st_size == right.st_size && left.st_mtim.tv_sec == right.st_mtim.tv_sec &&
         left.st_mtim.tv_nsec == right.st_mtim.tv_nsec;
}

/// Returns a checksum of the file's contents (FNV-1a).
static Result<uint64_t> checksumOf(const std::string &path) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return failedCall(path, "open", errno);
  uint64_t sum = 0xcbf29ce484222325;
  unsigned char buffer[4096];
  ssize_t count;
  while ((count = ::read(file, buffer, sizeof(buffer))) > 0 || (count < 0 && errno == EINTR))
    for (ssize_t i = 0; i < count; ++i)
      sum = (sum ^ buffer[i]) * 0x100000001b3;
  int failure = errno;
  ::close(file);
  return count < 0 ? Result<uint64_t>(failedCall(path, "read", failure)) : sum;
}

/// Returns the same path in a new spelling: a slash or "/." for every bit of a number. The first is the path itself.
static std::string spelled(const std::string &path, uint64_t number) {
  size_t slash = path.rfind('/');
  std::string directory = path.substr(0, slash);
  for (; number; number /= 2)
    directory += number % 2 ? "/." : "/";
  return directory + path.substr(slash);
}

static bool isCalled(void *library, const std::string &name) {
  link_map *map = nullptr;
  return dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 && map->l_name == name;
}

namespace {
enum class Loaded { No, ByName, ByFile };
} // namespace

/// Returns whether the loader knows a library by that name, or its file by another.
static Loaded howLoaded(const std::string &name) {
  void *library = dlopen(name.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (!library)
    return Loaded::No;
  Loaded how = isCalled(library, name) ? Loaded::ByName : Loaded::ByFile;
  dlclose(library);
  return how;
}

/// A loaded file keeps its name: under another the loader would return the same library, and remember that name for it
/// permanently.
Result<std::string> Loader::nameFor(const std::string &path, const struct stat &info) {
  for (LoadedFile &file : files) {
    if (!isSameFile(file.info, info))
      continue;
    if (isUnchanged(file.info, info))
      return file.name;
    // Copying or storing the file may have changed only its time.
    Result<uint64_t> checksum = checksumOf(path);
    if (!checksum)
      return checksum.error();
    if (file.info.st_size == info.st_size && *checksum == file.checksum) {
      file.info = info;
      return file.name;
    }
    return Error(ErrorKind::InvalidFile, path + ": was written to while an open bundle runs it; close that first, and "
                                                "replace files by renaming new ones over them");
  }
  // Others in the process may have loaded a library by that name. If they loaded this file, every name refers to it.
  std::string name = spelled(path, names++);
  for (int tries = 0; tries < 8 && howLoaded(name) != Loaded::No; ++tries)
    name = spelled(path, names++);
  return name;
}

static Error rewritten(const std::string &path) {
  return Error(ErrorKind::Unsupported, path + ": the dynamic loader takes a '$' in the path for one of its own names; "
                                              "move the bundle to a path without one");
}

/// Whether no program may run from where the file is, of which the loader does not tell.
static bool isNoExec(const std::string &path) {
  struct statvfs system = {};
  return statvfs(path.c_str(), &system) == 0 && (system.f_flag & ST_NOEXEC);
}

static Error failedLoad(const std::string &path, const std::string &name, const struct stat &info) {
  std::string said = dlerror();
  if (size_t at = said.find(name); at != said.npos)
    said.replace(at, name.size(), path);
  // If mapping fails the loader does not say why.
  if (said.find(errnoText(ENOMEM)) != said.npos || !hasMemory(info.st_size))
    return Error(ErrorKind::OutOfMemory, said + "; free memory, or raise the process's limit");
  if (isNoExec(path))
    return Error(ErrorKind::IO, said + ": its file system is mounted noexec; move the bundle to another");
  // The file was there just now: the loader looked for another.
  if (path.find('$') != path.npos && said.find(path) == 0 && said.find(errnoText(ENOENT)) != said.npos)
    return rewritten(path);
  return Error(ErrorKind::InvalidFile, said + "; compile the bundle again");
}

/// Checks a library that was not loaded before.
static Error checkFresh(const std::string &path, void *library, const std::string &name, const struct stat &before) {
  struct stat after = {};
  if (!isCalled(library, name))
    return rewritten(path);
  if (stat(path.c_str(), &after) != 0 || !isSameFile(before, after) || !isUnchanged(before, after))
    return Error(ErrorKind::IO, path + ": was replaced while it was opened; open it again");
  return {};
}

Result<std::unique_ptr<Library>> Library::open(const std::string &path) {
  std::lock_guard<std::mutex> lock(loader().mutex);
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0)
    return failedCall(path, "open", errno);
  Result<std::string> name = loader().nameFor(path, info);
  if (!name)
    return name.error();
  bool isFresh = howLoaded(*name) == Loaded::No;
  Result<uint64_t> checksum = isFresh ? checksumOf(path) : uint64_t(0);
  if (!checksum)
    return checksum.error();
  // NOW: a symbol that is missing is an error here, not the end of the process in the middle of a step. LOCAL: the
  // entries of several bundles have the same names.
  void *library = dlopen(name->c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return failedLoad(path, *name, info);
  if (isFresh) {
    if (Error error = checkFresh(path, library, *name, info)) {
      dlclose(library);
      return error;
    }
    loader().files.push_back({info, *name, *checksum});
  }
  return std::unique_ptr<Library>(new Library(library, std::move(*name)));
}

Library::~Library() {
  std::lock_guard<std::mutex> lock(loader().mutex);
  dlclose(library);
  // Another bundle may have it open, or it stays for good.
  if (howLoaded(name) == Loaded::ByName)
    return;
  std::vector<LoadedFile> &files = loader().files;
  files.erase(std::remove_if(files.begin(), files.end(), [&](const LoadedFile &file) { return file.name == name; }),
              files.end());
}
