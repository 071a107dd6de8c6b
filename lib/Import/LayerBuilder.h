//===- LayerBuilder.h - The body of an attention layer ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_LAYERBUILDER_H
#define MLA_LIB_IMPORT_LAYERBUILDER_H

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Import/ImportLayer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla::importer {

/// Build the function of a phase at the insertion point. The bodies of all phases are the same; the planner
/// distinguishes them.
mlir::func::FuncOp buildLayer(mlir::OpBuilder &builder, const AttentionConfig &config,
                              llvm::ArrayRef<WeightSpec> weights, const ImportOptions &options, llvm::StringRef name,
                              Phase phase);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_LAYERBUILDER_H
