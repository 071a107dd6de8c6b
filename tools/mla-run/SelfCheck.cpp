//===- SelfCheck.cpp - mla-run --self-check ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Adapters.h"
#include "Digest.h"
#include "Float.h"
#include "Modes.h"
#include "Random.h"
#include "ReferenceModel.h"
#include "Replay.h"
#include "Source.h"

#include "mla/abi.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <set>

using namespace mla;
using namespace mla::run;

namespace {
/// A step of ragged lengths.
struct Step {
  std::string name;
  mla_phase phase;
  std::vector<int64_t> lengths; ///< new tokens a sequence

  int64_t tokens() const {
    int64_t sum = 0;
    for (int64_t length : lengths)
      sum += length;
    return sum;
  }
};

/// What is allowed. Few elements make a token's error vary more, but one that is wrong must not hide among many.
struct Tolerance {
  double relative, token;
};

/// How far a step is off.
struct Comparison {
  double relative = 0;   ///< L2, of all elements
  double worstToken = 0; ///< the same of one token's row, the largest
  double largest = -1;   ///< absolute, of one element, of which the rest speaks
  double expected = 0;
  int64_t token = 0, element = 0;
  std::string step;

  /// False for NaN.
  bool isWithin(const Tolerance &tolerance) const {
    return relative <= tolerance.relative && worstToken <= tolerance.token;
  }
};

/// Return the description of a bundle that has all heads of a group of ranks.
mla_bundle_info wholeOf(mla_bundle_info info) {
  if (info.ranks > 1) {
    info.heads = info.num_attention_heads;
    info.first_head = 0;
  }
  return info;
}

class SelfCheck {
public:
  SelfCheck(const Options &options, const mla_bundle *bundle)
      : options(options), bundle(bundle), info(*mla_bundle_get_info(bundle)), whole(wholeOf(info)),
        layer(options.layer.value_or(info.layers[0])), replay(bundle, layer) {}

  Result<bool> run();

private:
  const Options &options;
  const mla_bundle *bundle;
  const mla_bundle_info &info;
  mla_bundle_info whole; ///< of what the reference computes: of several ranks that run together, all heads
  int64_t layer;
  Replay replay;
  ReferenceModel model;
  std::vector<Step> steps;
  std::vector<int32_t> adapters;     ///< of the sequences
  std::vector<Reference> references; ///< without an adapter, then with each
  std::set<int64_t> entriesRun;
  Comparison worst;

  void makeSteps();
  void addChunks(int64_t longest);
  Error prepare();
  std::vector<float> makeStates(size_t step) const;
  Comparison compare(const Step &step, const Rows &expected) const;
  Tolerance tolerance() const;
  Error makeReferences();
  Rows expect(const Step &step, const std::vector<float> &states);
  Result<bool> runStep(size_t index, const Tolerance &tolerance);
  void printStep(const Step &step, const Comparison &found, const Tolerance &tolerance) const;
  void printEntriesLeftOut() const;
};
} // namespace

static constexpr int64_t defaultSequences = 3, defaultDecodeSteps = 3;

/// A prompt beyond a page, and shorter ones; then single tokens, a step in which a sequence rests, and drafts.
void SelfCheck::makeSteps() {
  int64_t sequences = options.batch > 0 ? options.batch : std::max(defaultSequences, info.num_adapters + 1);
  int64_t decodes = options.steps >= 0 ? options.steps : defaultDecodeSteps;
  int64_t longest = options.tokens > 0 ? options.tokens : std::min(info.page + 3, model.semantics.mostTokens / 3);
  auto random = [&](int64_t step, int64_t row) { return mix(mix(options.seed) + step * 65537 + row) >> 1; };
  Step prefill = {"prefill", MLA_PHASE_PREFILL, {}};
  for (int64_t row = 0; row < sequences; ++row)
    prefill.lengths.push_back(row ? 1 + static_cast<int64_t>(random(0, row) % longest) : longest);
  steps.push_back(prefill);
  for (int64_t n = 0; n < decodes; ++n) {
    Step step = {"decode." + std::to_string(n), MLA_PHASE_AUTO, std::vector<int64_t>(sequences, 1)};
    for (int64_t row = 0; row < sequences; ++row) {
      if (n == 1 && row == 1)
        step.lengths[row] = 0;
      if (n >= 2)
        step.lengths[row] = 1 + static_cast<int64_t>(random(n, row) % 4);
    }
    steps.push_back(step);
  }
  addChunks(longest);
}

/// Chunks of prompts behind what is cached by then, for the prefills that serve fewer tokens than the first step has.
void SelfCheck::addChunks(int64_t longest) {
  int64_t sequences = static_cast<int64_t>(steps.front().lengths.size()), number = 0;
  for (int64_t i = 0; i < info.num_entries; ++i) {
    const mla_entry_info &entry = *mla_bundle_get_entry(bundle, i);
    bool isShort = entry.last_tokens >= std::max<int64_t>(entry.first_tokens, 1) && entry.last_tokens < longest;
    if (entry.phase != MLA_PHASE_PREFILL || !isShort)
      continue;
    Step step = {"chunk." + std::to_string(number++), MLA_PHASE_PREFILL, {}};
    for (int64_t row = 0; row < sequences; ++row)
      step.lengths.push_back(std::max<int64_t>(entry.last_tokens - row, 1));
    steps.push_back(step);
  }
}

