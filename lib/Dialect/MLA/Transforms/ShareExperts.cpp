//===- ShareExperts.cpp - Shared MLPs as experts of all tokens --*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// SwiGLU is elementwise: an MLP of width S * I is the sum of S MLPs of width I, of
// rows of gate and up and columns of down.
//
//===----------------------------------------------------------------------===//

#include "ExpertMlp.h"

#include "mla/Dialect/MLA/Analysis/Commuting.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mla {
#define GEN_PASS_DEF_MLASHAREEXPERTS
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Kernels of routers have so many choices per token at most.
static constexpr int64_t kMostChoices = 32;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {
/// Experts, an MLP of the same tokens, and the sum of both.
struct SharedMlp {
  arith::AddFOp sum;
  ExpertMlp experts;
  RouteOp route;
  ProjectOp up, down;
  int64_t width; ///< of an expert

  int64_t count() { return typeOf(down.getWeight()).getDimSize(1) / width; }
};
} // namespace

/// Return the weights that a weight of experts is made of, one above the other, of `rows` rows each.
static tensor::ConcatOp piecesOf(Value weight, int64_t rows) {
  auto expanded = weight.getDefiningOp<tensor::ExpandShapeOp>();
  auto pieces = expanded ? expanded.getSrc().getDefiningOp<tensor::ConcatOp>() : tensor::ConcatOp();
  bool areRows = pieces && pieces.getDim() == 0 && typeOf(weight).getRank() == 3 &&
                 expanded.getReassociationIndices() == ArrayRef<ReassociationIndices>{{0, 1}, {2}} &&
                 llvm::all_of(pieces.getInputs(), [&](Value piece) { return typeOf(piece).getDimSize(0) == rows; });
  return areRows ? pieces : tensor::ConcatOp();
}

/// Return the plain projection whose only reader is `activated`, through slices.
static ProjectOp gatedProject(SwigluOp activated) {
  Value source = getSourceOfHalves(activated.getGate(), activated.getUp());
  auto project = source ? source.getDefiningOp<ProjectOp>() : ProjectOp();
  return project && project.getHeads() == Heads::None && !project.getPanels() ? project : ProjectOp();
}

/// Return the projections of an MLP whose gate and up are one weight above the other.
static std::optional<std::pair<ProjectOp, ProjectOp>> matchMlp(Value value) {
  auto down = value.getDefiningOp<ProjectOp>();
  auto activated = down ? down.getX().getDefiningOp<SwigluOp>() : SwigluOp();
  ProjectOp up = activated ? gatedProject(activated) : ProjectOp();
  auto pieces = up ? up.getWeight().getDefiningOp<tensor::ConcatOp>() : tensor::ConcatOp();
  if (!pieces || pieces.getInputs().size() != 2 || pieces.getDim() != 0 || down.getHeads() != Heads::None ||
      down.getPanels() || !down->hasOneUse() || pieces.getInputs()[0].getType() != pieces.getInputs()[1].getType())
    return std::nullopt;
  return std::pair(up, down);
}

/// Return whether the MLP's weights can be divided into pieces like those of the experts, and a token may have as many
/// more.
static bool haveEqualPieces(SharedMlp mlp) {
  int64_t all = typeOf(mlp.down.getWeight()).getDimSize(1), rows = typeOf(mlp.down.getWeight()).getDimSize(0);
  auto ups = piecesOf(mlp.experts.up.getWeight(), mlp.width), downs = piecesOf(mlp.experts.down.getWeight(), rows);
  if (!ups || !downs || all % mlp.width != 0 ||
      typeOf(mlp.route.getExperts()).getDimSize(1) + all / mlp.width > kMostChoices)
    return false;
  return getElementTypeOrSelf(ups.getType()) == getElementTypeOrSelf(mlp.up.getWeight().getType()) &&
         getElementTypeOrSelf(downs.getType()) == getElementTypeOrSelf(mlp.down.getWeight().getType());
}

static std::optional<SharedMlp> match(arith::AddFOp sum, Value experts, Value shared) {
  auto last = experts.getDefiningOp<ExpertsProjectOp>();
  std::optional<ExpertMlp> ofExperts = last && last->hasOneUse() ? matchExpertMlp(last) : std::nullopt;
  auto mlp = matchMlp(shared);
  auto route = ofExperts ? ofExperts->down.getSum().getDefiningOp<RouteOp>() : RouteOp();
  if (!mlp || !route || ofExperts->up.getExperts() != route.getExperts() || ofExperts->up.getX() != mlp->first.getX() ||
      route.getShared() != 0 || !getSourceOfHalves(ofExperts->activated.getGate(), ofExperts->activated.getUp()))
    return std::nullopt;
  // A router may have more choices than experts, whose numbers are those that shared ones would get.
  if (typeOf(route.getLogits()).getDimSize(1) != typeOf(ofExperts->up.getWeight()).getDimSize(0))
    return std::nullopt;
  bool isOwn = llvm::all_of(route->getUsers(),
                            [&](Operation *user) { return user == ofExperts->up || user == ofExperts->down; });
  int64_t width = typeOf(ofExperts->down.getWeight()).getDimSize(2);
  SharedMlp found{sum, *ofExperts, route, mlp->first, mlp->second, width};
  return isOwn && haveEqualPieces(found) ? std::optional(found) : std::nullopt;
}

