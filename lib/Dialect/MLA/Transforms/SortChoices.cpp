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

static SortChoicesOp sortChoices(OpBuilder &builder, ExpertsProjectOp up) {
  auto x = typeOf(up.getX()), experts = typeOf(up.getExperts());
  auto rows = x.clone({x.getDimSize(0), experts.getDimSize(1), x.getDimSize(1)});
  auto first = RankedTensorType::get({typeOf(up.getWeight()).getDimSize(0) + 1}, builder.getI32Type());
  Location loc = NameLoc::get(builder.getStringAttr("sorted"));
  return SortChoicesOp::create(builder, loc, rows, experts, first, up.getX(), up.getExperts());
}

static void rewrite(ExpertMlp mlp) {
  OpBuilder builder(mlp.up);
  SortChoicesOp sorted = sortChoices(builder, mlp.up);
  auto up = GroupedProjectOp::create(builder, mlp.up.getLoc(), mlp.up.getType(), sorted.getRows(), mlp.up.getWeight(),
                                     sorted.getFirst());
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
  mlp.up.erase();
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
