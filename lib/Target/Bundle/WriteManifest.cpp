//===- WriteManifest.cpp - manifest.json ----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WriteLaunches.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"
#include "mla/Target/Bundle.h"
#include "mla/abi.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

static std::vector<std::string> boundWeights(mlir::func::FuncOp function) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (auto name = function.getArgAttrOfType<mlir::StringAttr>(i, kWeightAttr))
      names.push_back(name.str());
  return names;
}

static bool serves(RegimeAttr own, RegimeAttr regime) {
  return own && own.getPhase() == regime.getPhase() && own.hasForms(regime.getQ(), regime.getO()) &&
         own.getTokens() == regime.getTokens();
}

/// Find the functions or launch lists of a regime: one for each kind of layer.
static std::vector<mlir::Operation *> findEntries(mlir::ModuleOp module, RegimeAttr regime) {
  std::vector<mlir::Operation *> entries;
  for (auto function : module.getOps<mlir::func::FuncOp>())
    if (serves(function->getAttrOfType<RegimeAttr>(kRegimeAttr), regime))
      entries.push_back(function);
  for (auto launches : module.getOps<LaunchesOp>())
    if (serves(launches.getRegimeAttr(), regime))
      entries.push_back(launches);
  return entries;
}

/// Return the layers that a function serves; none: all.
static std::vector<int64_t> layersOf(mlir::Operation *entry) {
  auto layers = entry->getAttrOfType<mlir::DenseI64ArrayAttr>(kLayersAttr);
  return layers ? layers.asArrayRef().vec() : std::vector<int64_t>();
}

static std::string symbolOf(mlir::Operation *entry) {
  llvm::StringRef name = mlir::SymbolTable::getSymbolName(entry).getValue();
  return mlir::isa<LaunchesOp>(entry) ? name.str() : ("mla_entry_" + name).str();
}

static std::vector<std::string> weightsOf(mlir::Operation *entry) {
  auto launches = mlir::dyn_cast<LaunchesOp>(entry);
  if (!launches)
    return boundWeights(mlir::cast<mlir::func::FuncOp>(entry));
  auto names = launches.getWeights().getAsValueRange<mlir::StringAttr>();
  return std::vector<std::string>(names.begin(), names.end());
}

llvm::Expected<std::vector<BundleEntry>> mla::entriesOf(mlir::ModuleOp module) {
  auto plan = module->getAttrOfType<PlanAttr>(kPlanAttr);
  if (!plan)
    return llvm::createStringError("the module has no plan; run mla-plan before a bundle is written");
  std::vector<BundleEntry> entries;
  for (RegimeAttr regime : plan.getRegimes()) {
    std::vector<mlir::Operation *> found = findEntries(module, regime);
    if (found.empty())
      return llvm::createStringError("no function has the forms of a regime of the plan; run mla-absorb on the module");
    for (mlir::Operation *entry : found)
      entries.push_back({symbolOf(entry), stringifyPhase(regime.getPhase()).str(), stringifyForm(regime.getQ()).str(),
                         stringifyForm(regime.getO()).str(), regime.getTokens(), regime.getContexts(), weightsOf(entry),
                         layersOf(entry), mlir::dyn_cast<LaunchesOp>(entry)});
  }
  for (mlir::Operation &op : module.getOps())
    if (auto end = op.getAttrOfType<mlir::StringAttr>(kEndAttr))
      entries.push_back({symbolOf(&op), end.str(), "", "", {}, {}, weightsOf(&op), {}, mlir::dyn_cast<LaunchesOp>(op)});
  return entries;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static json::Value toJson(mlir::Attribute attribute) {
  if (auto dictionary = mlir::dyn_cast<mlir::DictionaryAttr>(attribute)) {
    json::Object object;
    for (mlir::NamedAttribute field : dictionary)
      object[field.getName().getValue()] = toJson(field.getValue());
    return object;
  }
  if (auto integer = mlir::dyn_cast<mlir::IntegerAttr>(attribute))
    return integer.getInt();
  if (auto number = mlir::dyn_cast<mlir::FloatAttr>(attribute))
    return number.getValueAsDouble();
  if (auto numbers = mlir::dyn_cast<mlir::DenseI64ArrayAttr>(attribute))
    return json::Array(numbers.asArrayRef());
  if (auto items = mlir::dyn_cast<mlir::ArrayAttr>(attribute))
    return json::Array(llvm::map_range(items, [](mlir::Attribute item) { return toJson(item); }));
  return mlir::cast<mlir::StringAttr>(attribute).getValue();
}

static json::Value toJson(Range range) { return json::Array{range.first, range.last}; }

static json::Value toJson(const BundleEntry &entry) {
  json::Object object{{"symbol", entry.symbol}, {"phase", entry.phase}, {"weights", json::Array(entry.weights)}};
  if (entry.launches)
    addLaunchList(entry.launches, object);
  if (entry.q.empty()) // an end of a model
    return object;
  object["q"] = entry.q;
  object["o"] = entry.o;
  object["tokens"] = toJson(entry.tokens);
  object["context"] = toJson(entry.contexts);
  if (!entry.layers.empty())
    object["layers"] = json::Array(entry.layers);
  return object;
}

/// Return the launch lists of neither entries nor ends.
static json::Array coresOf(mlir::ModuleOp module) {
  json::Array cores;
  for (auto launches : module.getOps<LaunchesOp>()) {
    if (launches.getRegime() || launches->hasAttr(kEndAttr))
      continue;
    json::Object core{{"name", launches.getSymName()}};
    addLaunchList(launches, core);
    cores.push_back(std::move(core));
  }
  return cores;
}

static std::string printed(mlir::Attribute attribute) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  attribute.print(stream);
  return text;
}

