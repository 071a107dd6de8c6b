//===- AttentionCores.cpp - Attention-only functions ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/Bindings.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mla {
#define GEN_PASS_DEF_MLAATTENTIONCORES
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
/// What becomes of products of queries and keys.
struct Scores {
  FloatAttr scale;
  MaskAttr mask;
  bool haveSinks;
};

/// Builds the cores of mla/launch_abi.def.
class CoreBuilder {
public:
  CoreBuilder(ModuleOp module, DictionaryAttr model, const Scores &scores)
      : builder(module.getLoc(), module.getContext()), module(module), model(model), scores(scores) {}
  void buildLatent();
  void buildNaive();

private:
  int64_t sizeOf(StringRef key) { return model.getAs<IntegerAttr>(key).getInt(); }
  Type typeOf(const schema::Binding &binding);
  SmallVector<const schema::Binding *> argumentsOf(schema::Core core);
  void begin(schema::Core core, Phase phase);
  Value argument(schema::Buffer buffer) { return arguments.lookup(buffer); }
  Value part(schema::Buffer query, StringRef width);

  ImplicitLocOpBuilder builder;
  ModuleOp module;
  DictionaryAttr model;
  Scores scores;
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

/// Return the arguments of a core, without those that the attention does not read.
SmallVector<const schema::Binding *> CoreBuilder::argumentsOf(schema::Core core) {
  SmallVector<const schema::Binding *> rows = mla::argumentsOf(listOf(core));
  if (!scores.haveSinks)
    llvm::erase_if(rows, [](const schema::Binding *row) { return row->buffer == schema::Buffer::Sinks; });
  return rows;
}

/// Creates an empty function with arguments and results in the order of the table, and moves the builder into it.
void CoreBuilder::begin(schema::Core core, Phase phase) {
  SmallVector<Type> types, results;
  for (const schema::Binding *row : argumentsOf(core))
    types.push_back(typeOf(*row));
  for (const schema::Binding *row : resultsOf(listOf(core)))
    results.push_back(typeOf(*row));
  builder.setInsertionPointToEnd(module.getBody());
  function = func::FuncOp::create(builder, nameOf(core), builder.getFunctionType(types, results));
  function->setAttr(kPhaseAttr, PhaseAttr::get(builder.getContext(), phase));
  Block *block = function.addEntryBlock();
  arguments.clear();
  for (auto [i, row] : llvm::enumerate(argumentsOf(core))) {
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
  auto attention =
      LatentAttentionOp::create(builder, function.getResultTypes(), qLatent, qRope, argument(Buffer::CuSeqlens),
                                argument(Buffer::Pages), argument(Buffer::Sinks), scores.scale, scores.mask);
  func::ReturnOp::create(builder, attention.getResults());
}

void CoreBuilder::buildNaive() {
  using schema::Buffer;
  begin(schema::Core::NaiveAttention, Phase::Prefill);
  Value qNope = part(Buffer::QNope, "qk_nope_head_dim"), qRope = part(Buffer::QRope, "qk_rope_head_dim");
  auto attention =
      AttentionOp::create(builder, function.getResultTypes().front(), Type(), qNope, qRope, argument(Buffer::CuSeqlens),
                          argument(Buffer::KNope), argument(Buffer::KRope), argument(Buffer::CuKeys),
                          argument(Buffer::V), argument(Buffer::Sinks), scores.scale, scores.mask);
  func::ReturnOp::create(builder, attention.getResult());
}

/// Finds what becomes of scores, the same in all attentions of a layer; no scale if there is no attention.
static Scores findScores(ModuleOp module) {
  Scores scores{{}, {}, false};
  module.walk([&](Operation *op) {
    auto read = [&](auto attention) {
      scores = {attention.getScaleAttr(), attention.getMaskAttr(), static_cast<bool>(attention.getSinks())};
      return WalkResult::interrupt();
    };
    return TypeSwitch<Operation *, WalkResult>(op).Case<AttentionOp, LatentAttentionOp>(read).Default(
        WalkResult::advance());
  });
  return scores;
}

namespace {
struct MLAAttentionCores : mla::impl::MLAAttentionCoresBase<MLAAttentionCores> {
  using MLAAttentionCoresBase::MLAAttentionCoresBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto model = module->getAttrOfType<DictionaryAttr>(kModelAttr);
    Scores scores = findScores(module);
    if (!model || !scores.scale) // nothing to create cores from
      return;
    if (failed(readOptions(scores)))
      return signalPassFailure();
    CoreBuilder builder(module, model, scores);
    builder.buildLatent();
    builder.buildNaive();
  }

  LogicalResult readOptions(Scores &scores) {
    scores.haveSinks |= sinks;
    if (mask.empty())
      return success();
    {
      ScopedDiagnosticHandler quiet(&getContext(), [](Diagnostic &) { return success(); });
      scores.mask = dyn_cast_if_present<MaskAttr>(parseAttribute("#mla.mask<" + mask + ">", &getContext()));
    }
    if (scores.mask)
      return success();
    return getOperation().emitError() << "unknown mask of cores '" << mask
                                      << "'; expected causal, none or window=N, with N keys from 1 to 2147483647";
  }
};
} // namespace
