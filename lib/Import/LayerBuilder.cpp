//===- LayerBuilder.cpp - The body of an attention layer ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layer as in modeling_deepseek_v3.py and related models, in naive form.
// Everything between hidden states, cache and result is float32, independent of
// their element types. Locations of values are their names, which
// `--mlir-use-nameloc-as-prefix` prints.
//
//===----------------------------------------------------------------------===//

#include "LayerBuilder.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::importer;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

CacheType LayerBuilder::cacheType() {
  return CacheType::get(builder.getContext(), options.page, config.kvLoraRank, config.ropeDim, outside(),
                        static_cast<CacheFormat>(options.cacheFormat));
}

/// Return the type of a tensor with one row, or one element of shape `shape`, per token.
RankedTensorType LayerBuilder::tokensOf(ArrayRef<int64_t> shape, Type element) {
  SmallVector<int64_t, 3> sizes = {ShapedType::kDynamic};
  sizes.append(shape.begin(), shape.end());
  return RankedTensorType::get(sizes, element);
}

Type LayerBuilder::rowsType() {
  int64_t streams = config.decoder ? config.decoder->streams() : 1;
  return tokensOf(streams * config.hiddenSize, outside());
}

FunctionType LayerBuilder::functionType() {
  Type hidden = rowsType(), numbers = tokensOf({}, builder.getI32Type());
  SmallVector<Type> arguments = {hidden, numbers, cacheType()};
  if (!options.adapters.names.empty())
    arguments.push_back(numbers);
  return builder.getFunctionType(arguments, {hidden, cacheType()});
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

static Type elementType(Builder &builder, DType dtype) {
  switch (dtype) {
  case DType::F32:
    return builder.getF32Type();
  case DType::BF16:
    return builder.getBF16Type();
  case DType::F16:
    return builder.getF16Type();
  case DType::F8_E4M3:
    return Float8E4M3FNType::get(builder.getContext());
  default:
    llvm_unreachable("findLayerWeights takes no other type");
  }
}

/// Return "kv_b_proj" for "kv_b_proj.weight", "o_proj_bias" for "o_proj.bias".
std::string LayerBuilder::valueName(WeightRole role) {
  StringRef name = checkpointSuffix(role);
  name.consume_back(".weight");
  std::string result = name.str();
  llvm::replace(result, '.', '_');
  return result;
}

Value mla::importer::splitDim(OpBuilder &builder, Location loc, Value weight, ArrayRef<int64_t> shape,
                              ArrayRef<ReassociationIndices> groups) {
  auto type = cast<RankedTensorType>(weight.getType()).clone(shape);
  return tensor::ExpandShapeOp::create(builder, loc, type, weight, groups);
}

const WeightSpec *LayerBuilder::find(WeightRole role) const {
  const WeightSpec *spec = llvm::find_if(weights, [&](const WeightSpec &spec) { return spec.expected.role == role; });
  return spec == weights.end() ? nullptr : spec;
}

/// Multiply a weight by a constant in float32, when weights are prepared.
Value LayerBuilder::scaled(Value weight, double factor, StringRef name) {
  if (factor == 1)
    return weight;
  weight = inFloat32(weight, name);
  auto splat = DenseElementsAttr::get(cast<RankedTensorType>(weight.getType()), static_cast<float>(factor));
  Value scale = arith::ConstantOp::create(builder, named((name + "_scale").str()), splat);
  return arith::MulFOp::create(builder, named((name + "_scaled").str()), weight, scale);
}

/// Load a weight of the checkpoint, times a factor; dequantize a block-scaled one, whose scales take the factor.
Value LayerBuilder::stored(const WeightSpec &spec, StringRef name, double factor) {
  auto type = RankedTensorType::get(spec.expected.shape, elementType(builder, spec.dtype));
  Value stored = WeightOp::create(builder, named(name), type, spec.expected.name);
  if (!spec.isScaled())
    return scaled(stored, factor, name);
  const WeightScale &scale = *spec.expected.scale;
  Value grid = scales(scale, blockGrid(spec.expected.shape, scale.block), name);
  return DequantizeOp::create(builder, named((name + "_dequantized").str()), type.clone(f32()), stored,
                              scaled(grid, factor, (name + "_scale").str()), scale.block);
}

/// Load the scales of a weight as the grid of its blocks.
Value LayerBuilder::scales(const WeightScale &scale, ArrayRef<int64_t> grid, StringRef name) {
  auto type = RankedTensorType::get(scale.shape, elementType(builder, scale.dtype));
  Value stored = WeightOp::create(builder, named((name + "_scale").str()), type, scale.name);
  if (type.getShape() == grid)
    return stored;
  Location loc = named((name + "_scales").str());
  if (scale.shape.size() == 4) // Model Optimizer's blocks
    return tensor::CollapseShapeOp::create(builder, loc, stored, ArrayRef<ReassociationIndices>{{0, 1}, {2, 3}});
  SmallVector<ReassociationIndices> groups;
  if (!scale.shape.empty())
    groups = {{0, 1}};
  return splitDim(builder, loc, stored, grid, groups);
}

Value LayerBuilder::inFloat32(Value weight, StringRef name) {
  auto type = cast<RankedTensorType>(weight.getType());
  if (type.getElementType() == f32())
    return weight;
  return arith::ExtFOp::create(builder, named((name + "_f32").str()), type.clone(f32()), weight);
}

/// Load a matrix of an update as the weight of one head, the form of weight products.
Value LayerBuilder::factor(StringRef tensor, ArrayRef<int64_t> shape, DType dtype, StringRef name) {
  auto type = RankedTensorType::get(shape, elementType(builder, dtype));
  auto stored = WeightOp::create(builder, named(name), type, tensor);
  stored->setAttr(kNameAttr, builder.getStringAttr(name));
  return splitDim(builder, named((name + "_head").str()), inFloat32(stored, name), {1, shape[0], shape[1]},
                  {{0, 1}, {2}});
}

/// Compute weight + scale · B A in float32. The sum is a weight like any other.
Value LayerBuilder::update(Value weight, const WeightUpdate &update, StringRef name) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
  Value b = factor(update.nameB, {shape[0], update.rank}, update.typeB, "lora_B");
  Value a = factor(update.nameA, {update.rank, shape[1]}, update.typeA, "lora_A");
  Value product = ComposeOp::create(builder, named("lora_BA"), b, a);
  auto type = cast<RankedTensorType>(product.getType());
  auto splat = DenseElementsAttr::get(type, static_cast<float>(update.scale));
  Value scale = arith::ConstantOp::create(builder, named("lora_scale"), splat);
  Value scaled = arith::MulFOp::create(builder, named("lora_scaled"), product, scale);
  SmallVector<ReassociationIndices> groups = {{0, 1}, {2}};
  Value delta = tensor::CollapseShapeOp::create(builder, named("lora_delta"), scaled, groups);
  return arith::AddFOp::create(builder, named((name + "_merged").str()), inFloat32(weight, name), delta);
}

