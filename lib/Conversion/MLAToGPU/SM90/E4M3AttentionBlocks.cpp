//===- E4M3AttentionBlocks.cpp - Blocks of latent attention in e4m3 -------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "E4M3.h"
#include "E4M3AttentionKernel.h"
#include "Rows.h"

using namespace mla;
using namespace mla::gpu;

static constexpr double hidden = -1e33;
/// Sums of probabilities, which are up to the inverse of the least weight, stay far from overflow.
static constexpr double leastWeight = 0x1p-100;
/// For scores, smaller scales count as this one, so that steps from a scale to another stay finite: what is lost is out
/// of proportion.
static constexpr double leastScale = 0x1p-40;
static constexpr int64_t depthSteps = 4;                ///< products of 32 columns per tile
static constexpr int64_t valueSteps = blockTokens / 32; ///< products of 32 tokens per block

//===----------------------------------------------------------------------===//
// The state
//===----------------------------------------------------------------------===//

Vals E4M3Attention::State::flat(KernelBuilder &k) const {
  Vals values;
  for (const Vals &one : out)
    values.push_back(k.pack(one));
  values.append(sum, sum + 2);
  return values;
}

E4M3Attention::State E4M3Attention::State::of(KernelBuilder &k, llvm::ArrayRef<Val> values, int64_t tiles) {
  State s;
  for (Val bundle : values.take_front(tiles))
    s.out.push_back(k.unpack(bundle));
  s.sum[0] = values[tiles];
  s.sum[1] = values[tiles + 1];
  return s;
}

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

/// Returns whether a row of a block is of the sequence, and not before all windows.
Val E4M3Attention::isToken(Val block, Val row) {
  Val isBefore = row < length - (block << 6);
  return shape.scores.window ? isBefore & (row >= unseenBefore(block)) : isBefore;
}

/// Zeroes the latent of rows that are no tokens: it may be NaN, and a probability of zero does not remove it.
void E4M3Attention::zeroUnseen(Val block) {
  auto zero = [&](Val from, Val to) {
    int64_t chunks = 8 * at.tiles;
    Val stage = stageOf(ordinalOf(block)) * at.stageBytes, first = max(from, k.i32(0)) * chunks;
    k.loop(first + inGroup, to * chunks, k.i32(128), {}, [&](Val i, llvm::ArrayRef<Val>) -> Vals {
      Val token = i / chunks, chunk = i % chunks;
      Val to = (chunk >> 3) * e4m3Tile + (token << 7) + ((chunk & 7) << 4);
      k.store(k.zeroVector(4, k.i32Type()), k.shared(at.ring, stage + to), 16);
      return {};
    });
    fenceAsync(k);
    syncGroup();
  };
  Val left = length - (block << 6);
  k.when(left < blockTokens, [&] { zero(left, k.i32(blockTokens)); });
  if (shape.scores.window)
    k.when(unseenBefore(block) > 0, [&] { zero(k.i32(0), unseenBefore(block)); });
}

/// Prepares the factors of this warpgroup's block. A token's weight is its largest scale: P is relative to the largest
/// product of a probability and a weight. Rows that are no tokens have scales of zero. For scores, a scale counts as
/// at least 2^-20 of the weight, below which its group is lost in the sum.
void E4M3Attention::prepareFactors(Val block) {
  E4M3Factors to(at.groups);
  Val ordinal = ordinalOf(block);
  k.when(inGroup < blockTokens, [&] {
    Val from = k.shared(at.ring + at.scalesOfStage, stageOf(ordinal) * at.stageBytes + (inGroup << 4));
    Val four = k.load(from, k.vectorType(4, k.f32Type()), 16), largest = k.f32(leastWeight);
    Val index = ((inGroup & 6) << 3) + ((inGroup >> 3) << 1) + (inGroup & 1);
    auto address = [&](int64_t offset, int64_t bytes) {
      return k.shared(at.factors + offset, group * at.factorBytes + index * bytes);
    };
    Vals scales;
    for (int64_t g = 0; g < at.groups; ++g) {
      scales.push_back(select(isToken(block, inGroup), k.element(four, g), k.f32(0)));
      largest = max(largest, scales[g]);
    }
    Val inverse = reciprocal(largest);
    k.store(log2(largest), address(to.weights(), 4));
    k.store(inverse, address(to.inverses(), 4));
    Vals bounded;
    for (Val scale : scales)
      bounded.push_back(max(max(scale, largest * k.f32(0x1p-20)), k.f32(leastScale)));
    for (int64_t g = 0; g < at.groups; ++g) {
      Val step = g + 1 < at.groups ? bounded[g] * reciprocal(bounded[g + 1]) : bounded[g];
      k.store(step, address(to.steps(g), 4));
    }
    for (int64_t g = 0; g < at.groups; ++g) {
      Val pair = packF16(k, scales[g] * inverse, k.f32(0));
      k.store(k.wrap(mlir::LLVM::TruncOp::create(k, k.getI16Type(), pair)), address(to.ratios(g), 2));
    }
  });
  syncGroup();
}

