//===- PackedCacheTest.cpp - Caches whose rows are bytes ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "mla/cache_format.h"

#include <cstring>

using mla::schema::CacheFormat;
using mla::schema::packedRow;

static std::string manifestOf(const std::string &format) {
  return replaced(smallManifest(), R"("standard", "dtype": "f32")", "\"" + format + R"(", "dtype": "i8")");
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

namespace {
struct Layout {
  const char *name;
  CacheFormat format;
  int64_t latent, rope;
  int64_t scales, numScales, keys, bytes;
};
class PackedRowLayout : public ::testing::TestWithParam<Layout> {};
} // namespace

TEST_P(PackedRowLayout, IsAsDocumented) {
  const Layout &want = GetParam();
  mla::schema::PackedRow row = packedRow(want.format, want.latent, want.rope);
  EXPECT_EQ(row.numScales, want.numScales);
  if (want.numScales)
    EXPECT_EQ(row.scales, want.scales);
  EXPECT_EQ(row.rope, want.keys);
  EXPECT_EQ(row.bytes, want.bytes);
  EXPECT_EQ(mla::schema::cacheRow(want.format, want.latent, want.rope), want.bytes);
}

INSTANTIATE_TEST_SUITE_P(Widths, PackedRowLayout,
                         ::testing::Values(Layout{"deepseekRow", CacheFormat::FP8Row, 512, 64, 512, 4, 528,
                                                  656}, // FlashMLA's
                                           Layout{"deepseekTensor", CacheFormat::FP8Tensor, 512, 64, 0, 0, 512, 576},
                                           Layout{"partOfAGroup", CacheFormat::FP8Row, 192, 16, 192, 2, 208, 240},
                                           Layout{"fewColumns", CacheFormat::FP8Row, 2, 2, 4, 1, 16, 32},
                                           Layout{"fewColumnsTensor", CacheFormat::FP8Tensor, 2, 2, 0, 0, 16, 32},
                                           Layout{"noKeysRow", CacheFormat::FP8Row, 512, 0, 512, 4, 528, 528},
                                           Layout{"noKeysTensor", CacheFormat::FP8Tensor, 512, 0, 0, 0, 512, 512},
                                           Layout{"oddColumns", CacheFormat::FP8Row, 129, 6, 132, 2, 144, 160}),
                         byName);

TEST(PackedRowLayout, OfAStandardCacheAreElements) {
  EXPECT_EQ(mla::schema::cacheRow(CacheFormat::Standard, 512, 64), 576);
}

//===----------------------------------------------------------------------===//
// Caches
//===----------------------------------------------------------------------===//

namespace {
class PackedCacheTest : public RuntimeTest, public ::testing::WithParamInterface<const char *> {
protected:
  static constexpr int64_t rowBytes = 32, pageTokens = 4;

  char *memory(int64_t layer) {
    void *data = nullptr;
    int64_t dims[3];
    mla_dtype dtype;
    EXPECT_EQ(mla_cache_pages(cache, layer, &data, dims, &dtype), MLA_OK) << mla_last_error();
    EXPECT_EQ(dims[0], mla_cache_num_pages(cache));
    EXPECT_EQ(dims[1], pageTokens);
    EXPECT_EQ(dims[2], rowBytes);
    EXPECT_EQ(dtype, MLA_I8);
    return static_cast<char *>(data);
  }
  char *pageOf(int64_t layer, mla_sequence sequence, size_t index) {
    return memory(layer) + pages(sequence)[index] * pageTokens * rowBytes;
  }
  /// Gives the sequence tokens whose rows are all of byte `value`, in both layers.
  void append(mla_sequence sequence, int64_t count, char value) {
    int64_t first = length(sequence);
    mla_batch *batch = begin({sequence}, {static_cast<int32_t>(count)});
    for (int64_t layer : {3, 5})
      for (int64_t token = first; token < first + count; ++token)
        std::memset(pageOf(layer, sequence, token / pageTokens) + token % pageTokens * rowBytes, value + layer,
                    rowBytes);
    ASSERT_EQ(mla_batch_commit(batch), MLA_OK) << mla_last_error();
  }
};
} // namespace

TEST_P(PackedCacheTest, HasTheBundlesRows) {
  open(5, manifestOf(GetParam()));
  const mla_bundle_info *info = mla_bundle_get_info(bundle);
  EXPECT_STREQ(info->cache_format, GetParam());
  EXPECT_EQ(info->dtype, MLA_F32);
  EXPECT_EQ(info->cache_dtype, MLA_I8);
  EXPECT_EQ(info->cache_row, rowBytes);
  EXPECT_GE(memory(5) - memory(3), 5 * pageTokens * rowBytes);
}

TEST_P(PackedCacheTest, ForkCopiesThePartOfAPage) {
  open(4, manifestOf(GetParam()));
  mla_sequence parent = newSequence(), child = 0;
  append(parent, 6, 'a');
  ASSERT_EQ(mla_sequence_fork(cache, parent, &child), MLA_OK);
  append(child, 1, 'p');
  EXPECT_EQ(pages(child)[0], pages(parent)[0]);
  ASSERT_NE(pages(child)[1], pages(parent)[1]);
  for (int64_t layer : {3, 5}) {
    std::string copied(pageOf(layer, child, 1), 3 * rowBytes), kept(pageOf(layer, parent, 1), 2 * rowBytes);
    EXPECT_EQ(copied, kept + std::string(rowBytes, static_cast<char>('p' + layer)));
    EXPECT_EQ(kept, std::string(2 * rowBytes, static_cast<char>('a' + layer)));
  }
}

TEST_P(PackedCacheTest, IsRefusedByABundleOfAnotherFormat) {
  open(2, manifestOf(GetParam()));
  mla_batch *batch = begin({newSequence()}, {1});
  for (const char *format : {"standard", "fp8_tensor", "fp8_row"}) {
    if (std::string(format) == GetParam())
      continue;
    TempDir other;
    writeBundle(other.path, std::string(format) == "standard" ? smallManifest() : manifestOf(format));
    mla_bundle *opened = nullptr;
    ASSERT_EQ(mla_bundle_open(other.path.c_str(), &opened), MLA_OK) << mla_last_error();
    float in[3] = {}, out[3];
    EXPECT_EQ(mla_run_layer(opened, 3, batch, MLA_PHASE_AUTO, in, out), MLA_INVALID_ARGUMENT);
    EXPECT_MESSAGE("the batch's cache has format " + std::string(GetParam()) + ", bundle " + other.path + " has " +
                   format);
    mla_bundle_close(opened);
  }
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_P(PackedCacheTest, IsRefusedByABundleOfAnotherScale) {
  std::string manifest = manifestOf(GetParam());
  open(2, manifest);
  EXPECT_EQ(mla_bundle_get_info(bundle)->cache_scale, 1);
  TempDir other;
  writeBundle(other.path, replaced(manifest, R"("dtype": "i8")", R"("dtype": "i8", "scale": 0.5)"));
  if (std::string(GetParam()) == "fp8_row") {
    EXPECT_EQ(openStatus(other.path), MLA_INVALID_FILE);
    EXPECT_MESSAGE("field 'cache.scale' is for format fp8_tensor only");
    return;
  }
  mla_batch *batch = begin({newSequence()}, {1});
  mla_bundle *opened = nullptr;
  ASSERT_EQ(mla_bundle_open(other.path.c_str(), &opened), MLA_OK) << mla_last_error();
  EXPECT_EQ(mla_bundle_get_info(opened)->cache_scale, 0.5);
  float in[3] = {}, out[3];
  EXPECT_EQ(mla_run_layer(opened, 3, batch, MLA_PHASE_AUTO, in, out), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("the batch's cache has scale 1.000000, bundle " + other.path + " has 0.500000");
  mla_bundle_close(opened);
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

INSTANTIATE_TEST_SUITE_P(Formats, PackedCacheTest, ::testing::Values("fp8_row", "fp8_tensor"),
                         [](const auto &info) { return std::string(info.param); });
