//===- ReferenceWeights.h - Weights for a reference -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_REFERENCEWEIGHTS_H
#define MLA_RUN_REFERENCEWEIGHTS_H

#include "AdapterWeights.h"
#include "Reference.h"
#include "WeightFiles.h"

namespace mla::run {

/// Element (row, column) of a tensor that is looked at as rows of `columns`; of F32, F64, BF16, F16 and F8_E4M3.
bool isReadable(DType dtype);
void readElements(const SafetensorsTensor &tensor, int64_t first, int64_t count, double *to);

/// The rows `from(0)` to `from(rows - 1)` of a matrix.
Matrix pickRows(Matrix matrix, int64_t rows, std::function<int64_t(int64_t)> from);

/// The weights of a layer as the checkpoint has them, in naive form, of this rank's heads; with what an adapter adds,
/// if there is one. They refer to both.
Result<LayerWeights> checkpointWeights(const Checkpoint &checkpoint, const AdapterWeights *adapter,
                                       const Semantics &semantics, const mla_bundle_info &info, int64_t layer);

/// The prepared weights of a layer that the bundle itself holds, as far from the checkpoint as they are. Factors behind
/// norms are in them already. They refer to `file`.
Result<LayerWeights> bundleWeights(const WeightFiles &files, const mla_bundle_info &info, int64_t layer);

} // namespace mla::run

#endif // MLA_RUN_REFERENCEWEIGHTS_H
