//===- ModelTensors.h - Tensors of a model besides its layers ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_MODELTENSORS_H
#define MLA_LIB_IMPORT_MODELTENSORS_H

#include "mla/Import/LayerWeights.h"

namespace mla::importer {

/// Reject tensors of the model that neither its layers nor its ends use: they would mean computation that the config
/// does not describe. Accept layers that predict further tokens, as the config counts them, and a head that equals the
/// embedding if the config ties the two.
llvm::Error checkModelTensors(Checkpoint &checkpoint, const AttentionConfig &config, llvm::ArrayRef<LayerWeight> ends);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_MODELTENSORS_H
