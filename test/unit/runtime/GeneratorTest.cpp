//===- GeneratorTest.cpp - Sequences that join and end --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers of both test models sum what is cached, so that a token depends on all
// before it.
//
//===----------------------------------------------------------------------===//

#include "GpuTestSupport.h"

#include <map>

using Ids = std::vector<int32_t>;

namespace {
struct Prompt {
  int64_t number;
  Ids ids;
  int64_t newTokens;
};
} // namespace

static const std::vector<Prompt> prompts = {{7, {1}, 6}, {2, {1, 2, 1}, 3}, {5, {0, 1, 0, 2, 1, 0}, 5}, {0, {3}, 1}};

/// Generation with either model; pages have 4 tokens.
class Generator : public GpuTest {
protected:
  void TearDown() override {
    mla_generator_destroy(generator);
    GpuTest::TearDown();
  }

  mla_status create(int64_t maxSequences, const mla_sampling *sampling = nullptr, const Ids &stop = {}) {
    mla_generator_destroy(generator);
    generator = nullptr;
    mla_generator_options options = {sizeof(options), cache,       maxSequences,
                                     sampling,        stop.data(), static_cast<int64_t>(stop.size())};
    room = maxSequences;
    return mla_generator_create(bundle, &options, &generator);
  }
  mla_status add(const Prompt &prompt) {
    return mla_generator_add(generator, prompt.number, prompt.ids.data(), static_cast<int64_t>(prompt.ids.size()),
                             prompt.newTokens);
  }
  /// Runs a step; returns its tokens.
  std::vector<mla_generated> step() {
    std::vector<mla_generated> made(room);
    int64_t count = -1;
    EXPECT_EQ(mla_generator_step(generator, made.data(), room, &count), MLA_OK) << mla_last_error();
    made.resize(std::max<int64_t>(count, 0));
    return made;
  }
  /// Runs all that waits; returns the tokens by sequence.
  std::map<int64_t, Ids> finish() {
    std::map<int64_t, Ids> tokens;
    for (auto made = step(); !made.empty(); made = step())
      for (const mla_generated &token : made) {
        EXPECT_EQ(ended.count(token.sequence), 0u) << token.sequence;
        if (token.finish != MLA_RUNNING)
          ended[token.sequence] = token.finish;
        tokens[token.sequence].push_back(token.token);
      }
    return tokens;
  }
  std::map<int64_t, Ids> generate(const std::vector<Prompt> &all, int64_t maxSequences, const mla_sampling *sampling) {
    ended.clear();
    EXPECT_EQ(create(maxSequences, sampling), MLA_OK) << mla_last_error();
    for (const Prompt &prompt : all)
      EXPECT_EQ(add(prompt), MLA_OK) << mla_last_error();
    return finish();
  }
  void expectTheSameInAnyCompany(const mla_sampling *sampling);

  mla_generator *generator = nullptr;
  int64_t room = 0;
  std::map<int64_t, mla_finish> ended;
};

/// Each alone, then all in several orders, so many at once.
void Generator::expectTheSameInAnyCompany(const mla_sampling *sampling) {
  std::map<int64_t, Ids> alone;
  for (const Prompt &prompt : prompts) {
    alone.merge(generate({prompt}, 1, sampling));
    EXPECT_EQ(alone[prompt.number].size(), static_cast<size_t>(prompt.newTokens));
    EXPECT_EQ(ended[prompt.number], MLA_FINISHED_LENGTH);
  }
  std::vector<Prompt> order = prompts;
  for (int turn = 0; turn < 4; ++turn, std::rotate(order.begin(), order.begin() + 1, order.end()))
    for (int64_t atOnce : {1, 2, 3, 4, 9})
      EXPECT_EQ(generate(order, atOnce, sampling), alone) << turn << ", " << atOnce;
  EXPECT_EQ(mla_cache_free_pages(cache), mla_cache_num_pages(cache));
}

static const mla_sampling atRandom = {sizeof(mla_sampling), 2, 0, 0, 3};

TEST_F(Generator, TokensAreTheSameInAnyCompany) {
  openGpu(12, gpuModelManifest());
  expectTheSameInAnyCompany(nullptr);
  expectTheSameInAnyCompany(&atRandom);
}

static std::string hostModel() {
  std::string manifest = replaced(smallManifest(), "\"hidden_size\": 3", "\"hidden_size\": 3, \"vocab_size\": 5");
  return replaced(manifest, "\"entries\": [",
                  R"("entries": [{"symbol": "embed_f32", "phase": "embed", "weights": []},
                    {"symbol": "logits_f32", "phase": "logits", "weights": []}, )");
}

TEST_F(Generator, TokensAreTheSameInAnyCompanyOnTheHost) {
  open(12, hostModel());
  expectTheSameInAnyCompany(nullptr);
  expectTheSameInAnyCompany(&atRandom);
}