/// Returns the address of this thread's part of E4M3Factors.
Val E4M3Attention::factorsAddress(int64_t offset, int64_t bytes) {
  return k.shared(at.factors + offset, group * at.factorBytes + quad * bytes);
}

Vals E4M3Attention::factorsOf(int64_t offset) {
  Vals factors;
  for (int64_t i = 0; i < 4; ++i) {
    Val four = k.load(k.at(factorsAddress(offset, 64), 16 * i), k.vectorType(4, k.f32Type()), 16);
    for (int64_t e = 0; e < 4; ++e)
      factors.push_back(k.element(four, e));
  }
  return factors;
}

/// Returns a group's ratios as f16, of two tokens per value.
Vals E4M3Attention::ratiosOf(int64_t g) {
  Vals ratios;
  for (int64_t i = 0; i < 2; ++i) {
    Val from = k.at(factorsAddress(E4M3Factors(at.groups).ratios(g), 32), 16 * i);
    Val four = k.load(from, k.vectorType(4, k.i32Type()), 16);
    for (int64_t e = 0; e < 4; ++e)
      ratios.push_back(k.element(four, e));
  }
  return ratios;
}

/// Returns the index among the factors of an accumulator of S.
static int64_t tokenIndexOf(int64_t i) { return i / 4 * 2 + (i & 1); }

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

E4M3Attention::Keys E4M3Attention::keysOf(Val ordinal) {
  return {stageOf(ordinal) * (at.stageBytes >> 4) + (at.ring >> 4), (ordinal & 1) * (e4m3Tile >> 4) + (at.ropes >> 4)};
}

/// Adds Q K^T of a group of columns. The products are in flight.
void E4M3Attention::addGroup(Vals &sums, const Keys &keys, int64_t g) {
  int64_t tilesOfGroup = at.tiles / at.groups;
  bool start = g == 0;
  fenceProducts(k);
  for (int64_t tile = g * tilesOfGroup; tile < (g + 1) * tilesOfGroup; ++tile)
    for (int64_t term = 0; term < queryTerms; ++term)
      for (int64_t step = 0; step < depthSteps; ++step, start = false) {
        int64_t q = kMajorDescriptor(at.q + (term * at.tiles + tile) * e4m3Tile) + kMajorStep * step;
        Val b = moveDescriptor(k, kMajorDescriptor(tile * e4m3Tile) + kMajorStep * step, keys.latent);
        sums = multiply(k, k.i64(q), b, sums, start, Major::K, Major::K, Operands::E4M3);
      }
  commitProducts(k);
}

/// Adds the products with k_rope, in flight.
void E4M3Attention::addRope(Vals &sums, const Keys &keys, bool start) {
  constexpr int64_t stepBytes = 32, termStep = 4; // a term is four units of 16 bytes behind the one before
  bool isE4M3 = !shape.copiesRope();
  int64_t bytes = shape.rope * (isE4M3 ? 1 : 2), terms = isE4M3 ? queryTerms : 1;
  fenceProducts(k);
  for (int64_t term = 0; term < terms; ++term)
    for (int64_t step = 0; step * stepBytes < bytes; ++step, start = false) {
      Val q = k.i64(kMajorDescriptor(at.ropeQ) + kMajorStep * step + termStep * term);
      Val b = moveDescriptor(k, kMajorDescriptor(0) + kMajorStep * step, keys.rope);
      sums = multiply(k, q, b, sums, start, Major::K, Major::K, isE4M3 ? Operands::E4M3 : Operands::BF16);
    }
  commitProducts(k);
}

