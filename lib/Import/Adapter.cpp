//===- Adapter.cpp - LoRA adapters ----------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Import/Adapter.h"
#include "AdapterConfig.h"
#include "CheckpointIndex.h"
#include "Json.h"
#include "ModuleNames.h"
#include "TensorErrors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace mla;
using namespace mla::importer;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

namespace fs = llvm::sys::fs;

static constexpr llvm::StringLiteral configName = "/adapter_config.json", tensorsName = "/adapter_model.safetensors";

/// The prefix that PEFT adds to module names.
static constexpr llvm::StringLiteral peftPrefix = "base_model.model.";

static constexpr llvm::StringLiteral mergeFirst =
    "merge the adapter with PEFT (merge_and_unload) and compile the result";

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

namespace {
/// The tensors of an adapter's file under the model's names.
class AdapterTensors : public Checkpoint {
public:
  explicit AdapterTensors(std::unique_ptr<Checkpoint> file) : Checkpoint(file->where().str()), file(std::move(file)) {}

  bool contains(StringRef name) const override { return file->contains((peftPrefix + name).str()); }
  void forEachName(llvm::function_ref<void(StringRef)> callback) const override {
    file->forEachName([&](StringRef name) {
      name.consume_front(peftPrefix);
      callback(name);
    });
  }
  llvm::Expected<const SafetensorsTensor *> find(StringRef name) override {
    return file->find((peftPrefix + name).str());
  }

private:
  std::unique_ptr<Checkpoint> file;
};

/// A checkpoint and the tensors of adapters.
class AdaptedCheckpoint : public Checkpoint {
public:
  AdaptedCheckpoint(std::unique_ptr<Checkpoint> base, std::unique_ptr<Checkpoint> adapter)
      : Checkpoint(base->where().str()), base(std::move(base)), adapter(std::move(adapter)) {}

  bool contains(StringRef name) const override { return of(name).contains(name); }
  void forEachName(llvm::function_ref<void(StringRef)> callback) const override {
    base->forEachName(callback);
    adapter->forEachName(callback);
  }
  llvm::Expected<const SafetensorsTensor *> find(StringRef name) override { return of(name).find(name); }
  llvm::Expected<TensorHandle> read(StringRef name) override { return of(name).read(name); }

private:
  Checkpoint &of(StringRef name) const { return adapter->contains(name) ? *adapter : *base; }

  std::unique_ptr<Checkpoint> base, adapter;
};
} // namespace

std::unique_ptr<Checkpoint> mla::importer::addTensors(std::unique_ptr<Checkpoint> checkpoint,
                                                      std::unique_ptr<Checkpoint> added) {
  return std::make_unique<AdaptedCheckpoint>(std::move(checkpoint), std::move(added));
}

std::unique_ptr<Checkpoint> Adapter::addTo(std::unique_ptr<Checkpoint> checkpoint, Adapter adapter) {
  return addTensors(std::move(checkpoint), std::move(adapter.tensors));
}

static llvm::Expected<std::unique_ptr<Checkpoint>> openTensors(StringRef directory) {
  std::string path = (directory + tensorsName).str();
  if (fs::exists(path))
    return openCheckpoint(path);
  bool isPickled = fs::exists(directory + "/adapter_model.bin");
  return fail(path + ": no such file" +
              (isPickled ? "; save the adapter with safe_serialization=True: adapter_model.bin is not supported"
                         : "; give the directory to which PEFT saved an adapter"));
}

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

Adapter::Adapter(StringRef directory, AttentionConfig attention, AdapterConfig config,
                 std::unique_ptr<Checkpoint> tensors)
    : directory(directory), attention(std::move(attention)), config(std::make_unique<AdapterConfig>(std::move(config))),
      tensors(std::move(tensors)) {}
Adapter::Adapter(Adapter &&) = default;
Adapter::~Adapter() = default;

