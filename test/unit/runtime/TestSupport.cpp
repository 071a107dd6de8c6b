//===- TestSupport.cpp - What several tests of the runtime need -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "mla/safetensors.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/wait.h>

static std::string makeTempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "mla-test-XXXXXX").string();
  return mkdtemp(pattern.data());
}

TempDir::TempDir() : path(makeTempDir()) {}
TempDir::~TempDir() { std::filesystem::remove_all(path); }

std::string readFile(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream) << path;
  std::stringstream content;
  content << stream.rdbuf();
  return content.str();
}

void writeFile(const std::string &path, const std::string &content) {
  std::ofstream(path, std::ios::binary) << content;
}

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

std::string smallManifest() {
  std::string manifest = R"({"magic": "mla-bundle", "version": 3, "producer": "a test", "target": "cpu", "isa": "ISA",
    "dtype": "f32", "page": 4, "cache": {"format": "standard", "dtype": "f32"}, "tensor_parallel": 1, "rank": 0,
    "model": {"model_type": "deepseek_v3", "hidden_size": 3, "num_attention_heads": 8, "heads": 8, "q_lora_rank": 0,
              "kv_lora_rank": 2, "qk_nope_head_dim": 16, "qk_rope_head_dim": 2, "v_head_dim": 16,
              "rms_norm_eps": 1e-06, "rope_theta": 10000},
    "layers": [3, 5], "plan": "a plan", "entries": [
      {"symbol": "sum_f32", "phase": "decode", "q": "fold", "o": "absorb", "tokens": [0, -1], "context": [0, 8], "weights": ["w"]},
      {"symbol": "ones_f32", "phase": "decode", "q": "fold", "o": "absorb", "tokens": [0, -1], "context": [9, -1], "weights": []},
      {"symbol": "sum_f32", "phase": "prefill", "q": "naive", "o": "naive", "tokens": [0, -1], "context": [0, -1], "weights": ["w"]}],
    "files": {FILES}})";
#if defined(__aarch64__)
  return replaced(manifest, "ISA", "aarch64");
#else
  return replaced(manifest, "ISA", "x86-64-v2");
#endif
}

std::string rankManifest(int64_t count, int64_t rank, const std::string &symbol, int64_t tokens) {
  std::string ranks = "\"ranks\": {\"count\": " + std::to_string(count) + ", \"rank\": " + std::to_string(rank) +
                      ", \"tokens\": " + std::to_string(tokens) + "}, \"plan\":";
  std::string text = replaced(smallManifest(), "\"version\": 3", "\"version\": 5");
  text = replaced(replaced(text, "\"plan\":", ranks), "\"heads\": 8", "\"heads\": " + std::to_string(8 / count));
  for (size_t at; (at = text.find("\"sum_f32")) != text.npos;)
    text.replace(at, 8, "\"" + symbol);
  return replaced(text, "\"context\": [0, 8]", "\"context\": [0, 1000]");
}

static void writeWeights(const std::string &path) {
  auto writer = mla::SafetensorsWriter::create(
      path, {{"layers.3.w", mla::DType::F32, {1}}, {"layers.5.w", mla::DType::F32, {1}}});
  ASSERT_TRUE(writer) << writer.error().message();
  float two = 2, half = 0.5;
  ASSERT_FALSE(writer->write("layers.3.w", 0, &two, 4));
  ASSERT_FALSE(writer->write("layers.5.w", 0, &half, 4));
  ASSERT_FALSE(writer->finish());
}

void writeBundle(const std::string &directory, const std::string &manifest,
                 const std::map<std::string, std::string> &files, const std::string &code) {
  writeWeights(directory + "/weights.safetensors");
  std::vector<std::string> names = {"weights.safetensors"};
  if (files.empty()) {
    writeFile(directory + "/code.so", readFile(code));
    names.insert(names.begin(), "code.so");
  }
  for (const auto &[name, content] : files) {
    writeFile(directory + "/" + name, content);
    names.push_back(name);
  }
  std::string sizes;
  for (const std::string &name : names)
    sizes += (sizes.empty() ? "\"" : ", \"") + name +
             "\": " + std::to_string(std::filesystem::file_size(directory + "/" + name));
  size_t at = manifest.find("FILES");
  writeFile(directory + "/manifest.json", at == std::string::npos ? manifest : replaced(manifest, "FILES", sizes));
}

