//===- StepCheckTest.cpp - The check of a step's tables -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuTestSupport.h"

#include "StepVerdict.h"

#include <algorithm>
#include <functional>

using namespace mla;

namespace {
/// Three sequences of 5, 8 and 1 tokens, of which 2, 1 and 1 are new, in pages of 4; unused table entries are
/// invalid.
struct Tables {
  int32_t cuSeqlens[4] = {0, 2, 3, 4}, lengths[3] = {5, 8, 1}, blockTable[3][3] = {{7, 0, -9}, {9, 3, 99}, {4, -1, 10}};
};

struct Fault {
  const char *name;
  std::function<void(Tables &)> change;
  mla_step_verdict verdict;
  int64_t sequence;
  const char *says;
};

/// For GoogleTest, which otherwise prints the bytes.
void PrintTo(const Fault &fault, std::ostream *stream) { *stream << fault.name; }

mla_step stepOf(const Tables &tables) {
  auto step = ofSizes<mla_step>(4, 3, 2, 8);
  step.layer = 3;
  step.num_pages = 10;
  step.table_width = 3;
  step.cu_seqlens = tables.cuSeqlens;
  step.lengths = tables.lengths;
  step.block_table = tables.blockTable[0];
  return step;
}

StepTables judged(const Tables &tables) {
  StepTables made;
  made.cuSeqlens = tables.cuSeqlens;
  made.lengths = tables.lengths;
  made.blockTable = tables.blockTable[0];
  made.tokens = 4;
  made.batch = 3;
  made.maxQueries = 2;
  made.maxLength = 8;
  made.tableWidth = 3;
  made.pages = 10;
  made.page = 4;
  return made;
}

const Fault faults[] = {
    {"first",
     [](Tables &t) { t.cuSeqlens[0] = 1; },
     {MLA_STEP_BEGIN, 0, 1, 5},
     0,
     "sequence 0: cu_seqlens[0] is 1; the first is 0"},
    {"falling",
     [](Tables &t) { t.cuSeqlens[2] = 1; },
     {MLA_STEP_FALLING, 2, 1, 8},
     1,
     "sequence 1: cu_seqlens[2] is 1, less than the one before"},
    {"beyondTokens",
     [](Tables &t) { t.cuSeqlens[3] = 5; },
     {MLA_STEP_BEYOND_TOKENS, 3, 5, 1},
     2,
     "sequence 2: cu_seqlens[3] is 5, more than tokens, 4"},
    {"queries",
     [](Tables &t) { t.cuSeqlens[1] = 3; },
     {MLA_STEP_QUERIES, 1, 3, 5},
     0,
     "sequence 0: it has 3 query tokens up to cu_seqlens[1], more than max_queries, 2"},
    {"short",
     [](Tables &t) { t.lengths[0] = 1; },
     {MLA_STEP_SHORT, 0, 1, 1},
     0,
     "sequence 0: lengths[0] is 1, less than its query tokens"},
    {"negative",
     [](Tables &t) { t.lengths[2] = INT32_MIN; },
     {MLA_STEP_SHORT, 2, INT32_MIN, INT32_MIN},
     2,
     "sequence 2: lengths[2] is -2147483648"},
    {"long",
     [](Tables &t) { t.lengths[1] = 9; },
     {MLA_STEP_LONG, 1, 9, 9},
     1,
     "sequence 1: lengths[1] is 9, more than max_length, 8"},
    {"pageNegative",
     [](Tables &t) { t.blockTable[1][1] = -1; },
     {MLA_STEP_PAGE, 1, -1, 8},
     1,
     "sequence 1: block_table[1][1] is -1; give a page, 0 to 9"},
    {"pageBeyond",
     [](Tables &t) { t.blockTable[0][0] = 10; },
     {MLA_STEP_PAGE, 0, 10, 5},
     0,
     "sequence 0: block_table[0][0] is 10; give a page, 0 to 9"},
    {"uncoveredTokens",
     [](Tables &t) { t.cuSeqlens[3] = 3; },
     {MLA_STEP_UNCOVERED, 3, 3, 1},
     2,
     "sequence 2: cu_seqlens[3] is 3, the last, less than tokens, 4; end it at tokens"},
};

class StepCheck : public GpuTest {};
class StepCheckFinds : public GpuTest, public ::testing::WithParamInterface<Fault> {
protected:
  /// Checks the open bundle, for the host or for the device.
  void expectToFind() {
    Tables tables;
    mla_step step = stepOf(tables);
    EXPECT_EQ(mla_step_check(bundle, &step), MLA_OK) << mla_last_error();
    GetParam().change(tables);
    EXPECT_EQ(mla_step_check(bundle, &step), MLA_INVALID_ARGUMENT);
    EXPECT_MESSAGE(std::string("mla_step_check: ") + GetParam().says);
  }
};
} // namespace

TEST(StepVerdict, RightIsRight) {
  Tables tables;
  for (int64_t s = 0; s < 3; ++s) {
    mla_step_verdict verdict = judgeSequence(judged(tables), s);
    EXPECT_EQ(verdict.fault, MLA_STEP_RIGHT);
    EXPECT_EQ(verdict.length, tables.lengths[s]);
  }
}

