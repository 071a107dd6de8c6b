//===- DirectProduct.h - Products of few tokens, from registers -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_DIRECTPRODUCT_H
#define MLA_CONVERSION_MLATOGPU_SM90_DIRECTPRODUCT_H

#include "Append.h"
#include "ProjectionChoices.h"

namespace mla::gpu {

/// This lane's 16 bytes of pieces of a row of bf16: lanes side by side, then the next piece.
using RowWords = llvm::SmallVector<Vals>;
/// Calls `load` with the bytes from the row's start for each piece of this lane of a row of `width` elements, which
/// `lanes` lanes share, of which this is number `lane`; zeros beyond the row's end.
RowWords loadRowWords(KernelBuilder &k, Val lane, int64_t lanes, int64_t width,
                      llvm::function_ref<Val(Val bytes)> load);
/// Returns the product of two rows of bf16, in f32, in each of the lanes that share them.
Val multiplyRowWords(KernelBuilder &k, const RowWords &a, const RowWords &b, int64_t lanes);

/// y[t, h, n] = sum_k x[t, h, k] · w[h, n, k], as bf16 or f32, of few tokens. Lanes have their part of a row of w in
/// registers before x is there, and multiply one token after the other: less latency than tiles and tensor cores.
struct DirectProductShape {
  int64_t heads = 1, rows = 0; ///< rows: a multiple of 8
  int64_t contracted = 0;      ///< a multiple of 8, at most directWidth
  int64_t border = 0;          ///< rows of the first of two weights, if there are two
  bool floatResult = false;
  std::optional<AppendShape> append; ///< by other CTAs of the same kernel, which need none of this one's results

  int64_t rowsOfBlock() const { return directThreads / directLanes(contracted); }
  int64_t blocks() const { return llvm::divideCeil(heads * rows, rowsOfBlock()); }
  int64_t sharedBytes() const { return 2 * 4 * rowsOfBlock(); } ///< sums of a token, and of the next
  std::string name() const;
};

/// Adds the kernel to the module, if it is not there. Arguments: w, with a border both; x, y; tokens, elements between
/// tokens and between heads of x; those of the append. Grid: blocks(), then the CTAs of the append, (0, 0), (0, 1), …
void emitDirectProduct(mlir::gpu::GPUModuleOp module, const DirectProductShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_DIRECTPRODUCT_H
