//===- MadeWeights.h - Random weights for measurements ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_MADEWEIGHTS_H
#define MLA_RUNTIME_MADEWEIGHTS_H

#include "CudaContext.h"

#include "mla/safetensors.h"

namespace mla {

/// Fills tensors in device memory with random numbers: parts of a table, so that no more than a table is copied to the
/// device. Numbers are of the magnitude of trained ones, which the times of steps depend on through the choice of
/// experts.
class MadeWeights {
public:
  MadeWeights(const std::string &where, std::shared_ptr<CudaContext> context);
  ~MadeWeights();
  Error prepare();
  /// Starts to fill a tensor. The context must be current.
  Error fill(uint64_t address, const SafetensorsTensor &tensor);
  Error finish();

private:
  /// The kinds of tables.
  enum Kind { Gammas, Floats, BFloats, Bytes, numKinds };
  const std::string &where;
  std::shared_ptr<CudaContext> context;
  cuda::Stream stream = nullptr;
  DeviceBuffer tables[numKinds];
  uint64_t filled = 0; ///< tensors so far, which begin at different places of a table
};

} // namespace mla

#endif // MLA_RUNTIME_MADEWEIGHTS_H
