//===- UnmergedAdapters.cpp - Adapters that sequences choose --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Import/UnmergedAdapters.h"
#include "Formats/ComputedMatrix.h"
#include "Formats/Widen.h"
#include "Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace mla;
using namespace mla::importer;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

UnmergedAdapters::UnmergedAdapters(UnmergedAdapters &&) = default;
UnmergedAdapters::~UnmergedAdapters() = default;

/// Return the last component of a path, without "." and "..".
static std::string nameOf(StringRef directory) {
  llvm::SmallString<128> path(directory);
  llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  return llvm::sys::path::filename(path).str();
}

llvm::Expected<UnmergedAdapters> UnmergedAdapters::open(ArrayRef<std::string> directories,
                                                        const AttentionConfig &config, StringRef prefix) {
  UnmergedAdapters all({});
  llvm::StringMap<StringRef> byName;
  for (const std::string &directory : directories) {
    llvm::Expected<Adapter> adapter = Adapter::open(directory, config, prefix);
    if (!adapter)
      return adapter.takeError();
    std::string name = nameOf(directory);
    if (auto [other, isNew] = byName.try_emplace(name, directory); !isNew)
      return fail("--adapter: " + directory + " and " + other->second + " are both named '" + name +
                  "', and sequences choose adapters by name; rename one of the two directories, or give a link");
    all.allNames.push_back(std::move(name));
    all.adapters.push_back(std::make_shared<Adapter>(std::move(*adapter)));
  }
  return all;
}

//===----------------------------------------------------------------------===//
// Updates
//===----------------------------------------------------------------------===//

/// Kernels and vectors take ranks in multiples of it.
static constexpr int64_t rankUnit = 8;

/// Make room for an update of a weight.
static void widen(WeightSpec &weight, const WeightUpdate &update, int64_t count) {
  if (!weight.updates) {
    std::string stem = StringRef(weight.expected.name).rsplit('.').first.str();
    weight.updates = {stem + ".lora_A.weight", stem + ".lora_B.weight", count, 0};
  }
  weight.updates->rank = std::max<int64_t>(weight.updates->rank, llvm::alignTo(update.rank, rankUnit));
}

llvm::Error UnmergedAdapters::apply(ArrayRef<int64_t> layers, std::vector<WeightSpec> &weights) const {
  for (const std::shared_ptr<Adapter> &adapter : adapters) {
    bool updatesSome = false;
    for (int64_t layer : layers) {
      llvm::Expected<std::vector<std::optional<WeightUpdate>>> updates = adapter->findUpdates(layer);
      if (!updates)
        return updates.takeError();
      for (auto [weight, update] : llvm::zip(weights, *updates))
        if (update) {
          widen(weight, *update, adapters.size());
          updatesSome = true;
        }
    }
    if (!updatesSome)
      return adapter->makeUnused(layers.front());
  }
  return llvm::Error::success();
}

