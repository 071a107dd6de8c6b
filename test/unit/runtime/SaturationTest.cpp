//===- SaturationTest.cpp - What a packed cache could not hold ------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuTestSupport.h"

#include "RowVerdict.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace mla;
using schema::CacheFormat;

namespace {
constexpr int64_t latent = 16, rope = 8, page = 4, numPages = 10;

/// Three sequences of 5, 8 and 1 tokens, of which 2, 1 and 1 are new, and their pages, which are zeros.
struct Rows {
  explicit Rows(CacheFormat format, int64_t latent = ::latent, int64_t rope = ::rope)
      : rows(packedRows(format, latent, rope)), memory(numPages * page * rows.rowBytes) {
    rows.pages = memory.data();
    tables.cuSeqlens = cuSeqlens;
    tables.lengths = lengths;
    tables.blockTable = blockTable[0];
    tables.tokens = 4;
    tables.batch = 3;
    tables.tableWidth = 3;
    tables.pages = numPages;
    tables.page = page;
  }
  uint8_t *row(int64_t sequence, int64_t position) {
    return memory.data() + (blockTable[sequence][position / page] * page + position % page) * rows.rowBytes;
  }
  /// Returns the first verdict with a token, as the API does.
  mla_saturation judge() {
    for (int64_t s = 0; s < 3; ++s)
      if (mla_row_verdict verdict = judgeRows(tables, rows, s); verdict.tokens)
        return firstOf(verdict, s, rows);
    return {};
  }
  mla_step step() {
    auto step = ofSizes<mla_step>(4, 3, 2, 8);
    step.layer = 3;
    step.num_pages = numPages;
    step.table_width = 3;
    step.cu_seqlens = cuSeqlens;
    step.lengths = lengths;
    step.block_table = blockTable[0];
    step.pages = memory.data();
    return step;
  }

  PackedRows rows;
  StepTables tables;
  int32_t cuSeqlens[4] = {0, 2, 3, 4}, lengths[3] = {5, 8, 1}, blockTable[3][3] = {{7, 0, -9}, {9, 3, 99}, {4, -1, 10}};
  std::vector<uint8_t> memory;
};

void put16(uint8_t *to, uint16_t value) { std::memcpy(to, &value, sizeof(value)); }
void put32(uint8_t *to, uint32_t value) { std::memcpy(to, &value, sizeof(value)); }

class Saturation : public GpuTest {
protected:
  void openHost(const char *format) {
    std::string manifest =
        replaced(smallManifest(), R"("standard", "dtype": "f32")", std::string("\"") + format + R"(", "dtype": "i8")");
    writeBundle(directory.path, replaced(replaced(manifest, R"("kv_lora_rank": 2)", R"("kv_lora_rank": 16)"),
                                         R"("qk_rope_head_dim": 2)", R"("qk_rope_head_dim": 8)"));
    ASSERT_EQ(mla_bundle_open(directory.path.c_str(), &bundle), MLA_OK) << mla_last_error();
  }
  /// Checks the open bundle, for the host or for the device.
  void expectToCount() {
    Rows rows(CacheFormat::FP8Tensor);
    mla_step step = rows.step();
    mla_saturation found = {7, 7, 7, 7, 7};
    ASSERT_EQ(mla_step_saturation(bundle, &step, &found), MLA_OK) << mla_last_error();
    EXPECT_EQ(found.tokens, 0);
    EXPECT_EQ(found.column, 0);
    rows.row(1, 7)[16 + 5] = 0xfe;
    rows.row(1, 7)[16 + 6] = 0x7e;
    rows.row(2, 0)[3] = 0x7f;
    ASSERT_EQ(mla_step_saturation(bundle, &step, &found), MLA_OK) << mla_last_error();
    EXPECT_EQ(found.tokens, 2);
    EXPECT_EQ(found.sequence, 1);
    EXPECT_EQ(found.position, 7);
    EXPECT_EQ(found.column, latent + 5);
    EXPECT_EQ(found.value, -448);
  }
};
} // namespace

TEST(RowVerdict, FindsTheLargestOfE4M3) {
  for (uint8_t code : {0x7e, 0xfe, 0x7f, 0xff})
    for (int64_t column = 0; column < latent + rope; ++column) {
      Rows rows(CacheFormat::FP8Tensor);
      rows.row(0, 4)[column] = code;
      mla_saturation found = rows.judge();
      EXPECT_EQ(found.tokens, 1);
      EXPECT_EQ(found.position, 4);
      EXPECT_EQ(found.column, column);
      EXPECT_EQ(std::signbit(found.value), code >= 0x80);
      EXPECT_TRUE((code & 1) ? std::isnan(found.value) : std::abs(found.value) == 448) << found.value;
    }
}

TEST(RowVerdict, IgnoresSmallerNumbersAndOtherRows) {
  for (CacheFormat format : {CacheFormat::FP8Tensor, CacheFormat::FP8Row}) {
    Rows rows(format);
    std::fill(rows.memory.begin(), rows.memory.end(), 0xff);
    for (auto [sequence, position] : {std::pair(0, 3), std::pair(0, 4), std::pair(1, 7), std::pair(2, 0)}) {
      std::fill_n(rows.row(sequence, position), rows.rows.rowBytes, 0);
      std::fill_n(rows.row(sequence, position), latent, format == CacheFormat::FP8Row ? 0xfe : 0xfd);
      std::fill_n(rows.row(sequence, position) + schema::packedRow(format, latent, rope).rope, rope, 0x7d);
    }
    EXPECT_EQ(rows.judge().tokens, 0);
  }
}

