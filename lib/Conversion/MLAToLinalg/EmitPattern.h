//===- EmitPattern.h - Patterns of emitting functions -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_MLATOLINALG_EMITPATTERN_H
#define MLA_LIB_CONVERSION_MLATOLINALG_EMITPATTERN_H

#include "Emitter.h"

#include "mlir/Transforms/DialectConversion.h"

namespace mla {

/// Replaces an operation by the value or values that `emit(emitter, op, adaptor)` returns. For operations without a
/// cache, whose operands stay one value each.
template <typename Op, auto emit> struct EmitPattern : mlir::OpConversionPattern<Op> {
  using mlir::OpConversionPattern<Op>::OpConversionPattern;
  llvm::LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                                      mlir::ConversionPatternRewriter &rewriter) const override {
    Emitter e(op.getLoc(), rewriter);
    rewriter.replaceOp(op, emit(e, op, adaptor));
    return mlir::success();
  }
};

/// The same for an operation of which products may be those of matrix tiles: `emit(emitter, op, adaptor, matrixTiles)`.
template <typename Op, auto emit> struct EmitTilesPattern : mlir::OpConversionPattern<Op> {
  EmitTilesPattern(const mlir::TypeConverter &converter, mlir::MLIRContext *context, bool matrixTiles)
      : mlir::OpConversionPattern<Op>(converter, context), matrixTiles(matrixTiles) {}
  llvm::LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                                      mlir::ConversionPatternRewriter &rewriter) const override {
    Emitter e(op.getLoc(), rewriter);
    rewriter.replaceOp(op, emit(e, op, adaptor, matrixTiles));
    return mlir::success();
  }

  bool matrixTiles;
};

} // namespace mla

#endif // MLA_LIB_CONVERSION_MLATOLINALG_EMITPATTERN_H
