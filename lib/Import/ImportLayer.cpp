//===- ImportLayer.cpp - An attention layer as operations -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Import/ImportLayer.h"
#include "LayerBuilder.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;

/// Return the prefix of the names of the layer's weights: "model.layers.0.self_attn.", or "model.layers.0." of a whole
/// layer. `weight` is of the attention.
static std::string checkpointPrefix(const WeightSpec &weight, bool wholeLayer) {
  StringRef name = weight.expected.name;
  name.consume_back(checkpointSuffix(weight.expected.role));
  if (wholeLayer)
    name.consume_back("self_attn.");
  return name.str();
}

static StringRef manifestName(DType dtype) { return dtype == DType::BF16 ? "bf16" : "f32"; }

namespace {
/// Collects the fields of a dictionary.
class Fields {
public:
  explicit Fields(mlir::MLIRContext *context) : builder(context) {}

  Fields &add(StringRef key, int64_t value) { return add(key, builder.getI64IntegerAttr(value)); }
  Fields &add(StringRef key, double value) { return add(key, builder.getF64FloatAttr(value)); }
  Fields &add(StringRef key, StringRef value) { return add(key, builder.getStringAttr(value)); }
  Fields &add(StringRef key, llvm::ArrayRef<int64_t> values) { return add(key, builder.getDenseI64ArrayAttr(values)); }
  Fields &add(StringRef key, mlir::Attribute value) {
    fields.append(key, value);
    return *this;
  }
  mlir::DictionaryAttr get() const { return fields.getDictionary(builder.getContext()); }

private:
  mlir::Builder builder;
  mlir::NamedAttrList fields;
};
} // namespace

/// Add what only a whole model has.
static void addTexts(Fields &model, const DecoderConfig &config) {
  model.add("vocab_size", config.vocabSize);
  if (!config.stopTokens.empty())
    model.add("eos_token_id", llvm::ArrayRef(config.stopTokens));
  if (config.maxPositions)
    model.add("max_position_embeddings", config.maxPositions);
}

mlir::DictionaryAttr mla::importer::describeAdapters(mlir::MLIRContext *context, const AdapterNames &adapters) {
  if (adapters.names.empty())
    return {};
  llvm::SmallVector<llvm::StringRef> names(adapters.names.begin(), adapters.names.end());
  return Fields(context)
      .add("names", mlir::Builder(context).getStrArrayAttr(names))
      .add("cache", llvm::StringRef(adapters.changeCache ? "own" : "shared"))
      .get();
}

mlir::DictionaryAttr mla::importer::describeModel(mlir::MLIRContext *context, const AttentionConfig &config,
                                                  const ImportOptions &options) {
  Fields cache(context), model(context);
  cache.add("format", StringRef(nameOf(options.cacheFormat)));
  cache.add("dtype",
            isPacked(options.cacheFormat) ? StringRef(nameOf(schema::Element::I8)) : manifestName(options.dtype));
  if (options.cacheScale != 1)
    cache.add("scale", options.cacheScale);
  model.add("model_type", StringRef(config.modelType))
      .add("hidden_size", config.hiddenSize)
      .add("num_attention_heads", config.numHeads)
      .add("heads", config.numHeads)
      .add("q_lora_rank", config.qLoraRank)
      .add("kv_lora_rank", config.kvLoraRank)
      .add("qk_nope_head_dim", config.nopeDim)
      .add("qk_rope_head_dim", config.ropeDim)
      .add("v_head_dim", config.vDim)
      .add("rms_norm_eps", config.configRmsNormEps)
      .add("rope_theta", config.rope.theta)
      .add("dtype", manifestName(options.dtype))
      .add("page", options.page)
      .add("tensor_parallel", int64_t(1))
      .add("rank", int64_t(0))
      .add("cache", cache.get());
  if (config.decoder)
    model.add("scope", StringRef(options.hasEnds ? "model" : "layer"));
  if (config.decoder && config.decoder->streams() > 1)
    model.add("streams", config.decoder->streams());
  if (options.hasEnds)
    addTexts(model, *config.decoder);
  if (mlir::DictionaryAttr adapters = describeAdapters(context, options.adapters))
    model.add("adapters", adapters);
  if (config.indexTopK)
    model.add("index_topk", config.indexTopK);
  if (options.tokenTerms)
    model.add("products", StringRef(options.tokenTerms == 2 ? "e4m3x2" : "e4m3"));
  return model.get();
}

