//===- BundleDirectory.cpp - All of a bundle or nothing -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/Bundle.h"
#include "mla/abi.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

#include <cstdio>
#include <fcntl.h>
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

llvm::Expected<BundleDirectory> BundleDirectory::create(llvm::StringRef asked) {
  // A relative name would make the temporary directory elsewhere.
  llvm::SmallString<128> absolute(asked);
  if (std::error_code code = fs::make_absolute(absolute))
    return llvm::createFileError(asked, code);
  llvm::StringRef output = llvm::StringRef(absolute).rtrim("/");
  if (fs::exists(output) && !isBundle(output))
    return llvm::createStringError(output + ": exists and is not a bundle; remove it or choose another output");
  llvm::SmallString<128> temporary;
  if (std::error_code code = fs::createUniqueDirectory(output + ".part", temporary))
    return llvm::createStringError(output + ": cannot be written (" + code.message() +
                                   "); choose an output in a directory that exists and is writable");
  // Made like any directory, not closed to others as a temporary one.
  (void)fs::setPermissions(temporary, static_cast<fs::perms>(0777 & ~fs::getUmask()));
  removeOnSignal(temporary);
  return BundleDirectory(output, temporary);
}

BundleDirectory::~BundleDirectory() {
  if (!temporary.empty())
    (void)fs::remove_directories(temporary);
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
