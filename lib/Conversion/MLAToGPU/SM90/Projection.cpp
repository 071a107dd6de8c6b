//===- Projection.cpp - Products of tokens with weights -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows of the weight are on the tensor cores' M and tokens on N, so that few
// tokens waste nothing: a warpgroup multiplies 64 rows by all tokens of a tile.
// One warp copies; stages of 64 columns of k form a ring:
//
//   copying warp:  wait empty[s] -> expect full[s] -> copy w and x
//   warpgroups:    wait full[s] -> 4 products -> (all but these done) -> empty[s - 1]
//
// The ring continues from tile to tile: while a tile is stored, the next one's
// stages fill. Weights depend on no other kernel, so their first stages are
// copied before the predecessors are done.
//
// Elements beyond n, k, the tokens or the heads are zero when TMA reads them and
// dropped when it writes: no code for edges.
//
//===----------------------------------------------------------------------===//

#include "Projection.h"

#include "Rows.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mla::gpu;

/// Rows per warpgroup.
static constexpr int64_t groupRows = 64;
/// Tokens stored through shared memory at a time.
static constexpr int64_t maxStoredTokens = 128;
/// Tiles of tokens that are combined with a tile of rows. 132 concurrent CTAs then read about as many rows as tokens,
/// which is the minimum.
static constexpr int64_t bandTiles = 8;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

ProjectionLayout::ProjectionLayout(const ProjectionChoices &c)
    : weightBytes(tileBytes(c.tileRows)), stageBytes(weightBytes + tileBytes(c.tileTokens)),
      storedTokens(c.tileTokens > maxStoredTokens ? c.tileTokens / 2 : c.tileTokens), result(c.stages * stageBytes),
      full(result + c.tileRows / groupRows * tileBytes(storedTokens)), empty(full + 8 * c.stages),
      bytes(empty + 8 * c.stages) {}

int64_t ProjectionChoices::sharedBytes() const { return ProjectionLayout(*this).bytes; }

static int64_t stepsOf(const ProjectionDims &dims) { return llvm::divideCeil(dims.contracted, tileColumns); }
static int64_t rowTilesOf(const ProjectionShape &s) { return llvm::divideCeil(s.dims.rows, s.choices.tileRows); }
static bool storesFloat(const ProjectionShape &s) { return s.floatResult || s.choices.splits > 1; }

std::string ProjectionShape::name() const {
  auto text = [](int64_t value) { return std::to_string(value); };
  const ProjectionChoices &c = choices;
  return "projection_" + text(dims.heads) + "x" + text(dims.rows) + "x" + text(dims.contracted) + "_tile" +
         text(c.tileRows) + "x" + text(c.tileTokens) + "_stages" + text(c.stages) +
         (c.splits > 1 ? "_splits" + text(c.splits) : "") + (c.blocks > 1 ? "_blocks" + text(c.blocks) : "") +
         (c.streamed ? "_streamed" : "") + (floatResult ? "_f32" : "");
}

std::string ProjectionShape::sumName() const {
  return "projection_sum_" + std::to_string(dims.heads) + "x" + std::to_string(dims.rows) + "_splits" +
         std::to_string(choices.splits) + (floatResult ? "_f32" : "");
}

