//===- GpuRunTest.cpp - The cache and its steps on a GPU -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuTestSupport.h"

#include "Float.h"

#include <chrono>
#include <cstddef>
#include <cstring>
#include <future>
#include <thread>

using namespace mla;

class GpuRun : public GpuTest {
protected:
  /// Appends one token per value and returns the results, like RuntimeTest::append.
  std::vector<float> appendOnGpu(mla_sequence sequence, const std::vector<float> &values, int64_t layer = 3) {
    uint64_t bytes = values.size() * 8 * 2;
    DeviceMemoryOfTest hidden(bytes), out(bytes);
    for (size_t i = 0; i < values.size(); ++i)
      reinterpret_cast<uint16_t *>(hidden.data)[8 * i] = roundToBF16(values[i]);
    mla_batch *batch = begin({sequence}, {static_cast<int32_t>(values.size())});
    EXPECT_EQ(mla_run_layer(bundle, layer, batch, MLA_PHASE_AUTO, hidden.data, out.data), MLA_OK) << mla_last_error();
    EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
    std::vector<float> result;
    for (size_t i = 0; i < values.size(); ++i)
      result.push_back(widenBF16(reinterpret_cast<uint16_t *>(out.data)[8 * i]));
    return result;
  }
};

TEST_F(GpuRun, LayersSeeTheCache) {
  openGpu(16);
  ASSERT_EQ(mla_cache_shuffle(cache, 3), MLA_OK);
  mla_sequence a = newSequence(), b = newSequence();
  EXPECT_EQ(appendOnGpu(a, {1, 2, 3, 4, 5}), (std::vector<float>{2, 6, 12, 20, 30}));
  EXPECT_EQ(appendOnGpu(b, {1}), (std::vector<float>{2}));
  EXPECT_EQ(appendOnGpu(a, {1}), (std::vector<float>{32}));
  EXPECT_EQ(appendOnGpu(b, std::vector<float>(9, 1)).back(), 20); // prefill
}

