//===- FewPackedRowsBlocks.cpp - Few query rows on packed blocks ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "E4M3.h"
#include "FewPackedRows.h"

using namespace mla;
using namespace mla::gpu;

static constexpr int64_t tile = tileBytes(fewRows), stepsPerTile = 4;
static constexpr double hidden = -1e33;
/// Sums of probabilities, which are up to the inverse of the least weight, stay far from overflow.
static constexpr double leastWeight = 0x1p-100;

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// Returns four numbers as two registers of an operand: of two columns each, or of two tokens each.
Vals FewPackedRows::convert(Val word, bool transposed) {
  constexpr int64_t evenThenOdd = 0x3120;
  if (transposed)
    word = k.intrinsic("llvm.nvvm.prmt", {word, k.i32(0), k.i32(evenThenOdd)});
  return unpackE4M3AsHalves(k, word);
}

/// Returns the operands of this warp's 16 tokens for 32 columns, two products. If only 16 are left, the second has the
/// same: behind them is another row, which may not have been copied.
llvm::SmallVector<Vals> FewPackedRows::keys(Val stage, int64_t columns, int64_t left) {
  Val token = (warp << 4) + (lane & 15), half = left < 32 ? k.i32(0) : (lane >> 4) << 4;
  Vals words = loadMatrix(k, k.shared(at.ring + columns, stage + token * at.pitch + half));
  llvm::SmallVector<Vals> operands;
  for (int64_t i : {0, 2}) {
    Vals low = convert(words[i], false), high = convert(words[i + 1], false);
    operands.push_back({low[0], high[0], low[1], high[1]});
  }
  return operands;
}

/// Returns S^T of a group of columns, before its scale. The products are in flight.
Vals FewPackedRows::scoreGroup(Val stage, int64_t g) {
  int64_t columns = shape.latent / at.groups, first = g * columns;
  Vals sum(accumulators(), k.f32(0));
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

Vals FewPackedRows::scoreRope(Val stage) {
  Vals sum(accumulators(), k.f32(0));
  llvm::SmallVector<Vals> operands;
  for (int64_t step = 0; step < at.ropeSteps; ++step) {
    if (shape.copiesRope()) {
      Val token = (warp << 4) + (lane & 15);
      operands.push_back(
          loadMatrix(k, k.shared(at.ring + at.row.rope + step * 32, stage + token * at.pitch + ((lane >> 4) << 4))));
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
Vals FewPackedRows::loadScales(Val stage) {
  Vals scales;
  for (int64_t g = 0; g < at.row.numScales; ++g)
    for (int64_t h : {0, 1}) {
      Val token = (warp << 4) + (lane >> 2) + h * 8;
      scales.push_back(k.load(k.shared(at.ring + at.row.scales + 4 * g, stage + token * at.pitch), k.f32Type(), 4));
    }
  return scales;
}

/// Returns the logarithm of the largest scale of each of this thread's tokens: probabilities times scales are stored as
/// f16, so the maximum that they are relative to is that of their product.
Vals FewPackedRows::weightsOf(const Vals &scales) {
  Vals weights;
  for (int64_t h = 0; h < 2 && !scales.empty(); ++h) {
    Val largest = k.f32(leastWeight);
    for (int64_t g = 0; g < at.groups; ++g)
      largest = max(largest, scales[2 * g + h]);
    weights.push_back(log2(largest));
  }
  return weights;
}

/// Returns each own row's largest score plus weight, of this thread's tokens.
Vals FewPackedRows::largestOf(const Vals &s, const Vals &weights) {
  Vals largest(ownRows(), k.f32(hidden));
  for (auto [i, score] : llvm::enumerate(s))
    largest[rowIndexOf(i)] = max(largest[rowIndexOf(i)], weights.empty() ? score : score + weights[i >> 1 & 1]);
  return largest;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Stores P, per group of columns times the tokens' scales.
void FewPackedRows::storeScaled(const Vals &p, const Vals &scales) {
  for (int64_t g = 0; g < at.groups; ++g) {
    Vals packed;
    for (int64_t i = 0; i < accumulators(); i += 2) {
      Val unit = k.f32(probabilityUnit), factor = scales.empty() ? unit : scales[2 * g + (i >> 1 & 1)] * unit;
      packed.push_back(packF16(k, p[i] * factor, p[i + 1] * factor));
    }
    storeProbabilities(packed, g);
  }
}

/// O^T += V^T P^T.
void FewPackedRows::addValues(State &s, Val stage) {
  int64_t groupTiles = at.latentTiles / at.groups;
  Val column = (warp << 4) + ((lane >> 4) << 6), ownP = k.extend(group * (at.groups * tile >> 4));
  for (int64_t step = 0; step < blockTokens / 16; ++step) {
    Val token = (lane & 15) + step * 16;
    llvm::SmallVector<Vals> operands;
    for (int64_t m = 0; m < at.latentTiles; m += 2) {
      Vals words = loadMatrix(k, k.shared(at.ring + m * 64, stage + token * at.pitch + column), /*transposed=*/true);
      for (int64_t i : {0, 2}) {
        Vals low = convert(words[i], true), high = convert(words[i + 1], true);
        operands.push_back({low[0], low[1], high[0], high[1]});
      }
    }
    fenceProducts(k);
    for (int64_t m = 0; m < at.latentTiles; ++m) {
      Val p = k.i64(kMajorDescriptor(at.areas.p + m / groupTiles * tile) + kMajorStep * step) + ownP;
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
Vals FewPackedRows::scores(Val stage, Val block, const Vals &scales) {
  llvm::SmallVector<Vals> sums;
  for (int64_t g = 0; g < at.groups; ++g)
    sums.push_back(scoreGroup(stage, g));
  if (shape.rope)
    sums.push_back(scoreRope(stage));
  waitProducts(k, 0);
  Vals values;
  Val scale = k.argument(scaleArg), token = (block << 6) + (warp << 4) + (lane >> 2);
  for (int64_t i = 0; i < accumulators(); ++i) {
    int64_t h = i >> 1 & 1;
    Val sum = k.f32(0);
    for (int64_t g = 0; g < at.groups; ++g)
      sum = scales.empty() ? sums[g][i] : fma(sums[g][i], scales[2 * g + h], sum);
    sum = sum * queryUnit[rowIndexOf(i)];
    if (shape.rope)
      sum = shape.copiesRope() ? sum + sums.back()[i] : fma(sums.back()[i], ropeUnit[rowIndexOf(i)], sum);
    values.push_back(select(isSeenByOwn(token + h * 8, rowIndexOf(i)), sum * scale, k.f32(hidden)));
  }
  return values;
}

void FewPackedRows::oneBlock(State &s, Val block, Val ordinal) {
  Val stage = offsetOf(ordinal);
  waitFull(ordinal);
  Vals scales = loadScales(stage), p = scores(stage, block, scales);
  softmax(s, p, sharedMaxima(largestOf(p, weightsOf(scales))));
  storeScaled(p, scales);
  fenceAsync(k);
  syncGroup();
  addValues(s, stage);
  waitProducts(k, 0);
  release(ordinal, k.i1(true));
}