/// Return `width` rows or columns of a weight from `from` on.
static Value part(OpBuilder &builder, Value weight, int64_t dim, int64_t from, int64_t width) {
  SmallVector<int64_t> sizes(typeOf(weight).getShape());
  SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0)),
      strides(sizes.size(), builder.getIndexAttr(1));
  offsets[dim] = builder.getIndexAttr(from);
  sizes[dim] = width;
  return tensor::ExtractSliceOp::create(builder, weight.getLoc(), weight, offsets,
                                        getAsIndexOpFoldResult(builder.getContext(), sizes), strides);
}

/// Return a weight of experts with others behind them.
static Value extended(OpBuilder &builder, Value weight, SmallVector<Value> others, int64_t count) {
  auto before = weight.getDefiningOp<tensor::ExpandShapeOp>().getSrc().getDefiningOp<tensor::ConcatOp>();
  SmallVector<Value> pieces(before.getInputs());
  llvm::append_range(pieces, others);
  auto all = tensor::ConcatOp::create(builder, before.getLoc(), /*dim=*/0, pieces);
  all->setDiscardableAttrs(before->getDiscardableAttrDictionary());
  SmallVector<int64_t> shape(typeOf(weight).getShape());
  shape.front() += count;
  return tensor::ExpandShapeOp::create(builder, weight.getLoc(), typeOf(weight).clone(shape), all,
                                       ArrayRef<ReassociationIndices>{{0, 1}, {2}});
}

static RouteOp extendRoute(SharedMlp mlp) {
  RouteOp route = mlp.route;
  OpBuilder builder(route);
  auto types = llvm::map_to_vector(route.getResults(), [&](Value result) -> Type {
    RankedTensorType type = typeOf(result);
    return type.clone({type.getDimSize(0), type.getDimSize(1) + mlp.count()});
  });
  auto extended = cast<RouteOp>(builder.clone(*route));
  for (auto [result, type] : llvm::zip_equal(extended->getResults(), types))
    result.setType(type);
  extended.setShared(mlp.count());
  return extended;
}

/// Clone an operation whose result has more choices.
static Value withChoices(OpBuilder &builder, Operation *op, IRMapping &mapping, int64_t choices) {
  Operation *clone = builder.clone(*op, mapping);
  RankedTensorType type = typeOf(clone->getResult(0));
  clone->getResult(0).setType(type.clone({type.getDimSize(0), choices, type.getDimSize(2)}));
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(clone)) {
    SmallVector<int64_t> sizes(slice.getStaticSizes());
    sizes[1] = choices;
    slice.setStaticSizes(sizes);
  }
  return clone->getResult(0);
}

static void rewrite(SharedMlp mlp) {
  OpBuilder builder(mlp.sum);
  ProjectOp sharedUp = mlp.up, sharedDown = mlp.down;
  ValueRange gateAndUp = sharedUp.getWeight().getDefiningOp<tensor::ConcatOp>().getInputs();
  SmallVector<Value> ups, downs;
  for (int64_t i = 0; i < mlp.count(); ++i) {
    for (Value weight : gateAndUp)
      ups.push_back(part(builder, weight, 0, i * mlp.width, mlp.width));
    downs.push_back(part(builder, sharedDown.getWeight(), 1, i * mlp.width, mlp.width));
  }
  RouteOp route = extendRoute(mlp);
  ExpertsProjectOp up = mlp.experts.up, down = mlp.experts.down;
  SwigluOp activated = mlp.experts.activated;
  IRMapping mapping;
  mapping.map(mlp.route->getResults(), route->getResults());
  mapping.map(up.getWeight(), extended(builder, up.getWeight(), ups, mlp.count()));
  mapping.map(down.getWeight(), extended(builder, down.getWeight(), downs, mlp.count()));
  int64_t choices = typeOf(route.getExperts()).getDimSize(1);
  for (Operation *op : {up.getOperation(), activated.getGate().getDefiningOp(), activated.getUp().getDefiningOp(),
                        activated.getOperation()})
    withChoices(builder, op, mapping, choices);
  arith::AddFOp sum = mlp.sum;
  sum.getResult().replaceAllUsesWith(builder.clone(*down, mapping)->getResult(0));
}

/// Erases what nothing reads any more.
static void eraseDead(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// Find a sum of experts and an MLP.
static std::optional<SharedMlp> find(func::FuncOp function) {
  for (auto sum : function.getOps<arith::AddFOp>())
    for (auto [experts, shared] : {std::pair(sum.getLhs(), sum.getRhs()), std::pair(sum.getRhs(), sum.getLhs())})
      if (std::optional<SharedMlp> mlp = match(sum, experts, shared))
        return mlp;
  return std::nullopt;
}

namespace {
struct MLAShareExperts : mla::impl::MLAShareExpertsBase<MLAShareExperts> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      while (std::optional<SharedMlp> mlp = function.isExternal() ? std::nullopt : find(function)) {
        numShared += mlp->count();
        rewrite(*mlp);
        eraseDead(function.front());
      }
  }
};
} // namespace
