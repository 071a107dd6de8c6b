//===- Rotation.h - Rotary position embedding -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_ROTATION_H
#define MLA_CONVERSION_MLATOGPU_SM90_ROTATION_H

#include "Rows.h"

namespace mla::gpu {

/// The attributes of mla.rope.
struct RotationDims {
  bool interleaved = true; ///< pairs (2i, 2i + 1), or (i, i + R/2)
  llvm::SmallVector<float> frequencies;
  float scale = 1;

  int64_t width() const { return 2 * frequencies.size(); } ///< R, a multiple of 8
  int64_t units() const { return width() / 8; }
  std::string name() const; ///< unique for the attributes
};

/// Four pairs of a row, by one thread: unit u has pairs 4u … 4u+3.
class Rotation {
public:
  /// Adds the frequencies to the module as constants.
  Rotation(KernelBuilder &k, mlir::gpu::GPUModuleOp module, const RotationDims &dims);
  /// Loads the unit's frequencies, which depend on no other kernel.
  void loadFrequencies(Val unit);
  /// Computes sines and cosines, times the scale and `factor` if there is one.
  void setPosition(Val position, Val factor = Val());
  /// Loads the unit's eight elements of the row at `row`: firsts and seconds of the four pairs.
  Vals load(Val row, Element element);
  Vals rotate(llvm::ArrayRef<Val> pairs);
  void store(llvm::ArrayRef<Val> pairs, Val row, Element element);

private:
  KernelBuilder &k;
  const RotationDims &dims;
  std::string table;
  Val unit;
  Vals frequencies, sines, cosines;
};

/// Sine and cosine of an angle in radians, up to 2^18: absolute error below 1e-6.
std::pair<Val, Val> sineAndCosine(KernelBuilder &k, Val angle);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_ROTATION_H
