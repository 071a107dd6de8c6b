//===- MatrixTiles.cpp - Products of bf16 on AMX tiles --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tile register has 16 rows of 64 bytes. TDPBF16PS adds to 16 x 16 sums of f32
// the product of 16 rows of 32 elements of bf16 with 16 rows of 16 pairs (Intel
// SDM, volume 2, TDPBF16PS). Of the 8 registers, 4 hold sums.
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/Passes.h"
#include "mla/Target/CPU/Passes.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mla {
#define GEN_PASS_DEF_MLACPUMATRIXTILES
#include "mla/Target/CPU/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Rows of a tile, and columns of a tile of sums.
static constexpr int64_t kEdge = 16;
/// Elements of bf16 in a row of a tile.
static constexpr int64_t kDepth = 32;
/// Tiles of sums side by side in registers, in either direction.
static constexpr int64_t kSums = 2;

static MemRefType typeOf(Value buffer) { return cast<MemRefType>(buffer.getType()); }

namespace {
/// Multiplies rows [m, k] by pairs [k / 2, n * 2] and adds to sums [m, n].
class TileBuilder : public ImplicitLocOpBuilder {
public:
  TileBuilder(linalg::GenericOp op, OpBuilder &builder)
      : ImplicitLocOpBuilder(op.getLoc(), builder), rows(joined(op.getInputs()[0], {{0}, {1, 2}})),
        pairs(joined(op.getInputs()[1], {{0}, {1, 2}})), sums(op.getOutputs()[0]),
        sumTile(amx::TileType::get({kEdge, kEdge}, getF32Type())),
        factorTile(amx::TileType::get({kEdge, kDepth}, getBF16Type())) {}

  /// Emit the sums from row `m` and column `n` on, `kSums` tiles in either direction.
  void emitSums(int64_t m, int64_t n);

private:
  Value joined(Value buffer, ArrayRef<ReassociationIndices> groups) {
    return memref::CollapseShapeOp::create(*this, buffer, groups);
  }
  Value index(int64_t value) { return arith::ConstantIndexOp::create(*this, value); }
  Value load(amx::TileType type, Value buffer, ValueRange at) {
    return amx::TileLoadOp::create(*this, type, buffer, at);
  }
  SmallVector<Value> emitStep(Value k, int64_t m, int64_t n, ValueRange carried);

  Value rows, pairs, sums;
  amx::TileType sumTile, factorTile;
};
} // namespace

/// Add the products of 32 columns, from `k` on.
SmallVector<Value> TileBuilder::emitStep(Value k, int64_t m, int64_t n, ValueRange carried) {
  Value pair = arith::DivUIOp::create(*this, k, index(2));
  SmallVector<Value> left, right, made;
  for (int64_t i = 0; i < kSums; ++i)
    left.push_back(load(factorTile, rows, {index(m + i * kEdge), k}));
  for (int64_t j = 0; j < kSums; ++j)
    right.push_back(load(factorTile, pairs, {pair, index(2 * (n + j * kEdge))}));
  for (int64_t i = 0; i < kSums; ++i)
    for (int64_t j = 0; j < kSums; ++j)
      made.push_back(amx::TileMulFOp::create(*this, sumTile, left[i], right[j], carried[i * kSums + j]));
  return made;
}

void TileBuilder::emitSums(int64_t m, int64_t n) {
  SmallVector<SmallVector<Value>> places;
  SmallVector<Value> init;
  for (int64_t i = 0; i < kSums; ++i)
    for (int64_t j = 0; j < kSums; ++j)
      places.push_back({index(m + i * kEdge), index(n + j * kEdge)});
  for (ArrayRef<Value> at : places)
    init.push_back(load(sumTile, sums, at));
  auto loop = scf::ForOp::create(*this, index(0), index(typeOf(rows).getDimSize(1)), index(kDepth), init);
  {
    OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(*this, emitStep(loop.getInductionVar(), m, n, loop.getRegionIterArgs()));
  }
  for (auto [at, sum] : llvm::zip_equal(places, loop.getResults()))
    amx::TileStoreOp::create(*this, sums, at, sum);
}

/// Return whether tiles divide the product.
static bool hasTiles(linalg::GenericOp op) {
  auto isOf = [](Value buffer, int64_t rank, auto isElement) {
    auto type = dyn_cast<MemRefType>(buffer.getType());
    return type && type.getRank() == rank && isElement(type.getElementType());
  };
  auto isFactor = [&](Value buffer) { return isOf(buffer, 3, [](Type type) { return type.isBF16(); }); };
  if (op.getInputs().size() != 2 || op.getOutputs().size() != 1 || !llvm::all_of(op.getInputs(), isFactor) ||
      !isOf(op.getOutputs()[0], 2, [](Type type) { return type.isF32(); }))
    return false;
  ArrayRef<int64_t> rows = typeOf(op.getInputs()[0]).getShape(), sums = typeOf(op.getOutputs()[0]).getShape();
  auto isMultiple = [](int64_t size, int64_t of) { return !ShapedType::isDynamic(size) && size % of == 0; };
  return isMultiple(sums[0], kSums * kEdge) && isMultiple(sums[1], kSums * kEdge) && isMultiple(rows[1], kDepth / 2);
}

static LogicalResult lower(linalg::GenericOp op) {
  if (!hasTiles(op))
    return op.emitOpError() << "marked " << kMatrixTilesAttr << " must have multiples of " << kSums * kEdge
                            << " rows and columns, and of " << kDepth << " products in a sum";
  OpBuilder at(op);
  TileBuilder builder(op, at);
  ArrayRef<int64_t> shape = typeOf(op.getOutputs()[0]).getShape();
  for (int64_t m = 0; m < shape[0]; m += kSums * kEdge)
    for (int64_t n = 0; n < shape[1]; n += kSums * kEdge)
      builder.emitSums(m, n);
  op.erase();
  return success();
}

namespace {
struct MLACPUMatrixTilesPass : mla::impl::MLACPUMatrixTilesBase<MLACPUMatrixTilesPass> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> products;
    getOperation().walk([&](linalg::GenericOp op) {
      if (op->hasAttr(kMatrixTilesAttr))
        products.push_back(op);
    });
    for (linalg::GenericOp op : products)
      if (failed(lower(op)))
        return signalPassFailure();
  }
};
} // namespace
