//===- AttentionCores.cpp - The attention alone -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mla {
#define GEN_PASS_DEF_MLAATTENTIONCORES
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
/// An argument or a result and the buffer that it is.
struct Named {
  StringRef buffer;
  Type type;
};

class CoreBuilder {
public:
  CoreBuilder(ModuleOp module, DictionaryAttr model, FloatAttr scale)
      : builder(module.getLoc(), module.getContext()), module(module), model(model), scale(scale) {}
  void buildLatent();
  void buildNaive();

private:
  int64_t sizeOf(StringRef key) { return model.getAs<IntegerAttr>(key).getInt(); }
  Named tensor(StringRef buffer, ArrayRef<int64_t> rowShape);
  Named indices(StringRef buffer);
  Named lse();
  func::FuncOp begin(StringRef name, Phase phase, ArrayRef<Named> arguments, ArrayRef<Named> results);
  Value part(Value rows, int64_t width);

  ImplicitLocOpBuilder builder;
  ModuleOp module;
  DictionaryAttr model;
  FloatAttr scale;
  const int64_t heads = sizeOf("heads"), rope = sizeOf("qk_rope_head_dim"), any = ShapedType::kDynamic;
};
} // namespace

Named CoreBuilder::tensor(StringRef buffer, ArrayRef<int64_t> rowShape) {
  SmallVector<int64_t> shape = {any};
  llvm::append_range(shape, rowShape);
  return {buffer, RankedTensorType::get(shape, builder.getBF16Type())};
}

Named CoreBuilder::indices(StringRef buffer) { return {buffer, RankedTensorType::get({any}, builder.getI32Type())}; }
Named CoreBuilder::lse() { return {"lse", RankedTensorType::get({any, heads}, builder.getF32Type())}; }

/// An empty function; the builder then stands in it.
func::FuncOp CoreBuilder::begin(StringRef name, Phase phase, ArrayRef<Named> arguments, ArrayRef<Named> results) {
  auto types = [](ArrayRef<Named> list) { return llvm::map_to_vector(list, [](Named one) { return one.type; }); };
  builder.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(builder, name, builder.getFunctionType(types(arguments), types(results)));
  function->setAttr(kPhaseAttr, PhaseAttr::get(builder.getContext(), phase));
  for (auto [i, argument] : llvm::enumerate(arguments))
    function.setArgAttr(i, kBufferAttr, builder.getStringAttr(argument.buffer));
  for (auto [i, result] : llvm::enumerate(results))
    function.setResultAttr(i, kBufferAttr, builder.getStringAttr(result.buffer));
  Block *block = function.addEntryBlock();
  for (auto [argument, value] : llvm::zip_equal(arguments, block->getArguments()))
    value.setLoc(NameLoc::get(builder.getStringAttr(argument.buffer)));
  builder.setInsertionPointToStart(block);
  return function;
}

/// The first `width` elements of every head's row, which may be wider.
Value CoreBuilder::part(Value rows, int64_t width) {
  SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0)), strides(3, builder.getIndexAttr(1));
  Value tokens = tensor::DimOp::create(builder, rows, 0);
  SmallVector<OpFoldResult> sizes = {tokens, builder.getIndexAttr(heads), builder.getIndexAttr(width)};
  return tensor::ExtractSliceOp::create(builder, rows, offsets, sizes, strides);
}

void CoreBuilder::buildLatent() {
  int64_t latent = sizeOf("kv_lora_rank");
  Type cache = CacheType::get(builder.getContext(), sizeOf("page"), latent, rope, builder.getBF16Type());
  Named results[] = {tensor("out", {heads, latent}), lse()};
  func::FuncOp function =
      begin("latent_attention", Phase::Decode,
            {tensor("q_latent", {heads, any}), tensor("q_rope", {heads, any}), indices("cu_seqlens"), {"cache", cache}},
            results);
  Value qLatent = part(function.getArgument(0), latent), qRope = part(function.getArgument(1), rope);
  auto attention = LatentAttentionOp::create(builder, TypeRange{results[0].type, results[1].type}, qLatent, qRope,
                                             function.getArgument(2), function.getArgument(3), scale);
  func::ReturnOp::create(builder, attention.getResults());
}

void CoreBuilder::buildNaive() {
  int64_t nope = sizeOf("qk_nope_head_dim"), value = sizeOf("v_head_dim");
  Named results[] = {tensor("out", {heads, value})};
  func::FuncOp function =
      begin("naive_attention", Phase::Prefill,
            {tensor("q_nope", {heads, any}), tensor("q_rope", {heads, any}), indices("cu_seqlens"),
             tensor("k_nope", {heads, nope}), tensor("k_rope", rope), indices("cu_keys"), tensor("v", {heads, value})},
            results);
  Value qNope = part(function.getArgument(0), nope), qRope = part(function.getArgument(1), rope);
  auto attention = AttentionOp::create(builder, results[0].type, Type(), qNope, qRope, function.getArgument(2),
                                       function.getArgument(3), function.getArgument(4), function.getArgument(5),
                                       function.getArgument(6), scale);
  func::ReturnOp::create(builder, attention.getResult());
}

/// The factor of scores, the same in all attentions of a layer.
static FloatAttr findScale(ModuleOp module) {
  FloatAttr scale;
  module.walk([&](Operation *op) {
    if (!isa<AttentionOp, LatentAttentionOp>(op))
      return WalkResult::advance();
    scale = op->getAttrOfType<FloatAttr>("scale");
    return WalkResult::interrupt();
  });
  return scale;
}

namespace {
struct MLAAttentionCores : mla::impl::MLAAttentionCoresBase<MLAAttentionCores> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto model = module->getAttrOfType<DictionaryAttr>(kModelAttr);
    FloatAttr scale = findScale(module);
    if (!model || !scale) // nothing to make them of
      return;
    CoreBuilder builder(module, model, scale);
    builder.buildLatent();
    builder.buildNaive();
  }
};
} // namespace
