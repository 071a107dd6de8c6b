//===- ScheduleDefaults.cpp - Choices where nobody asks ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The numbers, and nothing else. Kinds that are not here have no choices.
//
//===----------------------------------------------------------------------===//

#include "ScheduleDefaults.h"
#include "mla/Conversion/MLAToGPU/ProjectionChoices.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

using Choices = SmallVector<std::pair<StringRef, int64_t>>;

static constexpr int64_t processors = 132;

static ProjectionDims dimsOf(ProjectOp op) {
  ArrayRef<int64_t> result = op.getResult().getType().getShape();
  ProjectionDims dims;
  dims.heads = op.getHeads() == Heads::Per ? result[1] : 1;
  dims.rows = op.getHeads() == Heads::To ? result[1] * result[2] : result.back();
  dims.contracted = op.getContractedSize();
  return dims;
}

static Choices projection(KernelOp kernel, int64_t tokens) {
  auto ops = kernel.getBody().getOps<ProjectOp>();
  if (ops.empty())
    return {};
  ProjectionChoices best = chooseProjection(dimsOf(*ops.begin()), tokens, processors);
  return {
      {"tokens", best.tileTokens}, // of a tile
      {"rows", best.tileRows},     // of the weight, of a tile
      {"stages", best.stages},     // steps of 64 columns on their way
      {"splits", best.splits},     // parts of the columns
      {"blocks", best.blocks},     // of threads, on a multiprocessor
      {"streamed", best.streamed}, // weights leave the cache to the tokens
  };
}

static Choices latentAttention(bool batchInvariant) {
  constexpr int64_t fixedBlocks = 32;
  return {
      {"overhead", 5},                                    // what a split costs, in blocks of 64 tokens
      {"min_blocks", 2},                                  // of a split
      {"fixed_blocks", batchInvariant ? fixedBlocks : 0}, // of every split; 0: balanced over the batch
  };
}

ScheduleAttr mla::defaultSchedule(KernelOp kernel, const Purpose &purpose) {
  Choices choices;
  if (kernel.getKind() == KernelKind::Projection)
    choices = projection(kernel, purpose.tokens);
  if (kernel.getKind() == KernelKind::LatentAttention)
    choices = latentAttention(purpose.batchInvariant);
  return ScheduleAttr::get(kernel.getContext(), kernel.getKind(), choices);
}
