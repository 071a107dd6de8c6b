//===- EnqueueTest.cpp - Layers and attention on the caller's memory --------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuTestSupport.h"

#include "Float.h"

#include <cmath>
#include <functional>
#include <thread>

using namespace mla;

class Enqueue : public GpuTest {
protected:
  // 2 sequences of 3 and 6 tokens, of which 2 and 1 are new, in a cache of 10 pages.
  mla_step step() {
    auto made = ofSizes<mla_step>(3, 2, 2, 6);
    made.layer = 3;
    made.num_pages = 10;
    made.table_width = 3;
    made.hidden = memory->data;
    made.out = memory->data + 4096;
    made.pages = memory->data + 8192;
    made.cu_seqlens = reinterpret_cast<int32_t *>(memory->data + 16384);
    made.lengths = made.cu_seqlens + 8;
    made.block_table = made.cu_seqlens + 16;
    made.workspace = memory->data + 32768;
    made.workspace_bytes = 4096;
    made.stream = &made; // any address
    return made;
  }
  mla_latent_attention latent() {
    mla_step like = step();
    auto made = ofSizes<mla_latent_attention>(like.tokens, like.batch, like.max_queries, like.max_length);
    made.num_pages = like.num_pages;
    made.table_width = like.table_width;
    made.q_stride = 24;
    made.q_latent = memory->data;
    made.q_rope = memory->data + 32;
    made.pages = like.pages;
    made.block_table = like.block_table;
    made.lengths = like.lengths;
    made.cu_seqlens = like.cu_seqlens;
    made.out = like.out;
    made.lse = reinterpret_cast<float *>(memory->data + 20480);
    made.workspace = like.workspace;
    made.workspace_bytes = like.workspace_bytes;
    return made;
  }
  mla_naive_attention naive() {
    auto made = ofSizes<mla_naive_attention>(3, 2, 2, 6);
    made.cached = 9;
    made.q_stride = 24;
    made.q_nope = memory->data;
    made.q_rope = memory->data + 32;
    made.k_nope = memory->data + 8192;
    made.k_rope = memory->data + 12288;
    made.v = memory->data + 16384;
    made.cu_seqlens = made.cu_keys = reinterpret_cast<int32_t *>(memory->data + 24576);
    made.out = memory->data + 28672;
    return made;
  }
  void SetUp() override {
    GpuTest::SetUp();
    openGpu();
    memory = std::make_unique<DeviceMemoryOfTest>(65536);
  }
  void TearDown() override {
    memory.reset();
    GpuTest::TearDown();
  }
  /// A change to a struct that must be rejected, with that message.
  template <typename Struct>
  void refuses(mla_status (*function)(const mla_bundle *, const Struct *), Struct made,
               const std::function<void(Struct &)> &change, const std::string &says,
               mla_status status = MLA_INVALID_ARGUMENT) {
    change(made);
    EXPECT_EQ(function(bundle, &made), status) << says;
    EXPECT_MESSAGE(says);
    EXPECT_TRUE(launches().empty()) << says;
  }
  void refusesStep(const std::function<void(mla_step &)> &change, const std::string &says,
                   mla_status status = MLA_INVALID_ARGUMENT) {
    refuses<mla_step>(mla_enqueue_layer, step(), change, says, status);
  }
  void refusesLatent(const std::function<void(mla_latent_attention &)> &change, const std::string &says) {
    refuses<mla_latent_attention>(mla_enqueue_latent_attention, latent(), change, says);
  }
  void refusesNaive(const std::function<void(mla_naive_attention &)> &change, const std::string &says) {
    refuses<mla_naive_attention>(mla_enqueue_naive_attention, naive(), change, says);
  }

  std::unique_ptr<DeviceMemoryOfTest> memory;
};

