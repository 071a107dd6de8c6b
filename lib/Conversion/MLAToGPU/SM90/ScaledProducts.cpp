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
// its row and token is added in f32 (here with rows of w on the tensor cores' M,
// in TokensOnM.cpp with tokens on M).
//
// Scales have any stride and alignment, so that TMA cannot copy them: the lanes
// of the copying warp copy one word each, and every lane arrives at the stage's
// barrier when its words are there. Scales beyond the last token, row or group
// are those of the last, and multiply zeros.
//
//===----------------------------------------------------------------------===//

#include "ScaledProducts.h"

using namespace mla::gpu;

namespace {
/// Rows of w on M, tokens on N.
class RowsOnM : public ScaledProjection {
public:
  using ScaledProjection::ScaledProjection;

private:
  void copyScales(const Tile &tile, Val step, Val stage) override;
  std::pair<Vals, Ring> sumTile(const Tile &tile, Val steps, Ring ring, Val group) override;

  /// Scales of a group of columns: of this thread's two rows, and of its tokens, two to a vector.
  struct Scales {
    Vals rows, tokens;
  };
  Vals multiplyGroup(Val stage, Val group, int64_t columns);
  Scales loadScales(Val stage, Val group, int64_t columns);
  Vals addScaled(llvm::ArrayRef<Val> sums, llvm::ArrayRef<Val> products, const Scales &scales);
};
} // namespace

void ScaledProjection::addScales() {
  weightArgument = k.addPointer();
  secondArgument = s.dims.border ? k.addPointer() : weightArgument;
  tokenArgument = k.addPointer();
}

void ScaledProjection::readScales() {
  weightScales = k.argument(weightArgument);
  secondScales = k.argument(secondArgument);
  tokenScales = k.argument(tokenArgument);
}

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

/// Returns the row of a weight that is row `row` of a tile: of a gated one eight gates, then their eight ups, and so
/// on.
Val ScaledProjection::weightRowOf(const Tile &tile, Val row) {
  if (!s.dims.gated)
    return tile.row + row;
  int64_t half = s.dims.rows / 2;
  Val inHalf = min((tile.row >> 1) + ((row >> 4) << 3) + (row & 7), k.i32(half - 1));
  return inHalf + ((row >> 3) & 1) * half;
}

Val ScaledProjection::groupOf(const Tile &tile, Val step, int64_t inStage) {
  int64_t groups = llvm::divideCeil(s.dims.contracted, s.dims.group);
  return min((tile.firstStep + step) * groupsOfStage() + inStage, k.i32(groups - 1));
}

Val ScaledProjection::tokenScaleAt(const Tile &tile, Val token, Val group) {
  int64_t groups = llvm::divideCeil(s.dims.contracted, s.dims.group);
  Val head = s.dims.experts ? k.i32(0) : tile.head; // rows of x are those of all experts
  Val row = k.extend(min(tile.token + token, tokens - 1)) * s.dims.heads + k.extend(head);
  return k.at(tokenScales, (row * groups + k.extend(group)) * 4);
}

Val ScaledProjection::rowScaleAt(const Tile &tile, Val row, Val group) {
  const ProjectionDims &d = s.dims;
  int64_t columnBlocks = llvm::divideCeil(d.contracted, d.blocks.columns);
  int64_t rowBlocks = llvm::divideCeil(d.rows, d.blocks.rows); // of a head, of which two weights have one
  // Choices of no expert multiply zeros, by any scales.
  Val head = d.experts ? min(tile.head, k.i32(d.experts - 1)) : tile.head;
  Val before = k.i32(0), lastRow = k.i32(d.rows - 1), ofWeight = weightScales;
  if (d.border) {
    Val isFirst = tile.row < d.border;
    before = select(isFirst, k.i32(0), k.i32(d.border));
    lastRow = select(isFirst, k.i32(d.border - 1), k.i32(d.rows - d.border - 1));
    ofWeight = select(isFirst, weightScales, secondScales);
  }
  Val inHead = min(weightRowOf(tile, row) - before, lastRow) / d.blocks.rows;
  Val block = (head * rowBlocks + inHead) * columnBlocks + group * d.group / d.blocks.columns;
  return k.at(ofWeight, k.extend(block) * 4);
}

