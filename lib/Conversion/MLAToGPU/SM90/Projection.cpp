//===- Projection.cpp - Products of tokens with weights -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows of the weight are on the tensor cores' M and tokens on N, so that few
// tokens waste nothing: a warpgroup multiplies 64 rows by all tokens of a tile.
// One warp copies; stages of 128 bytes of k form a ring:
//
//   copying warp:  wait empty[s] -> expect full[s] -> copy w and x
//   warpgroups:    wait full[s] -> products -> empty[s] when they are done
//
// Several warpgroups may multiply the same rows: they take stages in turn, and add
// their sums at the end of a tile.
//
// The ring continues from tile to tile: while a tile is stored, the next one's
// stages fill. Weights depend on no other kernel, so their first stages are
// copied before the predecessors are done.
//
// Elements beyond n, k, the tokens or the heads are zero when TMA reads them and
// dropped when it writes: no code for edges.
//
//===----------------------------------------------------------------------===//

#include "ProjectionKernel.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mla::gpu;

/// Tokens stored through shared memory at a time.
static constexpr int64_t maxStoredTokens = 128;
/// Tiles of tokens that are combined with a tile of rows. 132 concurrent CTAs then read about as many rows as tokens,
/// which is the minimum.
static constexpr int64_t bandTiles = 8;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

ProjectionLayout::ProjectionLayout(const ProjectionChoices &c, const ProjectionDims &dims)
    : weightBytes(tileBytes(c.tileRows)), tokenBytes(tileBytes(c.tileTokens)),
      stageBytes(weightBytes + dims.terms * tokenBytes),
      storedTokens(c.tokensOnM                      ? groupRows
                   : c.tileTokens > maxStoredTokens ? c.tileTokens / 2
                                                    : c.tileTokens),
      result(c.stages * stageBytes), scales(result + c.groups() * tileBytes(storedTokens)),
      groupBytes(4 * (c.tileTokens + c.tileRows)),
      scaleBytes(dims.isScaled() && !c.tokensOnM ? dims.stageColumns() / dims.group * groupBytes : 0),
      parts(scales + c.stages * scaleBytes), partBytes(128 * 4 * c.tileTokens / 2),
      ends(parts + (c.turns - 1) * c.groups() * partBytes), starts(dims.experts ? ends + 4 * (dims.experts + 1) : ends),
      full(dims.experts ? llvm::alignTo(starts + 4 * (dims.experts + 2), 8) : starts), empty(full + 8 * c.stages),
      bytes(empty + 8 * c.stages) {}

int64_t ProjectionChoices::sharedBytes(const ProjectionDims &dims) const { return ProjectionLayout(*this, dims).bytes; }

static int64_t rowTilesOf(const ProjectionShape &s) { return llvm::divideCeil(s.dims.rows, s.choices.tileRows); }
Stores mla::gpu::storesOf(const ProjectionShape &s) {
  if (s.floatResult || s.choices.splits > 1)
    return Stores::Float;
  return s.dims.gated || s.dims.experts ? Stores::Rows : Stores::Tiles;
}

std::string ProjectionShape::name() const {
  auto text = [](int64_t value) { return std::to_string(value); };
  const ProjectionChoices &c = choices;
  std::string scales = dims.isScaled() ? (dims.terms == 2 ? "_e4m3x2_" : "_e4m3_") + text(dims.group) + "_" +
                                             text(dims.blocks.rows) + "x" + text(dims.blocks.columns)
                                       : "";
  std::string border = dims.border ? "_border" + text(dims.border) : "";
  std::string kind = (dims.gated ? "gated_" : "") + std::string(dims.experts ? "experts_" : "projection_");
  return kind + text(dims.experts ? dims.experts : dims.heads) + "x" + text(dims.rows) + "x" + text(dims.contracted) +
         border + scales + (scattered ? "_scattered" : "") + "_tile" + text(c.tileRows) + "x" + text(c.tileTokens) +
         "_stages" + text(c.stages) + (c.splits > 1 ? "_splits" + text(c.splits) : "") +
         (c.blocks > 1 ? "_blocks" + text(c.blocks) : "") + (c.turns > 1 ? "_turns" + text(c.turns) : "") +
         (c.tokensOnM ? "_tokens_on_m" : "") + (c.streamed ? "_streamed" : "") + (c.early ? "_early" : "") +
         (floatResult ? "_f32" : "") + (append ? "_" + append->name() : "");
}

