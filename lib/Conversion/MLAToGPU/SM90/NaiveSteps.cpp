//===- NaiveSteps.cpp - Prefill attention: a warpgroup --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The processing of an item by one of the two computing warpgroups: products,
// softmax, results. See NaiveAttentionKernel.h for the order.
//
//===----------------------------------------------------------------------===//

#include "NaiveAttentionKernel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Barriers of a warpgroup
//===----------------------------------------------------------------------===//

void NaiveAttention::wait(Val barrier, NaiveRows &rows, Val bit) {
  waitBarrier(k, barrier, bitOf(rows.phases, bit));
  rows.phases = rows.phases ^ (k.i32(1) << bit);
}

/// Signals that this warp will not read again what the barrier guards.
void NaiveAttention::release(Val barrier) {
  k.when(lane == 0, [&] { arrive(k, barrier); });
}

//===----------------------------------------------------------------------===//
// A warpgroup
//===----------------------------------------------------------------------===//

void NaiveAttention::computeItems(int64_t group) {
  this->group = group;
  if (shape.turns && group == 1)
    k.arriveNamed(TurnOf0, 256); // warpgroup 0 has the first turn
  auto [first, phases] = nextAnnounced(k.i32(0));
  k.loopWhile(
      {first.index, first.sequence, first.itemsBefore, phases},
      [&](llvm::ArrayRef<Val> state) { return state[1] < k.argument(batchArg); },
      [&](llvm::ArrayRef<Val> state) -> Vals {
        Val done = attend(itemAt({state[0], state[1], state[2]}), state[3]);
        auto [next, phases] = nextAnnounced(done);
        return {next.index, next.sequence, next.itemsBefore, phases};
      });
  launchDependents(k); // not from idle warps: the first of a CTA counts for all
}

/// Packs O, maxima, sums and phases into values for a loop, and back.
static Vals toState(const NaiveRows &rows) {
  Vals state = rows.out;
  state.append(rows.probabilities);
  state.append({rows.maximum[0], rows.maximum[1], rows.sum[0], rows.sum[1], rows.phases});
  return state;
}

static NaiveRows toRows(llvm::ArrayRef<Val> state, size_t outputs) {
  NaiveRows rows;
  rows.out.assign(state.begin(), state.begin() + outputs);
  rows.probabilities.assign(state.begin() + outputs, state.end() - 5);
  llvm::ArrayRef<Val> rest = state.take_back(5);
  rows.maximum[0] = rest[0], rows.maximum[1] = rest[1], rows.sum[0] = rest[2], rows.sum[1] = rest[3];
  rows.phases = rest[4];
  return rows;
}

Val NaiveAttention::attend(const NaiveItem &item, Val phases) {
  NaiveRows none;
  size_t outputs = accumulatorsOf(shape.value);
  none.out.assign(outputs, k.f32(0));
  none.maximum[0] = none.maximum[1] = k.f32(lowestMaximum);
  none.sum[0] = none.sum[1] = k.f32(0);
  none.phases = phases;
  Vals state = k.choose(
      item.steps > 0,
      [&]() -> Vals {
        NaiveRows rows = none;
        firstScores(item, rows);
        zeroValuesBeyond(item, rows);
        // One step per iteration: its loop-carried values are ready at the end. With two, ptxas moves the packing of P
        // and the scaling of O from the end of one between the products of the next.
        rows = toRows(k.loop(k.i32(1), item.steps, k.i32(1), toState(rows),
                             [&](Val index, llvm::ArrayRef<Val> state) -> Vals {
                               NaiveRows running = toRows(state, outputs);
                               step(item, index, running);
                               return toState(running);
                             }),
                      outputs);
        lastProduct((item.steps - 1) & 1, rows);
        rows.probabilities.clear();
        return toState(rows);
      },
      [&]() -> Vals { return toState(none); });
  NaiveRows result = toRows(state, outputs);
  storeRows(item, result);
  return result.phases;
}

