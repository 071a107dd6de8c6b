//===- CheckEntries.cpp - Check what the runtime will call ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime calls entries with arrays of the types that `mla.model` implies,
// and calls one entry per layer and regime. A module may be edited between its
// import and its bundle, so that all of this is checked first.
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/Bindings.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"
#include "mla/Target/Bundle.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/TargetParser/Host.h"

using namespace mla;
using namespace mlir;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// The values of `mla.end`.
/// As the runtime allows.
static constexpr int64_t kMostStreams = 16;

static constexpr llvm::StringLiteral kEmbedEnd = "embed", kLogitsEnd = "logits";

namespace {
/// The types of a model's entries.
class EntryTypes {
public:
  static FailureOr<EntryTypes> of(ModuleOp module);

  FunctionType ofLayer() const;
  FunctionType ofEnd(StringRef end) const;
  bool hasEnds() const { return vocabulary > 0; }

private:
  explicit EntryTypes(MLIRContext *context) : builder(context) {}
  Type tokensOf(ArrayRef<int64_t> width, Type element) const;
  Type rows() const { return tokensOf(hidden * streams, element); }

  Builder builder;
  int64_t hidden = 0, streams = 1, vocabulary = 0; // 0: the module has no ends
  Type element;                                    // of hidden states
  CacheType cache;
  bool hasAdapters = false; // that are not merged
};
} // namespace

static LogicalResult emitBadField(ModuleOp module, StringRef key, const Twine &expected) {
  Attribute value = module->getAttrOfType<DictionaryAttr>(kModelAttr).get(key);
  InFlightDiagnostic diagnostic = module.emitError();
  diagnostic << "expected " << key << " of " << kModelAttr << " to be " << expected << ", got ";
  return value ? diagnostic << value : diagnostic << "none";
}

/// Return the positive number of a field, or nothing.
static std::optional<int64_t> findSize(DictionaryAttr model, StringRef key) {
  auto size = model.getAs<IntegerAttr>(key);
  if (!size || !size.getType().isSignlessInteger(64) || size.getInt() <= 0)
    return std::nullopt;
  return size.getInt();
}

FailureOr<EntryTypes> EntryTypes::of(ModuleOp module) {
  auto model = module->getAttrOfType<DictionaryAttr>(kModelAttr);
  EntryTypes types(module.getContext());
  std::optional<int64_t> hidden = findSize(model, "hidden_size"), vocabulary = findSize(model, "vocab_size");
  if (!hidden)
    return emitBadField(module, "hidden_size", "a positive i64");
  std::optional<int64_t> streams = findSize(model, "streams");
  if (model.contains("streams") && (!streams || *streams > kMostStreams))
    return emitBadField(module, "streams", "a positive i64 of at most " + std::to_string(kMostStreams));
  auto scope = model.getAs<StringAttr>("scope");
  bool isModel = scope && scope.getValue() == "model";
  if (isModel != vocabulary.has_value())
    return emitBadField(module, "vocab_size", isModel ? "a positive i64" : "none, as scope is not \"model\"");
  auto dtype = model.getAs<StringAttr>("dtype");
  if (!dtype || (dtype.getValue() != "f32" && dtype.getValue() != "bf16"))
    return emitBadField(module, "dtype", "\"f32\" or \"bf16\"");
  auto fields = model.getAs<DictionaryAttr>("cache");
  auto name = fields ? fields.getAs<StringAttr>("format") : StringAttr();
  std::optional<CacheFormat> format = name ? symbolizeCacheFormat(name.getValue()) : std::nullopt;
  if (!format)
    return emitBadField(module, "cache", "a dictionary with a known format");
  types.hidden = *hidden;
  types.hasAdapters = model.contains("adapters");
  types.streams = streams.value_or(1);
  types.vocabulary = vocabulary.value_or(0);
  types.element = dtype.getValue() == "bf16" ? Type(types.builder.getBF16Type()) : types.builder.getF32Type();
  auto size = [&](StringRef key) { return model.getAs<IntegerAttr>(key).getInt(); }; // the dialect verifies these
  types.cache = CacheType::getChecked([&] { return module.emitError(); }, module.getContext(), size("page"),
                                      size("kv_lora_rank"), size("qk_rope_head_dim"), types.element, *format);
  if (!types.cache)
    return failure();
  if (auto ranks = model.getAs<DictionaryAttr>("ranks")) {
    int64_t rank = ranks.getAs<IntegerAttr>("rank").getInt(), parts = ranks.getAs<IntegerAttr>("tokens").getInt();
    types.cache = types.cache.clonePart(rank % parts, parts);
  }
  return types;
}

