//===- LaunchListTest.cpp - Launch lists of manifests --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuTestSupport.h"
#include "Manifest.h"

using namespace mla;

/// Of a manifest without its files' sizes, or with sizes of its own.
static Result<Manifest> parse(const std::string &text) {
  bool open = text.find("FILES") != text.npos;
  return parseManifest("m.json",
                       open ? replaced(text, "FILES", "\"kernels.ptx\": 1, \"weights.safetensors\": 1") : text);
}

static void expectRefusal(const std::string &from, const std::string &to, const std::string &says) {
  Result<Manifest> manifest = parse(replaced(gpuManifest(), from, to));
  ASSERT_FALSE(manifest) << says;
  EXPECT_EQ(manifest.error().kind(), ErrorKind::InvalidFile);
  EXPECT_NE(manifest.error().message().find(says), std::string::npos) << manifest.error().message();
}

TEST(LaunchList, IsRead) {
  Result<Manifest> manifest = parse(gpuManifest());
  ASSERT_TRUE(manifest) << manifest.error().message();
  EXPECT_EQ(manifest->kernels.size(), 4u);
  const LaunchList &decode = manifest->entries[0].launches;
  ASSERT_EQ(decode.workspace.size(), 2u);
  ASSERT_EQ(decode.launches.size(), 2u);
  const Launch &stage = decode.launches[0];
  EXPECT_EQ(stage.kernel, manifest->kernels["stage"]);
  EXPECT_EQ(stage.threads, 256u);
  EXPECT_EQ(stage.shared, 230848u);
  EXPECT_FALSE(stage.overlap);
  EXPECT_TRUE(decode.launches[1].overlap);
  ASSERT_EQ(stage.arguments.size(), 5u);
  EXPECT_EQ(stage.arguments[0].kind, LaunchArgument::Kind::Map);
  EXPECT_EQ(stage.arguments[0].dims.size(), 2u);
  EXPECT_TRUE(stage.arguments[0].swizzled);
  EXPECT_EQ(stage.arguments[1].buffer.kind, BufferUse::Temp);
  EXPECT_EQ(stage.arguments[1].buffer.index, 1u);
  EXPECT_EQ(stage.arguments[1].buffer.offset, 32);
  EXPECT_EQ(stage.arguments[3].number, 0.125f);
  EXPECT_EQ(decode.launches[1].arguments[5].buffer.kind, BufferUse::Weight);
  EXPECT_TRUE(manifest->cores[0] && manifest->cores[1] && manifest->cores[2]);
}

TEST(LaunchList, MapsNameTheirElements) {
  std::string text = gpuManifest(), box = "\"box\": [8, 64]";
  Result<Manifest> manifest = parse(text);
  ASSERT_TRUE(manifest) << manifest.error().message();
  EXPECT_EQ(manifest->entries[0].launches.launches[0].arguments[0].element, schema::Element::BF16);
  text.replace(text.find(box), box.size(), "\"dtype\": \"f8E4M3FN\", \"box\": [128, 64]");
  manifest = parse(text);
  ASSERT_TRUE(manifest) << manifest.error().message();
  EXPECT_EQ(manifest->entries[0].launches.launches[0].arguments[0].element, schema::Element::F8E4M3FN);
}

TEST(LaunchList, CoresAreOptional) {
  Result<Manifest> manifest = parse(gpuManifestWithoutCores());
  ASSERT_TRUE(manifest) << manifest.error().message();
  EXPECT_FALSE(manifest->cores[0] || manifest->cores[1] || manifest->cores[2]);
}

