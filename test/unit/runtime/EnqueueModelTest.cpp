//===- EnqueueModelTest.cpp - A whole model on a GPU ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The model's layers sum what is cached; they multiply sums by 2 and 0.5. Of the
// first token t, the next is 2t.
//
//===----------------------------------------------------------------------===//

#include "GpuTestSupport.h"

#include <cmath>
#include <functional>

using Ids = std::vector<int32_t>;
using Values = std::vector<float>;

//===----------------------------------------------------------------------===//
// On the caller's memory
//===----------------------------------------------------------------------===//

class EnqueueModel : public GpuTest {
protected:
  /// A first step of two sequences, in a cache of 10 pages a layer.
  mla_model_step step() {
    auto made = ofSizes<mla_model_step>(2, 2, 1, 6);
    made.which = MLA_LOGITS_LAST;
    made.num_pages = 10;
    made.table_width = 3;
    made.ids = ids;
    made.cu_seqlens = ids + 16;
    made.lengths = ids + 32;
    made.block_table = ids + 48;
    made.next = ids + 64;
    made.logits = reinterpret_cast<float *>(ids + 128);
    made.pages = pages;
    made.workspace = memory->data + 65536;
    made.workspace_bytes = 65536;
    made.stream = &made; // any address
    return made;
  }
  void open(const std::string &manifest = gpuModelManifest()) {
    openGpu(0, manifest);
    memory = std::make_unique<DeviceMemoryOfTest>(131072);
    ids = reinterpret_cast<int32_t *>(memory->data + 4096);
    pages[0] = memory->data + 8192;
    pages[1] = memory->data + 16384;
    fill(ids, {1, 3});
    fill(ids + 16, {0, 1, 2});
    fill(ids + 32, {1, 1});
    fill(ids + 48, {7, 99999, 0, 2, 5, 99999});
  }
  void fill(int32_t *at, const Ids &values) { std::copy(values.begin(), values.end(), at); }
  Ids read(const int32_t *at, int64_t count) { return Ids(at, at + count); }
  void TearDown() override {
    memory.reset();
    GpuTest::TearDown();
  }
  void refuses(const std::function<void(mla_model_step &)> &change, const std::string &says,
               mla_status status = MLA_INVALID_ARGUMENT) {
    mla_model_step made = step();
    change(made);
    EXPECT_EQ(mla_enqueue_model(bundle, &made), status) << says;
    EXPECT_MESSAGE("mla_enqueue_model: " + says);
    EXPECT_TRUE(launches().empty()) << says;
  }

  std::unique_ptr<DeviceMemoryOfTest> memory;
  int32_t *ids = nullptr;
  void *pages[2];
};

TEST_F(EnqueueModel, OnlyLaunchesTheEndsAndAllLayers) {
  open();
  mla_model_step made = step();
  uint64_t bytes = 0;
  ASSERT_EQ(mla_model_workspace(bundle, &made, &bytes), MLA_OK) << mla_last_error();
  // Hidden states twice, logits, and the most scratch memory of a list.
  EXPECT_EQ(bytes, 2u * 256 + 256 + 2 * 4096);
  made.workspace_bytes = bytes;
  size_t first = cuda.calls.size();
  ASSERT_EQ(mla_enqueue_model(bundle, &made), MLA_OK) << mla_last_error();
  for (size_t i = first; i < cuda.calls.size(); ++i)
    EXPECT_TRUE(cuda.calls[i] == "cuLaunchKernelEx" || cuda.calls[i] == "cuTensorMapEncodeTiled" ||
                cuda.calls[i].find("cuCtx") == 0)
        << cuda.calls[i];
  std::string names;
  for (const FakeLaunch &launch : launches()) {
    names += launch.kernel + " ";
    EXPECT_EQ(static_cast<void *>(launch.stream), made.stream);
  }
  EXPECT_EQ(names, "embed stage sum_bf16 stage sum_bf16 logits next ");
  EXPECT_EQ(read(made.next, 2), (Ids{2, 6}));
  EXPECT_EQ(Values(made.logits, made.logits + 3), (Values{-1, -0.5, 0}));
  EXPECT_EQ(made.logits[16], 0);
}

