//===- LayerRange.h - Layers compiled together ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_LAYERRANGE_H
#define MLA_LIB_PIPELINE_LAYERRANGE_H

#include "mla/Pipeline/CompileOptions.h"

#include <vector>

namespace mla {

/// Return the layers of a range of a model with `numLayers`. `where` is the prefix of the error that it has fewer.
llvm::Expected<std::vector<int64_t>> layersOf(const LayerRange &range, int64_t numLayers, llvm::StringRef where);

} // namespace mla

#endif // MLA_LIB_PIPELINE_LAYERRANGE_H