llvm::Expected<Adapter> Adapter::open(StringRef directory, const AttentionConfig &attention, StringRef prefix) {
  directory = directory.rtrim('/');
  if (!fs::is_directory(directory))
    return fail(directory + ": no such directory; give one with adapter_config.json and adapter_model.safetensors");
  std::string where = (directory + configName).str();
  llvm::Expected<std::string> text = readTextFile(where);
  if (!text)
    return text.takeError();
  llvm::Expected<AdapterConfig> config = parseAdapterConfig(*text, where);
  if (!config)
    return config.takeError();
  if (config->trainsBiases && attention.attentionBias)
    return fail(where + ": bias: the adapter has biases of its own, and the attention has some (attention_bias); " +
                mergeFirst);
  llvm::Expected<std::unique_ptr<Checkpoint>> file = openTensors(directory);
  if (!file)
    return file.takeError();
  llvm::Expected<std::unique_ptr<Checkpoint>> usual =
      nameLayersAsUsual(std::make_unique<AdapterTensors>(std::move(*file)), prefix);
  if (!usual)
    return usual.takeError();
  usual = nameModulesAsUsual(std::move(*usual), attention.modelType);
  if (!usual)
    return usual.takeError();
  auto tensors = numberAttentions(std::move(*usual), attention.attentionsPerLayer);
  return Adapter(directory, attention, std::move(*config), std::move(tensors));
}

//===----------------------------------------------------------------------===//
// Updates
//===----------------------------------------------------------------------===//

/// Return the name of a tensor or module in the adapter's model, as matched by the patterns of its config.
std::string Adapter::nameInAdapter(StringRef name) const { return nameInFile(*tensors, name, attention); }

/// Check one of the two matrices of an update, and return its element type.
static llvm::Expected<DType> checkHalf(Checkpoint &tensors, const std::string &name, ArrayRef<int64_t> shape,
                                       const Twine &makers) {
  llvm::Expected<const SafetensorsTensor *> found = tensors.find(name);
  if (!found)
    return found.takeError();
  const SafetensorsTensor &half = **found;
  if (ArrayRef<int64_t>(half.shape) != shape)
    return tensorError(tensors.where(), half,
                       "expected shape " + shapeText(shape) + " for " + makers + ", got " + shapeText(half.shape) +
                           "; give the adapter of this model");
  if (!isPlainFloat(half.dtype))
    return tensorError(tensors.where(), half,
                       Twine("expected F32, BF16 or F16, got ") + half.typeName() + "; convert it");
  if (llvm::Error error = checkFinite(half, tensors.where()))
    return error;
  return half.dtype;
}

static llvm::Error checkHalves(Checkpoint &tensors, const ExpectedWeight &weight, WeightUpdate &update) {
  std::string makers = ("rank " + Twine(update.rank) + " and the weight " + shapeText(weight.shape)).str();
  if (llvm::Error error =
          checkHalf(tensors, update.nameA, {update.rank, weight.shape[1]}, makers).moveInto(update.typeA))
    return error;
  return checkHalf(tensors, update.nameB, {weight.shape[0], update.rank}, makers).moveInto(update.typeB);
}

/// Check that target_modules and the tensors agree on whether a module has an update.
llvm::Error Adapter::checkAnnounced(StringRef module, bool hasTensors) const {
  std::optional<bool> announced = config->hasUpdate(module);
  if (!announced || *announced == hasTensors)
    return llvm::Error::success();
  if (hasTensors)
    return fail(config->where + ": target_modules: " + module +
                " is not among them, but the adapter has its tensors; correct one of the two");
  return fail(tensors->where() + ": no tensors of " + module + ", which " + config->where +
              " names in target_modules; save the adapter again");
}

llvm::Expected<std::optional<WeightUpdate>> Adapter::findUpdate(const ExpectedWeight &weight) const {
  std::string stem = StringRef(weight.name).rsplit('.').first.str();
  std::string module = nameInAdapter(stem);
  if (config->savesWhole(module))
    return fail(config->where + ": modules_to_save: " + module + " is saved whole and not as an update; " + mergeFirst);
  if (weight.shape.size() != 2) // norms and biases
    return std::nullopt;
  WeightUpdate update;
  update.nameA = stem + ".lora_A.weight";
  update.nameB = stem + ".lora_B.weight";
  bool hasTensors = tensors->contains(update.nameA) || tensors->contains(update.nameB);
  if (llvm::Error error = checkAnnounced(module, hasTensors))
    return error;
  if (!hasTensors)
    return std::nullopt;
  if (llvm::Error error = config->rankOf(module).moveInto(update.rank))
    return error;
  if (llvm::Error error = config->scaleOf(module).moveInto(update.scale))
    return error;
  if (llvm::Error error = checkHalves(*tensors, weight, update))
    return error;
  return update;
}

