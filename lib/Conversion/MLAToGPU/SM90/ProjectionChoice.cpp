//===- ProjectionChoice.cpp - Tiles, stages and splits of a product -------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Chooses the least predicted time. A product is bound by the longest of:
// reading weights and tokens from memory and writing the result; on the SM with
// the most tiles (waves), reading tiles of both operands, since each tile of y
// reads its rows and its tokens anew; and the tensor cores. Splits of k give idle
// SMs work and cost a second kernel and a round trip of their sums through the
// cache.
//
//===----------------------------------------------------------------------===//

#include "Projection.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

using namespace mla::gpu;

/// Shared memory of an SM; a CTA takes 1 KB more than requested, and may have at most 227 KB.
static constexpr int64_t processorShared = 233472, blockOverhead = 1024;
/// Bytes that an SM should have in flight: at 3 TB/s and a loaded latency of a microsecond, 23 KB would be enough if
/// they arrived evenly.
static constexpr int64_t wantedInFlight = 96 * 1024;
static constexpr int64_t maxStages = 12;
/// Up to so many tokens, tiles of 64 rows and so many tokens are best: the copy engine fills a tile with zeros no
/// faster than with tokens.
static constexpr int64_t fewTokens = 16;
/// Tokens of a tile of one expert at most: an expert's last tile is half empty on average (measured,
/// docs/performance.md).
static constexpr int64_t mostOfExpert = 160;
static constexpr int64_t tokenTiles[] = {16, 32, 64, 96, 128, 160, 192, 224, 256};

/// Parts have equal numbers of steps, and the last one the rest.
static bool hasEmptyPart(const ProjectionDims &dims, int64_t splits) {
  int64_t steps = dims.steps();
  int64_t partSteps = llvm::divideCeil(steps, splits);
  return partSteps * (splits - 1) >= steps;
}

int64_t ProjectionChoices::multiplyingRegisters() const {
  constexpr int64_t ofProcessor = 512, granule = 8; // of a thread of each of an SM's warpgroups together
  int64_t own = groups(), all = llvm::alignDown(ofProcessor / (own + 1), granule) * (own + 1);
  return llvm::alignDown((all - copyingRegisters) / own, granule);
}

/// Returns whether one CTA's sums of tokens on M, and the products of 64 tokens, fit into the registers of the
/// warpgroups that multiply, to which the copying one leaves its own.
static bool haveRegistersOnM(const ProjectionChoices &c) {
  constexpr int64_t others = 30, mostOfThread = 255;
  int64_t ofThread = std::min(c.movesRegisters() ? c.multiplyingRegisters() : mostOfThread, mostOfThread);
  return c.blocks == 1 && (c.waves() + c.productSets()) * c.tileRows / 2 + others <= ofThread;
}

/// Returns whether the accumulators of all CTAs of an SM fit into registers: its four parts have 16384 each, and a
/// thread needs 26 more (as ptxas reports), and for e4m3 others for the products of a group, and 8 for scales.
static bool haveRegisters(const ProjectionChoices &c, const ProjectionDims &dims) {
  if (c.tokensOnM)
    return haveRegistersOnM(c);
  constexpr int64_t parts = 4, registersOfPart = 16384, lanes = 32, granule = 8, mostOfThread = 255;
  int64_t others = dims.isScaled() ? 34 + c.tileTokens / 2 : 26;
  int64_t warps = c.blocks * (c.multiplyingGroups() * 4 + 1);
  int64_t ofThread = registersOfPart / (llvm::divideCeil(warps, parts) * lanes) / granule * granule;
  return c.tileTokens / 2 + others <= std::min(ofThread, mostOfThread);
}

static bool mayBeDirect(const ProjectionDims &dims) {
  return !dims.isScaled() && !dims.gated && !dims.experts && dims.contracted <= directWidth;
}

int64_t mla::gpu::directLanes(int64_t contracted) { return std::min<int64_t>(32, llvm::PowerOf2Ceil(contracted / 8)); }

bool mla::gpu::shouldBeDirect(const ProjectionDims &dims, int64_t processors) {
  constexpr int64_t registerBytes = 128 * 1024, threadsOfProcessor = 2048; // half of an SM's registers
  int64_t rows = dims.heads * dims.rows, threads = rows * directLanes(dims.contracted);
  return mayBeDirect(dims) && rows * dims.contracted * dims.elementBytes() <= processors * registerBytes &&
         threads <= processors * threadsOfProcessor;
}

