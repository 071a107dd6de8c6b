//===- Generator.cpp - Sequences that join and end ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generator.h"
#include "CopyStruct.h"
#include "EnqueueModel.h"
#include "Sample.h"
#include "Status.h"

#include <algorithm>

using namespace mla;

mla_generator::mla_generator(const mla_bundle *bundle, mla_cache *cache, int64_t maxSequences,
                             const mla_sampling &sampling, std::vector<int32_t> stop)
    : bundle(bundle), info(bundle->info), cache(cache), maxSequences(maxSequences), sampling(sampling),
      stop(std::move(stop)) {}

namespace {
/// Makes the bundle's context current, if it has one.
struct BundleScope {
  std::optional<ContextScope> scope;
  explicit BundleScope(const mla_bundle &bundle) {
    if (bundle.gpu)
      scope.emplace(*bundle.gpu->context());
  }
};
} // namespace

mla_generator::~mla_generator() {
  BundleScope scope(*bundle);
  if (graph)
    mla_device_synchronize(); // a launch may still run
  graph.reset();
  for (const Running &sequence : running)
    mla_sequence_free(cache, sequence.sequence);
}

//===----------------------------------------------------------------------===//
// Joining
//===----------------------------------------------------------------------===//

static Error refused(const std::string &what) { return badArgument("mla_generator_add", what); }

Error mla_generator::checkPrompt(const int32_t *prompt, int64_t count, int64_t newTokens) const {
  for (int64_t i = 0; i < count; ++i)
    if (prompt[i] < 0 || prompt[i] >= info.vocab_size)
      return refused("prompt[" + std::to_string(i) + "] is " + std::to_string(prompt[i]) +
                     ", but the model has tokens 0 to " + std::to_string(info.vocab_size - 1) +
                     "; use its own tokenizer");
  std::string sizes =
      "a prompt of " + std::to_string(count) + " tokens and " + std::to_string(newTokens) + " new ones exceed ";
  if (info.max_context && count + newTokens > info.max_context)
    return refused(sizes + "the model's context of " + std::to_string(info.max_context) +
                   " tokens (max_position_embeddings); shorten the prompt or ask for fewer");
  int64_t pages = mla_cache_num_pages(cache);
  if (pagesOf(count + newTokens - 1) > pages)
    return refused(sizes + "the cache of " + std::to_string(pages) + " pages of " + std::to_string(info.page) +
                   " tokens; create a larger one");
  return {};
}

Error mla_generator::add(int64_t number, const int32_t *prompt, int64_t count, int64_t newTokens) {
  auto isTaken = [&](const auto &sequence) { return sequence.number == number; };
  if (std::any_of(waiting.begin(), waiting.end(), isTaken) || std::any_of(running.begin(), running.end(), isTaken))
    return refused("sequence " + std::to_string(number) + " waits or runs already; give another number");
  if (Error error = checkPrompt(prompt, count, newTokens))
    return error;
  waiting.push_back({number, std::vector<int32_t>(prompt, prompt + count), newTokens});
  return {};
}

/// Returns whether sequence and pages are free, also those that running sequences will still need. The last token is
/// not cached.
bool mla_generator::hasRoom(const Waiting &next) const {
  if (static_cast<int64_t>(running.size()) >= maxSequences)
    return false;
  int64_t promised = 0;
  for (const Running &sequence : running)
    if (!graph) // which holds them all
      promised += pagesOf(sequence.length + sequence.remaining) - pagesOf(sequence.length);
  int64_t needed = pagesOf(static_cast<int64_t>(next.prompt.size()) + next.newTokens - 1);
  return needed <= mla_cache_free_pages(cache) - promised;
}

