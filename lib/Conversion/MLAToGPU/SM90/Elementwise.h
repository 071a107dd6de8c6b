//===- Elementwise.h - Sums and activations of rows -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows of activations of which a thread has eight columns, in f32.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_ELEMENTWISE_H
#define MLA_CONVERSION_MLATOGPU_SM90_ELEMENTWISE_H

#include "Rows.h"

namespace mla::gpu {

inline constexpr int64_t elementwiseThreads = 128;
/// Columns of a CTA.
inline constexpr int64_t elementwiseColumns = elementwiseThreads * laneElements;

/// The sum of rows, stored as bf16.
struct SumShape {
  int64_t width = 0; ///< a multiple of 8
  /// The terms and additions in postfix order: 'b' is the next term, of bf16, 'f' one of f32, and 'a' adds the last two
  /// values: "bfa" is the sum of two terms. 'm' is the weighted sum of `choices` rows of bf16 per token, which are one
  /// after the other.
  std::string order;
  int64_t choices = 0;

  int64_t numTerms() const { return (static_cast<int64_t>(order.size()) + 1) / 2; }
  std::string name() const;
};

/// Adds the terms of a sum in postfix order, as above. `load` returns the elements of a term by its number and letter.
Vals sumInOrder(llvm::StringRef order, llvm::function_ref<Vals(size_t term, char letter)> load);

/// Returns the elements of a term 'b' or 'f'.
inline Element elementOfTerm(char letter) { return letter == 'f' ? Element::F32 : Element::BF16; }

/// Adds the kernel to the module, if it is not there. Arguments: the terms, of 'm' the rows and weights (f32 [tokens,
/// choices]), y; elements between rows of each term, of 'm' between rows of choices. Grid: tokens, ceil(width /
/// elementwiseColumns).
void emitSum(mlir::gpu::GPUModuleOp module, const SumShape &shape);

/// Returns silu(gate) · up, which is gate / (1 + exp(-gate)) · up. The quotient of a large negative gate is zero.
Val activate(KernelBuilder &k, Val gate, Val up);

/// y = silu(gate) · up, stored as bf16: rows of `choices` times `width` columns.
struct SwigluShape {
  int64_t choices = 1;
  int64_t width = 0; ///< a multiple of 8
  Element input = Element::BF16;

  int64_t columns() const { return choices * width; }
  std::string name() const;
};

/// Adds the kernel to the module, if it is not there. Arguments: gate, up, y; elements between tokens and between
/// choices of gate, then of up. Grid: tokens, ceil(columns / elementwiseColumns).
void emitSwiglu(mlir::gpu::GPUModuleOp module, const SwigluShape &shape);

/// y = x / (1 + exp(-gate)), stored as bf16: rows of `heads` times `width` columns, with a gate each or one per head.
struct GateShape {
  int64_t heads = 1;
  int64_t width = 0; ///< a multiple of 8
  bool isPerHead = false;
  Element x = Element::BF16, gate = Element::BF16;

  int64_t columns() const { return heads * width; }
  std::string name() const;
};

/// Adds the kernel to the module, if it is not there. Arguments: x, gate, y; elements between tokens and between heads
/// of x, then of gate. Grid: tokens, ceil(columns / elementwiseColumns).
void emitGate(mlir::gpu::GPUModuleOp module, const GateShape &shape);

/// y = x times the sum of the weights of the token's choices of numbers from `from` on, stored as bf16.
struct PassShape {
  int64_t width = 0; ///< a multiple of 8
  int64_t choices = 0, from = 0;

  std::string name() const;
};

/// Adds the kernel to the module, if it is not there. Arguments: x (bf16), numbers (i32 [tokens, choices]), weights
/// (f32 [tokens, choices]), y; elements between rows of x. Grid: tokens, ceil(width / elementwiseColumns).
void emitPass(mlir::gpu::GPUModuleOp module, const PassShape &shape);

/// Rows of bf16 one after the other: y = [left, right].
struct JoinShape {
  int64_t left = 0, right = 0; ///< columns, multiples of 8

  int64_t columns() const { return left + right; }
  std::string name() const;
};

/// Adds the kernel to the module, if it is not there. Arguments: left, right, y; elements between rows of left, then of
/// right. Grid: tokens, ceil(columns / elementwiseColumns).
void emitJoin(mlir::gpu::GPUModuleOp module, const JoinShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_ELEMENTWISE_H