/// Returns whether tokens may be on M: a stage has one scale of a token, and few of the rows of a tile.
static bool mayHaveTokensOnM(const ProjectionDims &dims, int64_t tileRows) {
  if (!dims.isScaled() || dims.group != dims.stageColumns() || dims.blocks.rows == 0)
    return false;
  int64_t part = dims.gated ? tileRows / 2 : 64;
  bool knownTile = tileRows <= 128 || (!dims.gated && dims.border % tileRows == 0);
  return knownTile && (dims.blocks.rows % part == 0 || dims.blocks.rows >= dims.rows / (dims.gated ? 2 : 1));
}

static bool isTileOnM(int64_t tileTokens) { return llvm::is_contained({64, 128, 192, 256}, tileTokens); }

bool ProjectionChoices::areValidFor(const ProjectionDims &dims) const {
  if (direct && !mayBeDirect(dims))
    return false;
  bool fitsOnM = mayHaveTokensOnM(dims, tileRows) && isTileOnM(tileTokens) && turns == 1 && !direct;
  if (tokensOnM && !fitsOnM)
    return false;
  bool knownRows = llvm::is_contained({64, 128}, tileRows) || (tokensOnM && tileRows == 192);
  bool knownTile = knownRows && llvm::is_contained(tokenTiles, tileTokens);
  // A warpgroup frees a stage when the products of its next one have started.
  bool mayBeSplit = splits == 1 || dims.maySplit();
  bool knownRing = turns >= 1 && stages % turns == 0 && stages >= 2 * turns;
  return knownTile && knownRing && mayBeSplit && blocks >= 1 && splits >= 1 && !hasEmptyPart(dims, splits) &&
         haveRegisters(*this, dims) && blocks * (sharedBytes(dims) + blockOverhead) <= processorShared;
}

namespace {
/// A tile, and derived numbers.
struct Candidate {
  Candidate(const ProjectionDims &dims, int64_t tokens, const ProjectionChoices &c)
      : tiles(llvm::divideCeil(dims.rows, c.tileRows) * llvm::divideCeil(tokens, c.tileTokens) * dims.heads * c.splits),
        steps(llvm::divideCeil(dims.steps(), c.splits)), stepBytes(tileBytes(c.tileRows + dims.terms * c.tileTokens)) {}
  int64_t tiles;
  int64_t steps, stepBytes; ///< of a tile
};
} // namespace

/// Return the cycles of a stage's products on an SM, and from stage to stage of a warpgroup.
static std::pair<double, double> cyclesOf(const ProjectionDims &dims, const ProjectionChoices &c,
                                          const ProjectionModel &m) {
  // Four products have 128 bytes of k. The sums of a group are multiplied by their scales: two operations each.
  double scaling = dims.isScaled() ? static_cast<double>(dims.stageColumns()) / dims.group * c.tileTokens : 0;
  double products = 4.0 * dims.terms * std::max(c.tileTokens / 2.0, m.leastProductTime);
  double product = products + scaling; // of 64 rows
  return {product * c.tileRows / 64, product + (dims.isScaled() ? m.scaledStageLatency : m.stageLatency)};
}

static std::pair<double, double> cyclesOnM(const ProjectionDims &dims, const ProjectionChoices &c,
                                           const ProjectionModel &m) {
  bool isAhead = c.productSets() > 1;
  double products = 4.0 * dims.terms * std::max(c.tileRows / 2.0, m.leastProductTime); // of 64 tokens
  return {(products + (isAhead ? m.betweenAhead : m.betweenInTurn)) * c.tileTokens / 64,
          c.waves() * (products + (isAhead ? m.stageLatency : m.scaledStageLatency))};
}

/// Return the cycles in which the copying warp copies the scales of a stage.
static double cyclesOfScales(const ProjectionDims &dims, const ProjectionChoices &c, const ProjectionModel &m) {
  if (!dims.isScaled() || c.tokensOnM)
    return 0;
  double groups = static_cast<double>(dims.stageColumns()) / dims.group;
  return m.copiedStage + m.copiedWords * groups * llvm::divideCeil(c.tileRows + c.tileTokens, 32);
}