/// The likeliest tokens are those of mla_run_model.
TEST_F(Generator, TokensAreThoseOfTheModel) {
  openGpu(12, gpuModelManifest());
  std::map<int64_t, Ids> made = generate(prompts, 2, nullptr);
  for (const Prompt &prompt : prompts) {
    Ids fed = prompt.ids, expected;
    mla_sequence sequence = newSequence();
    for (int64_t i = 0; i < prompt.newTokens; ++i) {
      std::vector<float> logits(10);
      mla_batch *batch = begin({sequence}, {static_cast<int32_t>(fed.size())});
      ASSERT_EQ(mla_run_model(bundle, batch, MLA_PHASE_AUTO, fed.data(), MLA_LOGITS_LAST, logits.data()), MLA_OK);
      ASSERT_EQ(mla_batch_commit(batch), MLA_OK);
      expected.push_back(static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
      fed = {expected.back()};
    }
    EXPECT_EQ(made[prompt.number], expected) << prompt.number;
    EXPECT_EQ(mla_sequence_free(cache, sequence), MLA_OK);
  }
}

/// A captured step serves as long as the same sequences run.
TEST_F(Generator, StepsAreGraphs) {
  openGpu(12, gpuModelManifest());
  ASSERT_EQ(create(2), MLA_OK);
  ASSERT_EQ(add({0, {1}, 6}), MLA_OK);
  ASSERT_EQ(add({1, {2}, 3}), MLA_OK);
  ASSERT_EQ(add({2, {1, 1}, 2}), MLA_OK);
  size_t before = cuda.calls.size();
  auto count = [&](const char *call) { return std::count(cuda.calls.begin() + before, cuda.calls.end(), call); };
  EXPECT_EQ(step().size(), 2u); // the prompts
  EXPECT_EQ(count("cuGraphLaunch"), 0);
  EXPECT_EQ(step().size(), 2u);
  std::vector<mla_generated> last = step();
  EXPECT_EQ(last[1].finish, MLA_FINISHED_LENGTH);
  EXPECT_EQ(count("cuGraphLaunch"), 2);
  EXPECT_EQ(count("cuGraphInstantiate"), 1);
  last = step(); // the third joins
  EXPECT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].sequence, 2);
  EXPECT_EQ(finish()[0].size(), 3u);
  EXPECT_EQ(count("cuGraphInstantiate"), 3);
}

TEST_F(Generator, StopsAtTokens) {
  openGpu(12, gpuModelManifest());
  Ids whole = generate({{0, {1}, 6}}, 1, nullptr)[0];
  int32_t stop = whole[2];
  auto first = std::find(whole.begin(), whole.end(), stop);
  ASSERT_EQ(create(2, nullptr, {stop}), MLA_OK);
  ASSERT_EQ(add({0, {1}, 6}), MLA_OK);
  ended.clear();
  EXPECT_EQ(finish()[0], Ids(whole.begin(), first + 1)); // with the token
  EXPECT_EQ(ended[0], MLA_FINISHED_STOP);
  EXPECT_EQ(mla_cache_free_pages(cache), 12);
}

/// No sequence that runs finds the cache full, as prompts wait for all pages that they will need.
TEST_F(Generator, PromptsWaitForPages) {
  openGpu(5, gpuModelManifest());
  auto made = generate({{0, {1}, 12}, {1, {1}, 8}, {2, {1}, 8}}, 3, nullptr); // 3, 2 and 2 pages
  EXPECT_EQ(made[0].size() + made[1].size() + made[2].size(), 28u);
  EXPECT_EQ(made[1], made[2]);
  ended.clear();
  mla_sequence other = newSequence();
  mla_batch *batch = begin({other}, {16});
  ASSERT_EQ(create(3), MLA_OK);
  ASSERT_EQ(add({0, {1}, 8}), MLA_OK);
  mla_generated token[3];
  int64_t count = 0;
  EXPECT_EQ(mla_generator_step(generator, token, 3, &count), MLA_OUT_OF_PAGES);
  EXPECT_MESSAGE("the next prompt waits for pages that sequences of others hold; free some and call again");
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
  EXPECT_EQ(finish()[0], made[1]);
}

TEST_F(Generator, IsDestroyedInTheMiddle) {
  openGpu(12, gpuModelManifest());
  ASSERT_EQ(create(2), MLA_OK);
  ASSERT_EQ(add({0, {1}, 6}), MLA_OK);
  ASSERT_EQ(add({1, {1}, 6}), MLA_OK);
  ASSERT_EQ(add({2, {1}, 6}), MLA_OK);
  step();
  step();
  mla_generator_destroy(generator);
  generator = nullptr;
  EXPECT_EQ(mla_cache_free_pages(cache), 12);
}

TEST_F(Generator, FailuresOfTheDriverAreReported) {
  openGpu(12, gpuModelManifest());
  for (const char *call :
       {"cuMemcpyHtoDAsync", "cuStreamBeginCapture", "cuGraphInstantiate", "cuGraphLaunch", "cuMemcpyDtoH"}) {
    ASSERT_EQ(create(2), MLA_OK);
    ASSERT_EQ(add({0, {1}, 6}), MLA_OK);
    cuda.failures = {{call, 700}};
    mla_generated made[2];
    int64_t count = 0;
    mla_status status = MLA_OK;
    for (int i = 0; i < 3 && status == MLA_OK; ++i)
      status = mla_generator_step(generator, made, 2, &count);
    EXPECT_EQ(status, MLA_DEVICE_ERROR) << call;
    cuda.failures.clear();
    EXPECT_EQ(mla_generator_step(generator, made, 2, &count), MLA_INVALID_ARGUMENT) << call;
    EXPECT_MESSAGE("an earlier step failed; destroy the generator");
  }
}

