//===- AttentionCores.cpp - Attention-only functions ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/Bindings.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"

namespace mla {
#define GEN_PASS_DEF_MLAATTENTIONCORES
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
/// Builds the cores of mla/launch_abi.def.
class CoreBuilder {
public:
  CoreBuilder(ModuleOp module, DictionaryAttr model, FloatAttr scale)
      : builder(module.getLoc(), module.getContext()), module(module), model(model), scale(scale) {}
  void buildLatent();
  void buildNaive();

private:
  int64_t sizeOf(StringRef key) { return model.getAs<IntegerAttr>(key).getInt(); }
  Type typeOf(const schema::Binding &binding);
  void begin(schema::Core core, Phase phase);
  Value argument(schema::Buffer buffer) { return arguments.lookup(buffer); }
  Value part(schema::Buffer query, StringRef width);

  ImplicitLocOpBuilder builder;
  ModuleOp module;
  DictionaryAttr model;
  FloatAttr scale;
  func::FuncOp function;                           ///< being built
  llvm::DenseMap<schema::Buffer, Value> arguments; ///< by the buffer, a cache by its first part
};
} // namespace

/// Return the format of the model's cache; the default is the standard one.
static CacheFormat formatOf(DictionaryAttr model) {
  auto cache = model.getAs<DictionaryAttr>("cache");
  auto format = cache ? cache.getAs<StringAttr>("format") : StringAttr();
  return (format ? symbolizeCacheFormat(format.getValue()) : std::nullopt).value_or(CacheFormat::Standard);
}

Type CoreBuilder::typeOf(const schema::Binding &binding) {
  if (binding.group == schema::Group::Cache)
    return CacheType::get(builder.getContext(), sizeOf("page"), sizeOf("kv_lora_rank"), sizeOf("qk_rope_head_dim"),
                          builder.getBF16Type(), formatOf(model));
  return mla::typeOf(binding, model, builder.getBF16Type());
}

/// Creates an empty function with arguments and results in the order of the table, and moves the builder into it.
void CoreBuilder::begin(schema::Core core, Phase phase) {
  SmallVector<Type> types, results;
  for (const schema::Binding *row : argumentsOf(listOf(core)))
    types.push_back(typeOf(*row));
  for (const schema::Binding *row : resultsOf(listOf(core)))
    results.push_back(typeOf(*row));
  builder.setInsertionPointToEnd(module.getBody());
  function = func::FuncOp::create(builder, nameOf(core), builder.getFunctionType(types, results));
  function->setAttr(kPhaseAttr, PhaseAttr::get(builder.getContext(), phase));
  Block *block = function.addEntryBlock();
  arguments.clear();
  for (auto [i, row] : llvm::enumerate(argumentsOf(listOf(core)))) {
    StringRef name = argumentNameOf(*row);
    function.setArgAttr(i, kBufferAttr, builder.getStringAttr(name));
    block->getArgument(i).setLoc(NameLoc::get(builder.getStringAttr(name)));
    arguments[row->buffer] = block->getArgument(i);
  }
  for (auto [i, row] : llvm::enumerate(resultsOf(listOf(core))))
    function.setResultAttr(i, kBufferAttr, builder.getStringAttr(argumentNameOf(*row)));
  builder.setInsertionPointToStart(block);
}

/// Takes the first elements of every head's row, as many as the model's key has; the row may be wider.
Value CoreBuilder::part(schema::Buffer query, StringRef width) {
  Value rows = argument(query);
  SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0)), strides(3, builder.getIndexAttr(1));
  Value tokens = tensor::DimOp::create(builder, rows, 0);
  SmallVector<OpFoldResult> sizes = {tokens, builder.getIndexAttr(sizeOf("heads")),
                                     builder.getIndexAttr(sizeOf(width))};
  return tensor::ExtractSliceOp::create(builder, rows, offsets, sizes, strides);
}

void CoreBuilder::buildLatent() {
  using schema::Buffer;
  begin(schema::Core::LatentAttention, Phase::Decode);
  Value qLatent = part(Buffer::QLatent, "kv_lora_rank"), qRope = part(Buffer::QRope, "qk_rope_head_dim");
  auto attention = LatentAttentionOp::create(builder, function.getResultTypes(), qLatent, qRope,
                                             argument(Buffer::CuSeqlens), argument(Buffer::Pages), scale);
  func::ReturnOp::create(builder, attention.getResults());
}

void CoreBuilder::buildNaive() {
  using schema::Buffer;
  begin(schema::Core::NaiveAttention, Phase::Prefill);
  Value qNope = part(Buffer::QNope, "qk_nope_head_dim"), qRope = part(Buffer::QRope, "qk_rope_head_dim");
  auto attention = AttentionOp::create(builder, function.getResultTypes().front(), Type(), qNope, qRope,
                                       argument(Buffer::CuSeqlens), argument(Buffer::KNope), argument(Buffer::KRope),
                                       argument(Buffer::CuKeys), argument(Buffer::V), scale);
  func::ReturnOp::create(builder, attention.getResult());
}

/// Finds the factor of scores, the same in all attentions of a layer.
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
    if (!model || !scale) // nothing to create cores from
      return;
    CoreBuilder builder(module, model, scale);
    builder.buildLatent();
    builder.buildNaive();
  }
};
} // namespace
