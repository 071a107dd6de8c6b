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

#include <dlfcn.h>

LLD_HAS_DRIVER(elf)

/// The runtime that this process itself runs on: code that is linked against
/// it finds the same one by its SONAME, wherever it lies.
static llvm::StringRef runtimePath() {
  Dl_info info;
  return dladdr(reinterpret_cast<void *>(&mla_parallel_for), &info) ? info.dli_fname : "";
}

/// What is exported, as the linker reads it.
static llvm::Expected<llvm::SmallString<128>> writeVersionScript() {
  int descriptor;
  llvm::SmallString<128> path;
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("mla", "map", descriptor, path))
    return llvm::createFileError("temporary version script", code);
  llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream << "{ global: mla_entry_*; local: *; };\n";
  return path;
}

llvm::Error mla::linkShared(llvm::StringRef object, llvm::StringRef output) {
  llvm::Expected<llvm::SmallString<128>> script = writeVersionScript();
  if (!script)
    return script.takeError();
  llvm::FileRemover remover(*script);
  std::string objectPath = object.str(), outputPath = output.str(), runtime = runtimePath().str();
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
