//===- ModuleParts.cpp - Parts of a module for a bundle -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModuleParts.h"
#include "CollectDiagnostics.h"
#include "Weights.h"
#include "mla/Dialect/MLA/Analysis/ScaledWeight.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mla;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Attributes of an import
//===----------------------------------------------------------------------===//

/// Return whether `prefix` is "model.layers.N.self_attn.".
static bool isLayerPrefix(llvm::StringRef prefix) {
  int64_t layer = 0;
  llvm::StringRef number = prefix.drop_until(llvm::isDigit).take_while(llvm::isDigit);
  return llvm::to_integer(number, layer, 10) &&
         (importer::layerPrefix(layer) == prefix || importer::decoderPrefix(layer) == prefix);
}

static llvm::Error lacks(const CompileOptions &options, llvm::StringRef attribute, const Twine &what) {
  return makeError(options.module + ": a bundle requires the module's " + attribute + ", " + what +
                   "; continue from the output of --emit, or choose --emit=llvm or nvvm");
}

llvm::Expected<std::vector<int64_t>> mla::checkAttributes(ModuleOp module, const CompileOptions &options) {
  if (!module->hasAttr(kModelAttr))
    return lacks(options, kModelAttr, "the sizes of the model");
  auto prefix = module->getAttrOfType<StringAttr>(kCheckpointPrefixAttr);
  if (!prefix || !isLayerPrefix(prefix))
    return lacks(options, kCheckpointPrefixAttr, "such as \"" + importer::layerPrefix(0) + "\"");
  auto attribute = module->getAttrOfType<DenseI64ArrayAttr>(kLayersAttr);
  llvm::ArrayRef<int64_t> layers = attribute ? attribute.asArrayRef() : llvm::ArrayRef<int64_t>();
  bool ascend = llvm::is_sorted(layers, std::less_equal<int64_t>()); // strictly: no duplicates
  if (layers.empty() || !ascend || layers.front() < 0)
    return lacks(options, kLayersAttr, "layers in ascending order");
  return layers.vec();
}

/// Return "64" for "64 : i64".
static std::string printed(Attribute attribute) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (attribute)
    attribute.print(stream, /*elideType=*/true);
  return attribute ? text : "nothing";
}

/// Return whether a field of the description is not of the model: adapters, and the part of a rank.
static bool isOfCompilation(StringRef field) {
  return llvm::is_contained({"adapters", "heads", "first_head", "tensor_parallel", "rank", "ranks"}, field);
}

llvm::Error mla::checkIsOfModel(ModuleOp module, const Source &source, const CompileOptions &options) {
  importer::ImportOptions import = importOptions(options, {});
  DictionaryAttr expected = importer::describeModel(module.getContext(), source.config, import);
  auto model = module->getAttrOfType<DictionaryAttr>(kModelAttr);
  for (DictionaryAttr fields : {expected, model})
    for (NamedAttribute field : fields) {
      Attribute own = model.get(field.getName()), theirs = expected.get(field.getName());
      if (isOfCompilation(field.getName()))
        continue;
      // The name of the model may differ.
      if (own != theirs && (field.getName() != "model_type" || !isa_and_present<StringAttr>(own)))
        return makeError(options.module + ": its " + kModelAttr + " has " + printed(own) + " as " +
                         field.getName().getValue() + ", but " + source.where + " has " + printed(theirs) +
                         "; give the config and weights that it was imported from");
    }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// @prepare functions
//===----------------------------------------------------------------------===//

static llvm::Error errorAt(Operation *op, const Twine &what) {
  return makeError(describeLocation(op->getLoc()) + what);
}

/// Check that the function does not ask for products that the module does not have.
static llvm::Error checkProducts(func::FuncOp function, bool hasProducts) {
  auto products = function->getAttrOfType<ProductsAttr>(kProductsAttr);
  if (!products || hasProducts || countTerms(products.getElements()) == 0)
    return llvm::Error::success();
  return errorAt(function, "expected @" + function.getName() + " to have no products of e4m3, as " + kModelAttr +
                               " has none; import with --dtype=fp8");
}

/// Check that a function has the form of --emit=fold, which weight preparation requires.
static llvm::Error checkPrepare(func::FuncOp function) {
  auto made =
      function.getNumResults() == 1 ? dyn_cast<RankedTensorType>(function.getResultTypes()[0]) : RankedTensorType();
  bool isMade = made && made.hasStaticShape() && made.getRank() > 0 && made.getNumElements() > 0;
  if (!function.isExternal() && function.getNumArguments() == 0 && function.getBody().hasOneBlock() && isMade)
    return llvm::Error::success();
  return errorAt(function,
                 "expected @" + function.getName() + " to take no arguments and return one tensor of static shape");
}

llvm::Error mla::checkPrepares(ModuleOp module) {
  bool hasProducts = findTokenTerms(module) > 0;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!isPrepare(function))
      continue;
    if (llvm::Error error = checkPrepare(function))
      return error;
    if (llvm::Error error = checkProducts(function, hasProducts))
      return error;
  }
  return llvm::Error::success();
}

/// Check that the runtime has the elements of weights, and the code of the CPU conversions of them.
static llvm::Error checkElements(ModuleOp module, bool isForGPU) {
  WeightOp other = nullptr;
  for (auto function : module.getOps<func::FuncOp>())
    if (!isPrepare(function))
      function.walk([&](WeightOp weight) {
        Type element = getElementTypeOrSelf(weight.getType());
        if (!other && !element.isF32() && !element.isBF16() && !(isForGPU && isa<Float8E4M3FNType>(element)))
          other = weight;
      });
  return !other ? llvm::Error::success()
                : errorAt(other, "expected elements of weight " + other.getName() + " to be f32 or bf16, got " +
                                     printed(TypeAttr::get(getElementTypeOrSelf(other.getType()))) +
                                     "; cast it in its @prepare function");
}

llvm::Error mla::checkAreMade(ModuleOp module, const CompileOptions &options) {
  if (llvm::Error error = checkElements(module, options.isForGPU()))
    return error;
  llvm::StringMap<Type> made;
  for (auto function : module.getOps<func::FuncOp>())
    if (isPrepare(function))
      made[getPreparedName(function)] = function.getResultTypes()[0];
  WeightOp unmade = nullptr;
  for (auto function : module.getOps<func::FuncOp>())
    if (!isPrepare(function))
      function.walk([&](WeightOp weight) {
        auto it = made.find(weight.getName());
        if (!unmade && (it == made.end() || it->second != weight.getType()))
          unmade = weight;
      });
  if (!unmade)
    return llvm::Error::success();
  return errorAt(unmade, "expected a function @" + kPreparePrefix + unmade.getName() + " that returns this weight of " +
                             printed(TypeAttr::get(unmade.getType())) + "; a bundle requires one per weight");
}
