//===- PlainProducts.cpp - Products of bf16 -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of one stage run while those of the stage before end, which is then
// empty:
//
//   wait full[s] -> 4 products -> (all but these done) -> empty[s - 1]
//
//===----------------------------------------------------------------------===//

#include "ProjectionKernel.h"

using namespace mla::gpu;

namespace {
class PlainProjection : public Projection {
public:
  using Projection::Projection;

private:
  std::pair<Vals, Ring> sumTile(const Tile &tile, Val steps, Ring ring, Val group) override;
  Vals multiplyStage(llvm::ArrayRef<Val> sums, Val stage, Val group);
};
} // namespace

/// Multiplies one stage: 64 rows of w and all tokens, 64 columns of k in steps of 16.
Vals PlainProjection::multiplyStage(llvm::ArrayRef<Val> sums, Val stage, Val group) {
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

std::pair<Vals, Ring> PlainProjection::sumTile(const Tile &tile, Val steps, Ring from, Val group) {
  Val first = (k.thread() & 127) == 0; // of its warpgroup
  Vals zeros(accumulatorsOf(c.tileTokens), k.f32(0));
  Vals state = k.loop(k.i32(0), steps, k.i32(1), {k.pack(zeros), from.stage, from.parity, k.i32(0)},
                      [&](Val step, llvm::ArrayRef<Val> state) -> Vals {
                        Ring ring{state[1], state[2]};
                        waitBarrier(k, full(ring.stage), ring.parity);
                        Vals sums = multiplyStage(k.unpack(state[0]), ring.stage, group);
                        // The products of the stage before are done when only this one's are not.
                        waitProducts(k, 1);
                        k.when(first & (step > 0), [&] { arrive(k, empty(state[3])); });
                        Ring after = next(ring, c.turns);
                        return {k.pack(sums), after.stage, after.parity, ring.stage};
                      });
  waitProducts(k, 0);
  k.when(c.turns > 1 ? first & (steps > 0) : first, [&] { arrive(k, empty(state[3])); });
  return {k.unpack(state[0]), {state[1], state[2]}};
}

std::unique_ptr<Projection> mla::gpu::createPlainProjection(mlir::gpu::GPUModuleOp module,
                                                            const ProjectionShape &shape) {
  return std::make_unique<PlainProjection>(module, shape);
}
