//===- LayerBuilder.h - The body of an attention layer ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_LAYERBUILDER_H
#define MLA_LIB_IMPORT_LAYERBUILDER_H

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Import/DecoderConfig.h"
#include "mla/Import/ImportLayer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

namespace mla::importer {

/// The queries of all heads, without and with position, and the gate of the output that was projected with them.
struct Query {
  mlir::Value nope, rope, gate;
};

/// Builds an attention, and what surrounds it if the config has it. Members are in the file of what they build: those
/// of the attention, and what all share, in LayerBuilder.cpp, norms, residuals and MLP in DecoderLayer.cpp, and the
/// ends of a model in ModelEnds.cpp.
class LayerBuilder {
public:
  LayerBuilder(mlir::OpBuilder &builder, const AttentionConfig &config, llvm::ArrayRef<WeightSpec> weights,
               const ImportOptions &options)
      : builder(builder), config(config), weights(weights), options(options) {}

  mlir::func::FuncOp build(llvm::StringRef name, Phase phase);
  /// Build @embed and @logits.
  void buildEnds();

private:
  // Types.
  mlir::Type f32() { return builder.getF32Type(); }
  /// Return the element type of hidden states, cache and result.
  mlir::Type outside() { return options.dtype == DType::BF16 ? mlir::Type(builder.getBF16Type()) : f32(); }
  CacheType cacheType();
  mlir::RankedTensorType tokensOf(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  /// Return the type of what goes from layer to layer.
  mlir::Type rowsType();
  mlir::FunctionType functionType();

  // Weights.
  static std::string valueName(WeightRole role);
  const WeightSpec *find(WeightRole role) const;
  mlir::Value weight(const WeightSpec &spec, double factor = 1);
  mlir::Value weight(WeightRole role, double factor = 1) { return weight(*find(role), factor); }
  mlir::Value stored(const WeightSpec &spec, llvm::StringRef name, double factor);
  mlir::Value scaled(mlir::Value weight, double factor, llvm::StringRef name);
  mlir::Value scales(const WeightScale &scale, llvm::ArrayRef<int64_t> grid, llvm::StringRef name);
  mlir::Value factor(llvm::StringRef tensor, llvm::ArrayRef<int64_t> shape, DType dtype, llvm::StringRef name);
  mlir::Value update(mlir::Value weight, const WeightUpdate &update, llvm::StringRef name);
  mlir::Value inFloat32(mlir::Value weight, llvm::StringRef name);
  mlir::Value headRows(WeightRole role, int64_t perHead);
  mlir::Value headColumns(WeightRole role, int64_t perHead, double factor);
  mlir::Value sliceWeight(mlir::Value weight, int64_t dim, int64_t first, int64_t count, llvm::StringRef name);

  // Operations on tokens.
  mlir::Location named(llvm::StringRef name) { return mlir::NameLoc::get(builder.getStringAttr(name)); }
  mlir::Value slice(mlir::Value x, int64_t first, int64_t count, llvm::StringRef name);
  mlir::Value project(mlir::Value x, mlir::Value weight, llvm::ArrayRef<int64_t> shape, Heads heads,
                      llvm::StringRef name);
  mlir::Value addBias(mlir::Value x, WeightRole role, double factor = 1.0);
  void addUpBiases(mlir::Value &keys, mlir::Value &values);
  mlir::Value norm(mlir::Value x, WeightRole gamma, double factor, llvm::StringRef name);
  mlir::Value rotate(mlir::Value x, double factor, llvm::StringRef name);
  mlir::Value scaleByPosition(mlir::Value q, llvm::StringRef name);

  // Updates by adapters that are not merged: UpdateProjections.cpp.
  mlir::Value updatesDown(const WeightSpec &spec);
  mlir::Value updatesUp(const WeightSpec &spec, double factor = 1.0);
  mlir::Value updatesUpOfHeads(const WeightSpec &spec, int64_t perHead);
  mlir::Value addUpdates(mlir::Value y, mlir::Value x, WeightRole role);
  mlir::Value addUpdates(mlir::Value y, mlir::Value x, WeightRole role, int64_t perHead, int64_t first, int64_t count,
                         mlir::Value bounds, llvm::StringRef name);
  mlir::Value addOutputUpdates(mlir::Value y, mlir::Value x, double factor);

  // Parts of the layer.
  Query buildQuery();
  mlir::Value buildAppend(mlir::Value cache);
  mlir::Value sinks();
  mlir::Value buildAttention(Query q, mlir::Value cache);
  mlir::Value buildGate(mlir::Value o, Query q);
  mlir::Value buildOutput(mlir::Value o);
  mlir::Value toOutside(mlir::Value out);

  // Around the attention: DecoderLayer.cpp.
  llvm::SmallVector<const WeightSpec *> findAll(WeightRole role) const;
  double residualScale() const;
  mlir::Value streamNorm(mlir::Value x, WeightRole gamma, llvm::StringRef name);
  mlir::Value concatenated(llvm::SmallVector<mlir::Value> weights, llvm::StringRef name);
  mlir::Value experts(WeightRole joined, llvm::ArrayRef<WeightRole> roles, llvm::StringRef name);
  mlir::Value activate(mlir::Value gateUp, int64_t width);
  mlir::Value buildMlp(mlir::Value x, WeightRole gate, WeightRole up, WeightRole down, llvm::StringRef name);
  std::pair<mlir::Value, mlir::Value> buildRoute(mlir::Value x);
  mlir::Value addPassed(mlir::Value routed, mlir::Value x, mlir::Value chosen, mlir::Value factors);
  mlir::Value buildExperts(mlir::Value x);
  mlir::Value streamOf(mlir::Value rows);
  mlir::Value buildShortcut(mlir::Value rows, mlir::Value x, mlir::Value sum);
  mlir::Value buildRest(mlir::Value rows, mlir::Value attention);

  // The ends of the model: ModelEnds.cpp.
  mlir::Value startEnd(llvm::StringRef name, llvm::StringRef argument, mlir::Type in, mlir::Type out);

  mlir::OpBuilder &builder;
  const AttentionConfig &config;
  llvm::ArrayRef<WeightSpec> weights;
  const ImportOptions &options;
  mlir::Value hidden, cu, tokens, position, sequence;
  mlir::Value adapters; ///< The number of each sequence's adapter; null: adapters are merged.
};

/// Split a dimension of a weight.
mlir::Value splitDim(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value weight, llvm::ArrayRef<int64_t> shape,
                     llvm::ArrayRef<mlir::ReassociationIndices> groups);

/// Build the function of a phase at the insertion point. The bodies of all phases are the same; the planner
/// distinguishes them.
mlir::func::FuncOp buildLayer(mlir::OpBuilder &builder, const AttentionConfig &config,
                              llvm::ArrayRef<WeightSpec> weights, const ImportOptions &options, llvm::StringRef name,
                              Phase phase);

/// Build @embed, from token ids to the residual stream, and @logits, from the stream to logits, at the insertion point.
void buildEnds(mlir::OpBuilder &builder, const AttentionConfig &config, llvm::ArrayRef<WeightSpec> weights,
               const ImportOptions &options);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_LAYERBUILDER_H
