//===- ProjectionKernel.h - The code of a projection ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The class is shared by Projection.cpp (tiles, copies and turns) and
// ProjectionStores.cpp, and ProjectionExperts.cpp (tiles of experts). What depends on the elements is in classes
// derived from it, in PlainProducts.cpp (bf16), and ScaledProducts.cpp and TokensOnM.cpp (e4m3 with scales).
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_PROJECTIONKERNEL_H
#define MLA_CONVERSION_MLATOGPU_SM90_PROJECTIONKERNEL_H

#include "Projection.h"

#include <memory>

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

/// A tile of y, and the stages of k that are summed for it. `end`: the tokens that the tile may have end there.
struct Tile {
  Val row, token, end, head, split, firstStep, steps;
};

/// A part of a tile of y that a warpgroup stores at a time, up to 64 rows of w: its first token and row.
struct Piece {
  Val token, row;
  int64_t number; ///< among those of the warpgroup
};

/// How a product is stored: f32 from registers; bf16 by the copy engine, or by threads, row by row.
enum class Stores { Float, Tiles, Rows };
Stores storesOf(const ProjectionShape &shape);

class Projection {
public:
  Projection(mlir::gpu::GPUModuleOp module, const ProjectionShape &shape)
      : module(module), s(shape), c(shape.choices), p(shape.stagePolicy()), at(shape.choices, shape.dims),
        k(module, shape.name(), shape.threads(), c.blocks == 1) {}
  virtual ~Projection() = default;
  void emit();

protected:
  //===- What depends on the elements -------------------------------------===//

  /// Adds arguments between the maps and the result, and reads them.
  virtual void addScales() {}
  virtual void readScales() {}
  /// Copies what a stage has besides tiles, with all copying lanes.
  virtual void copyScales(const Tile &tile, Val step, Val stage) {}
  /// Multiplies and adds `steps` stages of the ring. Returns the accumulators and the next stage.
  virtual std::pair<Vals, Ring> sumTile(const Tile &tile, Val steps, Ring ring, Val group) = 0;
  /// The pieces of a warpgroup, and how one is written to shared memory: rounded, a token in a row of 128 bytes.
  virtual llvm::SmallVector<Piece> piecesOf(Val group);
  virtual void stage(llvm::ArrayRef<Val> sums, const Piece &piece, Val group);
  /// Stores f32 directly from registers.
  virtual void storeSums(const Tile &tile, llvm::ArrayRef<Val> sums, Val group);

  //===- What all share ---------------------------------------------------===//

  void emitProduct();
  void prepareBarriers();
  Val full(Val stage) { return k.shared(at.full, stage * 8); }
  Val empty(Val stage) { return k.shared(at.empty, stage * 8); }
  /// The place `distance` stages further.
  Ring next(Ring ring, int64_t distance = 1);
  void findExperts();
  void placeInBand(Tile &tile, Val number);
  void placeInExpert(Tile &tile, Val number);
  void placeInOrder(Tile &tile, Val number);
  Tile tileAt(Val number);
  Vals forEachTile(llvm::ArrayRef<Val> state, llvm::function_ref<Vals(const Tile &, llvm::ArrayRef<Val>)> body);

  // The copying warp.
  void whenFirst(KernelBuilder::Body body);
  void copy();
  Val copyWeightsAhead();
  void forEachBox(const Tile &tile, llvm::function_ref<void(int64_t first)> body);
  Val bytesOf(const Tile &tile);
  void copyWeights(const Tile &tile, Val step, Val stage);
  void copyTokens(const Tile &tile, Val step, Val stage);

  // The warpgroups that multiply.
  void multiplyAndStore(const Group &group);
  Vals addTurns(llvm::ArrayRef<Val> sums, const Group &group);
  void store(const Tile &tile, llvm::ArrayRef<Val> sums, Val group);
  void storeRounded(const Tile &tile, llvm::ArrayRef<Val> sums, Val group);
  void stageRounded(llvm::ArrayRef<Val> sums, int64_t from, Val group);
  void storeRows(const Tile &tile, llvm::ArrayRef<Val> sums, Val group);
  void stageGated(llvm::ArrayRef<Val> sums, int64_t from, Val group);
  void copyRows(const Tile &tile, const Piece &piece, Val group);
  /// Returns the address of the f32 of a row of a token.
  Val sumAt(const Tile &tile, Val token, Val row);

  mlir::gpu::GPUModuleOp module;
  const ProjectionShape &s;
  const ProjectionChoices &c;
  const StagePolicy &p;
  ProjectionLayout at;
  KernelBuilder k;
  Val weightMap, secondMap, tokenMap, result, tokens;
  Val first, order; ///< of experts
  Val tokenTiles, tiles;
  Val blocks; ///< CTAs that multiply
};

std::unique_ptr<Projection> createPlainProjection(mlir::gpu::GPUModuleOp module, const ProjectionShape &shape);
std::unique_ptr<Projection> createScaledProjection(mlir::gpu::GPUModuleOp module, const ProjectionShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_PROJECTIONKERNEL_H
