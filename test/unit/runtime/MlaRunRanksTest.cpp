//===- MlaRunRanksTest.cpp - The tool, of several ranks -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two ranks that share the tokens compute what the code of one rank computes:
// twice the running sum in layer 3, half of it in layer 5.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "Json.h"

#include "mla/safetensors.h"

#include <filesystem>
#include <thread>

using namespace mla;

namespace {
class MlaRunRanks : public ::testing::Test {
protected:
  TempDir directory;
  std::string ranks() const { return directory / "ranks"; }
  std::string golden() const { return directory / "golden.safetensors"; }

  void SetUp() override { std::filesystem::create_directory(ranks()); }

  static std::string ofModel(const std::string &manifest) {
    std::string text = replaced(manifest, "\"hidden_size\": 3", "\"hidden_size\": 3, \"vocab_size\": 50");
    return replaced(text, "\"entries\": [",
                    R"("entries": [{"symbol": "embed_f32", "phase": "embed", "weights": []},
      {"symbol": "logits_f32", "phase": "logits", "weights": []}, )");
  }
  static std::vector<std::string> sharing() {
    return {rankManifest(2, 0, "shared0_f32", 2), rankManifest(2, 1, "shared1_f32", 2)};
  }
  static std::vector<std::string> sharingModel() { return {ofModel(sharing()[0]), ofModel(sharing()[1])}; }

  /// One sequence of 9 tokens, more than two pages, and a step.
  void writeGolden(float last = 92) {
    std::vector<float> hidden, out;
    for (int i = 1; i <= 9; ++i) {
      hidden.insert(hidden.end(), {static_cast<float>(i), 0, 0});
      out.insert(out.end(), 3, static_cast<float>(i * (i + 1)));
    }
    auto writer = SafetensorsWriter::create(golden(), {{"prefill.hidden", DType::F32, {1, 9, 3}},
                                                       {"prefill.out", DType::F32, {1, 9, 3}},
                                                       {"decode.0.hidden", DType::F32, {1, 1, 3}},
                                                       {"decode.0.out", DType::F32, {1, 1, 3}}});
    ASSERT_TRUE(writer) << writer.error().message();
    float one[3] = {1, 0, 0}, sum[3] = {last, last, last};
    ASSERT_FALSE(writer->write("prefill.hidden", 0, hidden.data(), hidden.size() * sizeof(float)));
    ASSERT_FALSE(writer->write("prefill.out", 0, out.data(), out.size() * sizeof(float)));
    ASSERT_FALSE(writer->write("decode.0.hidden", 0, one, sizeof(one)));
    ASSERT_FALSE(writer->write("decode.0.out", 0, sum, sizeof(sum)));
    ASSERT_FALSE(writer->finish());
  }
  void expect(const std::string &arguments, int status, const std::string &says) {
    Outcome outcome = runTool(arguments);
    EXPECT_EQ(outcome.status, status) << outcome.output;
    EXPECT_NE(outcome.output.find(says), std::string::npos) << outcome.output;
  }
};
} // namespace

static size_t countOf(const std::string &text, const std::string &part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

TEST_F(MlaRunRanks, ChecksAllRanks) {
  writeRanks(ranks(), sharing());
  writeGolden();
  Outcome outcome = runTool(ranks() + " --check=" + golden());
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_EQ(countOf(outcome.output, "passed: 2 of 2 tensors within tolerance\n"), 1u) << "rank 0 prints";
  EXPECT_EQ(countOf(outcome.output, "passed: 2 ranks have the same results, bit by bit\n"), 1u) << outcome.output;
  writeGolden(93);
  expect(ranks() + " --check=" + golden(), 1, "FAILED: 1 of 2 tensors within tolerance");
}

TEST_F(MlaRunRanks, FailsIfRanksDiffer) {
  writeRanks(ranks(), {rankManifest(2, 0, "ranks_f32"), rankManifest(2, 1, "differing_f32")});
  writeGolden();
  expect(ranks() + " --tolerance=10 --check=" + golden(), 1, "FAILED: prefill.out: rank 1 has other bits than rank 0");
}

TEST_F(MlaRunRanks, GeneratesWhatOneRankGenerates) {
  std::string one = directory / "one";
  std::filesystem::create_directory(one);
  writeBundle(one, replaced(ofModel(smallManifest()), "\"context\": [0, 8]", "\"context\": [0, 1000]"));
  writeRanks(ranks(), sharingModel());
  std::string arguments = " --generate --prompt=1,2,3 --prompt=7 --prompt=4,0,5,6,2,9,1,1,3 --max-new-tokens=7 "
                          "--max-sequences=2 --temperature=3";
  Outcome expected = runTool(one + arguments), outcome = runTool(ranks() + arguments);
  EXPECT_EQ(expected.status, 0) << expected.output;
  EXPECT_EQ(countOf(expected.output, "\n"), 3u);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output, expected.output);
}