TEST_F(Enqueue, RunsALayerAndNothingElse) {
  mla_step made = step();
  const int32_t cu[] = {0, 2, 3}, lengths_[] = {3, 6}, table[] = {7, 99999, 0, 2, 5, 99999};
  std::memcpy(const_cast<int32_t *>(made.cu_seqlens), cu, sizeof(cu));
  std::memcpy(const_cast<int32_t *>(made.lengths), lengths_, sizeof(lengths_));
  std::memcpy(const_cast<int32_t *>(made.block_table), table, sizeof(table));
  auto *hidden = static_cast<uint16_t *>(const_cast<void *>(made.hidden));
  for (int i = 0; i < 3; ++i)
    hidden[8 * i] = roundToBF16(static_cast<float>(i + 1));
  uint64_t bytes = 0;
  ASSERT_EQ(mla_step_workspace(bundle, &made, &bytes), MLA_OK) << mla_last_error();
  EXPECT_EQ(bytes, 512u + 256u);
  made.workspace_bytes = bytes;
  size_t first = cuda.calls.size();
  ASSERT_EQ(mla_enqueue_layer(bundle, &made), MLA_OK) << mla_last_error();
  for (size_t i = first; i < cuda.calls.size(); ++i)
    EXPECT_TRUE(cuda.calls[i] == "cuLaunchKernelEx" || cuda.calls[i] == "cuTensorMapEncodeTiled" ||
                cuda.calls[i].find("cuCtx") == 0)
        << cuda.calls[i];
  std::vector<FakeLaunch> done = launches();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(static_cast<void *>(done[0].stream), made.stream);
  EXPECT_EQ(done[0].integer(4), 36); // cached is 2 times 6 by default
  auto *out = static_cast<uint16_t *>(made.out);
  EXPECT_EQ(widenBF16(out[0]), 2);
  EXPECT_EQ(widenBF16(out[8]), 6);
  EXPECT_EQ(widenBF16(out[16]), 6);
}

TEST_F(Enqueue, WorksDuringCaptureAndInAnyContext) {
  cuda.capturing = true;
  enterContext(2);
  mla_step made = step();
  EXPECT_EQ(mla_enqueue_layer(bundle, &made), MLA_OK) << mla_last_error();
  enterContext(0);
  EXPECT_EQ(mla_enqueue_layer(bundle, &made), MLA_OK) << mla_last_error();
  EXPECT_EQ(launches().size(), 4u);
}

TEST_F(Enqueue, ChecksSizes) {
  refusesStep([](mla_step &s) { s.size = 0; },
              "step->size is 0; set it to sizeof, " + std::to_string(sizeof(mla_step)));
  refusesStep([](mla_step &s) { s.size = SIZE_MAX; }, "step->size is");
  refusesStep([](mla_step &s) { s.layer = 4; }, "the bundle has no layer 4");
  refusesStep([](mla_step &s) { s.phase = static_cast<mla_phase>(3); }, "phase is 3");
  refusesStep([](mla_step &s) { s.reserved = 1; }, "reserved is 1");
  refusesStep([](mla_step &s) { s.tokens = 0; }, "tokens is 0; give 1 to 2147483647");
  refusesStep([](mla_step &s) { s.tokens = -1; }, "tokens is -1");
  refusesStep([](mla_step &s) { s.tokens = 5; }, "tokens is 5, more than batch times max_queries, 2 times 2");
  refusesStep([](mla_step &s) { s.batch = INT64_MAX; }, "batch is 9223372036854775807");
  refusesStep([](mla_step &s) { s.max_queries = 0; }, "max_queries is 0");
  refusesStep([](mla_step &s) { s.max_queries = 9, s.phase = MLA_PHASE_DECODE; },
              "9 query tokens, decode serves up to 8");
  refusesStep([](mla_step &s) { s.max_length = 0; }, "max_length is 0");
  refusesStep([](mla_step &s) { s.max_length = 13; }, "max_length is 13, but a row of block_table has room for 12");
  refusesStep([](mla_step &s) { s.max_length = 40, s.table_width = 10; }, "no decode entry", MLA_UNSUPPORTED);
  refusesStep([](mla_step &s) { s.cached = 13; }, "cached is 13");
  refusesStep([](mla_step &s) { s.cached = 2; }, "cached is 2");
  refusesStep([](mla_step &s) { s.num_pages = 1 << 30; }, "num_pages times page, 1073741824 times 4, exceeds");
  refusesStep([](mla_step &s) { s.table_width = 1 << 30; }, "batch times table_width");
}

