//===- Generate.cpp - Tokens of a model -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate.h"
#include "DecodeGraph.h"
#include "JsonWriter.h"
#include "ReadFile.h"
#include "Text.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

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
    pages += (length + info.page - 1) / info.page;
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

Error Session::decodeOnHost(int64_t steps, std::vector<Ids> &made) {
  std::vector<Ids> next(made.size());
  std::vector<float> logits;
  for (int64_t step = 0; step < steps; ++step) {
    for (size_t i = 0; i < made.size(); ++i)
      next[i] = {made[i].back()};
    if (Error error = run(next, MLA_LOGITS_LAST, logits))
      return error;
    for (size_t i = 0; i < made.size(); ++i)
      made[i].push_back(pickLargest(logits.data() + i * info.vocab_size, info.vocab_size));
  }
  return {};
}

/// Tokens stay on the device, and are only read; a step is one graph.
Error Session::decodeOnDevice(int64_t steps, std::vector<Ids> &made) {
  Ids tokens;
  for (const Ids &own : made)
    tokens.push_back(own.back());
  DecodeGraph graph(bundle, cache.get());
  if (Error error = graph.prepare(sequences, tokens, steps))
    return error;
  for (int64_t step = 0; step < steps; ++step) {
    if (Error error = graph.launch())
      return error;
    if (Error error = graph.read(tokens))
      return error;
    if (std::count(tokens.begin(), tokens.end(), -1))
      return areNaN(info);
    for (size_t i = 0; i < made.size(); ++i)
      made[i].push_back(tokens[i]);
  }
  return graph.commit();
}

Error Session::decode(int64_t steps, std::vector<Ids> &made) {
  if (steps == 0)
    return {};
  return info.device_memory ? decodeOnDevice(steps, made) : decodeOnHost(steps, made);
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
/// What was generated for each prompt, and how long it took.
struct Generated {
  std::vector<Ids> tokens;
  double promptSeconds = 0, decodeSeconds = 0; ///< of the first tokens, and of all others
};
} // namespace

static double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Generate greedily: every sequence is continued by its most likely token.
static Result<Generated> generateFrom(const Options &options, const mla_bundle *bundle,
                                      const std::vector<Ids> &prompts) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  Session session(bundle);
  std::vector<int64_t> lengths;
  for (const Ids &prompt : prompts)
    lengths.push_back(static_cast<int64_t>(prompt.size()) + options.newTokens);
  if (Error error = session.prepare(lengths))
    return error;
  Generated made;
  std::vector<float> logits;
  auto start = std::chrono::steady_clock::now();
  if (Error error = session.run(prompts, MLA_LOGITS_LAST, logits))
    return error;
  for (size_t i = 0; i < prompts.size(); ++i)
    made.tokens.push_back({pickLargest(logits.data() + i * info.vocab_size, info.vocab_size)});
  made.promptSeconds = secondsSince(start);
  start = std::chrono::steady_clock::now();
  if (Error error = session.decode(options.newTokens - 1, made.tokens))
    return error;
  made.decodeSeconds = secondsSince(start);
  return made;
}

static void printText(const std::vector<Ids> &made) {
  for (const Ids &ids : made) {
    for (size_t i = 0; i < ids.size(); ++i)
      std::printf("%s%d", i ? "," : "", ids[i]);
    std::printf("\n");
  }
}

/// Print tokens, and the times of their steps, without those of the first.
static void printJson(const std::vector<Ids> &prompts, const Generated &made) {
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
    json.endObject();
  }
  json.endArray();
  size_t decoded = (made.tokens.front().size() - 1) * prompts.size();
  json.field("prompt_seconds", made.promptSeconds).field("decode_seconds", made.decodeSeconds);
  json.key("tokens_per_second");
  decoded ? json.value(static_cast<double>(decoded) / made.decodeSeconds) : json.null();
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
  options.json ? printJson(prompts, *made) : printText(made->tokens);
  return {};
}
