//===- Generate.cpp - Tokens of a model -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate.h"
#include "JsonWriter.h"
#include "Loading.h"
#include "Memory.h"
#include "ReadFile.h"
#include "Text.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>

using namespace mla;
using namespace mla::run;

Error mla::run::checkIsModel(const mla_bundle_info &info, const char *what) {
  if (info.vocab_size)
    return {};
  return Error(ErrorKind::InvalidArgument, std::string(info.path) + ": is of layers, but " + what +
                                               " needs a whole model; compile with --scope=model");
}

int32_t mla::run::pickLargest(const float *logits, int64_t count) {
  return static_cast<int32_t>(std::max_element(logits, logits + count) - logits);
}

Error mla::run::areNaN(const mla_bundle_info &info) {
  return Error(ErrorKind::InvalidFile, std::string(info.path) + ": logits are NaN, so that no token is the likeliest; "
                                                                "check the weights, or compile with --dtype=f32");
}

Error Session::prepare(const std::vector<int64_t> &lengths) {
  int64_t pages = 0;
  for (int64_t length : lengths)
    pages += pagesFor(info, length);
  mla_cache *made = nullptr;
  if (Error error = toError(mla_cache_create(bundle, pages, &made)))
    return error;
  cache.reset(made);
  sequences.resize(lengths.size());
  for (mla_sequence &sequence : sequences)
    if (Error error = toError(mla_sequence_create(made, &sequence)))
      return error;
  return {};
}

Error Session::run(const std::vector<Ids> &tokens, mla_logits which, std::vector<float> &logits) {
  Ids ids;
  std::vector<int32_t> counts;
  for (const Ids &own : tokens) {
    ids.insert(ids.end(), own.begin(), own.end());
    counts.push_back(static_cast<int32_t>(own.size()));
  }
  mla_batch *begun = nullptr;
  auto count = static_cast<int64_t>(sequences.size());
  if (Error error = toError(mla_batch_begin(cache.get(), sequences.data(), counts.data(), count, &begun)))
    return error;
  Batch batch(begun);
  logits.resize((which == MLA_LOGITS_ALL ? ids.size() : sequences.size()) * info.vocab_size);
  if (Error error = toError(mla_run_model(bundle, begun, MLA_PHASE_AUTO, ids.data(), which, logits.data())))
    return error;
  if (std::any_of(logits.begin(), logits.end(), [](float logit) { return std::isnan(logit); }))
    return areNaN(info);
  return toError(mla_batch_commit(batch.release()));
}

//===----------------------------------------------------------------------===//
// Prompts
//===----------------------------------------------------------------------===//

static Error badPrompt(const std::string &where, const std::string &what) {
  return Error(ErrorKind::InvalidArgument, where + ": " + what);
}

/// Parse numbers between commas or white space.
static Result<Ids> parseIds(const std::string &where, const std::string &text, int64_t vocabulary) {
  Ids ids;
  for (size_t at = text.find_first_not_of(", \t\r\n"); at != text.npos;) {
    size_t end = text.find_first_of(", \t\r\n", at);
    std::string word = text.substr(at, end == text.npos ? end : end - at);
    char *rest = nullptr;
    long long id = std::strtoll(word.c_str(), &rest, 10);
    if (rest != word.c_str() + word.size())
      return badPrompt(where, "expected token numbers between commas, got " + quoted(word));
    if (id < 0 || id >= vocabulary)
      return badPrompt(where,
                       "token " + word + " is not in the vocabulary; expected 0 to " + std::to_string(vocabulary - 1));
    ids.push_back(static_cast<int32_t>(id));
    at = end == text.npos ? end : text.find_first_not_of(", \t\r\n", end);
  }
  return ids.empty() ? Result<Ids>(badPrompt(where, "has no token; give at least one")) : Result<Ids>(std::move(ids));
}

static Result<Ids> readPrompt(const std::string &prompt, int64_t vocabulary) {
  if (prompt.empty() || prompt[0] != '@')
    return parseIds("--prompt", prompt, vocabulary);
  if (prompt.size() == 1)
    return Result<Ids>(badPrompt("--prompt", "names no file after '@'; give one"));
  constexpr uint64_t most = 64 << 20;
  Result<std::string> text = readForeignFile(prompt.substr(1), most);
  return text ? parseIds(prompt.substr(1), *text, vocabulary) : Result<Ids>(text.error());
}

//===----------------------------------------------------------------------===//
// Generation
//===----------------------------------------------------------------------===//

namespace {
struct DestroyGenerator {
  void operator()(mla_generator *generator) const { mla_generator_destroy(generator); }
};
using Generator = std::unique_ptr<mla_generator, DestroyGenerator>;

/// What was generated for each prompt, and how long it took.
struct Generated {
  std::vector<Ids> tokens;
  std::vector<mla_finish> finishes;
  double promptSeconds = 0, decodeSeconds = 0; ///< of the first tokens, and of all others
  size_t decoded = 0;                          ///< tokens after the first ones

  /// Add the tokens of a step. Return whether it ran prompts.
  bool add(const std::vector<mla_generated> &made);
};
} // namespace

bool Generated::add(const std::vector<mla_generated> &made) {
  bool ranPrompts = false;
  for (const mla_generated &token : made) {
    Ids &own = tokens[token.sequence];
    own.push_back(token.token);
    finishes[token.sequence] = token.finish;
    ranPrompts |= own.size() == 1;
    decoded += own.size() != 1;
  }
  return ranPrompts;
}