std::string ProjectionShape::sumName() const {
  return "projection_sum_" + std::to_string(dims.heads) + "x" + std::to_string(dims.rows) + "_splits" +
         std::to_string(choices.splits) + (floatResult ? "_f32" : "");
}

int64_t ProjectionShape::threads() const {
  // Whole warpgroups change their registers.
  return choices.multiplyingGroups() * 128 + (choices.movesRegisters() ? 128 : 32);
}
int64_t ProjectionShape::partialBytesPerToken() const { return 4 * choices.splits * dims.heads * dims.rows; }
// Of e4m3 too, elements of maps have two bytes: copies do not depend on the type.
SmallVector<int64_t> ProjectionShape::weightBox() const {
  if (dims.gated)
    return {tileColumns, gatedRows, 2, choices.tileRows / (2 * gatedRows), 1};
  return {tileColumns, choices.tileRows, 1};
}
SmallVector<int64_t> ProjectionShape::tokenBox() const { return {tileColumns, tokensOfBox(), 1}; }
int64_t ProjectionShape::tokensOfBox() const {
  constexpr int64_t part = 32;
  bool isParted = choices.streamed && stagePolicy().hasBoxes && choices.tileTokens % part == 0;
  return isParted ? part : choices.tileTokens;
}
SmallVector<int64_t> ProjectionShape::resultBox() const {
  return {tileColumns, ProjectionLayout(choices, dims).storedTokens, 1};
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

void Projection::emit() {
  unsigned w = k.addTensorMap(), second = s.dims.border ? k.addTensorMap() : w, x = k.addTensorMap();
  addScales();
  unsigned y = storesOf(s) == Stores::Tiles ? k.addTensorMap() : k.addPointer();
  unsigned firstOf = s.dims.experts ? k.addPointer() : y, orderOf = s.scattered ? k.addPointer() : y;
  unsigned count = k.addInt();
  std::optional<AppendArguments> append;
  if (s.append)
    append.emplace(k, *s.append);
  k.begin();
  if (c.blocks > 1)
    k.function()->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), k.getI32IntegerAttr(c.blocks));
  if (c.early)
    launchDependents(k);
  weightMap = k.argument(w);
  secondMap = k.argument(second);
  tokenMap = k.argument(x);
  readScales();
  result = k.argument(y);
  first = k.argument(firstOf);
  order = k.argument(orderOf);
  tokens = k.argument(count);
  blocks = append ? k.gridX() - countAppendBlocks(k, *s.append, *append) : k.gridX();
  if (append)
    k.when(
        k.blockX() < blocks, [&] { emitProduct(); },
        [&] { appendOrRotate(k, module, *s.append, *append, k.blockX() - blocks); });
  else
    emitProduct();
  k.finish();
}

void Projection::emitProduct() {
  // Known to be uniform in a warp: values that depend on it stay in uniform registers.
  Val group = k.shuffle(k.thread() >> 7, k.i32(0));
  prepareBarriers();
  if (s.dims.experts)
    findExperts();
  else
    tokenTiles = ceilDiv(tokens, c.tileTokens);
  tiles = tokenTiles * (rowTilesOf(s) * s.dims.heads * c.splits);
  k.when(
      group == c.multiplyingGroups(),
      [&] {
        if (c.movesRegisters())
          decreaseRegisters(k, ProjectionChoices::copyingRegisters);
        if (s.threads() % 128 == p.copyingLanes) // all threads that are left
          copy();
        else
          k.when((k.thread() & 127) < p.copyingLanes, [&] { copy(); });
      },
      [&] {
        if (c.movesRegisters())
          increaseRegisters(k, c.multiplyingRegisters());
        if (c.tokensOnM)
          waitForPredecessors(k); // whose scales are read
        int64_t groups = c.groups();
        multiplyAndStore(c.turns > 1 ? Group{group % groups, group / groups} : Group{group, k.i32(0)});
      });
}

