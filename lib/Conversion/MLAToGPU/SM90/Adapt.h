//===- Adapt.h - Updates by adapters that are not merged --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mla.adapt: a CTA adds the updates of some columns of a token. It multiplies
// the token by all of `down` itself, so that nothing is exchanged between CTAs.
// One whose sequence has no adapter copies its columns.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_ADAPT_H
#define MLA_CONVERSION_MLATOGPU_SM90_ADAPT_H

#include "Rows.h"

namespace mla::gpu {

inline constexpr int64_t adaptThreads = 128, adaptColumns = adaptThreads * laneElements;

struct AdaptShape {
  int64_t adapters = 0, rank = 0;                ///< the rank is a multiple of 8
  int64_t heads = 1, width = 0;                  ///< of the result, and its columns per head, a multiple of 8
  int64_t headsIn = 1, contracted = 0;           ///< the same of x
  bool isPerHead = false;                        ///< a head of the result reads its head of x, else all of them
  bool downHasHeads = false, upHasHeads = false; ///< of a result per head
  Element y = Element::BF16, x = Element::BF16;

  /// Columns of x that are contracted.
  int64_t columnsIn() const { return isPerHead ? contracted : headsIn * contracted; }
  /// Columns that the CTAs of a token, or of one of its heads, divide.
  int64_t columns() const { return isPerHead ? width : heads * width; }
  int64_t parts() const { return (columns() + adaptColumns - 1) / adaptColumns; }
  int64_t blocks() const { return isPerHead ? heads * parts() : parts(); }
  int64_t sharedBytes() const { return rank * 4; }
  std::string name() const;
};

/// The kernel's arguments: y, x, down, up, adapters, cu and the result; then the number of sequences, and the strides
/// of tokens and heads of y and of x.
void emitAdapt(mlir::gpu::GPUModuleOp module, const AdaptShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_ADAPT_H
