//===- LinkShared.cpp - From an object file to a shared object ------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinkShared.h"

#include "mla/abi.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

/// Return the path of the runtime of this process: code linked against it loads the runtime by its SONAME from any
/// path.
static llvm::StringRef runtimePath() {
  Dl_info info;
  return dladdr(reinterpret_cast<void *>(&mla_parallel_for), &info) ? info.dli_fname : "";
}

/// Write the linker's version script, which lists the exported symbols.
static llvm::Expected<llvm::SmallString<128>> writeVersionScript() {
  int descriptor;
  llvm::SmallString<128> path;
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("mla", "map", descriptor, path))
    return llvm::createFileError("temporary version script", code);
  llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream << "{ global: mla_entry_*; " MLA_COMPILED_FOR "; local: *; };\n";
  stream.close();
  if (std::error_code code = stream.error()) {
    stream.clear_error(); // otherwise the stream aborts the process
    (void)llvm::sys::fs::remove(path);
    return mla::noSpace(path, code);
  }
  return path;
}

/// Check for free space. lld writes through a mapping, where a full disk causes a signal and not an error. The size of
/// the object is sufficient: linking removes more than it adds, except for headers and alignment.
static llvm::Error checkSpace(llvm::StringRef object, const std::string &output) {
  constexpr uint64_t headers = 1 << 16;
  uint64_t bytes = 0;
  if (std::error_code code = llvm::sys::fs::file_size(object, bytes))
    return llvm::createFileError(object, code);
  int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  int number = file < 0 ? errno : posix_fallocate(file, 0, static_cast<off_t>(bytes + headers));
  if (file >= 0) {
    ::close(file);
    ::unlink(output.c_str());
  }
  return number ? mla::noSpace(output, std::error_code(number, std::generic_category())) : llvm::Error::success();
}

llvm::Error mla::noSpace(const llvm::Twine &path, std::error_code code) {
  llvm::StringRef advice = code == std::errc::file_too_large ? "raise the limit on file sizes" : "free some space";
  return llvm::createStringError(path + ": cannot be written: " + code.message() + "; " + advice +
                                 " or write elsewhere");
}

llvm::Error mla::linkShared(llvm::StringRef object, llvm::StringRef output) {
  llvm::Expected<llvm::SmallString<128>> script = writeVersionScript();
  if (!script)
    return script.takeError();
  llvm::FileRemover remover(*script);
  std::string objectPath = object.str(), outputPath = output.str(), runtime = runtimePath().str();
  if (llvm::Error error = checkSpace(object, outputPath))
    return error;
  std::string exports = ("--version-script=" + *script).str();
  const char *arguments[] = {
      "ld.lld", "-shared",         "-z", "now", "--build-id=none", objectPath.c_str(), runtime.c_str(), exports.c_str(),
      "-o",     outputPath.c_str()};
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  lld::Result result = lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return llvm::createStringError("linking " + output + ": " + messages);
  return llvm::Error::success();
}