int64_t ProjectionShape::threads() const { return choices.tileRows / groupRows * 128 + 32; }
int64_t ProjectionShape::partialBytesPerToken() const { return 4 * choices.splits * dims.heads * dims.rows; }
SmallVector<int64_t> ProjectionShape::weightBox() const { return {tileColumns, choices.tileRows, 1}; }
SmallVector<int64_t> ProjectionShape::tokenBox() const { return {tileColumns, choices.tileTokens, 1}; }
SmallVector<int64_t> ProjectionShape::resultBox() const {
  return {tileColumns, ProjectionLayout(choices).storedTokens, 1};
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

namespace {
/// A place in the ring, and the parity of the stage's barriers (0 or 1).
struct Ring {
  Val stage, parity;
};

/// A tile of y, and the stages of k that are summed for it.
struct Tile {
  Val row, token, head, split, firstStep, steps;
};

class Projection {
public:
  Projection(mlir::gpu::GPUModuleOp module, const ProjectionShape &shape)
      : s(shape), c(shape.choices), at(shape.choices), k(module, shape.name(), shape.threads(), c.blocks == 1) {}
  void emit();

private:
  void prepareBarriers();
  Val full(Val stage) { return k.shared(at.full, stage * 8); }
  Val empty(Val stage) { return k.shared(at.empty, stage * 8); }
  Ring next(Ring ring);
  void placeInBand(Tile &tile, Val number);
  void placeInOrder(Tile &tile, Val number);
  Tile tileAt(Val number);
  Vals forEachTile(llvm::ArrayRef<Val> state, llvm::function_ref<Vals(const Tile &, llvm::ArrayRef<Val>)> body);

  void copy();
  Val copyWeightsAhead();
  void copyWeights(const Tile &tile, Val step, Val stage);
  void copyTokens(const Tile &tile, Val step, Val stage);

  void multiplyAndStore(Val group);
  Vals multiplyStage(llvm::ArrayRef<Val> sums, Val stage, Val group);
  void storeRounded(const Tile &tile, llvm::ArrayRef<Val> sums, Val group);
  void storeSums(const Tile &tile, llvm::ArrayRef<Val> sums, Val group);

  const ProjectionShape &s;
  const ProjectionChoices &c;
  ProjectionLayout at;
  KernelBuilder k;
  Val weightMap, tokenMap, result, tokens;
  Val tokenTiles, tiles;
};
} // namespace

void Projection::emit() {
  unsigned w = k.addTensorMap(), x = k.addTensorMap();
  unsigned y = storesFloat(s) ? k.addPointer() : k.addTensorMap(), count = k.addInt();
  k.begin();
  if (c.blocks > 1)
    k.function()->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), k.getI32IntegerAttr(c.blocks));
  weightMap = k.argument(w);
  tokenMap = k.argument(x);
  result = k.argument(y);
  tokens = k.argument(count);
  tokenTiles = ceilDiv(tokens, c.tileTokens);
  tiles = tokenTiles * (rowTilesOf(s) * s.dims.heads * c.splits);

  // Known to be uniform in a warp: values that depend on it stay in uniform registers.
  Val group = k.shuffle(k.thread() >> 7, k.i32(0));
  prepareBarriers();
  k.when(
      group == c.tileRows / groupRows, [&] { k.when((k.thread() & 31) == 0, [&] { copy(); }); },
      [&] { multiplyAndStore(group); });
  k.finish();
}

void Projection::prepareBarriers() {
  k.when(k.thread() == 0, [&] {
    for (int64_t i = 0; i < c.stages; ++i) {
      initBarrier(k, k.shared(at.full + 8 * i), 1);
      initBarrier(k, k.shared(at.empty + 8 * i), c.tileRows / groupRows);
    }
    fenceBarrierInit(k);
  });
  k.syncBlock();
}

Ring Projection::next(Ring ring) {
  Val stage = ring.stage + 1, wraps = stage == c.stages;
  return {select(wraps, k.i32(0), stage), ring.parity ^ k.toInt(wraps, k.i32Type())};
}

/// With one head: parts of k, then bands of tiles of tokens; in a band, tiles of tokens are innermost, so that
/// concurrent CTAs read few rows and few tokens.
void Projection::placeInBand(Tile &tile, Val number) {
  int64_t rowTiles = rowTilesOf(s);
  Val inPart = number;
  tile.split = tile.head = k.i32(0);
  if (c.splits > 1) {
    Val tilesOfPart = max(tokenTiles, k.i32(1)) * rowTiles;
    tile.split = number / tilesOfPart;
    inPart = number - tile.split * tilesOfPart;
  }
  Val band = inPart / (bandTiles * rowTiles), inBand = inPart - band * (bandTiles * rowTiles);
  Val height = max(min(tokenTiles - band * bandTiles, k.i32(bandTiles)), k.i32(1));
  Val rowTile = inBand / height;
  tile.row = rowTile * c.tileRows;
  tile.token = (band * bandTiles + (inBand - rowTile * height)) * c.tileTokens;
}

