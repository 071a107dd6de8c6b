//===- Normalize.h - Root-mean-square norm of rows --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_NORMALIZE_H
#define MLA_CONVERSION_MLATOGPU_SM90_NORMALIZE_H

#include "Elementwise.h"
#include "Positions.h"
#include "Quantize.h"

namespace mla::gpu {

/// y[r, i] = gamma[i] · x[r, i] / sqrt(mean(x[r]^2) + epsilon), y bf16, or e4m3 with scales. x may be a sum of rows,
/// which is not rounded for the norm.
struct NormalizeShape {
  int64_t width = 0; ///< a multiple of 8
  double epsilon = 0;
  std::string order = "b"; ///< the terms of x, as of SumShape: one, or a sum of some, of 'b' and 'f'
  bool storesX = false;    ///< as bf16
  PositionScale scale;     ///< of the row's token, if it has a beta
  Quantization quantized;  ///< of y, if it has a group

  /// Warps that share a row: those of a CTA share a wide one, of which a warp's registers could not hold all.
  int64_t warpsOfRow() const;
  /// Bytes of dynamic shared memory.
  int64_t sharedBytes() const { return warpsOfRow() > 1 ? 4 * warpsOfRow() : 0; }
  std::string name() const;
};

inline constexpr int64_t normalizeWarps = 4; ///< per CTA
inline constexpr int64_t normalizeThreads = 32 * normalizeWarps;

/// Indices of the arguments, in order: the terms of x, gamma f32, y, of e4m3 its scales, where x is stored if it is;
/// rows, elements between rows of each term, and of y and the stored x.
struct NormalizeArguments {
  NormalizeArguments(KernelBuilder &k, const NormalizeShape &shape);
  llvm::SmallVector<unsigned> terms, strides;
  unsigned gamma, y, scales, x, rows, yStride;
};

/// Returns this lane's elements of `width` columns of a row of x from column `first` on, in f32.
Vals loadX(KernelBuilder &k, const NormalizeShape &shape, const NormalizeArguments &a, Val row, Val lane, Val first,
           int64_t width);
/// Returns the sum over `warps` warps of a CTA, in their order; by dynamic shared memory of 4 bytes each.
Val sumOverWarps(KernelBuilder &k, Val ofWarp, Val warp, Val lane, int64_t warps);

/// Adds the kernel to the module, if it is not there. Arguments: those above; if there is a position scale, cu_seqlens,
/// lengths, batch. Grid: ceil(rows · warpsOfRow / normalizeWarps).
void emitNormalize(mlir::gpu::GPUModuleOp module, const NormalizeShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_NORMALIZE_H
