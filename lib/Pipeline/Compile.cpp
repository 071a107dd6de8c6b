//===- Compile.cpp - One run of the compiler ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Pipeline/Compile.h"
#include "CollectDiagnostics.h"
#include "CompileModule.h"
#include "FinishedRanks.h"
#include "LayerRange.h"
#include "Output.h"
#include "Request.h"
#include "Weights.h"
#include "WriteOutput.h"
#include "mla/Dialect/MLA/Analysis/Device.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Import/ImportLayer.h"
#include "mla/Pipeline/Stages.h"
#include "mla/abi.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;
using namespace mla::importer;
using llvm::Twine;

static bool writesBundle(const CompileOptions &options) { return options.emit == Stage::Bundle; }

static void warn(const Source &source) {
  for (const std::string &reservation : reservations(source.config))
    llvm::errs() << "warning: " << source.where << ": " << reservation << "\n";
}

static mlir::OwningOpRef<mlir::ModuleOp> import(mlir::MLIRContext &context, const AttentionConfig &config,
                                                const FoundWeights &weights, const ImportOptions &options) {
  if (weights.groups.size() == 1 && !options.hasEnds)
    return importLayer(context, config, weights.groups.front().weights, options);
  return importModel(context, config, weights.groups, weights.ends, options);
}

/// Make the module of a whole layer that of one rank.
static llvm::Error takeRank(mlir::ModuleOp module, const CompileOptions &options) {
  if (options.tensorParallel == 1)
    return llvm::Error::success();
  CollectDiagnostics diagnostics(module.getContext());
  mlir::PassManager pm(module.getContext());
  pm.addPass(createMLAShard({options.tensorParallel, options.tokenParts, options.expertParts}));
  pm.addPass(createMLAPartition({options.rank, options.callerReduces}));
  pm.addPass(mlir::createCSEPass());
  mlir::LogicalResult result = options.run(pm, module, "ranks");
  if (options.rank == 0)
    for (const std::string &remark : diagnostics.getRemarks())
      llvm::errs() << remark;
  return succeeded(result) ? llvm::Error::success() : makeError("ranks: " + diagnostics.takeErrors());
}

/// Import the part of one rank.
static llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> importRank(mlir::MLIRContext &context, const Source &source,
                                                                    const FoundWeights &weights,
                                                                    const std::vector<int64_t> &layers,
                                                                    const CompileOptions &options) {
  ImportOptions imported = importOptions(options, layers);
  imported.adapters = weights.adapters;
  mlir::OwningOpRef<mlir::ModuleOp> module = import(context, source.config, weights, imported);
  if (llvm::Error error = takeRank(*module, options))
    return error;
  return module;
}

/// Return the plan of the rank with most heads, as text. Ranks that exchange within a form must all have the same plan,
/// also if their numbers of heads differ.
static llvm::Expected<std::string> planTogether(const Source &source, const FoundWeights &weights,
                                                const std::vector<int64_t> &layers, CompileOptions options) {
  options.rank = options.tensorParallel - 1;
  mlir::DialectRegistry registry;
  registerStageDialects(registry, Stage::Plan);
  mlir::MLIRContext context(registry);
  auto module = importRank(context, source, weights, layers, options);
  if (!module)
    return module.takeError();
  if (llvm::Error error = runStages(**module, Stage::Import, Stage::Plan, options))
    return error;
  std::string text;
  llvm::raw_string_ostream(text) << (**module)->getAttr(kPlanAttr);
  return text;
}