/// Return the weight that the layer multiplies with: the checkpoint's, plus an adapter's update, times a factor.
Value LayerBuilder::weight(const WeightSpec &spec, double factor) {
  std::string name = valueName(spec.expected.role);
  return spec.update ? scaled(update(stored(spec, name, 1), *spec.update, name), factor, name)
                     : stored(spec, name, factor);
}

/// Slice `count` rows (dim 0), columns (1) and so on of a weight. `name` names the prepared weight.
Value LayerBuilder::sliceWeight(Value weight, int64_t dim, int64_t first, int64_t count, StringRef name) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
  if (shape[dim] == count)
    return weight;
  SmallVector<OpFoldResult> offsets(shape.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(builder.getContext(), shape);
  SmallVector<OpFoldResult> strides(shape.size(), builder.getIndexAttr(1));
  offsets[dim] = builder.getIndexAttr(first);
  sizes[dim] = builder.getIndexAttr(count);
  auto slice = tensor::ExtractSliceOp::create(builder, named(name), weight, offsets, sizes, strides);
  slice->setAttr(kNameAttr, builder.getStringAttr(name));
  return slice;
}

/// Return the heads [H, perHead, K] of a weight [H · perHead, K].
Value LayerBuilder::headRows(WeightRole role, int64_t perHead) {
  std::string name = valueName(role);
  Value rows = weight(role);
  int64_t columns = cast<RankedTensorType>(rows.getType()).getDimSize(1);
  return splitDim(builder, named(name + "_heads"), rows, {config.numHeads, perHead, columns}, {{0, 1}, {2}});
}