Error mla_generator::runBatch(const std::vector<mla_sequence> &sequences, const std::vector<int32_t> &counts,
                              const std::vector<int32_t> &ids, std::vector<float> &logits) const {
  mla_batch *begun = nullptr;
  auto count = static_cast<int64_t>(sequences.size());
  if (Error error = toError(mla_batch_begin(cache, sequences.data(), counts.data(), count, &begun)))
    return error;
  Batch batch(begun);
  logits.resize(count * info.vocab_size);
  if (Error error = toError(mla_run_model(bundle, begun, MLA_PHASE_AUTO, ids.data(), MLA_LOGITS_LAST, logits.data())))
    return error;
  return toError(mla_batch_commit(batch.release()));
}

std::optional<int32_t> mla_generator::choose(const Running &sequence, const float *logits) const {
  return chooseToken(sampling, logits, info.vocab_size, static_cast<uint64_t>(sequence.number),
                     static_cast<uint64_t>(sequence.length));
}

static Error areNaN(const mla_bundle_info &info) {
  return Error(ErrorKind::InvalidFile, std::string(info.path) + ": logits are NaN, so that no token is the likeliest; "
                                                                "check the weights, or compile with --dtype=f32");
}

Error mla_generator::runPrompt(Running &sequence, const std::vector<int32_t> &prompt) {
  std::vector<float> logits;
  if (Error error = runBatch({sequence.sequence}, {static_cast<int32_t>(prompt.size())}, prompt, logits))
    return error;
  sequence.length = static_cast<int64_t>(prompt.size());
  std::optional<int32_t> token = choose(sequence, logits.data());
  if (!token)
    return areNaN(info);
  sequence.last = *token;
  return {};
}

Error mla_generator::join(const Waiting &next, std::vector<mla_generated> &made) {
  if (Error error = endGraph())
    return error;
  Running sequence = {next.number, 0, 0, 0, next.newTokens};
  if (Error error = toError(mla_sequence_create(cache, &sequence.sequence)))
    return error;
  running.push_back(sequence);
  if (Error error = runPrompt(running.back(), next.prompt))
    return error;
  made.push_back(append(running.back(), running.back().last));
  return {};
}

//===----------------------------------------------------------------------===//
// Steps of all that run
//===----------------------------------------------------------------------===//

Result<mla_generator::Tokens> mla_generator::decodeOnHost() {
  std::vector<mla_sequence> sequences;
  std::vector<int32_t> ids;
  for (const Running &sequence : running) {
    sequences.push_back(sequence.sequence);
    ids.push_back(sequence.last);
  }
  std::vector<float> logits;
  if (Error error = runBatch(sequences, std::vector<int32_t>(ids.size(), 1), ids, logits))
    return error;
  Tokens tokens;
  for (size_t i = 0; i < running.size(); ++i) {
    ++running[i].length;
    tokens.push_back(choose(running[i], logits.data() + i * info.vocab_size));
  }
  return tokens;
}

/// Captures a step of the running sequences, which then may make all of their tokens.
Error mla_generator::prepareGraph() {
  std::vector<mla_sequence> sequences;
  std::vector<int32_t> tokens, steps;
  for (const Running &sequence : running) {
    sequences.push_back(sequence.sequence);
    tokens.push_back(sequence.last);
    steps.push_back(static_cast<int32_t>(sequence.remaining));
  }
  auto made = std::make_unique<DecodeGraph>(bundle, cache);
  if (Error error = made->prepare(sequences, tokens, steps, /*givesLogits=*/sampling.temperature != 0))
    return error;
  graph = std::move(made);
  return {};
}

/// Gives back what was reserved for steps that did not run.
Error mla_generator::endGraph() {
  if (!graph)
    return {};
  Error error = graph->commit();
  graph.reset();
  for (size_t i = 0; i < running.size() && !error; ++i)
    error = toError(mla_sequence_truncate(cache, running[i].sequence, running[i].length));
  return error;
}

