//===- BindingsTest.cpp - What launch lists ask their caller for ---------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuTestSupport.h"
#include "Manifest.h"

using namespace mla;

static const char *const hidden = R"({"name": "hidden", "dtype": "bf16", "shape": ["tokens", 8]})";
static const char *const cuSeqlens = R"({"name": "cu_seqlens", "dtype": "i32", "shape": [["+", "batch", 1]]})";
static const char *const cache = R"({"name": "pages", "dtype": "bf16", "shape": ["pages", 4, 24]},
  {"name": "block_table", "dtype": "i32", "shape": ["batch", "table_width"]},
  {"name": "lengths", "dtype": "i32", "shape": ["batch"]})";
static const char *const out = R"({"name": "out", "dtype": "bf16", "shape": ["tokens", 8]})";

static std::string listed(std::initializer_list<std::string> bindings) {
  std::string result;
  for (const std::string &binding : bindings)
    result += (result.empty() ? "" : ", ") + binding;
  return result;
}

/// Returns the manifest with these bindings of its first entry.
static std::string bound(const std::string &bindings) {
  return replaced(gpuManifest(), "\"phase\": \"decode\"", "\"bindings\": [" + bindings + "], \"phase\": \"decode\"");
}

static std::string boundAll() { return bound(listed({hidden, cuSeqlens, cache, out})); }

static Result<Manifest> parse(const std::string &text) {
  return parseManifest("m.json", replaced(text, "FILES", "\"kernels.ptx\": 1, \"weights.safetensors\": 1"));
}

static void expectRefusal(const std::string &text, const std::string &says) {
  Result<Manifest> manifest = parse(text);
  ASSERT_FALSE(manifest) << says;
  EXPECT_NE(manifest.error().message().find(says), std::string::npos) << manifest.error().message();
}

static const BufferBinding *find(const LaunchList &list, Buffer buffer) {
  for (const BufferBinding &binding : list.bindings)
    if (binding.buffer == buffer)
      return &binding;
  return nullptr;
}

TEST(Bindings, AreThoseOfTheTable) {
  Result<Manifest> with = parse(boundAll()), without = parse(gpuManifest());
  ASSERT_TRUE(with) << with.error().message();
  ASSERT_TRUE(without) << without.error().message();
  const std::vector<BufferBinding> &read = with->entries[0].launches.bindings;
  const std::vector<BufferBinding> &made = without->entries[0].launches.bindings;
  ASSERT_EQ(read.size(), 6u);
  ASSERT_EQ(made.size(), 6u);
  for (size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].buffer, made[i].buffer);
    EXPECT_EQ(read[i].element, made[i].element);
    EXPECT_EQ(read[i].shape, made[i].shape);
    EXPECT_EQ(read[i].used, made[i].used);
  }
}

TEST(Bindings, SayHowFarBuffersReach) {
  Result<Manifest> manifest = parse(gpuManifest());
  ASSERT_TRUE(manifest) << manifest.error().message();
  Sizes sizes;
  sizes[Size::Tokens] = 5;
  sizes[Size::Batch] = 2;
  sizes[Size::Pages] = 7;
  sizes[Size::QStride] = 40;
  sizes[Size::QRopeStride] = 24;
  auto bytes = [&](const LaunchList &list, Buffer buffer) {
    Result<uint64_t> result = find(list, buffer)->bytes(sizes);
    return result ? *result : UINT64_MAX;
  };
  const LaunchList &entry = manifest->entries[0].launches, &latent = *manifest->cores[0];
  EXPECT_EQ(bytes(entry, Buffer::Hidden), 5u * 8 * 2);
  EXPECT_EQ(bytes(entry, Buffer::CuSeqlens), 3u * 4);
  EXPECT_EQ(bytes(entry, Buffer::Pages), 7u * 4 * 24 * 2);
  // Heads are 40 elements apart, and the last ends with its own 16.
  EXPECT_EQ(bytes(latent, Buffer::QLatent), ((5u * 8 - 1) * 40 + 16) * 2);
  EXPECT_EQ(bytes(latent, Buffer::QRope), ((5u * 8 - 1) * 24 + 8) * 2);
  EXPECT_EQ(bytes(latent, Buffer::Lse), 5u * 8 * 4);
  EXPECT_EQ(bytes(*manifest->cores[2], Buffer::Out), 2u * 16);
  sizes[Size::Pages] = INT64_MAX;
  EXPECT_EQ(bytes(entry, Buffer::Pages), UINT64_MAX);
  sizes[Size::Tokens] = 0;
  EXPECT_EQ(bytes(entry, Buffer::Hidden), 0u);
}

// Fields that the runtime does not know are skipped.
TEST(Bindings, KnowOnlyFieldsInTheirPlaces) {
  std::string elsewhere = replaced(replaced(boundAll(), "\"model\": {", "\"model\": {\"page\": 60000, "), "\"magic\"",
                                   "\"heads\": 99, \"magic\"");
  Result<Manifest> manifest = parse(elsewhere);
  ASSERT_TRUE(manifest) << manifest.error().message();
  Sizes sizes;
  sizes[Size::Pages] = 7;
  for (const LaunchList *list : {&manifest->entries[0].launches, &manifest->entries[1].launches}) {
    Result<uint64_t> bytes = find(*list, Buffer::Pages)->bytes(sizes);
    ASSERT_TRUE(bytes) << bytes.error().message();
    EXPECT_EQ(*bytes, 7u * 4 * 24 * 2);
  }
}