std::string UnmergedAdapters::summary(ArrayRef<WeightSpec> weights) const {
  auto numbered =
      llvm::map_range(llvm::enumerate(allNames), [](auto it) { return (Twine(it.index()) + " " + it.value()).str(); });
  std::string text = (Twine(allNames.size()) + (allNames.size() == 1 ? " adapter (" : " adapters (") +
                      llvm::join(numbered, ", ") + "), not merged: ")
                         .str();
  std::vector<std::string> ranks;
  for (const WeightSpec &weight : weights)
    if (weight.updates)
      ranks.push_back(
          ("rank " + Twine(weight.updates->rank) + " of " + checkpointSuffix(weight.expected.role).rsplit('.').first)
              .str());
  return text + llvm::join(ranks, ", ");
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

namespace {
/// The tensors of all adapters for each updated module, computed from the adapters' own.
class StackedUpdates : public Checkpoint {
public:
  StackedUpdates(std::string where, std::vector<std::shared_ptr<Adapter>> adapters)
      : Checkpoint(std::move(where)), adapters(std::move(adapters)) {}

  llvm::Error add(int64_t layer, ArrayRef<WeightSpec> weights);

  bool contains(StringRef name) const override { return matrices.contains(name); }
  void forEachName(llvm::function_ref<void(StringRef)> callback) const override {
    for (StringRef name : matrices.keys())
      callback(name);
  }
  llvm::Expected<const SafetensorsTensor *> find(StringRef name) override {
    auto it = matrices.find(name);
    return it == matrices.end() ? llvm::Expected<const SafetensorsTensor *>(missing(name)) : &it->second->header();
  }
  llvm::Expected<TensorHandle> read(StringRef name) override { return matrices.find(name)->second->read(where()); }

private:
  std::vector<std::shared_ptr<Adapter>> adapters; ///< Their files stay open.
  llvm::StringMap<std::unique_ptr<ComputedMatrix>> matrices;
};

/// The matrices of one adapter for a weight; null tensors: none.
struct Halves {
  const SafetensorsTensor *a = nullptr, *b = nullptr;
  int64_t rank = 0;
  double scale = 0;
};
} // namespace

static double elementAt(const SafetensorsTensor &tensor, int64_t index) {
  switch (tensor.dtype) {
  case DType::BF16:
    return widenBF16(loadAt<uint16_t>(tensor.data, index));
  case DType::F16:
    return widenF16(loadAt<uint16_t>(tensor.data, index));
  default: // Adapter takes no other type
    return loadAt<float>(tensor.data, index);
  }
}

/// Return A of all adapters: [E, rank, columns].
static std::unique_ptr<ComputedMatrix> stackDown(StringRef name, std::vector<Halves> all, int64_t rank,
                                                 int64_t columns) {
  std::vector<int64_t> shape = {static_cast<int64_t>(all.size()), rank, columns};
  auto row = [=, all = std::move(all)](int64_t row, float *to) {
    const Halves &own = all[row / rank];
    int64_t j = row % rank;
    for (int64_t k = 0; k < columns; ++k)
      to[k] = j < own.rank ? static_cast<float>(elementAt(*own.a, j * columns + k)) : 0.0f;
  };
  return std::make_unique<ComputedMatrix>(name, shape, "", std::move(row));
}

/// Return c B of all adapters, each product rounded once: [E, rows, rank].
static std::unique_ptr<ComputedMatrix> stackUp(StringRef name, std::vector<Halves> all, int64_t rows, int64_t rank) {
  std::vector<int64_t> shape = {static_cast<int64_t>(all.size()), rows, rank};
  auto row = [=, all = std::move(all)](int64_t row, float *to) {
    const Halves &own = all[row / rows];
    int64_t n = row % rows;
    for (int64_t j = 0; j < rank; ++j)
      to[j] = j < own.rank ? static_cast<float>(own.scale * elementAt(*own.b, n * own.rank + j)) : 0.0f;
  };
  return std::make_unique<ComputedMatrix>(name, shape, "", std::move(row));
}

/// Find the matrices of an update, which were checked before.
static llvm::Expected<Halves> findHalves(const Adapter &adapter, const std::optional<WeightUpdate> &update) {
  Halves halves;
  if (!update)
    return halves;
  halves.rank = update->rank;
  halves.scale = update->scale;
  if (llvm::Error error = adapter.findTensor(update->nameA).moveInto(halves.a))
    return error;
  if (llvm::Error error = adapter.findTensor(update->nameB).moveInto(halves.b))
    return error;
  return halves;
}

llvm::Error StackedUpdates::add(int64_t layer, ArrayRef<WeightSpec> weights) {
  std::vector<std::vector<Halves>> byWeight(weights.size());
  for (const std::shared_ptr<Adapter> &adapter : adapters) {
    llvm::Expected<std::vector<std::optional<WeightUpdate>>> updates = adapter->findUpdates(layer);
    if (!updates)
      return updates.takeError();
    for (auto [halves, update] : llvm::zip(byWeight, *updates)) {
      llvm::Expected<Halves> found = findHalves(*adapter, update);
      if (!found)
        return found.takeError();
      halves.push_back(*found);
    }
  }
  for (auto [weight, halves] : llvm::zip(weights, byWeight)) {
    if (!weight.updates)
      continue;
    std::string module = layerPrefix(layer) + checkpointSuffix(weight.expected.role).rsplit('.').first.str();
    std::string a = module + ".lora_A.weight", b = module + ".lora_B.weight";
    ArrayRef<int64_t> shape = weight.expected.shape;
    matrices[a] = stackDown(a, halves, weight.updates->rank, shape[1]);
    matrices[b] = stackUp(b, halves, shape[0], weight.updates->rank);
  }
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<Checkpoint>> UnmergedAdapters::addTo(std::unique_ptr<Checkpoint> checkpoint,
                                                                    UnmergedAdapters adapters, ArrayRef<int64_t> layers,
                                                                    ArrayRef<WeightSpec> weights) {
  auto updates = std::make_unique<StackedUpdates>(checkpoint->where().str(), std::move(adapters.adapters));
  for (int64_t layer : layers)
    if (llvm::Error error = updates->add(layer, weights))
      return error;
  return addTensors(std::move(checkpoint), std::move(updates));
}
