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

enum class Element { BF16, F32 };
constexpr int64_t bytesOf(Element element) { return element == Element::F32 ? 4 : 2; }

/// `count` elements at `from` as f32; `from` is aligned to 16 bytes, or to what they take.
Vals loadElements(KernelBuilder &k, Val from, int64_t count, Element element);
/// From memory that nothing writes while the kernel runs.
Vals loadConstants(KernelBuilder &k, Val from, int64_t count);
void storeElements(KernelBuilder &k, llvm::ArrayRef<Val> values, Val to, Element element);

/// The address of element `index` (i32) from `pointer`; the product is made with 64 bits.
Val elementAt(KernelBuilder &k, Val pointer, Val index, Element element);
/// The address of row `row` of rows `stride` elements apart, both i32.
Val rowAt(KernelBuilder &k, Val pointer, Val row, Val stride, Element element);

/// Elements of a row that a lane has: eight, then eight 256 further on, …
inline constexpr int64_t laneElements = 8, warpElements = 256;

/// Elements of a row of `width`, as f32: what a lane has of it, zeros beyond the row's end.
Vals loadRow(KernelBuilder &k, Val row, Val lane, int64_t width, Element element);
void storeRow(KernelBuilder &k, llvm::ArrayRef<Val> values, Val row, Val lane, int64_t width, Element element);

/// The elements times gamma, over the root of their mean square (mla.rms_norm): what a warp has of one row. In f32.
Vals normalizeRow(KernelBuilder &k, llvm::ArrayRef<Val> values, Val gamma, Val lane, int64_t width, double epsilon);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_ROWS_H