namespace {
class LaunchListRefuses : public ::testing::TestWithParam<BadManifest> {};

const BadManifest badLists[] = {
    {"dtype", "\"dtype\": \"bf16\", \"page\"", "\"dtype\": \"f32\", \"page\"", "field 'dtype' must be bf16"},
    {"cacheDType", "\"dtype\": \"bf16\"}", "\"dtype\": \"f32\"}", "field 'dtype' must be bf16"},
    {"noLaunches", "\"launches\": [", "\"lunches\": [", "field 'entries[0].launches' is missing"},
    {"launchesType", "\"launches\": [", "\"launches\": 7, \"other\": [",
     "field 'entries[0].launches' must be an array"},
    {"launchesEmpty", "\"launches\": [", "\"launches\": [], \"other\": [",
     "field 'entries[0].launches' must hold 1 to"},
    {"launchType", "\"launches\": [", "\"launches\": [3, ", "field 'entries[0].launches[0]' must be an object"},
    {"noWorkspace", "\"workspace\": [", "\"workplace\": [", "field 'entries[0].workspace' is missing"},
    {"workspaceItem", "\"workspace\": [", "\"workspace\": [1, ", "field 'entries[0].workspace[0]' must be an object"},
    {"workspaceName", "\"name\": \"temp:1\"", "\"name\": \"hidden\"",
     "'entries[0].workspace[1].name' must be temp:<n>"},
    {"workspaceNoNumber", "\"name\": \"temp:1\"", "\"name\": \"temp:\"", "must be temp:<n>, is 'temp:'"},
    {"workspaceTwice", "\"name\": \"temp:1\"", "\"name\": \"temp:0\"", "is 'temp:0' a second time"},
    {"workspaceBytes", "\"bytes\": 64", "\"bites\": 64", "field 'entries[0].workspace[1].bytes' is missing"},
    {"workspaceExpression", "\"bytes\": 64", "\"bytes\": \"heads\"", "names the size 'heads', which is not known here"},
    {"strideInEntry", "\"bytes\": 64", "\"bytes\": \"q_stride\"", "names the size 'q_stride', which is not known here"},
    {"kernelEmpty", "\"kernel\": \"stage\"", "\"kernel\": \"\"", "launches[0].kernel' must have 1 to"},
    {"kernelNul", "\"kernel\": \"stage\"", "\"kernel\": \"st\\u0000age\"", "launches[0].kernel' has a NUL"},
    {"gridCount", "\"grid\": [[", "\"grid\": [1, [", "launches[0].grid' must hold 3 expressions"},
    {"gridExpression", "[\"ceil/\", \"tokens\", 64]", "[\"ceil\", \"tokens\", 64]", "has the operator 'ceil'"},
    {"threads0", "\"threads\": 256", "\"threads\": 0", "launches[0].threads' must be 1 to 1024, is 0"},
    {"threadsMany", "\"threads\": 256", "\"threads\": 1025", "must be 1 to 1024, is 1025"},
    {"shared", "\"shared\": 230848", "\"shared\": 232449", "launches[0].shared' must be 0 to 232448"},
    {"sharedNegative", "\"shared\": 230848", "\"shared\": -1", "launches[0].shared' must be 0 to 232448"},
    {"overlapType", "\"overlap\": false", "\"overlap\": 0",
     "launches[0].overlap' must be true or false, is an integer"},
    {"argument", "{\"f32\": 0.125}", "{\"f64\": 0.125}", "launches[0].args[3].map' is missing"},
    {"argumentType", "{\"f32\": 0.125}", "0.125", "launches[0].args[3]' must be an object"},
    {"float", "{\"f32\": 0.125}", "{\"f32\": 1e39}", "launches[0].args[3].f32' must be"},
    {"floatType", "{\"f32\": 0.125}", "{\"f32\": \"x\"}", "launches[0].args[3].f32' must be a number"},
    {"integer", "{\"i32\": [\"*\", \"cached\", 3]}", "{\"i32\": [\"*\", \"cached\"]}", "args[4].i32' has an operation"},
    {"buffer", "\"buffer\": \"hidden\"", "\"buffer\": \"hiden\"", "names 'hiden', which is no buffer known here"},
    {"bufferOfCore", "\"buffer\": \"hidden\"", "\"buffer\": \"lse\"", "names 'lse', which is no buffer known here"},
    {"tempUnknown", "\"buffer\": \"temp:1\"", "\"buffer\": \"temp:2\"",
     "names 'temp:2', which is no buffer known here"},
    {"weightUnknown", "\"weight:w\"", "\"weight:v\"", "names 'weight:v', which is no buffer known here"},
    {"weightInCore", "\"pointer\": \"lse\"", "\"pointer\": \"weight:w\"",
     "cores[0].launches[0].args[2].pointer' names"},
    {"offsetOdd", "\"offset\": 32", "\"offset\": 8", "args[1].map.offset' of a tensor map must be a multiple of 16"},
    {"offsetNegative", "\"offset\": 32", "\"offset\": -16", "args[1].map.offset' must be 0 to"},
    {"dimsNone", "\"dims\": [8], ", "\"dims\": [], ", "args[1].map.dims' must hold 1 to 5 expressions"},
    {"dimsMany", "\"dims\": [8], ", "\"dims\": [8, 1, 1, 1, 1, 1], ", "args[1].map.dims' must hold 1 to 5"},
    {"strides", "\"strides\": [16]", "\"strides\": [16, 32]", "args[0].map.strides' must hold 1 expressions"},
    {"boxCount", "\"box\": [8, 64]", "\"box\": [8]", "args[0].map.box' must have as many numbers as dims"},
    {"boxZero", "\"box\": [8, 64]", "\"box\": [8, 0]", "args[0].map.box' must hold integers from 1 to 256"},
    {"boxLarge", "\"box\": [8, 64]", "\"box\": [8, 257]", "args[0].map.box' must hold integers from 1 to 256"},
    {"boxInner", "\"box\": [8, 64]", "\"box\": [4, 64]", "args[0].map.box' must be innermost a multiple of 8"},
    {"boxSwizzle", "\"box\": [8, 64]", "\"box\": [128, 64]", "at most 64 where swizzled, is 128"},
    {"boxInnerBytes", "\"box\": [8, 64]", "\"dtype\": \"i8\", \"box\": [8, 64]",
     "args[0].map.box' must be innermost a multiple of 16, and at most 128 where swizzled, is 8"},
    {"boxSwizzleBytes", "\"box\": [8, 64]", "\"dtype\": \"f8E4M3FN\", \"box\": [144, 64]", "swizzled, is 144"},
    {"boxSwizzleFloats", "\"box\": [8, 64]", "\"dtype\": \"f32\", \"box\": [64, 64]",
     "at most 32 where swizzled, is 64"},
    {"mapType", "\"box\": [8, 64]", "\"dtype\": \"f16\", \"box\": [8, 64]",
     "args[0].map.dtype' must be one of f32, bf16, i32, f8E4M3FN, i8, is 'f16'"},
    {"swizzle", "\"swizzle\": 128", "\"swizzle\": 64", "args[0].map.swizzle' must be 128 or 0, is 64"},
    {"coreName", "\"name\": \"naive_attention\"", "\"name\": \"attention\"", "cores[1].name' must be one of latent_"},
    {"coreTwice", "\"name\": \"naive_attention\"", "\"name\": \"latent_attention\"",
     "cores[1].name' is 'latent_attention' a second time"},
    {"coresType", "\"cores\": [", "\"cores\": 1, \"other\": [", "field 'cores' must be an array"},
    {"coreItem", "\"cores\": [", "\"cores\": [null, null, null, null, null, ", "has more than 7 cores"},
    {"bufferOfOtherCore", "\"buffer\": \"k_nope\"", "\"buffer\": \"pages\"", "names 'pages', which is no buffer known"},
    {"part", "\"overlap\": true", "\"part\": \"attention side\", \"overlap\": true",
     "launches[1].part' must be one of query side, attention, output side, MLP, experts, rest, is 'attention side'"},
    {"bytes", "\"overlap\": true", "\"bytes\": [\"*\", \"q_stride\", 2], \"overlap\": true",
     "launches[1].bytes' names the size 'q_stride'"},
    {"noPtx", "FILES", "\"code.so\": 1, \"weights.safetensors\": 1", "field 'files' has no size for kernels.ptx"},
};
} // namespace

