//===- Target.cpp - The target h100 -----------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Target.h"
#include "Kinds.h"
#include "mla/launch_abi.h"

using namespace mla;
using namespace mla::gpu;

/// The oldest PTX with every instruction used: a newer one would exclude older drivers.
static constexpr const char *features = "+ptx86";

std::unique_ptr<KernelTarget> mla::gpu::createSM90Target() {
  const schema::GpuTargetRow &row = schema::rowOf(schema::GpuTarget::H100);
  auto target = std::make_unique<KernelTarget>(TargetInfo{row.name, row.isa, features, /*multiprocessors=*/132});
  // A kind that takes several operations is in front of those that take one of them.
  for (auto create : {createProjectionKind,     createGatedKind,  createRoutedKind,    createSortKind,
                      createGroupedKind,        createMixKind,    createNormalizeKind, createQuantizeKind,
                      createRopeKind,           createAppendKind, createGatherKind,    createLatentAttentionKind,
                      createNaiveAttentionKind, createEmbedKind,  createSumKind,       createSwigluKind,
                      createGateKind,           createPassKind,   createJoinKind,      createRouterKind,
                      createRouteKind,          createAdaptKind,  createReduceKind})
    target->add(create());
  return target;
}
