//===- Options.cpp - The command line of mla-compile ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values are parsed as strings and checked here, so that every error has the
// project's form and lists the valid values.
//
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "HelpText.h"

#include "mla/Conversion/MLAToGPU/ScheduleRequest.h"
#include "mla/Dialect/MLA/Analysis/Device.h"
#include "mla/Dialect/MLA/Transforms/PlanRequest.h"
#include "mla/Pipeline/Stages.h"
#include "mla/Report/Report.h"
#include "mla/launch_abi.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"

using namespace mla;
using llvm::StringRef;
using llvm::Twine;
namespace cl = llvm::cl;

static constexpr const char *overview =
    "Compiles the multi-head latent attention of a model, or with --scope its layers or all of it: from its\n"
    "config.json and safetensors to a bundle (a directory) that mla-run and libmla-runtime run. Or from a .mlir that\n"
    "--emit printed and that may be edited: its stage is found, and compilation goes on from there.";

static cl::OptionCategory category("Options of mla-compile");

using Text = cl::opt<std::string>;
static Text module(cl::Positional, cl::cat(category), cl::desc("[layer.mlir]"));
static Text from("from", cl::cat(category), cl::value_desc("STAGE"),
                 cl::desc("the stage of layer.mlir, as --emit calls it, instead of\nthe one that is found"));
static Text config("config", cl::cat(category), cl::value_desc("config.json"),
                   cl::desc("the model's config; may be left out where one\ncame with the weights"));
static Text weights(
    "weights", cl::cat(category), cl::value_desc("FILE|DIR"),
    cl::desc("a .safetensors file (a golden file has its config\nin the metadata), a GGUF file, or a directory with "
             "config.json\nand one, or an index of several; without it weights\nare made"));
static Text
    base("base", cl::cat(category), cl::value_desc("BUNDLE"),
         cl::desc("with --adapter: a bundle compiled with the same\noptions but without the adapter; weights that "
                  "it does not\nchange are shared with it: one file, one memory"));
static cl::opt<bool> noWeights("no-weights", cl::cat(category),
                               cl::desc("for h100, to measure: a bundle without weights, for\nwhich the device makes "
                                        "random ones"));
static cl::list<std::string>
    adapters("adapter", cl::cat(category), cl::value_desc("DIR"),
             cl::desc("a LoRA adapter as PEFT saves it, which is merged into\nthe weights: W + c B A; may be repeated "
                      "with --unmerged"));
static cl::opt<bool> unmerged("unmerged", cl::cat(category),
                              cl::desc("with --adapter: one bundle with all adapters, of which\neach sequence "
                                       "chooses one, or none"));
static Text layers("layers", cl::cat(category), cl::value_desc("0|0-3|all"), cl::init("0"),
                   cl::desc("the layers to compile (default the first with latent\nattention); they share their code"));
static Text
    scope("scope", cl::cat(category), cl::value_desc("attention|layer|model"), cl::init("attention"),
          cl::desc("attention (default); layer: a decoder layer, with norms,\nresiduals and its MLP or experts; "
                   "model: all\nlayers, embedding and logits"));
static Text target("target", cl::cat(category), cl::value_desc("cpu|h100|h200"), cl::init("cpu"),
                   cl::desc("what runs the code (default cpu: this machine's kind;\nof a report h100); h200 is the "
                            "code of h100, planned\nfor an H200"));
static Text
    cpu("cpu", cl::cat(category), cl::value_desc("native|LEVEL"), cl::init("native"),
        cl::desc("with --target=cpu: processors of this level run the code,\nx86-64-v2, x86-64-v3, x86-64-v4 or "
                 "sapphirerapids (default\nthe level of this machine)"));
static Text
    dtype("dtype", cl::cat(category), cl::value_desc("f32|bf16|fp8"),
          cl::desc("hidden states, cache and weights (default f32; for h100 bf16);\nfp8: scaled weights of the "
                   "checkpoint stay in e4m3 and are\nmultiplied by tokens in e4m3, hidden states are bf16, the\n"
                   "cache is fp8_row"));
