//===- TokensOnM.cpp - Products of many tokens of e4m3 --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tokens are on the tensor cores' M and rows of w on N, so that a thread has sums
// of two tokens, which have one scale each, and of rows that share few: a sum is
// multiplied by a number that many sums have. Threads read their scales of the
// next stage from memory while they multiply; eight stages read one sector. A
// warpgroup multiplies 64 tokens at a time, one or two times per stage. While it
// adds scaled sums, its own next products run if they have registers, and those
// of the other warpgroups.
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "ScaledProducts.h"

using namespace mla::gpu;

namespace {
class TokensOnM : public ScaledProjection {
public:
  using ScaledProjection::ScaledProjection;

private:
  std::pair<Vals, Ring> sumTile(const Tile &tile, Val steps, Ring ring, Val group) override;
  llvm::SmallVector<Piece> piecesOf(Val group) override;
  void stage(llvm::ArrayRef<Val> sums, const Piece &piece, Val group) override;
  void storeSums(const Tile &tile, llvm::ArrayRef<Val> sums, Val group) override;

  int64_t sumsOfWave() const { return accumulatorsOf(c.tileRows); }
  /// The first token of a wave, in the tile.
  Val tokenOf(Val group, int64_t wave) { return group * (c.waves() * groupRows) + wave * groupRows; }
  /// Rows with one scale are gates and ups, or 64 rows.
  int64_t rowParts() const { return s.dims.gated ? 2 : c.tileRows / groupRows; }
  Vals multiplyWave(Val stage, Val group, int64_t wave, Vals products);
  Vals loadScales(const Tile &tile, Val step, Val group);

  /// Of a tile's sum so far: the next stage and its scales, and registers of products.
  struct State {
    Vals sums;
    Ring ring;
    Vals scales;
    llvm::SmallVector<Vals> products;
  };
  Vals pack(const State &state);
  State unpack(llvm::ArrayRef<Val> packed);
  State addStages(const Tile &tile, Val step, int64_t depth, State state, Val group);
  void addScaled(Vals &sums, llvm::ArrayRef<Val> products, llvm::ArrayRef<Val> scales, int64_t wave);
  Val packOctet(llvm::ArrayRef<Val> sums, int64_t octet, int64_t half);
};
} // namespace

/// Multiplies 64 tokens of a stage by all rows of the tile, and adds the terms, in the registers of other products.
Vals TokensOnM::multiplyWave(Val stage, Val group, int64_t wave, Vals products) {
  Val moved = k.extend(stage * (at.stageBytes >> 4));
  Val b = moved + k.i64(kMajorDescriptor(0)), ofWave = k.extend(tokenOf(group, wave) * (tileBytes(1) >> 4));
  fenceProducts(k);
  for (int64_t term = 0; term < s.dims.terms; ++term) {
    Val a = moved + ofWave + k.i64(kMajorDescriptor(at.weightBytes + term * at.tokenBytes));
    for (int64_t i = 0; i < s.dims.group / scaledProductColumns; ++i)
      products = multiply(k, a + i * kMajorStep, b + i * kMajorStep, products, /*start=*/term == 0 && i == 0, Major::K,
                          Major::K, Operands::E4M3);
  }
  commitProducts(k);
  return products;
}

/// Returns the scales of a step: of this thread's two tokens of each wave, then of the parts of the rows.
Vals TokensOnM::loadScales(const Tile &tile, Val step, Val group) {
  Val lane = k.thread() & 31, warp = (k.thread() & 127) >> 5, columns = groupOf(tile, step);
  auto load = [&](Val from) { return k.load(from, k.f32Type(), 4); };
  Vals scales;
  for (int64_t wave = 0; wave < c.waves(); ++wave)
    for (int64_t half : {0, 1})
      scales.push_back(load(tokenScaleAt(tile, tokenOf(group, wave) + warp * 16 + (lane >> 2) + 8 * half, columns)));
  for (int64_t part = 0; part < rowParts(); ++part)
    scales.push_back(load(rowScaleAt(tile, k.i32(part * (s.dims.gated ? gatedRows : groupRows)), columns)));
  return scales;
}

void TokensOnM::addScaled(Vals &sums, llvm::ArrayRef<Val> products, llvm::ArrayRef<Val> scales, int64_t wave) {
  Vals factors; // of part p and half h: 2 p + h
  for (Val ofRows : scales.take_back(rowParts()))
    for (Val ofToken : scales.slice(2 * wave, 2))
      factors.push_back(ofToken * ofRows);
  for (auto [i, product] : llvm::enumerate(products)) {
    int64_t octet = i / 4, part = s.dims.gated ? octet & 1 : octet / (groupRows / 8);
    Val &sum = sums[wave * sumsOfWave() + i];
    sum = fma(product, factors[2 * part + rowOf(i)], sum);
  }
}