Type EntryTypes::tokensOf(ArrayRef<int64_t> width, Type element) const {
  SmallVector<int64_t, 2> shape = {ShapedType::kDynamic};
  llvm::append_range(shape, width);
  return RankedTensorType::get(shape, element);
}

FunctionType EntryTypes::ofLayer() const {
  Builder b = builder;
  Type numbers = tokensOf({}, b.getI32Type());
  SmallVector<Type> arguments = {rows(), numbers, cache};
  if (hasAdapters)
    arguments.push_back(numbers);
  return b.getFunctionType(arguments, {rows(), cache});
}

FunctionType EntryTypes::ofEnd(StringRef end) const {
  Builder b = builder;
  if (end == kEmbedEnd)
    return b.getFunctionType(tokensOf({}, b.getI32Type()), rows());
  return b.getFunctionType(rows(), tokensOf(vocabulary, b.getF32Type()));
}

static LogicalResult checkFunction(func::FuncOp function, StringRef what, FunctionType expected) {
  if (function.isExternal() || function.isPrivate())
    return function.emitError() << "expected @" << function.getName() << ", " << what
                                << ", to be public and to have a body";
  if (function.getFunctionType() == expected)
    return success();
  return function.emitError() << "expected @" << function.getName() << ", " << what << ", to have the type " << expected
                              << " that " << kModelAttr << " implies, got " << function.getFunctionType();
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

static std::string listed(ArrayRef<int64_t> numbers) {
  return llvm::join(llvm::map_range(numbers, [](int64_t number) { return std::to_string(number); }), ", ");
}

/// Return the layers of a function: its own, or all.
static FailureOr<ArrayRef<int64_t>> layersOf(func::FuncOp function, ArrayRef<int64_t> all) {
  Attribute attribute = function->getAttr(kLayersAttr);
  if (!attribute)
    return all;
  auto layers = dyn_cast<DenseI64ArrayAttr>(attribute);
  if (!layers || layers.empty() || !llvm::is_sorted(layers.asArrayRef(), std::less_equal<int64_t>()))
    return function.emitError() << "expected " << kLayersAttr << " of @" << function.getName()
                                << " to be layers in ascending order, got " << attribute;
  for (int64_t layer : layers.asArrayRef())
    if (!llvm::is_contained(all, layer))
      return function.emitError() << "expected " << kLayersAttr << " of @" << function.getName()
                                  << " to be some of the module's, " << listed(all) << ", got " << layer;
  return layers.asArrayRef();
}

/// Return whether two regimes are of the same entry: contexts do not distinguish functions.
static bool sharesEntry(RegimeAttr a, RegimeAttr b) {
  return a.getPhase() == b.getPhase() && a.hasForms(b.getQ(), b.getO()) && a.getTokens() == b.getTokens();
}

/// Check that in every regime of the plan exactly one function serves each layer.
static LogicalResult checkServedOnce(ModuleOp module, PlanAttr plan, ArrayRef<int64_t> all) {
  for (RegimeAttr regime : plan.getRegimes()) {
    llvm::SmallDenseMap<int64_t, func::FuncOp> served;
    for (auto function : module.getOps<func::FuncOp>()) {
      auto own = function->getAttrOfType<RegimeAttr>(kRegimeAttr);
      if (!own || !sharesEntry(own, regime))
        continue;
      FailureOr<ArrayRef<int64_t>> layers = layersOf(function, all);
      if (failed(layers))
        return failure();
      for (int64_t layer : *layers)
        if (auto [other, isNew] = served.try_emplace(layer, function); !isNew)
          return function.emitError() << "expected layer " << layer << " to have one function per regime, but @"
                                      << other->second.getName() << " and @" << function.getName() << " serve it in "
                                      << regime;
    }
    for (int64_t layer : all)
      if (!served.count(layer))
        return module.emitError() << "expected layer " << layer << " to have one function per regime, but none serves "
                                  << "it in " << regime << "; give one with this " << kRegimeAttr
                                  << ", and the layer in its " << kLayersAttr;
  }
  return success();
}

static LogicalResult checkLayers(ModuleOp module, const EntryTypes &types) {
  auto plan = module->getAttrOfType<PlanAttr>(kPlanAttr);
  auto layers = module->getAttrOfType<DenseI64ArrayAttr>(kLayersAttr);
  for (auto function : module.getOps<func::FuncOp>()) {
    Attribute attribute = function->getAttr(kRegimeAttr);
    if (!attribute)
      continue;
    auto own = dyn_cast<RegimeAttr>(attribute);
    if (!own || llvm::none_of(plan.getRegimes(), [&](RegimeAttr regime) { return sharesEntry(own, regime); }))
      return function.emitError() << "expected " << kRegimeAttr << " of @" << function.getName()
                                  << " to be a regime of the plan, got " << attribute;
    if (failed(checkFunction(function, "an entry of layers", types.ofLayer())))
      return failure();
  }
  return checkServedOnce(module, plan, layers.asArrayRef());
}

//===----------------------------------------------------------------------===//
// Ends
//===----------------------------------------------------------------------===//

static LogicalResult checkEnds(ModuleOp module, const EntryTypes &types) {
  llvm::SmallDenseMap<StringRef, func::FuncOp> found;
  for (auto function : module.getOps<func::FuncOp>()) {
    Attribute attribute = function->getAttr(kEndAttr);
    if (!attribute)
      continue;
    auto end = dyn_cast<StringAttr>(attribute);
    if (!types.hasEnds() || !end || (end.getValue() != kEmbedEnd && end.getValue() != kLogitsEnd))
      return function.emitError() << "expected " << kEndAttr << " of @" << function.getName() << " to be "
                                  << (types.hasEnds() ? "\"embed\" or \"logits\"" : "none, as the module is no model")
                                  << ", got " << attribute;
    if (function->hasAttr(kRegimeAttr))
      return function.emitError() << "expected @" << function.getName() << " to be an end of the model or an entry of "
                                  << "layers, but it has " << kEndAttr << " and " << kRegimeAttr;
    if (auto [other, isNew] = found.try_emplace(end.getValue(), function); !isNew)
      return function.emitError() << "expected one function with " << kEndAttr << " = " << end << ", but @"
                                  << other->second.getName() << " is one, too";
    if (failed(checkFunction(function, "an end of the model", types.ofEnd(end.getValue()))))
      return failure();
  }
  for (StringRef end : {StringRef(kEmbedEnd), StringRef(kLogitsEnd)})
    if (types.hasEnds() && !found.count(end))
      return module.emitError() << "expected a function with " << kEndAttr << " = \"" << end << "\" of type "
                                << types.ofEnd(end) << ", as the module is a model";
  return success();
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// Check that no function is called instead of one of the C library, such as memcpy, which code of copies calls.
static LogicalResult checkNames(ModuleOp module) {
  llvm::Triple host(llvm::sys::getDefaultTargetTriple());
  llvm::TargetLibraryInfoImpl library(host);
  for (auto function : module.getOps<func::FuncOp>())
    if (llvm::LibFunc known; library.getLibFunc(function.getName(), known))
      return function.emitError() << "expected another name than @" << function.getName()
                                  << ", which a function of the C library has";
  return success();
}

LogicalResult mla::checkEntries(ModuleOp module) {
  if (!module->getAttrOfType<PlanAttr>(kPlanAttr))
    return module.emitError() << "expected the module to have " << kPlanAttr << "; run mla-plan";
  FailureOr<EntryTypes> types = EntryTypes::of(module);
  if (failed(types) || failed(checkNames(module)) || failed(checkLayers(module, *types)))
    return failure();
  return checkEnds(module, *types);
}
