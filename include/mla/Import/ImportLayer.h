//===- ImportLayer.h - An attention layer as operations ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_IMPORT_IMPORTLAYER_H
#define MLA_IMPORT_IMPORTLAYER_H

#include "mla/Import/WeightSpec.h"
#include "mla/cache_format.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mla::importer {

/// Layers of one kind, which share code, and the weights of the first.
struct LayerGroup {
  std::vector<int64_t> layers;
  std::vector<WeightSpec> weights;
};

/// Adapters that are not merged: each sequence has the number of one, or none.
struct AdapterNames {
  std::vector<std::string> names; ///< By number; empty: there are none.
  bool changeCache = false;       ///< What a token's row holds depends on its sequence's adapter.
};

/// Options of the layer's entries, besides the model.
struct ImportOptions {
  /// Layers that share the code, in ascending order; weights are named for the first.
  std::vector<int64_t> layers = {0};
  /// Element type of hidden states, and of what is appended to the cache and read from it: F32 or BF16.
  DType dtype = DType::F32;
  schema::CacheFormat cacheFormat = schema::CacheFormat::Standard;
  double cacheScale = 1; ///< Rows of the cache hold latents and keys divided by it.
  /// Recorded for later stages: projections of scaled weights multiply e4m3, with this many terms per element of a
  /// token, 0: they do not.
  int64_t tokenTerms = 0;
  int64_t page = 64;
  AdapterNames adapters;
  /// The model's embedding and logits are computed too.
  bool hasEnds = false;
};

/// Return `mla.model`: the description of the model in the manifest.
mlir::DictionaryAttr describeModel(mlir::MLIRContext *context, const AttentionConfig &config,
                                   const ImportOptions &options);

/// Return its field `adapters`; null: there are none.
mlir::DictionaryAttr describeAdapters(mlir::MLIRContext *context, const AdapterNames &adapters);

/// Build @prefill and @decode of a layer in naive form. Attributes of the module: `mla.checkpoint_prefix`,
/// `mla.layers` and `mla.model`. `weights` are those of the first layer.
mlir::OwningOpRef<mlir::ModuleOp> importLayer(mlir::MLIRContext &context, const AttentionConfig &config,
                                              llvm::ArrayRef<WeightSpec> weights, const ImportOptions &options);

/// Build the functions of several groups of layers, which have `mla.layers`, and those of a model's ends: @embed and
/// @logits, which have `mla.end`. Weights of all groups are named for the first layer. `ends` are the weights of the
/// ends; none: layers only. The config has a decoder.
mlir::OwningOpRef<mlir::ModuleOp> importModel(mlir::MLIRContext &context, const AttentionConfig &config,
                                              llvm::ArrayRef<LayerGroup> groups, llvm::ArrayRef<WeightSpec> ends,
                                              const ImportOptions &options);

} // namespace mla::importer

#endif // MLA_IMPORT_IMPORTLAYER_H
