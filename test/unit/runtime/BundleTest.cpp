//===- BundleTest.cpp - Opening bundles -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "mla/safetensors.h"

#include <filesystem>
#include <functional>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(Bundle, SaysWhatItHolds) {
  TempDir directory;
  writeBundle(directory.path);
  mla_bundle *bundle = nullptr;
  ASSERT_EQ(mla_bundle_open(directory.path.c_str(), &bundle), MLA_OK) << mla_last_error();
  const mla_bundle_info *info = mla_bundle_get_info(bundle);
  EXPECT_EQ(info->path, directory.path);
  EXPECT_STREQ(info->model_type, "deepseek_v3");
  EXPECT_STREQ(info->plan, "a plan");
  EXPECT_EQ(info->hidden_size, 3);
  EXPECT_EQ(info->page, 4);
  EXPECT_EQ(info->cache_row, 4);
  EXPECT_STREQ(info->products, "");
  EXPECT_DOUBLE_EQ(info->rms_norm_eps, 1e-6);
  ASSERT_EQ(info->num_layers, 2);
  EXPECT_EQ(info->layers[1], 5);
  ASSERT_EQ(info->num_entries, 3);
  EXPECT_STREQ(mla_bundle_get_entry(bundle, 0)->q, "fold");
  EXPECT_EQ(mla_bundle_get_entry(bundle, 0)->weight_bytes, 4);
  EXPECT_EQ(mla_bundle_get_entry(bundle, 1)->last_context, -1);
  EXPECT_EQ(mla_bundle_get_entry(bundle, 3), nullptr);
  EXPECT_EQ(mla_bundle_get_entry(bundle, -1), nullptr);
  mla_bundle_close(bundle);
  mla_bundle_close(nullptr);
  EXPECT_EQ(mla_bundle_get_info(nullptr), nullptr);
}

TEST(Bundle, SaysHowScaledWeightsAreMultiplied) {
  for (const char *products : {"e4m3", "e4m3x2"}) {
    TempDir directory;
    std::string field = std::string("\"products\": \"") + products + "\", \"page\": 4";
    writeBundle(directory.path, replaced(smallManifest(), "\"page\": 4", field));
    mla_bundle *bundle = nullptr;
    ASSERT_EQ(mla_bundle_inspect(directory.path.c_str(), &bundle), MLA_OK) << mla_last_error();
    EXPECT_STREQ(mla_bundle_get_info(bundle)->products, products);
    mla_bundle_close(bundle);
  }
}

TEST(Bundle, MayBeOpenTwice) {
  TempDir directory;
  writeBundle(directory.path);
  mla_bundle *first = nullptr, *second = nullptr;
  EXPECT_EQ(mla_bundle_open(directory.path.c_str(), &first), MLA_OK);
  EXPECT_EQ(mla_bundle_open(directory.path.c_str(), &second), MLA_OK);
  mla_bundle_close(first);
  mla_bundle_close(second);
}