/// With many heads: tiles of tokens, then parts of k, then heads, then rows, in memory order: neighbours write whole
/// rows of y, and the weights of all heads are small.
void Projection::placeInOrder(Tile &tile, Val number) {
  int64_t rowTiles = rowTilesOf(s), headTiles = rowTiles * s.dims.heads, allTiles = headTiles * c.splits;
  Val tokenTile = number / allTiles, rest = number % allTiles;
  tile.token = tokenTile * c.tileTokens;
  tile.split = rest / headTiles;
  tile.head = rest % headTiles / rowTiles;
  tile.row = rest % rowTiles * c.tileRows;
}

Tile Projection::tileAt(Val number) {
  int64_t allSteps = stepsOf(s.dims), partSteps = llvm::divideCeil(allSteps, c.splits);
  Tile tile{};
  if (s.dims.heads == 1)
    placeInBand(tile, number);
  else
    placeInOrder(tile, number);
  tile.firstStep = tile.split * partSteps;
  tile.steps = min(k.i32(allSteps) - tile.firstStep, k.i32(partSteps));
  return tile;
}

Vals Projection::forEachTile(llvm::ArrayRef<Val> state,
                             llvm::function_ref<Vals(const Tile &, llvm::ArrayRef<Val>)> body) {
  return k.loop(k.blockX(), tiles, k.gridX(), state,
                [&](Val number, llvm::ArrayRef<Val> state) { return body(tileAt(number), state); });
}

//===----------------------------------------------------------------------===//
// The copying warp: one thread
//===----------------------------------------------------------------------===//

/// Announces all bytes of a stage and copies the weights.
void Projection::copyWeights(const Tile &tile, Val step, Val stage) {
  expectBytes(k, full(stage), at.stageBytes);
  copyTile(k, k.shared(0, stage * at.stageBytes), weightMap, full(stage),
           {(tile.firstStep + step) * tileColumns, tile.row, tile.head},
           c.streamed ? CacheHint::EvictFirst : CacheHint::EvictNormal);
}

void Projection::copyTokens(const Tile &tile, Val step, Val stage) {
  copyTile(k, k.shared(at.weightBytes, stage * at.stageBytes), tokenMap, full(stage),
           {(tile.firstStep + step) * tileColumns, tile.token, tile.head},
           c.streamed ? CacheHint::EvictLast : CacheHint::EvictNormal);
}

/// Fills the empty stages with weights, which need no wait. Returns the number of stages.
Val Projection::copyWeightsAhead() {
  Vals state = k.loopWhile(
      {k.blockX(), k.i32(0)}, [&](llvm::ArrayRef<Val> state) { return (state[0] < tiles) & (state[1] < c.stages); },
      [&](llvm::ArrayRef<Val> state) -> Vals {
        Tile tile = tileAt(state[0]);
        Val steps = min(tile.steps, k.i32(c.stages) - state[1]);
        k.loop(k.i32(0), steps, k.i32(1), {}, [&](Val step, llvm::ArrayRef<Val>) -> Vals {
          copyWeights(tile, step, state[1] + step);
          return {};
        });
        return {state[0] + k.gridX(), state[1] + steps};
      });
  return state[1];
}

void Projection::copy() {
  prefetchTensorMap(k, weightMap);
  prefetchTensorMap(k, tokenMap);
  if (!storesFloat(s))
    prefetchTensorMap(k, result);

  Val ahead = copyWeightsAhead();
  waitForPredecessors(k);

  // The first wait for a stage is for the phase before its first, which counts as complete.
  forEachTile({k.i32(0), k.i32(0), k.i32(1)}, [&](const Tile &tile, llvm::ArrayRef<Val> state) {
    return k.loop(k.i32(0), tile.steps, k.i32(1), state, [&](Val step, llvm::ArrayRef<Val> state) -> Vals {
      Val copied = state[0];
      Ring ring{state[1], state[2]};
      k.when(copied >= ahead, [&] {
        waitBarrier(k, empty(ring.stage), ring.parity);
        copyWeights(tile, step, ring.stage);
      });
      copyTokens(tile, step, ring.stage);
      Ring after = next(ring);
      return {copied + 1, after.stage, after.parity};
    });
  });
}