static Text tokenTerms("token-terms", cl::cat(category), cl::value_desc("1|2"), cl::init("2"),
                       cl::desc("with --dtype=fp8: numbers of e4m3 per element of a token;\n2 (default) are as precise "
                                "as bf16, 1 is faster where\nproducts bind"));
static Text
    plan("plan", cl::cat(category), cl::value_desc("PLAN"), cl::init("auto"),
         cl::desc("auto (default); naive, absorb or fold, for decode;\nor phase=form and phase.side=form, as in\n"
                  "decode.q=fold,decode.o=absorb,prefill=naive;\nwith ,across-rounding products may leave out what "
                  "rounds\nbetween their factors"));
static cl::opt<bool> verbose("verbose", cl::cat(category),
                             cl::desc("explain the plan on stderr: what each form costs"));
static cl::alias verboseShort("v", cl::NotHidden, cl::cat(category), cl::cat(category), cl::aliasopt(verbose),
                              cl::desc("as --verbose"));
static Text device("device", cl::cat(category), cl::value_desc("DEVICE.json"),
                   cl::desc("what plans are made for (default: the target as\nmla-compile knows it)"));
static Text page("page", cl::cat(category), cl::value_desc("N"), cl::init("64"),
                 cl::desc("tokens in a page of the cache (default 64)"));
static Text tensorParallel(
    "tp", cl::cat(category), cl::value_desc("N"), cl::init("1"),
    cl::desc("divide heads, MLPs and experts among N ranks, which run\ntogether: OUT has a bundle of each (default 1); "
             "with\n--report the model is divided among N devices"));
static Text tokenParts("dcp", cl::cat(category), cl::value_desc("M"), cl::init("1"),
                       cl::desc("with --tp: each of M neighbouring ranks caches one of M\npages (default 1); M divides "
                                "N"));
static Text expertParts("ep", cl::cat(category), cl::value_desc("K"), cl::init("1"),
                        cl::desc("with --tp: divide experts into K parts, and the width of\neach among the N / K "
                                 "ranks of a part (default 1)"));
static Text rank("rank", cl::cat(category), cl::value_desc("K|all"),
                 cl::desc("compile a part, 0 to N - 1, for a caller that adds the\nresults of all; all: each to a "
                          "bundle of its own,\nOUT/rank0 and so on"));
static Text cacheFormat("cache", cl::cat(category), cl::value_desc("standard|private"), cl::init("standard"),
                        cl::desc("standard: what other engines keep in theirs; private\nis reserved for what is "
                                 "fastest, and not made yet"));
static Text
    cacheDType("cache-dtype", cl::cat(category), cl::value_desc("auto|f32|bf16|fp8_tensor|fp8_row"), cl::init("auto"),
               cl::desc("how the cache holds a token: as hidden states (auto,\nf32, bf16); fp8_row: the latent in "
                        "e4m3 with a scale\nper 128 columns, k_rope in bf16; fp8_tensor: all in\ne4m3"));
static Text cacheScale("cache-scale", cl::cat(category), cl::value_desc("S"), cl::init("1"),
                       cl::desc("for fp8_tensor: rows hold latents and keys divided by\nS, which should leave them "
                                "within 2^-6 and 448"));
static Text emit("emit", cl::cat(category), cl::value_desc("WHAT"), cl::init("bundle"),
                 cl::desc("bundle (default), or MLIR after a stage: import,\nplan, absorb, fold, layout, linalg, llvm; "
                          "for h100\nkernels, nvvm, ptx"));
static cl::opt<bool> batchInvariant("batch-invariant", cl::cat(category),
                                    cl::desc("for h100: what is computed for a sequence does not\ndepend on the "
                                             "others in its batch, bit by bit; slower"));
static Text
    coreMask("core-mask", cl::cat(category), cl::value_desc("causal|none|window=N"),
             cl::desc("for h100: what queries see in the bundle's entries of\nthe attention alone, if it is not "
                      "what they see in the\nlayer; a window counts their own key"));
static cl::opt<bool> coreSinks("core-sinks", cl::cat(category),
                               cl::desc("for h100: these entries take a logit per head, which\njoins the denominator "
                                        "of the softmax"));
