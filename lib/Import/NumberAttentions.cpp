//===- NumberAttentions.cpp - One attention per layer ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers share code, have their own weights and are identified by a number. In
// a model with several attentions per layer, every attention is such a layer,
// and the checkpoint's names are mapped accordingly. Errors about a tensor use
// the checkpoint's name.
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

/// Map a name of the checkpoint to the compiler's. Names of other tensors are unchanged.
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
