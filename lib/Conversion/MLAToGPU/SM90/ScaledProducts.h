//===- ScaledProducts.h - Products of e4m3 with scales ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_SCALEDPRODUCTS_H
#define MLA_CONVERSION_MLATOGPU_SM90_SCALEDPRODUCTS_H

#include "ProjectionKernel.h"

namespace mla::gpu {

/// Columns of k of a product of e4m3.
inline constexpr int64_t scaledProductColumns = 32;

/// Knows where scales are. Derived classes choose the operands on M and N, and who reads scales.
class ScaledProjection : public Projection {
public:
  using Projection::Projection;

protected:
  int64_t groupsOfStage() const { return s.dims.stageColumns() / s.dims.group; }
  /// Returns a group of columns of a step of the tile, or the last one beyond it.
  Val groupOf(const Tile &tile, Val step, int64_t inStage = 0);
  /// Return the address of the scale of a token or row of the tile. Beyond the last one it is that of the last.
  Val tokenScaleAt(const Tile &tile, Val token, Val group);
  Val rowScaleAt(const Tile &tile, Val row, Val group);
  /// Says that this warp reads nothing of a stage any more.
  void release(Val stage);

private:
  void addScales() override;
  void readScales() override;
  Val weightRowOf(const Tile &tile, Val row);

  unsigned weightArgument = 0, secondArgument = 0, tokenArgument = 0;
  Val weightScales, secondScales, tokenScales;
};

std::unique_ptr<Projection> createTokensOnM(mlir::gpu::GPUModuleOp module, const ProjectionShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_SCALEDPRODUCTS_H