TEST_F(EnqueueModel, LogitsAndNextTokensAreOptional) {
  open();
  mla_model_step made = step();
  made.logits = nullptr;
  ASSERT_EQ(mla_enqueue_model(bundle, &made), MLA_OK) << mla_last_error();
  EXPECT_EQ(read(made.next, 2), (Ids{2, 6}));
  launches();
  made = step();
  made.next = nullptr;
  ASSERT_EQ(mla_enqueue_model(bundle, &made), MLA_OK) << mla_last_error();
  EXPECT_EQ(launches().back().kernel, "logits");
  // One that the model does not have is zeros.
  fill(ids, {-1, 10});
  made = step();
  ASSERT_EQ(mla_enqueue_model(bundle, &made), MLA_OK) << mla_last_error();
  EXPECT_EQ(read(made.next, 2), (Ids{0, 0}));
}

TEST_F(EnqueueModel, RowsAreThoseOfAllTokensOrTheLast) {
  open();
  mla_model_step made = step();
  fill(ids, {1, 1});
  fill(ids + 16, {0, 2});
  fill(ids + 32, {2});
  made.batch = 1;
  made.max_queries = 2;
  made.next[1] = -7;
  ASSERT_EQ(mla_enqueue_model(bundle, &made), MLA_OK) << mla_last_error();
  EXPECT_EQ(launches().back().integer(2), 1);
  // Layers sum 2, 2 to 4, 8, and those to 2, 6.
  EXPECT_EQ(read(made.next, 2), (Ids{6, -7}));
  made.which = MLA_LOGITS_ALL;
  ASSERT_EQ(mla_enqueue_model(bundle, &made), MLA_OK) << mla_last_error();
  EXPECT_EQ(read(made.next, 2), (Ids{2, 6}));
}