/// Return the heads [N, H, perHead] of a weight [N, H · perHead].
Value LayerBuilder::headColumns(WeightRole role, int64_t perHead, double factor) {
  std::string name = valueName(role);
  Value columns = weight(role, factor);
  int64_t rows = cast<RankedTensorType>(columns.getType()).getDimSize(0);
  return splitDim(builder, named(name + "_heads"), columns, {rows, config.numHeads, perHead}, {{0}, {1, 2}});
}

//===----------------------------------------------------------------------===//
// Operations on tokens
//===----------------------------------------------------------------------===//

/// Slice the last dimension.
Value LayerBuilder::slice(Value x, int64_t first, int64_t count, StringRef name) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(x.getType()).getShape();
  SmallVector<OpFoldResult> offsets(shape.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> sizes = {tokens};
  llvm::append_range(sizes, getAsIndexOpFoldResult(builder.getContext(), shape.drop_front()));
  SmallVector<OpFoldResult> strides(shape.size(), builder.getIndexAttr(1));
  // An empty slice starts at 0: an offset may not be past the last element.
  offsets.back() = builder.getIndexAttr(count ? first : 0);
  sizes.back() = builder.getIndexAttr(count);
  return tensor::ExtractSliceOp::create(builder, named(name), x, offsets, sizes, strides);
}

Value LayerBuilder::project(Value x, Value weight, ArrayRef<int64_t> shape, Heads heads, StringRef name) {
  return ProjectOp::create(builder, named(name), tokensOf(shape, f32()), x, weight, heads);
}

/// Add the layer's bias, if it has one.
Value LayerBuilder::addBias(Value x, WeightRole role, double factor) {
  if (!find(role))
    return x;
  return BiasOp::create(builder, named(valueName(role) + "ed"), x, scaled(weight(role), factor, valueName(role)));
}

/// Add the parts of kv_b_proj's bias to keys and values, if the layer has one.
void LayerBuilder::addUpBiases(Value &keys, Value &values) {
  WeightRole role = WeightRole::WKVBBias;
  if (!find(role))
    return;
  int64_t perHead = config.nopeDim + config.vDim;
  Value bias = splitDim(builder, named(valueName(role) + "_heads"), weight(role, 1 / options.cacheScale),
                        {config.numHeads, perHead}, {{0, 1}});
  Value keyBias = sliceWeight(bias, 1, 0, config.nopeDim, "b_uk");
  Value valueBias = sliceWeight(bias, 1, config.nopeDim, config.vDim, "b_uv");
  keys = BiasOp::create(builder, named("k_nope_biased"), keys, keyBias);
  values = BiasOp::create(builder, named("v_biased"), values, valueBias);
}

/// Normalize. Gamma takes the factor, so that it is applied when weights are prepared, in every plan.
Value LayerBuilder::norm(Value x, WeightRole gamma, double factor, StringRef name) {
  return RmsNormOp::create(builder, named(name), x.getType(), x, weight(gamma, factor),
                           builder.getF64FloatAttr(config.rmsNormEps));
}

/// Rotate `x` and multiply it by a factor. In a model without rotary part `x` is empty and returned unchanged. In one
/// that does not rotate it all frequencies are 0: kernels that append keys rotate them.
Value LayerBuilder::rotate(Value x, double factor, StringRef name) {
  if (!config.ropeDim)
    return x;
  RopeStyle style = config.ropeInterleaved ? RopeStyle::Interleaved : RopeStyle::HalfSplit;
  return RopeOp::create(builder, named(name), x, position, RopeStyleAttr::get(builder.getContext(), style),
                        builder.getDenseF32ArrayAttr(config.rope.inverseFrequencies),
                        builder.getF32FloatAttr(static_cast<float>(config.rope.cosSinScale * factor)));
}

/// Multiply the whole query by its scale per position (Mistral-4).
Value LayerBuilder::scaleByPosition(Value q, StringRef name) {
  if (config.queryScaleBeta == 0.0)
    return q;
  return PositionScaleOp::create(builder, named(name), q, position, builder.getF64FloatAttr(config.queryScaleBeta),
                                 builder.getI64IntegerAttr(config.queryScaleOriginalLength));
}

//===----------------------------------------------------------------------===//
// Parts of the layer
//===----------------------------------------------------------------------===//