void Projection::prepareBarriers() {
  k.when(k.thread() == 0, [&] {
    for (int64_t i = 0; i < c.stages; ++i) {
      initBarrier(k, k.shared(at.full + 8 * i), p.fillers);
      initBarrier(k, k.shared(at.empty + 8 * i), c.groups() * p.emptiers);
    }
    fenceBarrierInit(k);
  });
  k.syncBlock();
}

Ring Projection::next(Ring ring, int64_t distance) {
  Val stage = ring.stage + distance, wraps = stage >= c.stages;
  return {select(wraps, stage - c.stages, stage), ring.parity ^ k.toInt(wraps, k.i32Type())};
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
  int64_t allSteps = s.dims.steps(), partSteps = llvm::divideCeil(allSteps, c.splits);
  Tile tile{};
  tile.end = tokens;
  if (s.dims.experts)
    placeInExpert(tile, number);
  else if (s.dims.heads == 1)
    placeInBand(tile, number);
  else
    placeInOrder(tile, number);
  tile.firstStep = tile.split * partSteps;
  tile.steps = min(k.i32(allSteps) - tile.firstStep, k.i32(partSteps));
  return tile;
}

Vals Projection::forEachTile(llvm::ArrayRef<Val> state,
                             llvm::function_ref<Vals(const Tile &, llvm::ArrayRef<Val>)> body) {
  return k.loop(k.blockX(), tiles, blocks, state,
                [&](Val number, llvm::ArrayRef<Val> state) { return body(tileAt(number), state); });
}

//===----------------------------------------------------------------------===//
// The copying warp
//===----------------------------------------------------------------------===//

/// Runs `body` in the thread that copies tiles.
void Projection::whenFirst(KernelBuilder::Body body) {
  if (p.copyingLanes > 1)
    k.when((k.thread() & 31) == 0, body);
  else // the only one
    body();
}

/// Calls `body` with the first token of each box of the tile that has tokens.
void Projection::forEachBox(const Tile &tile, llvm::function_ref<void(int64_t first)> body) {
  body(0);
  for (int64_t first = s.tokensOfBox(); first < c.tileTokens; first += s.tokensOfBox())
    k.when(tile.token + first < tile.end, [&] { body(first); });
}

/// Returns the bytes of a stage: boxes without tokens are not copied, and what is in their place is not stored.
Val Projection::bytesOf(const Tile &tile) {
  int64_t boxes = c.tileTokens / s.tokensOfBox();
  Val copied = min(ceilDiv(tile.end - tile.token, s.tokensOfBox()), k.i32(boxes));
  return copied * (s.dims.terms * tileBytes(s.tokensOfBox())) + at.weightBytes;
}

/// Announces all bytes of a stage and copies the weights.
void Projection::copyWeights(const Tile &tile, Val step, Val stage) {
  whenFirst([&] {
    if (s.tokensOfBox() == c.tileTokens)
      expectBytes(k, full(stage), at.stageBytes);
    else
      expectBytes(k, full(stage), bytesOf(tile), Val());
    auto copy = [&](Val map, Val row) {
      Val column = (tile.firstStep + step) * tileColumns;
      Vals place = {column, row, tile.head};
      if (s.dims.gated)
        place = {column, k.i32(0), k.i32(0), row / (2 * gatedRows), tile.head};
      copyTile(k, k.shared(0, stage * at.stageBytes), map, full(stage), place,
               c.streamed ? CacheHint::EvictFirst : CacheHint::EvictNormal);
    };
    if (!s.dims.border)
      copy(weightMap, tile.row);
    else
      k.when(
          tile.row < s.dims.border, [&] { copy(weightMap, tile.row); },
          [&] { copy(secondMap, tile.row - s.dims.border); });
  });
}

void Projection::copyTokens(const Tile &tile, Val step, Val stage) {
  whenFirst([&] {
    forEachBox(tile, [&](int64_t first) {
      for (int64_t term = 0; term < s.dims.terms; ++term)
        copyTile(k, k.shared(at.weightBytes + term * at.tokenBytes + tileBytes(first), stage * at.stageBytes), tokenMap,
                 full(stage),
                 {(tile.firstStep + step) * tileColumns, tile.token + first,
                  s.dims.experts ? k.i32(term) : tile.head + term * s.dims.heads},
                 c.streamed ? CacheHint::EvictLast : CacheHint::EvictNormal);
    });
  });
  copyScales(tile, step, stage);
}