/// Computes the scores of step 0, whose softmax overlaps only with the other warpgroup.
void NaiveAttention::firstScores(const NaiveItem &item, NaiveRows &rows) {
  wait(k.shared(at.qFull[group]), rows, k.i32(PhaseOfQ));
  wait(k.shared(at.kFull[0]), rows, k.i32(PhaseOfK));
  Vals scores = issueScores(k.i32(0));
  waitProducts(k, 0);
  release(k.shared(at.kEmpty[0]));
  hide(item, stepKey(item, k.i32(0)), scores);
  softmax(scores, rows);
  for (size_t i = 0; i < scores.size(); i += 2)
    rows.probabilities.push_back(packBF16(scores[i], scores[i + 1]));
}

/// Rescales what was computed with the previous maxima.
static void scaleOutput(llvm::ArrayRef<Val> factors, NaiveRows &rows) {
  for (auto [i, value] : llvm::enumerate(rows.out))
    value = value * factors[rowOf(i)];
}

/// Computes the scores of step `index` during P V of the previous step, then the softmax during the rest of P V.
void NaiveAttention::step(const NaiveItem &item, Val index, NaiveRows &rows) {
  Val stage = index & 1, before = stage ^ 1;
  wait(ofStage(at.kFull, stage), rows, stage + PhaseOfK);
  if (shape.turns)
    k.syncNamed(TurnOf0 + group, 256);
  Vals scores = issueScores(stage);
  wait(ofStage(at.vFull, before), rows, before + PhaseOfV);
  issueOutput(before, rows);
  if (shape.turns)
    k.arriveNamed(TurnOf1 - group, 256);
  waitProducts(k, 1);
  release(ofStage(at.kEmpty, stage));
  hide(item, stepKey(item, index), scores);
  Vals factors = softmax(scores, rows);
  // Never taken: without a use of the sums here, ptxas moves the softmax behind the wait.
  k.when(rows.sum[0] + rows.sum[1] < 0, [&] { k.store(rows.sum[0], k.shared(at.unused)); });
  waitProducts(k, 0);
  release(ofStage(at.vEmpty, before));
  scaleOutput(factors, rows);
  for (size_t i = 0; i < scores.size(); i += 2)
    rows.probabilities[i / 2] = packBF16(scores[i], scores[i + 1]);
}