TEST_F(Enqueue, ChecksPointers) {
  refusesStep([](mla_step &s) { s.hidden = nullptr; }, "mla_enqueue_layer: hidden is NULL; pass its address");
  refusesStep([](mla_step &s) { s.cu_seqlens = nullptr; }, "cu_seqlens is NULL");
  refusesStep([](mla_step &s) { s.pages = nullptr; }, "pages is NULL");
  refusesStep([](mla_step &s) { s.block_table = nullptr; }, "block_table is NULL");
  refusesStep([](mla_step &s) { s.lengths = nullptr; }, "lengths is NULL");
  refusesStep([](mla_step &s) { s.out = nullptr; }, "out is NULL");
  refusesStep([](mla_step &s) { s.workspace = nullptr; }, "workspace is NULL");
  auto move = [](auto &pointer, int bytes) {
    pointer = reinterpret_cast<std::decay_t<decltype(pointer)>>(reinterpret_cast<uintptr_t>(pointer) + bytes);
  };
  refusesStep([&](mla_step &s) { move(s.hidden, 2); }, "hidden is not aligned to 16 bytes");
  refusesStep([&](mla_step &s) { move(s.pages, 8); }, "pages is not aligned to 16 bytes");
  refusesStep([&](mla_step &s) { move(s.lengths, 2); }, "lengths is not aligned to 4 bytes");
  refusesStep([&](mla_step &s) { move(s.workspace, 16); }, "workspace is not aligned to 256 bytes");
  refusesStep([&](mla_step &s) { move(s.out, -4096 + 32); }, "hidden and out overlap");
  refusesStep([](mla_step &s) { s.workspace_bytes = 767; }, "workspace_bytes is 767, these sizes need 768");
  EXPECT_EQ(mla_enqueue_layer(nullptr, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_enqueue_layer(bundle, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("step is NULL");
  mla_step made = step();
  EXPECT_EQ(mla_step_workspace(bundle, &made, nullptr), MLA_INVALID_ARGUMENT);
}

TEST_F(Enqueue, TakesStructsOfLaterReleases) {
  struct Later {
    mla_step step;
    int64_t more;
  } later = {step(), 0};
  later.step.size = sizeof(later);
  EXPECT_EQ(mla_enqueue_layer(bundle, &later.step), MLA_OK) << mla_last_error();
  later.more = 1;
  EXPECT_EQ(mla_enqueue_layer(bundle, &later.step), MLA_UNSUPPORTED);
  EXPECT_MESSAGE("has fields that this release does not know");
}

TEST_F(Enqueue, TakesStructsOfEarlierReleases) {
  // Memory after a shorter struct is not read: an invalid scale there must have no effect.
  mla_latent_attention attention = latent();
  attention.size = offsetof(mla_latent_attention, indices_settled);
  attention.indices_settled = 1;
  attention.scale = NAN;
  ASSERT_EQ(mla_enqueue_latent_attention(bundle, &attention), MLA_OK) << mla_last_error();
  EXPECT_FALSE(launches().at(0).overlap);
  attention.size = offsetof(mla_latent_attention, scale);
  ASSERT_EQ(mla_enqueue_latent_attention(bundle, &attention), MLA_OK) << mla_last_error();
  EXPECT_TRUE(launches().at(0).overlap);
  mla_naive_attention other = naive();
  other.size = offsetof(mla_naive_attention, scale);
  other.scale = NAN;
  EXPECT_EQ(mla_enqueue_naive_attention(bundle, &other), MLA_OK) << mla_last_error();
  EXPECT_EQ(launches().size(), 1u);
}

TEST_F(Enqueue, RefusesStructsShorterThanTheFirstRelease) {
  refusesStep([](mla_step &s) { s.size = offsetof(mla_step, stream); }, "set it to sizeof");
  refusesLatent([](mla_latent_attention &a) { a.size = offsetof(mla_latent_attention, stream); }, "set it to sizeof");
  refusesNaive([](mla_naive_attention &a) { a.size = offsetof(mla_naive_attention, stream); }, "set it to sizeof");
  // No struct ends inside a field.
  refusesLatent([](mla_latent_attention &a) { a.size = offsetof(mla_latent_attention, scale) + 4; },
                "set it to sizeof");
}

TEST_F(Enqueue, LeavesEmptyGridsOut) {
  mla_bundle_close(std::exchange(bundle, nullptr));
  openGpu(0, replaced(gpuManifest(), "[\"ceil/\", \"tokens\", 64]", "[\"//\", \"tokens\", 64]"));
  mla_step made = step();
  EXPECT_EQ(mla_enqueue_layer(bundle, &made), MLA_OK) << mla_last_error();
  EXPECT_EQ(launches().size(), 1u);
}

TEST_F(Enqueue, LeavesNothingOutOnASmallDevice) {
  auto openWith = [&](const char *blocks) {
    mla_bundle_close(std::exchange(bundle, nullptr));
    openGpu(0, replaced(gpuManifest(), "64], \"processors\", 1]", std::string("64], ") + blocks + ", 1]"));
  };
  cuda.processors = 8;
  // Values that earlier releases divided among row blocks, and those that must be at least one.
  openWith("[\"//\", \"processors\", 16]");
  refusesStep([](mla_step &) {}, "kernel 'stage': the device's 8 multiprocessors are too few", MLA_UNSUPPORTED);
  openWith("[\"+\", [\"+\", [\"//\", \"processors\", 16], 1], "
           "[\"*\", [\"ceil/\", [\"//\", \"processors\", 16], [\"+\", \"processors\", 1]], -1]]");
  mla_step made = step();
  EXPECT_EQ(mla_enqueue_layer(bundle, &made), MLA_OK) << mla_last_error();
  EXPECT_EQ(launches().at(0).grid[1], 1u);
}

TEST_F(Enqueue, RefusesWhatAListCannotHave) {
  auto with = [&](const char *from, const char *to, const char *says, mla_status status = MLA_INVALID_FILE) {
    mla_bundle_close(std::exchange(bundle, nullptr));
    openGpu(0, replaced(gpuManifest(), from, to));
    refusesStep([](mla_step &) {}, says, status);
  };
  with("\"dims\": [8, \"tokens\"]", "\"dims\": [8, [\"+\", \"tokens\", 1]]",
       "kernel 'stage': argument 0: the tensor reaches 64 bytes into a buffer of 48; compile the bundle again");
  with("\"dims\": [8, \"tokens\"]", "\"dims\": [8, [\"+\", \"tokens\", -3]]", "dimension 1 has 0 elements");
  with("\"strides\": [16]", "\"strides\": [24]", "dimension 1 has a stride of 24 bytes");
  with("\"strides\": [16]", "\"strides\": [1099511627776]", "dimension 1 has a stride of 1099511627776 bytes");
  with("\"offset\": 32", "\"offset\": 80", "offset 80 lies beyond a buffer of 64 bytes");
  with("[\"ceil/\", \"tokens\", 64]", "[\"ceil/\", \"tokens\", [\"+\", \"batch\", -2]]", "divided by 0");
  with("[\"ceil/\", \"tokens\", 64]", "-1", "the grid would have -1 blocks in dimension 0", MLA_INVALID_ARGUMENT);
  with("\"processors\", 1]", "65536, 1]", "the grid would have 65536 blocks in dimension 1", MLA_INVALID_ARGUMENT);
  with("[\"*\", \"cached\", 3]", "[\"*\", \"cached\", 1000000000]", "exceeds 32 bits", MLA_INVALID_ARGUMENT);
  with("\"bytes\": 64", "\"bytes\": -1", "workspace: a scratch buffer would have -1 bytes", MLA_INVALID_ARGUMENT);
  with("\"bytes\": 64", "\"bytes\": [\"*\", 9223372036854775807, \"tokens\"]", "a size exceeds 64 bits",
       MLA_INVALID_ARGUMENT);
}

TEST_F(Enqueue, TellsAFailureInTheMiddle) {
  mla_bundle_close(std::exchange(bundle, nullptr));
  openGpu(0, replaced(gpuManifest(), "\"weight:w\", \"offset\": 0", "\"weight:w\", \"offset\": 5"));
  mla_step made = step();
  EXPECT_EQ(mla_enqueue_layer(bundle, &made), MLA_INVALID_FILE);
  EXPECT_MESSAGE("kernel 'sum_bf16': argument 5: offset 5 lies beyond a buffer of 4 bytes");
  EXPECT_EQ(launches().size(), 1u); // the kernel before it
}

TEST_F(Enqueue, LatentAttention) {
  mla_latent_attention made = latent();
  uint64_t bytes = 0;
  ASSERT_EQ(mla_latent_attention_workspace(bundle, &made, &bytes), MLA_OK) << mla_last_error();
  EXPECT_EQ(bytes, 1024u);
  ASSERT_EQ(mla_enqueue_latent_attention(bundle, &made), MLA_OK) << mla_last_error();
  FakeLaunch done = launches().at(0);
  EXPECT_EQ(done.grid[2], 2u);
  EXPECT_EQ(cuda.map(done, 0).strides, (std::vector<uint64_t>{48, 384}));
  EXPECT_EQ(cuda.map(done, 0).dims, (std::vector<uint64_t>{16, 8, 3}));
  EXPECT_EQ(done.pointer(2), reinterpret_cast<uint64_t>(made.lse));
  EXPECT_EQ(done.pointer(3), reinterpret_cast<uint64_t>(made.workspace));
}

TEST_F(Enqueue, PartsOfQueriesHaveTheirOwnStrides) {
  mla_bundle_close(std::exchange(bundle, nullptr));
  openGpu(0, replaced(gpuManifest(), "[\"//\", \"max_length\", \"table_width\"]", "[\"//\", \"q_rope_stride\", 8]"));
  mla_latent_attention made = latent();
  for (auto [given, blocks] : {std::pair<int64_t, uint64_t>{0, 3}, {40, 5}}) {
    made.q_rope_stride = given;
    ASSERT_EQ(mla_enqueue_latent_attention(bundle, &made), MLA_OK) << mla_last_error();
    FakeLaunch done = launches().at(0);
    EXPECT_EQ(cuda.map(done, 0).strides, (std::vector<uint64_t>{48, 384}));
    EXPECT_EQ(done.grid[2], blocks);
  }
}

TEST_F(Enqueue, LatentAttentionChecks) {
  using Latent = mla_latent_attention;
  refusesLatent([](Latent &a) { a.size = 8; }, "attention->size is 8");
  refusesLatent([](Latent &a) { a.tokens = 0; }, "tokens is 0");
  refusesLatent([](Latent &a) { a.tokens = 5; }, "tokens is 5, more than batch");
  refusesLatent([](Latent &a) { a.batch = 0; }, "batch is 0");
  refusesLatent([](Latent &a) { a.max_queries = 9; }, "max_queries is 9; give 1 to 8");
  refusesLatent([](Latent &a) { a.max_length = 13; }, "max_length is 13");
  refusesLatent([](Latent &a) { a.cached = 13; }, "cached is 13");
  refusesLatent([](Latent &a) { a.num_pages = 0; }, "num_pages is 0");
  refusesLatent([](Latent &a) { a.q_stride = 8; }, "q_stride is 8; give 16 to");
  refusesLatent([](Latent &a) { a.scale = -1; }, "scale is -1");
  refusesLatent([](Latent &a) { a.scale = NAN; }, "scale is ");
  refusesLatent([](Latent &a) { a.scale = 3e38; }, "scale is "); // no float, times log2(e)
  refusesLatent([](Latent &a) { a.q_stride = 25; }, "q_stride is 25; give a multiple of 8");
  refusesLatent([](Latent &a) { a.q_rope_stride = 12; }, "q_rope_stride is 12; give a multiple of 8");
  refusesLatent([](Latent &a) { a.q_rope_stride = -8; }, "q_rope_stride is -8; give 8 to");
  refusesLatent([](Latent &a) { a.q_latent = nullptr; }, "q_latent is NULL");
  refusesLatent([](Latent &a) { a.q_rope = nullptr; }, "q_rope is NULL");
  refusesLatent([](Latent &a) { a.lse = nullptr; }, "lse is NULL");
  refusesLatent([](Latent &a) { a.sinks = a.lse; }, "sinks is given, and the bundle's kernels have none; give NULL");
  refusesLatent([](Latent &a) { a.cu_seqlens = nullptr; }, "cu_seqlens is NULL");
  refusesLatent([](Latent &a) { a.workspace_bytes = 0; }, "workspace_bytes is 0, these sizes need 1024");
  EXPECT_EQ(mla_enqueue_latent_attention(bundle, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_latent_attention_workspace(bundle, nullptr, nullptr), MLA_INVALID_ARGUMENT);
}

TEST_F(Enqueue, NaiveAttention) {
  mla_naive_attention made = naive();
  uint64_t bytes = 1;
  ASSERT_EQ(mla_naive_attention_workspace(bundle, &made, &bytes), MLA_OK) << mla_last_error();
  EXPECT_EQ(bytes, 0u);
  ASSERT_EQ(mla_enqueue_naive_attention(bundle, &made), MLA_OK) << mla_last_error();
  FakeLaunch done = launches().at(0);
  EXPECT_EQ(cuda.map(done, 0).dims, (std::vector<uint64_t>{16, 8, 9}));
  EXPECT_EQ(done.pointer(3), reinterpret_cast<uint64_t>(made.out));
  using Naive = mla_naive_attention;
  refusesNaive([](Naive &a) { a.size = 8; }, "attention->size is 8");
  refusesNaive([](Naive &a) { a.cached = 0; }, "cached is 0");
  refusesNaive([](Naive &a) { a.cached = 13; }, "cached is 13, more than batch times max_length");
  refusesNaive([](Naive &a) { a.cached = INT32_MAX; }, "cached times heads");
  refusesNaive([](Naive &a) { a.q_stride = 0; }, "q_stride is 0");
  refusesNaive([](Naive &a) { a.scale = INFINITY; }, "scale is inf");
  refusesNaive([](Naive &a) { a.sinks = reinterpret_cast<const float *>(a.v); }, "sinks is given, and the bundle's");
  refusesNaive([](Naive &a) { a.k_rope = nullptr; }, "k_rope is NULL");
  refusesNaive([](Naive &a) { a.cu_keys = nullptr; }, "cu_keys is NULL");
  refusesNaive([](Naive &a) { a.v = static_cast<const char *>(a.v) + 2; }, "v is not aligned to 16 bytes");
}

TEST_F(Enqueue, CoresMustBeThere) {
  mla_bundle_close(std::exchange(bundle, nullptr));
  openGpu(0, gpuManifestWithoutCores());
  mla_latent_attention made = latent();
  EXPECT_EQ(mla_enqueue_latent_attention(bundle, &made), MLA_UNSUPPORTED);
  EXPECT_MESSAGE("has no kernel latent_attention of its own");
  mla_naive_attention other = naive();
  EXPECT_EQ(mla_enqueue_naive_attention(bundle, &other), MLA_UNSUPPORTED);
}

TEST_F(Enqueue, CoresAreNotForTheHost) {
  TempDir other;
  writeBundle(other.path);
  mla_bundle *host = nullptr;
  ASSERT_EQ(mla_bundle_open(other.path.c_str(), &host), MLA_OK) << mla_last_error();
  mla_latent_attention made = latent();
  EXPECT_EQ(mla_enqueue_latent_attention(host, &made), MLA_UNSUPPORTED);
  EXPECT_MESSAGE("is for target cpu, which has whole layers only; use mla_enqueue_layer");
  mla_bundle_close(host);
}

TEST_F(Enqueue, FromManyThreads) {
  std::vector<std::thread> threads;
  std::vector<mla_step> steps(4, step());
  for (int i = 0; i < 4; ++i) {
    steps[i].stream = &steps[i];
    steps[i].workspace = memory->data + 32768 + 4096 * i;
    threads.emplace_back([&, i] {
      for (int k = 0; k < 50; ++k)
        EXPECT_EQ(mla_enqueue_layer(bundle, &steps[i]), MLA_OK);
    });
  }
  for (std::thread &thread : threads)
    thread.join();
  std::vector<FakeLaunch> done = launches();
  EXPECT_EQ(done.size(), 400u);
  for (const FakeLaunch &launch : done) {
    if (launch.kernel != "stage")
      continue;
    EXPECT_EQ(launch.pointer(2) - 4,
              reinterpret_cast<uint64_t>(reinterpret_cast<const mla_step *>(launch.stream)->workspace));
  }
}
