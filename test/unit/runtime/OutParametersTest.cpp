//===- OutParametersTest.cpp - Results of calls that fail -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// After a status other than MLA_OK nothing has changed, so neither have the
// places for results.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

namespace {
/// Fails the test if a place does not hold what it held.
template <typename T> class Untouched {
public:
  explicit Untouched(T value) : before(value), place(value) {}
  ~Untouched() { EXPECT_EQ(place, before); }
  T *operator&() { return &place; }

private:
  T before, place;
};

/// A pointer that no function gives.
template <typename T> T *noPointer() { return reinterpret_cast<T *>(uintptr_t(0x5a5a)); }

class OutParameters : public RuntimeTest {};
} // namespace

TEST_F(OutParameters, OfBundlesAndCaches) {
  open(4);
  Untouched<mla_bundle *> other(noPointer<mla_bundle>());
  EXPECT_EQ(mla_bundle_open((directory / "none").c_str(), &other), MLA_IO_ERROR);
  EXPECT_EQ(mla_bundle_inspect((directory / "none").c_str(), &other), MLA_IO_ERROR);
  EXPECT_EQ(mla_bundle_inspect_on_device((directory / "none").c_str(), &other), MLA_IO_ERROR);
  Untouched<mla_cache *> made(noPointer<mla_cache>());
  EXPECT_EQ(mla_cache_create(bundle, 0, &made), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_cache_create(nullptr, 1, &made), MLA_INVALID_ARGUMENT);
  Untouched<void *> data(noPointer<void>());
  Untouched<mla_dtype> dtype(MLA_BF16);
  int64_t dims[3] = {-7, -8, -9};
  EXPECT_EQ(mla_cache_pages(cache, 4, &data, dims, &dtype), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(dims[0], -7);
  EXPECT_EQ(dims[2], -9);
}

TEST_F(OutParameters, OfSequences) {
  open(4);
  mla_sequence present = newSequence();
  append(present, {1, 2, 3, 4, 5});
  Untouched<mla_sequence> sequence(-5);
  EXPECT_EQ(mla_sequence_create(nullptr, &sequence), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_fork(cache, -1, &sequence), MLA_INVALID_ARGUMENT);
  Untouched<int64_t> number(-6);
  int32_t pages[2] = {-1, -2};
  EXPECT_EQ(mla_sequence_length(cache, -1, &number), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_pages(cache, -1, pages, 2, &number), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_pages(cache, present, pages, -1, &number), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_pages(cache, present, nullptr, 2, &number), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_pages(cache, present, pages, 1, &number), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("capacity is 1, the sequence has 2 pages; make room for all");
  EXPECT_EQ(pages[0], -1);
}

TEST_F(OutParameters, OfSteps) {
  open(2);
  mla_sequence sequence = newSequence();
  int32_t tokens = 9, none = 0;
  Untouched<mla_batch *> batch(noPointer<mla_batch>());
  EXPECT_EQ(mla_batch_begin(cache, &sequence, &tokens, 1, &batch), MLA_OUT_OF_PAGES);
  EXPECT_EQ(mla_batch_begin(cache, &sequence, &none, 1, &batch), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_batch_begin(cache, &sequence, &tokens, 0, &batch), MLA_INVALID_ARGUMENT);
  Untouched<int64_t> entry(-4), count(-5);
  Untouched<uint64_t> bytes(77);
  EXPECT_EQ(mla_select_entry(bundle, nullptr, MLA_PHASE_AUTO, &entry), MLA_INVALID_ARGUMENT);
  mla_launch_time time = {};
  EXPECT_EQ(mla_time_layer(bundle, 3, nullptr, MLA_PHASE_AUTO, nullptr, nullptr, &time, 1, &count), MLA_UNSUPPORTED);
  auto step = ofSizes<mla_step>(1, 1, 1, 1);
  EXPECT_EQ(mla_step_workspace(bundle, &step, &bytes), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_latent_attention_workspace(bundle, nullptr, &bytes), MLA_UNSUPPORTED);
  EXPECT_EQ(mla_naive_attention_workspace(bundle, nullptr, &bytes), MLA_UNSUPPORTED);
  Untouched<void *> memory(noPointer<void>());
  EXPECT_EQ(mla_device_malloc(0, &memory), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_device_malloc(UINT64_MAX, &memory), MLA_OUT_OF_MEMORY);
}