static cl::list<std::string> schedules(
    "schedule", cl::cat(category), cl::value_desc("KERNEL:KEY=VALUE,..."),
    cl::desc("for h100: choices for a kernel's schedule instead of\nthe compiler's, as in decode.o:few_rows=0 "
             "(--emit=kernels\nprints names and keys); '/' separates classes; may be\nrepeated"));
static Text output("o", cl::cat(category), cl::value_desc("OUT"),
                   cl::desc("what to write; '-' is standard output; it appears\nonly when complete"));

static cl::opt<bool> listFamilies("list-families", cl::cat(category),
                                  cl::desc("print the models that are known, with the fields that make\nthem differ "
                                           "and the limits of what is compiled"));

static Text reportFormat(
    "report", cl::cat(category), cl::ValueOptional, cl::value_desc("text|json|html"),
    cl::desc("costs of the whole model, step by step and part by\npart, as text (default), JSON or a page; "
             "compiles\nnothing; -o may be left out"));
static Text baseline("baseline", cl::cat(category), cl::value_desc("config.json"),
                     cl::desc("with --report: a model to compare with"));
static Text batch("batch", cl::cat(category), cl::value_desc("N"), cl::init("1"),
                  cl::desc("with --report: sequences (default 1)"));
static Text context("context", cl::cat(category), cl::value_desc("N"), cl::init("4096"),
                    cl::desc("with --report: cached tokens a sequence (default 4096)"));

static cl::extrahelp examples(helpText);

llvm::Error mla::usage(const Twine &what) { return makeError("mla-compile: " + what + "; see mla-compile --help"); }

/// Return the first line of LLVM's message without the program's name and hints.
static llvm::Error usageFromLLVM(StringRef message) {
  StringRef line = message.split('\n').first;
  line.consume_front("mla-compile: ");
  line = line.take_front(line.find("  Try:")).rtrim(".! ");
  // LLVM prints some errors of its own and MLIR's options itself.
  return usage(line.empty() ? "invalid value of an option" : line);
}

static std::string nameOf(const Text &option) {
  return option.hasArgStr() ? (option.ArgStr == "o" ? "-" : "--") + option.ArgStr.str() : "the .mlir";
}

static llvm::Error badValue(const Text &option, const Twine &allowed) {
  return usage(nameOf(option) + " must be " + allowed + ", got '" + option.getValue() + "'");
}

/// Set `chosen` to the value that the option's text names.
template <typename T>
static llvm::Error choose(const Text &option, llvm::ArrayRef<std::pair<StringRef, T>> values, T &chosen) {
  std::string allowed;
  for (auto [name, value] : values) {
    if (option.getValue() == name)
      return chosen = value, llvm::Error::success();
    allowed += (allowed.empty() ? "" : name == values.back().first ? " or " : ", ") + name.str();
  }
  return badValue(option, allowed);
}

static llvm::Error chooseNumber(const Text &option, int64_t least, int64_t most, int64_t &number) {
  if (!llvm::to_integer(StringRef(option.getValue()), number, 10) || number < least || number > most)
    return badValue(option, "an integer from " + Twine(least) + " to " + Twine(most));
  return llvm::Error::success();
}

static llvm::Error chooseLayers(CompileOptions &options) {
  if (!layers.getNumOccurrences())
    return llvm::Error::success();
  std::optional<LayerRange> range = LayerRange::parse(layers);
  if (!range)
    return badValue(layers, "a layer (0), a range (0-3) or all");
  options.layers = *range;
  return llvm::Error::success();
}

static llvm::Error chooseScope(CompileOptions &options) {
  return choose<Scope>(scope, {{"attention", Scope::Attention}, {"layer", Scope::Layer}, {"model", Scope::Model}},
                       options.scope);
}

static bool wantsReport() { return reportFormat.getNumOccurrences(); }

