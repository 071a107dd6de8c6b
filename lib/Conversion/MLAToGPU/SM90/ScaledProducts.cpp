//===- ScaledProducts.cpp - Products of e4m3 with scales ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Columns of k with one scale are multiplied alone, from zero: the tensor cores
// add products of e4m3 with about 14 bits (DeepSeek-V3, arXiv:2412.19437,
// section 3.3.2), which is enough for 128 of them. Their sum times the scales of
// its row and token is added in f32.
//
// Scales have any stride and alignment, so that TMA cannot copy them: the lanes
// of the copying warp copy one word each, and every lane arrives at the stage's
// barrier when its words are there. Scales beyond the last token, row or group
// are those of the last, and multiply zeros.
//
//===----------------------------------------------------------------------===//

#include "ProjectionKernel.h"

using namespace mla::gpu;

/// Copies `count` words of shared memory from `to` on; `from` returns the address of a word.
static void copyWords(KernelBuilder &k, Val to, int64_t count, llvm::function_ref<Val(Val)> from) {
  Val lane = k.thread() & 31;
  for (int64_t first = 0; first < count; first += 32) {
    Val word = lane + first;
    auto copy = [&] { copyWord(k, k.at(to, word * 4), from(word)); };
    if (first + 32 <= count)
      copy();
    else
      k.when(word < count, copy);
  }
}

void Projection::copyScales(const Tile &tile, Val step, Val stage) {
  const ProjectionDims &d = s.dims;
  int64_t groups = llvm::divideCeil(d.contracted, d.group),
          weightGroups = llvm::divideCeil(d.contracted, s.blocks.columns);
  int64_t rowBlocks = llvm::divideCeil(d.rows, s.blocks.rows);
  for (int64_t i = 0; i < groupsOfStage(); ++i) {
    Val group = min((tile.firstStep + step) * groupsOfStage() + i, k.i32(groups - 1));
    Val to = k.shared(at.scales + i * at.groupBytes, stage * at.scaleBytes);
    for (int64_t term = 0; term < d.terms; ++term)
      copyWords(k, k.at(to, 4 * term * c.tileTokens), c.tileTokens, [&](Val word) {
        Val token = min(tile.token + word, tokens - 1);
        Val row = k.extend(token) * (d.terms * d.heads) + k.extend(tile.head + term * d.heads);
        return k.at(tokenScales, (row * groups + k.extend(group)) * 4);
      });
    copyWords(k, k.at(to, 4 * d.terms * c.tileTokens), c.tileRows, [&](Val word) {
      Val row = min(tile.row + word, k.i32(d.rows - 1)) / s.blocks.rows;
      Val block = (tile.head * rowBlocks + row) * weightGroups + group * d.group / s.blocks.columns;
      return k.at(weightScales, k.extend(block) * 4);
    });
  }
  arriveAfterWords(k, full(stage));
}

/// Multiplies group `columns` of a stage: 64 rows of w and all tokens, first terms before second ones.
Vals Projection::multiplyGroup(Val stage, Val group, int64_t columns) {
  constexpr int64_t productColumns = 32;
  Val moved = k.extend(stage * (at.stageBytes >> 4));
  Val a = moved + k.extend(group * (tileBytes(groupRows) >> 4)) + k.i64(kMajorDescriptor(0));
  Val b = moved + k.i64(kMajorDescriptor(at.weightBytes));
  Vals products(accumulatorsOf(s.dims.terms * c.tileTokens), k.f32(0));
  fenceProducts(k);
  for (int64_t i = 0, steps = s.dims.group / productColumns; i < steps; ++i) {
    int64_t step = (columns * steps + i) * kMajorStep; // 32 bytes
    products = multiply(k, a + step, b + step, products, /*start=*/i == 0, Major::K, Major::K, Operands::E4M3);
  }
  commitProducts(k);
  waitProducts(k, 0);
  return products;
}

/// Returns sums + products · scale of the row · scale of the token.
Vals Projection::addScaled(llvm::ArrayRef<Val> sums, llvm::ArrayRef<Val> products, Val stage, Val group,
                           int64_t columns) {
  Val lane = k.thread() & 31, warp = (k.thread() & 127) >> 5;
  Val scales = k.shared(at.scales + columns * at.groupBytes, stage * at.scaleBytes);
  Val row = k.at(scales, (group * groupRows + warp * 16 + (lane >> 2)) * 4);
  int64_t tokenScaleBytes = 4 * s.dims.terms * c.tileTokens;
  Val ofRow[] = {k.load(k.at(row, tokenScaleBytes), k.f32Type(), 4),
                 k.load(k.at(row, tokenScaleBytes + 4 * 8), k.f32Type(), 4)};
  Val token = k.at(scales, (lane & 3) << 3);
  Vals result(sums);
  for (int64_t i = 0; i < s.dims.terms * c.tileTokens / 8; ++i) {
    Val ofTokens = k.load(k.at(token, 32 * i), k.vectorType(2, k.f32Type()), 8);
    for (int64_t j = 4 * i; j < 4 * i + 4; ++j) {
      Val &sum = result[j % sums.size()];
      sum = fma(products[j] * k.element(ofTokens, j & 1), ofRow[rowOf(j)], sum);
    }
  }
  return result;
}

std::pair<Vals, Ring> Projection::sumScaledTile(Val steps, Ring from, Val group) {
  Vals zeros(accumulatorsOf(c.tileTokens), k.f32(0));
  Vals state = k.loop(k.i32(0), steps, k.i32(1), {k.pack(zeros), from.stage, from.parity},
                      [&](Val, llvm::ArrayRef<Val> state) -> Vals {
                        Ring ring{state[1], state[2]};
                        waitBarrier(k, full(ring.stage), ring.parity);
                        Vals sums = k.unpack(state[0]);
                        for (int64_t columns = 0; columns < groupsOfStage(); ++columns)
                          sums = addScaled(sums, multiplyGroup(ring.stage, group, columns), ring.stage, group, columns);
                        k.syncWarp();
                        k.when((k.thread() & 31) == 0, [&] { arrive(k, empty(ring.stage)); });
                        Ring after = next(ring, c.turns);
                        return {k.pack(sums), after.stage, after.parity};
                      });
  return {k.unpack(state[0]), {state[1], state[2]}};
}
