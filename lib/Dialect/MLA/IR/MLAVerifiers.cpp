//===- MLAVerifiers.cpp - Constraints of the operations ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every error begins with the label of the constraint in MLAOps.td.
//
//===----------------------------------------------------------------------===//

#include "Shapes.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;

/// Check that the product of two sizes fits 64 bits, and that a number of tokens or experts is an i32.
static LogicalResult requireSizes(Operation *op, StringRef label, ValueRange values) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  for (Value value : values)
    if (llvm::any_of(shapeOf(value), [](int64_t size) { return size > most; }))
      return op->emitOpError() << label << " sizes must be at most " << most;
  return success();
}

LogicalResult WeightOp::verify() {
  if (!getType().hasStaticShape())
    return emitOpError("(C1) the shape of a weight must be static");
  return success();
}

SmallVector<int64_t> DequantizeOp::countBlocks(ArrayRef<int64_t> shape, ArrayRef<int64_t> block) {
  SmallVector<int64_t> counts(shape);
  for (auto [count, part] : llvm::zip_equal(counts, block))
    if (!ShapedType::isDynamic(count))
      count = llvm::divideCeil(count, part);
  return counts;
}

/// Return the shape with a dimension `dim` of two terms, which is neither the first nor the last; nothing if it is.
static std::optional<SmallVector<int64_t>> withTerms(ArrayRef<int64_t> shape, uint64_t dim) {
  SmallVector<int64_t> result(shape);
  if (dim < 1 || dim >= shape.size())
    return std::nullopt;
  result.insert(result.begin() + dim, 2);
  return result;
}

/// Return whether `elements` is the shape of elements of `terms` terms.
static bool hasElements(ArrayRef<int64_t> elements, ArrayRef<int64_t> shape, int64_t terms, uint64_t dim) {
  if (terms == 1)
    return elements == shape;
  std::optional<SmallVector<int64_t>> expected = withTerms(shape, dim);
  return expected && elements == ArrayRef(*expected);
}

LogicalResult DequantizeOp::verify() {
  ArrayRef<int64_t> x = shapeOf(getX()), scale = shapeOf(getScale()), block = getBlock(), result = shapeOf(getResult());
  int64_t terms = x.size() == result.size() + 1 ? 2 : 1;
  if (scale.size() != result.size() || !hasElements(x, result, terms, getTermDim()))
    return emitOpError("(C1) scale must have the rank of the result, and x its shape, or one with a dimension ")
           << getTermDim() << " of two terms";
  auto isValid = [](int64_t size, int64_t block) { return ShapedType::isDynamic(size) ? block == 1 : block > 0; };
  if (block.size() != result.size() || !llvm::all_of_zip(result, block, isValid))
    return emitOpError() << "(C2) block must have " << result.size()
                         << " positive sizes, 1 in a dynamic dimension, got [" << block << "]";
  for (auto [dim, size, expected] : llvm::enumerate(scale, countBlocks(result, block)))
    if (size != expected)
      return emitOpError() << "(C3) scale has " << size << " elements in dimension " << dim << ", expected "
                           << expected;
  return success();
}

LogicalResult QuantizeOp::verify() {
  ArrayRef<int64_t> x = shapeOf(getX());
  auto group = static_cast<int64_t>(getGroup()), terms = static_cast<int64_t>(getTerms());
  if (group <= 0 || (terms != 1 && terms != 2))
    return emitOpError() << "(C2) expected a positive group, and 1 or 2 terms, got " << group << " and " << terms;
  if (x.size() < 2 || ShapedType::isDynamicShape(x.drop_front()))
    return emitOpError("(C1) x must have at least two dimensions, of which only the first may be dynamic");
  if (!hasElements(shapeOf(getElements()), x, terms, getTermDim()))
    return emitOpError("(C1) the elements must have x's shape, with two terms another dimension ")
           << getTermDim() << " of 2";
  SmallVector<int64_t> block(x.size(), 1);
  block.back() = group;
  SmallVector<int64_t> expected = DequantizeOp::countBlocks(x, block);
  if (shapeOf(getScale()) != ArrayRef(expected))
    return emitOpError() << "(C3) expected scales of " << cast<RankedTensorType>(getScale().getType()).clone(expected)
                         << ", got " << getScale().getType();
  return success();
}

