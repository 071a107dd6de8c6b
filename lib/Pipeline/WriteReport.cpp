//===- WriteReport.cpp - Costs of a model without compiling ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Pipeline/WriteReport.h"
#include "Output.h"
#include "Source.h"
#include "Summary.h"
#include "Weights.h"
#include "mla/Dialect/MLA/Analysis/AttentionLayer.h"
#include "mla/Import/ImportLayer.h"
#include "mla/Import/WeightSpec.h"
#include "mla/Pipeline/Stages.h"
#include "mla/Report/Report.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;

namespace {
/// A model of a report.
struct Model {
  std::string name; ///< For readers.
  std::string where;
  ModelConfig config;
  std::vector<WeightSpec> specs; ///< Of the first layer's attention; empty without latent attention.
  bool hasCheckpoint = false;    ///< The specs are from a checkpoint and not derived from the config.
};
} // namespace

/// Return a name for readers: the file's, or the directory's if the file is
/// called config.json.
static std::string nameOf(StringRef path) {
  llvm::SmallString<256> whole(path.rtrim('/'));
  llvm::sys::fs::make_absolute(whole);
  llvm::sys::path::remove_dots(whole, /*remove_dot_dot=*/true);
  StringRef name = llvm::sys::path::filename(whole);
  if (!llvm::sys::fs::is_directory(whole))
    name = llvm::sys::path::stem(whole);
  if (name == "config")
    name = llvm::sys::path::filename(llvm::sys::path::parent_path(whole));
  return llvm::json::fixUTF8(name); // a file name may contain any bytes
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

static llvm::Expected<Model> parseModel(StringRef text, StringRef where, StringRef path) {
  llvm::Expected<ModelConfig> config = parseModelConfig(text, where);
  if (!config)
    return config.takeError();
  return Model{nameOf(path), where.str(), std::move(*config), {}};
}

static llvm::Expected<Model> readModel(StringRef path, StringRef option) {
  llvm::Expected<std::string> text = readConfig(path, option);
  if (!text)
    return text.takeError();
  llvm::Expected<Model> model = parseModel(*text, path, path);
  if (model && model->config.latent)
    model->specs = announcedSpecs(*model->config.latent, 0);
  return model;
}

/// Read the inputs as in a compilation: --config or the checkpoint's config, and the weights' types.
static llvm::Expected<Model> readModel(const CompileOptions &options) {
  if (options.weights.empty())
    return readModel(options.config, "--config");
  llvm::Expected<ConfigText> text = findConfig(options);
  if (!text)
    return text.takeError();
  llvm::Expected<Model> model = parseModel(text->text, text->where, options.weights);
  if (!model || !model->config.latent)
    return model;
  llvm::Expected<Source> source = openSource(options);
  if (!source)
    return source.takeError();
  llvm::Expected<std::vector<WeightSpec>> specs = findSpecs(*source->checkpoint, source->config, {0});
  if (!specs)
    return specs.takeError();
  model->specs = std::move(*specs);
  model->hasCheckpoint = true;
  return model;
}

static llvm::Error checkHeads(const Model &model, int64_t tensorParallel) {
  const ModelConfig &config = model.config;
  return checkHeads(config.latent ? config.latent->numHeads : config.heads.heads, model.where, tensorParallel);
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

/// Plan the model's attention as in a compilation, and find how its weights are held. The plan lives in `context`.
static llvm::Error planAttention(mlir::MLIRContext &context, const Model &model, const CompileOptions &options,
                                 report::Request &request) {
  ImportOptions import = importOptions(options, {0});
  mlir::OwningOpRef<mlir::ModuleOp> module = importLayer(context, *model.config.latent, model.specs, import);
  if (llvm::Error error = runStages(*module, Stage::Import, Stage::Plan, options))
    return error;
  request.plan = (*module)->getAttrOfType<PlanAttr>(kPlanAttr);
  for (auto function : module->getOps<mlir::func::FuncOp>())
    if (AttentionOp attention = findAttention(function))
      request.formats.attention = findLayerShape(attention, options.isForGPU()).formats;
  request.reservations = reservations(*model.config.latent);
  return llvm::Error::success();
}

static bool hasScaledWeights(const Model &model) {
  return llvm::any_of(model.specs, [](const WeightSpec &spec) { return spec.isScaled(); });
}

/// Return how the weights of MLPs are held, which are not compiled. A checkpoint with attention weights in e4m3 is
/// assumed to have MLP weights in e4m3; with --dtype=fp8 they are multiplied as engines do, by tokens of one term.
static WeightFormat mlpFormat(const Model &model, const CompileOptions &options) {
  if (!hasScaledWeights(model))
    return {};
  if (!options.tokenTerms || !options.isForGPU())
    return {model.hasCheckpoint ? 1.0 : 0.0, 0};
  const std::optional<importer::Quantization> &quantization = model.config.latent->quantization;
  if (!quantization || quantization->groups.empty())
    return {1, 1};
  const importer::BlockQuantization &block = quantization->groups.front().block;
  // Scales of whole rows or tensors are too few to count.
  bool isSmall = block.blockRows && block.blockColumns;
  return {isSmall ? 1 + 4 / (double(block.blockRows) * block.blockColumns) : 1, 1};
}

static llvm::Expected<report::Request> makeRequest(mlir::MLIRContext &context, const Model &model, const Device &device,
                                                   const ReportOptions &options) {
  const CompileOptions &compile = options.compile;
  report::Request request;
  if (model.config.latent)
    if (llvm::Error error = planAttention(context, model, compile, request))
      return error;
  request.name = model.name;
  if (model.hasCheckpoint)
    request.storedDType = nameTypes(model.specs);
  request.config = model.config;
  request.device = device;
  request.formats.elementBytes = compile.dtype == DType::BF16 ? 2 : 4;
  request.formats.cache = compile.cacheFormat;
  request.formats.mlp = mlpFormat(model, compile);
  request.dtype = compile.tokenTerms ? "fp8" : compile.dtype == DType::BF16 ? "bf16" : "f32";
  request.batch = options.batch;
  request.context = options.context;
  request.tensorParallel = compile.tensorParallel;
  return request;
}

/// Return `own` and the same request in the other of bf16 and fp8, bf16 first, if scaled weights can be either.
static llvm::Expected<std::vector<report::Request>> requestFormats(mlir::MLIRContext &context, const Model &model,
                                                                   const report::Request &own, ReportOptions options) {
  constexpr int64_t usualTerms = 2;
  CompileOptions &compile = options.compile;
  if (!hasScaledWeights(model) || compile.dtype != DType::BF16 || !compile.isForGPU())
    return std::vector<report::Request>();
  bool isFP8 = compile.tokenTerms != 0;
  compile.verbose = false;
  compile.tokenTerms = isFP8 ? 0 : usualTerms;
  llvm::Expected<report::Request> other = makeRequest(context, model, own.device, options);
  if (!other)
    return other.takeError();
  return isFP8 ? std::vector{std::move(*other), own} : std::vector{own, std::move(*other)};
}

/// Create a model's report, compared with `baseline`.
static llvm::Expected<report::Report> reportOn(mlir::MLIRContext &context, const Model &model, const Device &device,
                                               const ReportOptions &options, std::unique_ptr<report::Report> baseline) {
  if (llvm::Error error = checkHeads(model, options.compile.tensorParallel))
    return error;
  llvm::Expected<report::Request> request = makeRequest(context, model, device, options);
  if (!request)
    return request.takeError();
  llvm::Expected<std::vector<report::Request>> formats = requestFormats(context, model, *request, options);
  if (!formats)
    return formats.takeError();
  return report::makeReport(std::move(*request), std::move(baseline), *formats);
}

static std::string print(const report::Report &report, ReportFormat format) {
  std::string text;
  llvm::raw_string_ostream os(text);
  switch (format) {
  case ReportFormat::Text:
    report::writeText(os, report);
    break;
  case ReportFormat::Json:
    report::writeJson(os, report);
    break;
  case ReportFormat::Html:
    report::writeHtml(os, report);
    break;
  }
  return text;
}

llvm::Error mla::writeReport(const ReportOptions &options) {
  const CompileOptions &compile = options.compile;
  if (llvm::Error error = checkDType(compile))
    return error;
  if (llvm::Error error =
          checkInputsStay({compile.config, compile.weights, options.baseline, compile.device}, options.output))
    return error;
  llvm::Expected<Device> device = findDevice(planDevice(compile));
  if (!device)
    return device.takeError();
  if (llvm::Error error = checkWritable(options.output, /*asDirectory=*/false))
    return error;
  mlir::DialectRegistry registry;
  registerStageDialects(registry, Stage::Plan);
  mlir::MLIRContext context(registry);
  std::unique_ptr<report::Report> baseline;
  if (!options.baseline.empty()) {
    llvm::Expected<Model> model = readModel(options.baseline, "--baseline");
    if (!model)
      return model.takeError();
    llvm::Expected<report::Report> made = reportOn(context, *model, *device, options, nullptr);
    if (!made)
      return made.takeError();
    baseline = std::make_unique<report::Report>(std::move(*made));
  }
  llvm::Expected<Model> model = readModel(compile);
  if (!model)
    return model.takeError();
  llvm::Expected<report::Report> report = reportOn(context, *model, *device, options, std::move(baseline));
  return report ? writeText(options.output, print(*report, options.format)) : report.takeError();
}
