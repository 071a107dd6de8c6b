//===- Positions.h - Positions of tokens ------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_POSITIONS_H
#define MLA_CONVERSION_MLATOGPU_SM90_POSITIONS_H

#include "mla/Conversion/MLAToGPU/KernelBuilder.h"

namespace mla::gpu {

/// A token's sequence, and its position there (mla.positions).
struct Place {
  Val sequence;
  Val position; ///< negative if the sequence is shorter than its queries
  Val exists;   ///< whether a sequence has the token: there may be more tokens than in cu_seqlens
};

/// The arguments that determine positions: cu_seqlens i32[batch + 1], lengths i32[batch], batch.
/// Return the number of the last sequence whose first token is at most `token`, found by a whole warp.
Val findSequence(KernelBuilder &k, Val cu, Val batch, Val token);

class Positions {
public:
  /// Adds the arguments to the kernel's signature.
  explicit Positions(KernelBuilder &k);
  /// Finds the place of one token, by a whole warp.
  Place placeOf(Val token);

private:
  Val load(unsigned pointer, Val index);
  KernelBuilder &k;
  unsigned cu, lengths, batch;
};

/// mla.position_scale: 1 + beta · log(1 + floor(position / original)).
struct PositionScale {
  double beta = 0; ///< 0: no scale
  int64_t original = 1;
};
Val scaleAt(KernelBuilder &k, const PositionScale &scale, Val position);
/// Returns "", or a name that distinguishes kernels with different scales.
std::string nameOf(const PositionScale &scale);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_POSITIONS_H
