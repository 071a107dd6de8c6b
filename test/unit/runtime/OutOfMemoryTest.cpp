//===- OutOfMemoryTest.cpp - A status where there is no memory ------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "mla/safetensors.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MLA_TEST_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MLA_TEST_SANITIZED
#endif
#endif

static rlim_t addressSpace() {
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

/// Returns the result of action() in a child that may map that many more bytes; -1 if a signal ends it.
static int withLimit(uint64_t bytes, const std::function<int()> &action) {
  pid_t child = fork();
  if (child == 0) {
    // Small allocations use memory that the process already has: only memory from the system counts here.
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    free(malloc(8 << 20));
    rlimit limit = {addressSpace() + bytes, RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
      _exit(99);
    _exit(action());
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

namespace {
class OutOfMemory : public RuntimeTest {
protected:
  void SetUp() override {
#ifdef MLA_TEST_SANITIZED
    GTEST_SKIP() << "sanitizers map more than any limit";
#endif
  }
  int openWithLimit(uint64_t bytes) {
    return withLimit(bytes, [&] {
      mla_bundle *opened = nullptr;
      return mla_bundle_open(directory.path.c_str(), &opened);
    });
  }
};
constexpr uint64_t mebi = 1 << 20;
} // namespace

TEST_F(OutOfMemory, ATextTooLarge) {
  writeBundle(directory.path, replaced(smallManifest(), "a plan", std::string(40 * mebi, 'x')));
  EXPECT_EQ(openWithLimit(10 * mebi), MLA_OUT_OF_MEMORY);
  EXPECT_EQ(openWithLimit(100 * mebi), MLA_OUT_OF_MEMORY);
  EXPECT_EQ(openWithLimit(1024 * mebi), MLA_OK);
}

TEST_F(OutOfMemory, ATreeTooLarge) {
  std::string zeros = "0";
  for (int i = 0; i < 1000000; ++i)
    zeros += ",0";
  writeBundle(directory.path, replaced(smallManifest(), "\"plan\"", "\"zeros\": [" + zeros + "], \"plan\""));
  EXPECT_EQ(openWithLimit(50 * mebi), MLA_OUT_OF_MEMORY);
  EXPECT_EQ(openWithLimit(1024 * mebi), MLA_OK);
}

TEST_F(OutOfMemory, AHeaderOfWeightsTooLarge) {
  writeBundle(directory.path);
  std::string before = std::to_string(std::filesystem::file_size(directory / "weights.safetensors")), header = "{";
  for (int i = 0; i < 200000; ++i)
    header += "\"unused" + std::to_string(i) + R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)";
  header += R"("layers.3.w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
            R"("layers.5.w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";
  while (header.size() % 4)
    header += ' ';
  std::string weights = safetensorsBytes(header, std::string(8, '\0'));
  writeFile(directory / "weights.safetensors", weights);
  writeFile(directory / "manifest.json", replaced(readFile(directory / "manifest.json"), "safetensors\": " + before,
                                                  "safetensors\": " + std::to_string(weights.size())));
  EXPECT_EQ(openWithLimit(100 * mebi), MLA_OUT_OF_MEMORY);
  EXPECT_EQ(openWithLimit(2048 * mebi), MLA_OK);
}

/// Opens a file with a header of the format's limit, of `piece(i)` again and again between `begin` and `end`. The most
/// memory that this took, in MiB.
static uint64_t costOfHeader(const std::string &path, const std::string &begin,
                             const std::function<std::string(int)> &piece, const std::string &end) {
  std::string header = begin;
  header.reserve(100000000);
  for (int i = 0; header.size() < 99999900; ++i)
    header += piece(i);
  while (header.back() == ',')
    header.pop_back();
  writeFile(path, safetensorsBytes(header + end, ""));
  header = std::string();
  pid_t child = fork();
  if (child == 0)
    _exit(mla::SafetensorsFile::open(path) ? 0 : 1);
  int status = 0;
  rusage usage = {};
  EXPECT_EQ(wait4(child, &status, 0, &usage), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
  return usage.ru_maxrss / 1024;
}

TEST_F(OutOfMemory, HostileHeadersCostLittle) {
  malloc_trim(0);
  std::string path = directory / "hostile.safetensors";
  // With the header itself, which is mapped.
  constexpr uint64_t most = 600;
  auto name = [](int i) {
    std::string text;
    for (; i; i /= 64)
      text += static_cast<char>('0' + i % 64 + (i % 64 >= 44)); // no backslash
    return text;
  };
  auto tensor = [&](int i) { return "\"" + name(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"; };
  EXPECT_LT(costOfHeader(path, "{", tensor, "}"), most);
  EXPECT_LT(costOfHeader(path, "{", [&](int i) { return "\"" + name(i) + "\":0,"; }, "}"), most);
  EXPECT_LT(costOfHeader(path, R"({"a":{"shape":[0)", [](int) { return ",0"; }, "]}}"), most);
  EXPECT_LT(costOfHeader(path, R"({"a":[)", [](int) { return "[],"; }, "]}"), most);
  auto item = [&](int i) { return "\"" + name(i) + "\":\"\","; };
  EXPECT_LT(costOfHeader(path, R"({"__metadata__":{)", item, "}}"), most);
  EXPECT_LT(costOfHeader(path, R"({"__metadata__":{)", item, "}"), most);
  EXPECT_LT(costOfHeader(path, R"({")", [](int) { return "name"; }, R"(":{"dtype":"U8"}})"), most);
}

TEST_F(OutOfMemory, ListsOfWeightsTooLarge) {
  // A manifest of few bytes: many layers, each with a list for each of many entries.
  std::string layers = "3, 5";
  std::vector<mla::SafetensorsSpec> specs = {{"layers.3.w", mla::DType::F32, {1}},
                                             {"layers.5.w", mla::DType::F32, {1}}};
  for (int i = 6; i < 10000; ++i) {
    layers += ", " + std::to_string(i);
    specs.push_back({"layers." + std::to_string(i) + ".w", mla::DType::F32, {1}});
  }
  std::string entry = R"({"symbol": "sum_f32", "phase": "decode", "q": "fold", "o": "absorb", "tokens": [0, -1],
                          "context": [0, 8], "weights": ["w"]},)";
  std::string entries = "\"entries\": [";
  for (int i = 0; i < 45; ++i)
    entries += entry;
  writeBundle(directory.path,
              replaced(replaced(smallManifest(), "[3, 5]", "[" + layers + "]"), "\"entries\": [", entries));
  std::string before = std::to_string(std::filesystem::file_size(directory / "weights.safetensors"));
  auto writer = mla::SafetensorsWriter::create(directory / "weights.safetensors", specs);
  ASSERT_TRUE(writer) << writer.error().message();
  float one = 1;
  for (const mla::SafetensorsSpec &spec : specs)
    ASSERT_FALSE(writer->write(spec.name, 0, &one, 4));
  ASSERT_FALSE(writer->finish());
  std::string size = std::to_string(std::filesystem::file_size(directory / "weights.safetensors"));
  writeFile(directory / "manifest.json",
            replaced(readFile(directory / "manifest.json"), "safetensors\": " + before, "safetensors\": " + size));
  EXPECT_EQ(openWithLimit(45 * mebi), MLA_OUT_OF_MEMORY);
  EXPECT_EQ(openWithLimit(2048 * mebi), MLA_OK);
}

TEST_F(OutOfMemory, WeightsTooLargeToMap) {
  writeBundle(directory.path);
  std::string before = std::to_string(std::filesystem::file_size(directory / "weights.safetensors"));
  std::string header = R"({"layers.3.w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                       R"("layers.5.w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
                       R"("unused":{"dtype":"U8","shape":[1073741824],"data_offsets":[8,1073741832]}})";
  while (header.size() % 8)
    header += ' ';
  writeFile(directory / "weights.safetensors", safetensorsBytes(header, ""));
  uint64_t size = 8 + header.size() + 1073741832;
  std::filesystem::resize_file(directory / "weights.safetensors", size); // a hole
  writeFile(directory / "manifest.json", replaced(readFile(directory / "manifest.json"), "safetensors\": " + before,
                                                  "safetensors\": " + std::to_string(size)));
  EXPECT_EQ(openWithLimit(256 * mebi), MLA_OUT_OF_MEMORY);
  EXPECT_EQ(openWithLimit(2048 * mebi), MLA_OK);
}

TEST_F(OutOfMemory, CodeTooLargeToLoad) {
  writeBundle(directory.path, smallManifest(), {}, MLA_SECOND_TEST_CODE);
  EXPECT_EQ(openWithLimit(4 * mebi), MLA_OUT_OF_MEMORY);
  EXPECT_EQ(openWithLimit(64 * mebi), MLA_OK);
}

TEST_F(OutOfMemory, AtEveryStepOfOpening) {
  writeBundle(directory.path);
  bool failed = false, opened = false;
  for (uint64_t bytes = 0; bytes < 4 * mebi; bytes += 16 << 10) {
    int status = openWithLimit(bytes);
    EXPECT_TRUE(status == MLA_OK || status == MLA_OUT_OF_MEMORY) << status << " with " << bytes;
    (status == MLA_OK ? opened : failed) = true;
  }
  EXPECT_TRUE(failed && opened);
}

TEST_F(OutOfMemory, ABatchTooWide) {
  open(200000);
  // A row of the block table is as wide as the longest sequence: 2000 of 100000 pages are 800 MB.
  std::vector<mla_sequence> sequences;
  std::vector<int32_t> tokens(2000, 1);
  tokens[0] = 400000;
  for (size_t i = 0; i < tokens.size(); ++i)
    sequences.push_back(newSequence());
  EXPECT_EQ(withLimit(100 * mebi,
                      [&] {
                        mla_batch *batch = nullptr;
                        mla_status status = mla_batch_begin(cache, sequences.data(), tokens.data(), 2000, &batch);
                        // Nothing has changed, and a smaller request succeeds.
                        int64_t length = -1;
                        bool good = freePages() == 200000 && !batch;
                        good &= mla_sequence_length(cache, sequences[0], &length) == MLA_OK && length == 0;
                        good &= mla_batch_begin(cache, sequences.data(), tokens.data(), 1, &batch) == MLA_OK;
                        good &= mla_batch_commit(batch) == MLA_OK && freePages() == 100000;
                        return good ? status : 98;
                      }),
            MLA_OUT_OF_MEMORY);
}

/// 8 MiB per token.
static std::string largeManifest() { return replaced(smallManifest(), "\"ones_f32\"", "\"large_f32\""); }

TEST_F(OutOfMemory, WhatALayerComputesOnItsWay) {
  open(16, largeManifest());
  mla_sequence s = newSequence();
  append(s, std::vector<float>(9, 1));
  float in[24] = {}, out[24];
  mla_batch *batch = begin({s}, {8});
  auto run = [&] { return mla_run_layer(bundle, 3, batch, MLA_PHASE_DECODE, in, out); };
  bool failed = false, succeeded = false;
  for (uint64_t bytes : {0, 4, 20, 40, 63, 200}) {
    int status = withLimit(bytes * mebi, run);
    EXPECT_TRUE(status == MLA_OK || status == MLA_OUT_OF_MEMORY) << status << " with " << bytes << " MiB";
    (status == MLA_OK ? succeeded : failed) = true;
  }
  EXPECT_TRUE(failed && succeeded);
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(OutOfMemory, ABatchGoesOnAfterALayerFoundNone) {
  open(16, largeManifest());
  mla_sequence s = newSequence();
  append(s, std::vector<float>(9, 1));
  float in[24] = {}, out[24];
  mla_batch *batch = begin({s}, {8});
  EXPECT_EQ(withLimit(30 * mebi,
                      [&] {
                        bool good = mla_run_layer(bundle, 3, batch, MLA_PHASE_DECODE, in, out) == MLA_OUT_OF_MEMORY;
                        good &= std::string(mla_last_error()).find("no memory for what the layer computes") !=
                                std::string::npos;
                        // The memory is free again.
                        void *memory = mmap(nullptr, 20 * mebi, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                        good &= memory != MAP_FAILED;
                        rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
                        good &= setrlimit(RLIMIT_AS, &none) == 0;
                        good &= mla_run_layer(bundle, 3, batch, MLA_PHASE_DECODE, in, out) == MLA_OK && out[23] == 1;
                        return good && mla_batch_commit(batch) == MLA_OK ? 0 : 1;
                      }),
            0);
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(OutOfMemory, StepsUseTheSameMemoryAgain) {
  open(16, largeManifest());
  mla_sequence s = newSequence();
  append(s, std::vector<float>(9, 1));
  float in[24] = {}, out[24];
  mla_batch *batch = begin({s}, {8});
  auto run = [&] { return mla_run_layer(bundle, 3, batch, MLA_PHASE_DECODE, in, out); };
  ASSERT_EQ(run(), MLA_OK);
  ASSERT_EQ(run(), MLA_OK);
  EXPECT_EQ(withLimit(0, run), MLA_OK);
  rlim_t before = addressSpace();
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(run(), MLA_OK);
  EXPECT_EQ(addressSpace(), before);
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(OutOfMemory, ALayerThatAsksForMoreThanThereCanBe) {
  open(16, replaced(smallManifest(), "\"ones_f32\"", "\"huge_f32\""));
  mla_sequence s = newSequence();
  append(s, std::vector<float>(9, 1));
  float in[3] = {}, out[3];
  mla_batch *batch = begin({s}, {1});
  EXPECT_EQ(mla_run_layer(bundle, 3, batch, MLA_PHASE_DECODE, in, out), MLA_OUT_OF_MEMORY);
  EXPECT_MESSAGE("code.so: the system gives no memory for what the layer computes on its way");
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(OutOfMemory, ACacheTooLarge) {
  open(1);
  EXPECT_EQ(withLimit(100 * mebi,
                      [&] {
                        mla_cache *other = nullptr;
                        return mla_cache_create(bundle, 10000000, &other);
                      }),
            MLA_OUT_OF_MEMORY);
}
