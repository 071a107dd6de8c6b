//===- ProjectionSchedule.cpp - Schedules of projections ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProjectionSchedule.h"

#include "mla/Conversion/MLAToGPU/Views.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

/// Of a class with a limit; its kernels would take more.
static constexpr int64_t mostTokens = 1 << 20;

static constexpr ScheduleKey scheduleKeys[] = {
    {"tokens", 16, 256},      // of a tile
    {"rows", 64, 192},        // of the weight, of a tile
    {"stages", 2, 64},        // steps of 128 bytes of columns in flight
    {"blocks", 1, 16},        // CTAs per SM
    {"turns", 1, 3, 1},       // warpgroups per 64 rows, which multiply stages in turn
    {"streamed", 0, 1},       // weights leave L2 to the tokens
    {"direct", 0, 1, 0},      // of few tokens, by threads without tiles
    {"early", 0, 1, 0},       // dependents are launched when the product starts, and copy their weights
    {"appends", 0, 1, 0},     // in the product's launch, if the kernel appends
    {"tokens_on_m", 0, 1, 0}, // of the tensor cores, not rows of the weight
    // A class has a kernel of its own, for steps of up to so many tokens; 0: any number.
    {kLimitKey, 1, mostTokens, 0},
    {"splits", 1, 1024}, // parts of the columns
};

ArrayRef<ScheduleKey> mla::gpu::projectionKeys() { return scheduleKeys; }

/// Tokens of an expert, on average, up to which a tile of 16 has them, and up to which their weights bound the time.
static constexpr int64_t tokensOfOneTile = 8, tokensOfFewTiles = 40;

/// Return the tokens of a step in which an expert has so many, if each is as likely.
static int64_t tokensOfStep(const ProjectionDims &dims, int64_t ofExpert) {
  return std::max<int64_t>(1, ofExpert * dims.experts / dims.choices);
}

SmallVector<int64_t> mla::gpu::limitsOf(const ProjectionDims &dims, const Purpose &purpose, const TargetInfo &target) {
  constexpr int64_t fewTokens = 128;
  // Results of two kernels differ in the order of their sums.
  if (purpose.batchInvariant)
    return {};
  if (purpose.tokens <= fewTokens)
    return chooseProjectionLimits(dims, target.multiprocessors);
  if (!dims.experts)
    return {};
  return {tokensOfStep(dims, tokensOfOneTile), tokensOfStep(dims, tokensOfFewTiles)};
}

KernelKind::Choices mla::gpu::scheduleOf(const ProjectionDims &dims, const Purpose &purpose, const TargetInfo &target,
                                         bool appends) {
  // The last class of prefill has no bound: a tile is chosen for steps that are longer than the typical one.
  constexpr int64_t longer = 2;
  bool isLonger = dims.experts && purpose.tokens > tokensOfStep(dims, tokensOfFewTiles);
  int64_t tokens = isLonger ? longer * purpose.tokens : purpose.tokens;
  ProjectionChoices best = chooseProjection(dims, tokens, target.multiprocessors);
  // With few tokens a kernel is over before the next one could be launched at its end.
  constexpr int64_t fewTokens = 64;
  bool isEarly = purpose.tokens <= fewTokens;
  // CTAs with the product's shared memory are few per SM: those of many tokens would take turns.
  if (appends && isEarly)
    leaveRoom(best, dims);
  KernelKind::Choices choices = {{"tokens", best.tileTokens}, {"rows", best.tileRows}, {"stages", best.stages},
                                 {"blocks", best.blocks},     {"turns", best.turns},   {"streamed", best.streamed},
                                 {"early", isEarly}};
  if (dims.isScaled())
    choices.emplace_back("tokens_on_m", best.tokensOnM);
  if (dims.maySplit())
    choices.emplace_back("splits", best.splits);
  if (appends)
    choices.emplace_back("appends", isEarly);
  return choices;
}

/// Return the choices of a class of a complete schedule.
static ProjectionChoices choicesOf(ScheduleAttr schedule, size_t ofClass) {
  ProjectionChoices choices;
  choices.tileRows = schedule.get("rows", ofClass);
  choices.tileTokens = schedule.get("tokens", ofClass);
  choices.stages = schedule.get("stages", ofClass);
  choices.splits = schedule.find("splits", ofClass).value_or(1);
  choices.blocks = schedule.get("blocks", ofClass);
  choices.turns = schedule.find("turns", ofClass).value_or(1);
  choices.streamed = schedule.get("streamed", ofClass) != 0;
  choices.direct = schedule.find("direct", ofClass).value_or(0) != 0;
  choices.early = schedule.find("early", ofClass).value_or(0) != 0;
  choices.appends = schedule.find("appends", ofClass).value_or(0) != 0;
  choices.tokensOnM = schedule.find("tokens_on_m", ofClass).value_or(0) != 0;
  return choices;
}

LogicalResult mla::gpu::forEachClass(ScheduleAttr schedule, AffineExpr tokens, Launches &launches,
                                     llvm::function_ref<LogicalResult(const ProjectionChoices &, AffineExpr)> add) {
  AffineExpr one = getAffineConstantExpr(1, schedule.getContext()), inClassBefore = one - one;
  for (size_t i = 0; i < schedule.getClasses().size(); ++i) {
    std::optional<int64_t> limit = schedule.find(kLimitKey, i);
    AffineExpr isUpToHere = limit ? addClass(launches, tokens, *limit, mostTokens) : one;
    if (failed(add(choicesOf(schedule, i), isUpToHere - inClassBefore)))
      return failure();
    inClassBefore = isUpToHere;
  }
  return success();
}

LogicalResult mla::gpu::checkChoices(KernelOp kernel, const ProjectionShape &shape) {
  if (shape.choices.appends && kernel.getBody().getOps<AppendOp>().empty())
    return kernel.emitOpError("expected 'appends' of the schedule to be 0: the kernel appends nothing");
  if (shape.choices.areValidFor(shape.dims))
    return success();
  ProjectionChoices rowsOnM = shape.choices;
  rowsOnM.tokensOnM = false;
  if (rowsOnM.areValidFor(shape.dims))
    return kernel.emitOpError("has a schedule that a kernel can follow with tokens_on_m = 0, but not with 1");
  return kernel.emitOpError(
      "has a schedule that no kernel can follow: rows is 64 or 128, tokens 16 or a multiple of "
      "32 up to 256, of e4m3 up to 192, no part of k may be empty, stages must be a "
      "multiple of turns, at least twice as many, and must fit "
      "into 227 KB of shared memory; direct products are of bf16, of up to 8192 columns, and neither "
      "gated nor of experts; tokens on M are 64, 128, 192 or 256, by up to 192 rows, of e4m3 with a scale per 128 "
      "columns "
      "and 64 rows, or half a tile of gates and ups, in one turn and one CTA per SM");
}

Launch mla::gpu::launchOfProduct(const ProjectionShape &shape, AffineExpr tokens) {
  constexpr int64_t manyTokens = int64_t(1) << 30;
  MLIRContext *context = tokens.getContext();
  Launch product;
  product.kernel = shape.name();
  product.grid[0] = expressionOf(Size::Processors, context) * shape.choices.blocks * tokens.ceilDiv(manyTokens);
  product.grid[1] = product.grid[2] = getAffineConstantExpr(1, context);
  product.threads = shape.threads();
  product.sharedBytes = shape.choices.sharedBytes(shape.dims);
  return product;
}