Query LayerBuilder::buildQuery() {
  Value x = hidden;
  Value up;
  if (config.qLoraRank) {
    Value low = project(hidden, weight(WeightRole::WDQ), config.qLoraRank, Heads::None, "q_a");
    low = addUpdates(low, hidden, WeightRole::WDQ);
    low = addBias(low, WeightRole::WDQBias);
    x = norm(low, WeightRole::QNorm, config.queryLatentScale, "q_a_normed");
    if (config.joinsGateAndQuery)
      x = tensor::ConcatOp::create(builder, named("q_a_both"), /*dim=*/1, ValueRange{x, low});
  }
  Value gate;
  WeightRole role = config.joinsGateAndQuery ? WeightRole::WQGate : config.qLoraRank ? WeightRole::WUQ : WeightRole::WQ;
  int64_t perHead = config.qkDim() + (config.joinsGateAndQuery ? config.vDim : 0);
  if (config.joinsGateAndQuery) {
    Value both = headRows(role, perHead);
    up = sliceWeight(both, 1, 0, config.qkDim(), "w_q");
    gate = project(x, sliceWeight(both, 1, config.qkDim(), config.vDim, "w_gate"), {config.numHeads, config.vDim},
                   Heads::To, "gate");
    gate = addUpdates(gate, x, role, perHead, config.qkDim(), config.vDim, cu, "w_gate");
  } else {
    up = headRows(role, config.qkDim());
  }
  Value q = project(x, up, {config.numHeads, config.qkDim()}, Heads::To, "q");
  q = addUpdates(q, x, role, perHead, 0, config.qkDim(), cu, "w_q");
  Value nope = slice(q, 0, config.nopeDim, "q_nope");
  Value rope = rotate(slice(q, config.nopeDim, config.ropeDim, "q_pe"), 1, "q_rope");
  return {scaleByPosition(nope, "q_nope_scaled"), scaleByPosition(rope, "q_rope_scaled"), gate};
}

/// Append the tokens of this step to the cache, divided by its scale.
Value LayerBuilder::buildAppend(Value cache) {
  int64_t width = config.kvLoraRank + config.ropeDim;
  Value down = project(hidden, weight(WeightRole::WDKV), width, Heads::None, "kv_a");
  down = addUpdates(down, hidden, WeightRole::WDKV);
  down = addBias(down, WeightRole::WDKVBias);
  Value c = norm(slice(down, 0, config.kvLoraRank, "c_raw"), WeightRole::KVNorm,
                 config.latentScale / options.cacheScale, "c");
  Value rope = slice(down, config.kvLoraRank, config.ropeDim, "k_pe");
  if (find(WeightRole::KRopeNorm))
    rope = norm(rope, WeightRole::KRopeNorm, 1, "k_pe_normed");
  rope = rotate(rope, 1 / options.cacheScale, "k_rope");
  return AppendOp::create(builder, named("cached"), c, rope, position, sequence, cache);
}

/// Return the sinks of the heads, if the layer has some.
Value LayerBuilder::sinks() {
  if (!find(WeightRole::Sinks))
    return Value();
  return inFloat32(weight(WeightRole::Sinks), "sinks");
}

/// Multiply what heads have attended to by the layer's gate, if it has one. A gate per head has no dimension of its
/// own.
Value LayerBuilder::buildGate(Value o, Query q) {
  Value gate = q.gate;
  if (config.gate == OutputGate::None)
    return o;
  if (!gate && config.gate == OutputGate::PerElement) {
    gate = project(hidden, headRows(WeightRole::WGate, config.vDim), {config.numHeads, config.vDim}, Heads::To, "gate");
    gate = addUpdates(gate, hidden, WeightRole::WGate, config.vDim, 0, config.vDim, cu, "w_gate");
  }
  if (!gate) {
    gate = project(hidden, weight(WeightRole::WGate), config.numHeads, Heads::None, "gate");
    gate = addUpdates(gate, hidden, WeightRole::WGate);
  }
  return GateOp::create(builder, named("gated"), o.getType(), o, gate);
}

