//===- ReplacedBundleTest.cpp - One path, several bundles -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <dlfcn.h>
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;

namespace {
/// Bundles of two compilations: a layer returns 1 with the code of the first, and 2 with that of the second.
class ReplacedBundle : public ::testing::Test {
protected:
  static void write(const std::string &path, bool second) {
    std::string manifest =
        replaced(smallManifest(), "\"sum_f32\", \"phase\": \"decode\"", "\"ones_f32\", \"phase\": \"decode\"");
    fs::create_directories(path);
    writeBundle(path, replaced(manifest, "[0, 8], \"weights\": [\"w\"]", "[0, 8], \"weights\": []"), {},
                second ? MLA_SECOND_TEST_CODE : MLA_TEST_CODE);
  }
  /// As a careful program replaces a directory.
  void replace(const std::string &path, bool second) {
    write(directory / "new", second);
    fs::rename(path, directory / ("old" + std::to_string(++replacements)));
    fs::rename(directory / "new", path);
  }
  mla_bundle *open(const std::string &path) {
    mla_bundle *bundle = nullptr;
    EXPECT_EQ(mla_bundle_open(path.c_str(), &bundle), MLA_OK) << mla_last_error();
    return bundle;
  }
  static float codeOf(const mla_bundle *bundle) {
    const int32_t cu[] = {0, 1}, length = 1, page = 0;
    float hidden[3] = {}, out[3] = {}, pages[16] = {};
    auto step = ofSizes<mla_step>(1, 1, 1, 1);
    step.layer = 3;
    step.num_pages = step.table_width = 1;
    step.hidden = hidden;
    step.cu_seqlens = cu;
    step.pages = pages;
    step.block_table = &page;
    step.lengths = &length;
    step.out = out;
    EXPECT_EQ(mla_enqueue_layer(bundle, &step), MLA_OK) << mla_last_error();
    return out[0];
  }
  TempDir directory;
  int replacements = 0;
};
} // namespace

TEST_F(ReplacedBundle, RunsItsOwnCode) {
  std::string path = directory / "layer.mla";
  write(path, false);
  std::vector<mla_bundle *> bundles;
  // Also if a file was open twice before it was replaced.
  for (bool second : {false, false, true, true, false, true}) {
    if (bundles.size() != 1 && bundles.size() != 3)
      replace(path, second);
    bundles.push_back(open(path));
    EXPECT_EQ(codeOf(bundles.back()), second ? 2 : 1) << bundles.size();
  }
  EXPECT_EQ(codeOf(bundles[0]), 1);
  EXPECT_EQ(codeOf(bundles[2]), 2);
  for (mla_bundle *bundle : bundles)
    mla_bundle_close(bundle);
  // And when all are closed.
  replace(path, false);
  mla_bundle *last = open(path);
  EXPECT_EQ(codeOf(last), 1);
  mla_bundle_close(last);
}

TEST_F(ReplacedBundle, RelativePathsFollowTheWorkingDirectory) {
  write(directory / "a/layer.mla", false);
  write(directory / "b/layer.mla", true);
  fs::path before = fs::current_path();
  fs::current_path(directory / "a");
  mla_bundle *first = open("layer.mla");
  fs::current_path(directory / "b");
  mla_bundle *second = open("layer.mla");
  fs::current_path(before);
  EXPECT_EQ(codeOf(first), 1);
  EXPECT_EQ(codeOf(second), 2);
  mla_bundle_close(first);
  mla_bundle_close(second);
}

TEST_F(ReplacedBundle, OthersMayHaveLoadedTheOldCode) {
  std::string path = directory / "layer.mla";
  write(path, false);
  void *library = dlopen((path + "/code.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  mla_bundle *first = open(path);
  EXPECT_EQ(codeOf(first), 1);
  replace(path, true);
  mla_bundle *second = open(path);
  EXPECT_EQ(codeOf(second), 2);
  mla_bundle_close(first);
  mla_bundle_close(second);
  dlclose(library);
}

TEST_F(ReplacedBundle, RefusesCodeThatWasWrittenOver) {
  std::string path = directory / "layer.mla";
  write(path, false);
  mla_bundle *bundle = open(path);
  // The last of the section headers, which is not mapped.
  std::fstream code(path + "/code.so", std::ios::in | std::ios::out | std::ios::binary);
  code.seekp(-1, std::ios::end).put('\1');
  code.close();
  fs::last_write_time(path + "/code.so", fs::file_time_type::clock::now() + std::chrono::seconds(7));
  EXPECT_EQ(openStatus(path), MLA_INVALID_FILE);
  EXPECT_MESSAGE("code.so: was written to while an open bundle runs it; close that first");
  mla_bundle_close(bundle);
  EXPECT_EQ(openStatus(path), MLA_OK) << mla_last_error();
}

TEST_F(ReplacedBundle, CodeMayGetAnotherTime) {
  std::string path = directory / "layer.mla";
  write(path, false);
  mla_bundle *first = open(path);
  for (int seconds : {7, 9}) {
    fs::last_write_time(path + "/code.so", fs::file_time_type::clock::now() + std::chrono::seconds(seconds));
    mla_bundle *second = open(path);
    EXPECT_EQ(codeOf(second), 1);
    mla_bundle_close(second);
  }
  EXPECT_EQ(codeOf(first), 1);
  mla_bundle_close(first);
}

TEST_F(ReplacedBundle, RefusesPathsThatTheLoaderRewrites) {
  // The loader replaces $ORIGIN by the directory of the calling library.
  Dl_info runtime = {};
  ASSERT_NE(dladdr(reinterpret_cast<void *>(mla_version), &runtime), 0);
  write(directory / "x/$ORIGIN/layer.mla", false);
  EXPECT_EQ(openStatus(directory / "x/$ORIGIN/layer.mla"), MLA_UNSUPPORTED);
  EXPECT_MESSAGE("'$' in the path");
  // If it finds a library, it is another one.
  write(directory / "x/" + fs::path(runtime.dli_fname).parent_path().string() + "/layer.mla", true);
  EXPECT_EQ(openStatus(directory / "x/$ORIGIN/layer.mla"), MLA_UNSUPPORTED);
  EXPECT_MESSAGE("'$' in the path");
  write(directory / "price$/layer.mla", true);
  EXPECT_EQ(openStatus(directory / "price$/layer.mla"), MLA_OK) << mla_last_error();
}