TEST(RowVerdict, FindsWhatIsNotFiniteInRowsWithScales) {
  constexpr int64_t wide = 200;
  schema::PackedRow layout = schema::packedRow(CacheFormat::FP8Row, wide, rope);
  Rows scale(CacheFormat::FP8Row, wide);
  put32(scale.row(2, 0) + layout.scales + 4, 0x7f800000);
  EXPECT_EQ(scale.judge().column, 128);
  EXPECT_EQ(scale.judge().value, INFINITY);
  put32(scale.row(2, 0) + layout.scales, 0x7fc00000);
  EXPECT_EQ(scale.judge().column, 0);
  EXPECT_TRUE(std::isnan(scale.judge().value));
  put32(scale.row(2, 0) + layout.scales, 0x7f7fffff);
  put32(scale.row(2, 0) + layout.scales + 4, 0x7f7fffff);
  EXPECT_EQ(scale.judge().tokens, 0);

  Rows key(CacheFormat::FP8Row, wide);
  put16(key.row(2, 0) + layout.rope + 2 * 7, 0xff80);
  EXPECT_EQ(key.judge().column, wide + 7);
  EXPECT_EQ(key.judge().value, -INFINITY);
  put16(key.row(2, 0) + layout.rope + 2 * 7, 0x7f7f);
  EXPECT_EQ(key.judge().tokens, 0);

  Rows element(CacheFormat::FP8Row, wide);
  element.row(2, 0)[199] = 0x7f;
  EXPECT_EQ(element.judge().column, 199);
  EXPECT_TRUE(std::isnan(element.judge().value));
}

TEST_F(Saturation, IsCountedOnTheHost) {
  openHost("fp8_tensor");
  expectToCount();
}

TEST_F(Saturation, IsCountedOnTheDevice) {
  openGpu(0, packedGpuManifest());
  expectToCount();
}

TEST_F(Saturation, DoesNotOccurInAStandardCache) {
  openGpu();
  Rows rows(CacheFormat::FP8Tensor);
  std::fill(rows.memory.begin(), rows.memory.end(), 0xff);
  mla_step step = rows.step();
  mla_saturation found = {7, 7, 7, 7, 7};
  ASSERT_EQ(mla_step_saturation(bundle, &step, &found), MLA_OK) << mla_last_error();
  EXPECT_EQ(found.tokens, 0);
}

TEST_F(Saturation, IsCountedInABatch) {
  for (bool onDevice : {false, true}) {
    if (onDevice)
      openGpu(4, packedGpuManifest());
    else {
      openHost("fp8_tensor");
      ASSERT_EQ(mla_cache_create(bundle, 4, &cache), MLA_OK);
    }
    mla_sequence sequences[2];
    const int32_t tokens[2] = {5, 2};
    for (mla_sequence &sequence : sequences)
      ASSERT_EQ(mla_sequence_create(cache, &sequence), MLA_OK);
    mla_batch *batch = nullptr;
    ASSERT_EQ(mla_batch_begin(cache, sequences, tokens, 2, &batch), MLA_OK);
    void *data = nullptr;
    int64_t dims[3], count = 0;
    mla_dtype dtype;
    ASSERT_EQ(mla_cache_pages(cache, 5, &data, dims, &dtype), MLA_OK);
    std::memset(data, 0, dims[0] * dims[1] * dims[2]);
    int32_t numbers[2];
    ASSERT_EQ(mla_sequence_pages(cache, sequences[0], numbers, 2, &count), MLA_OK);
    static_cast<uint8_t *>(data)[numbers[1] * page * dims[2] + 2] = 0x7e; // token 4
    mla_saturation found;
    ASSERT_EQ(mla_batch_saturation(bundle, 5, batch, &found), MLA_OK) << mla_last_error();
    EXPECT_EQ(found.tokens, 1);
    EXPECT_EQ(found.sequence, 0);
    EXPECT_EQ(found.position, 4);
    EXPECT_EQ(found.column, 2);
    EXPECT_EQ(mla_batch_saturation(bundle, 4, batch, &found), MLA_INVALID_ARGUMENT);
    EXPECT_MESSAGE("the bundle has no layer 4");
    EXPECT_EQ(mla_batch_saturation(bundle, 5, batch, nullptr), MLA_INVALID_ARGUMENT);
    EXPECT_MESSAGE("result is NULL");
    EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
    EXPECT_EQ(mla_batch_saturation(bundle, 5, batch, &found), MLA_INVALID_ARGUMENT);
    EXPECT_EQ(mla_cache_destroy(cache), MLA_OK);
    mla_bundle_close(bundle);
    cache = nullptr;
    bundle = nullptr;
  }
}

TEST_F(Saturation, RefusesWhatItCannotRunOn) {
  Rows rows(CacheFormat::FP8Tensor);
  mla_step step = rows.step();
  mla_saturation found;
  EXPECT_EQ(mla_step_saturation(nullptr, &step, &found), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("bundle is NULL");
  // As an earlier release wrote it.
  openGpu(0, replaced(gpuManifest(), R"("format": "standard", "dtype": "bf16")",
                      R"("format": "fp8_tensor", "dtype": "i8")"));
  EXPECT_EQ(mla_step_saturation(bundle, &step, &found), MLA_UNSUPPORTED);
  EXPECT_MESSAGE("has no kernel row_check of its own");
  mla_bundle_close(bundle);
  openGpu(0, packedGpuManifest());
  step.pages = nullptr;
  EXPECT_EQ(mla_step_saturation(bundle, &step, &found), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("pages is NULL");
  step = rows.step();
  rows.blockTable[1][1] = 10;
  EXPECT_EQ(mla_step_saturation(bundle, &step, &found), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("sequence 1: block_table[1][1] is 10");
  rows.blockTable[1][1] = 3;
  cuda.capturing = true;
  EXPECT_EQ(mla_step_saturation(bundle, &step, &found), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("the stream is being captured; check before or after");
  cuda.capturing = false;
}