void RowsOnM::copyScales(const Tile &tile, Val step, Val stage) {
  for (int64_t i = 0; i < groupsOfStage(); ++i) {
    Val group = groupOf(tile, step, i), to = k.shared(at.scales + i * at.groupBytes, stage * at.scaleBytes);
    copyWords(k, to, c.tileTokens, [&](Val token) { return tokenScaleAt(tile, token, group); });
    copyWords(k, k.at(to, 4 * c.tileTokens), c.tileRows, [&](Val row) { return rowScaleAt(tile, row, group); });
  }
  arriveAfterWords(k, full(stage));
}

void ScaledProjection::release(Val stage) {
  k.syncWarp();
  k.when((k.thread() & 31) == 0, [&] { arrive(k, empty(stage)); });
}

/// Multiplies group `columns` of a stage: 64 rows of w and all tokens, and adds the terms.
Vals RowsOnM::multiplyGroup(Val stage, Val group, int64_t columns) {
  Val moved = k.extend(stage * (at.stageBytes >> 4));
  Val a = moved + k.extend(group * (tileBytes(groupRows) >> 4)) + k.i64(kMajorDescriptor(0));
  Vals products(accumulatorsOf(c.tileTokens), k.f32(0));
  fenceProducts(k);
  for (int64_t term = 0; term < s.dims.terms; ++term) {
    Val b = moved + k.i64(kMajorDescriptor(at.weightBytes + term * at.tokenBytes));
    for (int64_t i = 0, steps = s.dims.group / scaledProductColumns; i < steps; ++i) {
      int64_t step = (columns * steps + i) * kMajorStep; // 32 bytes
      bool start = term == 0 && i == 0;
      products = multiply(k, a + step, b + step, products, start, Major::K, Major::K, Operands::E4M3);
    }
  }
  commitProducts(k);
  return products;
}

RowsOnM::Scales RowsOnM::loadScales(Val stage, Val group, int64_t columns) {
  Val lane = k.thread() & 31, warp = (k.thread() & 127) >> 5;
  Val scales = k.shared(at.scales + columns * at.groupBytes, stage * at.scaleBytes);
  Val row = k.at(scales, (group * groupRows + warp * 16 + (lane >> 2)) * 4), token = k.at(scales, (lane & 3) << 3);
  Scales result;
  for (int64_t half : {0, 1})
    result.rows.push_back(k.load(k.at(row, 4 * (c.tileTokens + 8 * half)), k.f32Type(), 4));
  for (int64_t i = 0; i < c.tileTokens / 8; ++i)
    result.tokens.push_back(k.load(k.at(token, 32 * i), k.vectorType(2, k.f32Type()), 8));
  return result;
}

/// Returns sums + products · scale of the row · scale of the token.
Vals RowsOnM::addScaled(llvm::ArrayRef<Val> sums, llvm::ArrayRef<Val> products, const Scales &scales) {
  Vals result;
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Val ofToken = k.element(scales.tokens[i / 4], i & 1), ofRow = scales.rows[rowOf(i)];
    result.push_back(fma(products[i] * ofToken, ofRow, sum));
  }
  return result;
}

std::pair<Vals, Ring> RowsOnM::sumTile(const Tile &tile, Val steps, Ring from, Val group) {
  Vals zeros(accumulatorsOf(c.tileTokens), k.f32(0));
  Vals state = k.loop(k.i32(0), steps, k.i32(1), {k.pack(zeros), from.stage, from.parity},
                      [&](Val, llvm::ArrayRef<Val> state) -> Vals {
                        Ring ring{state[1], state[2]};
                        waitBarrier(k, full(ring.stage), ring.parity);
                        Vals sums = k.unpack(state[0]);
                        for (int64_t columns = 0; columns < groupsOfStage(); ++columns) {
                          Vals products = multiplyGroup(ring.stage, group, columns);
                          Scales scales = loadScales(ring.stage, group, columns); // while the products run
                          waitProducts(k, 0);
                          if (columns + 1 == groupsOfStage())
                            release(ring.stage);
                          sums = addScaled(sums, products, scales);
                        }
                        Ring after = next(ring, c.turns);
                        return {k.pack(sums), after.stage, after.parity};
                      });
  return {k.unpack(state[0]), {state[1], state[2]}};
}

std::unique_ptr<Projection> mla::gpu::createScaledProjection(mlir::gpu::GPUModuleOp module,
                                                             const ProjectionShape &shape) {
  if (shape.choices.tokensOnM)
    return createTokensOnM(module, shape);
  return std::make_unique<RowsOnM>(module, shape);
}