/// Compile one rank, from the import to the output. `plan` is that of all ranks; empty: the rank has its own.
static llvm::Error compileRank(Source &source, const FoundWeights &weights, const std::vector<int64_t> &layers,
                               const CompileOptions &options, llvm::StringRef plan, FinishedRanks *finished) {
  mlir::DialectRegistry registry;
  registerStageDialects(registry, lastDialects(options));
  mlir::MLIRContext context(registry);
  auto imported = importRank(context, source, weights, layers, options);
  if (!imported)
    return imported.takeError();
  mlir::OwningOpRef<mlir::ModuleOp> module = std::move(*imported);
  if (!plan.empty() && lastStage(options) >= Stage::Plan)
    (*module)->setAttr(kPlanAttr, mlir::parseAttribute(plan, &context));
  if (llvm::Error error = runStages(*module, Stage::Import, lastStage(options), options))
    return error;
  std::string request = finished ? describeRequest(*module, options) : "";
  if (finished && finished->contains(options.output, request)) {
    options.progress("");
    llvm::errs() << "mla-compile: " << options.output << ": already finished\n";
    return llvm::Error::success();
  }
  if (llvm::Error error = writeOutput(*module, &source, weights.all(), options))
    return error;
  return finished ? finished->add(options.output, request) : llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Ranks
//===----------------------------------------------------------------------===//

/// Return the options for each requested rank.
static std::vector<CompileOptions> optionsOfRanks(const CompileOptions &options) {
  if (!options.allRanks)
    return {options};
  std::vector<CompileOptions> ranks(options.tensorParallel, options);
  for (auto [i, rank] : llvm::enumerate(ranks)) {
    rank.rank = i;
    rank.output = (llvm::StringRef(options.output).rtrim('/') + "/rank" + Twine(i)).str();
    if (!options.base.empty())
      rank.base = (llvm::StringRef(options.base).rtrim('/') + "/rank" + Twine(i)).str();
  }
  return ranks;
}

/// Check that outputs can be written and are not inputs. The directory of the ranks is created with the first output.
static llvm::Error checkOutputs(const CompileOptions &options, llvm::ArrayRef<CompileOptions> ranks) {
  std::vector<std::string> inputs = {options.config, options.weights, options.base, options.device};
  llvm::append_range(inputs, options.adapters);
  for (const CompileOptions &rank : ranks)
    if (llvm::Error error = checkInputsStay(inputs, rank.output))
      return error;
  if (options.allRanks && !llvm::sys::fs::is_directory(options.output))
    return checkWritable(options.output, /*asDirectory=*/true);
  if (options.allRanks && llvm::sys::fs::exists(options.output + "/" MLA_MANIFEST_FILE))
    return makeError(options.output + ": is a bundle, but --tp writes a directory of bundles; choose another -o");
  for (const CompileOptions &rank : ranks)
    if (llvm::Error error = checkWritable(rank.output, options.emit == Stage::Bundle))
      return error;
  return llvm::Error::success();
}

static std::string ranksFile(const CompileOptions &options) {
  return (llvm::StringRef(options.output).rtrim('/') + "/" MLA_RANKS_FILE).str();
}

static llvm::Error makeRanksDirectory(const CompileOptions &options) {
  if (!options.allRanks)
    return llvm::Error::success();
  std::error_code code =
      llvm::sys::fs::create_directory(options.output, /*IgnoreExisting=*/true, llvm::sys::fs::all_all);
  if (code)
    return makeError(options.output + ": cannot be created: " + code.message() + "; choose another -o");
  // Until all ranks are written, no one opens them together.
  (void)llvm::sys::fs::remove(ranksFile(options));
  return llvm::Error::success();
}

/// Say that all ranks are there, and run together.
static llvm::Error writeRanks(const CompileOptions &options) {
  llvm::json::Object ranks{
      {"magic", MLA_RANKS_MAGIC}, {"version", MLA_RANKS_VERSION}, {"ranks", options.tensorParallel}};
  return writeText(ranksFile(options), llvm::formatv("{0:2}\n", llvm::json::Value(std::move(ranks))).str());
}

static llvm::Error compileRanks(Source &source, const std::vector<int64_t> &layers, const CompileOptions &options,
                                llvm::ArrayRef<CompileOptions> ranks) {
  llvm::Expected<FoundWeights> weights = findWeights(source, layers, options);
  if (!weights)
    return weights.takeError();
  if (llvm::Error error = makeRanksDirectory(options))
    return error;
  std::optional<FinishedRanks> finished;
  if (options.allRanks && writesBundle(options))
    finished.emplace(options.output);
  CompileOptions settled = settleProducts(options, weights->all());
  std::string plan;
  if (options.tensorParallel > 1 && !options.callerReduces) {
    if (llvm::Error error = planTogether(source, *weights, layers, settled).moveInto(plan))
      return error;
    settled.plan = "auto"; // as asked for, it is decided
  }
  for (CompileOptions rank : ranks) {
    rank.tokenTerms = settled.tokenTerms;
    rank.plan = settled.plan;
    if (llvm::Error error = compileRank(source, *weights, layers, rank, plan, finished ? &*finished : nullptr))
      return error;
  }
  if (finished)
    finished->remove();
  return finished && !options.callerReduces ? writeRanks(options) : llvm::Error::success();
}

llvm::Error mla::compile(const CompileOptions &options) {
  if (!options.module.empty())
    return compileModule(options);
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
  llvm::Expected<std::vector<int64_t>> layers = layersOf(options.layers, source->config, source->where);
  if (!layers)
    return layers.takeError();
  if (std::string remark = layersLeftOut(options.layers, source->config, source->where); !remark.empty())
    llvm::errs() << "remark: " << remark << "\n";
  if (llvm::Error error = checkIsWhole(*source, *layers, options))
    return error;
  if (llvm::Error error = checkRanks(source->config.numHeads, source->where, options.tensorParallel))
    return error;
  if (lastStage(options) > Stage::Fold) // code needs numbers that costs do not
    if (llvm::Error error = checkIsComputable(source->config, source->where))
      return error;
  warn(*source);
  return compileRanks(*source, *layers, options, ranks);
}
