//===- PackedWeights.h - Weights in packed forms ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_PACKEDWEIGHTS_H
#define MLA_RUN_PACKEDWEIGHTS_H

#include "Checkpoint.h"
#include "Matrix.h"
#include "Semantics.h"

namespace mla::run {

/// Return the matrix [rows, columns] of a module whose weight is stored in a packed form: AWQ, GPTQ,
/// compressed-tensors, NVFP4, MXFP4, MXFP8 or INT8. Nothing if it is stored otherwise, or in another shape.
Matrix packedWeight(const Checkpoint &checkpoint, const std::string &module, const Semantics &semantics, int64_t rows,
                    int64_t columns);

} // namespace mla::run

#endif // MLA_RUN_PACKEDWEIGHTS_H