static llvm::Error chooseTarget(CompileOptions &options) {
  // Reports default to the H100; code defaults to this machine.
  if (!target.getNumOccurrences() && wantsReport())
    target.setValue(Device::h100().name);
  llvm::SmallVector<std::pair<StringRef, const Device *>> devices;
  for (const Device *known : Device::getKnown())
    devices.emplace_back(known->name, known);
  const Device *chosen = nullptr;
  if (llvm::Error error = choose<const Device *>(target, devices, chosen))
    return error;
  options.target = chosen->target;
  // A device may run the code of another, but plans are made for the device itself.
  if (chosen->name != options.target && !device.getNumOccurrences())
    device.setValue(chosen->name);
  options.cpu = cpu;
  options.dtype = options.isForGPU() ? DType::BF16 : DType::F32;
  if (tokenTerms.getNumOccurrences() && dtype != "fp8")
    return usage("--token-terms requires --dtype=fp8");
  if (!dtype.getNumOccurrences())
    return llvm::Error::success();
  if (llvm::Error error =
          choose<DType>(dtype, {{"f32", DType::F32}, {"bf16", DType::BF16}, {"fp8", DType::F8_E4M3}}, options.dtype))
    return error;
  if (options.dtype != DType::F8_E4M3)
    return llvm::Error::success();
  options.dtype = DType::BF16;
  return chooseNumber(tokenTerms, 1, 2, options.tokenTerms);
}

static llvm::Error choosePlan(CompileOptions &options) {
  llvm::Expected<PlanRequest> request = parsePlanRequest(plan);
  if (!request)
    return usage("--plan: " + llvm::toString(request.takeError()));
  options.plan = plan;
  return llvm::Error::success();
}

static llvm::Error chooseRank(CompileOptions &options) {
  bool mayBeApart = wantsReport() || rank.getNumOccurrences();
  const int64_t most = mayBeApart ? 65536 : schema::Limit::Ranks;
  if (llvm::Error error = chooseNumber(tensorParallel, 1, most, options.tensorParallel))
    return error;
  if (wantsReport())
    return llvm::Error::success();
  for (auto [option, parts] :
       {std::pair(&tokenParts, &options.tokenParts), std::pair(&expertParts, &options.expertParts)}) {
    if (llvm::Error error = chooseNumber(*option, 1, most, *parts))
      return error;
    if (options.tensorParallel % *parts != 0)
      return usage(nameOf(*option) + " must divide the ranks of --tp, " + Twine(options.tensorParallel) + ", got " +
                   Twine(*parts));
    if (*parts > 1 && rank.getNumOccurrences())
      return usage(nameOf(*option) + " is for ranks that run together; leave --rank out");
  }
  options.callerReduces = rank.getNumOccurrences();
  options.allRanks = rank == "all" || (!options.callerReduces && options.tensorParallel > 1 && emit == "bundle");
  if (options.callerReduces && !options.allRanks)
    return chooseNumber(rank, 0, options.tensorParallel - 1, options.rank);
  if (options.allRanks && emit != "bundle")
    return usage("--rank=all writes bundles; leave --emit out, or choose a rank");
  return llvm::Error::success();
}

/// Check the form of the requests; names and keys are checked where kernels are known.
static llvm::Error chooseSchedules(CompileOptions &options) {
  for (StringRef text : schedules) {
    llvm::Expected<ScheduleRequest> request = parseScheduleRequest(text);
    if (!request)
      return usage("--schedule: " + llvm::toString(request.takeError()));
  }
  options.schedules = llvm::join(schedules, ";");
  return llvm::Error::success();
}

static llvm::Error chooseEmit(CompileOptions &options) { return choose<Stage>(emit, stagesByName(), options.emit); }

static llvm::Error choosePage(CompileOptions &options) {
  constexpr int64_t most = 65536;
  return chooseNumber(page, 1, most, options.page);
}

/// Only the standard format is implemented. Reject the other one, for which the bundle would be the same.
static llvm::Error chooseCache(CompileOptions &) {
  bool isPrivate = false;
  if (llvm::Error error = choose<bool>(cacheFormat, {{"standard", false}, {"private", true}}, isPrivate))
    return error;
  if (isPrivate)
    return usage("--cache=private is not implemented; leave --cache out");
  return llvm::Error::success();
}

