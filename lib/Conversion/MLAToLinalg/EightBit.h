//===- EightBit.h - 8-bit floats without instructions for them --*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_MLATOLINALG_EIGHTBIT_H
#define MLA_LIB_CONVERSION_MLATOLINALG_EIGHTBIT_H

#include "Emitter.h"

namespace mla {

/// Returns the f32 value of every bit pattern of an 8-bit float, [256]. CPUs do not convert e4m3, and 1 KiB stays in
/// the cache.
mlir::Value emitTableOf8Bit(Emitter &e, mlir::FloatType type);

/// Returns the value of a bit pattern, i8.
mlir::Value emitLookUp(Emitter &e, mlir::Value table, mlir::Value bits);

/// Returns the bits of e4m3 for an f32, as i8: rounded to nearest even, saturated at +-448; NaN stays NaN.
mlir::Value emitToE4M3(Emitter &e, mlir::Value x);

} // namespace mla

#endif // MLA_LIB_CONVERSION_MLATOLINALG_EIGHTBIT_H
