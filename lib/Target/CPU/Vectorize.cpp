//===- Vectorize.cpp - Products of static shape in registers --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Support/Divisors.h"
#include "mla/Target/CPU/Passes.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mla {
#define GEN_PASS_DEF_MLACPUVECTORIZE
#include "mla/Target/CPU/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Tile a product, and return the product of one tile.
static FailureOr<linalg::LinalgOp> tile(RewriterBase &rewriter, linalg::LinalgOp op, ArrayRef<int64_t> sizes) {
  scf::SCFTilingOptions options;
  options.setTileSizes(getAsIndexOpFoldResult(rewriter.getContext(), sizes));
  rewriter.setInsertionPoint(op);
  FailureOr<scf::SCFTilingResult> tiled =
      scf::tileUsingSCF(rewriter, cast<TilingInterface>(op.getOperation()), options);
  if (failed(tiled))
    return failure();
  rewriter.replaceOp(op, tiled->replacements);
  return cast<linalg::LinalgOp>(tiled->tiledOps.front());
}

static LogicalResult vectorizeProduct(RewriterBase &rewriter, linalg::LinalgOp op, ArrayRef<int64_t> limits) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  for (auto [size, limit] : llvm::zip_equal(sizes, limits))
    size = largestDivisor(size, limit);
  FailureOr<linalg::LinalgOp> tiled = tile(rewriter, op, sizes);
  if (failed(tiled))
    return failure();
  rewriter.setInsertionPoint(*tiled);
  FailureOr<linalg::VectorizationResult> result =
      linalg::vectorize(rewriter, *tiled, /*inputVectorSizes=*/{}, /*inputScalableVecDims=*/{},
                        /*vectorizeNDExtract=*/false, /*flatten1DDepthwiseConv=*/false,
                        /*assumeDynamicDimsMatchVecSizes=*/false, /*createNamedContraction=*/true);
  if (failed(result))
    return failure();
  rewriter.replaceOp(*tiled, result->replacements);
  return success();
}

static bool hasStaticLoops(linalg::LinalgOp op) {
  return llvm::none_of(op.getStaticLoopRanges(), ShapedType::isDynamic);
}

namespace {

struct MLACPUVectorizePass : mla::impl::MLACPUVectorizeBase<MLACPUVectorizePass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<linalg::MatmulOp> products;
    getOperation().walk([&](linalg::MatmulOp op) {
      if (hasStaticLoops(op))
        products.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::MatmulOp op : products)
      if (failed(vectorizeProduct(rewriter, op, {rows, columns, depth})))
        return signalPassFailure();
  }
};

} // namespace
