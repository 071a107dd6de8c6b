//===- BundleDirectory.cpp - All of a bundle or nothing -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/Bundle.h"
#include "mla/abi.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace mla;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static bool isBundle(llvm::StringRef directory) {
  llvm::SmallString<128> manifest(directory);
  path::append(manifest, MLA_MANIFEST_FILE);
  return fs::exists(manifest);
}

/// All that a bundle may hold.
static constexpr llvm::StringLiteral fileNames[] = {MLA_MANIFEST_FILE, MLA_CODE_FILE, MLA_PTX_FILE, MLA_CUBIN_FILE,
                                                    MLA_WEIGHTS_FILE};

/// The directory that an interrupt leaves behind, unless this removes it; its
/// files are gone by then.
static char interruptedDirectory[4096];

static void removeInterrupted() {
  (void)rmdir(interruptedDirectory);
  _exit(130);
}

/// Files first, by LLVM's own handler, then their directory.
static void removeOnSignal(llvm::StringRef directory) {
  for (llvm::StringRef name : fileNames) {
    llvm::SmallString<128> file(directory);
    path::append(file, name);
    llvm::sys::RemoveFileOnSignal(file);
  }
  if (directory.size() >= sizeof(interruptedDirectory))
    return;
  std::copy(directory.begin(), directory.end(), interruptedDirectory);
  llvm::sys::SetInterruptFunction(removeInterrupted);
}

/// The output as an absolute path, if a bundle may go there. A relative one would make the temporary directory
/// elsewhere.
static llvm::Expected<std::string> checkOutput(llvm::StringRef asked) {
  llvm::SmallString<128> absolute(asked);
  if (std::error_code code = fs::make_absolute(absolute))
    return llvm::createFileError(asked, code);
  llvm::StringRef output = llvm::StringRef(absolute).rtrim("/");
  if (fs::exists(output) && !isBundle(output))
    return llvm::createStringError(output + ": exists and is not a bundle; remove it or choose another output");
  return output.str();
}

static llvm::Error cannotWrite(const llvm::Twine &path, std::error_code code) {
  return llvm::createStringError(path + ": cannot be written (" + code.message() +
                                 "); choose an output in a directory that exists and is writable");
}

llvm::Expected<BundleDirectory> BundleDirectory::create(llvm::StringRef asked) {
  llvm::Expected<std::string> output = checkOutput(asked);
  if (!output)
    return output.takeError();
  llvm::SmallString<128> temporary;
  if (std::error_code code = fs::createUniqueDirectory(*output + ".part", temporary))
    return cannotWrite(*output, code);
  // Made like any directory, not closed to others as a temporary one.
  (void)fs::setPermissions(temporary, static_cast<fs::perms>(0777 & ~fs::getUmask()));
  removeOnSignal(temporary);
  return BundleDirectory(*output, temporary);
}

//===----------------------------------------------------------------------===//
// Work that goes on after an interruption
//===----------------------------------------------------------------------===//

static void tellInterrupted() {
  static constexpr char text[] = "\ninterrupted; the same command goes on with the layers that are complete\n";
  (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
  _exit(130);
}

static std::error_code lastError() { return std::error_code(errno, std::generic_category()); }

/// The directory, opened and locked until the process ends.
static llvm::Expected<int> lockDirectory(llvm::StringRef directory) {
  int lock = ::open(directory.str().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0)
    return cannotWrite(directory, lastError());
  if (flock(lock, LOCK_EX | LOCK_NB) == 0)
    return lock;
  ::close(lock);
  return llvm::createStringError(directory + ": another compilation is at work in it; wait for it, or choose another "
                                             "output");
}

/// Whether it holds nothing, or what a request of the same text left. An older bundle, which was about to be removed,
/// counts as nothing.
static llvm::Error checkRequest(llvm::StringRef directory, llvm::StringRef request) {
  llvm::SmallString<128> file(directory);
  path::append(file, BundleDirectory::requestFile);
  if (auto present = llvm::MemoryBuffer::getFile(file)) {
    if ((*present)->getBuffer() == request)
      return llvm::Error::success();
    return llvm::createStringError(directory + ": holds the work of an interrupted compilation with other options, "
                                               "inputs or compiler; repeat that one to go on with it, or remove the "
                                               "directory");
  }
  std::error_code code;
  bool empty = fs::directory_iterator(directory, code) == fs::directory_iterator();
  if (!empty && !isBundle(directory))
    return llvm::createStringError(directory + ": exists and is not an interrupted compilation; remove it or choose "
                                               "another output");
  for (llvm::StringRef name : fileNames) {
    llvm::SmallString<128> old(directory);
    path::append(old, name);
    (void)fs::remove(old);
  }
  return llvm::writeToOutput(file, [&](llvm::raw_ostream &stream) {
    stream << request;
    return llvm::Error::success();
  });
}

llvm::Expected<BundleDirectory> BundleDirectory::resume(llvm::StringRef asked, llvm::StringRef request) {
  llvm::Expected<std::string> output = checkOutput(asked);
  if (!output)
    return output.takeError();
  std::string partial = *output + ".partial";
  if (std::error_code code = fs::create_directory(partial))
    return cannotWrite(*output, code);
  llvm::Expected<int> lock = lockDirectory(partial);
  if (!lock)
    return lock.takeError();
  BundleDirectory directory(*output, partial, *lock);
  directory.kept = true; // whatever it holds is not ours to remove
  if (llvm::Error error = checkRequest(partial, request))
    return error;
  directory.kept = fs::exists(directory.file(recordFile));
  llvm::sys::SetInterruptFunction(tellInterrupted);
  return directory;
}

BundleDirectory::~BundleDirectory() {
  if (!temporary.empty() && !kept)
    (void)fs::remove_directories(temporary);
  if (lock >= 0)
    ::close(lock);
}

std::string BundleDirectory::file(llvm::StringRef name) const {
  llvm::SmallString<128> file(temporary);
  path::append(file, name);
  return file.str().str();
}

llvm::Expected<uint64_t> BundleDirectory::sizeOf(llvm::StringRef name) const {
  uint64_t size;
  if (std::error_code code = fs::file_size(file(name), size))
    return llvm::createFileError(file(name), code);
  return size;
}

llvm::Error BundleDirectory::commit() {
  for (llvm::StringRef name : fileNames)
    llvm::sys::DontRemoveFileOnSignal(file(name));
  llvm::sys::SetInterruptFunction(nullptr);
  for (llvm::StringRef name : {requestFile, recordFile})
    (void)fs::remove(file(name));
  kept = false;
  // An older bundle changes places with the new one, in one step, and what is
  // then at the temporary place is removed.
  bool replaces = fs::exists(path);
  unsigned flags = replaces ? RENAME_EXCHANGE : RENAME_NOREPLACE;
  if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), flags) != 0)
    return llvm::createStringError(
        path + ": the bundle cannot be moved there: " + std::error_code(errno, std::generic_category()).message());
  if (!replaces)
    temporary.clear();
  return llvm::Error::success();
}
