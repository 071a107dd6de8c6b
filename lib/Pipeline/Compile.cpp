//===- Compile.cpp - One run of the compiler ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Pipeline/Compile.h"
#include "LayerRange.h"
#include "Output.h"
#include "Source.h"
#include "mla/Import/ImportLayer.h"
#include "mla/Pipeline/EmitBundle.h"
#include "mla/Pipeline/Stages.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;
using namespace mla::importer;
using llvm::Twine;

static bool writesBundle(const CompileOptions &options) { return options.emit == Emit::Bundle; }

/// The last stage of mla-compile itself; emitBundle goes on from there.
static Stage lastStage(Emit emit) {
  switch (emit) {
  case Emit::Import:
    return Stage::Import;
  case Emit::Plan:
    return Stage::Plan;
  case Emit::Absorb:
    return Stage::Absorb;
  case Emit::Linalg:
    return Stage::Linalg;
  case Emit::LLVM:
    return Stage::LLVM;
  case Emit::Bundle:
    return Stage::Layout;
  default:
    return Stage::Fold;
  }
}

static llvm::Error checkTarget(const CompileOptions &options) {
  if (options.target == Target::H100)
    return makeError("--target=h100: this build of mla-compile has no H100 target yet; use --target=cpu");
  if (options.emit == Emit::Kernels || options.emit == Emit::NVVM || options.emit == Emit::PTX)
    return makeError("--emit: kernels, nvvm and ptx are of the H100 target, which this build of mla-compile does not "
                     "have yet; use --emit=llvm or bundle");
  return llvm::Error::success();
}

static llvm::Error checkHeads(const Source &source, const CompileOptions &options) {
  if (source.config.numHeads % options.tensorParallel == 0)
    return llvm::Error::success();
  return makeError(source.where + ": its " + Twine(source.config.numHeads) +
                   " heads (num_attention_heads) do not fall "
                   "into " +
                   Twine(options.tensorParallel) + " equal parts; choose a --tp that divides them");
}

/// Specs of the layers' weights. Weights from outside are looked at, element by element; made ones are not even made.
static llvm::Expected<std::vector<WeightSpec>> checkWeights(Source &source, llvm::ArrayRef<int64_t> layers,
                                                            const CompileOptions &options) {
  if (source.madeWeights)
    return announcedSpecs(source.config, layers.front());
  llvm::Expected<std::vector<WeightSpec>> specs = findSpecs(*source.checkpoint, source.config, layers);
  if (!specs)
    return specs;
  for (int64_t layer : layers) {
    options.progress("checking the weights of layer " + std::to_string(layer));
    llvm::Expected<std::vector<LayerWeight>> weights = findLayerWeights(*source.checkpoint, source.config, layer);
    if (!weights)
      return weights.takeError();
    if (llvm::Error error = checkFinite(*weights, source.checkpoint->where()))
      return error;
  }
  return specs;
}

static ImportOptions importOptions(const CompileOptions &options, std::vector<int64_t> layers) {
  ImportOptions import;
  import.layers = std::move(layers);
  import.dtype = options.dtype;
  import.page = options.page;
  import.tensorParallel = options.tensorParallel;
  import.rank = options.rank;
  import.privateCache = options.privateCache;
  return import;
}

static llvm::Error writeModule(mlir::ModuleOp module, llvm::StringRef path) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, mlir::OpPrintingFlags().printNameLocAsPrefix());
  return writeText(path, text);
}

static llvm::Error compileLayers(Source &source, std::vector<int64_t> layers, const CompileOptions &options) {
  llvm::Expected<std::vector<WeightSpec>> specs = checkWeights(source, layers, options);
  if (!specs)
    return specs.takeError();
  mlir::DialectRegistry registry;
  registerStageDialects(registry, writesBundle(options) ? Stage::LLVM : lastStage(options.emit));
  mlir::MLIRContext context(registry);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      importLayer(context, source.config, *specs, importOptions(options, std::move(layers)));
  if (llvm::Error error = runStages(*module, Stage::Import, lastStage(options.emit), options))
    return error;
  if (writesBundle(options))
    return emitBundle(*module, *source.checkpoint, options, options.output);
  return writeModule(*module, options.output);
}

/// An output in the place of an input is a slip of the hand that would cost a checkpoint.
static llvm::Error checkInputsStay(const CompileOptions &options) {
  for (const std::string &input : {options.config, options.weights})
    if (llvm::sys::fs::equivalent(input, options.output))
      return makeError(options.output + ": is an input and would be overwritten; choose another -o");
  return llvm::Error::success();
}

llvm::Error mla::compile(const CompileOptions &options) {
  if (llvm::Error error = checkTarget(options))
    return error;
  if (llvm::Error error = checkInputsStay(options))
    return error;
  if (llvm::Error error = checkWritable(options.output, writesBundle(options)))
    return error;
  llvm::Expected<Source> source = openSource(options);
  if (!source)
    return source.takeError();
  llvm::Expected<std::vector<int64_t>> layers = layersOf(options.layers, source->config.numLayers, source->where);
  if (!layers)
    return layers.takeError();
  if (llvm::Error error = checkHeads(*source, options))
    return error;
  return compileLayers(*source, std::move(*layers), options);
}