TEST_F(MlaRunRanks, Measures) {
  writeRanks(ranks(), sharing());
  Outcome outcome = runTool(ranks() + " --bench --json --batch=2 --context=9 --steps=3", "MLA_NUM_THREADS=3");
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  Result<json::Value> result = json::parse(outcome.output);
  ASSERT_TRUE(result) << outcome.output;
  EXPECT_EQ(result->find("ranks")->integer, 2);
  EXPECT_GT(result->find("median_seconds")->number, 0);
}

TEST_F(MlaRunRanks, SaysWhatTheBundlesHold) {
  writeRanks(ranks(), sharing());
  Outcome text = runTool(ranks() + " --info");
  EXPECT_EQ(text.status, 0) << text.output;
  EXPECT_NE(text.output.find("rank      1 of 2 that run together, heads from 4 on"), std::string::npos) << text.output;
  EXPECT_NE(text.output.find("format 5;"), std::string::npos) << text.output;
  Outcome outcome = runTool(ranks() + " --info --json");
  Result<json::Value> facts = json::parse(outcome.output);
  ASSERT_TRUE(facts) << outcome.output;
  ASSERT_EQ(facts->find("bundles")->items.size(), 2u);
  const json::Value &second = facts->find("bundles")->items[1];
  EXPECT_EQ(second.find("group_rank")->integer, 1);
  EXPECT_EQ(second.find("token_ranks")->integer, 2);
}

TEST_F(MlaRunRanks, ProcessesMeetInAFile) {
  writeRanks(ranks(), sharingModel());
  std::string arguments = " --generate --prompt=1,2,3,4,5,6,7 --id=" + (directory / "id");
  Outcome all = runTool(ranks() + " --generate --prompt=1,2,3,4,5,6,7"), first, second;
  std::thread other([&] { second = runTool(ranks() + arguments + " --rank=1"); });
  first = runTool(ranks() + "/rank0" + arguments + " --rank=0"); // or the bundle of the rank itself
  other.join();
  EXPECT_EQ(first.status, 0) << first.output;
  EXPECT_EQ(first.output, all.output);
  EXPECT_EQ(second.status, 0) << second.output;
  EXPECT_EQ(second.output, "");
}

TEST_F(MlaRunRanks, AMissingProcessIsAnErrorWithinTheLimit) {
  writeRanks(ranks(), sharingModel());
  expect(ranks() + " --generate --prompt=1 --rank=0 --timeout=0.2 --id=" + (directory / "id"), 1,
         "of 2 ranks these did not come within 0.2 seconds: 1; start all ranks, each with its number");
}

/// The error is that of the rank that failed, and not of one that waited for it.
TEST_F(MlaRunRanks, AFailingRankIsNamed) {
  writeRanks(ranks(), {rankManifest(2, 0, "ranks_f32"), rankManifest(2, 1, "huge_f32")});
  writeGolden();
  expect(ranks() + " --check=" + golden(), 1, "error: rank 1: prefill: ");
  writeFile(ranks() + "/rank1/code.so", "no code");
  expect(ranks() + " --check=" + golden(), 1, "error: rank 1: " + ranks() + "/rank1/code.so: has 7 bytes");
}

TEST_F(MlaRunRanks, RefusesWhatDoesNotFit) {
  writeRanks(ranks(), sharing());
  expect(ranks() + "/rank1 --bench", 1, "is rank 1 of 2, which runs with a communicator only");
  expect(ranks() + " --bench --rank=2 --id=x", 1, "has ranks 0 to 1, but --rank is 2");
  expect(ranks() + "/rank1 --bench --rank=0 --timeout=0.1 --id=" + (directory / "id"), 1, "did not come within");
  expect(ranks() + " --bench --rank=0", 2, "--rank requires --id");
  expect(ranks() + " --bench --id=x", 2, "--id requires --rank");
  expect(ranks() + " --bench --timeout=0", 2, "--timeout must be a number of seconds above 0");
  expect(ranks() + " --info --rank=0 --id=x", 2, "--rank requires --check");
  expect(ranks() + " --profile", 1, "has 2 ranks, which --profile and --tune do not run; use --bench");
  expect(ranks() + " --bench --layer=4", 1, "rank 0: " + ranks() + "/rank0: has no layer 4");
  std::string plain = directory / "plain";
  std::filesystem::create_directory(plain);
  writeBundle(plain);
  expect(plain + " --bench --rank=1 --id=x", 1, "is of 1 ranks, but --rank is 1; compile with --tp=N");
  const char *const bad[][2] = {{"[]", "is no JSON object"},
                                {R"({"magic": "mla-bundle", "version": 1, "ranks": 2})", "field 'magic' is not"},
                                {R"({"magic": "mla-ranks", "version": 2, "ranks": 2})", "this release reads 1"},
                                {R"({"magic": "mla-ranks", "version": 1, "ranks": 0})", "must be 1 to 1024, is 0"}};
  for (const auto &[text, says] : bad) {
    writeFile(ranks() + "/ranks.json", text);
    expect(ranks() + " --bench", 1, says);
  }
  std::filesystem::remove(ranks() + "/ranks.json");
  expect(ranks() + " --bench", 1, "has rank0, but no ranks.json, which is written last; compile the bundle again");
}