/// Multiplies sums by a group's scale over the next one's, or by the last scale. So one set of sums serves all groups:
/// one per group would take more registers than there are.
void E4M3Attention::stepScales(Vals &sums, int64_t g) {
  Vals steps = factorsOf(E4M3Factors(at.groups).steps(g));
  for (auto [i, sum] : llvm::enumerate(sums))
    sum = sum * steps[tokenIndexOf(i)];
}

/// Waits for the tokens of a block, and hides what is beyond the sequence.
void E4M3Attention::beginTokens(Val block) {
  waitFull(ordinalOf(block));
  zeroUnseen(block);
}

/// Reports that this warp has read the keys' part of a block of its warpgroup.
void E4M3Attention::releaseRope(Val block) {
  k.syncWarp();
  if (shape.rope)
    k.when(lane == 0, [&] { arrive(k, k.shared(at.ropeEmpty, (ordinalOf(block) & 1) << 3)); });
}

/// Returns Q K^T of a block, but for the rows' units: of k_rope in `ropeSums`, if it is of e4m3.
Vals E4M3Attention::sumScores(Vals &ropeSums, Val block) {
  beginTokens(block);
  Keys keys = keysOf(ordinalOf(block));
  Vals sums(accumulatorsOf(blockTokens), k.f32(0));
  for (int64_t g = 0; g < at.groups; ++g) {
    addGroup(sums, keys, g);
    if (g == 0 && at.row.numScales)
      prepareFactors(block);
    waitProducts(k, 0);
    if (at.row.numScales)
      stepScales(sums, g);
  }
  if (shape.copiesRope()) {
    addRope(sums, keys, /*start=*/false);
  } else if (shape.rope) {
    ropeSums.assign(sums.size(), k.f32(0));
    addRope(ropeSums, keys, /*start=*/true);
  }
  if (shape.rope)
    waitProducts(k, 0);
  releaseRope(block);
  return sums;
}

/// Returns the scores of a block for exp2, plus the tokens' weights. Tokens that a row does not see are masked, if the
/// block has any.
Vals E4M3Attention::scores(Val block) {
  Vals ropeSums, scores = sumScores(ropeSums, block), weights;
  if (at.row.numScales)
    weights = factorsOf(E4M3Factors(at.groups).weights());
  for (int64_t half : {0, 1}) {
    Val unit = k.load(rowValue(at.queryUnit, half), k.f32Type(), 4) * k.argument(scaleArg), ropeUnit;
    if (!ropeSums.empty())
      ropeUnit = k.load(rowValue(at.ropeUnit, half), k.f32Type(), 4) * k.argument(scaleArg);
    for (auto [i, score] : llvm::enumerate(scores)) {
      if (rowOf(i) != half)
        continue;
      score = weights.empty() ? score * unit : fma(score, unit, weights[tokenIndexOf(i)]);
      if (!ropeSums.empty())
        score = fma(ropeSums[i], ropeUnit, score);
    }
  }
  auto maskAll = [&]() -> Vals {
    Vals masked = scores;
    Val first = (block << 6) + (quad << 1), border[2];
    for (int64_t half : {0, 1})
      border[half] = borderOf(firstRow + row0 + 8 * half);
    for (auto [i, score] : llvm::enumerate(masked))
      score = select(isSeen(first + ((i / 4) * 8 + (i & 1)), border[rowOf(i)]), score, k.f32(hidden));
    return {k.pack(masked)};
  };
  Val hides = hidesSome(block << 6);
  return k.unpack(k.choose(hides, maskAll, [&]() -> Vals { return {k.pack(scores)}; })[0]);
}

//===----------------------------------------------------------------------===//
// Probabilities
//===----------------------------------------------------------------------===//

