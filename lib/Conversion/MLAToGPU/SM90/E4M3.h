//===- E4M3.h - Numbers of 8 bits -------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_E4M3_H
#define MLA_CONVERSION_MLATOGPU_SM90_E4M3_H

#include "mla/Conversion/MLAToGPU/KernelBuilder.h"

namespace mla::gpu {

/// Returns the four numbers of e4m3 in an i32 as f32, the one in the lowest byte first.
Vals unpackE4M3(KernelBuilder &k, Val word);
/// Returns the four numbers of e4m3 in an i32 as f16, two per i32: the low ones first. f16 holds every number of e4m3.
Vals unpackE4M3AsHalves(KernelBuilder &k, Val word);
/// Packs two f32 as f16 into an i32, rounded to nearest even.
Val packF16(KernelBuilder &k, Val low, Val high);
/// Packs four f32 as e4m3 into an i32, the first in the lowest byte: rounded to nearest even, saturated at +-448; NaN
/// stays NaN.
Val packE4M3(KernelBuilder &k, llvm::ArrayRef<Val> values);

/// Packs four f16, two per i32, as e4m3 into an i32 in the same way.
Val packE4M3Halves(KernelBuilder &k, Val low, Val high);
/// Multiplies the two f16 of an i32.
Val multiplyHalves(KernelBuilder &k, Val a, Val b);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_E4M3_H