void writeRanks(const std::string &directory, const std::vector<std::string> &manifests) {
  for (size_t rank = 0; rank < manifests.size(); ++rank) {
    std::string path = directory + "/rank" + std::to_string(rank);
    std::filesystem::create_directory(path);
    writeBundle(path, manifests[rank]);
  }
  writeFile(directory + "/ranks.json",
            "{\"magic\": \"mla-ranks\", \"version\": 1, \"ranks\": " + std::to_string(manifests.size()) + "}\n");
}

std::string safetensorsBytes(const std::string &header, const std::string &data) {
  std::string result;
  for (int i = 0; i < 8; ++i)
    result += static_cast<char>(header.size() >> (8 * i) & 255);
  return result + header + data;
}

mla_status openStatus(const std::string &path) {
  mla_bundle *bundle = nullptr;
  mla_status status = mla_bundle_open(path.c_str(), &bundle);
  EXPECT_EQ(bundle != nullptr, status == MLA_OK);
  mla_bundle_close(bundle);
  return status;
}

void PrintTo(const BadManifest &manifest, std::ostream *stream) { *stream << manifest.name; }

Outcome runTool(const std::string &arguments, const std::string &environment) {
  std::string command = environment + " " MLA_RUN_TOOL " " + arguments + " 2>&1";
  FILE *pipe = popen(command.c_str(), "r");
  Outcome outcome;
  char buffer[4096];
  while (size_t got = fread(buffer, 1, sizeof(buffer), pipe))
    outcome.output.append(buffer, got);
  int status = pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

void RuntimeTest::open(int64_t pages, const std::string &manifest) {
  writeBundle(directory.path, manifest);
  ASSERT_EQ(mla_bundle_open(directory.path.c_str(), &bundle), MLA_OK) << mla_last_error();
  ASSERT_EQ(mla_cache_create(bundle, pages, &cache), MLA_OK) << mla_last_error();
}

void RuntimeTest::TearDown() {
  EXPECT_EQ(mla_cache_destroy(cache), MLA_OK) << mla_last_error();
  mla_bundle_close(bundle);
}

mla_sequence RuntimeTest::newSequence() {
  mla_sequence sequence = 0;
  EXPECT_EQ(mla_sequence_create(cache, &sequence), MLA_OK);
  return sequence;
}

int64_t RuntimeTest::length(mla_sequence sequence) {
  int64_t length = -1;
  EXPECT_EQ(mla_sequence_length(cache, sequence, &length), MLA_OK);
  return length;
}

std::vector<int32_t> RuntimeTest::pages(mla_sequence sequence) {
  int64_t count = 0;
  EXPECT_EQ(mla_sequence_pages(cache, sequence, nullptr, 0, &count), MLA_OK);
  std::vector<int32_t> result(count);
  EXPECT_EQ(mla_sequence_pages(cache, sequence, result.data(), count, &count), MLA_OK);
  return result;
}

mla_batch *RuntimeTest::begin(const std::vector<mla_sequence> &sequences, const std::vector<int32_t> &tokens) {
  mla_batch *batch = nullptr;
  EXPECT_EQ(mla_batch_begin(cache, sequences.data(), tokens.data(), static_cast<int64_t>(sequences.size()), &batch),
            MLA_OK)
      << mla_last_error();
  return batch;
}

std::vector<float> RuntimeTest::append(mla_sequence sequence, const std::vector<float> &values, int64_t layer) {
  mla_batch *batch = begin({sequence}, {static_cast<int32_t>(values.size())});
  std::vector<float> hidden(3 * values.size()), out(hidden.size()), result;
  for (size_t i = 0; i < values.size(); ++i)
    hidden[3 * i] = values[i];
  EXPECT_EQ(mla_run_layer(bundle, layer, batch, MLA_PHASE_PREFILL, hidden.data(), out.data()), MLA_OK)
      << mla_last_error();
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
  for (size_t i = 0; i < values.size(); ++i)
    result.push_back(out[3 * i]);
  return result;
}

int main(int argc, char **argv) {
  // More threads than most CI machines have, so that the team has several threads. The environment takes
  // precedence.
  setenv("MLA_NUM_THREADS", "4", 1);
  // Never use the machine's GPU: these tests inspect the driver.
  setenv("MLA_LIBCUDA", MLA_TEST_LIBCUDA, 1);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
