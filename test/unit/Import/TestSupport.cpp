//===- TestSupport.cpp - What the tests of Import share -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace mla;
using namespace mla::importer;
using namespace mla::importer::test;
using llvm::StringRef;

std::string test::modelPath(StringRef name) { return (llvm::Twine(MLA_TEST_MODELS_DIR "/") + name).str(); }

std::vector<std::string> test::goldenNames() {
  return {"golden/glm_moe_dsa.safetensors", "golden/longcat_flash.safetensors",  "golden/glm4_moe_lite.safetensors",
          "golden/minicpm3.safetensors",    "golden/mistral4.safetensors",       "golden/v2_qlora.safetensors",
          "golden/v2_yarn.safetensors",     "golden/v2lite_noqlora.safetensors", "golden/v3_fp8.safetensors",
          "golden/v3_plain.safetensors",    "golden/v3_yarn.safetensors",        "golden/v3_bf16_sharded"};
}

std::string test::readFile(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  EXPECT_TRUE(bool(buffer)) << path.str();
  return buffer ? (*buffer)->getBuffer().str() : "";
}

void test::writeFile(StringRef path, StringRef text) {
  std::error_code code;
  llvm::raw_fd_ostream stream(path, code);
  stream << text;
  ASSERT_FALSE(code) << path.str();
}

TemporaryDirectory::TemporaryDirectory() {
  llvm::SmallString<128> name;
  EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("mla-import-tests", name));
  path = name.str().str();
}

TemporaryDirectory::~TemporaryDirectory() { llvm::sys::fs::remove_directories(path); }

void test::writeSafetensors(StringRef path, const std::vector<TestTensor> &tensors,
                            const SafetensorsMetadata &metadata) {
  std::vector<SafetensorsSpec> specs;
  for (const TestTensor &tensor : tensors)
    specs.push_back({tensor.name, tensor.dtype, tensor.shape});
  Result<SafetensorsWriter> writer = SafetensorsWriter::create(path.str(), specs, metadata);
  ASSERT_TRUE(bool(writer)) << writer.error().message();
  for (const TestTensor &tensor : tensors) {
    uint64_t size = dtypeSize(tensor.dtype);
    for (int64_t dimension : tensor.shape)
      size *= dimension;
    std::vector<uint8_t> bytes = tensor.bytes;
    bytes.resize(size);
    mla::Error error = writer->write(tensor.name, 0, bytes.data(), size);
    ASSERT_FALSE(error) << error.message();
  }
  mla::Error error = writer->finish();
  ASSERT_FALSE(error) << error.message();
}

std::vector<TestTensor> test::readSafetensors(StringRef path) {
  Result<SafetensorsFile> file = SafetensorsFile::open(path.str());
  EXPECT_TRUE(bool(file)) << path.str();
  std::vector<TestTensor> result;
  if (!file)
    return result;
  for (const SafetensorsTensor &tensor : file->tensors()) {
    const uint8_t *data = static_cast<const uint8_t *>(tensor.data);
    result.push_back({tensor.name, tensor.dtype, tensor.shape, {data, data + tensor.bytes}});
  }
  return result;
}

AttentionConfig test::configOf(StringRef name) {
  std::string path = modelPath(name), json;
  if (name.ends_with(".json")) {
    json = readFile(path);
  } else {
    auto checkpoint = openCheckpoint(path);
    EXPECT_TRUE(bool(checkpoint)) << llvm::toString(checkpoint.takeError());
    json = (*checkpoint)->configJson().value_or("");
  }
  llvm::Expected<AttentionConfig> config = parseConfig(json, path);
  if (config)
    return *config;
  ADD_FAILURE() << llvm::toString(config.takeError());
  return {};
}

double test::relativeError(llvm::ArrayRef<float> actual, llvm::ArrayRef<double> expected) {
  const double infinity = std::numeric_limits<double>::infinity();
  if (actual.size() != expected.size())
    return infinity;
  double worst = 0.0;
  for (size_t i = 0; i < actual.size(); ++i) {
    double error = std::abs(actual[i] - expected[i]) / std::abs(expected[i]);
    // Compare such that a NaN fails.
    if (!(error <= worst))
      worst = std::isnan(error) ? infinity : error;
  }
  return worst;
}