/// Up-project keys and values of all cached tokens. Like these they are divided by the scale of the cache, which is a
/// factor of the scores here and of the result in buildOutput.
Value LayerBuilder::buildAttention(Query q, Value cache) {
  auto cached = GatherOp::create(builder, named("latent"), cache);
  Value up = headRows(WeightRole::WKVB, config.nopeDim + config.vDim);
  Value upKeys = sliceWeight(up, 1, 0, config.nopeDim, "w_uk");
  Value upValues = sliceWeight(up, 1, config.nopeDim, config.vDim, "w_uv");
  Value keys = project(cached.getLatent(), upKeys, {config.numHeads, config.nopeDim}, Heads::To, "k_nope");
  Value values = project(cached.getLatent(), upValues, {config.numHeads, config.vDim}, Heads::To, "v");
  int64_t perHead = config.nopeDim + config.vDim;
  keys = addUpdates(keys, cached.getLatent(), WeightRole::WKVB, perHead, 0, config.nopeDim, cached.getCuKeys(), "w_uk");
  values = addUpdates(values, cached.getLatent(), WeightRole::WKVB, perHead, config.nopeDim, config.vDim,
                      cached.getCuKeys(), "w_uv");
  addUpBiases(keys, values);
  MLIRContext *context = builder.getContext();
  MaskAttr mask = config.window ? MaskAttr::get(context, MaskKind::Window, config.window)
                                : MaskAttr::get(context, MaskKind::Causal);
  return AttentionOp::create(builder, named("o"), tokensOf({config.numHeads, config.vDim}, f32()), q.nope, q.rope, cu,
                             keys, cached.getKRope(), cached.getCuKeys(), values, sinks(),
                             builder.getF64FloatAttr(config.softmaxScale * options.cacheScale), mask)
      .getResult();
}

/// Round the layer's result for the caller.
Value LayerBuilder::toOutside(Value out) {
  if (getElementTypeOrSelf(out) == outside())
    return out;
  return arith::TruncFOp::create(builder, named("out"), tokensOf(config.hiddenSize, outside()), out);
}

/// Project the result and sum over heads.
Value LayerBuilder::buildOutput(Value o) {
  bool biased = find(WeightRole::WOBias);
  double factor = options.cacheScale * residualScale();
  Value columns = headColumns(WeightRole::WO, config.vDim, factor);
  // Round once, after updates, the bias and the residual are added.
  bool isLast = !biased && !config.decoder && !find(WeightRole::WO)->updates;
  Type sum = isLast ? outside() : f32();
  Value out = ProjectOp::create(builder, named("out"), tokensOf(config.hiddenSize, sum), o, columns, Heads::From);
  out = addOutputUpdates(out, o, factor);
  return biased ? addBias(out, WeightRole::WOBias, residualScale()) : out;
}

func::FuncOp LayerBuilder::build(StringRef name, Phase phase) {
  auto function = func::FuncOp::create(builder, named(name), name, functionType());
  function->setAttr(kPhaseAttr, PhaseAttr::get(builder.getContext(), phase));
  Block *block = function.addEntryBlock();
  static constexpr StringLiteral names[] = {"hidden", "cu", "cache", "adapters"};
  for (auto [argument, argumentName] : llvm::zip(block->getArguments(), names))
    argument.setLoc(named(argumentName));
  builder.setInsertionPointToStart(block);

  Value rows = hidden = block->getArgument(0);
  cu = block->getArgument(1);
  Value cache = block->getArgument(2);
  if (!options.adapters.names.empty())
    adapters = block->getArgument(3);
  Value first = arith::ConstantIndexOp::create(builder, named("c0"), 0);
  tokens = tensor::DimOp::create(builder, named("tokens"), hidden, first);
  auto positions = PositionsOp::create(builder, named("position"), tokens, cu, cache);
  position = positions.getPosition();
  sequence = positions.getSequence();

  if (config.decoder)
    hidden = streamNorm(streamOf(rows), WeightRole::InputNorm, "hidden_normed");
  Query q = buildQuery();
  cache = buildAppend(cache);
  Value out = buildOutput(buildGate(buildAttention(q, cache), q));
  out = config.decoder ? buildRest(rows, out) : toOutside(out);
  func::ReturnOp::create(builder, builder.getUnknownLoc(), ValueRange{out, cache});
  return function;
}

func::FuncOp mla::importer::buildLayer(OpBuilder &builder, const AttentionConfig &config, ArrayRef<WeightSpec> weights,
                                       const ImportOptions &options, StringRef name, Phase phase) {
  return LayerBuilder(builder, config, weights, options).build(name, phase);
}