namespace {
class BundleRefusesManifest : public ::testing::TestWithParam<BadManifest> {};

const BadManifest badManifests[] = {
    {"notJSON", "{\"magic\"", "\"magic\"", "not valid JSON"},
    {"magic", "mla-bundle", "mla-bungle", "field 'magic'"},
    {"magicType", "\"mla-bundle\"", "3", "field 'magic'"},
    {"version", "\"version\": 3", "\"version\": 2",
     "is of version 2, this runtime reads versions 3 to 5; recompile with this release", MLA_UNSUPPORTED},
    {"versionOfLaterReleases", "\"version\": 3", "\"version\": 6",
     "is of version 6, this runtime reads versions 3 to 5", MLA_UNSUPPORTED},
    {"adaptersOfOldVersion", "\"page\": 4", "\"adapters\": {\"names\": [\"a\"], \"cache\": \"own\"}, \"page\": 4",
     "field 'adapters' is for attentions, from version 4 on"},
    {"adaptersTwice", "\"version\": 3", "\"adapters\": {\"names\": [\"a\", \"a\"], \"cache\": \"own\"}, \"version\": 4",
     "field 'adapters.names' must hold different names of adapters"},
    {"adaptersNone", "\"version\": 3", "\"adapters\": {\"names\": [], \"cache\": \"own\"}, \"version\": 4",
     "field 'adapters.names' must hold 1 to"},
    {"adaptersCache", "\"version\": 3", "\"adapters\": {\"names\": [\"a\"], \"cache\": \"mine\"}, \"version\": 4",
     "field 'adapters.cache' must be one of shared, own"},
    {"versionType", "\"version\": 3", "\"version\": \"3\"", "field 'version' must be an integer"},
    {"producer", "\"producer\"", "\"producers\"", "field 'producer' is missing"},
    {"target", "\"cpu\"", "\"gpu\"", "field 'target' must be one of cpu, h100, is 'gpu'"},
    {"otherTarget", "\"cpu\"", "\"h100\"", "field 'entries[0].workspace' is missing"},
    {"isa", "\"isa\": \"", "\"isa\": \"z80-", "the code needs a processor with 'z80-", MLA_UNSUPPORTED},
    {"dtype", "\"dtype\": \"f32\", \"page\"", "\"dtype\": \"f16\", \"page\"", "field 'dtype' must be one of f32, bf16"},
    {"products", "\"page\": 4", "\"products\": \"e4m3x3\", \"page\": 4",
     "field 'products' must be one of e4m3, e4m3x2, is 'e4m3x3'"},
    {"productsType", "\"page\": 4", "\"products\": 2, \"page\": 4", "field 'products' must be a string"},
    {"page0", "\"page\": 4", "\"page\": 0", "field 'page' must be 1 to"},
    {"pageHuge", "\"page\": 4", "\"page\": 4000000000", "field 'page' must be 1 to"},
    {"pageFraction", "\"page\": 4", "\"page\": 4.0", "field 'page' must be an integer"},
    {"cache", "\"cache\": {", "\"cash\": {", "field 'cache' is missing"},
    {"cacheFormat", "\"standard\"", "\"odd\"",
     "field 'cache.format' must be one of standard, fp8_tensor, fp8_row, is 'odd'"},
    {"cacheFormatOfOldReleases", "\"standard\"", "\"private\"",
     "field 'cache.format' must be one of standard, fp8_tensor, fp8_row, is 'private'"},
    {"cacheFormatType", "\"standard\"", "2", "field 'cache.format' must be a string, is an integer"},
    {"cacheScaleOfOthers", "\"standard\", \"dtype\": \"f32\"", "\"standard\", \"dtype\": \"f32\", \"scale\": 2",
     "field 'cache.scale' is for format fp8_tensor only"},
    {"cacheScaleZero", "\"standard\", \"dtype\": \"f32\"", "\"fp8_tensor\", \"dtype\": \"i8\", \"scale\": 0",
     "field 'cache.scale' must be"},
    {"cacheFormatOnly", "\"standard\"", "\"fp8_row\"", "field 'cache.dtype' must be i8, is 'f32'"},
    {"cacheDTypeOnly", "\"dtype\": \"f32\"}", "\"dtype\": \"i8\"}",
     "field 'cache.dtype' must be one of f32, bf16, is 'i8'"},
    {"cacheDTypeOfLatents", "\"standard\", \"dtype\": \"f32\"}", "\"fp8_tensor\", \"dtype\": \"f8E4M3FN\"}",
     "field 'cache.dtype' must be i8, is 'f8E4M3FN'"},
    {"dtypeOfACache", "\"dtype\": \"f32\", \"page\"", "\"dtype\": \"i8\", \"page\"",
     "field 'dtype' must be one of f32, bf16, is 'i8'"},
    {"cacheDType", "\"dtype\": \"f32\"}", "\"dtype\": 3}", "field 'cache.dtype' must be a string"},
    {"rank", "\"rank\": 0", "\"rank\": 1", "field 'rank' must be 0 to 0, is 1"},
    {"tensorParallel", "\"tensor_parallel\": 1", "\"tensor_parallel\": 0", "field 'tensor_parallel' must be 1 to"},
    {"model", "\"model\": {", "\"module\": {", "field 'model' is missing"},
    {"modelType", "\"model_type\": \"deepseek_v3\"", "\"model_type\": \"a\\u0000b\"",
     "field 'model.model_type' has a NUL"},
    {"hiddenSize", "\"hidden_size\": 3", "\"hidden_size\": -3",
     "field 'model.hidden_size' must be 1 to 1048576, is -3"},
    {"heads", "\"heads\": 8", "\"heads\": 7", "7 times 1 is not 8"},
    {"qLoraRank", "\"q_lora_rank\": 0", "\"q_lora_rank\": null",
     "field 'model.q_lora_rank' must be an integer, is null"},
    {"kvLoraRank", "\"kv_lora_rank\": 2", "\"kv_lora_rank\": 99999999999999999999", "field 'model.kv_lora_rank'"},
    {"epsilon", "1e-06", "-1", "field 'model.rms_norm_eps' must be"},
    {"epsilonType", "1e-06", "\"x\"", "field 'model.rms_norm_eps' must be a number, is a string"},
    {"theta", "\"rope_theta\": 10000", "\"rope\": 0", "field 'model.rope_theta' is missing"},
    {"layersEmpty", "[3, 5]", "[]", "field 'layers' must hold 1 to"},
    {"layersTwice", "[3, 5]", "[3, 3]", "field 'layers' has layer 3 twice"},
    {"layersNegative", "[3, 5]", "[-3]", "field 'layers' must hold layer numbers"},
    {"plan", "\"a plan\"", "[]", "field 'plan' must be a string, is an array"},
    {"entriesEmpty", "\"entries\": [", "\"entries\": [], \"other\": [", "field 'entries' must hold 1 to"},
    {"entryType", "\"entries\": [", "\"entries\": [7, ", "field 'entries[0]' must be an object, is an integer"},
    {"phase", "\"phase\": \"prefill\"", "\"phase\": \"both\"",
     "field 'entries[2].phase' must be one of prefill, decode"},
    {"form", "\"o\": \"absorb\"", "\"o\": \"melt\"",
     "field 'entries[0].o' must be one of naive, absorb, fold, is 'melt'"},
    {"tokensCount", "\"tokens\": [0, -1]", "\"tokens\": [0]", "field 'entries[0].tokens' must be two integers"},
    {"tokensOrder", "\"tokens\": [0, -1]", "\"tokens\": [5, 4]", "field 'entries[0].tokens' must be a range"},
    {"contextCount", "[0, 8]", "[0]", "field 'entries[0].context' must be two integers"},
    {"contextOrder", "[9, -1]", "[9, 3]", "field 'entries[1].context' must be a range"},
    {"symbolEmpty", "\"ones_f32\"", "\"\"", "field 'entries[1].symbol' is empty"},
    {"symbolUnknown", "\"ones_f32\"", "\"twos_f32\"", "has no symbol 'twos_f32'"},
    {"symbolOfLibc", "\"ones_f32\"", "\"exit\"", "has no symbol 'exit'"},
    {"weightsType", "[\"w\"]", "[1]", "field 'entries[0].weights' must hold names"},
    {"weightUnknown", "[\"w\"]", "[\"v\"]", "tensor 'layers.3.v' is missing"},
    {"layerUnknown", "[3, 5]", "[3, 6]", "tensor 'layers.6.w' is missing"},
    {"filesPath", "{FILES}", "{\"../code.so\": 3}", "field 'files' has '../code.so', which is no plain file name"},
    {"filesMissing", "{FILES}", "{\"code.so\": 3}", "field 'files' has no size for weights.safetensors"},
    {"filesSize", "{FILES}", "{\"code.so\": 3, \"weights.safetensors\": 3}", "code.so: has "},
    {"filesType", "{FILES}", "{\"code.so\": \"3\"}", "must give the size in bytes of 'code.so'"},
};
} // namespace