TEST_P(StepCheckFinds, AsAVerdict) {
  Tables tables;
  GetParam().change(tables);
  mla_step_verdict verdict = judgeSequence(judged(tables), GetParam().sequence), expected = GetParam().verdict;
  EXPECT_EQ(std::memcmp(&verdict, &expected, sizeof(verdict)), 0)
      << verdict.fault << " " << verdict.entry << " " << verdict.value << " " << verdict.length;
}

TEST_P(StepCheckFinds, OnTheHost) {
  writeBundle(directory.path);
  ASSERT_EQ(mla_bundle_open(directory.path.c_str(), &bundle), MLA_OK) << mla_last_error();
  expectToFind();
}

TEST_P(StepCheckFinds, OnTheDevice) {
  openGpu();
  expectToFind();
}

INSTANTIATE_TEST_SUITE_P(Faults, StepCheckFinds, ::testing::ValuesIn(faults), byName);

TEST_F(StepCheck, LaunchesItsKernelAlone) {
  openGpu();
  Tables tables;
  mla_step step = stepOf(tables);
  cuda::StreamTag stream;
  cuda.streams.insert(&stream);
  step.stream = &stream;
  ASSERT_EQ(mla_step_check(bundle, &step), MLA_OK) << mla_last_error();
  std::vector<FakeLaunch> done = launches();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].kernel, "step_check");
  EXPECT_EQ(done[0].grid[0], 1u);
  EXPECT_EQ(static_cast<void *>(done[0].stream), step.stream);
  EXPECT_FALSE(done[0].overlap);
  EXPECT_EQ(done[0].pointer(0), reinterpret_cast<uint64_t>(step.cu_seqlens));
  EXPECT_EQ(done[0].pointer(1), reinterpret_cast<uint64_t>(step.lengths));
  EXPECT_EQ(done[0].pointer(2), reinterpret_cast<uint64_t>(step.block_table));
  const int32_t integers[] = {4, 3, 2, 8, 3, 10, 4};
  for (size_t i = 0; i < 7; ++i)
    EXPECT_EQ(done[0].integer(4 + i), integers[i]) << i;
  cuda.streams.erase(&stream);
  EXPECT_NE(std::find(cuda.calls.begin(), cuda.calls.end(), "cuStreamSynchronize"), cuda.calls.end());
}

TEST_F(StepCheck, SumsLengths) {
  openGpu();
  Tables tables;
  mla_step step = stepOf(tables);
  step.cached = 13;
  EXPECT_EQ(mla_step_check(bundle, &step), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("all lengths together are 14, more than cached, 13");
  step.cached = 14;
  EXPECT_EQ(mla_step_check(bundle, &step), MLA_OK) << mla_last_error();
}

TEST_F(StepCheck, ReadsManyVerdicts) {
  openGpu();
  constexpr int64_t batch = 1000;
  std::vector<int32_t> cu(batch + 1), lengths(batch, 4), table(batch);
  for (int64_t s = 0; s <= batch; ++s)
    cu[s] = static_cast<int32_t>(s);
  mla_step step = stepOf(Tables());
  step.batch = step.tokens = batch;
  step.max_length = 4;
  step.table_width = 1;
  step.cu_seqlens = cu.data();
  step.lengths = lengths.data();
  step.block_table = table.data();
  EXPECT_EQ(mla_step_check(bundle, &step), MLA_OK) << mla_last_error();
  table[999] = 10;
  EXPECT_EQ(mla_step_check(bundle, &step), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("sequence 999: block_table[999][0] is 10");
}

TEST_F(StepCheck, RefusesWhatItCannotRunOn) {
  Tables tables;
  mla_step step = stepOf(tables);
  EXPECT_EQ(mla_step_check(nullptr, &step), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("bundle is NULL");
  openGpu();
  EXPECT_EQ(mla_step_check(bundle, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("step is NULL");
  step.table_width = 1;
  EXPECT_EQ(mla_step_check(bundle, &step), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("max_length is 8, but a row of block_table has room for 4 tokens");
  step = stepOf(tables);
  step.lengths = nullptr;
  EXPECT_EQ(mla_step_check(bundle, &step), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("lengths is NULL");
  step = stepOf(tables);
  cuda.capturing = true;
  EXPECT_EQ(mla_step_check(bundle, &step), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("the stream is being captured; check before or after");
  cuda.capturing = false;
  EXPECT_TRUE(launches().empty());
}

TEST_F(StepCheck, TellsWhatTheDriverSays) {
  openGpu();
  Tables tables;
  mla_step step = stepOf(tables);
  for (const char *call : {"cuLaunchKernelEx", "cuStreamSynchronize", "cuMemcpyDtoH"}) {
    cuda.failures[call] = cuda::illegalAddress;
    EXPECT_EQ(mla_step_check(bundle, &step), MLA_DEVICE_ERROR) << call;
    cuda.failures.clear();
  }
  cuda.failures["cuMemAlloc"] = cuda::outOfMemory;
  EXPECT_EQ(mla_step_check(bundle, &step), MLA_OUT_OF_MEMORY);
}

TEST_F(StepCheck, NeedsItsKernel) {
  openGpu(0, gpuManifestWithoutCores());
  Tables tables;
  mla_step step = stepOf(tables);
  EXPECT_EQ(mla_step_check(bundle, &step), MLA_UNSUPPORTED);
  EXPECT_MESSAGE("has no kernel step_check of its own; it was made by an earlier release");
}