/// Returns the address of the row's change by a block.
static Val changeAddress(KernelBuilder &k, const E4M3AttentionLayout &at, Val ordinal, Val offset) {
  return k.shared(at.change, ((ordinal & 3) << 8) + offset);
}

/// Returns the change of this thread's row of S, by a block of either warpgroup.
Val E4M3Attention::changeOf(Val block, int64_t half) {
  return k.load(changeAddress(k, at, block - begin, (row0 << 2) + 32 * half), k.f32Type(), 4);
}

/// Turns the scores of a block into probabilities times weights, relative to the maximum so far. A block of the other
/// warpgroup lies between this one and this warpgroup's last.
void E4M3Attention::softmax(State &s, Vals &scores, Val block) {
  Vals inverses;
  if (at.row.numScales)
    inverses = factorsOf(E4M3Factors(at.groups).inverses());
  for (int64_t half : {0, 1}) {
    Val largest = k.f32(hidden);
    for (size_t i = 2 * half; i < scores.size(); i += 4)
      largest = max(largest, max(scores[i], scores[i + 1]));
    largest = max(largest, k.shuffleXor(largest, 1));
    largest = max(largest, k.shuffleXor(largest, 2));
    Val before = k.load(rowValue(at.rowMax, half), k.f32Type(), 4), maximum = max(before, largest);
    Val change = exp2(before - maximum), sum = k.f32(0), zero = maximum - k.f32(e4m3ProbabilityExponent);
    k.syncWarp();
    k.when(quad == 0, [&] {
      k.store(change, changeAddress(k, at, block - begin, (row0 << 2) + 32 * half));
      k.store(maximum, rowValue(at.rowMax, half));
    });
    for (size_t i = 2 * half; i < scores.size(); i += 4)
      for (size_t e : {i, i + 1}) {
        scores[e] = exp2(scores[e] - zero);
        sum = inverses.empty() ? sum + scores[e] : fma(scores[e], inverses[tokenIndexOf(e)], sum);
      }
    s.sum[half] = fma(s.sum[half], change * changeOf(block - 1, half), sum);
  }
}

/// Stores 32 tokens of P, times the ratios of a group. Words of four tokens are in the order of a matrix store: of both
/// rows, 16 tokens after 16.
void E4M3Attention::storeProbabilities(llvm::ArrayRef<Val> halves, llvm::ArrayRef<Val> ratios, int64_t g,
                                       int64_t first) {
  Vals words;
  for (int64_t j : {first / 8, first / 8 + 2})
    for (int64_t half : {0, 1}) {
      Vals pairs = {halves[2 * j + half], halves[2 * j + 2 + half]};
      for (size_t i = 0; i < 2 && !ratios.empty(); ++i)
        pairs[i] = multiplyHalves(k, pairs[i], ratios[j + static_cast<int64_t>(i)]);
      words.push_back(packE4M3Halves(k, pairs[0], pairs[1]));
    }
  int64_t column = g % 2 * 2 + first / 32;
  Val to = k.shared(at.p + g / 2 * e4m3Tile, group * at.pBytes + (fragment ^ (column << 5)));
  storeMatrix(k, to, words);
}

