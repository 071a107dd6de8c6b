//===- ProjectionKernel.h - The code of a projection ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The class is shared by Projection.cpp (copies and products of bf16),
// ScaledProducts.cpp (scales and products of e4m3) and ProjectionStores.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_PROJECTIONKERNEL_H
#define MLA_CONVERSION_MLATOGPU_SM90_PROJECTIONKERNEL_H

#include "Projection.h"

namespace mla::gpu {

/// Rows per warpgroup.
inline constexpr int64_t groupRows = 64;

/// A place in the ring, and the parity of the stage's barriers (0 or 1).
struct Ring {
  Val stage, parity;
};

/// A warpgroup that multiplies: its 64 rows of the tile, and its turn.
struct Group {
  Val rows, turn;
};

/// A tile of y, and the stages of k that are summed for it.
struct Tile {
  Val row, token, head, split, firstStep, steps;
};

/// Return whether the product stores f32 from registers.
bool storesFloat(const ProjectionShape &shape);

class Projection {
public:
  Projection(mlir::gpu::GPUModuleOp module, const ProjectionShape &shape)
      : s(shape), c(shape.choices), at(shape.choices, shape.dims),
        k(module, shape.name(), shape.threads(), c.blocks == 1) {}
  void emit();

private:
  int64_t groupsOfStage() const { return s.dims.stageColumns() / s.dims.group; }

  void prepareBarriers();
  Val full(Val stage) { return k.shared(at.full, stage * 8); }
  Val empty(Val stage) { return k.shared(at.empty, stage * 8); }
  /// The place `distance` stages further.
  Ring next(Ring ring, int64_t distance = 1);
  void placeInBand(Tile &tile, Val number);
  void placeInOrder(Tile &tile, Val number);
  Tile tileAt(Val number);
  Vals forEachTile(llvm::ArrayRef<Val> state, llvm::function_ref<Vals(const Tile &, llvm::ArrayRef<Val>)> body);

  // The copying warp: one thread copies tiles, all copy scales.
  void whenFirst(KernelBuilder::Body body);
  void copy();
  Val copyWeightsAhead();
  void forEachBox(const Tile &tile, llvm::function_ref<void(int64_t first)> body);
  Val bytesOf(const Tile &tile);
  void copyWeights(const Tile &tile, Val step, Val stage);
  void copyTokens(const Tile &tile, Val step, Val stage);
  void copyScales(const Tile &tile, Val step, Val stage);

  // The warpgroups that multiply. Sums return the accumulators and the next stage of the ring.
  void multiplyAndStore(const Group &group);
  Vals multiplyStage(llvm::ArrayRef<Val> sums, Val stage, Val group);
  std::pair<Vals, Ring> sumTile(Val steps, Ring ring, Val group);
  std::pair<Vals, Ring> sumScaledTile(Val steps, Ring ring, Val group);
  /// Scales of a group of columns: of this thread's two rows, and of its tokens, two to a vector.
  struct Scales {
    Vals rows, tokens;
  };
  Vals multiplyGroup(Val stage, Val group, int64_t columns);
  Scales loadScales(Val stage, Val group, int64_t columns);
  Vals addScaled(llvm::ArrayRef<Val> sums, llvm::ArrayRef<Val> products, const Scales &scales);
  Vals addTurns(llvm::ArrayRef<Val> sums, const Group &group);
  void storeRounded(const Tile &tile, llvm::ArrayRef<Val> sums, Val group);
  void storeSums(const Tile &tile, llvm::ArrayRef<Val> sums, Val group);

  const ProjectionShape &s;
  const ProjectionChoices &c;
  ProjectionLayout at;
  KernelBuilder k;
  Val weightMap, tokenMap, weightScales, tokenScales, result, tokens;
  Val tokenTiles, tiles;
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_PROJECTIONKERNEL_H