LogicalResult ComposeOp::verify() {
  ArrayRef<int64_t> outer = shapeOf(getOuter()), inner = shapeOf(getInner());
  if (outer.size() != 3 || inner.size() != 3 || outer[0] != inner[0])
    return emitOpError("(C1) operands must have rank 3 and one number of heads");
  if (outer[2] != inner[1])
    return emitOpError() << "(C2) the outer weight reads " << outer[2] << " elements, the inner one writes "
                         << inner[1];
  for (Value value : {getOuter(), getInner(), getResult()})
    if (cast<RankedTensorType>(value.getType()).getElementType().isF16())
      return emitOpError("(C3) f16 cannot represent a product of weights; use bf16 or f32");
  return success();
}

LogicalResult ComposeOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  auto outer = dyn_cast<RankedTensorType>(adaptor.getOuter().getType());
  auto inner = dyn_cast<RankedTensorType>(adaptor.getInner().getType());
  if (!outer || !inner || outer.getRank() != 3 || inner.getRank() != 3)
    return emitOptionalError(loc, "'mla.compose' op (C1) operands must have rank 3 and one number of heads");
  types.push_back(
      RankedTensorType::get({outer.getDimSize(0), outer.getDimSize(1), inner.getDimSize(2)}, outer.getElementType()));
  return success();
}

//===----------------------------------------------------------------------===//
// Linear maps
//===----------------------------------------------------------------------===//

/// The sizes of a projection's x, weight and result.
namespace {
struct ProjectShape {
  int64_t tokens, heads, rows, contracted;
};
} // namespace

/// Return the shape of x that a projection reads.
static SmallVector<int64_t> inputShape(Heads heads, ProjectShape s) {
  bool perHead = heads == Heads::Per || heads == Heads::From;
  return perHead ? SmallVector<int64_t>{s.tokens, s.heads, s.contracted} : SmallVector<int64_t>{s.tokens, s.contracted};
}

/// Return the shape of the result that a projection writes.
static SmallVector<int64_t> outputShape(Heads heads, ProjectShape s) {
  bool perHead = heads == Heads::Per || heads == Heads::To;
  return perHead ? SmallVector<int64_t>{s.tokens, s.heads, s.rows} : SmallVector<int64_t>{s.tokens, s.rows};
}

/// Return the shape of the weight, in rows or in panels of `panel` rows.
static SmallVector<int64_t> weightShape(Heads heads, ProjectShape s, int64_t panel) {
  bool rows = panel == 0;
  switch (heads) {
  case Heads::None:
    return rows ? SmallVector<int64_t>{s.rows, s.contracted}
                : SmallVector<int64_t>{s.rows / panel, s.contracted, panel};
  case Heads::To:
    return rows ? SmallVector<int64_t>{s.heads, s.rows, s.contracted}
                : SmallVector<int64_t>{s.heads * s.rows / panel, s.contracted, panel};
  case Heads::Per:
    return rows ? SmallVector<int64_t>{s.heads, s.rows, s.contracted}
                : SmallVector<int64_t>{s.heads, s.rows / panel, s.contracted, panel};
  case Heads::From:
    return rows ? SmallVector<int64_t>{s.rows, s.heads, s.contracted}
                : SmallVector<int64_t>{s.rows / panel, s.heads * s.contracted, panel};
  }
  llvm_unreachable("all cases are handled");
}

int64_t ProjectOp::getContractedSize() {
  ArrayRef<int64_t> x = shapeOf(getX());
  return getHeads() == Heads::From ? x[1] * x[2] : x.back();
}

