//===- TestSupport.h - What several tests of the runtime need ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_SUPPORT_H
#define MLA_TEST_SUPPORT_H

#include "mla/runtime.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

/// A directory that is removed with the object.
class TempDir {
public:
  TempDir();
  ~TempDir();
  std::string operator/(const std::string &name) const { return path + "/" + name; }
  const std::string path;
};

std::string readFile(const std::string &path);
void writeFile(const std::string &path, const std::string &content);
/// Returns `text` with the only occurrence of `from` replaced; fails the test if there is none.
std::string replaced(std::string text, const std::string &from, const std::string &to);

/// The manifest of a small bundle with layers 3 and 5, pages of 4 tokens, hidden states of 3 elements and rows of 4.
/// Decode up to 8 tokens and prefill are sum_f32, longer decode is ones_f32. `files` stands for the last field's
/// object.
std::string smallManifest();
/// That of one of several ranks, whose entries have this symbol, and of which `tokens` share the tokens of a sequence.
std::string rankManifest(int64_t count, int64_t rank, const std::string &symbol, int64_t tokens = 1);
/// Writes a bundle: that manifest, its files' sizes filled in, the weight 2 in layer 3 and 0.5 in layer 5, the test
/// code, or the library at `code`. Of another target, `files` stand in the code's place.
void writeBundle(const std::string &directory, const std::string &manifest = smallManifest(),
                 const std::map<std::string, std::string> &files = {}, const std::string &code = MLA_TEST_CODE);
/// Writes the bundles of several ranks, with these manifests.
void writeRanks(const std::string &directory, const std::vector<std::string> &manifests);
/// Writes a safetensors file of F32 tensors, with a header of minimal length.
std::string safetensorsBytes(const std::string &header, const std::string &data);

/// Opens and closes the bundle in that directory.
mla_status openStatus(const std::string &path);

/// A change to a manifest that must be rejected, and the expected error.
struct BadManifest {
  const char *name, *from, *to, *says;
  mla_status status = MLA_INVALID_FILE;
};
/// For GoogleTest, which otherwise prints the bytes.
void PrintTo(const BadManifest &manifest, std::ostream *stream);

/// The output of a run of mla-run.
struct Outcome {
  int status = -1;
  std::string output; ///< standard output and error
};
/// Runs the tool in a separate process.
Outcome runTool(const std::string &arguments, const std::string &environment = "");

/// An open bundle and its cache.
class RuntimeTest : public ::testing::Test {
protected:
  void open(int64_t pages, const std::string &manifest = smallManifest());
  void TearDown() override;

  mla_sequence newSequence();
  int64_t length(mla_sequence sequence);
  std::vector<int32_t> pages(mla_sequence sequence);
  int64_t freePages() { return mla_cache_free_pages(cache); }
  mla_batch *begin(const std::vector<mla_sequence> &sequences, const std::vector<int32_t> &tokens);
  /// Appends one token per value to the sequence through layer `layer`. Returns one result per token.
  std::vector<float> append(mla_sequence sequence, const std::vector<float> &values, int64_t layer = 3);

  TempDir directory;
  mla_bundle *bundle = nullptr;
  mla_cache *cache = nullptr;
};

/// Returns one of the API's structs with the common sizes.
template <typename Struct> Struct ofSizes(int64_t tokens, int64_t batch, int64_t maxQueries, int64_t maxLength) {
  Struct made = {};
  made.size = sizeof(made);
  made.tokens = tokens;
  made.batch = batch;
  made.max_queries = maxQueries;
  made.max_length = maxLength;
  return made;
}

/// Names the tests of a table by the `name` of its rows.
inline constexpr auto byName = [](const auto &info) { return std::string(info.param.name); };

#define EXPECT_MESSAGE(part) EXPECT_NE(std::string(mla_last_error()).find(part), std::string::npos) << mla_last_error()

#endif // MLA_TEST_SUPPORT_H