void E4M3Attention::storeProbabilities(llvm::ArrayRef<Val> halves) {
  for (int64_t g = 0; g < at.groups; ++g) {
    Vals ratios = at.row.numScales ? ratiosOf(g) : Vals();
    for (int64_t first : {0, 32})
      storeProbabilities(halves, ratios, g, first);
  }
  fenceAsync(k);
  arriveStored();
  syncGroup();
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Makes O relative to the maximum after a block. With 64 rows, most blocks change one.
void E4M3Attention::rescale(State &s, Val block) {
  Vals changes;
  for (int64_t j = 0; j < queryRows / 8; ++j) {
    Val two = k.load(changeAddress(k, at, block - begin, (quad << 3) + 32 * j), k.vectorType(2, k.f32Type()), 8);
    changes.append({k.element(two, 0), k.element(two, 1)});
  }
  for (Vals &out : s.out)
    for (auto [i, value] : llvm::enumerate(out))
      value = value * changes[tokenIndexOf(i)];
}

/// Returns the operands of V^T of 32 tokens, per 64 own columns; zeros of a block that does not exist.
llvm::SmallVector<Vals> E4M3Attention::values(const Values &block, int64_t step) {
  constexpr int64_t evenBytes = 0x6420, oddBytes = 0x7531;
  Val stage = stageOf(block.ordinal) * at.stageBytes + step * 32 * tileRowBytes + at.ring;
  llvm::SmallVector<Vals> operands;
  for (int64_t m = 0; m < ownTiles; ++m) {
    Val tile = group * ownTiles + m, chunk = ((tile & 1) << 2) + warp;
    Val offset = (tile >> 1) * e4m3Tile + (lane << 7) + ((chunk ^ (lane & 7)) << 4);
    Val from = stage + offset;
    if (block.exists)
      from = select(block.exists, from, k.i32(at.zeros));
    Vals words = loadMatrix(k, k.shared(0, from), /*transposed=*/true);
    Vals a;
    for (int64_t i : {0, 2})
      for (int64_t bytes : {evenBytes, oddBytes})
        a.push_back(k.intrinsic("llvm.nvvm.prmt", {words[i], words[i + 1], k.i32(bytes)}));
    operands.push_back(a);
  }
  return operands;
}

/// O^T += V^T P^T of 32 tokens. The products are in flight.
void E4M3Attention::addValues(State &s, const Values &block, int64_t step) {
  llvm::SmallVector<Vals> operands = values(block, step);
  fenceProducts(k);
  for (int64_t m = 0; m < ownTiles; ++m) {
    Val version = at.groups > 1 ? (group * ownTiles + m) >> 1 : k.i32(0);
    Val units = block.owner * (at.pBytes >> 4) + (version >> 1) * (e4m3Tile >> 4) + ((version & 1) << 2);
    Val p = moveDescriptor(k, kMajorDescriptor(at.p) + kMajorStep * step, units);
    s.out[m] = multiplyRegisters(k, operands[m], p, s.out[m], false, Major::K, Operands::E4M3);
  }
  commitProducts(k);
}

/// Adds the values of a block. Operands are loaded while the products before run.
void E4M3Attention::addBlock(State &s, const Values &block) {
  for (int64_t step = 0; step < valueSteps; ++step) {
    addValues(s, block, step);
    waitProducts(k, step + 1 < valueSteps);
  }
}

/// Adds the values of the split's last block, if it is of the other warpgroup.
void E4M3Attention::addLast(State &s) {
  syncStored();
  waitFull(ordinalOf(end - 1));
  rescale(s, end - 1);
  addBlock(s, {ordinalOf(end - 1), group ^ 1, Val()});
  release(ordinalOf(end - 1), k.i1(true));
  for (int64_t half : {0, 1})
    s.sum[half] = s.sum[half] * changeOf(end - 1, half);
}

//===----------------------------------------------------------------------===//
// A block
//===----------------------------------------------------------------------===//

/// Turns the scores of a block into probabilities for both warpgroups. Returns them as f16, two tokens per value.
Vals E4M3Attention::probabilities(State &s, Val block) {
  Vals p = scores(block), halves;
  k.when(block > begin, [&] { syncStored(); });
  softmax(s, p, block);
  k.when(block > begin + 1, [&] { syncRead(); });
  for (size_t i = 0; i < p.size(); i += 2)
    halves.push_back(packF16(k, p[i], p[i + 1]));
  return halves;
}

/// Computes the probabilities of a block, and adds the values of the block before and of this one. The first block has
/// none before: zeros are added, for a branch around products would serialise them.
void E4M3Attention::ownBlock(State &s, Val block) {
  Val hasOther = block > begin;
  storeProbabilities(probabilities(s, block));
  k.when(hasOther, [&] { waitFull(ordinalOf(block - 1)); });
  rescale(s, block - 1);
  addBlock(s, {ordinalOf(block - 1), select(hasOther, group ^ 1, group), hasOther});
  release(ordinalOf(block - 1), hasOther);
  k.when(hasOther & (block + 1 < end), [&] { arriveRead(); });
  rescale(s, block);
  addBlock(s, {ordinalOf(block), group, Val()});
  release(ordinalOf(block), k.i1(true));
}
