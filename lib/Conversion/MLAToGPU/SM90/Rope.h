//===- Rope.h - Rotation of queries -----------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_ROPE_H
#define MLA_CONVERSION_MLATOGPU_SM90_ROPE_H

#include "Positions.h"
#include "Rotation.h"

namespace mla::gpu {

/// y[t, h] = x[t, h] rotated to the position of token t, bf16. A CTA has some heads of one token.
struct RopeShape {
  int64_t heads = 1;
  RotationDims rotation;
  PositionScale scale; ///< of the token, if it has a beta
  int64_t passes = 2;  ///< heads per thread that use the same sines

  std::string name() const;
  int64_t headsOfBlock() const; ///< CTAs per token are ceil(heads / this)
};

inline constexpr int64_t ropeThreads = 128;

/// Indices of the arguments, in order: x, y; elements between tokens and between heads of x, then of y. y may be x.
struct RopeArguments {
  explicit RopeArguments(KernelBuilder &k);
  unsigned x, y, xToken, xHead, yToken, yHead;
};

/// Rotates the `number`-th heads of a token, of headsOfBlock() each, by a whole CTA of ropeThreads, which first waits
/// for its predecessors.
void rotateHeads(KernelBuilder &k, mlir::gpu::GPUModuleOp module, const RopeShape &shape, const RopeArguments &a,
                 Positions &positions, Val token, Val number);

/// Adds the kernel to the module, if it is not there. Arguments: those above; cu_seqlens, lengths, batch. Grid:
/// (tokens, ceil(heads / headsOfBlock())).
void emitRope(mlir::gpu::GPUModuleOp module, const RopeShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_ROPE_H
