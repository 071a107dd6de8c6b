//===- ModuleNames.cpp - Modules with other names -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Some families call the modules of an attention otherwise. Errors about a
// tensor use the checkpoint's name.
//
//===----------------------------------------------------------------------===//

#include "ModuleNames.h"
#include "Families.h"
#include "mla/Import/Config.h"

using namespace mla;
using namespace mla::importer;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

static constexpr StringRef layers = "model.layers.";

/// Remove "model.layers.K." and return its length; 0: another name.
static size_t consumeLayer(StringRef &name) {
  StringRef rest = name;
  uint64_t layer;
  if (!rest.consume_front(layers) || rest.consumeInteger(10, layer) || !rest.consume_front("."))
    return 0;
  size_t length = name.size() - rest.size();
  name = rest;
  return length;
}

/// Return whether `name` is the module or something in it.
static bool isIn(StringRef name, StringRef module) {
  return name.starts_with(module) &&
         (module.ends_with(".") || name.size() == module.size() || name[module.size()] == '.');
}

/// Replace the first module that matches. `from` and `to` are the two names of a row.
static std::string rename(StringRef name, ArrayRef<ModuleName> names, llvm::StringLiteral ModuleName::*from,
                          llvm::StringLiteral ModuleName::*to) {
  StringRef rest = name;
  size_t length = consumeLayer(rest);
  if (!length)
    return name.str();
  for (const ModuleName &module : names)
    if (isIn(rest, module.*from))
      return (name.take_front(length) + module.*to + rest.drop_front((module.*from).size())).str();
  return name.str();
}

static ArrayRef<ModuleName> namesOf(StringRef modelType) {
  const Family *family = findFamily(modelType);
  return family ? family->names : ArrayRef<ModuleName>();
}

std::string mla::importer::nameInCheckpoint(StringRef name, const AttentionConfig &config) {
  return rename(nameInCheckpoint(name, config.attentionsPerLayer), namesOf(config.modelType), &ModuleName::usual,
                &ModuleName::own);
}

std::string mla::importer::nameInFile(const Checkpoint &checkpoint, StringRef name, const AttentionConfig &config) {
  std::string own =
      checkpoint.hasOwnNames() ? nameInCheckpoint(name, config) : nameInCheckpoint(name, config.attentionsPerLayer);
  StringRef rest = own;
  return rest.consume_front("model.") ? (checkpoint.prefixOfLayers() + rest).str() : own;
}

std::vector<std::string> mla::importer::namesInLists(StringRef module, const AttentionConfig &config) {
  // Of transformers' classes, of those before its version 4.52, and of engines.
  static constexpr StringRef wrappers[] = {"model.language_model.", "language_model.model.", "language_model."};
  std::string usual = nameInCheckpoint(module, config.attentionsPerLayer), own = nameInCheckpoint(module, config);
  std::vector<std::string> names = {usual};
  if (own != usual) {
    names.push_back(own);
    StringRef rest = own;
    if (rest.consume_front("model.")) // Mistral's own format has none
      names.push_back(rest.str());
  }
  if (config.wrappedIn.empty())
    return names;
  for (size_t i = 0, bare = names.size(); i < bare; ++i)
    for (StringRef wrapper : wrappers)
      if (StringRef rest = names[i]; rest.consume_front("model."))
        names.push_back((wrapper + rest).str());
  return names;
}

/// Return whether modules of layers have the family's own names: unless some have the usual ones. An error if there are
/// both.
static llvm::Expected<bool> findOwnNames(const Checkpoint &checkpoint, StringRef modelType,
                                         ArrayRef<ModuleName> names) {
  std::string own, usual; // the first of each
  checkpoint.forEachName([&](StringRef name) {
    auto differs = [&](auto from, auto to) { return rename(name, names, from, to) != name; };
    if (differs(&ModuleName::own, &ModuleName::usual) && (own.empty() || name < own))
      own = name.str();
    if (differs(&ModuleName::usual, &ModuleName::own) && (usual.empty() || name < usual))
      usual = name.str();
  });
  if (!own.empty() && !usual.empty())
    return fail(checkpoint.where() + ": modules of " + modelType + " have two kinds of names, as in " + own + " and " +
                usual + "; rename the tensors to one of them");
  return usual.empty();
}

namespace {
class RenamedCheckpoint : public Checkpoint {
public:
  RenamedCheckpoint(std::unique_ptr<Checkpoint> wrapped, ArrayRef<ModuleName> names)
      : Checkpoint(wrapped->where().str()), wrapped(std::move(wrapped)), names(names) {
    config = this->wrapped->configJson();
    configPath = this->wrapped->configWhere().str();
    prefix = this->wrapped->prefixOfLayers().str();
    ownNames = true;
  }

  bool contains(StringRef name) const override { return wrapped->contains(inCheckpoint(name)); }
  void forEachName(llvm::function_ref<void(StringRef)> callback) const override {
    wrapped->forEachName([&](StringRef name) { callback(rename(name, names, &ModuleName::own, &ModuleName::usual)); });
  }
  llvm::Expected<const SafetensorsTensor *> find(StringRef name) override { return wrapped->find(inCheckpoint(name)); }

private:
  std::string inCheckpoint(StringRef name) const { return rename(name, names, &ModuleName::usual, &ModuleName::own); }

  std::unique_ptr<Checkpoint> wrapped;
  ArrayRef<ModuleName> names;
};
} // namespace

llvm::Expected<std::unique_ptr<Checkpoint>> mla::importer::nameModulesAsUsual(std::unique_ptr<Checkpoint> checkpoint,
                                                                              StringRef modelType) {
  ArrayRef<ModuleName> names = namesOf(modelType);
  if (names.empty())
    return checkpoint;
  llvm::Expected<bool> areOwn = findOwnNames(*checkpoint, modelType, names);
  if (!areOwn)
    return areOwn.takeError();
  return *areOwn ? std::make_unique<RenamedCheckpoint>(std::move(checkpoint), names) : std::move(checkpoint);
}