static llvm::Error chooseCacheDType(CompileOptions &options) {
  using schema::CacheFormat;
  if (llvm::Error error = choose<CacheFormat>(cacheDType,
                                              {{"auto", CacheFormat::Standard},
                                               {"f32", CacheFormat::Standard},
                                               {"bf16", CacheFormat::Standard},
                                               {"fp8_tensor", CacheFormat::FP8Tensor},
                                               {"fp8_row", CacheFormat::FP8Row}},
                                              options.cacheFormat))
    return error;
  if (options.tokenTerms && !cacheDType.getNumOccurrences())
    options.cacheFormat = CacheFormat::FP8Row;
  StringRef states = options.dtype == DType::BF16 ? "bf16" : "f32";
  if (cacheDType != "auto" && !isPacked(options.cacheFormat) && cacheDType != states.str())
    return usage("--cache-dtype=" + cacheDType + " needs hidden states of that type, got --dtype=" + states +
                 "; leave --cache-dtype out, or choose fp8_row or fp8_tensor");
  return llvm::Error::success();
}

static llvm::Error chooseCacheScale(CompileOptions &options) {
  if (!cacheScale.getNumOccurrences())
    return llvm::Error::success();
  double scale = 0;
  if (StringRef(cacheScale).getAsDouble(scale) || !(scale >= 0x1p-40 && scale <= 0x1p40))
    return usage("--cache-scale: expected a positive number, 2^-40 to 2^40, got '" + cacheScale + "'");
  if (options.cacheFormat != schema::CacheFormat::FP8Tensor)
    return usage("--cache-scale requires --cache-dtype=fp8_tensor");
  options.cacheScale = scale;
  return llvm::Error::success();
}

static llvm::Error checkGiven(llvm::ArrayRef<const Text *> files) {
  for (const Text *option : files)
    if (option->getNumOccurrences() && option->empty())
      return usage(nameOf(*option) + " is empty");
  return llvm::Error::success();
}

/// Check the adapters and what is said of them.
static llvm::Error checkAdapters() {
  if (llvm::any_of(adapters, [](const std::string &adapter) { return adapter.empty(); }))
    return usage("--adapter is empty");
  if (unmerged && adapters.empty())
    return usage("--unmerged is about adapters; give --adapter, or leave --unmerged out");
  if (!unmerged && adapters.size() > 1)
    return usage(
        "--adapter is given twice; give --unmerged for sequences to choose one, or add several adapters to one "
        "with PEFT (add_weighted_adapter)");
  if (!base.empty() && (adapters.empty() || emit != "bundle" || noWeights))
    return usage("--base is for a bundle with an adapter and weights; give --adapter, or leave --base out");
  return llvm::Error::success();
}

/// Check options that require each other.
static llvm::Error checkTogether() {
  if (llvm::Error error = checkGiven({&module, &config, &weights, &base, &device, &output}))
    return error;
  if (module.empty() && config.empty() && weights.empty())
    return usage("give --config or --weights, or a .mlir");
  if (module.empty() && from.getNumOccurrences())
    return usage("--from requires a .mlir");
  for (const Text *option : {&baseline, &batch, &context})
    if (option->getNumOccurrences())
      return usage(nameOf(*option) + " requires --report");
  if (llvm::Error error = checkAdapters())
    return error;
  if (output.empty())
    return usage("no output given; give -o OUT, or -o - for standard output");
  if (output == "-" && emit == "bundle")
    return usage("a bundle is a directory and cannot go to standard output; give -o OUT, or another --emit");
  return llvm::Error::success();
}

