//===- Safetensors.cpp - Any bytes as a safetensors file ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file that opens must be consistent: every tensor is inside the file, found by
// its name, and readable, and its header is the same when printed and parsed
// again.
//
//===----------------------------------------------------------------------===//

#include "Require.h"
#include "SafetensorsHeader.h"

#include <string>
#include <sys/mman.h>
#include <unistd.h>

using namespace mla;

/// A file in memory, with a path for opening it again.
static int memoryFile(std::string &path) {
  int file = memfd_create("fuzz.safetensors", MFD_CLOEXEC);
  REQUIRE(file >= 0);
  path = "/proc/self/fd/" + std::to_string(file);
  return file;
}

static void checkTensor(const SafetensorsFile &file, const SafetensorsTensor &tensor) {
  REQUIRE(file.find(tensor.name) == &tensor);
  std::optional<uint64_t> bytes = tensorBytes(tensor.dtype, tensor.shape);
  REQUIRE(bytes && (tensor.dtype == DType::Other || *bytes == tensor.bytes));
  std::string copy(tensor.bytes, '\0');
  REQUIRE(tensor.read(0, copy.data(), tensor.bytes));
  REQUIRE(!tensor.read(1, copy.data(), tensor.bytes));
  REQUIRE(!tensor.read(UINT64_MAX, copy.data(), 1));
  (void)tensor.isAligned();
}

/// The tensors' data cover the file, so that the header can be printed from them.
static void checkPrinted(const SafetensorsFile &file) {
  std::vector<SafetensorsSpec> specs;
  uint64_t dataBytes = 0;
  for (const SafetensorsTensor &tensor : file.tensors()) {
    specs.push_back({tensor.name, tensor.dtype, tensor.shape});
    dataBytes += tensor.bytes;
    if (tensor.dtype == DType::Other) // whose name in the file is not printed
      return;
  }
  std::string text = printSafetensorsHeader(specs, file.metadata());
  // The start of the data; the first tensor begins there.
  const char *data = specs.empty() ? nullptr : static_cast<const char *>(file.tensors().front().data);
  Result<SafetensorsHeader> again = parseSafetensorsHeader("again", text, data, dataBytes);
  REQUIRE(again && again->metadata == file.metadata() && again->tensors.size() == specs.size());
  for (size_t i = 0; i < specs.size(); ++i)
    REQUIRE(again->tensors[i].name == specs[i].name && again->tensors[i].dtype == specs[i].dtype &&
            again->tensors[i].shape == specs[i].shape);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static std::string path;
  static const int descriptor = memoryFile(path);
  REQUIRE(ftruncate(descriptor, static_cast<off_t>(size)) == 0);
  REQUIRE(pwrite(descriptor, data, size, 0) == static_cast<ssize_t>(size));
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file) {
    REQUIRE(file.error().message().find("; ") != std::string::npos);
    return 0;
  }
  for (const SafetensorsTensor &tensor : file->tensors())
    checkTensor(*file, tensor);
  checkPrinted(*file);
  inputAccepted = true;
  return 0;
}
