//===- Quantize.h - Rows in e4m3 with scales --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_QUANTIZE_H
#define MLA_CONVERSION_MLATOGPU_SM90_QUANTIZE_H

#include "Rows.h"

namespace mla::gpu {

/// What mla.quantize makes of a row.
struct Quantization {
  int64_t width = 0; ///< a multiple of 8
  int64_t group = 0; ///< columns with one scale: 32, 64 or 128; 0: the row is not quantized
  int64_t terms = 1;

  int64_t scalesOfRow() const { return llvm::divideCeil(width, group); }
  std::string name() const; ///< "_e4m3x2_group128"
};

/// Rows of bf16 to elements of e4m3 [tokens, terms, heads, width] and f32 scales [tokens, heads, scalesOfRow].
struct QuantizeShape {
  int64_t heads = 1; ///< rows of a token
  Quantization row;
  int64_t parts = 1; ///< of rows that a thread has, whose loads are in flight together

  /// Threads that share a row: whole groups.
  int64_t threadsOfRow() const { return row.scalesOfRow() * row.group / laneElements; }
  std::string name() const;
};

inline constexpr int64_t quantizeThreads = 128;

/// Adds the kernel to the module, if it is not there. Arguments: x, elements, scales; tokens, and elements between
/// tokens and between heads of x. Grid: ceil(tokens · heads · threadsOfRow / (quantizeThreads · parts)).
void emitQuantize(mlir::gpu::GPUModuleOp module, const QuantizeShape &shape);

/// Where laneElements elements of the first term, and the scale of their group, are stored, if they exist.
struct QuantizedChunk {
  Val elements, scale, exists;
};

/// Quantizes the warp's elements, of which this lane has one part per chunk, and stores all terms: those of the next
/// term are `termRows` rows further.
void storeQuantized(KernelBuilder &k, llvm::ArrayRef<Val> values, llvm::ArrayRef<QuantizedChunk> chunks, Val lane,
                    const Quantization &row, int64_t termRows);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_QUANTIZE_H