//===----------------------------------------------------------------------===//
// The warpgroups that multiply
//===----------------------------------------------------------------------===//

/// Multiplies one stage: 64 rows of w and all tokens, 64 columns of k in steps of 16.
Vals Projection::multiplyStage(llvm::ArrayRef<Val> sums, Val stage, Val group) {
  Vals results(sums);
  Val moved = k.extend(stage * (at.stageBytes >> 4));
  Val a = moved + k.extend(group * (tileBytes(groupRows) >> 4)) + k.i64(kMajorDescriptor(0));
  Val b = moved + k.i64(kMajorDescriptor(at.weightBytes));
  fenceProducts(k);
  for (int64_t step = 0; step < tileColumns / 16; ++step)
    results = multiply(k, a + step * kMajorStep, b + step * kMajorStep, results);
  commitProducts(k);
  return results;
}

void Projection::multiplyAndStore(Val group) {
  Val first = (k.thread() & 127) == 0; // of its warpgroup
  Vals zeros(accumulatorsOf(c.tileTokens), k.f32(0));
  forEachTile({k.i32(0), k.i32(0)}, [&](const Tile &tile, llvm::ArrayRef<Val> ringState) -> Vals {
    Vals state = k.loop(k.i32(0), tile.steps, k.i32(1), {k.pack(zeros), ringState[0], ringState[1], k.i32(0)},
                        [&](Val step, llvm::ArrayRef<Val> state) -> Vals {
                          Ring ring{state[1], state[2]};
                          waitBarrier(k, full(ring.stage), ring.parity);
                          Vals sums = multiplyStage(k.unpack(state[0]), ring.stage, group);
                          // The products of the stage before are done when only this one's are not.
                          waitProducts(k, 1);
                          k.when(first & (step > 0), [&] { arrive(k, empty(state[3])); });
                          Ring after = next(ring);
                          return {k.pack(sums), after.stage, after.parity, ring.stage};
                        });
    waitProducts(k, 0);
    k.when(first, [&] { arrive(k, empty(state[3])); });
    Vals sums = k.unpack(state[0]);
    if (storesFloat(s))
      storeSums(tile, sums, group);
    else
      storeRounded(tile, sums, group);
    return {state[1], state[2]};
  });
  if (!storesFloat(s))
    k.when(first, [&] { waitStoresRead(k); });
  launchDependents(k);
}

/// Stores the sums, which are a tile of y transposed: a warp has 16 columns n of all tokens. Transposed, a token is a
/// row of 128 bytes, and the warpgroup's 64 columns are a tile for TMA.
void Projection::storeRounded(const Tile &tile, llvm::ArrayRef<Val> sums, Val group) {
  Val thread = k.thread() & 127, warp = thread >> 5, lane = k.thread() & 31, barrier = group + 1;
  Val first = thread == 0;
  // storeMatrix: lanes 8m … 8m+7 have the addresses of the rows of matrix m; matrices are (tokens 0…7, n 0…7),
  // (tokens 0…7, n 8…15), (tokens 8…15, n 0…7), (tokens 8…15, n 8…15).
  Val row = (lane & 7) + ((lane >> 4) << 3), chunk = warp * 2 + ((lane >> 3) & 1);
  Val offset = (row << 7) + ((chunk ^ (row & 7)) << 4) + group * tileBytes(at.storedTokens);
  for (int64_t from = 0; from < c.tileTokens; from += at.storedTokens) {
    k.when(first, [&] { waitStoresRead(k); });
    k.syncNamed(barrier, 128);
    for (int64_t token = 0; token < at.storedTokens; token += 16) {
      Vals fragment;
      for (int64_t i = 0; i < 4; ++i) {
        int64_t index = (from + token) / 2 + 2 * i;
        fragment.push_back(packBF16(sums[index], sums[index + 1]));
      }
      storeMatrix(k, k.shared(at.result + tileBytes(token), offset), fragment, /*transposed=*/true);
    }
    fenceAsync(k);
    k.syncNamed(barrier, 128);
    k.when(first, [&] {
      storeTile(k, result, k.shared(at.result, group * tileBytes(at.storedTokens)),
                {tile.row + group * groupRows, tile.token + from, tile.head});
      commitStores(k);
    });
  }
}

