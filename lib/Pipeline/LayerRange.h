//===- LayerRange.h - Layers compiled together ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_LAYERRANGE_H
#define MLA_LIB_PIPELINE_LAYERRANGE_H

#include "mla/Import/Config.h"
#include "mla/Pipeline/CompileOptions.h"

#include <vector>

namespace mla {

/// Return the layers of a range that have the config's attention. `where` is the prefix of the error that the model has
/// fewer, or that some of them have another attention, if these were asked for by number.
llvm::Expected<std::vector<int64_t>> layersOf(const LayerRange &range, const importer::AttentionConfig &config,
                                              llvm::StringRef where);

/// Return a remark about layers of the model that a range of all layers leaves out, or "".
std::string layersLeftOut(const LayerRange &range, const importer::AttentionConfig &config, llvm::StringRef where);

} // namespace mla

#endif // MLA_LIB_PIPELINE_LAYERRANGE_H