/// Reject options that a report would ignore, with the reason.
static llvm::Error checkReport() {
  if (module.getNumOccurrences())
    return usage("--report does not accept a .mlir");
  const std::pair<const cl::Option *, StringRef> ignored[] = {
      {std::addressof(adapters), "its updates are merged into the weights and cost nothing"},
      {&unmerged, "mla-print-costs has the costs of adapters that are not merged"},
      {&base, "it is about an adapter's bundle"},
      {&from, "a report is of a config"},
      {&noWeights, "a report has no weights"},
      {&layers, "a report is of the whole model"},
      {&scope, "a report is of the whole model"},
      {&page, "the cost model is independent of pages"},
      {&rank, "all ranks of --tp cost the same"},
      {&cacheFormat, "there is only one format"},
      {&cacheScale, "it costs nothing"},
      {&emit, "a report compiles nothing"},
      {&coreMask, "it is of an attention alone"},
      {&coreSinks, "it is of an attention alone"},
      {&batchInvariant, "the cost model does not distinguish such code"}};
  if (schedules.getNumOccurrences())
    return usage("--report does not accept --schedule: the cost model does not distinguish such code");
  for (auto [option, why] : ignored)
    if (option->getNumOccurrences())
      return usage("--report does not accept --" + option->ArgStr + ": " + why);
  if (llvm::Error error = checkGiven({&config, &weights, &baseline, &device, &output}))
    return error;
  return config.empty() && weights.empty() ? usage("--report needs --config or --weights") : llvm::Error::success();
}

static llvm::Error chooseFormat(ReportOptions &options) {
  if (reportFormat.empty())
    return llvm::Error::success();
  return choose<ReportFormat>(
      reportFormat, {{"text", ReportFormat::Text}, {"json", ReportFormat::Json}, {"html", ReportFormat::Html}},
      options.format);
}

static llvm::Expected<ReportOptions> reportOptions(const CompileOptions &compile) {
  ReportOptions options;
  if (llvm::Error error = checkReport())
    return error;
  if (llvm::Error error = chooseFormat(options))
    return error;
  if (llvm::Error error = chooseNumber(batch, 1, report::kMaxBatch, options.batch))
    return error;
  if (llvm::Error error = chooseNumber(context, 1, report::kMaxContext, options.context))
    return error;
  options.compile = compile;
  options.baseline = baseline;
  if (output.getNumOccurrences())
    options.output = output;
  return options;
}

static llvm::Error chooseFrom(CompileOptions &options) {
  auto stages = stagesByName().take_while([](const auto &stage) { return isOfModule(stage.second); });
  return choose<Stage>(from, stages, options.from.emplace());
}

/// Clear the options that are not given, so that the module determines them.
static llvm::Error goOnFromModule(CompileOptions &options) {
  if (!target.getNumOccurrences())
    options.target.clear();
  if (llvm::Error error = checkModuleOptions(options))
    return error;
  return from.getNumOccurrences() ? chooseFrom(options) : llvm::Error::success();
}

llvm::Expected<CommandLine> mla::parseOptions(int argc, char **argv) {
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter([](llvm::raw_ostream &os) { os << "mla-compile " MLA_VERSION "\n"; });
  std::string errors;
  llvm::raw_string_ostream os(errors);
  if (!cl::ParseCommandLineOptions(argc, argv, overview, &os))
    return usageFromLLVM(errors);
  CommandLine line;
  line.listsFamilies = listFamilies;
  if (listFamilies)
    return line;
  CompileOptions &options = line.compile;
  for (auto choose : {chooseLayers, chooseScope, chooseTarget, choosePlan, chooseRank, choosePage, chooseCache,
                      chooseCacheDType, chooseCacheScale, chooseEmit, chooseSchedules})
    if (llvm::Error error = choose(options))
      return error;
  if (options.scope == Scope::Model && !layers.getNumOccurrences())
    options.layers.last = std::nullopt;
  options.config = config;
  options.weights = weights;
  options.leavesWeightsOut = noWeights;
  options.device = device;
  options.verbose = verbose;
  if (wantsReport()) {
    llvm::Expected<ReportOptions> report = reportOptions(options);
    if (!report)
      return report.takeError();
    line.report = std::move(*report);
    return line;
  }
  if (llvm::Error error = checkTogether())
    return error;
  options.module = module;
  options.adapters = adapters;
  options.isUnmerged = unmerged;
  options.base = StringRef(base).rtrim('/').str();
  options.output = output;
  options.batchInvariant = batchInvariant;
  options.coreMask = coreMask;
  options.coreSinks = coreSinks;
  if (llvm::Error error = module.empty() ? llvm::Error::success() : goOnFromModule(options))
    return error;
  return line;
}