double mla::gpu::predictProjection(const ProjectionDims &dims, int64_t tokens, int64_t processors,
                                   const ProjectionChoices &c, const ProjectionModel &m) {
  Candidate t(dims, tokens, c);
  double waves = llvm::divideCeil(t.tiles, processors);
  double operands = static_cast<double>(dims.contracted) * (dims.rows + dims.terms * tokens);
  double results = 2.0 * static_cast<double>(dims.resultRows()) * tokens;
  double memory = dims.heads * (dims.elementBytes() * operands + results) / m.memoryRate;
  // Of e4m3 only weights count: more would choose tiles whose sums leave registers.
  int64_t stageBytes = dims.isScaled() ? tileBytes(c.tileRows) : t.stepBytes;
  double inFlight = static_cast<double>(c.blocks * c.stages * stageBytes);
  if (c.stages < t.steps)
    memory *= std::max(1.0, wantedInFlight / inFlight);
  double intake = waves * t.steps * t.stepBytes / m.intakeRate;
  auto [product, latency] = c.tokensOnM ? cyclesOnM(dims, c, m) : cyclesOf(dims, c, m);
  double stores = m.storeLatency + static_cast<double>(c.tileRows) * c.tileTokens / m.storedPerCycle;
  // With several CTAs, one multiplies while another stores.
  double throughput = waves * (t.steps * product + stores / c.blocks);
  double tilesOfBlock = llvm::divideCeil(t.tiles, processors * c.blocks);
  double oneAfterOther = tilesOfBlock * (llvm::divideCeil(t.steps, c.turns) * latency + stores);
  double copying = waves * t.steps * cyclesOfScales(dims, c, m) / c.blocks;
  double arithmetic = std::max({throughput, oneAfterOther, copying}) / m.cycleRate;
  // Everything but the bound is hidden, except for a part.
  double time = std::max({memory, intake, arithmetic}) + m.shownPart * (intake + arithmetic);
  if (c.splits > 1)
    time += m.sumKernelTime + 8.0 * c.splits * dims.heads * dims.rows * tokens / m.sumRate;
  return time;
}

/// Chooses CTAs per SM, and stages: enough bytes in flight, and no more stages than steps.
static bool fitStages(ProjectionChoices &c, const ProjectionDims &dims, int64_t tokens, int64_t processors) {
  Candidate t(dims, tokens, c);
  int64_t waves = llvm::divideCeil(t.tiles, processors);
  for (c.blocks = std::min<int64_t>(waves, 3); c.blocks > 0; --c.blocks) {
    int64_t limit = processorShared / c.blocks - blockOverhead;
    auto fits = [&](int64_t stages) {
      c.stages = stages;
      return c.sharedBytes(dims) <= limit;
    };
    int64_t most = 0;
    while (most < maxStages && fits(most + 1))
      ++most;
    // A CTA's steps, over all of its tiles: additional stages would stay empty.
    int64_t steps = t.steps * llvm::divideCeil(t.tiles, processors * c.blocks);
    most = llvm::alignDown(most, c.turns);
    c.stages = std::max<int64_t>(2 * c.turns, std::min<int64_t>(most, llvm::alignTo(steps, c.turns)));
    bool enough = most >= 4 || most >= steps;
    if (most >= 2 * c.turns && haveRegisters(c, dims) && (enough || c.blocks == 1) &&
        (c.blocks == 1 || c.blocks * most * t.stepBytes >= wantedInFlight))
      return true;
  }
  return false;
}

/// Returns whether one more CTA fits on an SM.
static bool hasRoom(ProjectionChoices c, const ProjectionDims &dims) {
  ++c.blocks;
  return c.blocks * (c.sharedBytes(dims) + blockOverhead) <= processorShared && haveRegisters(c, dims);
}

void mla::gpu::leaveRoom(ProjectionChoices &choices, const ProjectionDims &dims) {
  constexpr int64_t leastStages = 4;
  for (ProjectionChoices c = choices; c.blocks > 0; --c.blocks)
    for (c.stages = choices.stages; c.stages >= std::max(leastStages, 2 * c.turns); c.stages -= c.turns)
      if (hasRoom(c, dims)) {
        choices = c;
        return;
      }
}