static int64_t mostAtOnce(const Options &options, size_t prompts) {
  auto count = static_cast<int64_t>(prompts);
  return options.maxSequences < 0 ? count : std::min(count, options.maxSequences);
}

/// Create a cache for as many of the longest sequences as run at once: then none waits for pages.
static Result<Cache> makeCache(const Options &options, const mla_bundle *bundle, const std::vector<Ids> &prompts) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  std::vector<int64_t> needs;
  for (const Ids &prompt : prompts)
    needs.push_back(pagesFor(info, static_cast<int64_t>(prompt.size()) + options.newTokens));
  std::sort(needs.rbegin(), needs.rend());
  int64_t pages = std::accumulate(needs.begin(), needs.begin() + mostAtOnce(options, prompts.size()), int64_t(0));
  mla_cache *made = nullptr;
  if (Error error = toError(mla_cache_create(bundle, pages, &made)))
    return error;
  return Cache(made);
}

static Result<Generator> makeGenerator(const Options &options, const mla_bundle *bundle, mla_cache *cache,
                                       const std::vector<Ids> &prompts) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  mla_sampling sampling = {sizeof(sampling), options.temperature, options.topK, options.topP, options.seed};
  mla_generator_options settings = {};
  settings.size = sizeof(settings);
  settings.cache = cache;
  settings.max_sequences = mostAtOnce(options, prompts.size());
  settings.sampling = &sampling;
  bool stopsAsModel = options.stop.empty() && !options.ignoreStop;
  settings.stop = stopsAsModel ? info.stop_tokens : options.stop.data();
  settings.num_stop = stopsAsModel ? info.num_stop_tokens : static_cast<int64_t>(options.stop.size());
  mla_generator *made = nullptr;
  if (Error error = toError(mla_generator_create(bundle, &settings, &made)))
    return error;
  Generator generator(made);
  for (size_t i = 0; i < prompts.size(); ++i)
    if (Error error = toError(mla_generator_add(made, static_cast<int64_t>(i), prompts[i].data(),
                                                static_cast<int64_t>(prompts[i].size()), options.newTokens)))
      return error;
  return generator;
}

static double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Continue all prompts to their ends.
static Result<Generated> generateFrom(const Options &options, const mla_bundle *bundle,
                                      const std::vector<Ids> &prompts) {
  Result<Cache> cache = makeCache(options, bundle, prompts);
  if (!cache)
    return cache.error();
  Result<Generator> generator = makeGenerator(options, bundle, cache->get(), prompts);
  if (!generator)
    return generator.error();
  Generated generated;
  generated.tokens.resize(prompts.size());
  generated.finishes.resize(prompts.size());
  auto room = static_cast<int64_t>(prompts.size());
  for (int64_t count = 1; count;) {
    std::vector<mla_generated> made(room);
    auto start = std::chrono::steady_clock::now();
    if (Error error = toError(mla_generator_step(generator->get(), made.data(), room, &count)))
      return error;
    made.resize(count);
    (generated.add(made) ? generated.promptSeconds : generated.decodeSeconds) += secondsSince(start);
  }
  return generated;
}

static void printText(const std::vector<Ids> &made) {
  for (const Ids &ids : made) {
    for (size_t i = 0; i < ids.size(); ++i)
      std::printf("%s%d", i ? "," : "", ids[i]);
    std::printf("\n");
  }
}

/// Print tokens, and the times of their steps, without those of the first.
static void printJson(const mla_bundle_info &info, const std::vector<Ids> &prompts, const Generated &made) {
  JsonWriter json;
  auto list = [&](const Ids &ids) {
    json.beginArray();
    for (int32_t id : ids)
      json.value(static_cast<int64_t>(id));
    json.endArray();
  };
  json.beginObject().key("sequences").beginArray();
  for (size_t i = 0; i < prompts.size(); ++i) {
    json.beginObject().key("prompt");
    list(prompts[i]);
    json.key("tokens");
    list(made.tokens[i]);
    json.field("finish", made.finishes[i] == MLA_FINISHED_STOP ? "stop" : "length").endObject();
  }
  json.endArray();
  json.field("prompt_seconds", made.promptSeconds).field("decode_seconds", made.decodeSeconds);
  json.key("tokens_per_second");
  made.decoded ? json.value(static_cast<double>(made.decoded) / made.decodeSeconds) : json.null();
  writeLoading(json, info);
  json.endObject();
  std::printf("%s\n", json.str().c_str());
}

Error mla::run::generate(const Options &options, const mla_bundle *bundle) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  if (Error error = checkIsModel(info, "--generate"))
    return error;
  std::vector<Ids> prompts;
  for (const std::string &prompt : options.prompts) {
    Result<Ids> ids = readPrompt(prompt, info.vocab_size);
    if (!ids)
      return ids.error();
    prompts.push_back(std::move(*ids));
  }
  Result<Generated> made = generateFrom(options, bundle, prompts);
  if (!made)
    return made.error();
  for (const Ids &ids : made->tokens)
    note(options, "the tokens of a prompt", ids.data(), ids.size() * sizeof(ids[0]));
  if (options.quiet)
    return {};
  options.json ? printJson(info, prompts, *made) : printText(made->tokens);
  return {};
}