/// Reject tensors that are not part of an update. Updates of an indexer are ignored because the indexer is not
/// compiled.
llvm::Error Adapter::checkNothingElse(int64_t layer, const llvm::StringSet<> &known) const {
  std::string prefix = layerPrefix(layer), indexer = prefix + "indexer.", other;
  tensors->forEachName([&](StringRef name) {
    if (attention.indexTopK && name.starts_with(indexer))
      return;
    if (name.starts_with(prefix) && !known.contains(name) && (other.empty() || name < other))
      other = name.str();
  });
  if (other.empty())
    return llvm::Error::success();
  return fail(tensors->where() + ": tensor " + peftPrefix + nameInAdapter(other) +
              ": is not part of an update of a projection of the config; " + mergeFirst);
}

/// Return "rank 8, scale 2, F32".
static std::string describe(const std::optional<WeightUpdate> &update) {
  if (!update)
    return "no update";
  std::string types = dtypeName(update->typeB);
  if (update->typeA != update->typeB)
    types += std::string(" x ") + dtypeName(update->typeA);
  return "rank " + std::to_string(update->rank) + ", scale " + numberText(update->scale) + ", " + types;
}

/// Return whether two updates have the same rank, scale and element types, which are part of the layers' code.
static bool areAlike(const std::optional<WeightUpdate> &a, const std::optional<WeightUpdate> &b) {
  if (!a || !b)
    return !a && !b;
  return a->rank == b->rank && a->scale == b->scale && a->typeA == b->typeA && a->typeB == b->typeB;
}

llvm::Expected<std::vector<std::optional<WeightUpdate>>> Adapter::findUpdates(int64_t layer) const {
  std::vector<std::optional<WeightUpdate>> updates;
  llvm::StringSet<> known;
  for (const ExpectedWeight &weight : expectedWeights(attention, layer)) {
    llvm::Expected<std::optional<WeightUpdate>> update = findUpdate(weight);
    if (!update)
      return update.takeError();
    if (*update)
      known.insert_range(llvm::ArrayRef{(*update)->nameA, (*update)->nameB});
    updates.push_back(std::move(*update));
  }
  if (llvm::Error error = checkNothingElse(layer, known))
    return error;
  return updates;
}

llvm::Error Adapter::apply(ArrayRef<int64_t> layers, std::vector<WeightSpec> &weights) const {
  for (int64_t layer : layers) {
    llvm::Expected<std::vector<std::optional<WeightUpdate>>> updates = findUpdates(layer);
    if (!updates)
      return updates.takeError();
    // A bias that is found only in the checkpoint comes last.
    for (auto [weight, update] : llvm::zip(weights, *updates)) {
      if (layer == layers.front())
        weight.update = std::move(update);
      else if (!areAlike(weight.update, update))
        return fail(directory + ": " + weight.expected.name + " has " + describe(weight.update) + ", that of layer " +
                    Twine(layer) + " " + describe(update) +
                    ", and layers compiled together share code; compile these layers separately with --layers");
    }
  }
  if (llvm::any_of(weights, [](const WeightSpec &weight) { return weight.update; }))
    return llvm::Error::success();
  return makeUnused(layers.front());
}

llvm::Error Adapter::makeUnused(int64_t layer) const {
  return fail(tensors->where() + ": no tensors of " + peftPrefix + nameInAdapter(layerPrefix(layer)) +
              "…: the adapter would change nothing; leave it out, or give one of this model's attention");
}

std::string Adapter::summary(ArrayRef<int64_t> layers, ArrayRef<WeightSpec> weights) const {
  std::string text, last;
  size_t left = 0;
  tensors->forEachName([&](StringRef) { ++left; });
  for (const WeightSpec &weight : weights) {
    if (!weight.update)
      continue;
    // Consecutive weights with the same description share it.
    std::string what = " (" + describe(weight.update) + ")";
    if (what != last)
      text += last;
    text += (text.empty() ? "" : ", ") + checkpointSuffix(weight.expected.role).rsplit('.').first.str();
    last = what;
    left -= 2 * layers.size();
  }
  return directory + ": merged into " + text + last +
         (left ? "; " + std::to_string(left) + " other tensors are left out" : "");
}