/// Fields of the manifest that the code depends on.
static json::Object compiledFields(mlir::DictionaryAttr model, llvm::StringRef target, llvm::StringRef isa) {
  json::Object dims = *toJson(model).getAsObject();
  json::Object fields{{"target", target}, {"isa", isa}};
  // Properties of the bundle are separate from those of the model.
  for (llvm::StringRef key :
       {"dtype", "products", "scope", "page", "cache", "adapters", "tensor_parallel", "rank", "ranks"})
    if (json::Value *value = dims.get(key)) {
      fields[key] = std::move(*value);
      dims.erase(key);
    }
  fields["model"] = std::move(dims);
  return fields;
}

std::string mla::makeManifest(mlir::ModuleOp module, mlir::DictionaryAttr model, llvm::ArrayRef<BundleEntry> entries,
                              llvm::StringRef target, llvm::StringRef isa,
                              llvm::ArrayRef<std::pair<llvm::StringRef, uint64_t>> files,
                              llvm::ArrayRef<Certificate> certificates, uint64_t madeWeights, json::Value source) {
  json::Object manifest = compiledFields(model, target, isa), sizes;
  for (auto [name, size] : files)
    sizes[name] = static_cast<int64_t>(size);
  auto layers = module->getAttrOfType<mlir::DenseI64ArrayAttr>(kLayersAttr);
  manifest["magic"] = MLA_BUNDLE_MAGIC;
  // Earlier runtimes run bundles without these.
  manifest["version"] = manifest.get("ranks")      ? MLA_BUNDLE_VERSION_WITH_RANKS
                        : manifest.get("adapters") ? MLA_BUNDLE_VERSION
                                                   : MLA_BUNDLE_VERSION_WITHOUT_ADAPTERS;
  manifest["producer"] = "mla-compile " MLA_VERSION;
  manifest["layers"] = json::Array(layers.asArrayRef());
  manifest["plan"] = printed(module->getAttr(kPlanAttr));
  manifest["entries"] = json::Array(llvm::map_range(entries, [](const BundleEntry &entry) { return toJson(entry); }));
  manifest["files"] = std::move(sizes);
  manifest["certificates"] = json::Array(certificates);
  manifest["source"] = std::move(source);
  if (madeWeights)
    manifest["made_weights"] = static_cast<int64_t>(madeWeights);
  if (json::Array cores = coresOf(module); !cores.empty())
    manifest["cores"] = std::move(cores);

  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << llvm::formatv("{0:2}", json::Value(std::move(manifest))) << "\n";
  return text;
}

//===----------------------------------------------------------------------===//
// What the code says of itself
//===----------------------------------------------------------------------===//

/// The types of the weights of all functions.
static json::Object boundTensors(mlir::ModuleOp module) {
  json::Object tensors;
  for (auto function : module.getOps<mlir::func::FuncOp>())
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      auto name = function.getArgAttrOfType<mlir::StringAttr>(i, kWeightAttr);
      auto type = mlir::dyn_cast<mlir::RankedTensorType>(function.getArgumentTypes()[i]);
      if (name && type)
        tensors[name.getValue()] = json::Object{{"dtype", type.getElementType().isBF16() ? "BF16" : "F32"},
                                                {"shape", json::Array(type.getShape())}};
    }
  return tensors;
}

std::string mla::describeCode(mlir::ModuleOp module, mlir::DictionaryAttr model, llvm::ArrayRef<BundleEntry> entries,
                              llvm::StringRef target, llvm::StringRef isa) {
  json::Object code = compiledFields(model, target, isa);
  for (llvm::StringRef key : {"eos_token_id", "max_position_embeddings"}) // of texts, which code does not know
    code.getObject("model")->erase(key);
  code["entries"] = json::Array(llvm::map_range(entries, [](const BundleEntry &entry) {
    json::Value value = toJson(entry);
    value.getAsObject()->erase("context");
    return value;
  }));
  code["tensors"] = boundTensors(module);
  return llvm::formatv("{0}", json::Value(std::move(code)));
}

//===----------------------------------------------------------------------===//
// Users of weights
//===----------------------------------------------------------------------===//

WeightUsers mla::findWeightUsers(mlir::ModuleOp module) {
  WeightUsers users;
  auto all = module->getAttrOfType<mlir::DenseI64ArrayAttr>(kLayersAttr);
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    if (isPrepare(function))
      continue;
    std::vector<int64_t> layers = layersOf(function);
    if (function->hasAttr(kEndAttr))
      layers = {kEndsLayer};
    else if (layers.empty())
      layers = all.asArrayRef().vec();
    function.walk([&](WeightOp weight) { users[weight.getName().str()].insert(layers.begin(), layers.end()); });
  }
  return users;
}
