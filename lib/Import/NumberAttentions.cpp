//===- NumberAttentions.cpp - One attention per layer ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers share code, have their own weights and are identified by a number. In
// a model with several attentions per layer, every attention with what follows
// it is such a layer, and the checkpoint's names are mapped accordingly. Experts
// of a checkpoint's layer belong to its first. Errors about a tensor use the
// checkpoint's name.
//
//===----------------------------------------------------------------------===//

#include "mla/Import/Checkpoint.h"

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;
using llvm::Twine;

namespace {
/// The names of a module of layer i * perLayer + j: `own`, and in layer i of the checkpoint `before` "j." `after`, or
/// `before` of what only the first has.
struct ModuleNames {
  llvm::StringLiteral own, before, after;
  bool isNumbered;
};
} // namespace

static constexpr StringRef layers = "model.layers.";

/// In front of what no module of a numbered layer has: the layer is another one's number, and the name may be another
/// module's.
static constexpr StringRef others = "checkpoint.";

// As in modeling_longcat_flash.py. Of two that match, the first is meant.
static constexpr ModuleNames modules[] = {
    {"self_attn.", "self_attn.", "", true},
    {"input_layernorm.", "input_layernorm.", "", true},
    {"post_attention_layernorm.", "post_attention_layernorm.", "", true},
    {"mlp.gate_proj", "mlps.", "gate_proj", true},
    {"mlp.up_proj", "mlps.", "up_proj", true},
    {"mlp.down_proj", "mlps.", "down_proj", true},
    {"mlp.gate.weight", "mlp.router.classifier.weight", "", false},
    {"mlp.gate.", "mlp.router.", "", false},
    {"mlp.experts.", "mlp.experts.", "", false},
};

std::string mla::importer::nameInCheckpoint(StringRef name, int64_t perLayer) {
  StringRef rest = name;
  uint64_t number;
  if (perLayer == 1 || !rest.consume_front(layers) || rest.consumeInteger(10, number) || !rest.consume_front("."))
    return name.str();
  if (rest.consume_front(others))
    return (layers + Twine(number / perLayer) + "." + rest).str();
  for (const ModuleNames &module : modules) {
    if ((!module.isNumbered && number % perLayer) || !rest.consume_front(module.own))
      continue;
    std::string index = module.isNumbered ? std::to_string(number % perLayer) + "." : "";
    return (layers + Twine(number / perLayer) + "." + module.before + index + module.after + rest).str();
  }
  return name.str();
}

/// Remove the module's name in a checkpoint. Return which of the layer's modules it is, or nothing.
static std::optional<uint64_t> consumeModule(StringRef &name, const ModuleNames &module, uint64_t perLayer) {
  StringRef rest = name;
  uint64_t index = 0;
  if (!rest.consume_front(module.before) ||
      (module.isNumbered && (rest.consumeInteger(10, index) || !rest.consume_front("."))) || index >= perLayer ||
      !rest.consume_front(module.after))
    return std::nullopt;
  name = rest;
  return index;
}

/// Map a name of the checkpoint to the compiler's. Names of tensors outside of layers are unchanged.
static std::string fromCheckpoint(StringRef name, int64_t perLayer) {
  StringRef rest = name;
  uint64_t layer;
  if (!rest.consume_front(layers) || rest.consumeInteger(10, layer) || !rest.consume_front("."))
    return name.str();
  for (const ModuleNames &module : modules)
    if (std::optional<uint64_t> index = consumeModule(rest, module, perLayer))
      return (layers + Twine(layer * perLayer + *index) + "." + module.own + rest).str();
  return (layers + Twine(layer * perLayer) + "." + others + rest).str();
}

namespace {
class NumberedCheckpoint : public Checkpoint {
public:
  NumberedCheckpoint(std::unique_ptr<Checkpoint> wrapped, int64_t perLayer)
      : Checkpoint(wrapped->where().str()), wrapped(std::move(wrapped)), perLayer(perLayer) {
    config = this->wrapped->configJson();
    configPath = this->wrapped->configWhere().str();
    prefix = this->wrapped->prefixOfLayers().str();
    ownNames = this->wrapped->hasOwnNames();
  }

  bool contains(StringRef name) const override { return wrapped->contains(nameInCheckpoint(name, perLayer)); }
  void forEachName(llvm::function_ref<void(StringRef)> callback) const override {
    wrapped->forEachName([&](StringRef name) { callback(fromCheckpoint(name, perLayer)); });
  }
  llvm::Expected<const SafetensorsTensor *> find(StringRef name) override {
    return wrapped->find(nameInCheckpoint(name, perLayer));
  }

private:
  std::unique_ptr<Checkpoint> wrapped;
  int64_t perLayer;
};
} // namespace

std::unique_ptr<Checkpoint> mla::importer::numberAttentions(std::unique_ptr<Checkpoint> checkpoint,
                                                            int64_t attentionsPerLayer) {
  if (attentionsPerLayer == 1)
    return checkpoint;
  return std::make_unique<NumberedCheckpoint>(std::move(checkpoint), attentionsPerLayer);
}
