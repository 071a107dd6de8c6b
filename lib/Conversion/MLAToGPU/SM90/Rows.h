//===- Rows.h - Rows of activations, eight elements per lane ----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_ROWS_H
#define MLA_CONVERSION_MLATOGPU_SM90_ROWS_H

#include "mla/Conversion/MLAToGPU/KernelBuilder.h"

namespace mla::gpu {

enum class Element { BF16, F32, E4M3 };
constexpr int64_t bytesOf(Element element) { return element == Element::F32 ? 4 : element == Element::BF16 ? 2 : 1; }

/// Loads `count` elements, a multiple of 4, at `from` as f32; `from` is aligned to 16 bytes, or to the total size if
/// smaller.
Vals loadElements(KernelBuilder &k, Val from, int64_t count, Element element);
/// Loads from memory that nothing writes while the kernel runs.
Vals loadConstants(KernelBuilder &k, Val from, int64_t count);
void storeElements(KernelBuilder &k, llvm::ArrayRef<Val> values, Val to, Element element);

/// Returns the address of element `index` (i32) from `pointer`; the product has 64 bits.
Val elementAt(KernelBuilder &k, Val pointer, Val index, Element element);
/// Returns the address of row `row` of rows `stride` elements apart, both i32.
Val rowAt(KernelBuilder &k, Val pointer, Val row, Val stride, Element element);

/// Elements of a row per lane: eight, then eight that are 256 further, …
inline constexpr int64_t laneElements = 8, warpElements = 256;

/// Returns this lane's elements of a row of `width`, eight at a time as `load` returns them from an element on, zeros
/// beyond the row's end.
Vals loadPieces(KernelBuilder &k, Val lane, int64_t width, llvm::function_ref<Vals(Val first)> load);
/// Loads this lane's elements of a row of `width` as f32, zeros beyond the row's end.
Vals loadRow(KernelBuilder &k, Val row, Val lane, int64_t width, Element element);
void storeRow(KernelBuilder &k, llvm::ArrayRef<Val> values, Val row, Val lane, int64_t width, Element element);

/// Copies a row of `width` elements of bf16 by a whole warp.
void copyRow(KernelBuilder &k, Val from, Val to, Val lane, int64_t width);

/// Returns the sum of the squares of the warp's elements.
Val sumOfSquares(KernelBuilder &k, llvm::ArrayRef<Val> values);
/// Multiplies the warp's elements of one row by a factor and by gamma.
Vals scaleByGamma(KernelBuilder &k, llvm::ArrayRef<Val> values, Val factor, Val gamma, Val lane, int64_t width);
/// Multiplies the warp's elements of one row by gamma and divides by the root of their mean square (mla.rms_norm), in
/// f32.
Vals normalizeRow(KernelBuilder &k, llvm::ArrayRef<Val> values, Val gamma, Val lane, int64_t width, double epsilon);

/// How elements are scaled: caches divide, mla.quantize multiplies by 1 / scale.
enum class Scaling { Divide, Multiply };
/// Scales the warp's elements by groups of `columns` (16, 32, … 256): laneElements per lane from a lane whose number is
/// a multiple of columns / laneElements on, then the next. Calls `store` with the number of a lane's elements, in
/// laneElements, and their scale, in the group's first lane.
void scaleRow(KernelBuilder &k, llvm::MutableArrayRef<Val> values, Val lane, int64_t columns, Scaling scaling,
              llvm::function_ref<void(int64_t chunk, Val scale)> store);
/// Returns what is left of values after they are rounded to e4m3; a multiple of 4.
Vals restOfE4M3(KernelBuilder &k, llvm::ArrayRef<Val> values);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_ROWS_H
