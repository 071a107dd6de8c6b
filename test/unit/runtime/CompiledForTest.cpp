//===- CompiledForTest.cpp - Manifests that disagree with the code --------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "mla/safetensors.h"

#include <filesystem>

static std::string manifest() {
  return replaced(smallManifest(), R"("q": "naive", "o": "naive")", R"("q": "fold", "o": "absorb")");
}

static void write(const std::string &directory, const std::string &manifest) {
  writeBundle(directory, manifest, {}, MLA_DESCRIBED_TEST_CODE);
}

TEST(CompiledFor, TakesWhatAgrees) {
  TempDir directory;
  write(directory.path, manifest());
  EXPECT_EQ(openStatus(directory.path), MLA_OK) << mla_last_error();
}

TEST(CompiledFor, TakesEntriesLeftOutAndOtherContexts) {
  TempDir directory;
  std::string entry = manifest();
  size_t first = entry.find("{\"symbol\": \"sum_f32\""), second = entry.find("{\"symbol\": \"ones_f32\"");
  entry.erase(first, second - first);
  write(directory.path, replaced(entry, "[9, -1]", "[0, -1]"));
  EXPECT_EQ(openStatus(directory.path), MLA_OK) << mla_last_error();
}

namespace {
class CompiledForManifest : public ::testing::TestWithParam<BadManifest> {};

const BadManifest disagreeing[] = {
    {"page", "\"page\": 4", "\"page\": 8", "field 'page' is 8, but code.so was compiled for 4"},
    {"dtype", "\"dtype\": \"f32\", \"page\"", "\"dtype\": \"bf16\", \"page\"",
     "field 'dtype' is 'bf16', but code.so was compiled for 'f32'"},
    {"cacheDType", "\"dtype\": \"f32\"}", "\"dtype\": \"bf16\"}",
     "field 'cache.dtype' is 'bf16', but code.so was compiled for 'f32'"},
    {"hiddenSize", "\"hidden_size\": 3", "\"hidden_size\": 4",
     "field 'model.hidden_size' is 4, but code.so was compiled for 3"},
    {"heads", "\"num_attention_heads\": 8, \"heads\": 8", "\"num_attention_heads\": 4, \"heads\": 4",
     "field 'model.num_attention_heads' is 4, but code.so was compiled for 8"},
    {"epsilon", "1e-06", "1e-05", "field 'model.rms_norm_eps' is 1.0000000000000001e-05, but code.so was compiled for"},
    {"theta", "10000", "10000.5", "field 'model.rope_theta' is 10000.5, but code.so was compiled for 10000"},
    {"fewerWeights", "\"context\": [0, 8], \"weights\": [\"w\"]", "\"context\": [0, 8], \"weights\": []",
     "field 'entries[0].weights' has 0 items, but code.so was compiled for 1"},
    {"moreWeights", "\"weights\": []", "\"weights\": [\"w\"]",
     "field 'entries[1].weights' has 1 items, but code.so was compiled for 0"},
    {"form", "\"o\": \"absorb\"", "\"o\": \"fold\"",
     "field 'entries[0].o' is 'fold', but code.so was compiled for 'absorb'"},
    {"entry", "\"sum_f32\"", "\"deep_f32\"", "field 'entries[0].symbol' is 'deep_f32', but code.so has no such entry"},
};
} // namespace

TEST_P(CompiledForManifest, RejectsWhatDisagrees) {
  TempDir directory;
  write(directory.path, replaced(manifest(), GetParam().from, GetParam().to));
  EXPECT_EQ(openStatus(directory.path), GetParam().status);
  EXPECT_MESSAGE(directory / "manifest.json: " + GetParam().says);
  EXPECT_MESSAGE("; compile the bundle again");
}

INSTANTIATE_TEST_SUITE_P(Manifests, CompiledForManifest, ::testing::ValuesIn(disagreeing), byName);

/// The bundle with other weights, of this type.
static void writeWith(const std::string &directory, mla::DType dtype, const std::vector<int64_t> &shape) {
  write(directory, manifest());
  std::string path = directory + "/weights.safetensors", before = std::to_string(std::filesystem::file_size(path));
  auto writer = mla::SafetensorsWriter::create(path, {{"layers.3.w", dtype, shape}, {"layers.5.w", dtype, shape}});
  ASSERT_TRUE(writer) << writer.error().message();
  std::string zeros(16, 0);
  size_t bytes = mla::dtypeSize(dtype);
  for (int64_t size : shape)
    bytes *= size;
  for (const char *name : {"layers.3.w", "layers.5.w"})
    ASSERT_FALSE(writer->write(name, 0, zeros.data(), bytes));
  ASSERT_FALSE(writer->finish());
  std::string after = std::to_string(std::filesystem::file_size(path)), text = readFile(directory + "/manifest.json");
  writeFile(directory + "/manifest.json", replaced(text, "safetensors\": " + before, "safetensors\": " + after));
}

TEST(CompiledFor, RejectsWeightsOfAnotherType) {
  TempDir directory;
  writeWith(directory.path, mla::DType::F32, {2});
  EXPECT_EQ(openStatus(directory.path), MLA_INVALID_FILE);
  EXPECT_MESSAGE(
      "weights.safetensors: tensor 'layers.3.w' is F32 [2], but code.so was compiled for F32 [1]; compile the "
      "bundle again");
  writeWith(directory.path, mla::DType::F32, {1, 1});
  EXPECT_EQ(openStatus(directory.path), MLA_INVALID_FILE);
  EXPECT_MESSAGE("is F32 [1, 1], but");
}
