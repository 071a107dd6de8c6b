//===- ChoicesTest.cpp - Classes of kernels, and their limits ------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuTestSupport.h"
#include "Manifest.h"

#include "../../../tools/mla-run/ChooseLimits.h"

#include "mla/profile.h"
#include "mla/tune.h"

#include <cstddef>
#include <fstream>

using namespace mla;
using run::chooseLimits;

/// Makes the sum of decode one of two classes: one of up to 4 tokens, in a grid of as many CTAs as sequences, one of
/// more, in a grid of twice as many, which do the same twice.
static std::string manifestWithClasses() {
  std::string few = R"(["ceil/", ["//", ["+", "limit0", 1], ["+", "tokens", 1]], ["+", "limit0", 2]])";
  std::string text = gpuManifest();
  size_t from = text.find(R"({"kernel": "sum_bf16", "grid": ["batch", 1, 1])");
  std::string sum = text.substr(from, text.find("]}]}", from) + 2 - from);
  auto ofClass = [&](const std::string &chosen) {
    return replaced(replaced(sum, R"(["batch", 1, 1])", R"([["*", "batch", )" + chosen + "], 1, 1]"), "\"args\"",
                    "\"choice\": 0, \"args\"");
  };
  std::string more = R"(["+", 1, ["*", )" + few + ", -1]]";
  text.replace(from, sum.size(), ofClass(few) + ", " + ofClass(more));
  return replaced(
      text, R"("weights": ["w"],)",
      R"("weights": ["w"], "choices": [{"kernel": "sum", "size": "tokens", "limits": [4], "most": [64]}],)");
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static Result<Manifest> parse(const std::string &text) {
  return parseManifest("m.json", replaced(text, "FILES", "\"kernels.ptx\": 1, \"weights.safetensors\": 1"));
}

TEST(Choices, AreRead) {
  Result<Manifest> manifest = parse(manifestWithClasses());
  ASSERT_TRUE(manifest) << manifest.error().message();
  LaunchList &list = manifest->entries[0].launches;
  ASSERT_EQ(list.choices.size(), 1u);
  EXPECT_EQ(list.choices[0].kernel, "sum");
  EXPECT_EQ(list.limits(), std::vector<int64_t>{4});
  EXPECT_FALSE(list.launches[0].choice);
  EXPECT_EQ(list.launches[1].choice, 0u);
  EXPECT_TRUE(manifest->entries[1].launches.choices.empty());
  Sizes sizes;
  sizes[Size::Tokens] = sizes[Size::Batch] = 5;
  EXPECT_EQ(*list.launches[1].grid[0].evaluate(sizes), 0);
  EXPECT_EQ(*list.launches[2].grid[0].evaluate(sizes), 5);
  list.setLimits(0, {5});
  EXPECT_EQ(*list.launches[1].grid[0].evaluate(sizes), 5);
  EXPECT_EQ(*list.launches[2].grid[0].evaluate(sizes), 0);
  list.setLimits(0, {0}); // never
  EXPECT_EQ(*list.launches[1].grid[0].evaluate(sizes), 0);
}

namespace {
class ChoicesRefuse : public ::testing::TestWithParam<BadManifest> {};

const BadManifest badChoices[] = {
    {"type", "\"choices\": [", "\"choices\": 7, \"other\": [", "field 'entries[0].choices' must be an array"},
    {"itemType", "\"choices\": [", "\"choices\": [3, ", "field 'entries[0].choices[0]' must be an object"},
    {"kernel", "\"kernel\": \"sum\", ", "", "field 'entries[0].choices[0].kernel' is missing"},
    {"size", "\"size\": \"tokens\", ", "", "field 'entries[0].choices[0].size' is missing"},
    {"sizeOfLimits", "\"size\": \"tokens\"", "\"size\": \"limit0\"", "choices[0].size' names the size 'limit0'"},
    {"negative", "\"limits\": [4]", "\"limits\": [-1]", "choices[0].limits' must hold integers from 0 to"},
    {"descending", "\"limits\": [4], \"most\": [64]", "\"limits\": [4, 3], \"most\": [64, 64]",
     "choices[0].limits' must hold integers from 0 to 2147483647 in ascending order"},
    {"beyond", "\"limits\": [4]", "\"limits\": [65]", "limits' must be ascending, and of class 0 0 to 64, is 65"},
    {"none", "\"limits\": [4], \"most\": [64]", "\"limits\": [], \"most\": []", "limits' must hold as many numbers"},
    {"fewer", "\"limits\": [4]", "\"limits\": []", "choices[0].limits' must hold as many numbers as 'most'"},
    {"twice", "\"choices\": [",
     "\"choices\": [{\"kernel\": \"sum\", \"size\": \"batch\", \"limits\": [1], \"most\": [1]}, ",
     "field 'entries[0].choices[1].kernel' is 'sum' a second time"},
    {"limit", "\"limit0\"", "\"limit1\"", "names the size 'limit1', which is not known here"},
    {"number", "\"choice\": 0", "\"choice\": 1", "launches[1].choice' must be 0 to 0, is 1"},
};
} // namespace

TEST_P(ChoicesRefuse, Manifests) {
  Result<Manifest> manifest = parse(replaced(manifestWithClasses(), GetParam().from, GetParam().to));
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().kind(), ErrorKind::InvalidFile);
  EXPECT_NE(manifest.error().message().find(GetParam().says), std::string::npos) << manifest.error().message();
}