/// Compares the name that --rank=all gives to a rank's directory with the manifest: directories that changed places are
/// each right alone, but their sum has the wrong parts.
static Error checkDirectory(const mla_bundle_info &info) {
  std::error_code code;
  std::string name = std::filesystem::weakly_canonical(info.path, code).filename().string();
  if (code || info.tensor_parallel < 2 || name.compare(0, 4, "rank") != 0 || name.size() == 4 ||
      name.find_first_not_of("0123456789", 4) != name.npos || name == "rank" + std::to_string(info.rank))
    return {};
  return Error(ErrorKind::InvalidFile, std::string(info.path) + "/" MLA_MANIFEST_FILE ": field 'rank' is " +
                                           std::to_string(info.rank) + ", but the directory is " + name +
                                           "; rename it, or compile the rank again");
}

/// The reference rounds as a packed cache does, so that its rounding is no error. But where a value is next to the
/// border between two numbers of e4m3, the bundle may store the other one: that is off by up to 1/8 of itself, about
/// 2e-2 of a token that sees one other row or none. In f32 few are so close; errors of bf16 move many.
Tolerance SelfCheck::tolerance() const {
  bool isPacked = info.cache_dtype == MLA_I8, isF32 = info.dtype == MLA_F32;
  double packed = isF32 ? 1e-3 : 3e-2, standard = isF32 ? 1e-4 : 2e-2;
  double own = hasShortProducts(info) ? toleranceOfShortProducts(info) : isPacked ? packed : standard;
  double relative = options.tolerance.value_or(own);
  return {relative, (isPacked && isF32 ? 20 : 4) * relative};
}

Error SelfCheck::prepare() {
  if (Error error = checkDirectory(info))
    return error;
  if (Error error = model.load(options, whole, layer))
    return error;
  makeSteps();
  std::vector<int64_t> tokens(steps.front().lengths.size());
  for (const Step &step : steps)
    for (size_t row = 0; row < tokens.size(); ++row)
      tokens[row] += step.lengths[row];
  int64_t longest = *std::max_element(tokens.begin(), tokens.end());
  if (longest > model.semantics.mostTokens)
    return Error(ErrorKind::InvalidArgument, "mla-run: a sequence would have " + std::to_string(longest) +
                                                 " tokens, but the model's attention is only compiled up to its "
                                                 "index_topk, " +
                                                 std::to_string(model.semantics.mostTokens) +
                                                 "; lower --tokens or --steps");
  adapters = allAdapters(info, tokens.size());
  return replay.prepare(tokens, adapters);
}

/// A value of which bf16 holds every bit.
static float exactInBF16(float value) { return widenBF16(roundToBF16(value)); }

/// Normal values that are the same in bf16 and f32, so that none of the error is theirs.
std::vector<float> SelfCheck::makeStates(size_t step) const {
  std::vector<float> states(steps[step].tokens() * info.hidden_size);
  uint64_t start = mix(mix(options.seed) + step + 1) >> 16;
  for (size_t i = 0; i < states.size(); ++i)
    states[i] = exactInBF16(normal(start + i));
  return states;
}

/// `value` unless it is smaller; a NaN stays.
static void raise(double &largest, double value) {
  if (!(value <= largest))
    largest = std::isnan(largest) ? largest : value;
}

static double ratio(double difference, double norm) {
  if (norm == 0)
    return difference == 0 ? 0 : std::numeric_limits<double>::infinity();
  return std::sqrt(difference) / std::sqrt(norm);
}

Comparison SelfCheck::compare(const Step &step, const Rows &expected) const {
  Comparison result;
  result.step = step.name;
  double allDifference = 0, allNorm = 0;
  for (int64_t token = 0; token < step.tokens(); ++token) {
    double difference = 0, norm = 0;
    for (int64_t i = 0; i < info.hidden_size; ++i) {
      double want = expected[token * info.hidden_size + i];
      double delta = std::abs(replay.output(token * info.hidden_size + i) - want);
      difference += delta * delta;
      norm += want * want;
      if (!(delta <= result.largest) && !std::isnan(result.largest)) {
        result.largest = delta;
        result.expected = want;
        result.token = token;
        result.element = i;
      }
    }
    raise(result.worstToken, ratio(difference, norm));
    allDifference += difference;
    allNorm += norm;
  }
  result.relative = ratio(allDifference, allNorm);
  return result;
}

static std::string lengthsText(const std::vector<int64_t> &lengths) {
  std::string text;
  size_t shown = std::min<size_t>(lengths.size(), 8);
  for (size_t i = 0; i < shown; ++i)
    text += (i ? "," : "") + std::to_string(lengths[i]);
  return shown < lengths.size() ? text + ",..." : text;
}

