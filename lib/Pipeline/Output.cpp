//===- Output.cpp - Files that appear only when complete ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Output.h"
#include "mla/Pipeline/CompileOptions.h"
#include "mla/Target/Bundle.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>

using namespace mla;
using llvm::StringRef;
using llvm::Twine;

namespace fs = llvm::sys::fs;

static llvm::Error unwritable(StringRef path, const Twine &why) {
  return makeError(path + ": cannot be written: " + why + "; choose another -o");
}

/// Follow symbolic links: renaming onto a link would replace the link (/dev/stdout is one).
static std::string followLinks(StringRef path) {
  llvm::SmallString<256> real;
  return fs::real_path(path, real) ? path.str() : real.str().str();
}

/// Return whether the output is a terminal, pipe or device, which cannot be replaced by renaming.
static bool isStream(const fs::file_status &status) {
  return fs::exists(status) && status.type() != fs::file_type::regular_file &&
         status.type() != fs::file_type::directory_file;
}

/// Check that files can be created beside `path` by creating one: permissions alone are not enough (read-only file
/// systems, root).
static llvm::Error checkParent(StringRef path) {
  StringRef parent = llvm::sys::path::parent_path(path);
  std::string directory = parent.empty() ? "." : parent.str();
  fs::file_status status;
  if (std::error_code code = fs::status(directory, status))
    return unwritable(path, directory + ": " + code.message());
  if (status.type() != fs::file_type::directory_file)
    return unwritable(path, directory + " is not a directory");
  llvm::Expected<fs::TempFile> file = fs::TempFile::create(directory + "/.mla-compile-%%%%%%%%");
  if (!file)
    return unwritable(path, llvm::toString(file.takeError()));
  return file->discard();
}

llvm::Error mla::checkWritable(StringRef path, bool asDirectory) {
  if (path == "-")
    return llvm::Error::success();
  std::string real = followLinks(path);
  fs::file_status status;
  bool exists = !fs::status(real, status) && fs::exists(status);
  if (!exists && fs::is_symlink_file(path))
    return unwritable(path, "it is a link to nowhere");
  if (exists && !asDirectory && isStream(status))
    return llvm::Error::success();
  if (exists && asDirectory && status.type() != fs::file_type::directory_file)
    return unwritable(path, "a file has that name, and a bundle is a directory");
  if (exists && !asDirectory && status.type() == fs::file_type::directory_file)
    return unwritable(path, "a directory has that name");
  if (exists && !asDirectory && !fs::can_write(real))
    return unwritable(path, "its permissions forbid it");
  if (asDirectory)
    if (llvm::Error error = BundleDirectory::checkPath(path))
      return error;
  return checkParent(StringRef(real).rtrim('/'));
}

/// Return whether `path` is a file in the directory.
static bool liesIn(StringRef path, StringRef directory) {
  llvm::SmallString<256> real, realDirectory;
  if (fs::real_path(path, real) || fs::real_path(directory, realDirectory))
    return false;
  StringRef rest = real;
  return rest.consume_front(realDirectory) && rest.starts_with("/");
}

/// Return whether `output` is a file of the directory `input`, or the target of a link in it. A directory there is no
/// input: a bundle may be beside its weights.
static bool holds(StringRef input, StringRef output) {
  if (fs::is_directory(output))
    return false;
  std::error_code code;
  for (fs::directory_iterator it(input, code), end; it != end && !code; it.increment(code))
    if (fs::equivalent(it->path(), output))
      return true;
  return false;
}

llvm::Error mla::checkInputsStay(llvm::ArrayRef<std::string> inputs, StringRef output) {
  for (const std::string &input : inputs)
    if (!input.empty() && (fs::equivalent(input, output) || holds(input, output)))
      return makeError(output + ": is an input and would be overwritten; choose another -o");
  for (const std::string &input : inputs)
    if (!input.empty() && fs::is_directory(output) && liesIn(input, output))
      return makeError(output + ": contains the input " + input + ", which would be overwritten; choose another -o");
  return llvm::Error::success();
}

/// Terminate as a filter whose reader has exited: `mla-compile --report | head` is no error.
static void endWithoutReader() {
  std::signal(SIGPIPE, SIG_DFL);
  std::raise(SIGPIPE);
}

/// Write and flush. An unhandled error of the stream would abort the process.
static llvm::Error writeTo(llvm::raw_fd_ostream &os, StringRef path, StringRef text) {
  os << text;
  os.flush();
  if (!os.has_error())
    return llvm::Error::success();
  std::error_code code = os.error();
  os.clear_error();
  if (path == "-" && code == std::errc::broken_pipe)
    endWithoutReader();
  return unwritable(path == "-" ? "standard output" : path, code.message());
}

static llvm::Error writeToStream(StringRef path, StringRef text) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code, fs::CD_OpenExisting, fs::FA_Write, fs::OF_None);
  return code ? unwritable(path, code.message()) : writeTo(os, path, text);
}

llvm::Error mla::writeText(StringRef path, StringRef text) {
  if (path == "-")
    return writeTo(llvm::outs(), path, text);
  std::string real = followLinks(path);
  fs::file_status status;
  if (!fs::status(real, status) && isStream(status))
    return writeToStream(real, text);
  llvm::Error error = llvm::writeToOutput(real, [&](llvm::raw_ostream &os) {
    // writeToOutput passes a file stream.
    return writeTo(static_cast<llvm::raw_fd_ostream &>(os), path, text);
  });
  return llvm::handleErrors(std::move(error),
                            [&](const llvm::ECError &code) { return unwritable(path, code.message()); });
}