/// Computes P V of the last step. All products with the queries are done: the next item's may be copied.
void NaiveAttention::lastProduct(Val stage, NaiveRows &rows) {
  release(k.shared(at.qEmpty[group]));
  wait(ofStage(at.vFull, stage), rows, stage + PhaseOfV);
  issueOutput(stage, rows);
  waitProducts(k, 0);
  release(ofStage(at.vEmpty, stage));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Returns a descriptor moved by `units` of 16 bytes: only its low half changes.
static Val movedDescriptor(KernelBuilder &k, int64_t descriptor, Val units) {
  Val low = units + (descriptor & 0xffffffff);
  return k.extend(low) | (descriptor & ~int64_t(0xffffffff));
}

/// S = Q K^T: 16 columns of the nope part at a time, then of the rope part.
Vals NaiveAttention::issueScores(Val stage) {
  Vals scores(accumulatorsOf(shape.tileKeys), k.f32(0));
  Val stageUnits = stage * (at.keyBytes() >> 4);
  bool start = true;
  auto multiplyColumns = [&](int64_t firstTile, int64_t columns) {
    for (int64_t column = 0; column < columns; column += 16) {
      int64_t tile = firstTile + column / tileColumns, inTile = column % tileColumns / 16 * kMajorStep;
      int64_t keys = kMajorDescriptor(at.k[0] + tile * at.tile) + inTile;
      scores = multiply(k, k.i64(kMajorDescriptor(at.q[group] + tile * tileBytes(64)) + inTile),
                        movedDescriptor(k, keys, stageUnits), scores, start);
      start = false;
    }
  };
  fenceProducts(k);
  multiplyColumns(0, shape.nope);
  multiplyColumns(at.nopeTiles, shape.rope);
  commitProducts(k);
  return scores;
}

/// O += P V.
void NaiveAttention::issueOutput(Val stage, NaiveRows &rows) {
  Val stageUnits = stage * (at.valueBytes() >> 4);
  fenceProducts(k);
  for (int64_t i = 0; i < shape.tileKeys / 16; ++i)
    rows.out = multiplyRegisters(k, llvm::ArrayRef(rows.probabilities).slice(4 * i, 4),
                                 movedDescriptor(k, mnMajorDescriptor(at.v[0], at.tile) + mnMajorStep * i, stageUnits),
                                 rows.out,
                                 /*start=*/false, Major::MN);
  commitProducts(k);
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// Masks keys in tiles that have masked ones. `key` is the tile's first. Rows behind the sequence's queries see no more
/// than its keys: later keys may be uninitialized.
void NaiveAttention::hide(const NaiveItem &item, Val key, Vals &scores) {
  Val firstQuery = item.firstQuery + 64 * group, firstBorder = borderOf(item, firstQuery);
  Val hidesSome = key + shape.tileKeys > min(firstBorder, item.keys);
  int64_t window = shape.scores.window;
  if (window)
    hidesSome = hidesSome | (key < borderOf(item, firstQuery + 63) - window);
  scores = k.choose(
      hidesSome,
      [&]() -> Vals {
        Val query = firstQuery + warp * 16 + (lane >> 2), before = key + quad * 2, hidden = k.f32(-INFINITY);
        Val borders[2], starts[2];
        for (int64_t r : {0, 1}) {
          Val border = borderOf(item, query + 8 * r);
          borders[r] = min(border, item.keys) - before;
          starts[r] = border - window - before;
        }
        Vals masked;
        for (auto [i, score] : llvm::enumerate(scores)) {
          Val column = k.i32(i / 4 * 8 + (i & 1)), isSeen = borders[rowOf(i)] > column;
          masked.push_back(select(window ? isSeen & (starts[rowOf(i)] <= column) : isSeen, score, hidden));
        }
        return masked;
      },
      [&]() -> Vals { return scores; });
}

/// Turns scores into probabilities, not yet divided by their sum, and updates maxima and sums. Returns the factors for
/// what was computed with the previous maxima.
Vals NaiveAttention::softmax(Vals &scores, NaiveRows &rows) {
  Vals factors;
  for (int64_t row = 0; row < 2; ++row) {
    // Two dependency chains each, to shorten them.
    Val largest[2], sum[2];
    for (size_t i = 2 * row; i < scores.size(); i += 4)
      for (int64_t e : {0, 1})
        largest[e] = largest[e] ? max(largest[e], scores[i + e]) : scores[i + e];
    Val maximum = max(largest[0], largest[1]);
    for (int64_t distance : {1, 2})
      maximum = max(maximum, k.shuffleXor(maximum, distance));
    maximum = max(rows.maximum[row], maximum * k.argument(scaleArg));
    Val factor = exp2(rows.maximum[row] - maximum), negated = -maximum;
    for (size_t i = 2 * row; i < scores.size(); i += 4)
      for (int64_t e : {0, 1}) {
        Val &score = scores[i + e];
        score = exp2(fma(score, k.argument(scaleArg), negated));
        sum[e] = sum[e] ? sum[e] + score : score;
      }
    rows.maximum[row] = maximum;
    rows.sum[row] = fma(rows.sum[row], factor, sum[0] + sum[1]);
    factors.push_back(factor);
  }
  return factors;
}

/// Zeroes the rows of V beyond the sequence's, in its last tile, which is step 0's: they may hold NaN, and 0 · NaN is
/// not 0. Both warpgroups, half of the rows' chunks each.
void NaiveAttention::zeroValuesBeyond(const NaiveItem &item, NaiveRows &rows) {
  Val valid = item.keys - stepKey(item, k.i32(0));
  k.when(valid < shape.tileKeys, [&] {
    waitBarrier(k, k.shared(at.vFull[0]),
                bitOf(rows.phases, k.i32(PhaseOfV))); // the use waits for the same phase again
    Val zero = k.zeroVector(4, k.i32Type());
    int64_t chunks = at.valueTiles * 8; // of 16 bytes per row
    Val from = valid * 8 + (thread & 255);
    k.loop(from, k.i32(shape.tileKeys * 8), k.i32(256), {}, [&](Val i, llvm::ArrayRef<Val>) -> Vals {
      for (int64_t tile = 0; tile < chunks / 8; ++tile)
        k.store(zero, k.shared(at.v[0] + tile * at.tile, i * 16), 16);
      return {};
    });
    fenceAsync(k);
    k.syncNamed(ValuesZeroed, 256);
  });
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Transposes pairs of columns of a row held by four lanes: lane i then has the four pairs of pairs[i], in order.
static Vals transposeQuad(KernelBuilder &k, llvm::ArrayRef<Val> pairs, Val lane) {
  Val odd = (lane & 1) == 1, upper = (lane & 2) == 2;
  Val low[2], high[2]; // of pairs[0 or 1], pairs[2 or 3]: from the even, from the odd lane
  for (int64_t i : {0, 2}) {
    Val own = select(odd, pairs[i + 1], pairs[i]);
    Val other = k.shuffleXor(select(odd, pairs[i], pairs[i + 1]), 1);
    Val *to = i == 0 ? low : high;
    to[0] = select(odd, other, own);
    to[1] = select(odd, own, other);
  }
  Vals result(4);
  for (int64_t e : {0, 1}) {
    Val own = select(upper, high[e], low[e]);
    Val other = k.shuffleXor(select(upper, low[e], high[e]), 2);
    result[e] = select(upper, other, own);
    result[2 + e] = select(upper, own, other);
  }
  return result;
}

/// Stores this thread's part of a row: 16 bytes of every 32 columns, and 4 of every 8 of the rest.
void NaiveAttention::storeRow(Val to, llvm::ArrayRef<Val> pairs, Val wanted) {
  size_t whole = pairs.size() / 4 * 4;
  for (size_t j = 0; j < whole; j += 4) {
    Val chunk = k.vectorOf(transposeQuad(k, pairs.slice(j, 4), lane));
    k.when(wanted, [&] { k.store(chunk, k.at(to, k.extend(quad * 16 + static_cast<int64_t>(16 * j))), 16); });
  }
  for (size_t j = whole; j < pairs.size(); ++j)
    k.when(wanted, [&] { k.store(pairs[j], k.at(to, k.extend(quad * 4 + static_cast<int64_t>(16 * j)))); });
}

/// Returns the sum of a row's probabilities relative to `maximum`, and of its sink's.
Val NaiveAttention::denominator(const NaiveItem &item, Val sum, Val maximum) {
  if (!shape.scores.haveSinks)
    return sum;
  return sum + sinkShare(k, k.argument(sinksArg), item.head, maximum);
}

/// Divides by the sums and stores the sequence's rows. Fully masked rows have sum 0 and become 0.
void NaiveAttention::storeRows(const NaiveItem &item, NaiveRows &rows) {
  for (int64_t row = 0; row < 2; ++row) {
    Val sum = rows.sum[row];
    for (int64_t distance : {1, 2})
      sum = sum + k.shuffleXor(sum, distance);
    Val inverse = select(sum > 0, reciprocal(denominator(item, sum, rows.maximum[row])), k.f32(0));
    Vals pairs;
    for (size_t i = 2 * row; i < rows.out.size(); i += 4)
      pairs.push_back(packBF16(rows.out[i] * inverse, rows.out[i + 1] * inverse));
    Val query = item.firstQuery + (64 * group + 8 * row) + warp * 16 + (lane >> 2);
    Val index = k.extend(item.sequenceRow + query) * k.extend(k.argument(headsArg)) + k.extend(item.head);
    Val wanted = query < item.queries;
    storeRow(k.at(k.argument(outArg), index * (2 * shape.value)), pairs, wanted);
    if (shape.lse)
      k.when(wanted & (quad == 0), [&] {
        k.store((rows.maximum[row] + log2(sum)) * k.f32(llvm::numbers::ln2), k.at(k.argument(lseArg), index * 4));
      });
  }
}