/// Adds the scaled products of `depth` stages to the sums. With two sets of registers for products, those of the next
/// stage run while one is scaled, but for the last: ptxas lets no product run from one round of a loop into the next.
TokensOnM::State TokensOnM::addStages(const Tile &tile, Val step, int64_t depth, State state, Val group) {
  int64_t units = depth * c.waves(), sets = state.products.size();
  llvm::SmallVector<Vals> scales = {state.scales};
  llvm::SmallVector<Ring> rings = {state.ring};
  auto finish = [&](int64_t unit, int64_t pending) {
    int64_t stage = unit / c.waves(), wave = unit % c.waves();
    waitProducts(k, pending);
    if (wave + 1 == c.waves())
      release(rings[stage].stage);
    addScaled(state.sums, state.products[unit % sets], scales[stage], wave);
  };
  for (int64_t unit = 0; unit < units; ++unit) {
    int64_t stage = unit / c.waves(), wave = unit % c.waves();
    if (wave == 0)
      waitBarrier(k, full(rings[stage].stage), rings[stage].parity);
    Vals &products = state.products[unit % sets];
    products = multiplyWave(rings[stage].stage, group, wave, products);
    if (wave == 0) {
      scales.push_back(loadScales(tile, step + (stage + 1), group)); // while products run
      rings.push_back(next(rings[stage]));
    }
    if (sets == 1)
      finish(unit, 0);
    else if (unit > 0)
      finish(unit - 1, 1);
  }
  if (sets > 1)
    finish(units - 1, 0);
  state.scales = scales.back();
  state.ring = rings.back();
  return state;
}

Vals TokensOnM::pack(const State &state) {
  Vals packed = {k.pack(state.sums), state.ring.stage, state.ring.parity, k.pack(state.scales)};
  for (const Vals &products : state.products)
    packed.push_back(k.pack(products));
  return packed;
}

TokensOnM::State TokensOnM::unpack(llvm::ArrayRef<Val> packed) {
  State state{k.unpack(packed[0]), {packed[1], packed[2]}, k.unpack(packed[3]), {}};
  for (Val products : packed.drop_front(4))
    state.products.push_back(k.unpack(products));
  return state;
}

std::pair<Vals, Ring> TokensOnM::sumTile(const Tile &tile, Val steps, Ring from, Val group) {
  // Products keep their registers: others in each stage would be too many.
  Vals none(sumsOfWave(), k.f32(0));
  State start{Vals(c.waves() * sumsOfWave(), k.f32(0)), from, loadScales(tile, k.i32(0), group), {}};
  start.products.assign(c.productSets(), none);
  auto sum = [&](Val first, Val end, int64_t depth, const State &state) {
    return unpack(k.loop(first, end, k.i32(depth), pack(state), [&](Val step, llvm::ArrayRef<Val> state) {
      return pack(addStages(tile, step, depth, unpack(state), group));
    }));
  };
  if (c.productSets() == 1) {
    State all = sum(k.i32(0), steps, 1, start);
    return {all.sums, all.ring};
  }
  constexpr int64_t depth = 4;
  Val whole = steps & ~(depth - 1);
  State all = sum(whole, steps, 1, sum(k.i32(0), whole, depth, start));
  return {all.sums, all.ring};
}

/// A piece has the tokens of a wave and 64 rows.
llvm::SmallVector<Piece> TokensOnM::piecesOf(Val group) {
  llvm::SmallVector<Piece> pieces;
  for (int64_t wave = 0; wave < c.waves(); ++wave)
    for (int64_t row = 0; row < c.tileRows; row += groupRows)
      pieces.push_back({tokenOf(group, wave), k.i32(row), wave * (c.tileRows / groupRows) + row / groupRows});
  return pieces;
}

/// Returns two neighbouring columns of y of one of this thread's tokens, of eight columns of y.
Val TokensOnM::packOctet(llvm::ArrayRef<Val> sums, int64_t octet, int64_t half) {
  Vals values;
  for (int64_t e : {0, 1}) {
    int64_t index = 2 * half + e;
    values.push_back(s.dims.gated ? activate(k, sums[8 * octet + index], sums[8 * octet + 4 + index])
                                  : sums[4 * octet + index]);
  }
  return packBF16(values[0], values[1]);
}

void TokensOnM::stage(llvm::ArrayRef<Val> sums, const Piece &piece, Val group) {
  constexpr int64_t width = 16; // of a fragment
  Val lane = k.thread() & 31, warp = (k.thread() & 127) >> 5;
  llvm::ArrayRef<Val> own = sums.slice(piece.number * accumulatorsOf(groupRows), accumulatorsOf(groupRows));
  for (int64_t j = 0; j < groupRows / width / (s.dims.gated ? 2 : 1); ++j) {
    Vals fragment;
    for (int64_t octet : {2 * j, 2 * j + 1})
      for (int64_t half : {0, 1})
        fragment.push_back(packOctet(own, octet, half));
    storeMatrix(k, k.shared(at.result, fragmentOffset(k, warp, lane, j) + group * tileBytes(at.storedTokens)),
                fragment);
  }
}

/// Four lanes have 32 neighbouring bytes.
void TokensOnM::storeSums(const Tile &tile, llvm::ArrayRef<Val> sums, Val group) {
  Val lane = k.thread() & 31, warp = (k.thread() & 127) >> 5, row = tile.row + ((lane & 3) << 1);
  for (int64_t wave = 0; wave < c.waves(); ++wave)
    for (int64_t half : {0, 1}) {
      Val token = tile.token + tokenOf(group, wave) + warp * 16 + (lane >> 2) + 8 * half, to = sumAt(tile, token, row);
      for (int64_t octet = 0; octet < c.tileRows / 8; ++octet)
        k.when((token < tokens) & (row + 8 * octet < s.dims.rows), [&] {
          llvm::ArrayRef<Val> pair = sums.slice(wave * sumsOfWave() + 4 * octet + 2 * half, 2);
          k.store(k.vectorOf(pair), k.at(to, 32 * octet), 8);
        });
    }
}

std::unique_ptr<Projection> mla::gpu::createTokensOnM(mlir::gpu::GPUModuleOp module, const ProjectionShape &shape) {
  return std::make_unique<TokensOnM>(module, shape);
}
