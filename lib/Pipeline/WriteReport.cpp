//===- WriteReport.cpp - Costs of a model, nothing compiled ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Pipeline/WriteReport.h"
#include "Output.h"
#include "Source.h"
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

/// What a compilation of the attention would be asked for.
static CompileOptions compileOptions(const ReportOptions &options) {
  CompileOptions compile;
  compile.target = options.target;
  compile.dtype = options.dtype;
  compile.device = options.device;
  return compile;
}

/// The plan of the model's attention, made as for a compilation. The module lives in `context`, the plan, too.
static llvm::Expected<PlanAttr> planAttention(mlir::MLIRContext &context, const AttentionConfig &config,
                                              const CompileOptions &options) {
  ImportOptions import;
  import.dtype = options.dtype;
  mlir::OwningOpRef<mlir::ModuleOp> module = importLayer(context, config, announcedSpecs(config, 0), import);
  if (llvm::Error error = runStages(*module, Stage::Import, Stage::Plan, options))
    return error;
  return (*module)->getAttrOfType<PlanAttr>(kPlanAttr);
}

/// A name for people: the file's, or its directory's where every model calls the file config.json.
static std::string nameOf(StringRef path) {
  llvm::SmallString<256> whole(path);
  llvm::sys::fs::make_absolute(whole);
  StringRef stem = llvm::sys::path::stem(path), directory = llvm::sys::path::parent_path(whole);
  StringRef name = stem == "config" ? llvm::sys::path::filename(directory) : stem;
  return llvm::json::fixUTF8(name); // a file's name may be any bytes
}

/// Reads a config and makes its report, held against `baseline`.
static llvm::Expected<report::Report> reportOn(mlir::MLIRContext &context, StringRef path, StringRef option,
                                               const Device &device, const ReportOptions &options,
                                               std::unique_ptr<report::Report> baseline) {
  llvm::Expected<std::string> text = readConfig(path, option);
  if (!text)
    return text.takeError();
  llvm::Expected<ModelConfig> config = parseModelConfig(*text, path);
  if (!config)
    return config.takeError();
  report::Request request;
  if (config->latent) {
    llvm::Expected<PlanAttr> plan = planAttention(context, *config->latent, compileOptions(options));
    if (!plan)
      return plan.takeError();
    request.plan = *plan;
    request.reservations = reservations(*config->latent);
  }
  request.name = nameOf(path);
  request.config = std::move(*config);
  request.device = device;
  request.elementBytes = options.dtype == DType::BF16 ? 2 : 4;
  request.dtype = options.dtype == DType::BF16 ? "bf16" : "f32";
  request.batch = options.batch;
  request.context = options.context;
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
  if (llvm::Error error = checkDType(compileOptions(options)))
    return error;
  if (llvm::Error error = checkInputsStay({options.config, options.baseline, options.device}, options.output))
    return error;
  llvm::Expected<Device> device = findDevice(planDevice(compileOptions(options)));
  if (!device)
    return device.takeError();
  if (llvm::Error error = checkWritable(options.output, /*asDirectory=*/false))
    return error;
  mlir::DialectRegistry registry;
  registerStageDialects(registry, Stage::Plan);
  mlir::MLIRContext context(registry);
  std::unique_ptr<report::Report> baseline;
  if (!options.baseline.empty()) {
    llvm::Expected<report::Report> made = reportOn(context, options.baseline, "--baseline", *device, options, nullptr);
    if (!made)
      return made.takeError();
    baseline = std::make_unique<report::Report>(std::move(*made));
  }
  llvm::Expected<report::Report> report =
      reportOn(context, options.config, "--config", *device, options, std::move(baseline));
  return report ? writeText(options.output, print(*report, options.format)) : report.takeError();
}
