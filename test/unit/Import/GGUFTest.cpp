//===- GGUFTest.cpp - GGUF files, right and damaged -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// test/Models/golden-gguf.test compares whole layers, in every type of element.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "mla/Import/LayerWeights.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>

using namespace mla;
using namespace mla::importer;
using namespace mla::importer::test;

namespace {
/// The bytes of a GGUF file.
struct Bytes : std::string {
  template <typename T> Bytes &add(T number) {
    append(reinterpret_cast<const char *>(&number), sizeof(number));
    return *this;
  }
  Bytes &text(llvm::StringRef value) {
    add<uint64_t>(value.size());
    append(value.data(), value.size());
    return *this;
  }
};

struct File {
  Bytes metadata, tensors, data;
  uint64_t entries = 0, count = 0;
  uint32_t version = 3;

  File &size(llvm::StringRef key, uint32_t value) {
    metadata.text(key).add<uint32_t>(4).add(value);
    return ++entries, *this;
  }
  File &number(llvm::StringRef key, float value) {
    metadata.text(key).add<uint32_t>(6).add(value);
    return ++entries, *this;
  }
  File &word(llvm::StringRef key, llvm::StringRef value) {
    metadata.text(key).add<uint32_t>(8).text(value);
    return ++entries, *this;
  }
  /// Sizes in the file's order, the contiguous one first.
  File &tensor(llvm::StringRef name, std::vector<uint64_t> sizes, uint32_t type, const std::string &bytes) {
    data.resize(llvm::alignTo(data.size(), 32));
    tensors.text(name).add<uint32_t>(sizes.size());
    for (uint64_t size : sizes)
      tensors.add(size);
    tensors.add(type).add<uint64_t>(data.size());
    data += bytes;
    return ++count, *this;
  }
  std::string bytes() const {
    Bytes all;
    all += "GGUF";
    all.add(version).add(count).add(entries);
    all += metadata;
    all += tensors;
    all.resize(llvm::alignTo(all.size(), 32));
    return all + data;
  }
};
} // namespace

/// A layer of two heads of width 32, with a split kv_b_proj.
static File smallFile() {
  File file;
  file.word("general.architecture", "deepseek2")
      .size("deepseek2.block_count", 1)
      .size("deepseek2.embedding_length", 64);
  file.size("deepseek2.attention.head_count", 2).size("deepseek2.attention.kv_lora_rank", 32);
  file.size("deepseek2.attention.key_length", 48).size("deepseek2.attention.value_length", 32);
  file.size("deepseek2.attention.key_length_mla", 48).size("deepseek2.attention.value_length_mla", 32);
  file.size("deepseek2.rope.dimension_count", 16).number("deepseek2.rope.freq_base", 10000.0f);
  file.number("deepseek2.attention.layer_norm_rms_epsilon", 1e-6f);
  file.tensor("blk.0.attn_q.weight", {64, 96}, 0, std::string(96 * 64 * 4, '\0'));
  file.tensor("blk.0.attn_kv_a_mqa.weight", {64, 48}, 8, std::string(48 * 2 * 34, '\1'));
  file.tensor("blk.0.attn_kv_a_norm.weight", {32}, 0, std::string(32 * 4, '\0'));
  file.tensor("blk.0.attn_k_b.weight", {32, 32, 2}, 8, std::string(64 * 34, '\2'));
  file.tensor("blk.0.attn_v_b.weight", {32, 32, 2}, 30, std::string(64 * 32 * 2, '\0'));
  return file.tensor("blk.0.attn_output.weight", {64, 64}, 1, std::string(64 * 64 * 2, '\0'));
}

/// Opens the bytes as a file and reads every tensor. Returns the first error, or "".
static std::string readAll(const std::string &bytes) {
  static TemporaryDirectory directory;
  std::string path = directory.file("a.gguf");
  writeFile(path, bytes);
  auto checkpoint = openCheckpoint(path);
  if (!checkpoint)
    return llvm::toString(checkpoint.takeError());
  std::string first;
  (*checkpoint)->forEachName([&](llvm::StringRef name) {
    auto tensor = (*checkpoint)->read(name);
    if (std::string error = messageOf(std::move(tensor)); first.empty())
      first = error;
  });
  if (auto config = parseConfig(*(*checkpoint)->configJson(), "config"); !config)
    return llvm::toString(config.takeError());
  return first;
}

static void expectError(const File &file, llvm::StringRef text) {
  std::string error = readAll(file.bytes());
  EXPECT_NE(error.find(text), std::string::npos) << error;
}

TEST(GGUFTest, ConfigAndNames) {
  TemporaryDirectory directory;
  writeFile(directory.file("a.gguf"), smallFile().bytes());
  for (const std::string &path : {directory.file("a.gguf"), directory.path}) {
    auto checkpoint = cantFail(openCheckpoint(path));
    AttentionConfig config = cantFail(parseConfig(*checkpoint->configJson(), "a.gguf"));
    EXPECT_EQ(config.modelType, "deepseek_v2");
    EXPECT_EQ(config.nopeDim, 32);
    EXPECT_EQ(config.vDim, 32);
    EXPECT_EQ(config.qLoraRank, 0);
    EXPECT_EQ(config.configRmsNormEps, 1e-6);
    EXPECT_EQ(messageOf(findLayerWeights(*checkpoint, config, 0)), "");
    EXPECT_EQ(checkpoint->formOf("model.layers.0.self_attn.kv_b_proj.weight"), "Q8_0/bf16");
    EXPECT_TRUE(checkpoint->hasOnlyAttentions());
  }
}