TEST_P(BundleRefusesManifest, WithItsReason) {
  TempDir directory;
  writeBundle(directory.path, replaced(smallManifest(), GetParam().from, GetParam().to));
  EXPECT_EQ(openStatus(directory.path), GetParam().status);
  EXPECT_MESSAGE(GetParam().says);
  EXPECT_EQ(std::string(mla_last_error()).find(directory.path), 0u) << mla_last_error();
}

INSTANTIATE_TEST_SUITE_P(Manifests, BundleRefusesManifest, ::testing::ValuesIn(badManifests), byName);

TEST(Bundle, RefusesMissingAndShortFiles) {
  TempDir directory;
  EXPECT_EQ(openStatus(directory / "none"), MLA_IO_ERROR);
  EXPECT_EQ(mla_bundle_open(nullptr, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(openStatus(""), MLA_INVALID_ARGUMENT);
  writeBundle(directory.path);
  std::string code = readFile(directory / "code.so");
  writeFile(directory / "code.so", code.substr(0, code.size() / 2));
  EXPECT_EQ(openStatus(directory.path), MLA_INVALID_FILE);
  EXPECT_MESSAGE("the manifest says " + std::to_string(code.size()));
  writeFile(directory / "code.so", std::string(code.size(), 'x'));
  EXPECT_EQ(openStatus(directory.path), MLA_INVALID_FILE);
  EXPECT_MESSAGE("code.so");
  std::filesystem::remove(directory / "code.so");
  EXPECT_EQ(openStatus(directory.path), MLA_IO_ERROR);
  std::filesystem::remove(directory / "manifest.json");
  std::filesystem::create_directory(directory / "manifest.json");
  EXPECT_EQ(openStatus(directory.path), MLA_INVALID_FILE);
}

/// Returns the exit status of a child of this process.
static int inChild(const std::function<int()> &body) {
  pid_t child = fork();
  if (child == 0)
    _exit(body());
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static constexpr int cannot = 100;

static int opensWith(const std::string &path, const std::string &says) {
  mla_status status = openStatus(path);
  return std::string(mla_last_error()).find(says) == std::string::npos ? cannot + 1 : status;
}

// A loader error of the system must not be reported as a damaged file.
TEST(Bundle, TellsWhenCodeMayNotBeRead) {
  TempDir directory;
  writeBundle(directory.path);
  std::filesystem::permissions(directory.path, std::filesystem::perms(0755));
  std::filesystem::permissions(directory / "code.so", std::filesystem::perms::none);
  EXPECT_EQ(inChild([&] {
              constexpr uid_t nobody = 65534;
              if (geteuid() == 0 && seteuid(nobody) != 0)
                return cannot;
              return opensWith(directory.path, "code.so: cannot open: Permission denied");
            }),
            MLA_IO_ERROR);
}

/// In a separate namespace.
static bool mountNoExec(const std::string &path) {
  std::string user = "0 " + std::to_string(geteuid()) + " 1", group = "0 " + std::to_string(getegid()) + " 1";
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return false;
  writeFile("/proc/self/setgroups", "deny");
  writeFile("/proc/self/uid_map", user);
  writeFile("/proc/self/gid_map", group);
  return mount("none", path.c_str(), "tmpfs", MS_NOEXEC, nullptr) == 0;
}

TEST(Bundle, TellsWhenCodeMayNotRun) {
  TempDir directory;
  int status = inChild([&] {
    if (!mountNoExec(directory.path))
      return cannot;
    writeBundle(directory.path);
    return opensWith(directory.path, "its file system is mounted noexec");
  });
  if (status == cannot)
    GTEST_SKIP() << "no namespace of its own";
  EXPECT_EQ(status, MLA_IO_ERROR);
}

/// Creates a bundle with these bytes of weights.
static mla_status openWithWeights(const std::string &weights) {
  TempDir directory;
  writeBundle(directory.path);
  std::string before = std::to_string(std::filesystem::file_size(directory / "weights.safetensors"));
  writeFile(directory / "weights.safetensors", weights);
  writeFile(directory / "manifest.json", replaced(readFile(directory / "manifest.json"), "safetensors\": " + before,
                                                  "safetensors\": " + std::to_string(weights.size())));
  return openStatus(directory.path);
}

static std::string weightsHeader(const std::string &second, size_t alignment = 4) {
  std::string text = R"({"layers.3.w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"layers.5.w":)" + second + "}";
  while ((8 + text.size()) % 8 != alignment)
    text += ' ';
  return text;
}

TEST(Bundle, RefusesImplausibleWeights) {
  EXPECT_EQ(openWithWeights("12345678"), MLA_INVALID_FILE);
  std::string data(8, 0), good = R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})";
  EXPECT_EQ(openWithWeights(safetensorsBytes(weightsHeader(good), data)), MLA_OK) << mla_last_error();
  EXPECT_EQ(openWithWeights(safetensorsBytes(weightsHeader(good, 2), data)), MLA_INVALID_FILE);
  EXPECT_MESSAGE("not aligned");
  std::string half = R"({"dtype":"BF16","shape":[2],"data_offsets":[4,8]})";
  EXPECT_EQ(openWithWeights(safetensorsBytes(weightsHeader(half), data)), MLA_INVALID_FILE);
  EXPECT_MESSAGE("tensor 'layers.5.w' has dtype BF16");
  std::string matrix = R"({"dtype":"F32","shape":[1,1],"data_offsets":[4,8]})";
  EXPECT_EQ(openWithWeights(safetensorsBytes(weightsHeader(matrix), data)), MLA_INVALID_FILE);
  EXPECT_MESSAGE("is F32 [1, 1], but 'layers.3.w' is F32 [1]");
  std::string deep = R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[4,8]})";
  EXPECT_EQ(openWithWeights(safetensorsBytes(weightsHeader(deep), data)), MLA_INVALID_FILE);
  EXPECT_MESSAGE("has 9 dimensions");
}

TEST(Bundle, InspectNeedsNoMachineAndRunsNothing) {
  TempDir directory;
  writeBundle(directory.path, replaced(smallManifest(), "\"isa\": \"", "\"isa\": \"z80-"));
  mla_bundle *bundle = nullptr;
  ASSERT_EQ(mla_bundle_inspect(directory.path.c_str(), &bundle), MLA_OK) << mla_last_error();
  mla_cache *cache = nullptr;
  mla_sequence sequence = 0;
  mla_batch *batch = nullptr;
  int32_t tokens = 1;
  ASSERT_EQ(mla_cache_create(bundle, 1, &cache), MLA_OK);
  ASSERT_EQ(mla_sequence_create(cache, &sequence), MLA_OK);
  ASSERT_EQ(mla_batch_begin(cache, &sequence, &tokens, 1, &batch), MLA_OK);
  float hidden[3] = {}, out[3];
  EXPECT_EQ(mla_run_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden, out), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("only inspected");
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
  mla_bundle_close(bundle); // before its cache: allowed
  EXPECT_EQ(mla_cache_destroy(cache), MLA_OK);
}
