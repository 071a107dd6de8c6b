//===- EnqueueHostTest.cpp - Layers for a CPU on the caller's memory ------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <functional>

namespace {
/// Two sequences of 5 and 2 tokens, all new, in 4 pages of 4 tokens; unused table entries are invalid.
class EnqueueHost : public RuntimeTest {
protected:
  void SetUp() override {
    open(1);
    for (int t = 0; t < 7; ++t)
      hidden[3 * t] = static_cast<float>(t + 1);
  }
  mla_step step() {
    auto made = ofSizes<mla_step>(7, 2, 5, 8);
    made.layer = 3;
    made.num_pages = 4;
    made.table_width = 2;
    made.hidden = hidden;
    made.cu_seqlens = cuSeqlens;
    made.pages = pages;
    made.block_table = blockTable;
    made.lengths = lengths;
    made.out = out;
    return made;
  }
  void refuses(const std::function<void(mla_step &)> &change, const char *says) {
    mla_step made = step();
    change(made);
    std::fill(std::begin(out), std::end(out), -1.0f);
    EXPECT_EQ(mla_enqueue_layer(bundle, &made), MLA_INVALID_ARGUMENT) << says;
    EXPECT_MESSAGE(says);
    EXPECT_EQ(out[0], -1) << says;
  }
  float hidden[21] = {}, out[21] = {}, pages[4 * 4 * 4] = {};
  int32_t cuSeqlens[3] = {0, 5, 7}, lengths[2] = {5, 2}, blockTable[4] = {3, 0, 1, 99};
};
} // namespace

TEST_F(EnqueueHost, RunsBeforeItReturns) {
  mla_step made = step();
  ASSERT_EQ(mla_enqueue_layer(bundle, &made), MLA_OK) << mla_last_error();
  const float sums[] = {1, 3, 6, 10, 15, 6, 13};
  for (int t = 0; t < 7; ++t)
    EXPECT_EQ(out[3 * t], 2 * sums[t]) << t;

  // One more token for the first sequence, none for the second.
  lengths[0] = 6;
  cuSeqlens[1] = cuSeqlens[2] = made.tokens = made.max_queries = 1;
  hidden[0] = 100;
  ASSERT_EQ(mla_enqueue_layer(bundle, &made), MLA_OK) << mla_last_error();
  EXPECT_EQ(out[0], 2 * 115);
}

TEST_F(EnqueueHost, NeedsNoWorkspace) {
  mla_step made = step();
  uint64_t bytes = 1;
  ASSERT_EQ(mla_step_workspace(bundle, &made, &bytes), MLA_OK) << mla_last_error();
  EXPECT_EQ(bytes, 0u);
  EXPECT_EQ(mla_step_workspace(bundle, &made, nullptr), MLA_INVALID_ARGUMENT);
}

TEST_F(EnqueueHost, RefusesWhatWouldTouchOtherMemory) {
  blockTable[1] = 4;
  refuses([](mla_step &) {}, "block_table[0][1] is 4; give a page, 0 to 3");
  blockTable[1] = 0;
  lengths[1] = 1;
  refuses([](mla_step &) {}, "lengths[1] is 1, less than its query tokens");
  lengths[1] = 2;
  cuSeqlens[2] = 8;
  refuses([](mla_step &) {}, "cu_seqlens[2] is 8, more than tokens");
  // A token without a sequence has no position; code that uses the last sequence's would write out of bounds.
  cuSeqlens[2] = 6;
  refuses([](mla_step &) {}, "cu_seqlens[2] is 6, the last, less than tokens, 7");
  cuSeqlens[2] = 7;
  refuses([](mla_step &made) { made.stream = &made; }, "stream is given");
  refuses([](mla_step &made) { made.pages = nullptr; }, "pages is NULL");
  refuses([](mla_step &made) { made.hidden = made.out; }, "overlap");
  refuses([](mla_step &made) { made.hidden = reinterpret_cast<const char *>(made.hidden) + 1; }, "not aligned to 4");
  refuses([](mla_step &made) { made.layer = 4; }, "no layer 4");
}

TEST_F(EnqueueHost, NeedsTheCode) {
  mla_bundle *inspected = nullptr;
  ASSERT_EQ(mla_bundle_inspect(directory.path.c_str(), &inspected), MLA_OK);
  mla_step made = step();
  EXPECT_EQ(mla_enqueue_layer(inspected, &made), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("only inspected");
  mla_bundle_close(inspected);
}
