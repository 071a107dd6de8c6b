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

/// Plan the model's attention as in a compilation. Module and plan live in `context`.
static llvm::Expected<PlanAttr> planAttention(mlir::MLIRContext &context, const Model &model,
                                              const CompileOptions &options) {
  ImportOptions import;
  import.dtype = options.dtype;
  import.cacheFormat = options.cacheFormat;
  import.tensorParallel = options.tensorParallel;
  mlir::OwningOpRef<mlir::ModuleOp> module = importLayer(context, *model.config.latent, model.specs, import);
  if (llvm::Error error = runStages(*module, Stage::Import, Stage::Plan, options))
    return error;
  return (*module)->getAttrOfType<PlanAttr>(kPlanAttr);
}

/// Return the bytes per element of an MLP's weights if they are stored in fewer bytes than they are computed in, else
/// 0. MLPs are not compiled; a checkpoint with attention weights in e4m3 is assumed to have MLP weights in e4m3.
static int64_t mlpWeightBytes(const Model &model) {
  bool scaled = llvm::any_of(model.specs, [](const WeightSpec &spec) { return spec.isScaled(); });
  return model.hasCheckpoint && scaled ? 1 : 0;
}

/// Create a model's report, compared with `baseline`.
static llvm::Expected<report::Report> reportOn(mlir::MLIRContext &context, Model model, const Device &device,
                                               const ReportOptions &options, std::unique_ptr<report::Report> baseline) {
  const CompileOptions &compile = options.compile;
  if (llvm::Error error = checkHeads(model, compile.tensorParallel))
    return error;
  report::Request request;
  if (model.config.latent) {
    llvm::Expected<PlanAttr> plan = planAttention(context, model, compile);
    if (!plan)
      return plan.takeError();
    request.plan = *plan;
    request.reservations = reservations(*model.config.latent);
  }
  request.name = model.name;
  if (model.hasCheckpoint)
    request.storedDType = nameTypes(model.specs);
  request.mlpWeightBytes = mlpWeightBytes(model);
  request.config = std::move(model.config);
  request.device = device;
  request.elementBytes = compile.dtype == DType::BF16 ? 2 : 4;
  request.cacheFormat = compile.cacheFormat;
  request.dtype = compile.dtype == DType::BF16 ? "bf16" : "f32";
  request.batch = options.batch;
  request.context = options.context;
  request.tensorParallel = compile.tensorParallel;
  return report::makeReport(std::move(request), std::move(baseline));
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
    llvm::Expected<report::Report> made = reportOn(context, std::move(*model), *device, options, nullptr);
    if (!made)
      return made.takeError();
    baseline = std::make_unique<report::Report>(std::move(*made));
  }
  llvm::Expected<Model> model = readModel(compile);
  if (!model)
    return model.takeError();
  llvm::Expected<report::Report> report = reportOn(context, std::move(*model), *device, options, std::move(baseline));
  return report ? writeText(options.output, print(*report, options.format)) : report.takeError();
}
