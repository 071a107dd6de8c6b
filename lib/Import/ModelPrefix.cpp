//===- ModelPrefix.cpp - Prefix of a checkpoint's language model ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Json.h"
#include "mla/Import/Checkpoint.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

#include <set>

using namespace mla;
using namespace mla::importer;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

static constexpr StringRef usualPrefix = "model.", layers = "layers.";

/// What an attention is called in a layer.
static constexpr StringRef attentions[] = {".self_attn.", ".attention."};

/// Projections specific to latent attention, as the part of a name after "self_attn.", also in Mistral's own format,
/// and projections that other attentions have too, also in that format and Ling's.
static constexpr StringRef ofLatent[] = {"q_a_proj",       "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "wq_a",
                                         "wkv_a_with_mqa", "wkv_b"};
static constexpr StringRef ofAny[] = {"q_proj", "o_proj", "wq", "wo", "dense"};

static bool isOfAttention(StringRef rest, ArrayRef<StringRef> modules) {
  uint64_t number;
  if (!rest.consume_front(layers) || rest.consumeInteger(10, number) ||
      llvm::none_of(attentions, [&](StringRef name) { return rest.consume_front(name); }))
    return false;
  if (!rest.consumeInteger(10, number) && !rest.consume_front(".")) // one of several attentions of a layer
    return false;
  return llvm::is_contained(modules, rest.take_until([](char c) { return c == '.'; }));
}

/// Find the prefixes "a.b." of all names "a.b.layers.N.self_attn.…" of these modules.
static std::set<std::string> findPrefixes(const Checkpoint &checkpoint, ArrayRef<StringRef> modules) {
  std::set<std::string> prefixes;
  checkpoint.forEachName([&](StringRef name) {
    for (size_t at = name.find(layers); at != name.npos; at = name.find(layers, at + 1))
      if ((at == 0 || name[at - 1] == '.') && isOfAttention(name.drop_front(at), modules))
        prefixes.insert(name.take_front(at).str());
  });
  return prefixes;
}

static constexpr StringRef head = "lm_head.";

namespace {
/// A view of a checkpoint in which the parts of its language model have the usual names: "model." for the prefix, and
/// its head beside. What has a usual name and is under another prefix belongs to another part, and has none here.
class PrefixedCheckpoint : public Checkpoint {
public:
  PrefixedCheckpoint(std::unique_ptr<Checkpoint> wrapped, StringRef ownPrefix)
      : Checkpoint(wrapped->where().str()), wrapped(std::move(wrapped)) {
    prefix = ownPrefix.str();
    StringRef outer = ownPrefix;
    outer.consume_back(usualPrefix);
    ownHead = (outer + head).str();
    bool hasOwn = false;
    this->wrapped->forEachName([&](StringRef name) { hasOwn |= name.starts_with(ownHead); });
    if (!hasOwn)
      ownHead = head.str();
    config = this->wrapped->configJson();
    configPath = this->wrapped->configWhere().str();
  }

  bool contains(StringRef name) const override { return wrapped->contains(inCheckpoint(name)); }
  void forEachName(llvm::function_ref<void(StringRef)> callback) const override {
    wrapped->forEachName([&](StringRef name) {
      StringRef rest = name;
      if (rest.consume_front(ownHead))
        callback((head + rest).str());
      else if (rest.consume_front(prefix) && (!prefix.empty() || isOfDecoder(rest)))
        callback((usualPrefix + rest).str());
      else if (!name.starts_with(usualPrefix) && !name.starts_with(head))
        callback(name);
    });
  }
  llvm::Expected<const SafetensorsTensor *> find(StringRef name) override { return wrapped->find(inCheckpoint(name)); }

private:
  /// Without a prefix, a decoder's own names tell it from what may be beside it.
  static bool isOfDecoder(StringRef name) {
    return llvm::any_of(decoderParts, [&](StringRef part) { return name.starts_with(part); });
  }

  std::string inCheckpoint(StringRef name) const {
    StringRef rest = name;
    if (rest.consume_front(head))
      return ownHead + rest.str();
    return rest.consume_front(usualPrefix) ? prefix + rest.str() : name.str();
  }

  static constexpr StringRef decoderParts[] = {layers, "embed_tokens.", "norm.", "rotary_emb."};

  std::unique_ptr<Checkpoint> wrapped;
  std::string ownHead;
};
} // namespace

static llvm::Error makeAmbiguous(const Checkpoint &checkpoint, const std::set<std::string> &prefixes) {
  return fail(checkpoint.where() + ": has layers of latent attention under several names (" +
              llvm::join(prefixes, "layers, ") + "layers); give a checkpoint of one model");
}

static llvm::Expected<std::unique_ptr<Checkpoint>> nameAsUsual(std::unique_ptr<Checkpoint> checkpoint,
                                                               const std::set<std::string> &prefixes) {
  if (prefixes.empty() || prefixes.count(usualPrefix.str()))
    return checkpoint;
  if (prefixes.size() > 1)
    return makeAmbiguous(*checkpoint, prefixes);
  return std::make_unique<PrefixedCheckpoint>(std::move(checkpoint), *prefixes.begin());
}

llvm::Expected<std::unique_ptr<Checkpoint>> mla::importer::nameLayersAsUsual(std::unique_ptr<Checkpoint> checkpoint) {
  std::set<std::string> prefixes = findPrefixes(*checkpoint, ofLatent);
  return nameAsUsual(std::move(checkpoint), prefixes);
}

/// Return whether the layers with this prefix belong to a language model: "model.language_model.".
static bool isOfLanguageModel(StringRef prefix) {
  static constexpr StringRef words[] = {"model", "language", "language_model", "text_model", "llm"};
  SmallVector<StringRef> parts;
  prefix.rtrim('.').split(parts, '.', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  return llvm::all_of(parts, [](StringRef part) { return llvm::is_contained(words, part); });
}

llvm::Expected<std::unique_ptr<Checkpoint>> mla::importer::nameLayersAsUsual(std::unique_ptr<Checkpoint> checkpoint,
                                                                             StringRef base) {
  std::set<std::string> prefixes = findPrefixes(*checkpoint, ofLatent), others = findPrefixes(*checkpoint, ofAny);
  // Both are of the same model, so that one of two updates of a module would be left out. Others may be of another.
  auto has = [&](StringRef prefix) { return prefixes.count(prefix.str()) || others.count(prefix.str()); };
  if (has("") && has(usualPrefix))
    return makeAmbiguous(*checkpoint, {"", usualPrefix.str()});
  if (prefixes.empty())
    for (const std::string &prefix : others)
      if (prefix == base || isOfLanguageModel(prefix))
        prefixes.insert(prefix);
  if (prefixes.count(base.str()))
    prefixes = {base.str()};
  return nameAsUsual(std::move(checkpoint), prefixes);
}