/// Create a module with the attributes of the layers that options name.
static mlir::OwningOpRef<mlir::ModuleOp> createModule(mlir::OpBuilder &builder, const AttentionConfig &config,
                                                      const WeightSpec &first, const ImportOptions &options) {
  builder.getContext()
      ->loadDialect<MLADialect, mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::tensor::TensorDialect>();
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(builder, builder.getUnknownLoc());
  (*module)->setAttr(kCheckpointPrefixAttr, builder.getStringAttr(checkpointPrefix(first, config.decoder != nullptr)));
  (*module)->setAttr(kLayersAttr, builder.getDenseI64ArrayAttr(options.layers));
  (*module)->setAttr(kModelAttr, describeModel(builder.getContext(), config, options));
  builder.setInsertionPointToEnd(module->getBody());
  return module;
}

static constexpr std::pair<const char *, Phase> phases[] = {{"prefill", Phase::Prefill}, {"decode", Phase::Decode}};

mlir::OwningOpRef<mlir::ModuleOp> mla::importer::importLayer(mlir::MLIRContext &context, const AttentionConfig &config,
                                                             llvm::ArrayRef<WeightSpec> weights,
                                                             const ImportOptions &options) {
  mlir::OpBuilder builder(&context);
  mlir::OwningOpRef<mlir::ModuleOp> module = createModule(builder, config, weights.front(), options);
  for (auto [name, phase] : phases) {
    builder.setInsertionPointToEnd(module->getBody());
    buildLayer(builder, config, weights, options, name, phase);
  }
  return module;
}

/// Return the weights of a group under the names of layer `first`, which stand for those of every layer.
static std::vector<WeightSpec> nameForLayer(int64_t first, const LayerGroup &group) {
  std::string prefix = decoderPrefix(group.layers.front());
  auto rename = [&](std::string &name) {
    if (llvm::StringRef(name).starts_with(prefix))
      name = decoderPrefix(first) + name.substr(prefix.size());
  };
  std::vector<WeightSpec> weights = group.weights;
  for (WeightSpec &weight : weights) {
    rename(weight.expected.name);
    if (weight.expected.scale)
      rename(weight.expected.scale->name);
  }
  return weights;
}

mlir::OwningOpRef<mlir::ModuleOp> mla::importer::importModel(mlir::MLIRContext &context, const AttentionConfig &config,
                                                             llvm::ArrayRef<LayerGroup> groups,
                                                             llvm::ArrayRef<WeightSpec> ends,
                                                             const ImportOptions &options) {
  mlir::OpBuilder builder(&context);
  mlir::OwningOpRef<mlir::ModuleOp> module = createModule(builder, config, groups.front().weights.front(), options);
  for (const LayerGroup &group : groups) {
    std::vector<WeightSpec> weights = nameForLayer(options.layers.front(), group);
    std::string kind = config.decoder->hasExperts(group.layers.front()) ? "_experts" : "_dense";
    for (auto [name, phase] : phases) {
      builder.setInsertionPointToEnd(module->getBody());
      mlir::func::FuncOp function = buildLayer(builder, config, weights, options, name + kind, phase);
      function->setAttr(kLayersAttr, builder.getDenseI64ArrayAttr(group.layers));
    }
  }
  if (options.hasEnds) {
    builder.setInsertionPointToEnd(module->getBody());
    buildEnds(builder, config, ends, options);
  }
  return module;
}