/// Fills the empty stages with weights, which need no wait, unless tokens choose them. Returns the number of stages.
Val Projection::copyWeightsAhead() {
  if (s.dims.experts)
    return k.i32(0);
  Vals state = k.loopWhile(
      {k.blockX(), k.i32(0)}, [&](llvm::ArrayRef<Val> state) { return (state[0] < tiles) & (state[1] < c.stages); },
      [&](llvm::ArrayRef<Val> state) -> Vals {
        Tile tile = tileAt(state[0]);
        Val steps = min(tile.steps, k.i32(c.stages) - state[1]);
        k.loop(k.i32(0), steps, k.i32(1), {}, [&](Val step, llvm::ArrayRef<Val>) -> Vals {
          copyWeights(tile, step, state[1] + step);
          return {};
        });
        return {state[0] + blocks, state[1] + steps};
      });
  return state[1];
}

void Projection::copy() {
  whenFirst([&] {
    prefetchTensorMap(k, weightMap);
    if (s.dims.border)
      prefetchTensorMap(k, secondMap);
    prefetchTensorMap(k, tokenMap);
    if (storesOf(s) == Stores::Tiles)
      prefetchTensorMap(k, result);
  });

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

/// Adds the sums of the other turns to those of the first.
Vals Projection::addTurns(llvm::ArrayRef<Val> sums, const Group &group) {
  int64_t threads = c.turns * 128, groups = c.groups();
  constexpr int64_t firstBarrier = 3; // those before are of stores
  auto partOf = [&](Val turn) {
    return k.shared(at.parts, ((turn - 1) * groups + group.rows) * at.partBytes + ((k.thread() & 127) << 2));
  };
  auto word = [&](Val part, size_t i) { return k.at(part, static_cast<int64_t>(i) * 128 * 4); };
  k.when(group.turn > 0, [&] {
    Val to = partOf(group.turn);
    for (auto [i, sum] : llvm::enumerate(sums))
      k.store(sum, word(to, i), 4);
  });
  k.syncNamed(group.rows + firstBarrier, threads);
  Vals total = k.choose(
      group.turn == 0,
      [&] {
        Vals all(sums);
        for (int64_t turn = 1; turn < c.turns; ++turn)
          for (auto [i, sum] : llvm::enumerate(all))
            sum = sum + k.load(word(partOf(k.i32(turn)), i), k.f32Type(), 4);
        return all;
      },
      [&] { return Vals(sums); });
  // Before the next tile's sums are stored there.
  k.syncNamed(group.rows + (firstBarrier + 2), threads);
  return total;
}

/// Warpgroups of several turns have every turns-th place of the ring; `ahead` counts the stages of the tiles before,
/// modulo turns.
void Projection::multiplyAndStore(const Group &group) {
  forEachTile({group.turn, k.i32(0), k.i32(0)}, [&](const Tile &tile, llvm::ArrayRef<Val> state) -> Vals {
    Ring ring{state[0], state[1]};
    Val ahead = state[2], steps = tile.steps;
    if (c.turns > 1) {
      Val first = (group.turn + c.turns - ahead) % c.turns;
      steps = ceilDiv(max(steps - first, k.i32(0)), c.turns);
      ahead = (ahead + tile.steps) % c.turns;
    }
    auto [sums, after] = sumTile(tile, steps, ring, group.rows);
    if (c.turns > 1) {
      Vals all = addTurns(sums, group);
      k.when(group.turn == 0, [&] { store(tile, all, group.rows); });
    } else {
      store(tile, sums, group.rows);
    }
    return {after.stage, after.parity, ahead};
  });
  if (storesOf(s) == Stores::Tiles)
    k.when((k.thread() & 127) == 0, [&] { waitStoresRead(k); });
  if (!c.early)
    launchDependents(k);
}

void mla::gpu::emitProjection(mlir::gpu::GPUModuleOp module, const ProjectionShape &shape) {
  if (!module.lookupSymbol(shape.name()))
    (shape.dims.isScaled() ? createScaledProjection(module, shape) : createPlainProjection(module, shape))->emit();
}