/// The likeliest tokens stay on the device, and are only read; others are chosen here.
Result<mla_generator::Tokens> mla_generator::decodeOnDevice() {
  if (Error error = graph ? Error() : prepareGraph())
    return error;
  if (Error error = graph->launch())
    return error;
  for (Running &sequence : running)
    ++sequence.length;
  Tokens tokens;
  if (sampling.temperature == 0) {
    Result<std::vector<int32_t>> next = graph->tokens();
    if (!next)
      return next.error();
    for (int32_t token : *next)
      tokens.push_back(token == -1 ? std::nullopt : std::optional<int32_t>(token));
    return tokens;
  }
  Result<const float *> logits = graph->logits();
  if (!logits)
    return logits.error();
  std::vector<int32_t> next;
  for (size_t i = 0; i < running.size(); ++i) {
    tokens.push_back(choose(running[i], *logits + i * info.vocab_size));
    next.push_back(tokens.back().value_or(0));
  }
  if (Error error = graph->setTokens(next))
    return error;
  return tokens;
}

mla_generated mla_generator::append(Running &sequence, int32_t token) const {
  sequence.last = token;
  --sequence.remaining;
  mla_finish finish = MLA_RUNNING;
  if (std::find(stop.begin(), stop.end(), token) != stop.end())
    finish = MLA_FINISHED_STOP;
  else if (sequence.remaining == 0)
    finish = MLA_FINISHED_LENGTH;
  return {sequence.number, token, finish};
}

Error mla_generator::decode(std::vector<mla_generated> &made) {
  Result<Tokens> tokens = info.device_memory ? decodeOnDevice() : decodeOnHost();
  if (!tokens)
    return tokens.error();
  for (size_t i = 0; i < running.size(); ++i) {
    if (!(*tokens)[i])
      return areNaN(info);
    made.push_back(append(running[i], *(*tokens)[i]));
  }
  return {};
}

/// Frees the sequences that have ended, also those that joined last.
Error mla_generator::freeFinished(const std::vector<mla_generated> &made) {
  for (const mla_generated &token : made) {
    if (token.finish == MLA_RUNNING)
      continue;
    if (Error error = endGraph())
      return error;
    auto ended = std::find_if(running.begin(), running.end(),
                              [&](const Running &sequence) { return sequence.number == token.sequence; });
    if (Error error = toError(mla_sequence_free(cache, ended->sequence)))
      return error;
    running.erase(ended);
  }
  return {};
}

Error mla_generator::runOrJoin(std::vector<mla_generated> &made) {
  while (!waiting.empty() && hasRoom(waiting.front())) {
    Waiting next = std::move(waiting.front());
    waiting.pop_front();
    if (Error error = join(next, made))
      return error;
  }
  if (!made.empty() || running.empty())
    return {};
  return decode(made);
}

Error mla_generator::step(std::vector<mla_generated> &made) {
  BundleScope scope(*bundle);
  if (Error error = scope.scope ? scope.scope->error("mla_generator_step") : Error())
    return error;
  if (failed)
    return badArgument("mla_generator_step", "an earlier step failed; destroy the generator");
  if (running.empty() && !waiting.empty() && !hasRoom(waiting.front()))
    return Error(ErrorKind::OutOfPages, "mla_generator_step: the next prompt waits for pages that sequences of others "
                                        "hold; free some and call again");
  Error error = runOrJoin(made);
  if (!error)
    error = freeFinished(made);
  failed = static_cast<bool>(error);
  return error;
}

//===----------------------------------------------------------------------===//
// The C API
//===----------------------------------------------------------------------===//

/// Checks that bundle and cache fit each other, as a batch of them would be.
static Error checkBundle(const char *function, const mla_bundle *bundle, const mla_cache *cache) {
  if (!bundle || !cache)
    return badArgument(function, "bundle or cache is NULL; pass both");
  if (!bundle->code && !bundle->gpu)
    return badArgument(function, "bundle " + bundle->path + " is only inspected; open it with mla_bundle_open");
  if (Error error = checkIsModel(function, *bundle))
    return error;
  CacheLayout wanted = layoutOf(bundle->info);
  if (!(wanted == cache->layout) || static_cast<bool>(bundle->gpu) != static_cast<bool>(cache->context))
    return badArgument(function, "the cache is not of bundle " + bundle->path + "; use one made from it");
  return {};
}