/// Stores f32 directly from registers: eight lanes have 32 neighbouring bytes.
void Projection::storeSums(const Tile &tile, llvm::ArrayRef<Val> sums, Val group) {
  Val lane = k.thread() & 31, warp = (k.thread() & 127) >> 5;
  Val row = tile.row + group * groupRows + warp * 16 + (lane >> 2), token = tile.token + ((lane & 3) << 1);
  int64_t tokenBytes = 4 * s.dims.heads * s.dims.rows;
  Val line = k.extend(tile.split) * k.extend(tokens) + k.extend(token);
  Val to = k.at(k.at(result, line * tokenBytes), k.extend(tile.head * s.dims.rows + row) * 4);
  Val left = tokens - token, inFirst = row < s.dims.rows, inSecond = row + 8 < s.dims.rows;
  for (int64_t i = 0; i < c.tileTokens / 8; ++i)
    for (int64_t e : {0, 1})
      k.when(left > 8 * i + e, [&] {
        Val here = k.at(to, (8 * i + e) * tokenBytes);
        k.when(inFirst, [&] { k.store(sums[4 * i + e], here); });
        k.when(inSecond, [&] { k.store(sums[4 * i + 2 + e], k.at(here, 32)); });
      });
}

void mla::gpu::emitProjection(mlir::gpu::GPUModuleOp module, const ProjectionShape &shape) {
  if (!module.lookupSymbol(shape.name()))
    Projection(module, shape).emit();
}

//===----------------------------------------------------------------------===//
// The sum over parts of k
//===----------------------------------------------------------------------===//

void mla::gpu::emitProjectionSum(mlir::gpu::GPUModuleOp module, const ProjectionShape &shape) {
  if (module.lookupSymbol(shape.sumName()))
    return;
  KernelBuilder k(module, shape.sumName(), projectionSumThreads, /*oneBlock=*/false);
  unsigned partials = k.addPointer(), y = k.addPointer();
  unsigned tokens = k.addInt(), tokenStride = k.addInt(), headStride = k.addInt();
  k.begin();
  Element element = shape.floatResult ? Element::F32 : Element::BF16;
  int64_t units = shape.dims.heads * shape.dims.rows / projectionSumWidth;
  Val unit = k.blockX() * projectionSumThreads + k.thread();
  launchDependents(k);
  waitForPredecessors(k);
  k.when(unit < k.argument(tokens) * units, [&] {
    Val from = elementAt(k, k.argument(partials), unit * projectionSumWidth, Element::F32);
    Val partBytes = k.extend(k.argument(tokens)) * (4 * shape.dims.heads * shape.dims.rows);
    llvm::SmallVector<Vals> parts;
    for (int64_t i = 0; i < shape.choices.splits; ++i)
      parts.push_back(loadElements(k, k.at(from, partBytes * i), projectionSumWidth, Element::F32));
    Vals sums = parts.front();
    for (const Vals &part : llvm::drop_begin(parts))
      for (int64_t i = 0; i < projectionSumWidth; ++i)
        sums[i] = sums[i] + part[i];
    Val token = unit / units, inToken = unit % units * projectionSumWidth;
    Val head = inToken / shape.dims.rows, row = inToken % shape.dims.rows;
    Val to = rowAt(k, k.argument(y), token, k.argument(tokenStride), element);
    storeElements(k, sums, elementAt(k, to, head * k.argument(headStride) + row, element), element);
  });
  k.finish();
}
