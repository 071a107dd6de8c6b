//===- Reference.cpp - A layer in float64 --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reference.h"

#include <algorithm>
#include <cmath>

using namespace mla;
using namespace mla::run;

Rows mla::run::project(const Rows &x, const Matrix &weight, const std::vector<double> &bias) {
  int64_t tokens = static_cast<int64_t>(x.size()) / weight.columns;
  Rows turned(x.size()), result(tokens * weight.rows), row(weight.columns), sums(tokens);
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t i = 0; i < weight.columns; ++i)
      turned[i * tokens + t] = x[t * weight.columns + i];
  for (int64_t r = 0; r < weight.rows; ++r) {
    weight.read(r, row.data());
    std::fill(sums.begin(), sums.end(), bias.empty() ? 0.0 : bias[r]);
    // Tokens are innermost: sums that do not depend on each other, of which each keeps its order.
    for (int64_t i = 0; i < weight.columns; ++i)
      for (int64_t t = 0; t < tokens; ++t)
        sums[t] += row[i] * turned[i * tokens + t];
    for (int64_t t = 0; t < tokens; ++t)
      result[t * weight.rows + r] = sums[t];
  }
  return result;
}

/// The RMS norm of rows of `width`, from `first` on of every `stride` columns.
static void normalize(Rows &x, int64_t width, int64_t stride, const std::vector<double> &gamma, double epsilon,
                      double scale, int64_t first = 0) {
  for (size_t start = first; start < x.size(); start += stride) {
    double squares = 0;
    for (int64_t i = 0; i < width; ++i)
      squares += x[start + i] * x[start + i];
    double factor = scale / std::sqrt(squares / static_cast<double>(width) + epsilon);
    for (int64_t i = 0; i < width; ++i)
      x[start + i] *= factor * gamma[i];
  }
}

void Reference::rotate(double *columns, int64_t position) const {
  auto pairs = static_cast<int64_t>(semantics.frequencies.size());
  for (int64_t i = 0; i < pairs; ++i) {
    double angle = static_cast<double>(position) * semantics.frequencies[i];
    double cosine = std::cos(angle) * semantics.cosSinScale, sine = std::sin(angle) * semantics.cosSinScale;
    double &first = columns[semantics.interleaved ? 2 * i : i];
    double &second = columns[semantics.interleaved ? 2 * i + 1 : i + pairs];
    double x = first, y = second;
    first = x * cosine - y * sine;
    second = y * cosine + x * sine;
  }
}

double Reference::positionScale(int64_t position) const {
  return 1 + semantics.beta * std::log(1 + std::floor(static_cast<double>(position) / semantics.originalLength));
}

/// `down` has a row of latent and key per token: it is normalised, turned to its position, rounded and cached.
void Reference::append(const std::vector<int64_t> &lengths, const Rows &down) {
  int64_t latent = info.kv_lora_rank, rope = info.qk_rope_head_dim;
  Rows rows = down;
  normalize(rows, latent, latent + rope, weights.latentNorm, semantics.normEpsilon, semantics.latentScale);
  if (!weights.keyRopeNorm.empty())
    normalize(rows, rope, latent + rope, weights.keyRopeNorm, semantics.normEpsilon, 1, latent);
  double *at = rows.data();
  for (size_t row = 0; row < lengths.size(); ++row) {
    Cache &cache = caches[row];
    for (int64_t i = 0; i < lengths[row]; ++i, at += latent + rope) {
      rotate(at + latent, cache.length++);
      roundRow(rounding, info.cache_scale, at, latent, at + latent, rope);
      cache.latents.insert(cache.latents.end(), at, at + latent);
      cache.ropes.insert(cache.ropes.end(), at + latent, at + latent + rope);
    }
  }
}

namespace {
/// One head's part of rows that hold all heads.
struct HeadRows {
  const Rows &rows;
  int64_t width, stride, offset;

  HeadRows(const Rows &rows, int64_t width, int64_t heads, int64_t head)
      : rows(rows), width(width), stride(heads * width), offset(head * width) {}
  const double *operator[](int64_t row) const { return rows.data() + row * stride + offset; }
};
} // namespace

static double dot(const double *a, const double *b, int64_t width) {
  double sum = 0;
  for (int64_t i = 0; i < width; ++i)
    sum += a[i] * b[i];
  return sum;
}

/// Turns scores into probabilities. A sink joins their sum; -infinity is none.
static void softmax(std::vector<double> &scores, double sink) {
  double largest = std::max(*std::max_element(scores.begin(), scores.end()), sink), sum = std::exp(sink - largest);
  for (double &score : scores)
    sum += score = std::exp(score - largest);
  for (double &score : scores)
    score /= sum;
}

