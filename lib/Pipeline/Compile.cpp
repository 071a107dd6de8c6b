//===- Compile.cpp - One run of the compiler ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Pipeline/Compile.h"
#include "FinishedRanks.h"
#include "LayerRange.h"
#include "Output.h"
#include "Request.h"
#include "Source.h"
#include "Summary.h"
#include "mla/Dialect/MLA/Analysis/Device.h"
#include "mla/Import/Adapter.h"
#include "mla/Import/ImportLayer.h"
#include "mla/Pipeline/EmitBundle.h"
#include "mla/Pipeline/EmitPTX.h"
#include "mla/Pipeline/Stages.h"
#include "mla/abi.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;
using namespace mla::importer;
using llvm::Twine;

static bool writesBundle(const CompileOptions &options) { return options.emit == Emit::Bundle; }

/// The last stage of mla-compile itself; emitBundle and emitPTX go on from there.
static Stage lastStage(const CompileOptions &options) {
  switch (options.emit) {
  case Emit::Import:
    return Stage::Import;
  case Emit::Plan:
    return Stage::Plan;
  case Emit::Absorb:
    return Stage::Absorb;
  case Emit::Fold:
    return Stage::Fold;
  case Emit::Linalg:
    return Stage::Linalg;
  case Emit::LLVM:
    return Stage::LLVM;
  case Emit::Kernels:
    return Stage::Kernels;
  case Emit::NVVM:
  case Emit::PTX:
    return Stage::NVVM;
  case Emit::Bundle:
    return options.isForGPU() ? Stage::Kernels : Stage::Layout;
  }
  llvm_unreachable("every output has its stage");
}

llvm::Error mla::checkDType(const CompileOptions &options) {
  if (!options.isForGPU() || options.dtype != DType::F32)
    return llvm::Error::success();
  return makeError("--dtype: f32 has no kernels on " + options.target + "; use --dtype=bf16, or --target=cpu");
}

/// What the target does not have.
static llvm::Error checkTarget(const CompileOptions &options) {
  bool forGPU = options.isForGPU();
  Stage last = lastStage(options);
  if (llvm::Error error = checkDType(options))
    return error;
  if (!forGPU && last >= Stage::Kernels)
    return makeError("--emit: kernels, nvvm and ptx need a GPU target; choose another --target, or --emit=llvm");
  if (forGPU && (last == Stage::Linalg || last == Stage::LLVM))
    return makeError("--emit: linalg and llvm are of the CPU target; use --target=cpu, or --emit=kernels or nvvm");
  if (!forGPU && options.batchInvariant)
    return makeError("--batch-invariant: needs a GPU target; leave it out: on the CPU no sequence's results depend "
                     "on its batch");
  return llvm::Error::success();
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

/// What becomes code must compute something.
static llvm::Error checkConfig(const Source &source, const CompileOptions &options) {
  if (lastStage(options) <= Stage::Fold)
    return llvm::Error::success();
  return checkIsComputable(source.config, source.where);
}

static void warn(const Source &source) {
  for (const std::string &reservation : reservations(source.config))
    llvm::errs() << "warning: " << source.where << ": " << reservation << "\n";
}

static ImportOptions importOptions(const CompileOptions &options, std::vector<int64_t> layers) {
  ImportOptions import;
  import.layers = std::move(layers);
  import.dtype = options.dtype;
  import.page = options.page;
  import.tensorParallel = options.tensorParallel;
  import.rank = options.rank;
  return import;
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

static llvm::Expected<uint64_t> writeSized(llvm::StringRef path, llvm::StringRef text) {
  if (llvm::Error error = writeText(path, text))
    return error;
  return text.size();
}

static llvm::Expected<uint64_t> writeModule(mlir::ModuleOp module, llvm::StringRef path) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, mlir::OpPrintingFlags().printNameLocAsPrefix());
  return writeSized(path, text);
}

static llvm::Expected<uint64_t> writePTX(mlir::ModuleOp module, const CompileOptions &options) {
  options.progress("PTX");
  llvm::Expected<std::string> text = emitPTX(module);
  if (!text)
    return text.takeError();
  return writeSized(options.output, *text);
}

/// Adds the adapter's updates to the specs, and its tensors to the checkpoint.
static llvm::Error addAdapter(Source &source, llvm::ArrayRef<int64_t> layers, std::vector<WeightSpec> &specs,
                              const CompileOptions &options) {
  llvm::Expected<Adapter> adapter = Adapter::open(options.adapter, source.config, source.checkpoint->prefixOfLayers());
  if (!adapter)
    return adapter.takeError();
  options.progress("checking the adapter");
  if (llvm::Error error = adapter->apply(layers, specs))
    return error;
  options.progress("");
  llvm::errs() << "remark: " << adapter->summary(layers, specs) << "\n";
  source.checkpoint = Adapter::addTo(std::move(source.checkpoint), std::move(*adapter));
  return llvm::Error::success();
}

/// The bytes that were written.
static llvm::Expected<uint64_t> writeOutput(mlir::ModuleOp module, Source &source, const CompileOptions &options) {
  if (options.emit == Emit::PTX)
    return writePTX(module, options);
  if (!writesBundle(options))
    return writeModule(module, options.output);
  if (llvm::Error error = emitBundle(module, *source.checkpoint, source.configText, options, options.output))
    return error;
  return sizeOfFiles(options.output);
}

