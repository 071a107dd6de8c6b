//===- DecoderLayer.cpp - Norms, residuals and MLP around an attention ----===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The residual stream is float32 within the layer. Gate and up are one weight,
// one above the other; so are those of all experts, one expert after the other.
//
//===----------------------------------------------------------------------===//

#include "LayerBuilder.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::importer;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// Return the weights of a role, which every expert has, in the order of experts.
SmallVector<const WeightSpec *> LayerBuilder::findAll(WeightRole role) const {
  SmallVector<const WeightSpec *> found;
  for (const WeightSpec &spec : weights)
    if (spec.expected.role == role)
      found.push_back(&spec);
  return found;
}

/// Put weights one above the other. `name` names the prepared weight.
Value LayerBuilder::concatenated(SmallVector<Value> pieces, StringRef name) {
  bool same = llvm::all_equal(llvm::map_range(pieces, [](Value piece) { return getElementTypeOrSelf(piece); }));
  if (!same)
    for (Value &piece : pieces)
      piece = inFloat32(piece, name);
  auto concat = tensor::ConcatOp::create(builder, named(name), /*dim=*/0, pieces);
  concat->setAttr(kNameAttr, builder.getStringAttr(name));
  return concat;
}

/// Return the weights of these roles of all experts, [E, rows of an expert, columns]: those of `joined`, if the
/// checkpoint has it.
Value LayerBuilder::experts(WeightRole joined, ArrayRef<WeightRole> roles, StringRef name) {
  if (find(joined)) {
    Value all = weight(joined);
    all.getDefiningOp()->setAttr(kNameAttr, builder.getStringAttr(name));
    return all;
  }
  SmallVector<SmallVector<const WeightSpec *>> specs;
  for (WeightRole role : roles)
    specs.push_back(findAll(role));
  SmallVector<Value> pieces;
  int64_t count = specs.front().size();
  for (int64_t expert = 0; expert < count; ++expert)
    for (const auto &ofRole : specs)
      pieces.push_back(weight(*ofRole[expert]));
  Value all = concatenated(pieces, name);
  auto type = cast<RankedTensorType>(all.getType());
  SmallVector<int64_t> shape = {count, type.getDimSize(0) / count, type.getDimSize(1)};
  return tensor::ExpandShapeOp::create(builder, named((name + "_experts").str()), type.clone(shape), all,
                                       ArrayRef<ReassociationIndices>{{0, 1}, {2}});
}

//===----------------------------------------------------------------------===//
// Parts of the layer
//===----------------------------------------------------------------------===//

double LayerBuilder::residualScale() const { return config.decoder ? config.decoder->residualScale : 1.0; }

Value LayerBuilder::streamNorm(Value x, WeightRole gamma, StringRef name) {
  return RmsNormOp::create(builder, named(name), tokensOf(config.hiddenSize, f32()), x, weight(gamma),
                           builder.getF64FloatAttr(config.decoder->normEps));
}

/// Apply SwiGLU to gate and up, side by side in the last dimension.
Value LayerBuilder::activate(Value gateUp, int64_t width) {
  Value gate = slice(gateUp, 0, width, "gate"), up = slice(gateUp, width, width, "up");
  return SwigluOp::create(builder, named("activated"), gate.getType(), gate, up);
}

Value LayerBuilder::buildMlp(Value x, WeightRole gate, WeightRole up, WeightRole down, StringRef name) {
  int64_t width = find(gate)->expected.shape[0];
  Value gateUp = concatenated({weight(gate), weight(up)}, (name + ".gate_up_proj").str());
  Value activated = activate(project(x, gateUp, 2 * width, Heads::None, "gate_up"), width);
  Value out = scaled(weight(down), residualScale(), valueName(down));
  return project(activated, out, config.hiddenSize, Heads::None, "mlp");
}