/// Calls `consider` with the tiles, parts and turns that are possible for these tokens.
static void forEachCandidate(const ProjectionDims &dims, int64_t tokens, int64_t processors,
                             llvm::function_ref<void(ProjectionChoices)> consider) {
  constexpr int64_t mostGroups = 3;
  const int64_t mostSplits = dims.maySplit() ? 32 : 1;
  bool areFew = tokens <= fewTokens;
  ProjectionChoices c;
  for (int64_t tileTokens : areFew ? llvm::ArrayRef(fewTokens) : llvm::ArrayRef(tokenTiles)) {
    // A step that reads each weight once would read it twice, unless there are SMs to spare. Two terms are bound by
    // products earlier.
    int64_t mostOnce = dims.terms > 1 ? 64 : 128;
    if (dims.experts && tileTokens > mostOfExpert)
      continue;
    bool readsTwice = tokens <= mostOnce && tileTokens < tokens && dims.heads * dims.rows / 64 >= processors / 2;
    if (readsTwice)
      continue;
    c.tileTokens = tileTokens;
    c.streamed = tokens <= tileTokens;
    auto considerSplits = [&] {
      for (c.splits = 1; c.splits <= std::min(dims.steps(), mostSplits); ++c.splits)
        if (!hasEmptyPart(dims, c.splits))
          consider(c);
    };
    for (c.tileRows = 64; c.tileRows <= (areFew ? 64 : 128); c.tileRows += 64)
      for (c.turns = 1; c.multiplyingGroups() <= mostGroups; ++c.turns)
        considerSplits();
    c.turns = 1;
    c.tokensOnM = true;
    for (c.tileRows = 64; c.tileRows <= 192 && !areFew; c.tileRows += 64)
      if (mayHaveTokensOnM(dims, c.tileRows) && isTileOnM(tileTokens))
        considerSplits();
    c.tokensOnM = false;
  }
}

/// Return what experts multiply, as heads: those that some token chooses, if each is as likely, and the tokens of one,
/// with some that it may have beyond the mean.
static std::pair<ProjectionDims, int64_t> loadOf(ProjectionDims dims, int64_t tokens) {
  if (!dims.experts)
    return {dims, tokens};
  double all = static_cast<double>(dims.experts), chosen = static_cast<double>(tokens) * dims.choices;
  double used = all * (1 - std::pow(1 - std::min(1.0, dims.choices / all), tokens)), mean = chosen / used;
  dims.heads = std::max<int64_t>(1, std::llround(used));
  return {dims, std::llround(std::ceil(mean + std::sqrt(mean) * (mean > 1)))};
}

ProjectionChoices mla::gpu::chooseProjection(const ProjectionDims &all, int64_t allTokens, int64_t processors) {
  auto [dims, tokens] = loadOf(all, allTokens);
  ProjectionChoices best;
  double least = std::numeric_limits<double>::infinity();
  forEachCandidate(dims, tokens, processors, [&, dims = dims, tokens = tokens](ProjectionChoices c) {
    if (!fitStages(c, dims, tokens, processors))
      return;
    // A slightly slower prediction with fewer splits and less code is as good.
    double time = predictProjection(dims, tokens, processors, c);
    if (time < 0.98 * least) {
      least = time;
      best = c;
    }
  });
  return best;
}

/// Return whether one of two choices is worse for the number of tokens that the other was made for. The model does not
/// know what tiles cost that are not full, which depends on their size and, unless they are small, on `streamed`.
static bool differ(const ProjectionDims &dims, int64_t processors, int64_t few, int64_t more) {
  constexpr double worthAKernel = 1.05;
  ProjectionChoices ofFew = chooseProjection(dims, few, processors), ofMore = chooseProjection(dims, more, processors);
  auto isWorse = [&](int64_t tokens, const ProjectionChoices &other, const ProjectionChoices &own) {
    auto [load, count] = loadOf(dims, tokens);
    return predictProjection(load, count, processors, other) >
           worthAKernel * predictProjection(load, count, processors, own);
  };
  return ofFew.tileTokens != ofMore.tileTokens || (ofFew.tileTokens > fewTokens && ofFew.streamed != ofMore.streamed) ||
         isWorse(few, ofMore, ofFew) || isWorse(more, ofFew, ofMore);
}

llvm::SmallVector<int64_t> mla::gpu::chooseProjectionLimits(const ProjectionDims &dims, int64_t processors) {
  constexpr int64_t tokens[] = {fewTokens, 64, 128, 256};
  llvm::SmallVector<int64_t> limits;
  for (auto [few, more] : llvm::zip(tokens, llvm::drop_begin(tokens)))
    if (differ(dims, processors, few, more))
      limits.push_back(few);
  return limits;
}
