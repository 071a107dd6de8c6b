//===- SortChoices.cpp - Projections of sorted choices ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   up   = experts_project x, W_up of e            rows, order, first = sort_choices x by e
//   h    = swiglu(slices of up)               ->   up = grouped_project rows, W_up by first
//   down = experts_project h, W_down of e,         h  = swiglu(slices of up)
//          summed by w                             down = mix_choices (grouped_project h, W_down by first)
//                                                         by order, weighted w
//
// What is between the projections is computed row by row, in whichever order.
//
//===----------------------------------------------------------------------===//

#include "ExpertMlp.h"

#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mla {
#define GEN_PASS_DEF_MLASORTCHOICES
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Return the type of a tensor with a row per token, for every choice.
static RankedTensorType withChoices(Value rows, int64_t choices) {
  SmallVector<int64_t> shape(typeOf(rows).getShape());
  shape.insert(shape.begin() + 1, choices);
  return typeOf(rows).clone(shape);
}

/// Sort the rows that the choices multiply, or their elements and scales.
static SortChoicesOp sortChoices(OpBuilder &builder, ExpertsProjectOp up) {
  auto quantized = up.getX().getDefiningOp<DequantizeOp>();
  Value x = quantized ? quantized.getX() : up.getX(), scale = quantized ? quantized.getScale() : Value();
  int64_t choices = typeOf(up.getExperts()).getDimSize(1);
  auto first = RankedTensorType::get({typeOf(up.getWeight()).getDimSize(0) + 1}, builder.getI32Type());
  SmallVector<Type> types = {withChoices(x, choices), typeOf(up.getExperts()), first};
  if (scale)
    types.push_back(withChoices(scale, choices));
  Location loc = NameLoc::get(builder.getStringAttr("sorted"));
  return SortChoicesOp::create(builder, loc, types, x, up.getExperts(), scale, up.getFrom());
}

/// Return the sorted rows as the products read them.
static Value readRows(OpBuilder &builder, ExpertsProjectOp up, SortChoicesOp sorted) {
  auto quantized = up.getX().getDefiningOp<DequantizeOp>();
  if (!quantized)
    return sorted.getRows();
  SmallVector<int64_t> block(quantized.getBlock());
  block.insert(block.begin() + 1, 1);
  auto type = withChoices(up.getX(), typeOf(up.getExperts()).getDimSize(1));
  return DequantizeOp::create(builder, up.getLoc(), type, sorted.getRows(), sorted.getScales(), block,
                              quantized.getTermDim() + 1);
}

static void rewrite(ExpertMlp mlp) {
  OpBuilder builder(mlp.up);
  SortChoicesOp sorted = sortChoices(builder, mlp.up);
  auto up = GroupedProjectOp::create(builder, mlp.up.getLoc(), mlp.up.getType(), readRows(builder, mlp.up, sorted),
                                     mlp.up.getWeight(), sorted.getFirst());
  ExpertsProjectOp down = mlp.down;
  builder.setInsertionPoint(down);
  auto result = typeOf(down.getResult());
  auto perChoice = result.clone({result.getDimSize(0), typeOf(down.getX()).getDimSize(1), result.getDimSize(1)});
  auto products =
      GroupedProjectOp::create(builder, down.getLoc(), perChoice, down.getX(), down.getWeight(), sorted.getFirst());
  auto mixed = MixChoicesOp::create(builder, down.getLoc(), result, products, sorted.getOrder(), down.getSum());
  mlp.up.getResult().replaceAllUsesWith(up);
  down.getResult().replaceAllUsesWith(mixed);
  down.erase();
  Operation *quantized = mlp.up.getX().getDefiningOp();
  mlp.up.erase();
  if (isa_and_present<DequantizeOp>(quantized) && quantized->use_empty())
    quantized->erase();
}

namespace {
struct MLASortChoices : mla::impl::MLASortChoicesBase<MLASortChoices> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!isPrepare(function))
        for (auto down : llvm::make_early_inc_range(llvm::to_vector(function.getOps<ExpertsProjectOp>())))
          if (std::optional<ExpertMlp> mlp = matchExpertMlp(down))
            rewrite(*mlp);
  }
};
} // namespace