/// Return the numbers of every token's experts, and their weights.
std::pair<Value, Value> LayerBuilder::buildRoute(Value x) {
  const Router &router = config.decoder->router;
  const Experts &experts = *config.decoder->experts;
  Value logits = project(x, weight(WeightRole::Router), experts.routed + experts.zero, Heads::None, "logits");
  Value correction = router.isCorrected ? weight(WeightRole::Correction) : Value();
  auto scoring = ScoringAttr::get(builder.getContext(), router.isSigmoid ? Scoring::Sigmoid : Scoring::Softmax);
  auto route = RouteOp::create(
      builder, named("experts"), tokensOf(experts.perToken, builder.getI32Type()), tokensOf(experts.perToken, f32()),
      scoring, logits, correction, builder.getI64IntegerAttr(router.groups),
      builder.getI64IntegerAttr(router.keptGroups), builder.getI64IntegerAttr(router.groups > 1 ? router.best : 1),
      /*shared=*/builder.getI64IntegerAttr(0), router.isNormalized ? builder.getUnitAttr() : UnitAttr(),
      builder.getF64FloatAttr(router.factor));
  return {route.getExperts(), route.getWeights()};
}

/// Add the token itself for its choices that are no experts.
Value LayerBuilder::addPassed(Value routed, Value x, Value chosen, Value factors) {
  const Experts &experts = *config.decoder->experts;
  if (!experts.zero)
    return routed;
  Value passed =
      PassChoicesOp::create(builder, named("passed"), x.getType(), x, chosen, factors, experts.routed).getResult();
  return arith::AddFOp::create(builder, named("routed_and_passed"), routed, passed);
}

/// Sum a token's experts and those that all tokens share.
Value LayerBuilder::buildExperts(Value x) {
  auto [chosen, factors] = buildRoute(x);
  int64_t width = config.decoder->experts->width, choices = config.decoder->experts->perToken;
  Value gateUp =
      experts(WeightRole::ExpertsGateUp, {WeightRole::ExpertGate, WeightRole::ExpertUp}, "mlp.experts.gate_up_proj");
  Value wide = ExpertsProjectOp::create(builder, named("experts_gate_up"), tokensOf({choices, 2 * width}, f32()), x,
                                        gateUp, chosen, /*sum=*/Value());
  Value down = scaled(experts(WeightRole::ExpertsDown, WeightRole::ExpertDown, "mlp.experts.down_proj"),
                      residualScale(), "experts_down_proj");
  Value routed = ExpertsProjectOp::create(builder, named("routed"), tokensOf(config.hiddenSize, f32()),
                                          activate(wide, width), down, chosen, factors);
  routed = addPassed(routed, x, chosen, factors);
  if (!find(WeightRole::SharedGate))
    return routed;
  Value shared =
      buildMlp(x, WeightRole::SharedGate, WeightRole::SharedUp, WeightRole::SharedDown, "mlp.shared_experts");
  return arith::AddFOp::create(builder, named("mixed"), routed, shared);
}

/// Return the stream, which is the first row of a token if something is carried beside it.
Value LayerBuilder::streamOf(Value rows) {
  return config.decoder->hasShortcut ? slice(rows, 0, config.hiddenSize, "stream_row") : rows;
}

/// Return stream and carried row of a half of a layer. The first half carries what its experts add; the second adds
/// it, and its own carried row is not read.
Value LayerBuilder::buildShortcut(Value rows, Value x, Value sum) {
  Value carried;
  if (find(WeightRole::Router)) {
    carried = toOutside(buildExperts(x));
  } else {
    carried = slice(rows, config.hiddenSize, config.hiddenSize, "carried");
    sum = arith::AddFOp::create(builder, named("with_shortcut"), sum, inFloat32(carried, "shortcut"));
  }
  return tensor::ConcatOp::create(builder, named("rows"), /*dim=*/1, ValueRange{toOutside(sum), carried});
}

/// Add the attention's result to the stream, then the MLP's. The lowering of a sum writes to its first operand, unless
/// that is the caller's and must be copied.
Value LayerBuilder::buildRest(Value rows, Value attention) {
  Value sum = arith::AddFOp::create(builder, named("attended"), attention, inFloat32(streamOf(rows), "stream"));
  Value x = streamNorm(sum, WeightRole::PostNorm, "attended_normed");
  Value mlp =
      find(WeightRole::Gate) ? buildMlp(x, WeightRole::Gate, WeightRole::Up, WeightRole::Down, "mlp") : buildExperts(x);
  Value layer = arith::AddFOp::create(builder, named("layer"), mlp, sum);
  return config.decoder->hasShortcut ? buildShortcut(rows, x, layer) : toOutside(layer);
}
