//===- FewRowsBlocks.cpp - Rounds of latent attention of few rows ---------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "E4M3.h"
#include "FewRowsKernel.h"

using namespace mla;
using namespace mla::gpu;

static constexpr int64_t tile = fewRows * tileRowBytes, stepsPerTile = 4;
static constexpr double hidden = -1e33;
/// Sums of probabilities, which are up to the inverse of the least weight, stay far from overflow.
static constexpr double leastWeight = 0x1p-100;

//===----------------------------------------------------------------------===//
// The state
//===----------------------------------------------------------------------===//

Vals FewRows::State::flat(KernelBuilder &k) const {
  Vals values;
  for (const Vals &one : out)
    values.push_back(k.pack(one));
  values.append(sum);
  values.append(maximum);
  return values;
}

FewRows::State FewRows::State::of(KernelBuilder &k, llvm::ArrayRef<Val> values, int64_t tiles) {
  State s;
  for (Val bundle : values.take_front(tiles))
    s.out.push_back(k.unpack(bundle));
  s.sum = Vals(values.slice(tiles, ownRows));
  s.maximum = Vals(values.slice(tiles + ownRows, ownRows));
  return s;
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

/// Zeroes rows beyond the sequence, and before all windows: they may hold NaN, and a probability of zero does not
/// remove it.
void FewRows::zeroUnseen(Val stage, Val block) {
  auto zero = [&](Val from, Val to) {
    int64_t chunks = at.row.bytes / 16;
    Val first = max(from, k.i32(0)) * chunks;
    k.loop(first + inGroup, to * chunks, k.i32(128), {}, [&](Val chunk, llvm::ArrayRef<Val>) -> Vals {
      k.store(k.zeroVector(4, k.i32Type()), k.shared(at.ring, stage + (chunk << 4)), 16);
      return {};
    });
    syncGroup();
  };
  Val left = length - (block << 6);
  k.when(left < blockTokens, [&] { zero(left, k.i32(blockTokens)); });
  if (shape.scores.window)
    k.when(unseenBefore(block) > 0, [&] { zero(k.i32(0), unseenBefore(block)); });
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// Returns four numbers as two registers of an operand: of two columns each, or of two tokens each.
Vals FewRows::convert(Val word, bool transposed) {
  constexpr int64_t evenThenOdd = 0x3120;
  if (transposed)
    word = k.intrinsic("llvm.nvvm.prmt", {word, k.i32(0), k.i32(evenThenOdd)});
  return unpackE4M3AsHalves(k, word);
}

/// Returns the operands of this warp's 16 tokens for 32 columns, two products. If only 16 are left, the second has the
/// same: behind them is another row, which may not have been copied.
llvm::SmallVector<Vals> FewRows::keys(Val stage, int64_t columns, int64_t left) {
  Val token = (warp << 4) + (lane & 15), half = left < 32 ? k.i32(0) : (lane >> 4) << 4;
  Vals words = loadMatrix(k, k.shared(at.ring + columns, stage + token * at.row.bytes + half));
  llvm::SmallVector<Vals> operands;
  for (int64_t i : {0, 2}) {
    Vals low = convert(words[i], false), high = convert(words[i + 1], false);
    operands.push_back({low[0], high[0], low[1], high[1]});
  }
  return operands;
}

/// Returns S^T of a group of columns, before its scale. The products are in flight.
Vals FewRows::scoreGroup(Val stage, int64_t g) {
  int64_t columns = shape.latent / at.groups, first = g * columns;
  Vals sum(accumulators, k.f32(0));
  llvm::SmallVector<Vals> operands;
  for (int64_t column = 0; column < columns; column += 32)
    operands.append(keys(stage, first + column, columns - column));
  fenceProducts(k);
  for (auto [i, a] : llvm::enumerate(operands)) {
    int64_t step = first / 16 + static_cast<int64_t>(i);
    int64_t q = kMajorDescriptor(at.q + step / stepsPerTile * tile) + kMajorStep * (step % stepsPerTile);
    sum = multiplyRegisters(k, a, k.i64(q), sum, i == 0, Major::K, Operands::F16);
  }
  commitProducts(k);
  waitProducts(k, 1); // frees the registers of the products before
  return sum;
}

Vals FewRows::scoreRope(Val stage) {
  Vals sum(accumulators, k.f32(0));
  llvm::SmallVector<Vals> operands;
  for (int64_t step = 0; step < at.ropeSteps; ++step) {
    if (shape.copiesRope()) {
      Val token = (warp << 4) + (lane & 15);
      operands.push_back(loadMatrix(
          k, k.shared(at.ring + at.row.rope + step * 32, stage + token * at.row.bytes + ((lane >> 4) << 4))));
    } else if (step % 2 == 0) {
      operands.append(keys(stage, at.row.rope + step * 16, (at.ropeSteps - step) * 16));
    }
  }
  operands.resize(at.ropeSteps);
  fenceProducts(k);
  for (auto [i, a] : llvm::enumerate(operands))
    sum = multiplyRegisters(k, a, k.i64(kMajorDescriptor(at.ropeQ) + kMajorStep * static_cast<int64_t>(i)), sum, i == 0,
                            Major::K, shape.copiesRope() ? Operands::BF16 : Operands::F16);
  commitProducts(k);
  waitProducts(k, 1); // frees the registers of the products before
  return sum;
}

/// Returns the scales of this thread's two tokens, group after group.
Vals FewRows::loadScales(Val stage) {
  Vals scales;
  for (int64_t g = 0; g < at.row.numScales; ++g)
    for (int64_t h : {0, 1}) {
      Val token = (warp << 4) + (lane >> 2) + h * 8;
      scales.push_back(k.load(k.shared(at.ring + at.row.scales + 4 * g, stage + token * at.row.bytes), k.f32Type(), 4));
    }
  return scales;
}

/// Returns the logarithm of the largest scale of each of this thread's tokens: probabilities times scales are stored as
/// f16, so the maximum that they are relative to is that of their product.
Vals FewRows::weightsOf(const Vals &scales) {
  Vals weights;
  for (int64_t h = 0; h < 2 && !scales.empty(); ++h) {
    Val largest = k.f32(leastWeight);
    for (int64_t g = 0; g < at.groups; ++g)
      largest = max(largest, scales[2 * g + h]);
    weights.push_back(log2(largest));
  }
  return weights;
}

/// Returns each own row's largest score plus weight, of all tokens of the block.
Vals FewRows::sharedMaxima(const Vals &s, const Vals &weights) {
  Vals largest(ownRows, k.f32(hidden));
  for (auto [i, score] : llvm::enumerate(s))
    largest[rowIndexOf(i)] = max(largest[rowIndexOf(i)], weights.empty() ? score : score + weights[i >> 1 & 1]);
  Val own = k.shared(at.maxima, warpOfBoth * (fewRows * 4) + (quad << 3));
  for (int64_t i = 0; i < ownRows; ++i) {
    for (int64_t distance : {4, 8, 16})
      largest[i] = max(largest[i], k.shuffleXor(largest[i], distance));
    k.when(lane < 4, [&] { k.store(largest[i], k.at(own, i / 2 * 32 + i % 2 * 4)); });
  }
  syncGroup();
  for (int64_t w = 0; w < 4; ++w)
    for (int64_t j = 0; j < ownRows / 2; ++j) {
      Val from = k.shared(at.maxima + w * fewRows * 4 + j * 32, (quad << 3) + group * (4 * fewRows * 4));
      Val pair = k.load(from, k.vectorType(2, k.f32Type()), 8);
      for (int64_t e : {0, 1})
        largest[2 * j + e] = max(largest[2 * j + e], k.element(pair, e));
    }
  return largest;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Stores P, per group of columns times the tokens' scales.
void FewRows::storeProbabilities(const Vals &p, const Vals &scales) {
  Val row = (lane & 7) + ((lane >> 4) << 3), chunk = (warp << 1) + ((lane >> 3) & 1);
  Val offset = (row << 7) + ((chunk ^ (row & 7)) << 4) + group * (at.groups * tile);
  for (int64_t g = 0; g < at.groups; ++g) {
    Vals packed;
    for (int64_t j = 0; j < fewRows / 8; ++j)
      for (int64_t h : {0, 1}) {
        Val factor = scales.empty() ? k.f32(probabilityUnit) : scales[2 * g + h] * k.f32(probabilityUnit);
        packed.push_back(packF16(k, p[4 * j + 2 * h] * factor, p[4 * j + 2 * h + 1] * factor));
      }
    storeMatrix(k, k.shared(at.p[0] + g * tile, offset), packed, /*transposed=*/true);
  }
}

/// O^T += V^T P^T.
void FewRows::addValues(State &s, Val stage) {
  int64_t groupTiles = at.latentTiles / at.groups;
  Val column = (warp << 4) + ((lane >> 4) << 6), ownP = k.extend(group * (at.groups * tile >> 4));
  for (int64_t step = 0; step < blockTokens / 16; ++step) {
    Val token = (lane & 15) + step * 16;
    llvm::SmallVector<Vals> operands;
    for (int64_t m = 0; m < at.latentTiles; m += 2) {
      Vals words =
          loadMatrix(k, k.shared(at.ring + m * 64, stage + token * at.row.bytes + column), /*transposed=*/true);
      for (int64_t i : {0, 2}) {
        Vals low = convert(words[i], true), high = convert(words[i + 1], true);
        operands.push_back({low[0], low[1], high[0], high[1]});
      }
    }
    fenceProducts(k);
    for (int64_t m = 0; m < at.latentTiles; ++m) {
      Val p = k.i64(kMajorDescriptor(at.p[0] + m / groupTiles * tile) + kMajorStep * step) + ownP;
      s.out[m] = multiplyRegisters(k, operands[m], p, s.out[m], false, Major::K, Operands::F16);
    }
    commitProducts(k);
    waitProducts(k, 1);
  }
}

//===----------------------------------------------------------------------===//
// A block
//===----------------------------------------------------------------------===//

/// Returns this thread's scores, scaled for exp2.
Vals FewRows::scores(Val stage, Val block, const Vals &scales) {
  llvm::SmallVector<Vals> sums;
  for (int64_t g = 0; g < at.groups; ++g)
    sums.push_back(scoreGroup(stage, g));
  if (shape.rope)
    sums.push_back(scoreRope(stage));
  waitProducts(k, 0);
  Vals values;
  Val scale = k.argument(scaleArg), token = (block << 6) + (warp << 4) + (lane >> 2);
  for (int64_t i = 0; i < accumulators; ++i) {
    int64_t h = i >> 1 & 1;
    Val sum = k.f32(0);
    for (int64_t g = 0; g < at.groups; ++g)
      sum = scales.empty() ? sums[g][i] : fma(sums[g][i], scales[2 * g + h], sum);
    sum = sum * queryUnit[rowIndexOf(i)];
    if (shape.rope)
      sum = shape.copiesRope() ? sum + sums.back()[i] : fma(sums.back()[i], ropeUnit[rowIndexOf(i)], sum);
    values.push_back(select(isSeen(token + h * 8, border[rowIndexOf(i)]), sum * scale, k.f32(hidden)));
  }
  return values;
}

/// Turns scores into probabilities relative to the maximum so far, and rescales what was summed before.
void FewRows::softmax(State &s, Vals &p, const Vals &scales) {
  Vals largest = sharedMaxima(p, weightsOf(scales)), factors;
  for (int64_t i = 0; i < ownRows; ++i) {
    Val maximum = max(s.maximum[i], largest[i]);
    factors.push_back(exp2(s.maximum[i] - maximum));
    s.maximum[i] = maximum;
    s.sum[i] = s.sum[i] * factors[i];
  }
  for (auto [i, value] : llvm::enumerate(p)) {
    value = exp2(value - s.maximum[rowIndexOf(i)]);
    s.sum[rowIndexOf(i)] = s.sum[rowIndexOf(i)] + value;
  }
  for (Vals &out : s.out)
    for (auto [i, value] : llvm::enumerate(out))
      value = value * factors[rowIndexOf(i)];
}

void FewRows::oneBlock(State &s, Val block, Val ordinal) {
  Val stage = offsetOf(ordinal);
  waitFull(ordinal);
  zeroUnseen(stage, block);
  Vals scales = loadScales(stage), p = scores(stage, block, scales);
  softmax(s, p, scales);
  storeProbabilities(p, scales);
  fenceAsync(k);
  syncGroup();
  addValues(s, stage);
  waitProducts(k, 0);
  release(ordinal, k.i1(true));
}