void SelfCheck::printStep(const Step &step, const Comparison &found, const Tolerance &tolerance) const {
  const mla_entry_info &entry = *mla_bundle_get_entry(bundle, replay.entry());
  std::printf("%-10s tokens %-14s  %-7s q=%-6s o=%-6s  relative L2 error %.1e, of a token %.1e  (tolerance %.1e)  %s\n",
              step.name.c_str(), lengthsText(step.lengths).c_str(),
              entry.phase == MLA_PHASE_DECODE ? "decode" : "prefill", entry.q, entry.o, found.relative,
              found.worstToken, tolerance.relative, found.isWithin(tolerance) ? "ok" : "FAILED");
  std::fflush(stdout);
}

/// Not all entries serve such short contexts.
void SelfCheck::printEntriesLeftOut() const {
  for (int64_t i = 0; i < info.num_entries; ++i) {
    const mla_entry_info &entry = *mla_bundle_get_entry(bundle, i);
    if (!entriesRun.count(i))
      std::printf("not run: %s, %s q=%s o=%s, from %" PRId64 " tokens and contexts of %" PRId64 " on\n", entry.symbol,
                  entry.phase == MLA_PHASE_DECODE ? "decode" : "prefill", entry.q, entry.o, entry.first_tokens,
                  entry.first_context);
  }
}

Error SelfCheck::makeReferences() {
  Result<CacheRounding> rounding = cacheRoundingOf(info.cache_format);
  if (!rounding)
    return rounding.error();
  references.emplace_back(model.semantics, whole, model.weights, *rounding, adapters.size());
  for (const LayerWeights &weights : model.adapted)
    references.emplace_back(model.semantics, whole, weights, *rounding, adapters.size());
  return {};
}

/// Compute the step with the reference of each sequence's adapter. The other sequences rest there.
Rows SelfCheck::expect(const Step &step, const std::vector<float> &states) {
  Rows expected(states.size());
  for (size_t i = 0; i < references.size(); ++i) {
    std::vector<int64_t> lengths = step.lengths;
    std::vector<size_t> elements; // of its sequences, in the step
    Rows own;
    for (size_t row = 0, at = 0; row < lengths.size(); ++row)
      for (size_t end = at + step.lengths[row] * info.hidden_size; at < end; ++at)
        if (adapters[row] + 1 == static_cast<int32_t>(i)) {
          elements.push_back(at);
          own.push_back(states[at]);
        } else {
          lengths[row] = 0;
        }
    Rows results = references[i].step(lengths, own);
    for (size_t n = 0; n < elements.size(); ++n)
      expected[elements[n]] = results[n];
  }
  return expected;
}

Result<bool> SelfCheck::runStep(size_t index, const Tolerance &tolerance) {
  const Step &step = steps[index];
  std::vector<float> states = makeStates(index);
  if (Error error = replay.run(step.phase, step.lengths, states))
    return Error(error.kind(), step.name + ": " + error.message());
  entriesRun.insert(replay.entry());
  note(options, step.name, replay.bytes(), replay.numBytes());
  Comparison found = compare(step, expect(step, states));
  if (!options.quiet) {
    printStep(step, found, tolerance);
    replay.warnOfSaturation(step.name);
  }
  if (!(found.largest <= worst.largest) && !std::isnan(worst.largest))
    worst = found;
  return found.isWithin(tolerance);
}

Result<bool> SelfCheck::run() {
  if (Error error = prepare())
    return error;
  if (!options.quiet)
    std::printf("layer %" PRId64 ", seed %" PRIu64 ", against %s\n", layer, options.seed, model.description.c_str());
  if (Error error = makeReferences())
    return error;
  size_t passed = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    Result<bool> within = runStep(i, tolerance());
    if (!within)
      return within.error();
    passed += *within;
  }
  bool all = passed == steps.size();
  if (options.quiet)
    return all;
  std::printf("largest error %.1e, where %.3e is expected: %s, token %" PRId64 ", element %" PRId64 "\n", worst.largest,
              worst.expected, worst.step.c_str(), worst.token, worst.element);
  printEntriesLeftOut();
  std::printf("%s: %zu of %zu steps within tolerance\n", all ? "passed" : "FAILED", passed, steps.size());
  return all;
}

/// Check that the bundle is one of attentions, which the reference computes.
static Error checkIsAttention(const char *path) {
  Result<json::Value> manifest = readManifest(path);
  if (!manifest)
    return manifest.error();
  if (!manifest->find("scope"))
    return {};
  return Error(ErrorKind::Unsupported, std::string(path) + ": is of whole layers, and --self-check computes only "
                                                           "attentions; use --check with a golden file of the layer, "
                                                           "or compile with --scope=attention");
}

Result<bool> mla::run::selfCheck(const Options &options, const mla_bundle *bundle) {
  if (Error error = checkIsAttention(mla_bundle_get_info(bundle)->path))
    return error;
  return SelfCheck(options, bundle).run();
}
