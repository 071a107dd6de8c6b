//===- NormalizedLogits.h - Logits of few normalized rows -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_NORMALIZEDLOGITS_H
#define MLA_CONVERSION_MLATOGPU_SM90_NORMALIZEDLOGITS_H

#include "Normalize.h"

namespace mla::gpu {

/// y = norm(x), as bf16, and logits = y · w of f32, w of bf16 [rows, width]. A CTA normalizes a row of x as all others
/// of its token do, and multiplies it by eight rows of w, which it reads while predecessors run.
struct NormalizedLogitsShape {
  NormalizeShape norm;
  int64_t rows = 0; ///< a multiple of rowsOfBlock

  static constexpr int64_t rowsOfBlock = 8; ///< one per warp
  static constexpr int64_t threads = 32 * rowsOfBlock;
  /// Whether there is code: warps share a row of x in parts of whole lanes.
  bool isSupported() const;
  int64_t sharedBytes() const { return 64 + 2 * norm.width; } ///< sums of warps, then y
  std::string name() const;
};

/// Adds the kernel to the module, if it is not there. Arguments: those of the norm; w, logits [tokens, rows]. Grid:
/// (rows / rowsOfBlock, tokens).
void emitNormalizedLogits(mlir::gpu::GPUModuleOp module, const NormalizedLogitsShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_NORMALIZEDLOGITS_H