int64_t ProjectOp::getNumRows() {
  ArrayRef<int64_t> result = shapeOf(getResult());
  return getHeads() == Heads::To ? result[1] * result[2] : result.back();
}

LogicalResult ProjectOp::verify() {
  Heads heads = getHeads();
  bool headsIn = heads == Heads::Per || heads == Heads::From, headsOut = heads == Heads::Per || heads == Heads::To;
  ArrayRef<int64_t> x = shapeOf(getX()), weight = shapeOf(getWeight()), result = shapeOf(getResult());
  if (x.size() != 2u + headsIn || result.size() != 2u + headsOut || (getPanels() && weight.empty()))
    return emitOpError() << "(C1) " << stringifyHeads(heads) << " expects x of rank " << 2 + headsIn
                         << " and a result of rank " << 2 + headsOut;
  if (ShapedType::isDynamicShape(x.drop_front()) || ShapedType::isDynamicShape(result.drop_front()) ||
      ShapedType::isDynamicShape(weight))
    return emitOpError("(C2) only the number of tokens may be dynamic");
  if (failed(requireSizes(*this, "(C2)", {getX(), getWeight(), getResult()})))
    return failure();

  ProjectShape shape = {x[0], headsOut ? result[1] : (headsIn ? x[1] : 1), result.back(), x.back()};
  int64_t panel = getPanels() ? weight.back() : 0;
  int64_t panelled = heads == Heads::To ? shape.heads * shape.rows : shape.rows;
  if (getPanels() && (panel <= 0 || panelled % panel != 0))
    return emitOpError() << "(C3) panels of " << panel << " do not divide " << panelled << " rows";
  if (failed(requireShape(*this, "(C2)", "x", getX(), inputShape(heads, shape))) ||
      failed(requireShape(*this, "(C2)", "weight", getWeight(), weightShape(heads, shape, panel))))
    return failure();
  return requireShape(*this, "(C2)", "result", getResult(), outputShape(heads, shape));
}

LogicalResult BiasOp::verify() { return requireShape(*this, "(C1)", "bias", getBias(), shapeOf(getX()).drop_front()); }

//===----------------------------------------------------------------------===//
// Norm and position
//===----------------------------------------------------------------------===//

LogicalResult RmsNormOp::verify() {
  if (rankOf(getX()) < 1)
    return emitOpError("(C2) x must have at least one dimension");
  if (failed(requireShape(*this, "(C1)", "gamma", getGamma(), {shapeOf(getX()).back()})) ||
      failed(requireShape(*this, "(C2)", "result", getResult(), shapeOf(getX()))))
    return failure();
  if (!(getEpsilon().convertToDouble() >= 0))
    return emitOpError("(C3) epsilon must not be negative");
  return success();
}

LogicalResult RopeOp::verify() {
  ArrayRef<int64_t> x = shapeOf(getX());
  if ((x.size() != 2 && x.size() != 3) || ShapedType::isDynamic(x.back()) || x.back() % 2 != 0)
    return emitOpError("(C1) x must be [T, R] or [T, H, R] with an even R");
  if (static_cast<int64_t>(getFrequencies().size()) * 2 != x.back())
    return emitOpError() << "(C2) expected " << x.back() / 2 << " frequencies for " << x.back() << " elements, got "
                         << getFrequencies().size();
  return success();
}

LogicalResult PositionScaleOp::verify() {
  if (getOriginal() <= 0)
    return emitOpError("(C1) original must be positive");
  return success();
}

//===----------------------------------------------------------------------===//
// The cache
//===----------------------------------------------------------------------===//

LogicalResult AppendOp::verify() {
  CacheType cache = getCache().getType();
  constexpr int64_t kAny = ShapedType::kDynamic;
  if (failed(requireShape(*this, "(C1)", "latent", getLatent(), {kAny, cache.getLatent()})) ||
      failed(requireShape(*this, "(C1)", "k_rope", getKRope(), {shapeOf(getLatent())[0], cache.getRope()})))
    return failure();
  return success();
}