TEST_F(GpuRun, TimesLaunches) {
  openGpu(16);
  DeviceMemoryOfTest hidden(16), out(16);
  mla_batch *batch = begin({newSequence()}, {1});
  mla_launch_time times[2] = {};
  int64_t count = 0;
  launches();
  ASSERT_EQ(mla_time_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden.data, out.data, times, 1, &count), MLA_OK)
      << mla_last_error();
  EXPECT_EQ(count, 2);
  EXPECT_STREQ(times[0].kernel, "stage");
  EXPECT_EQ(times[0].grid[1], 132u);
  EXPECT_GT(times[0].seconds, 0);
  EXPECT_EQ(times[1].kernel, nullptr); // there was no room for it
  for (const FakeLaunch &launch : launches())
    EXPECT_FALSE(launch.overlap);
  cuda.clockless = true;
  ASSERT_EQ(mla_time_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden.data, out.data, times, 2, &count), MLA_OK);
  EXPECT_STREQ(times[1].kernel, "sum_bf16");
  EXPECT_LT(times[1].seconds, 0);
  EXPECT_EQ(mla_time_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden.data, out.data, nullptr, 2, &count),
            MLA_INVALID_ARGUMENT);
  cuda.failures["cuLaunchKernelEx"] = cuda::launchFailed; // the gate opens and the events go
  EXPECT_EQ(mla_time_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden.data, out.data, times, 2, &count),
            MLA_DEVICE_ERROR);
  cuda.failures.clear();
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(GpuRun, ProfilesSayWhatTheBundleSays) {
  std::string work = R"("part": "attention", "bytes": ["*", "cached", 48], "flops": ["//", 1, ["+", "tokens", -2]], )";
  std::string manifest = gpuManifest();
  openGpu(16, manifest.insert(manifest.find("\"kernel\": \"stage\""), work));
  DeviceMemoryOfTest hidden(32), out(32);
  mla_batch *batch = begin({newSequence(), newSequence()}, {1, 1});
  mla_profile_item items[3] = {};
  int64_t count = 0;
  auto profile = [&](size_t size, int64_t capacity) {
    return mla_profile_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden.data, out.data, items, size, capacity, &count);
  };
  ASSERT_EQ(profile(sizeof(items[0]), 3), MLA_OK) << mla_last_error();
  EXPECT_EQ(count, 2);
  EXPECT_STREQ(items[0].name, "stage");
  EXPECT_STREQ(items[0].part, "attention");
  EXPECT_EQ(items[0].layer, 3);
  EXPECT_EQ(items[0].grid[1], 132u);
  EXPECT_GT(items[0].seconds, 0);
  EXPECT_EQ(items[0].bytes, 96);
  EXPECT_LT(items[0].flops, 0); // 1 // 0: what cannot be computed is not known
  EXPECT_STREQ(items[1].part, "");
  EXPECT_LT(items[1].bytes, 0);
  EXPECT_EQ(items[2].name, nullptr);
  // A later release's items are longer.
  std::vector<char> longer(2 * (sizeof(items[0]) + 8), 'x');
  ASSERT_EQ(mla_profile_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden.data, out.data,
                              reinterpret_cast<mla_profile_item *>(longer.data()), sizeof(items[0]) + 8, 1, &count),
            MLA_OK);
  EXPECT_EQ(longer[sizeof(items[0]) + 7], 0);
  EXPECT_EQ(longer[sizeof(items[0]) + 8], 'x');
  EXPECT_EQ(profile(offsetof(mla_profile_item, choice) - 8, 3), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("mla_profile_layer: item_size is");
  EXPECT_EQ(profile(sizeof(items[0]), -1), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(GpuRun, ProfilesOfModelsHaveTheEndsAndTheNextTokens) {
  openGpu(16, gpuModelManifest());
  mla_batch *batch = begin({newSequence()}, {1});
  mla_profile_item items[8] = {};
  int64_t count = 0;
  int32_t id = 1;
  std::vector<float> logits(10);
  ASSERT_EQ(mla_profile_model(bundle, batch, MLA_PHASE_AUTO, &id, MLA_LOGITS_LAST, logits.data(), items,
                              sizeof(items[0]), 8, &count),
            MLA_OK)
      << mla_last_error();
  std::string names;
  for (const mla_profile_item &item : items)
    names += item.name ? item.name + std::string(":") + std::to_string(item.layer) + " " : "";
  EXPECT_EQ(names, "embed:-1 stage:3 sum_bf16:3 stage:5 sum_bf16:5 logits:-1 next:-1 ");
  EXPECT_EQ(logits[0], -1); // as mla_run_model gives them
  id = 10;
  EXPECT_EQ(mla_profile_model(bundle, batch, MLA_PHASE_AUTO, &id, MLA_LOGITS_LAST, logits.data(), nullptr,
                              sizeof(items[0]), 0, &count),
            MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("mla_profile_model: ids[0] is 10");
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(GpuRun, ForksCopyTheirLastPage) {
  openGpu(16);
  mla_sequence a = newSequence(), b = 0;
  appendOnGpu(a, {1, 2, 3, 4, 5});
  ASSERT_EQ(mla_sequence_fork(cache, a, &b), MLA_OK);
  EXPECT_EQ(appendOnGpu(b, {10}), (std::vector<float>{50}));
  EXPECT_EQ(appendOnGpu(a, {20}), (std::vector<float>{70}));
  EXPECT_EQ(pages(a)[0], pages(b)[0]);
  EXPECT_NE(pages(a)[1], pages(b)[1]);
}

TEST_F(GpuRun, PagesAreOnTheDevice) {
  openGpu(16);
  void *data = nullptr;
  int64_t dims[3];
  mla_dtype dtype;
  ASSERT_EQ(mla_cache_pages(cache, 5, &data, dims, &dtype), MLA_OK);
  EXPECT_EQ(dims[0], 16);
  EXPECT_EQ(dims[2], 24);
  EXPECT_EQ(dtype, MLA_BF16);
  auto found = --cuda.memory.upper_bound(reinterpret_cast<uint64_t>(data));
  EXPECT_EQ(reinterpret_cast<uint64_t>(data) - found->first, 4096u);
  EXPECT_EQ(found->second, 8192u);
}

TEST_F(GpuRun, MapsHaveTheTypeOfTheirElements) {
  std::string manifest = gpuManifest();
  for (auto [from, to] : {std::pair("\"box\": [8, 64]", "\"dtype\": \"f8E4M3FN\", \"box\": [16, 64]"),
                          {"\"box\": [8]", "\"dtype\": \"f32\", \"box\": [4]"}})
    manifest.replace(manifest.find(from), std::strlen(from), to);
  openGpu(16, manifest);
  appendOnGpu(newSequence(), {1, 2, 3});
  std::vector<FakeLaunch> done = launches();
  ASSERT_FALSE(done.empty());
  EXPECT_EQ(cuda.map(done[0], 0).type, cuda::tensorMapU8);
  EXPECT_EQ(cuda.map(done[0], 1).type, cuda::tensorMapF32);
}

TEST_F(GpuRun, ArgumentsAreAsTheManifestSays) {
  openGpu(16);
  int stream = 0;
  mla_batch *batch = begin({newSequence(), newSequence()}, {3, 5});
  ASSERT_EQ(mla_batch_set_stream(batch, &stream), MLA_OK) << mla_last_error();
  DeviceMemoryOfTest hidden(128), out(128);
  ASSERT_EQ(mla_run_layer(bundle, 5, batch, MLA_PHASE_AUTO, hidden.data, out.data), MLA_OK) << mla_last_error();
  std::vector<FakeLaunch> done = launches();
  ASSERT_EQ(done.size(), 2u);
  const FakeLaunch &stage = done[0], &sum = done[1];
  EXPECT_EQ(stage.kernel, "stage");
  EXPECT_EQ(stage.grid[0], 1u);
  EXPECT_EQ(stage.grid[1], 132u);
  EXPECT_EQ(stage.block[0], 256u);
  EXPECT_EQ(stage.shared, 230848u);
  EXPECT_FALSE(stage.overlap);
  EXPECT_TRUE(sum.overlap);
  EXPECT_EQ(static_cast<void *>(stage.stream), &stream);
  EXPECT_EQ(stage.number(3), 0.125f);
  EXPECT_EQ(stage.integer(4), 24); // 3 times the 8 cached tokens
  const FakeMap &map = cuda.map(stage, 0);
  EXPECT_EQ(map.address, reinterpret_cast<uint64_t>(hidden.data));
  EXPECT_EQ(map.dims, (std::vector<uint64_t>{8, 8}));
  EXPECT_EQ(map.strides, (std::vector<uint64_t>{16}));
  EXPECT_EQ(map.box, (std::vector<uint32_t>{8, 64}));
  EXPECT_EQ(map.swizzle, 3);
  EXPECT_EQ(map.l2Promotion, 3);
  // temp:0 has 800 bytes, so temp:1 starts 1024 bytes after it.
  const FakeMap &temp = cuda.map(stage, 1);
  EXPECT_EQ(stage.pointer(2) % 256, 4u);
  EXPECT_EQ(temp.address, stage.pointer(2) - 4 + 1024 + 32);
  EXPECT_EQ(temp.swizzle, 0);
  EXPECT_EQ(sum.pointer(6), reinterpret_cast<uint64_t>(out.data));
  EXPECT_EQ(*reinterpret_cast<float *>(sum.pointer(5)), 0.5f);
  EXPECT_EQ(sum.integer(11), 2);
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(GpuRun, TheWorkspaceGrowsAndStays) {
  openGpu(64);
  mla_sequence s = newSequence();
  appendOnGpu(s, {1});
  uint64_t first = launches()[0].pointer(2);
  appendOnGpu(s, {1});
  EXPECT_EQ(launches()[0].pointer(2), first);
  appendOnGpu(s, {1, 1, 1, 1, 1, 1, 1, 1}); // more bytes
  uint64_t larger = launches()[0].pointer(2);
  appendOnGpu(s, {1});
  EXPECT_EQ(launches()[0].pointer(2), larger);
}

TEST_F(GpuRun, RefusesWrongArguments) {
  openGpu(16);
  DeviceMemoryOfTest memory(4096);
  mla_batch *batch = begin({newSequence()}, {2});
  auto with = [&](void *from, void *to) { return mla_run_layer(bundle, 3, batch, MLA_PHASE_AUTO, from, to); };
  EXPECT_EQ(with(nullptr, memory.data), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("mla_run_layer: hidden is NULL");
  EXPECT_EQ(with(memory.data + 8, memory.data + 64), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("hidden is not aligned to 16 bytes");
  EXPECT_EQ(with(memory.data, memory.data + 72), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("out is not aligned to 16 bytes");
  EXPECT_EQ(with(memory.data, memory.data + 16), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("hidden and out overlap");
  cuda.capturing = true;
  EXPECT_EQ(with(memory.data, memory.data + 64), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("is being captured; capture mla_enqueue_layer instead");
  cuda.capturing = false;
  EXPECT_EQ(mla_batch_set_stream(nullptr, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
  EXPECT_EQ(mla_batch_set_stream(batch, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("the batch has ended");
}

TEST_F(GpuRun, RefusesACacheOfAnotherContext) {
  openGpu(16);
  enterContext(2);
  mla_bundle *other = nullptr;
  ASSERT_EQ(mla_bundle_open(directory.path.c_str(), &other), MLA_OK) << mla_last_error();
  enterContext(0);
  DeviceMemoryOfTest memory(4096);
  mla_batch *batch = begin({newSequence()}, {2});
  EXPECT_EQ(mla_run_layer(other, 3, batch, MLA_PHASE_AUTO, memory.data, memory.data + 64), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("are in different CUDA contexts");
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
  mla_bundle_close(other);
}

TEST_F(GpuRun, AFailedStepChangesNothing) {
  openGpu(16);
  mla_sequence a = newSequence(), b = 0;
  appendOnGpu(a, {1, 2, 3, 4, 5});
  ASSERT_EQ(mla_sequence_fork(cache, a, &b), MLA_OK);
  int64_t free = freePages();
  mla_sequence both[] = {a, b};
  int32_t tokens[] = {1, 1};
  mla_batch *batch = nullptr;
  for (const char *call :
       {"cuEventSynchronize", "cuStreamWaitEvent", "cuMemcpyDtoDAsync", "cuMemcpyHtoDAsync", "cuStreamSynchronize"}) {
    cuda.failures = {{call, cuda::illegalAddress}};
    EXPECT_EQ(mla_batch_begin(cache, both, tokens, 2, &batch), MLA_DEVICE_ERROR) << call;
    EXPECT_MESSAGE(std::string(call) + " failed");
    EXPECT_EQ(length(a), 5);
    EXPECT_EQ(freePages(), free) << call;
    EXPECT_EQ(pages(a), pages(b)) << call;
  }
  cuda.failures.clear();
  EXPECT_EQ(appendOnGpu(b, {10}), (std::vector<float>{50}));
  EXPECT_EQ(appendOnGpu(a, {20}), (std::vector<float>{70}));
}

TEST_F(GpuRun, WaitsWithoutTheCachesLock) {
  openGpu(16);
  mla_sequence a = newSequence(), b = 0, other = newSequence();
  appendOnGpu(a, {1, 2, 3, 4, 5});
  ASSERT_EQ(mla_sequence_fork(cache, a, &b), MLA_OK);
  // While a step begins, which waits for the device in each of these, other threads use the cache.
  std::vector<std::future<int64_t>> others;
  int waits = 0;
  for (const char *call : {"cuEventSynchronize", "cuStreamSynchronize", "cuMemcpyHtoDAsync"})
    cuda.hooks[call] = [&, call] {
      ++waits;
      others.push_back(std::async(std::launch::async, [&] { return length(other); }));
      EXPECT_EQ(others.back().wait_for(std::chrono::seconds(2)), std::future_status::ready) << call;
    };
  mla_batch *batch = begin({b}, {1});
  cuda.hooks.clear();
  EXPECT_GE(waits, 4); // the copied page, the layers before, the upload
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
}

TEST_F(GpuRun, APageThatIsBeingCopiedStays) {
  openGpu(16);
  mla_sequence a = newSequence(), b = 0;
  appendOnGpu(a, {1, 2, 3, 4, 5});
  ASSERT_EQ(mla_sequence_fork(cache, a, &b), MLA_OK);
  // The other sharer begins a step, or is freed, during the copy: the original is neither its own yet nor
  // free.
  int64_t free = freePages();
  int32_t original = pages(a)[1];
  mla_batch *inside = nullptr;
  cuda.hooks["cuStreamSynchronize"] = [&] {
    cuda.hooks.erase("cuStreamSynchronize");
    inside = begin({a}, {1});
    EXPECT_NE(pages(a)[1], original);
    EXPECT_EQ(freePages(), free - 2);
  };
  mla_batch *batch = begin({b}, {1});
  ASSERT_NE(inside, nullptr);
  EXPECT_EQ(freePages(), free - 1);
  EXPECT_NE(pages(b)[1], pages(a)[1]);
  EXPECT_EQ(mla_batch_commit(inside), MLA_OK);
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
}

TEST_F(GpuRun, AFailedLaunchIsTold) {
  openGpu(16);
  DeviceMemoryOfTest memory(4096);
  mla_batch *batch = begin({newSequence()}, {2});
  auto run = [&] { return mla_run_layer(bundle, 3, batch, MLA_PHASE_AUTO, memory.data, memory.data + 64); };
  cuda.failures = {{"cuLaunchKernelEx", cuda::launchFailed}};
  EXPECT_EQ(run(), MLA_DEVICE_ERROR);
  EXPECT_MESSAGE("mla_run_layer: kernel 'stage': launch: cuLaunchKernelEx failed: CUDA error 719; a kernel failed");
  cuda.failures = {{"cuTensorMapEncodeTiled", cuda::invalidValue}};
  EXPECT_EQ(run(), MLA_DEVICE_ERROR);
  EXPECT_MESSAGE("kernel 'stage': argument 0: tensor map: cuTensorMapEncodeTiled failed: CUDA_ERROR_INVALID_VALUE");
  cuda.failures = {{"cuMemAlloc", cuda::outOfMemory}};
  mla_batch *second = nullptr;
  mla_sequence other = newSequence();
  int32_t one = 1;
  EXPECT_EQ(mla_batch_begin(cache, &other, &one, 1, &second), MLA_OUT_OF_MEMORY);
  cuda.failures.clear();
  EXPECT_EQ(run(), MLA_OK) << mla_last_error();
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(GpuRun, ACacheNeedsItsMemory) {
  openGpu();
  mla_cache *none = nullptr;
  EXPECT_EQ(mla_cache_create(bundle, INT32_MAX, &none), MLA_OUT_OF_MEMORY);
  EXPECT_MESSAGE("mla_cache_create: the device does not give 2147483647 pages for 2 layers");
  cuda.failures = {{"cuMemAlloc", cuda::illegalAddress}};
  EXPECT_EQ(mla_cache_create(bundle, 1, &none), MLA_DEVICE_ERROR);
  cuda.failures = {{"cuStreamCreate", cuda::illegalAddress}};
  EXPECT_EQ(mla_cache_create(bundle, 1, &none), MLA_DEVICE_ERROR);
  cuda.failures.clear();
}

TEST_F(GpuRun, TheCacheOutlivesItsBundle) {
  openGpu(16);
  mla_bundle_close(std::exchange(bundle, nullptr));
  mla_batch *batch = begin({newSequence()}, {2});
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
}

TEST_F(GpuRun, ThreadsRunTheirOwnBatches) {
  openGpu(64);
  std::vector<std::thread> threads;
  std::vector<float> results(4);
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      mla_sequence s = newSequence();
      for (int k = 0; k < 10; ++k)
        results[i] = appendOnGpu(s, {static_cast<float>(i)})[0];
    });
  for (std::thread &thread : threads)
    thread.join();
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(results[i], 20.0f * static_cast<float>(i));
}
