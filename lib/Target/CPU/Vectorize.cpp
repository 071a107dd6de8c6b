//===- Vectorize.cpp - Products of static shape in registers --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/Passes.h"
#include "mla/Support/Divisors.h"
#include "mla/Target/CPU/Passes.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
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

static LogicalResult vectorizeTile(RewriterBase &rewriter, linalg::LinalgOp op) {
  rewriter.setInsertionPoint(op);
  FailureOr<linalg::VectorizationResult> result =
      linalg::vectorize(rewriter, op, /*inputVectorSizes=*/{}, /*inputScalableVecDims=*/{},
                        /*vectorizeNDExtract=*/false, /*flatten1DDepthwiseConv=*/false,
                        /*assumeDynamicDimsMatchVecSizes=*/false, /*createNamedContraction=*/true);
  if (failed(result))
    return failure();
  rewriter.replaceOp(op, result->replacements);
  return success();
}

/// If the right factor of a tile with one row is a slice of widened elements, widen those of the tile only. With more
/// rows, they are used more than once.
static LogicalResult widenInTile(RewriterBase &rewriter, linalg::LinalgOp product,
                                 MutableArrayRef<LoopLikeOpInterface> loops) {
  auto slice = product.getDpsInputOperand(1)->get().getDefiningOp<tensor::ExtractSliceOp>();
  auto widened = slice ? slice.getSource().getDefiningOp<linalg::GenericOp>() : linalg::GenericOp();
  if (product.getStaticLoopRanges().front() != 1 || !widened || !linalg::isElementwise(widened) ||
      widened.getNumDpsInputs() != 1)
    return success();
  std::optional<scf::SCFFuseProducerOfSliceResult> fused = scf::tileAndFuseProducerOfSlice(rewriter, slice, loops);
  return fused ? vectorizeTile(rewriter, cast<linalg::LinalgOp>(fused->tiledOps.front())) : success();
}

/// Tile an operation, and return that of one tile.
static FailureOr<linalg::LinalgOp> tile(RewriterBase &rewriter, linalg::LinalgOp op, ArrayRef<int64_t> sizes) {
  scf::SCFTilingOptions options;
  options.setTileSizes(getAsIndexOpFoldResult(rewriter.getContext(), sizes));
  rewriter.setInsertionPoint(op);
  FailureOr<scf::SCFTilingResult> tiled =
      scf::tileUsingSCF(rewriter, cast<TilingInterface>(op.getOperation()), options);
  if (failed(tiled))
    return failure();
  rewriter.replaceOp(op, tiled->replacements);
  auto made = cast<linalg::LinalgOp>(tiled->tiledOps.front());
  if (linalg::isaContractionOpInterface(made) && failed(widenInTile(rewriter, made, tiled->loops)))
    return failure();
  return made;
}

static LogicalResult vectorizeProduct(RewriterBase &rewriter, linalg::LinalgOp op, ArrayRef<int64_t> limits) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  for (auto [size, limit] : llvm::zip_equal(sizes, limits))
    size = largestDivisor(size, limit);
  FailureOr<linalg::LinalgOp> tiled = tile(rewriter, op, sizes);
  return failed(tiled) ? failure() : vectorizeTile(rewriter, *tiled);
}

/// Vectorize an elementwise operation row by row.
static LogicalResult vectorizeRows(RewriterBase &rewriter, linalg::GenericOp op) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  std::fill(sizes.begin(), sizes.end() - 1, 1);
  op->removeAttr(kVectorRowsAttr);
  FailureOr<linalg::LinalgOp> tiled = tile(rewriter, op, sizes);
  return failed(tiled) ? failure() : vectorizeTile(rewriter, *tiled);
}

static bool hasStaticLoops(linalg::LinalgOp op) {
  return llvm::none_of(op.getStaticLoopRanges(), ShapedType::isDynamic);
}

namespace {

struct MLACPUVectorizePass : mla::impl::MLACPUVectorizeBase<MLACPUVectorizePass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<linalg::MatmulOp> products;
    SmallVector<linalg::GenericOp> rowwise;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (auto product = dyn_cast<linalg::MatmulOp>(op.getOperation()); product && hasStaticLoops(op))
        products.push_back(product);
      if (auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
          generic && op->hasAttr(kVectorRowsAttr) && hasStaticLoops(op))
        rowwise.push_back(generic);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::GenericOp op : rowwise)
      if (failed(vectorizeRows(rewriter, op)))
        return signalPassFailure();
    for (linalg::MatmulOp op : products)
      if (failed(vectorizeProduct(rewriter, op, {rows, columns, depth})))
        return signalPassFailure();
  }
};

} // namespace