LogicalResult GatherOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto cache = dyn_cast<CacheType>(adaptor.getCache().getType());
  if (!cache)
    return failure();
  constexpr int64_t kAny = ShapedType::kDynamic;
  types.push_back(RankedTensorType::get({kAny, cache.getLatent()}, cache.getElementType()));
  types.push_back(RankedTensorType::get({kAny, cache.getRope()}, cache.getElementType()));
  types.push_back(cache.getLengthsType());
  return success();
}

//===----------------------------------------------------------------------===//
// The rest of a decoder
//===----------------------------------------------------------------------===//

LogicalResult EmbedOp::verify() {
  ArrayRef<int64_t> table = shapeOf(getTable());
  if (table.size() != 2 || ShapedType::isDynamicShape(table))
    return emitOpError("(C1) the table must be [vocabulary, D], and static");
  if (failed(requireSizes(*this, "(C1)", {getTable(), getResult()})))
    return failure();
  return requireShape(*this, "(C1)", "result", getResult(), {shapeOf(getIds())[0], table[1]});
}

LogicalResult SwigluOp::verify() { return requireShape(*this, "(C1)", "result", getResult(), shapeOf(getGate())); }

LogicalResult RouteOp::verify() {
  ArrayRef<int64_t> logits = shapeOf(getLogits()), experts = shapeOf(getExperts());
  if (logits.size() != 2 || experts.size() != 2 || ShapedType::isDynamic(logits[1]) ||
      ShapedType::isDynamic(experts[1]))
    return emitOpError("(C1) logits must be [T, E], experts [T, C], with static E and C");
  if (failed(requireSizes(*this, "(C1)", {getLogits(), getExperts()})) ||
      failed(requireShape(*this, "(C1)", "experts", getExperts(), {logits[0], experts[1]})) ||
      failed(requireShape(*this, "(C1)", "weights", getWeights(), {logits[0], experts[1]})) ||
      (getCorrection() && failed(requireShape(*this, "(C1)", "correction", getCorrection(), {logits[1]}))))
    return failure();
  auto groups = static_cast<int64_t>(getGroups()), kept = static_cast<int64_t>(getKept());
  auto best = static_cast<int64_t>(getBest());
  auto shared = static_cast<int64_t>(getShared());
  int64_t all = logits[1];
  if (groups < 1 || all % groups != 0 || kept < 1 || kept > groups || best < 1 || best > all / groups)
    return emitOpError() << "(C2) " << all << " experts cannot be in " << groups << " groups of which " << kept
                         << " are kept by their " << best << " best";
  if (shared < 0 || shared > experts[1])
    return emitOpError() << "(C3) expected 0 to " << experts[1] << " shared experts, got " << shared;
  if (all + shared > std::numeric_limits<int32_t>::max())
    return emitOpError() << "(C3) numbers of " << all << " experts and " << shared << " shared ones exceed 32 bits";
  int64_t chosen = experts[1] - shared;
  if (chosen < 1 || chosen > kept * (all / groups))
    return emitOpError() << "(C3) cannot choose " << chosen << " of the " << kept * (all / groups)
                         << " experts of the kept groups";
  if (!getFactor().isFinite())
    return emitOpError("(C4) the factor must be finite");
  return success();
}

/// Return the shape of a weight without panels, [E, N, K]; an empty one if the ranks are wrong, or if it has no element
/// or more rows than can be counted.
static SmallVector<int64_t> shapeOfExperts(ExpertsProjectOp op) {
  ArrayRef<int64_t> weight = shapeOf(op.getWeight());
  if (weight.size() != (op.getPanels() ? 4u : 3u) || llvm::is_contained(weight, 0))
    return {};
  if (!op.getPanels() || ShapedType::isDynamicShape(weight))
    return SmallVector<int64_t>(weight.take_front(3));
  int64_t rows = 0;
  if (llvm::MulOverflow(weight[1], weight[3], rows))
    return {};
  return {weight[0], rows, weight[2]};
}