TEST_F(EnqueueModel, AGraphContinuesFromItsTokens) {
  open();
  mla_model_step made = step();
  made.next = ids;
  made.stream = nullptr;
  mla_graph *graph = nullptr;
  ASSERT_EQ(mla_model_graph_create(bundle, &made, &graph), MLA_OK) << mla_last_error();
  EXPECT_EQ(launches().size(), 7u); // captured, not run
  EXPECT_EQ(read(ids, 2), (Ids{1, 3}));
  EXPECT_EQ(mla_graph_launch(graph, nullptr), MLA_OK) << mla_last_error();
  EXPECT_EQ(read(ids, 2), (Ids{2, 6}));
  fill(ids + 32, {2, 2});
  EXPECT_EQ(mla_graph_launch(graph, nullptr), MLA_OK) << mla_last_error();
  EXPECT_EQ(read(ids, 2), (Ids{8, 9}));
  EXPECT_EQ(launches().size(), 14u);
  mla_graph_destroy(graph);
  mla_graph_destroy(nullptr);
  EXPECT_EQ(mla_graph_launch(nullptr, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("mla_graph_launch: graph is NULL");
}

TEST_F(EnqueueModel, AGraphThatCannotBeMadeLeavesNothing) {
  open();
  mla_graph *graph = nullptr;
  mla_model_step made = step();
  EXPECT_EQ(mla_model_graph_create(bundle, &made, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_model_graph_create(nullptr, &made, &graph), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_model_graph_create(bundle, nullptr, &graph), MLA_INVALID_ARGUMENT);
  made.ids = nullptr;
  EXPECT_EQ(mla_model_graph_create(bundle, &made, &graph), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("mla_model_graph_create: ids is NULL");
  made = step();
  for (const char *call :
       {"cuStreamCreate", "cuStreamBeginCapture", "cuLaunchKernelEx", "cuStreamEndCapture", "cuGraphInstantiate"}) {
    cuda.failures = {{call, 2}};
    EXPECT_EQ(mla_model_graph_create(bundle, &made, &graph), MLA_OUT_OF_MEMORY) << call;
    cuda.capturing = false; // if its end failed
  }
  cuda.failures.clear();
  EXPECT_EQ(graph, nullptr);
}

TEST_F(EnqueueModel, ChecksSizesAndPointers) {
  open();
  refuses([](auto &s) { s.size = 0; }, "step->size is 0");
  refuses([](auto &s) { s.tokens = 3; }, "tokens is 3, more than batch times max_queries");
  refuses([](auto &s) { s.max_length = 13; }, "max_length is 13, but a row of block_table has room for 12");
  refuses([](auto &s) { s.phase = static_cast<mla_phase>(3); }, "phase is 3");
  refuses([](auto &s) { s.which = static_cast<mla_logits>(0); }, "which is 0; use a value of mla_logits");
  refuses([](auto &s) { s.max_length = 40, s.table_width = 10; }, "bundle " + directory.path + " has no decode entry",
          MLA_UNSUPPORTED);
  refuses([](auto &s) { s.max_queries = 2; }, "which is MLA_LOGITS_LAST, for 2 tokens of 2 sequences, up to 2 of each",
          MLA_UNSUPPORTED);
  refuses([](auto &s) { s.ids = nullptr; }, "ids is NULL; pass its address");
  refuses([](auto &s) { s.cu_seqlens = nullptr; }, "cu_seqlens is NULL");
  refuses([](auto &s) { s.block_table = nullptr; }, "block_table is NULL");
  refuses([](auto &s) { s.lengths = nullptr; }, "lengths is NULL");
  refuses([](auto &s) { s.pages = nullptr; }, "pages is NULL");
  refuses([&](auto &) { pages[1] = nullptr; }, "pages[1] is NULL");
  pages[1] = memory->data + 16384;
  refuses([](auto &s) { s.logits = nullptr, s.next = nullptr; }, "logits and next are NULL; pass at least one");
  refuses([](auto &s) { s.logits += 1; }, "logits is not aligned to 16 bytes");
  refuses([](auto &s) { s.workspace = nullptr; }, "workspace is NULL");
  refuses([](auto &s) { s.workspace_bytes = 8959; }, "workspace_bytes is 8959, these sizes need 8960");
  EXPECT_EQ(mla_enqueue_model(bundle, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("step is NULL");
  EXPECT_EQ(mla_enqueue_model(nullptr, nullptr), MLA_INVALID_ARGUMENT);
  mla_model_step made = step();
  EXPECT_EQ(mla_model_workspace(bundle, &made, nullptr), MLA_INVALID_ARGUMENT);
}

TEST_F(EnqueueModel, RefusesBundlesOfLayers) {
  open(gpuManifest());
  refuses([](auto &) {}, "bundle " + directory.path + " has no embedding; compile with --scope=model");
}

TEST_F(EnqueueModel, RefusesNextTokensWithoutTheKernel) {
  std::string text = gpuModelManifest();
  size_t from = text.find("{\"name\": \"next\""), to = text.find("{\"name\": \"latent");
  open(text.erase(from, to - from));
  refuses([](auto &) {}, "bundle " + directory.path + " has no kernel next", MLA_UNSUPPORTED);
  mla_model_step made = step();
  made.next = nullptr;
  EXPECT_EQ(mla_enqueue_model(bundle, &made), MLA_OK) << mla_last_error();
}

TEST_F(EnqueueModel, AnInspectedBundleTellsTheWorkspace) {
  writeGpuBundle(directory.path, gpuModelManifest());
  ASSERT_EQ(mla_bundle_inspect(directory.path.c_str(), &bundle), MLA_OK) << mla_last_error();
  mla_model_step made = ofSizes<mla_model_step>(2, 2, 1, 6);
  made.which = MLA_LOGITS_LAST;
  made.num_pages = 10;
  made.table_width = 3;
  uint64_t bytes = 0;
  EXPECT_EQ(mla_model_workspace(bundle, &made, &bytes), MLA_OK) << mla_last_error();
  EXPECT_EQ(bytes, 8960u);
  EXPECT_EQ(mla_enqueue_model(bundle, &made), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("is only inspected");
}

//===----------------------------------------------------------------------===//
// On host arrays
//===----------------------------------------------------------------------===//

class RunGpuModel : public GpuTest {
protected:
  mla_status run(const mla_batch *batch, const Ids &ids, mla_logits which = MLA_LOGITS_LAST) {
    logits.assign(10 * (which == MLA_LOGITS_ALL ? ids.size() : 2), -1);
    return mla_run_model(bundle, batch, MLA_PHASE_AUTO, ids.data(), which, logits.data());
  }
  /// Returns the number of each row's largest logit.
  Ids largest() const {
    Ids result;
    for (auto row = logits.begin(); row != logits.end(); row += 10)
      result.push_back(static_cast<int32_t>(std::max_element(row, row + 10) - row));
    return result;
  }
  Values logits;
};

TEST_F(RunGpuModel, CopiesInAndOut) {
  openGpu(16, gpuModelManifest());
  mla_sequence first = newSequence(), second = newSequence();
  mla_batch *batch = begin({first, second}, {2, 1});
  ASSERT_EQ(run(batch, {1, 1, 3}, MLA_LOGITS_ALL), MLA_OK) << mla_last_error();
  EXPECT_EQ(largest(), (Ids{2, 6, 6}));
  EXPECT_EQ(logits[0], -1);
  // The last tokens of sequences of different lengths.
  ASSERT_EQ(run(batch, {1, 1, 4}), MLA_OK) << mla_last_error();
  EXPECT_EQ(largest(), (Ids{6, 8}));
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
  batch = begin({first, second}, {1, 1});
  ASSERT_EQ(run(batch, {0, 0}), MLA_OK) << mla_last_error();
  // 4 + 8 + 8, and 16 + 16, by half.
  EXPECT_EQ(largest(), (Ids{9, 9}));
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
}

TEST_F(RunGpuModel, RefusesWhatIsNoTokenAndCaptures) {
  openGpu(16, gpuModelManifest());
  mla_batch *batch = begin({newSequence(), newSequence()}, {1, 1});
  EXPECT_EQ(run(batch, {1, 10}), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("ids[1] is 10, but the model has tokens 0 to 9");
  EXPECT_EQ(mla_run_model(bundle, batch, MLA_PHASE_AUTO, nullptr, MLA_LOGITS_LAST, nullptr), MLA_INVALID_ARGUMENT);
  cuda.capturing = true;
  EXPECT_EQ(run(batch, {1, 2}), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("the stream is being captured; capture mla_enqueue_model instead");
  cuda.capturing = false;
  EXPECT_TRUE(launches().empty());
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(RunGpuModel, FailuresOfTheDriverAreReported) {
  openGpu(16, gpuModelManifest());
  mla_batch *batch = begin({newSequence(), newSequence()}, {2, 1});
  cuda.failures = {{"cuMemAlloc", 2}};
  EXPECT_EQ(run(batch, {1, 2, 3}), MLA_OUT_OF_MEMORY);
  for (const char *call : {"cuMemcpyHtoDAsync", "cuLaunchKernelEx", "cuMemcpyDtoDAsync", "cuEventRecord",
                           "cuStreamSynchronize", "cuMemcpyDtoH"}) {
    cuda.failures = {{call, 700}};
    EXPECT_EQ(run(batch, {1, 2, 3}), MLA_DEVICE_ERROR) << call;
    EXPECT_MESSAGE("mla_run_model: ");
  }
  cuda.failures.clear();
  EXPECT_EQ(run(batch, {1, 2, 3}), MLA_OK) << mla_last_error();
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

//===----------------------------------------------------------------------===//
// Made weights
//===----------------------------------------------------------------------===//

class MadeWeights : public GpuTest {
protected:
  /// Writes a bundle whose file of weights has only the header, of 8 bytes of data.
  void writeHeaderOnly(const std::string &made, const std::string &data = "") {
    std::string field = "\"plan\": \"a plan\", \"made_weights\": " + made;
    writeGpuBundle(directory.path, replaced(gpuModelManifest(), "\"plan\": \"a plan\"", field));
    std::string whole = readFile(directory / "weights.safetensors"), header = whole.substr(0, whole.size() - 8) + data;
    writeFile(directory / "weights.safetensors", header);
    auto sizeOf = [](const std::string &file) { return "\"weights.safetensors\": " + std::to_string(file.size()); };
    writeFile(directory / "manifest.json",
              replaced(readFile(directory / "manifest.json"), sizeOf(whole), sizeOf(header)));
  }
};

TEST_F(MadeWeights, FillTheDevice) {
  writeHeaderOnly("8");
  ASSERT_EQ(mla_bundle_open(directory.path.c_str(), &bundle), MLA_OK) << mla_last_error();
  ASSERT_EQ(mla_cache_create(bundle, 4, &cache), MLA_OK) << mla_last_error();
  mla_batch *batch = begin({newSequence()}, {1});
  int32_t id = 1;
  Values logits(10);
  ASSERT_EQ(mla_run_model(bundle, batch, MLA_PHASE_AUTO, &id, MLA_LOGITS_LAST, logits.data()), MLA_OK);
  // Gammas are close to 1, but not 1: those of layers are the factors 2 and 0.5 otherwise.
  EXPECT_NEAR(logits[9], -8, 0.8);
  EXPECT_NE(logits[9], -8);
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(MadeWeights, AreAllOfTheHeader) {
  writeHeaderOnly("12");
  EXPECT_EQ(openStatus(directory.path), MLA_INVALID_FILE);
  EXPECT_MESSAGE("12 bytes of data");
  writeHeaderOnly("4");
  EXPECT_EQ(openStatus(directory.path), MLA_INVALID_FILE);
  writeHeaderOnly("0");
  EXPECT_EQ(openStatus(directory.path), MLA_INVALID_FILE);
  EXPECT_MESSAGE("field 'made_weights' must be 1 to");
  writeHeaderOnly("8", "abcd");
  EXPECT_EQ(openStatus(directory.path), MLA_INVALID_FILE);
  EXPECT_MESSAGE("has data after the header, but none are expected");
}

TEST_F(MadeWeights, AreForAGpu) {
  writeBundle(directory.path,
              replaced(smallManifest(), "\"layers\": [3, 5]", "\"layers\": [3, 5], \"made_weights\": 8"));
  EXPECT_EQ(openStatus(directory.path), MLA_INVALID_FILE);
  EXPECT_MESSAGE("field 'made_weights' is for a GPU");
}

TEST_F(MadeWeights, FailuresOfTheDriverAreReported) {
  writeHeaderOnly("8");
  for (const char *call : {"cuStreamCreate", "cuMemcpyHtoD", "cuMemcpyDtoDAsync", "cuStreamSynchronize"}) {
    cuda.failures = {{call, 700}};
    EXPECT_EQ(openStatus(directory.path), MLA_DEVICE_ERROR) << call;
  }
  cuda.failures.clear();
}

//===----------------------------------------------------------------------===//
// Manifests
//===----------------------------------------------------------------------===//

class BadGpuModel : public GpuTest, public ::testing::WithParamInterface<BadManifest> {};

TEST_P(BadGpuModel, IsRejected) {
  writeGpuBundle(directory.path, replaced(gpuModelManifest(), GetParam().from, GetParam().to));
  EXPECT_EQ(openStatus(directory.path), GetParam().status);
  EXPECT_MESSAGE(GetParam().says);
}

INSTANTIATE_TEST_SUITE_P(
    Manifest, BadGpuModel,
    ::testing::Values(
        BadManifest{"NoList", R"("workspace": [], "launches": [
      {"kernel": "embed")",
                    R"("workspace": [], "runs": [
      {"kernel": "embed")",
                    "field 'entries[0].launches' is missing"},
        BadManifest{"OtherBuffer", R"({"pointer": "ids"})", R"({"pointer": "cu_seqlens"})",
                    "names 'cu_seqlens', which is no buffer known here"},
        BadManifest{"ForeignWeight", "weight:layers.5.w", "weight:layers.3.w", "'weight:layers.3.w'"},
        BadManifest{"NoWeight", R"("weights": ["layers.5.w"])", R"("weights": ["layers.4.w"])", "layers.5.w"},
        BadManifest{"Twice", R"("name": "next")", R"("name": "embed")", "is 'embed' a second time"},
        BadManifest{"OtherParameters", R"({"pointer": "logits"}, {"pointer": "next"},)", R"({"pointer": "logits"},)",
                    "kernel 'next': parameter 1 has 8 bytes"},
        BadManifest{"BoundWrong", R"("phase": "logits",)",
                    R"("phase": "logits", "bindings": [{"name": "hidden", "dtype": "bf16", "shape": ["tokens", 8]},
                      {"name": "logits", "dtype": "f32", "shape": ["tokens", 11]}],)",
                    "must be vocab_size, 10, for 'logits'"}),
    byName);
