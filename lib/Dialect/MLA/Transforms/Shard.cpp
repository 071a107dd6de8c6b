//===- Shard.cpp - Decide what ranks divide ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpertMlp.h"
#include "mla/Dialect/MLA/IR/Adapt.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"

#include "mlir/Dialect/Shard/IR/ShardOps.h"
#include "llvm/Support/FormatVariadic.h"

namespace mla {
#define GEN_PASS_DEF_MLASHARD
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;
using llvm::formatv;

/// The largest multiple at which widths are cut: a block of scales of DeepSeek's checkpoints, and a tile of kernels.
static constexpr int64_t kWidthUnit = 128;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {
/// Cuts of a sum for ranks in groups, each of which divides something else too.
struct Ranks {
  int64_t count;   ///< all of them
  int64_t experts; ///< groups of experts, one after the other
  int64_t perGroup() const { return count / experts; }
};
} // namespace

/// Return the first of `units` units of part `index` of `parts`.
static int64_t firstOf(int64_t units, int64_t parts, int64_t index) { return units * index / parts; }

/// Divide units of `unit` elements into `parts`, of which rank r has `partOf(r)`.
static CutAttr makeCut(MLIRContext *context, CutKind kind, int64_t units, int64_t unit, int64_t parts, int64_t ranks,
                       function_ref<int64_t(int64_t)> partOf, StringRef what) {
  SmallVector<int64_t> first, count;
  for (int64_t rank = 0; rank < ranks; ++rank) {
    int64_t from = firstOf(units, parts, partOf(rank)), to = firstOf(units, parts, partOf(rank) + 1);
    first.push_back(from * unit);
    count.push_back((to - from) * unit);
  }
  std::string why = formatv("{0} {1} over {2} ranks", units * unit, what, parts);
  if (unit > 1)
    why += formatv(", in multiples of {0}", unit);
  return CutAttr::get(context, kind, first, count, StringAttr::get(context, why));
}

static void addCut(Operation *op, CutAttr cut) {
  SmallVector<Attribute> cuts;
  if (auto present = op->getAttrOfType<ArrayAttr>(kCutsAttr))
    llvm::append_range(cuts, present);
  cuts.push_back(cut);
  op->setAttr(kCutsAttr, ArrayAttr::get(op->getContext(), cuts));
}

/// Cut the heads that a projection, or its update, sums over.
static LogicalResult cutHeads(Operation *op, Value x, const Ranks &ranks) {
  int64_t heads = typeOf(x).getDimSize(1);
  if (heads < ranks.count)
    return op->emitOpError() << "has " << heads << " heads, which " << ranks.count << " ranks cannot divide";
  addCut(op, makeCut(
                 op->getContext(), CutKind::Heads, heads, 1, ranks.count, ranks.count,
                 [](int64_t rank) { return rank; }, "heads"));
  return success();
}

/// Cut the width that an MLP activates among `parts` ranks.
static void cutWidth(Operation *op, int64_t width, int64_t parts, const Ranks &ranks) {
  int64_t unit = kWidthUnit;
  while (unit > 1 && (width % unit != 0 || width / unit < parts))
    unit /= 2;
  if (width / unit < parts) {
    op->emitRemark() << "its width, " << width << ", cannot be divided into " << parts
                     << " parts, and is computed whole on every rank";
    return;
  }
  addCut(op, makeCut(
                 op->getContext(), CutKind::Width, width / unit, unit, parts, ranks.count,
                 [&](int64_t rank) { return rank % parts; }, "columns"));
}

/// Cut experts among groups of ranks, and their width among the ranks of a group.
static void cutExperts(ExpertMlp mlp, Ranks ranks) {
  int64_t experts = typeOf(mlp.down.getWeight()).getDimSize(0);
  if (experts < ranks.experts) {
    mlp.down.emitRemark() << "its " << experts << " experts cannot be divided into " << ranks.experts
                          << " parts; their width is divided instead";
    ranks.experts = 1;
  }
  int64_t perGroup = ranks.perGroup();
  if (ranks.experts > 1)
    addCut(mlp.down, makeCut(
                         mlp.down.getContext(), CutKind::Experts, experts, 1, ranks.experts, ranks.count,
                         [&](int64_t rank) { return rank / perGroup; }, "experts"));
  if (perGroup > 1)
    cutWidth(mlp.down, typeOf(mlp.down.getX()).getShape().back(), perGroup, ranks);
}

static LogicalResult decide(Operation *op, const Ranks &ranks) {
  if (auto project = dyn_cast<ProjectOp>(op)) {
    if (project.getHeads() == Heads::From)
      return cutHeads(op, project.getX(), ranks);
    if (project.getX().getDefiningOp<SwigluOp>())
      cutWidth(op, typeOf(project.getX()).getDimSize(1), ranks.count, ranks);
  } else if (auto adapt = dyn_cast<AdaptOp>(op)) {
    if (!adapt.getSummedDims().empty())
      return cutHeads(op, adapt.getX(), ranks);
  } else if (auto down = dyn_cast<ExpertsProjectOp>(op)) {
    if (std::optional<ExpertMlp> mlp = matchExpertMlp(down))
      cutExperts(*mlp, ranks);
  }
  return success();
}

namespace {
struct MLAShard : mla::impl::MLAShardBase<MLAShard> {
  using MLAShardBase::MLAShardBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Ranks ranks = {heads, experts};
    for (auto [name, parts] : {std::pair("tokens", tokens.getValue()), std::pair("experts", experts.getValue())})
      if (parts < 1 || heads < 1 || heads % parts != 0) {
        module.emitError() << "mla-shard: expected " << name << " to divide the ranks, which are heads, got " << name
                           << "=" << parts << " and heads=" << heads.getValue();
        return signalPassFailure();
      }
    WalkResult result = module.walk([&](Operation *op) { return WalkResult(decide(op, ranks)); });
    if (result.wasInterrupted())
      return signalPassFailure();
    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    shard::GridOp::create(builder, module.getLoc(), kGrid, ArrayRef<int64_t>{heads / tokens, tokens});
  }
};
} // namespace
