//===- BundleDirectory.cpp - Write a bundle atomically --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/Bundle.h"
#include "mla/abi.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace mla;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

/// All files that a bundle may contain.
static constexpr llvm::StringLiteral fileNames[] = {MLA_MANIFEST_FILE, MLA_CODE_FILE, MLA_PTX_FILE, MLA_CUBIN_FILE,
                                                    MLA_WEIGHTS_FILE};

/// Return whether the directory has a manifest and only files of bundles. Such
/// a directory may be replaced and removed.
static bool isBundle(llvm::StringRef directory) {
  llvm::SmallString<128> manifest(directory);
  path::append(manifest, MLA_MANIFEST_FILE);
  std::error_code code;
  for (fs::directory_iterator it(directory, code), end; it != end && !code; it.increment(code))
    if (!llvm::is_contained(fileNames, path::filename(it->path())))
      return false;
  return !code && fs::exists(manifest);
}

//===----------------------------------------------------------------------===//
// Interrupts
//===----------------------------------------------------------------------===//

/// Signals that terminate the process. LLVM calls the interrupt function without the signal's number.
static constexpr int signals[] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction llvmActions[std::size(signals)];
static volatile sig_atomic_t received = SIGINT;

static void noteSignal(int number, siginfo_t *info, void *context) {
  received = number;
  for (size_t i = 0; i < std::size(signals); ++i)
    if (signals[i] == number)
      llvmActions[i].sa_sigaction(number, info, context);
}

/// Exit with the status that a shell reports for a child terminated by the signal.
[[noreturn]] static void exitAsBySignal() { _exit(128 + received); }

/// Set LLVM's interrupt function, and note signals before LLVM's handler, which removes files. It restores all handlers
/// when it runs.
static void callOnSignal(void (*function)()) {
  llvm::sys::SetInterruptFunction(function);
  for (size_t i = 0; i < std::size(signals); ++i) {
    struct sigaction action;
    if (sigaction(signals[i], nullptr, &action) != 0 || !(action.sa_flags & SA_SIGINFO) ||
        action.sa_sigaction == noteSignal)
      continue;
    llvmActions[i] = action;
    action.sa_sigaction = noteSignal;
    (void)sigaction(signals[i], &action, nullptr);
  }
}

/// The directory to remove after an interrupt, when its files are already removed.
static char interruptedDirectory[4096];

static void removeInterrupted() {
  (void)rmdir(interruptedDirectory);
  exitAsBySignal();
}

/// Remove files by LLVM's own handler, and then their directory.
static void removeOnSignal(llvm::StringRef directory) {
  for (llvm::StringRef name : fileNames) {
    llvm::SmallString<128> file(directory);
    path::append(file, name);
    llvm::sys::RemoveFileOnSignal(file);
  }
  if (directory.size() >= sizeof(interruptedDirectory))
    return;
  std::copy(directory.begin(), directory.end(), interruptedDirectory);
  callOnSignal(removeInterrupted);
}

/// Return the output as an absolute path, if a bundle may be written there. With a relative one the temporary directory
/// would be elsewhere.
static llvm::Expected<std::string> checkOutput(llvm::StringRef asked) {
  llvm::SmallString<128> absolute(asked);
  if (std::error_code code = fs::make_absolute(absolute))
    return llvm::createFileError(asked, code);
  llvm::StringRef output = llvm::StringRef(absolute).rtrim("/");
  if (output.empty())
    return llvm::createStringError("/: cannot be a bundle; choose another output");
  // Renaming would replace the link and keep its target.
  if (fs::is_symlink_file(output))
    return llvm::createStringError(output + ": is a link, which a bundle would replace; remove the link, or give its "
                                            "target");
  if (fs::exists(output) && !isBundle(output))
    return llvm::createStringError(output + ": exists and is not a bundle; remove it or choose another output");
  return output.str();
}

llvm::Error BundleDirectory::checkPath(llvm::StringRef path) { return checkOutput(path).takeError(); }

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
  // Set default permissions: those of a temporary directory exclude other users.
  (void)fs::setPermissions(temporary, static_cast<fs::perms>(0777 & ~fs::getUmask()));
  removeOnSignal(temporary);
  return BundleDirectory(*output, temporary);
}

//===----------------------------------------------------------------------===//
// Resumable directories
//===----------------------------------------------------------------------===//

static void tellInterrupted() {
  static constexpr char text[] = "\ninterrupted; run the same command again to resume after the complete layers\n";
  (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
  exitAsBySignal();
}

static std::error_code lastError() { return std::error_code(errno, std::generic_category()); }

/// Open the directory and lock it until the process ends.
static llvm::Expected<int> lockDirectory(llvm::StringRef directory) {
  int lock = ::open(directory.str().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0)
    return cannotWrite(directory, lastError());
  if (flock(lock, LOCK_EX | LOCK_NB) == 0)
    return lock;
  ::close(lock);
  return llvm::createStringError(directory + ": is in use by another compilation; wait for it, or choose another "
                                             "output");
}

/// Check that the directory is empty or belongs to the same request. An older bundle, which was about to be removed, is
/// ignored.
static llvm::Error checkRequest(llvm::StringRef directory, llvm::StringRef request) {
  llvm::SmallString<128> file(directory);
  path::append(file, BundleDirectory::requestFile);
  if (auto present = llvm::MemoryBuffer::getFile(file)) {
    if ((*present)->getBuffer() == request)
      return llvm::Error::success();
    return llvm::createStringError(directory +
                                   ": contains an interrupted compilation with other options, inputs or "
                                   "compiler; repeat that compilation to resume it, or remove the directory");
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
  // Set default permissions: LLVM's exclude other users.
  if (std::error_code code = fs::create_directory(partial, /*IgnoreExisting=*/true, fs::all_all))
    return cannotWrite(*output, code);
  llvm::Expected<int> lock = lockDirectory(partial);
  if (!lock)
    return lock.takeError();
  BundleDirectory directory(*output, partial, *lock);
  directory.kept = true; // do not remove an existing directory after an error
  if (llvm::Error error = checkRequest(partial, request))
    return error;
  directory.kept = fs::exists(directory.file(recordFile));
  callOnSignal(tellInterrupted);
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
  // Exchange an older bundle and the new one atomically, and then remove the older one from the temporary path.
  bool replaces = fs::exists(path);
  unsigned flags = replaces ? RENAME_EXCHANGE : RENAME_NOREPLACE;
  if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), flags) != 0)
    return llvm::createStringError(
        path + ": the bundle cannot be moved there: " + std::error_code(errno, std::generic_category()).message());
  if (!replaces)
    temporary.clear();
  return llvm::Error::success();
}
