//===- Partition.cpp - The module of one rank -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpertMlp.h"
#include "TakePart.h"
#include "mla/Dialect/MLA/IR/Adapt.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"

#include "mlir/Dialect/Shard/IR/ShardOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mla {
#define GEN_PASS_DEF_MLAPARTITION
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {
/// Turns the operations with cuts into those of one rank.
class RankBuilder {
public:
  RankBuilder(int64_t rank, bool callerReduces) : rank(rank), callerReduces(callerReduces) {}
  LogicalResult cut(DivisibleOpInterface op);

private:
  Part partOf(CutAttr cut, int64_t dim) const { return {dim, cut.getFirst()[rank], cut.getCount()[rank]}; }
  LogicalResult cutExperts(Operation *op, CutAttr cut);
  void takeSummed(DivisibleOpInterface op, CutAttr cut);
  void reduce(Operation *op);
  void returnAddend(Operation *op);

  int64_t rank;
  bool callerReduces;
};
} // namespace

/// Take the rank's experts of both projections of an MLP.
LogicalResult RankBuilder::cutExperts(Operation *op, CutAttr cut) {
  auto down = dyn_cast<ExpertsProjectOp>(op);
  std::optional<ExpertMlp> mlp = down ? matchExpertMlp(down) : std::nullopt;
  if (!mlp)
    return op->emitOpError() << "cannot be cut by experts: it is not the second projection of an MLP of experts";
  for (ExpertsProjectOp project : {mlp->up, mlp->down}) {
    OpBuilder builder(project);
    Part own = partOf(cut, 0);
    project.getWeightMutable().assign(takePart(builder, project.getLoc(), project.getWeight(), own));
    project.setFrom(project.getFrom() + own.first);
  }
  return success();
}

/// Sum over the rank's part only.
void RankBuilder::takeSummed(DivisibleOpInterface op, CutAttr cut) {
  OpBuilder builder(op);
  for (auto [operand, dim] : llvm::zip_equal(op->getOpOperands(), op.getSummedDims()))
    if (dim != DivisibleOpInterface::kWhole)
      operand.set(takePart(builder, op.getLoc(), operand.get(), partOf(cut, dim)));
}

/// Return the sum of one rank of which a value is the sum of all.
static Value addendOf(Value sum) {
  if (auto truncated = sum.getDefiningOp<arith::TruncFOp>())
    sum = truncated.getIn();
  auto reduced = sum.getDefiningOp<shard::AllReduceOp>();
  return reduced ? reduced.getInput() : Value();
}

/// Add the sums of all ranks, in float32. What an update adds to is added with it.
void RankBuilder::reduce(Operation *op) {
  if (auto adapt = dyn_cast<AdaptOp>(op))
    if (Value addend = addendOf(adapt.getY()))
      adapt.getYMutable().assign(addend);
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  Value result = op->getResult(0);
  auto type = typeOf(result), f32 = type.clone(builder.getF32Type());
  result.setType(f32);
  auto reduced =
      shard::AllReduceOp::create(builder, op->getLoc(), f32, kGrid, ArrayRef<shard::GridAxis>{Groups, RanksOfGroup},
                                 result, shard::ReductionKind::Sum);
  Value sum = reduced;
  if (type != f32)
    sum = arith::TruncFOp::create(builder, op->getLoc(), type, sum);
  result.replaceUsesWithIf(sum, [&](OpOperand &use) { return use.getOwner() != reduced; });
}

/// Leave the sum to the caller. Only the first rank adds the bias.
void RankBuilder::returnAddend(Operation *op) {
  if (rank == 0)
    return;
  for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
    if (auto bias = dyn_cast<BiasOp>(user)) {
      bias.replaceAllUsesWith(bias.getX());
      bias.erase();
    }
}

LogicalResult RankBuilder::cut(DivisibleOpInterface op) {
  auto cuts = cast<ArrayAttr>(op->removeAttr(kCutsAttr));
  for (CutAttr cut : cuts.getAsRange<CutAttr>())
    if (cut.getKind() != CutKind::Experts)
      takeSummed(op, cut);
    else if (failed(cutExperts(op, cut)))
      return failure();
  callerReduces ? returnAddend(op) : reduce(op);
  return success();
}

//===----------------------------------------------------------------------===//
// The cache
//===----------------------------------------------------------------------===//