TEST_P(LaunchListRefuses, WithItsReason) { expectRefusal(GetParam().from, GetParam().to, GetParam().says); }

INSTANTIATE_TEST_SUITE_P(Lists, LaunchListRefuses, ::testing::ValuesIn(badLists), byName);

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

/// One of four ranks, with a collective before the first kernel.
static std::string withCollective() {
  std::string text = replaced(gpuManifest(), "\"version\": 3", "\"version\": 5");
  text = replaced(text, "\"heads\": 8", "\"heads\": 2");
  text = replaced(text, "\"plan\":", "\"ranks\": {\"count\": 4, \"rank\": 3, \"tokens\": 1}, \"plan\":");
  return replaced(text, "{\"kernel\": \"stage\"",
                  R"({"collective": "all_gather", "ranks": 2, "in": {"pointer": "hidden"},
    "out": {"pointer": "temp:0", "offset": 4}, "count": ["*", "tokens", 8], "dtype": "bf16", "part": "MLP"},
    {"kernel": "stage")");
}

TEST(LaunchList, CollectivesAreLaunches) {
  Result<Manifest> manifest = parse(withCollective());
  ASSERT_TRUE(manifest) << manifest.error().message();
  const LaunchList &list = manifest->entries[0].launches;
  ASSERT_EQ(list.launches.size(), 3u);
  ASSERT_TRUE(list.launches[0].collective && !list.launches[1].collective);
  const CollectiveLaunch &collective = *list.launches[0].collective;
  EXPECT_EQ(collective.kind, schema::Collective::AllGather);
  EXPECT_EQ(collective.ranks, 2);
  EXPECT_EQ(collective.in.kind, BufferUse::Bound);
  EXPECT_EQ(collective.out.kind, BufferUse::Temp);
  EXPECT_EQ(collective.out.offset, 4);
  EXPECT_EQ(collective.element, schema::Element::BF16);
  EXPECT_EQ(list.launches[0].part, schema::Part::Mlp);
  EXPECT_EQ(manifest->kernels.size(), 4u) << "it is no kernel";
}

