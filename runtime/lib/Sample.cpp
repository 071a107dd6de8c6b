//===- Sample.cpp - The choice of a token ---------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sample.h"
#include "CopyStruct.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

using namespace mla;

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

/// SplitMix64's output of a state: neighbours in, unrelated numbers out.
static uint64_t mix(uint64_t z) {
  z += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// In [0, 1), the same for the same three numbers: a generator's state would depend on what ran before.
static double uniform(uint64_t seed, uint64_t sequence, uint64_t position) {
  return static_cast<double>(mix(mix(mix(seed) + sequence) + position) >> 11) * 0x1p-53;
}

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

namespace {
/// The tokens of a row by falling likelihood, sorted only as far as they are read: rows are long, and few tokens are
/// likely.
class Ranking {
public:
  Ranking(const float *logits, int64_t count) : logits(logits), tokens(count) {
    std::iota(tokens.begin(), tokens.end(), 0);
  }
  int64_t size() const { return static_cast<int64_t>(tokens.size()); }
  int32_t operator[](int64_t rank);

private:
  const float *logits;
  std::vector<int32_t> tokens;
  int64_t sorted = 0;
};
} // namespace

int32_t Ranking::operator[](int64_t rank) {
  if (rank >= sorted) {
    constexpr int64_t first = 64;
    int64_t more = std::min(size(), std::max({first, 2 * sorted, rank + 1}));
    std::partial_sort(tokens.begin() + sorted, tokens.begin() + more, tokens.end(),
                      [&](int32_t a, int32_t b) { return logits[a] > logits[b] || (logits[a] == logits[b] && a < b); });
    sorted = more;
  }
  return tokens[rank];
}

/// Returns the probability of a logit relative to that of the largest.
static double weightOf(float logit, float largest, double temperature) {
  if (std::isinf(largest)) // infinities are equally likely
    return logit == largest ? 1 : 0;
  return std::exp((static_cast<double>(logit) - static_cast<double>(largest)) / temperature);
}

namespace {
/// The tokens that may be chosen: the first of a ranking, and the sum of their weights.
struct Candidates {
  int64_t count = 0;
  double sum = 0;
};
} // namespace

static Candidates findCandidates(const mla_sampling &sampling, const float *logits, Ranking &ranking, float largest) {
  auto weight = [&](int64_t rank) { return weightOf(logits[ranking[rank]], largest, sampling.temperature); };
  int64_t most = sampling.top_k ? std::min(sampling.top_k, ranking.size()) : ranking.size();
  double whole = 0;
  if (most < ranking.size())
    for (int64_t rank = 0; rank < most; ++rank)
      whole += weight(rank);
  else // in any order
    for (int64_t token = 0; token < most; ++token)
      whole += weightOf(logits[token], largest, sampling.temperature);
  if (sampling.top_p == 0)
    return {most, whole};
  Candidates found;
  while (found.count < most && (found.count == 0 || found.sum < sampling.top_p * whole))
    found.sum += weight(found.count++);
  return found;
}

/// Of all tokens the order does not matter: they need no ranking.
static int32_t chooseOfAll(const mla_sampling &sampling, const float *logits, int64_t count, float largest,
                           double random) {
  double sum = 0;
  for (int64_t token = 0; token < count; ++token)
    sum += weightOf(logits[token], largest, sampling.temperature);
  double rest = random * sum;
  int32_t last = 0;
  for (int64_t token = 0; token < count; ++token) {
    double weight = weightOf(logits[token], largest, sampling.temperature);
    if (weight > 0)
      last = static_cast<int32_t>(token);
    if ((rest -= weight) < 0)
      break;
  }
  return last;
}

static int32_t chooseOfLikeliest(const mla_sampling &sampling, const float *logits, int64_t count, float largest,
                                 double random) {
  Ranking ranking(logits, count);
  Candidates candidates = findCandidates(sampling, logits, ranking, largest);
  double rest = random * candidates.sum;
  int32_t last = ranking[0];
  for (int64_t rank = 0; rank < candidates.count; ++rank) {
    double weight = weightOf(logits[ranking[rank]], largest, sampling.temperature);
    if (weight > 0)
      last = ranking[rank];
    if ((rest -= weight) < 0)
      break;
  }
  return last;
}

std::optional<int32_t> mla::chooseToken(const mla_sampling &sampling, const float *logits, int64_t count,
                                        uint64_t sequence, uint64_t position) {
  if (std::any_of(logits, logits + count, [](float logit) { return std::isnan(logit); }))
    return std::nullopt;
  const float *likeliest = std::max_element(logits, logits + count);
  if (sampling.temperature == 0)
    return static_cast<int32_t>(likeliest - logits);
  double random = uniform(sampling.seed, sequence, position);
  bool ofAll = (sampling.top_k == 0 || sampling.top_k >= count) && sampling.top_p == 0;
  return (ofAll ? chooseOfAll : chooseOfLikeliest)(sampling, logits, count, *likeliest, random);
}

//===----------------------------------------------------------------------===//
// The C API
//===----------------------------------------------------------------------===//

Result<mla_sampling> mla::checkSampling(const char *function, const mla_sampling *given) {
  mla_sampling sampling = {};
  sampling.size = sizeof(sampling);
  if (!given)
    return sampling;
  if (Error error = copySized(function, "sampling", given, sizeof(sampling), sampling))
    return error;
  auto wrong = [&](const char *field, double value, const char *want) {
    char text[160];
    std::snprintf(text, sizeof(text), "sampling->%s is %g; give %s", field, value, want);
    return badArgument(function, text);
  };
  if (!std::isfinite(sampling.temperature) || sampling.temperature < 0)
    return wrong("temperature", sampling.temperature, "a number of at least 0");
  if (sampling.top_k < 0)
    return wrong("top_k", static_cast<double>(sampling.top_k), "at least 1, or 0 for all");
  if (!(sampling.top_p >= 0 && sampling.top_p <= 1))
    return wrong("top_p", sampling.top_p, "a number up to 1, or 0 for all");
  return sampling;
}

static Error sample(const mla_sampling *given, const float *logits, int64_t count, uint64_t sequence, uint64_t position,
                    int32_t *token) {
  const char *function = "mla_sample";
  if (!given || !logits || !token)
    return badArgument(function, "sampling, logits or token is NULL; pass all");
  if (count < 1 || count > INT32_MAX)
    return badArgument(function, "count is " + std::to_string(count) + "; give 1 to 2^31 - 1");
  Result<mla_sampling> sampling = checkSampling(function, given);
  if (!sampling)
    return sampling.error();
  std::optional<int32_t> chosen = chooseToken(*sampling, logits, count, sequence, position);
  if (!chosen)
    return badArgument(function, "a logit is NaN; check what computed them");
  *token = *chosen;
  return {};
}

mla_status mla_sample(const mla_sampling *sampling, const float *logits, int64_t count, uint64_t sequence,
                      uint64_t position, int32_t *token) {
  return report(sample(sampling, logits, count, sequence, position, token));
}