static bool hasCountableElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  return llvm::none_of(shape, [&](int64_t size) { return llvm::MulOverflow(count, size, count); });
}

/// Check the number of the first expert.
static LogicalResult requireNumber(Operation *op, int64_t from) {
  if (from >= 0 && from <= std::numeric_limits<int32_t>::max())
    return success();
  return op->emitOpError("(C4) from must be from 0 to 2^31 - 1, got ") << from;
}

LogicalResult ExpertsProjectOp::verify() {
  SmallVector<int64_t> weight = shapeOfExperts(*this);
  ArrayRef<int64_t> x = shapeOf(getX()), experts = shapeOf(getExperts()), result = shapeOf(getResult());
  if ((x.size() != 2 && x.size() != 3) || experts.size() != 2 || weight.empty())
    return emitOpError("(C1) x must be [T, K] or [T, C, K], experts [T, C], and the weight [E, N, K] or in panels, "
                       "without empty dimensions");
  if (ShapedType::isDynamicShape(x.drop_front()) || ShapedType::isDynamicShape(experts.drop_front()) ||
      ShapedType::isDynamicShape(shapeOf(getWeight())) || ShapedType::isDynamicShape(result.drop_front()))
    return emitOpError("(C3) only the number of tokens may be dynamic");
  if (failed(requireSizes(*this, "(C3)", {getX(), getWeight(), getExperts(), getResult()})))
    return failure();
  int64_t tokens = x[0], choices = experts[1];
  if (choices < 1 || !hasCountableElements(shapeOf(getWeight())))
    return emitOpError("(C3) expected a choice at least, and a weight whose elements can be counted");
  SmallVector<int64_t> input = {tokens, weight[2]}, output = {tokens, weight[1]};
  if (x.size() == 3)
    input.insert(input.begin() + 1, choices);
  if (!getSum())
    output.insert(output.begin() + 1, choices);
  if (failed(requireShape(*this, "(C1)", "x", getX(), input)) ||
      failed(requireShape(*this, "(C1)", "experts", getExperts(), {tokens, choices})) ||
      (getSum() && failed(requireShape(*this, "(C1)", "sum", getSum(), {tokens, choices}))))
    return failure();
  if (failed(requireNumber(*this, static_cast<int64_t>(getFrom()))))
    return failure();
  return requireShape(*this, "(C2)", "result", getResult(), output);
}

LogicalResult PassChoicesOp::verify() {
  ArrayRef<int64_t> x = shapeOf(getX()), experts = shapeOf(getExperts());
  if (x.size() != 2 || experts.size() != 2 || ShapedType::isDynamic(experts[1]))
    return emitOpError("(C1) x must be [T, D], experts [T, C], with static C");
  if (failed(requireSizes(*this, "(C1)", {getX(), getExperts()})) ||
      failed(requireShape(*this, "(C1)", "experts", getExperts(), {x[0], experts[1]})) ||
      failed(requireShape(*this, "(C1)", "weights", getWeights(), {x[0], experts[1]})) ||
      failed(requireShape(*this, "(C1)", "result", getResult(), x)))
    return failure();
  auto from = static_cast<int64_t>(getFrom());
  if (from < 0 || from > std::numeric_limits<int32_t>::max())
    return emitOpError("(C2) expected from to be a number of i32 that is not negative, got ") << from;
  return success();
}

