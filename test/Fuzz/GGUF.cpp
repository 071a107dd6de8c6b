//===- GGUF.cpp - Any bytes as a GGUF file --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every row of an accepted file must be inside it and decode; its config, if it
// has one, must be a config or an error.
//
//===----------------------------------------------------------------------===//

#include "Formats/GGUF/GGUFConfig.h"
#include "Require.h"

#include "mla/Import/Config.h"

using namespace mla;
using namespace mla::importer;

static void checkTensor(const GGUFTensor &tensor, llvm::StringRef bytes) {
  if (!tensor.type)
    return;
  int64_t rowBytes = tensor.columns() / tensor.type->blockElements * tensor.type->blockBytes;
  REQUIRE(tensor.data >= bytes.begin() && tensor.data + tensor.rows() * rowBytes <= bytes.end());
  std::vector<float> row(tensor.columns());
  tensor.decodeRow(tensor.rows() - 1, row.data());
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  llvm::Expected<GGUFFile> file = GGUFFile::parse(bytes, "a.gguf");
  if (!file) {
    REQUIRE(llvm::StringRef(llvm::toString(file.takeError())).starts_with("a.gguf: "));
    return 0;
  }
  inputAccepted = true;
  for (const GGUFTensor &tensor : file->tensors())
    checkTensor(tensor, bytes);
  llvm::Expected<std::string> text = configOfGGUF(*file);
  if (!text) {
    REQUIRE(llvm::StringRef(llvm::toString(text.takeError())).starts_with("a.gguf: "));
    return 0;
  }
  llvm::Expected<AttentionConfig> config = parseConfig(*text, "a.gguf");
  if (!config)
    llvm::consumeError(config.takeError());
  return 0;
}