TEST(GGUFTest, YaRN) {
  File file = smallFile();
  file.word("deepseek2.rope.scaling.type", "yarn").number("deepseek2.rope.scaling.factor", 40.0f);
  file.size("deepseek2.rope.scaling.original_context_length", 4096);
  file.number("deepseek2.rope.scaling.yarn_log_multiplier", 0.0707f).size("deepseek2.context_length", 163840);
  TemporaryDirectory directory;
  writeFile(directory.file("a.gguf"), file.bytes());
  auto checkpoint = cantFail(openCheckpoint(directory.file("a.gguf")));
  AttentionConfig config = cantFail(parseConfig(*checkpoint->configJson(), "a.gguf"));
  double mscale = 0.1 * 0.707 * std::log(40.0) + 1;
  EXPECT_NEAR(config.softmaxScale, mscale * mscale / std::sqrt(48.0), 1e-15);
  EXPECT_EQ(config.rope.cosSinScale, 1.0f);
}

TEST(GGUFTest, EveryTruncationIsAnError) {
  const std::string bytes = smallFile().bytes();
  EXPECT_EQ(readAll(bytes), "");
  size_t header = bytes.size() - smallFile().data.size();
  for (size_t size = 4; size < bytes.size(); size += size < header ? 1 : 997)
    EXPECT_NE(readAll(bytes.substr(0, size)), "") << size;
}

TEST(GGUFTest, NoChangedHeaderCrashes) {
  const std::string bytes = smallFile().bytes();
  size_t header = bytes.size() - smallFile().data.size();
  for (size_t at = 4; at < header; ++at)
    for (unsigned char value : {0x00, 0xFF}) {
      std::string changed = bytes;
      changed[at] = value;
      (void)readAll(changed);
    }
}

TEST(GGUFTest, SizesAndCounts) {
  const uint64_t huge = uint64_t(1) << 62;
  File file = smallFile();
  expectError(File(file).tensor("x", {huge, 8}, 0, ""), "tensor x has a size of 8");
  expectError(File(file).tensor("x", {0, 8}, 0, ""), "tensor x has a size of 0");
  expectError(File(file).tensor("x", {huge / 4}, 0, ""), "its data end beyond the file's");
  expectError(File(file).tensor("x", {1, 1, 1, 1, 1}, 0, ""), "tensor x has 5 dimensions");
  expectError(File(file).tensor("x", {33}, 8, ""), "tensor x has 33 columns of Q8_0, whose blocks have 32");
  expectError(File(file).tensor("blk.0.attn_q.weight", {1}, 0, ""), "has the tensor blk.0.attn_q.weight twice");
  expectError(File(file).size("general.alignment", 48), "general.alignment is no power of two");
  expectError(File(file).size("deepseek2.block_count", 1), "has the key deepseek2.block_count twice");
  file.count = huge;
  expectError(file, "more than 1048576");
  file = smallFile();
  file.version = 1 << 24;
  expectError(file, "has version 16777216 of GGUF, of which 2 and 3, little-endian, are read");
  file = smallFile();
  file.metadata.text("x").add<uint32_t>(9).add<uint32_t>(0).add<uint64_t>(huge);
  ++file.entries;
  expectError(file, "ends in its header");
  file = smallFile();
  file.metadata.text("x").add<uint32_t>(13);
  ++file.entries;
  expectError(file, "has a value of the unknown type 13");
}

TEST(GGUFTest, KeysWithoutCounterpart) {
  expectError(File(smallFile()).number("deepseek2.attention.temperature_scale", 0.1f),
              "deepseek2.attention.temperature_scale: 0.1 is not supported; give the original checkpoint");
  expectError(File(smallFile()).number("deepseek2.rope.scaling.attn_factor", 0.0f), "attn_factor: 0 is not supported");
  EXPECT_EQ(readAll(File(smallFile()).number("deepseek2.rope.scaling.attn_factor", 1.0f).bytes()), "");
  expectError(File(smallFile()).word("deepseek2.rope.scaling.type", "linear"), "linear is not supported");
  expectError(File(smallFile()).word("deepseek2.rope.scaling.type", "yarn"),
              "deepseek2.rope.scaling.yarn_log_multiplier: missing");
  File other;
  expectError(other.word("general.architecture", "llama"), "\"llama\", but only deepseek2 is read from GGUF");
  EXPECT_EQ(readAll(File(smallFile()).number("deepseek2.attention.temperature_scale", 0.0f).bytes()), "");
}

TEST(GGUFTest, HalvesOfKvB) {
  File file = smallFile();
  expectError(File(file)
                  .tensor("blk.1.attn_k_b.weight", {32, 31}, 0, std::string(31 * 32 * 4, '\0'))
                  .tensor("blk.1.attn_v_b.weight", {32, 32, 2}, 0, std::string(64 * 32 * 4, '\0')),
              "its 31 rows and the 64 of blk.1.attn_v_b.weight are not those of heads with a latent of 32");
  expectError(File(file)
                  .tensor("blk.1.attn_k_b.weight", {32, 32, 2}, 0, std::string(64 * 32 * 4, '\0'))
                  .tensor("blk.1.attn_v_b.weight", {32, 32, 2}, 11, ""),
              "has a type that is not read (0, 11)");
}

TEST(GGUFTest, TypesThatAreNotRead) {
  File file = smallFile();
  file.tensor("blk.0.ffn_down_exps.weight", {256, 256}, 11, ""); // Q3_K, of nobody's interest
  TemporaryDirectory directory;
  writeFile(directory.file("a.gguf"), file.bytes());
  auto checkpoint = cantFail(openCheckpoint(directory.file("a.gguf")));
  AttentionConfig config = cantFail(parseConfig(*checkpoint->configJson(), "a.gguf"));
  EXPECT_EQ(messageOf(findLayerWeights(*checkpoint, config, 0)), "");
}