/// One rank's part, from the import to the output.
static llvm::Error compileRank(Source &source, llvm::ArrayRef<WeightSpec> specs, std::vector<int64_t> layers,
                               const CompileOptions &options, FinishedRanks *finished) {
  mlir::DialectRegistry registry;
  // A bundle's weights are prepared on the CPU, whatever the target.
  registerStageDialects(registry, writesBundle(options) ? Stage::LLVM : lastStage(options));
  mlir::MLIRContext context(registry);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      importLayer(context, source.config, specs, importOptions(options, std::move(layers)));
  if (llvm::Error error = runStages(*module, Stage::Import, lastStage(options), options))
    return error;
  std::string request = finished ? describeRequest(*module, options) : "";
  if (finished && finished->contains(options.output, request)) {
    options.progress("");
    llvm::errs() << "mla-compile: " << options.output << ": was finished before the interruption\n";
    return llvm::Error::success();
  }
  llvm::Expected<uint64_t> bytes = writeOutput(*module, source, options);
  if (!bytes)
    return bytes.takeError();
  options.progress("");
  llvm::errs() << "mla-compile: " << (options.output == "-" ? "standard output" : options.output) << ": "
               << summarize(*module, specs, source.madeWeights, options, *bytes) << "\n";
  return finished ? finished->add(options.output, request) : llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Ranks
//===----------------------------------------------------------------------===//

/// The same options for each rank that is asked for.
static std::vector<CompileOptions> optionsOfRanks(const CompileOptions &options) {
  if (!options.allRanks)
    return {options};
  std::vector<CompileOptions> ranks(options.tensorParallel, options);
  for (auto [i, rank] : llvm::enumerate(ranks)) {
    rank.rank = i;
    rank.output = (llvm::StringRef(options.output).rtrim('/') + "/rank" + Twine(i)).str();
  }
  return ranks;
}

/// Outputs that can be written and are no inputs. The directory around ranks is made when the first is written.
static llvm::Error checkOutputs(const CompileOptions &options, llvm::ArrayRef<CompileOptions> ranks) {
  const std::string inputs[] = {options.config, options.weights, options.adapter, options.device};
  for (const CompileOptions &rank : ranks)
    if (llvm::Error error = checkInputsStay(inputs, rank.output))
      return error;
  if (options.allRanks && !llvm::sys::fs::is_directory(options.output))
    return checkWritable(options.output, /*asDirectory=*/true);
  if (options.allRanks && llvm::sys::fs::exists(options.output + "/" MLA_MANIFEST_FILE))
    return makeError(options.output + ": is a bundle, and ranks go to a directory around them; choose another -o");
  for (const CompileOptions &rank : ranks)
    if (llvm::Error error = checkWritable(rank.output, writesBundle(options)))
      return error;
  return llvm::Error::success();
}

static llvm::Error makeRanksDirectory(const CompileOptions &options) {
  if (!options.allRanks)
    return llvm::Error::success();
  std::error_code code =
      llvm::sys::fs::create_directory(options.output, /*IgnoreExisting=*/true, llvm::sys::fs::all_all);
  return code ? makeError(options.output + ": cannot be made: " + code.message() + "; choose another -o")
              : llvm::Error::success();
}

static llvm::Error compileRanks(Source &source, const std::vector<int64_t> &layers, const CompileOptions &options,
                                llvm::ArrayRef<CompileOptions> ranks) {
  llvm::Expected<std::vector<WeightSpec>> specs = checkWeights(source, layers, options);
  if (!specs)
    return specs.takeError();
  if (!options.adapter.empty())
    if (llvm::Error error = addAdapter(source, layers, *specs, options))
      return error;
  if (llvm::Error error = makeRanksDirectory(options))
    return error;
  std::optional<FinishedRanks> finished;
  if (options.allRanks && writesBundle(options))
    finished.emplace(options.output);
  for (const CompileOptions &rank : ranks)
    if (llvm::Error error = compileRank(source, *specs, layers, rank, finished ? &*finished : nullptr))
      return error;
  if (finished)
    finished->remove();
  return llvm::Error::success();
}

llvm::Error mla::compile(const CompileOptions &options) {
  if (llvm::Error error = checkTarget(options))
    return error;
  if (llvm::Expected<Device> device = findDevice(planDevice(options)); !device)
    return device.takeError();
  std::vector<CompileOptions> ranks = optionsOfRanks(options);
  if (llvm::Error error = checkOutputs(options, ranks))
    return error;
  llvm::Expected<Source> source = openSource(options);
  if (!source)
    return source.takeError();
  llvm::Expected<std::vector<int64_t>> layers = layersOf(options.layers, source->config.numLayers, source->where);
  if (!layers)
    return layers.takeError();
  if (llvm::Error error = checkHeads(source->config.numHeads, source->where, options.tensorParallel))
    return error;
  if (llvm::Error error = checkConfig(*source, options))
    return error;
  warn(*source);
  return compileRanks(*source, *layers, options, ranks);
}