LogicalResult SortChoicesOp::verify() {
  ArrayRef<int64_t> x = shapeOf(getX()), experts = shapeOf(getExperts()), first = shapeOf(getFirst());
  auto isE4M3 = [](Value rows) { return isa<Float8E4M3FNType>(getElementTypeOrSelf(rows.getType())); };
  bool isScaled = isE4M3(getX());
  bool hasTerms = isScaled && x.size() == 3 && x[1] == 2;
  if ((x.size() != 2 && !hasTerms) || experts.size() != 2 || x[0] != experts[0])
    return emitOpError("(C1) x must be [T, K], or of two terms in e4m3 [T, 2, K], and experts [T, C]");
  auto ofChoices = [&](ArrayRef<int64_t> shape) {
    SmallVector<int64_t> result(shape);
    result.insert(result.begin() + 1, experts[1]);
    return result;
  };
  if (failed(requireSizes(*this, "(C1)", {getRows(), getFirst()})) ||
      failed(requireShape(*this, "(C1)", "rows", getRows(), ofChoices(x))) ||
      failed(requireShape(*this, "(C1)", "order", getOrder(), experts)))
    return failure();
  if (first.size() != 1 || ShapedType::isDynamic(first[0]) || first[0] < 2)
    return emitOpError("(C2) first must be [E + 1], static, with at least one expert");
  if (static_cast<bool>(getScale()) != isScaled || static_cast<bool>(getScales()) != isScaled ||
      isE4M3(getRows()) != isScaled)
    return emitOpError("(C3) must have scales, and rows in e4m3, if and only if x is in e4m3");
  if (failed(requireNumber(*this, static_cast<int64_t>(getFrom()))))
    return failure();
  if (!isScaled)
    return success();
  if (ArrayRef<int64_t> scale = shapeOf(getScale()); scale.size() != 2 || scale[0] != x[0])
    return emitOpError("(C3) scale must be [T, G]");
  return requireShape(*this, "(C3)", "scales", getScales(), ofChoices(shapeOf(getScale())));
}

LogicalResult GroupedProjectOp::verify() {
  ArrayRef<int64_t> rows = shapeOf(getRows()), weight = shapeOf(getWeight());
  if (rows.size() != 3 || weight.size() != 3)
    return emitOpError("(C1) rows must be [T, C, K], the weight [E, N, K]");
  if (ShapedType::isDynamicShape(rows.drop_front()) || ShapedType::isDynamicShape(weight) ||
      llvm::is_contained(weight, 0))
    return emitOpError("(C2) only the number of tokens may be dynamic, and no dimension of the weight empty");
  if (failed(requireSizes(*this, "(C2)", {getRows(), getWeight()})) ||
      failed(requireShape(*this, "(C1)", "rows", getRows(), {rows[0], rows[1], weight[2]})) ||
      failed(requireShape(*this, "(C1)", "first", getFirst(), {weight[0] + 1})))
    return failure();
  return requireShape(*this, "(C1)", "result", getResult(), {rows[0], rows[1], weight[1]});
}

LogicalResult MixChoicesOp::verify() {
  ArrayRef<int64_t> rows = shapeOf(getRows());
  if (rows.size() != 3)
    return emitOpError("(C1) rows must be [T, C, N]");
  if (failed(requireSizes(*this, "(C1)", {getRows(), getResult()})) ||
      failed(requireShape(*this, "(C1)", "order", getOrder(), rows.take_front(2))) ||
      failed(requireShape(*this, "(C1)", "weights", getWeights(), rows.take_front(2))))
    return failure();
  return requireShape(*this, "(C1)", "result", getResult(), {rows[0], rows[2]});
}

//===----------------------------------------------------------------------===//
// Threads of the host
//===----------------------------------------------------------------------===//

LogicalResult SpawnOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto body = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(*this, getBodyAttr());
  SmallVector<Type> expected(getCaptured().getTypes());
  expected.push_back(IndexType::get(getContext()));
  if (!body || body.getArgumentTypes() != ArrayRef<Type>(expected) || body.getNumResults() != 0)
    return emitOpError() << "(C1) expected " << getBody() << " to be a function of the captured values and an index";
  return success();
}