/// Give the caches of a function part `part` of `parts` of the pages.
static void divideCaches(func::FuncOp function, int64_t part, int64_t parts) {
  auto divided = [&](Type type) -> Type {
    auto cache = dyn_cast<CacheType>(type);
    return cache ? cache.clonePart(part, parts) : type;
  };
  auto divide = [&](Value value) { value.setType(divided(value.getType())); };
  llvm::for_each(function.getArguments(), divide);
  function.walk([&](Operation *op) { llvm::for_each(op->getResults(), divide); });
  FunctionType type = function.getFunctionType();
  function.setFunctionType(FunctionType::get(type.getContext(), llvm::map_to_vector(type.getInputs(), divided),
                                             llvm::map_to_vector(type.getResults(), divided)));
}

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

/// Return the cut of the module's heads; null: they are not cut.
static CutAttr findHeads(ModuleOp module) {
  CutAttr found;
  module.walk([&](Operation *op) {
    if (auto cuts = op->getAttrOfType<ArrayAttr>(kCutsAttr))
      for (CutAttr cut : cuts.getAsRange<CutAttr>())
        if (cut.getKind() == CutKind::Heads)
          found = cut;
  });
  return found;
}

namespace {
/// The place of a rank among all. `parts` ranks divide a cache.
struct Place {
  int64_t count, rank, parts;
  CutAttr heads; ///< null: not cut
  bool callerReduces;
};
} // namespace

/// Describe the rank to later passes, and in the description of the model.
static void describe(ModuleOp module, const Place &place) {
  Builder builder(module.getContext());
  auto number = [&](StringRef key, int64_t value) {
    return builder.getNamedAttr(key, builder.getI64IntegerAttr(value));
  };
  auto model = module->getAttrOfType<DictionaryAttr>(kModelAttr);
  NamedAttrList fields(model);
  auto set = [&](NamedAttribute field) { fields.set(field.getName(), field.getValue()); };
  if (place.heads) {
    int64_t first = place.heads.getFirst()[place.rank], heads = place.heads.getCount()[place.rank];
    set(number("heads", heads));
    if (!place.callerReduces || first != place.rank * heads)
      set(number("first_head", first));
  }
  if (place.callerReduces) {
    set(number("tensor_parallel", place.count));
    set(number("rank", place.rank));
  } else {
    set(builder.getNamedAttr("ranks",
                             builder.getDictionaryAttr({number("count", place.count), number("rank", place.rank),
                                                        number("tokens", place.parts)})));
    if (place.heads)
      module->setAttr(kMostHeadsAttr, builder.getI64IntegerAttr(*llvm::max_element(place.heads.getCount())));
  }
  if (model)
    module->setAttr(kModelAttr, fields.getDictionary(module.getContext()));
}

static LogicalResult partition(func::FuncOp function, RankBuilder ranks, StringRef prefix) {
  SmallVector<DivisibleOpInterface> cut;
  function.walk([&](DivisibleOpInterface op) {
    if (op->hasAttr(kCutsAttr))
      cut.push_back(op);
  });
  for (DivisibleOpInterface op : cut)
    if (failed(ranks.cut(op)))
      return failure();
  movePartsToWeights(function, prefix);
  IRRewriter rewriter(function.getContext());
  (void)runRegionDCE(rewriter, function->getRegions());
  return success();
}

namespace {
struct MLAPartition : mla::impl::MLAPartitionBase<MLAPartition> {
  using MLAPartitionBase::MLAPartitionBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto grid = module.lookupSymbol<shard::GridOp>(kGrid);
    int64_t groups = grid ? grid.getShape()[Groups] : 1, parts = grid ? grid.getShape()[RanksOfGroup] : 1;
    if (!grid || rank < 0 || rank >= groups * parts) {
      module.emitError() << "mla-partition: expected a shard.grid @" << kGrid << " with rank " << rank.getValue()
                         << "; run mla-shard, or choose a rank that exists";
      return signalPassFailure();
    }
    CutAttr heads = findHeads(module);
    auto prefix = module->getAttrOfType<StringAttr>(kCheckpointPrefixAttr);
    for (auto function : module.getOps<func::FuncOp>()) {
      if (failed(partition(function, RankBuilder(rank, callerReduces), prefix ? prefix.getValue() : "")))
        return signalPassFailure();
      if (parts > 1)
        divideCaches(function, rank % parts, parts);
    }
    describe(module, {groups * parts, rank, parts, heads, callerReduces});
    if (callerReduces)
      grid.erase();
  }
};
} // namespace
