//===- NumberAttentions.cpp - One attention a layer -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers share code, have weights of their own and are called by one number.
// Where a model has two attentions a layer, it is they that are such layers, so
// the checkpoint's names are read as if it said so. Errors about a tensor name
// it as the checkpoint does.
//
//===----------------------------------------------------------------------===//

#include "mla/Import/Checkpoint.h"

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;
using llvm::Twine;

static constexpr StringRef layers = "model.layers.", attention = ".self_attn.";

std::string mla::importer::nameInCheckpoint(StringRef name, int64_t perLayer) {
  StringRef rest = name;
  uint64_t number;
  if (perLayer == 1 || !rest.consume_front(layers) || rest.consumeInteger(10, number) || !rest.consume_front(attention))
    return name.str();
  return (layers + Twine(number / perLayer) + attention + Twine(number % perLayer) + "." + rest).str();
}

/// The way back. What is no tensor of an attention keeps its name.
static std::string fromCheckpoint(StringRef name, int64_t perLayer) {
  StringRef rest = name;
  uint64_t layer, index;
  if (!rest.consume_front(layers) || rest.consumeInteger(10, layer) || !rest.consume_front(attention) ||
      rest.consumeInteger(10, index) || index >= uint64_t(perLayer) || !rest.consume_front("."))
    return name.str();
  return (layers + Twine(layer * perLayer + index) + attention + rest).str();
}

namespace {
class NumberedCheckpoint : public Checkpoint {
public:
  NumberedCheckpoint(std::unique_ptr<Checkpoint> wrapped, int64_t perLayer)
      : Checkpoint(wrapped->where().str()), wrapped(std::move(wrapped)), perLayer(perLayer) {
    config = this->wrapped->configJson();
    configPath = this->wrapped->configWhere().str();
    prefix = this->wrapped->prefixOfLayers().str();
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
