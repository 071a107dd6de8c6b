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

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace mla;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

/// All files that a bundle may contain.
static constexpr llvm::StringLiteral fileNames[] = {MLA_MANIFEST_FILE, MLA_CODE_FILE,    MLA_PTX_FILE,  MLA_CUBIN_FILE,
                                                    MLA_WEIGHTS_FILE,  MLA_ADAPTER_FILE, MLA_TUNED_FILE};

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

/// The directory that a signal leaves behind, unless it is removed before the process ends.
static char interruptedDirectory[4096];

static volatile sig_atomic_t received = SIGINT;
static struct sigaction earlierActions[NSIG];

/// Exit with the status that a shell reports for a child terminated by the signal.
[[noreturn]] static void exitAsBySignal() { _exit(128 + received); }

static void removeInterrupted() {
  int directory = ::open(interruptedDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return;
  for (llvm::StringLiteral name : fileNames)
    (void)::unlinkat(directory, name.data(), 0);
  ::close(directory);
  (void)::rmdir(interruptedDirectory);
}

/// Ends the process as the signal would have without us.
static void endBySignal(int number) {
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, number);
  (void)std::signal(number, SIG_DFL);
  (void)pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  (void)raise(number);
}

static void handleSignal(int number, siginfo_t *info, void *context) {
  int error = errno;
  received = number;
  llvm::sys::RunInterruptHandlers(); // removes temporary files, also in the directory
  removeInterrupted();
  const struct sigaction &earlier = earlierActions[number];
  if (earlier.sa_flags & SA_SIGINFO)
    earlier.sa_sigaction(number, info, context);
  else if (earlier.sa_handler != SIG_DFL)
    earlier.sa_handler(number);
  else
    endBySignal(number);
  errno = error;
}

/// Whether the signal ends the process by default and can be caught. LLVM makes SIGUSR1 a request for information.
static bool ends(int number) {
  static constexpr int others[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGCONT,  SIGTSTP,
                                   SIGTTIN, SIGTTOU, SIGURG,  SIGWINCH, SIGUSR1};
  return !llvm::is_contained(others, number);
}

/// Whether LLVM would print a stack trace, which may wait for a lock that the interrupted code holds. After a crash
/// that is worth it.
static bool tracesNeedlessly(int number) { return number == SIGQUIT || number == SIGXCPU; }

/// Puts our handler before LLVM's, or before the default. Ignored signals stay ignored.
static void catchSignal(int number) {
  static constexpr struct sigaction defaultAction = {};
  struct sigaction action;
  if (sigaction(number, nullptr, &action) != 0)
    return;
  bool hasInfo = action.sa_flags & SA_SIGINFO;
  if (hasInfo ? action.sa_sigaction == handleSignal : action.sa_handler == SIG_IGN)
    return;
  earlierActions[number] = tracesNeedlessly(number) ? defaultAction : action;
  action.sa_sigaction = handleSignal;
  action.sa_flags |= SA_SIGINFO | SA_ONSTACK;
  (void)sigaction(number, &action, nullptr);
}

/// LLVM calls `function`, without the signal's number, for an interrupt and its like.
static void callOnSignal(void (*function)()) {
  llvm::sys::SetInterruptFunction(function);
  for (int number = 1; number < NSIG; ++number)
    if (ends(number))
      catchSignal(number);
}

static void removeOnSignal(llvm::StringRef directory) {
  if (directory.size() >= sizeof(interruptedDirectory))
    return;
  *std::copy(directory.begin(), directory.end(), interruptedDirectory) = 0;
  callOnSignal(exitAsBySignal);
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
  interruptedDirectory[0] = 0;
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
  // From here on the temporary place holds this bundle or an older one, or nothing: a signal may still remove it.
  llvm::sys::SetInterruptFunction(exitAsBySignal);
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