static Error checkStop(const char *function, const mla_bundle &bundle, const mla_generator_options &options) {
  if (options.num_stop < 0 || (options.num_stop && !options.stop))
    return badArgument(function, "num_stop is negative, or stop is NULL and it is not 0; pass the tokens");
  for (int64_t i = 0; i < options.num_stop; ++i)
    if (options.stop[i] < 0 || options.stop[i] >= bundle.info.vocab_size)
      return badArgument(function, "stop[" + std::to_string(i) + "] is " + std::to_string(options.stop[i]) +
                                       ", but the model has tokens 0 to " + std::to_string(bundle.info.vocab_size - 1) +
                                       "; use its own tokenizer");
  return {};
}

static Error create(const mla_bundle *bundle, const mla_generator_options *given, mla_generator **generator) {
  const char *function = "mla_generator_create";
  mla_generator_options options;
  if (Error error = copySized(function, "options", given, sizeof(options), options))
    return error;
  if (!generator)
    return badArgument(function, "generator is NULL; pass a place for the result");
  if (Error error = checkBundle(function, bundle, options.cache))
    return error;
  constexpr int64_t most = 1 << 20;
  if (options.max_sequences < 1 || options.max_sequences > most)
    return badArgument(function, "options->max_sequences is " + std::to_string(options.max_sequences) + "; give 1 to " +
                                     std::to_string(most));
  Result<mla_sampling> sampling = checkSampling(function, options.sampling);
  if (!sampling)
    return sampling.error();
  if (Error error = checkStop(function, *bundle, options))
    return error;
  std::vector<int32_t> stop(options.stop, options.stop + options.num_stop);
  *generator = new mla_generator(bundle, options.cache, options.max_sequences, *sampling, std::move(stop));
  return {};
}

mla_status mla_generator_create(const mla_bundle *bundle, const mla_generator_options *options,
                                mla_generator **generator) {
  return report(create(bundle, options, generator));
}

static Error add(mla_generator *generator, int64_t sequence, const int32_t *prompt, int64_t count, int64_t newTokens) {
  if (!generator || !prompt)
    return refused("generator or prompt is NULL; pass both");
  if (count < 1 || newTokens < 1 || count > INT32_MAX || newTokens > INT32_MAX)
    return refused("count is " + std::to_string(count) + " and max_new_tokens " + std::to_string(newTokens) +
                   "; give at least 1 of each, below 2^31");
  return generator->add(sequence, prompt, count, newTokens);
}

mla_status mla_generator_add(mla_generator *generator, int64_t sequence, const int32_t *prompt, int64_t count,
                             int64_t max_new_tokens) {
  return report(add(generator, sequence, prompt, count, max_new_tokens));
}

static Error step(mla_generator *generator, mla_generated *made, int64_t capacity, int64_t *count) {
  const char *function = "mla_generator_step";
  if (!generator || !made || !count)
    return badArgument(function, "generator, made or count is NULL; pass all");
  if (capacity < generator->mostSequences())
    return badArgument(function, "capacity is " + std::to_string(capacity) + ", less than max_sequences, " +
                                     std::to_string(generator->mostSequences()) + "; give room for a token of each");
  std::vector<mla_generated> tokens;
  if (Error error = generator->step(tokens))
    return error;
  *count = static_cast<int64_t>(tokens.size());
  std::copy(tokens.begin(), tokens.end(), made);
  return {};
}

mla_status mla_generator_step(mla_generator *generator, mla_generated *made, int64_t capacity, int64_t *count) {
  return report(step(generator, made, capacity, count));
}

void mla_generator_destroy(mla_generator *generator) { delete generator; }