namespace {
class CollectiveRefuses : public ::testing::TestWithParam<BadManifest> {};

const BadManifest badCollectives[] = {
    {"kind", "\"all_gather\"", "\"broadcast\"",
     "launches[0].collective' must be one of all_reduce, all_gather, all_to_all, is 'broadcast'"},
    {"ranks", "\"ranks\": 2,", "\"ranks\": 3,", "launches[0].ranks' must divide the ranks of the bundle, 4, is 3"},
    {"ranksMany", "\"ranks\": 2,", "\"ranks\": 5,", "launches[0].ranks' must be 1 to 4, is 5"},
    {"in", "\"in\": {\"pointer\": \"hidden\"}", "\"in\": {\"pointer\": \"lse\"}",
     "launches[0].in.pointer' names 'lse'"},
    {"noOut", "\"out\": {\"pointer\": \"temp:0\", \"offset\": 4}", "\"output\": 1", "launches[0].out' is missing"},
    {"offset", "\"offset\": 4}, \"count\"", "\"offset\": -4}, \"count\"", "launches[0].out.offset' must be 0 to"},
    {"offsetOdd", "\"offset\": 4}, \"count\"", "\"offset\": 3}, \"count\"",
     "launches[0].out.offset' must be a multiple of an element, 2 bytes, is 3"},
    {"count", "\"count\": [\"*\", \"tokens\", 8]", "\"count\": \"heads\"", "launches[0].count' names the size 'heads'"},
    {"element", "\"dtype\": \"bf16\", \"part\"", "\"dtype\": \"i32\", \"part\"",
     "launches[0].dtype' must be one of f32, bf16, is 'i32'"},
};
} // namespace

TEST_P(CollectiveRefuses, WithItsReason) {
  Result<Manifest> manifest = parse(replaced(withCollective(), GetParam().from, GetParam().to));
  ASSERT_FALSE(manifest) << GetParam().says;
  EXPECT_NE(manifest.error().message().find(GetParam().says), std::string::npos) << manifest.error().message();
}

INSTANTIATE_TEST_SUITE_P(Lists, CollectiveRefuses, ::testing::ValuesIn(badCollectives), byName);

/// A bundle of one rank has collectives of one rank at most.
TEST(LaunchList, CollectivesNeedRanks) {
  expectRefusal("{\"kernel\": \"stage\"", "{\"collective\": \"all_reduce\", \"ranks\": 2}, {\"kernel\": \"stage\"",
                "launches[0].ranks' must be 1 to 1, is 2");
}

/// A list of `count` times the item, without its brackets.
static std::string manyTimes(const std::string &item, size_t count) {
  std::string result = item;
  for (size_t i = 1; i < count; ++i)
    result += ", " + item;
  return result;
}

TEST(LaunchList, BoundsCounts) {
  expectRefusal("{\"f32\": 0.125}", manyTimes("{\"f32\": 0.125}", 45), "has more than 48 arguments");
  expectRefusal("\"workspace\": [", "\"workspace\": [" + manyTimes("1", 257) + ", ", "has more than 256 buffers");
  expectRefusal("\"launches\": [", "\"launches\": [" + manyTimes("1", 1024) + ", ", "must hold 1 to 1024 launches");
}