/// Causal attention of all new tokens to all that are cached.
Rows Reference::attend(const std::vector<int64_t> &lengths, const Rows &nope, const Rows &rope) const {
  int64_t heads = info.heads, tokens = static_cast<int64_t>(nope.size()) / weights.queryNope.rows;
  int64_t keyWidth = weights.queryNope.rows / heads, valueWidth = weights.out.columns / heads;
  int64_t ropeWidth = info.qk_rope_head_dim, token = 0;
  Rows result(tokens * heads * valueWidth);
  for (size_t row = 0; row < lengths.size(); token += lengths[row++]) {
    const Cache &cache = caches[row];
    if (!lengths[row])
      continue;
    Rows keys = weights.keyUp ? project(cache.latents, weights.keyUp, weights.keyBias) : cache.latents;
    Rows values = weights.valueUp ? project(cache.latents, weights.valueUp, weights.valueBias) : cache.latents;
    for (int64_t head = 0; head < heads; ++head) {
      HeadRows key(keys, keyWidth, weights.keyUp ? heads : 1, weights.keyUp ? head : 0);
      HeadRows value(values, valueWidth, weights.valueUp ? heads : 1, weights.valueUp ? head : 0);
      HeadRows queryNope(nope, keyWidth, heads, head), queryRope(rope, ropeWidth, heads, head);
      for (int64_t i = 0; i < lengths[row]; ++i) {
        int64_t end = cache.length - lengths[row] + i + 1, first = std::max<int64_t>(0, end - semantics.window);
        std::vector<double> scores(end - first);
        for (int64_t n = first; n < end; ++n)
          scores[n - first] =
              semantics.softmaxScale * (dot(queryNope[token + i], key[n], keyWidth) +
                                        dot(queryRope[token + i], cache.ropes.data() + n * ropeWidth, ropeWidth));
        softmax(scores, weights.sinks.empty() ? -HUGE_VAL : weights.sinks[head]);
        double *to = result.data() + (token + i) * heads * valueWidth + head * valueWidth;
        for (int64_t n = first; n < end; ++n)
          for (int64_t v = 0; v < valueWidth; ++v)
            to[v] += scores[n - first] * value[n][v];
      }
    }
  }
  return result;
}

/// A gate is of a head or of each of its elements.
void Reference::applyGate(Rows &attended, const Rows &hidden) const {
  if (!weights.gate)
    return;
  Rows logits = project(hidden, weights.gate);
  size_t perLogit = attended.size() / logits.size();
  for (size_t i = 0; i < attended.size(); ++i)
    attended[i] /= 1 + std::exp(-logits[i / perLogit]);
}

/// The rows that queries are projected from: the hidden states, or the latents, normed, and maybe not behind that.
Rows Reference::queryRows(const Rows &hidden) const {
  if (!weights.queryDown)
    return hidden;
  int64_t rank = info.q_lora_rank;
  Rows raw = project(hidden, weights.queryDown, weights.queryDownBias), normed = raw;
  normalize(normed, rank, rank, weights.queryNorm, semantics.normEpsilon, semantics.queryScale);
  if (!semantics.joinsGate)
    return normed;
  Rows both;
  for (size_t from = 0; from < raw.size(); from += rank) {
    both.insert(both.end(), normed.begin() + from, normed.begin() + from + rank);
    both.insert(both.end(), raw.begin() + from, raw.begin() + from + rank);
  }
  return both;
}

Rows Reference::step(const std::vector<int64_t> &lengths, const Rows &hidden) {
  Rows x = queryRows(hidden);
  Rows nope = project(x, weights.queryNope);
  Rows rope = weights.queryRope ? project(x, weights.queryRope) : Rows();
  int64_t token = 0, ropeWidth = info.qk_rope_head_dim;
  for (size_t row = 0; row < lengths.size(); ++row)
    for (int64_t i = 0; i < lengths[row]; ++i, ++token) {
      int64_t position = caches[row].length + i;
      double scale = positionScale(position);
      for (int64_t column = 0; column < weights.queryNope.rows; ++column)
        nope[token * weights.queryNope.rows + column] *= scale;
      for (int64_t head = 0; ropeWidth && head < info.heads; ++head) {
        double *at = rope.data() + (token * info.heads + head) * ropeWidth;
        rotate(at, position);
        std::transform(at, at + ropeWidth, at, [&](double value) { return value * scale; });
      }
    }
  append(lengths, project(hidden, weights.latentDown, weights.latentDownBias));
  Rows attended = attend(lengths, nope, rope);
  applyGate(attended, semantics.joinsGate ? x : hidden);
  return project(attended, weights.out, weights.outBias);
}
