//===- Patterns.h - Patterns of the decompositions --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_MLATOLINALG_PATTERNS_H
#define MLA_LIB_CONVERSION_MLATOLINALG_PATTERNS_H

#include "mlir/Transforms/DialectConversion.h"

namespace mla {

/// The three tensors of a converted cache.
struct CacheTensors {
  explicit CacheTensors(mlir::ValueRange values) : pages(values[0]), blockTable(values[1]), lengths(values[2]) {}
  mlir::Value pages, blockTable, lengths;
};

void populateWeightPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter);
/// `matrixTiles`: emit products for matrix tiles where sizes suit them.
void populateProjectPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter, bool matrixTiles);
void populateNormAndPositionPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter);
void populateCachePatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter);
void populateAttentionPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter,
                               bool matrixTiles);
void populateLatentAttentionPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter);
void populateMergePatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter);
void populateQuantizePatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter);
void populateEmbedAndActivatePatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter);
void populateRoutePatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter);
void populateSortedChoicesPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter);
void populateExpertsPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter);
/// `mla.adapt`.
void populateAdaptPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter);

} // namespace mla

#endif // MLA_LIB_CONVERSION_MLATOLINALG_PATTERNS_H