TEST_F(Generator, RefusesWhatItCannotContinue) {
  std::string sizes = "\"vocab_size\": 10",
              more = sizes + ", \"max_position_embeddings\": 20, \"eos_token_id\": [9, 3]";
  openGpu(12, replaced(gpuModelManifest(), sizes, more));
  const mla_bundle_info *info = mla_bundle_get_info(bundle);
  EXPECT_EQ(info->max_context, 20);
  ASSERT_EQ(info->num_stop_tokens, 2);
  EXPECT_EQ(info->stop_tokens[1], 3);
  ASSERT_EQ(create(2), MLA_OK);
  auto refuses = [&](const Prompt &prompt, const char *says) {
    EXPECT_EQ(add(prompt), MLA_INVALID_ARGUMENT) << says;
    EXPECT_MESSAGE(says);
  };
  refuses({0, {1, 10}, 1}, "prompt[1] is 10, but the model has tokens 0 to 9; use its own tokenizer");
  refuses({0, {-1}, 1}, "prompt[0] is -1");
  refuses({0, {}, 1}, "prompt is NULL");
  refuses({0, {1}, 0}, "max_new_tokens 0; give at least 1");
  refuses({0, Ids(15, 1), 6},
          "a prompt of 15 tokens and 6 new ones exceed the model's context of 20 tokens (max_position_embeddings); "
          "shorten the prompt or ask for fewer");
  EXPECT_EQ(add({0, Ids(15, 1), 5}), MLA_OK);
  refuses({0, {1}, 1}, "sequence 0 waits or runs already; give another number");
  mla_generated made[2];
  int64_t count = 0;
  EXPECT_EQ(mla_generator_step(generator, made, 1, &count), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("capacity is 1, less than max_sequences, 2");
  EXPECT_EQ(mla_generator_step(nullptr, made, 2, &count), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_generator_step(generator, nullptr, 2, &count), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(finish()[0].size(), 5u);
}

TEST_F(Generator, RefusesWhatIsTooLongForTheCache) {
  openGpu(2, gpuModelManifest());
  ASSERT_EQ(create(1), MLA_OK);
  EXPECT_EQ(add({0, Ids(6, 1), 4}), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("a prompt of 6 tokens and 4 new ones exceed the cache of 2 pages of 4 tokens; create a larger one");
  EXPECT_EQ(add({0, Ids(6, 1), 3}), MLA_OK); // the last is not cached
  EXPECT_EQ(finish()[0].size(), 3u);
}

TEST_F(Generator, RefusesOptionsThatAreNone) {
  openGpu(2, gpuModelManifest());
  EXPECT_EQ(create(0), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("options->max_sequences is 0");
  EXPECT_EQ(create(1, nullptr, {10}), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("stop[0] is 10, but the model has tokens 0 to 9");
  mla_sampling wrong = {sizeof(wrong), -1, 0, 0, 0};
  EXPECT_EQ(create(1, &wrong), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("mla_generator_create: sampling->temperature is -1");
  mla_generator_options options = {};
  EXPECT_EQ(mla_generator_create(bundle, &options, &generator), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("options->size is 0");
  options = {sizeof(options), nullptr, 1, nullptr, nullptr, 0};
  EXPECT_EQ(mla_generator_create(bundle, &options, &generator), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("bundle or cache is NULL");
  options.cache = cache;
  EXPECT_EQ(mla_generator_create(nullptr, &options, &generator), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_generator_create(bundle, nullptr, &generator), MLA_INVALID_ARGUMENT);
  options.num_stop = 1;
  EXPECT_EQ(mla_generator_create(bundle, &options, &generator), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("stop is NULL");
}

TEST_F(Generator, RefusesABundleOfLayers) {
  open(2);
  EXPECT_EQ(create(1), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("has no embedding; compile with --scope=model");
}

TEST_F(Generator, StopTokensOfAManifestAreTokens) {
  std::string sizes = "\"vocab_size\": 10";
  for (auto [field, says] :
       {std::pair("\"eos_token_id\": [10]", "must hold tokens below vocab_size, 10"),
        std::pair("\"eos_token_id\": 3", "field 'model.eos_token_id' must be an array"),
        std::pair("\"max_position_embeddings\": 0", "field 'model.max_position_embeddings' must be 1 to")}) {
    writeGpuBundle(directory.path, replaced(gpuModelManifest(), sizes, sizes + ", " + field));
    EXPECT_EQ(openStatus(directory.path), MLA_INVALID_FILE) << says;
    EXPECT_MESSAGE(says);
  }
}