INSTANTIATE_TEST_SUITE_P(All, ChoicesRefuse, ::testing::ValuesIn(badChoices),
                         [](const auto &info) { return std::string(info.param.name); });

//===----------------------------------------------------------------------===//
// An open bundle
//===----------------------------------------------------------------------===//

namespace {
class GpuChoices : public GpuTest {
protected:
  /// Returns the grids of the launches of decode steps of these many sequences of a token.
  std::string gridsOf(int64_t batch) {
    DeviceMemoryOfTest hidden(16 * batch), out(16 * batch);
    std::vector<mla_sequence> sequences;
    for (int64_t i = 0; i < batch; ++i)
      sequences.push_back(newSequence());
    mla_batch *begun = begin(sequences, std::vector<int32_t>(batch, 1));
    mla_profile_item items[4] = {};
    int64_t count = 0;
    EXPECT_EQ(mla_profile_layer(bundle, 3, begun, MLA_PHASE_DECODE, hidden.data, out.data, items, sizeof(items[0]), 4,
                                &count),
              MLA_OK)
        << mla_last_error();
    EXPECT_EQ(mla_batch_abort(begun), MLA_OK);
    for (mla_sequence sequence : sequences)
      EXPECT_EQ(mla_sequence_free(cache, sequence), MLA_OK);
    EXPECT_EQ(items[0].choice, -1);
    EXPECT_EQ(items[0].size, -1);
    EXPECT_EQ(items[1].choice, 0);
    EXPECT_EQ(items[1].size, batch);
    launches();
    return std::to_string(count) + " " + std::to_string(items[1].grid[0]);
  }
  void writeTuned(const std::string &text) { std::ofstream(directory / "tuned.json") << text; }
  std::string tuned(const std::string &device, const std::string &kernel, const std::string &limits) {
    return "{\"device\": \"" + device + R"(", "driver": "12.8", "date": "2026-11-30T12:00:00Z", "unit": "microseconds",
      "choices": [{"list": "decode_0", "kernel": ")" +
           kernel + "\", \"limits\": " + limits + R"(, "sizes": [{"size": 1, "costs": [1.5, null]}]}]})";
  }
};
} // namespace

TEST_F(GpuChoices, LimitsMayBeReplaced) {
  openGpu(16, manifestWithClasses());
  ASSERT_EQ(mla_bundle_num_choices(bundle), 1);
  const mla_choice_info *choice = mla_bundle_get_choice(bundle, 0);
  ASSERT_TRUE(choice && !mla_bundle_get_choice(bundle, 1) && !mla_bundle_get_choice(bundle, -1));
  EXPECT_STREQ(choice->list, "decode_0");
  EXPECT_STREQ(choice->kernel, "sum");
  ASSERT_EQ(choice->num_limits, 1);
  EXPECT_EQ(choice->limits[0], 4);
  EXPECT_EQ(choice->most[0], 64);
  EXPECT_EQ(gridsOf(3), "2 3");
  int64_t limit = 2;
  ASSERT_EQ(mla_bundle_set_limits(bundle, 0, &limit, 1), MLA_OK) << mla_last_error();
  EXPECT_EQ(choice->limits[0], 2);
  EXPECT_EQ(choice->defaults[0], 4);
  EXPECT_EQ(gridsOf(3), "2 3"); // of the other class
}

TEST_F(GpuChoices, ImpossibleLimitsAreRefused) {
  openGpu(0, manifestWithClasses());
  int64_t limits[] = {65, 66};
  EXPECT_EQ(mla_bundle_set_limits(bundle, 0, limits, 1), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("limits must be ascending, and of class 0 0 to 64, is 65");
  EXPECT_EQ(mla_bundle_set_limits(bundle, 0, limits, 2), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_bundle_set_limits(bundle, 1, limits, 1), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("index is 1; give a choice below 1");
  EXPECT_EQ(mla_bundle_set_limits(bundle, 0, nullptr, 1), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_bundle_set_limits(nullptr, 0, limits, 1), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_bundle_num_choices(nullptr), 0);
  int32_t version = 0;
  EXPECT_EQ(mla_bundle_driver_version(bundle, &version), MLA_OK);
  EXPECT_GE(version, 12040);
  EXPECT_EQ(mla_bundle_driver_version(bundle, nullptr), MLA_INVALID_ARGUMENT);
}

TEST_F(GpuChoices, ShortItemsOfTheFirstReleaseAreFilled) {
  openGpu(16, manifestWithClasses());
  DeviceMemoryOfTest hidden(16), out(16);
  mla_batch *batch = begin({newSequence()}, {1});
  constexpr size_t size = offsetof(mla_profile_item, choice);
  std::vector<char> items(2 * size + 8, 'x');
  int64_t count = 0;
  ASSERT_EQ(mla_profile_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden.data, out.data,
                              reinterpret_cast<mla_profile_item *>(items.data()), size, 2, &count),
            MLA_OK)
      << mla_last_error();
  EXPECT_STREQ(reinterpret_cast<mla_profile_item *>(items.data() + size)->name, "sum_bf16");
  EXPECT_EQ(items[2 * size], 'x');
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(GpuChoices, TunedLimitsAreOfOneDevice) {
  openGpu(0, manifestWithClasses());
  std::string device = mla_bundle_get_info(bundle)->device;
  for (auto [name, limit] : {std::pair(device, 9), std::pair(std::string("another"), 4)}) {
    mla_bundle_close(bundle);
    writeTuned(tuned(name, "sum", "[9]"));
    ASSERT_EQ(mla_bundle_open(directory.path.c_str(), &bundle), MLA_OK) << mla_last_error();
    EXPECT_EQ(mla_bundle_get_choice(bundle, 0)->limits[0], limit);
    EXPECT_EQ(mla_bundle_get_choice(bundle, 0)->defaults[0], 4);
  }
}

TEST_F(GpuChoices, DamagedTuningsAreRefused) {
  writeGpuBundle(directory.path, manifestWithClasses());
  const std::pair<std::string, const char *> damaged[] = {
      {"", "tuned.json: is not a JSON object"},
      {tuned("x", "sum", "[9]").substr(0, 90), "tuned.json: is not a JSON object"},
      {"[]", "tuned.json: is not a JSON object; remove the file, or tune the bundle again"},
      {"{}", "tuned.json: field 'device' is missing; remove the file, or tune the bundle again"},
      {tuned("x", "sum", "[65]"),
       "tuned.json: limits of 'decode_0.sum' must be ascending, and of class 0 0 to 64, is 65"},
      {tuned("x", "sum", "[1, 2]"), "tuned.json: limits of 'decode_0.sum' must hold as many numbers"},
      {tuned("x", "sum", "[1.5]"), "tuned.json: field 'choices[0].limits' must hold integers"},
      {tuned("x", "other", "[9]"), "tuned.json: limits of 'decode_0.other' are not of this bundle"},
      {replaced(tuned("x", "sum", "[9]"), "1.5", "-1"), "choices[0].sizes[0].costs' must hold numbers"},
  };
  for (const auto &[text, says] : damaged) {
    writeTuned(text);
    for (auto open : {mla_bundle_open, mla_bundle_inspect}) {
      EXPECT_EQ(open(directory.path.c_str(), &bundle), MLA_INVALID_FILE) << text;
      EXPECT_MESSAGE(says);
    }
  }
}

//===----------------------------------------------------------------------===//
// Limits from costs
//===----------------------------------------------------------------------===//

TEST(ChooseLimits, FollowTheCosts) {
  std::vector<TunedSize> sizes = {{1, {1, 3, 9}}, {8, {2, 3, 9}}, {16, {8, 3, 9}}, {64, {9, 9, 9}}, {128, {-1, 9, 5}}};
  EXPECT_EQ(chooseLimits(sizes, {16, 64}, 1), (std::vector<int64_t>{8, 64})); // equal costs change nothing
  EXPECT_EQ(chooseLimits(sizes, {2, 4}, 1), (std::vector<int64_t>{8, 16}));
  EXPECT_EQ(chooseLimits(sizes, {10, 100}, 1), (std::vector<int64_t>{10, 100})); // between the same sizes
}

TEST(ChooseLimits, SmallGainsChangeNothing) {
  std::vector<TunedSize> sizes = {{1, {1, 0.99}}, {8, {1, 0.99}}};
  EXPECT_EQ(chooseLimits(sizes, {8}, 1.02), std::vector<int64_t>{8});
  EXPECT_EQ(chooseLimits(sizes, {8}, 1), std::vector<int64_t>{0}); // never
}

TEST(ChooseLimits, ClassesAscendWithSizes) {
  // One size alone would be better in the later class: not worth the others.
  std::vector<TunedSize> sizes = {{1, {1, 0.9}}, {2, {1, 2}}, {3, {1, 2}}, {4, {2, 1}}};
  EXPECT_EQ(chooseLimits(sizes, {1}, 1), std::vector<int64_t>{3});
}

TEST(ChooseLimits, ALimitBeyondTheSizesIsKept) {
  std::vector<TunedSize> sizes = {{1, {1, 2}}, {8, {1, 2}}};
  EXPECT_EQ(chooseLimits(sizes, {100}, 1), std::vector<int64_t>{100});
  EXPECT_EQ(chooseLimits(sizes, {4}, 1), std::vector<int64_t>{8});
}
