//===- Request.cpp - Inputs of a compilation ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Request.h"
#include "mla/Target/CPU/Level.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

#include <set>

using namespace mla;
namespace fs = llvm::sys::fs;

/// Return one line with a file's name, size and time.
static std::string identify(llvm::StringRef path) {
  llvm::SmallString<256> absolute(path);
  (void)fs::make_absolute(absolute);
  fs::file_status status;
  if (fs::status(absolute, status))
    return (absolute + "\n").str();
  return llvm::formatv("{0} {1} {2}\n", absolute, status.getSize(),
                       status.getLastModificationTime().time_since_epoch().count());
}

static std::string identifyFiles(llvm::StringRef directory, llvm::function_ref<bool(llvm::StringRef)> counts) {
  std::set<std::string> files;
  std::error_code code;
  for (fs::directory_iterator it(directory, code), end; it != end && !code; it.increment(code))
    if (counts(it->path()))
      files.insert(identify(it->path()));
  return llvm::join(files, "");
}

std::string mla::identifyFiles(llvm::StringRef directory) {
  return ::identifyFiles(directory, [](llvm::StringRef) { return true; });
}

/// Return lines for the files of a checkpoint's directory.
static std::string identifyDirectory(llvm::StringRef path) {
  return ::identifyFiles(path, [](llvm::StringRef file) {
    llvm::StringRef extension = llvm::sys::path::extension(file);
    return extension == ".safetensors" || extension == ".json";
  });
}

static std::string identifyWeights(llvm::StringRef path) {
  if (path.empty())
    return "made weights\n";
  return fs::is_directory(path) ? identifyDirectory(path) : identify(path);
}

static std::string identifyAdapters(const CompileOptions &options) {
  std::string text;
  for (const std::string &adapter : options.adapters)
    text += "adapter\n" + identifyDirectory(adapter);
  return text;
}

std::string mla::describeRequest(mlir::ModuleOp module, const CompileOptions &options) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  std::string hash = llvm::toHex(llvm::SHA256::hash(llvm::arrayRefFromStringRef(text)), /*LowerCase=*/true);
  std::string compiler = fs::getMainExecutable(nullptr, reinterpret_cast<void *>(&describeRequest));
  return identify(compiler) + levelOf(options).isa.str() + "\nmodule " + hash + "\n" +
         identifyWeights(options.weights) + (options.leavesWeightsOut ? "no weights\n" : "") +
         identifyAdapters(options) + (options.base.empty() ? "" : "base\n" + identifyDirectory(options.base));
}
