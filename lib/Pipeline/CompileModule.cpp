//===- CompileModule.cpp - Compile a module of any stage ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompileModule.h"
#include "ModuleOptions.h"
#include "ModuleParts.h"
#include "Output.h"
#include "ReadModule.h"
#include "Weights.h"
#include "WriteOutput.h"
#include "mla/Dialect/MLA/Analysis/Device.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Pipeline/FindStage.h"

#include "llvm/ADT/StringSet.h"

using namespace mla;
using namespace mla::importer;

static llvm::Error checkOutput(const CompileOptions &options) {
  std::vector<std::string> inputs = {options.module, options.config, options.weights, options.base, options.device};
  llvm::append_range(inputs, options.adapters);
  if (llvm::Error error = checkInputsStay(inputs, options.output))
    return error;
  return checkWritable(options.output, options.emit == Stage::Bundle);
}

static llvm::Expected<Stage> stageOf(mlir::ModuleOp module, const CompileOptions &options) {
  llvm::Expected<Stage> found = findStage(module);
  if (!found || !options.from)
    return found;
  if (mayGoOnFrom(*options.from, *found))
    return *options.from;
  return makeError("--from: " + options.module + " is at stage " + nameOf(*found) + ", not " + nameOf(*options.from) +
                   "; leave --from out");
}

/// Check that the requested output is at a later stage than the module.
static llvm::Error checkIsAhead(Stage from, const CompileOptions &options) {
  Stage last = lastStage(options);
  if (from <= last)
    return llvm::Error::success();
  std::string where = (options.module + ": is at stage " + nameOf(from)).str();
  if (options.emit != Stage::Bundle)
    return makeError(where + ", which is after " + nameOf(last) + "; choose a later --emit");
  return makeError(where + ", which has no @prepare functions for a bundle's weights; continue from --emit=" +
                   nameOf(last) + " or an earlier one, or choose another --emit");
}

/// Check that the module and the options have the same adapters that are not merged.
static llvm::Error checkNames(mlir::ModuleOp module, const AdapterNames &names, const CompileOptions &options) {
  auto model = module->getAttrOfType<mlir::DictionaryAttr>(kModelAttr);
  if (model.get("adapters") == describeAdapters(module.getContext(), names))
    return llvm::Error::success();
  return makeError("--adapter: " + options.module + " was not imported with these adapters unmerged; give those that " +
                   kModelAttr + " names, in that order, with --unmerged, or import again");
}

/// Check that the module uses the adapters' tensors: an unused adapter would be ignored.
static llvm::Error checkTakesAdapters(mlir::ModuleOp module, llvm::ArrayRef<WeightSpec> specs,
                                      const CompileOptions &options) {
  llvm::StringSet<> taken;
  module.walk([&](WeightOp weight) { taken.insert(weight.getName()); });
  for (const WeightSpec &spec : specs)
    if ((spec.update && !taken.contains(spec.update->nameA)) || (spec.updates && !taken.contains(spec.updates->nameA)))
      return makeError("--adapter: " + options.module + " does not use the update of " + spec.expected.name +
                       "; import again with --adapter");
  return llvm::Error::success();
}

static llvm::Error writeBundle(mlir::ModuleOp module, Stage from, const CompileOptions &options) {
  llvm::Expected<std::vector<int64_t>> layers = checkAttributes(module, options);
  if (!layers)
    return layers.takeError();
  CompileOptions ofLayers = options;
  ofLayers.layers = {layers->front(), layers->back(), /*isGiven=*/true};
  llvm::Expected<Source> source = openSource(ofLayers);
  if (!source)
    return source.takeError();
  if (int64_t most = source->config.numLayers + source->config.furtherLayers; layers->back() >= most)
    return makeError(options.module + ": is of layer " + llvm::Twine(layers->back()) + ", but " + source->where +
                     " has " + llvm::Twine(most) + " layers; give the config that it was imported from");
  if (llvm::Error error = checkIsWhole(*source, *layers, options))
    return error;
  if (llvm::Error error = checkIsOfModel(module, *source, options))
    return error;
  if (llvm::Error error = checkIsComputable(source->config, source->where))
    return error;
  llvm::Expected<FoundWeights> weights = findWeights(*source, *layers, options);
  if (!weights)
    return weights.takeError();
  std::vector<WeightSpec> specs = weights->all();
  if (llvm::Error error = checkNames(module, weights->adapters, options))
    return error;
  if (llvm::Error error = checkTakesAdapters(module, specs, options))
    return error;
  if (llvm::Error error = runStages(module, from, lastStage(options), options))
    return error;
  if (llvm::Error error = checkAreMade(module, options))
    return error;
  return writeOutput(module, &*source, specs, options);
}

/// Check the settled options, and compile the module.
static llvm::Error goOn(mlir::ModuleOp module, Stage from, const CompileOptions &options) {
  if (llvm::Error error = checkTarget(options))
    return error;
  if (llvm::Error error = checkIsAhead(from, options))
    return error;
  if (llvm::Error error = checkPrepares(module))
    return error;
  if (from < Stage::Plan)
    if (llvm::Expected<Device> device = findDevice(planDevice(options)); !device)
      return device.takeError();
  if (options.emit == Stage::Bundle)
    return writeBundle(module, from, options);
  if (llvm::Error error = runStages(module, from, lastStage(options), options))
    return error;
  return writeOutput(module, nullptr, {}, options);
}

llvm::Error mla::compileModule(const CompileOptions &given) {
  CompileOptions options = given;
  if (llvm::Error error = checkOutput(options))
    return error;
  mlir::DialectRegistry registry;
  registerParsedDialects(registry);
  registerStageDialects(registry, lastDialects(options));
  mlir::MLIRContext context(registry);
  options.progress("reading the module");
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> module = readModule(options.module, context);
  if (!module)
    return module.takeError();
  llvm::Expected<Stage> from = stageOf(**module, options);
  if (!from)
    return from.takeError();
  options.from = *from;
  if (llvm::Error error = settleOptions(**module, *from, options))
    return error;
  return goOn(**module, *from, options);
}