TEST(Bindings, CountBits) {
  EXPECT_EQ(schema::bytesOf(3, 4), 2u);
  EXPECT_EQ(schema::bytesOf(5, 6), 4u);
  EXPECT_EQ(schema::bytesOf(1024, 6), 768u);
  EXPECT_EQ(schema::bytesOf(uint64_t(1) << 60, 8), uint64_t(1) << 60);
}

/// A possible entry without a cache, in a later release.
TEST(Bindings, MayLackTheCache) {
  std::string text = bound(listed({hidden, cuSeqlens, out}));
  expectRefusal(text, "names 'pages', which is no buffer known here");
  for (const char *buffer : {"pages", "block_table", "lengths"})
    text = replaced(text, std::string("\"pointer\": \"") + buffer + '"', "\"pointer\": \"out\"");
  Result<Manifest> manifest = parse(text);
  ASSERT_TRUE(manifest) << manifest.error().message();
  EXPECT_EQ(manifest->entries[0].launches.bindings.size(), 3u);
}

TEST(Bindings, DoNotBindAPartOfTheCache) {
  expectRefusal(bound(listed({hidden, cuSeqlens, R"({"name": "pages", "dtype": "bf16", "shape": ["pages", 4, 24]})",
                              R"({"name": "block_table", "dtype": "i32", "shape": ["batch", "table_width"]})", out})),
                "field 'entries[0].bindings' lacks 'lengths', without which there can be no 'block_table'");
}

TEST(Bindings, LackNothing) {
  expectRefusal(bound(listed({hidden, cuSeqlens, cache})),
                "field 'entries[0].bindings' lacks 'out', which an entry needs");
  expectRefusal(replaced(gpuManifest(), "\"name\": \"step_check\"", "\"bindings\": [], \"name\": \"step_check\""),
                "field 'cores[2].bindings' lacks 'cu_seqlens', which step_check needs");
}

namespace {
class BindingsRefuse : public ::testing::TestWithParam<BadManifest> {};

const BadManifest badBindings[] = {
    {"type", "\"bindings\": [", "\"bindings\": 1, \"other\": [", "field 'entries[0].bindings' must be an array"},
    {"item", "\"bindings\": [", "\"bindings\": [7, ", "field 'entries[0].bindings[0]' must be an object"},
    {"unknown", "\"name\": \"lengths\"", "\"name\": \"scales\"",
     "field 'entries[0].bindings[4].name' is 'scales', which is no buffer of an entry: those are hidden, cu_seqlens, "
     "pages, block_table, lengths, adapters, out"},
    {"ofCore", "\"name\": \"lengths\"", "\"name\": \"lse\"", "is 'lse', which is no buffer of an entry"},
    {"twice", "\"name\": \"out\"", "\"name\": \"hidden\"", "bindings[5].name' is 'hidden' a second time"},
    {"dtypeUnknown", "\"name\": \"pages\", \"dtype\": \"bf16\"", "\"name\": \"pages\", \"dtype\": \"f4E2M1FN\"",
     "bindings[2].dtype' must be one of f32, bf16, i32, f8E4M3FN, i8, is 'f4E2M1FN'"},
    {"dtypeOfBytes", "\"name\": \"pages\", \"dtype\": \"bf16\"", "\"name\": \"pages\", \"dtype\": \"f8E4M3FN\"",
     "bindings[2].dtype' must be 'bf16' for 'pages', is 'f8E4M3FN'"},
    {"dtypeOther", "\"name\": \"hidden\", \"dtype\": \"bf16\"", "\"name\": \"hidden\", \"dtype\": \"f32\"",
     "bindings[0].dtype' must be 'bf16' for 'hidden', is 'f32'"},
    {"noShape", "\"shape\": [[", "\"form\": [[", "bindings[1].shape' is missing"},
    {"rank", "[\"pages\", 4, 24]", "[\"pages\", 96]", "bindings[2].shape' has 2 extents, must have 3 for 'pages'"},
    {"width", "[\"tokens\", 8]", "[\"tokens\", 16]", "bindings[0].shape[1]' must be hidden_row, 8, for 'hidden'"},
    {"row", "[\"pages\", 4, 24]", "[\"pages\", 4, 16]", "shape[2]' must be cache_row, 24, for 'pages'"},
    {"size", "[[\"+\", \"batch\", 1]]", "[\"batch\"]", "bindings[1].shape[0]' must be batch + 1, for 'cu_seqlens'"},
    {"sizeUnknown", "[\"pages\", 4, 24]", "[\"blocks\", 4, 24]", "shape[0]' names the size 'blocks'"},
    {"many", "\"bindings\": [", "\"bindings\": [MANY", "has more than 64 buffers"},
};
} // namespace

TEST_P(BindingsRefuse, WithTheirReason) {
  std::string many;
  for (int i = 0; i < 64; ++i)
    many += "1, ";
  std::string text = replaced(boundAll(), GetParam().from, GetParam().to);
  expectRefusal(text.find("MANY") == text.npos ? text : replaced(text, "MANY", many), GetParam().says);
}

INSTANTIATE_TEST_SUITE_P(Manifests, BindingsRefuse, ::testing::ValuesIn(badBindings), byName);

/// Launches of later releases may be neither kernels nor collectives.
TEST(Bindings, AreOfKnownLaunches) {
  std::string text = replaced(gpuManifest(), "{\"kernel\": \"stage\", ", "{\"later\": \"stage\", ");
  expectRefusal(text, "field 'entries[0].launches[0].kernel' is missing");
}
