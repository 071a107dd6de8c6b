//===- ModelPrefix.cpp - Where a checkpoint has its language model --------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Json.h"
#include "mla/Import/Checkpoint.h"

#include "llvm/ADT/StringExtras.h"

#include <set>

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;

static constexpr StringRef usualPrefix = "model.", layers = "layers.";

/// Projections that only latent attention has, as parts of a name behind "self_attn.".
static bool isOfLatentAttention(StringRef rest) {
  uint64_t number;
  if (!rest.consume_front(layers) || rest.consumeInteger(10, number) || !rest.consume_front(".self_attn."))
    return false;
  if (!rest.consumeInteger(10, number) && !rest.consume_front(".")) // one of a layer's several attentions
    return false;
  StringRef module = rest.take_until([](char c) { return c == '.'; });
  return module == "q_a_proj" || module == "q_b_proj" || module == "kv_a_proj_with_mqa" || module == "kv_b_proj";
}

/// The prefixes "a.b." of all names "a.b.layers.N.self_attn.…" of latent attention.
static std::set<std::string> findPrefixes(const Checkpoint &checkpoint) {
  std::set<std::string> prefixes;
  checkpoint.forEachName([&](StringRef name) {
    for (size_t at = name.find(layers); at != name.npos; at = name.find(layers, at + 1))
      if ((at == 0 || name[at - 1] == '.') && isOfLatentAttention(name.drop_front(at)))
        prefixes.insert(name.take_front(at).str());
  });
  return prefixes;
}

namespace {
/// The layers of a checkpoint under the usual names.
class PrefixedCheckpoint : public Checkpoint {
public:
  PrefixedCheckpoint(std::unique_ptr<Checkpoint> wrapped, std::string prefix)
      : Checkpoint(wrapped->where().str()), wrapped(std::move(wrapped)), prefix(std::move(prefix)) {
    config = this->wrapped->configJson();
    configPath = this->wrapped->configWhere().str();
  }

  bool contains(StringRef name) const override { return wrapped->contains(inCheckpoint(name)); }
  void forEachName(llvm::function_ref<void(StringRef)> callback) const override {
    wrapped->forEachName([&](StringRef name) {
      StringRef rest = name;
      if (rest.consume_front(prefix) && rest.starts_with(layers))
        callback((usualPrefix + rest).str());
      else if (!name.starts_with("model.layers."))
        callback(name);
    });
  }
  llvm::Expected<const SafetensorsTensor *> find(StringRef name) override { return wrapped->find(inCheckpoint(name)); }

private:
  std::string inCheckpoint(StringRef name) const {
    StringRef rest = name;
    return rest.consume_front(usualPrefix) && rest.starts_with(layers) ? prefix + rest.str() : name.str();
  }

  std::unique_ptr<Checkpoint> wrapped;
  std::string prefix;
};
} // namespace

llvm::Expected<std::unique_ptr<Checkpoint>> mla::importer::nameLayersAsUsual(std::unique_ptr<Checkpoint> checkpoint) {
  std::set<std::string> prefixes = findPrefixes(*checkpoint);
  if (prefixes.empty() || prefixes.count(usualPrefix.str()))
    return checkpoint;
  if (prefixes.size() > 1)
    return fail(checkpoint->where() + ": has layers of latent attention under several names (" +
                llvm::join(prefixes, "layers, ") + "layers); give a checkpoint of one model");
  return std::make_unique<PrefixedCheckpoint>(std::move(checkpoint), *prefixes.begin());
}
