//===- Bundle.cpp - Opening bundles ---------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bundle.h"
#include "CompiledFor.h"
#include "CopyStruct.h"
#include "ReadFile.h"
#include "Status.h"
#include "Text.h"

#include "mla/abi.h"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>

using namespace mla;

/// Checks sizes and kinds of files: a truncated file would fault in the middle of a step, and a link would lead
/// elsewhere.
static Error checkFiles(const mla_bundle &bundle) {
  for (const auto &[name, size] : bundle.manifest.files) {
    std::string path = bundle.path + "/" + name;
    struct stat info = {};
    if (lstat(path.c_str(), &info) != 0)
      return failedCall(path, "open", errno);
    if (S_ISLNK(info.st_mode))
      return isLink(path);
    if (!S_ISREG(info.st_mode) || info.st_size != size)
      return Error(ErrorKind::InvalidFile, path + ": has " + std::to_string(info.st_size) +
                                               " bytes, the manifest says " + std::to_string(size) +
                                               "; copy or compile the bundle again");
  }
  return {};
}

static void fillInfo(mla_bundle &bundle) {
  const Manifest &from = bundle.manifest;
  mla_bundle_info &to = bundle.info;
  to.path = bundle.path.c_str();
  to.producer = from.producer.c_str();
  to.target = from.target.c_str();
  to.isa = from.isa.c_str();
  to.model_type = from.modelType.c_str();
  to.cache_format = from.cacheFormat.c_str();
  to.plan = from.plan.c_str();
  to.dtype = from.dtype;
  to.cache_dtype = from.cacheDType;
  to.cache_row = schema::cacheRow(from.cacheLayout, from.kvLoraRank, from.qkRopeHeadDim);
  to.products = from.products.c_str();
  to.cache_scale = from.cacheScale;
  to.page = from.page;
  to.tensor_parallel = from.tensorParallel;
  to.rank = from.rank;
  to.hidden_size = from.hiddenSize;
  to.num_attention_heads = from.numAttentionHeads;
  to.heads = from.heads;
  to.q_lora_rank = from.qLoraRank;
  to.kv_lora_rank = from.kvLoraRank;
  to.qk_nope_head_dim = from.qkNopeHeadDim;
  to.qk_rope_head_dim = from.qkRopeHeadDim;
  to.v_head_dim = from.vHeadDim;
  to.rms_norm_eps = from.rmsNormEps;
  to.rope_theta = from.ropeTheta;
  to.layers = from.layers.data();
  to.vocab_size = from.vocabSize;
  to.streams = from.streams;
  to.stop_tokens = from.stopTokens.data();
  to.num_stop_tokens = static_cast<int64_t>(from.stopTokens.size());
  to.max_context = from.maxContext;
  to.num_layers = static_cast<int64_t>(from.layers.size());
  to.num_entries = static_cast<int64_t>(from.entries.size());
  to.device_memory = from.hasKernels();
  to.device = "";
  for (const std::string &name : from.adapters)
    bundle.adapters.push_back(name.c_str());
  to.adapters = bundle.adapters.data();
  to.num_adapters = static_cast<int64_t>(bundle.adapters.size());
  to.own_cache_rows = from.ownCacheRows;
  to.ranks = from.ranks;
  to.group_rank = from.groupRank;
  to.first_head = from.firstHead;
  to.token_ranks = from.tokenRanks;
  for (const ManifestEntry &entry : from.entries)
    bundle.entries.push_back({entry.symbol.c_str(), entry.phase, entry.q.c_str(), entry.o.c_str(), entry.tokens.first,
                              entry.tokens.last, entry.contexts.first, entry.contexts.last, 0});
}

/// Records the requirements of launch lists on a kernel.
static void noteLaunches(const LaunchList &list, std::map<uint32_t, mla_kernel_info> &byNumber) {
  for (const Launch &launch : list.launches) {
    if (launch.collective)
      continue;
    mla_kernel_info &kernel = byNumber[launch.kernel];
    kernel.threads = std::max(kernel.threads, static_cast<int32_t>(launch.threads));
    kernel.dynamic_shared = std::max(kernel.dynamic_shared, static_cast<int32_t>(launch.shared));
  }
}

/// Fills in the facts of kernels from the manifest, and from the driver if they are loaded.
static void fillKernels(mla_bundle &bundle, const GpuCode *code) {
  std::map<uint32_t, mla_kernel_info> byNumber;
  for (const ManifestEntry &entry : bundle.manifest.entries)
    noteLaunches(entry.launches, byNumber);
  for (const std::optional<LaunchList> &core : bundle.manifest.cores)
    if (core)
      noteLaunches(*core, byNumber);
  for (const auto &[name, number] : bundle.manifest.kernels) {
    mla_kernel_info &kernel = bundle.kernels.emplace_back(byNumber[number]);
    kernel.name = name.c_str();
    kernel.static_shared = kernel.registers = kernel.local_bytes = kernel.max_threads = -1;
    if (code)
      code->describeKernel(number, kernel);
  }
  bundle.info.num_kernels = static_cast<int64_t>(bundle.kernels.size());
}

static Error loadNativeCode(mla_bundle &bundle, const std::string &manifest) {
  if (!processorSupports(bundle.manifest.isa))
    return Error(ErrorKind::Unsupported, bundle.path +
                                             "/" MLA_MANIFEST_FILE ": field 'isa': the code needs a "
                                             "processor with " +
                                             quoted(bundle.manifest.isa) +
                                             ", which this one is not; recompile on this machine");
  HostComm *comm = bundle.comm.get() ? bundle.comm.get()->host.get() : nullptr;
  Result<std::unique_ptr<Code>> code = loadCpuCode(bundle.path + "/" MLA_CODE_FILE, bundle.manifest, comm);
  if (!code)
    return code.error();
  bundle.code = std::move(*code);
  const char *compiled = bundle.code->compiledFor();
  return compiled ? checkCompiledFor(bundle.path, manifest, *bundle.weights, bundle.manifest.layers, compiled)
                  : Error();
}

static Error loadKernels(mla_bundle &bundle, const LoadProgress &progress) {
  Result<std::unique_ptr<GpuCode>> code = GpuCode::load(bundle.path, bundle.manifest, &*bundle.weights, progress,
                                                        bundle.comm.get() ? bundle.comm.get()->gpu : nullptr);
  if (!code)
    return code.error();
  bundle.gpu = std::move(*code);
  fillKernels(bundle, bundle.gpu.get());
  bundle.info.device = bundle.gpu->context()->name.c_str();
  bundle.info.code_seconds = bundle.gpu->codeSeconds();
  bundle.info.weights_seconds = bundle.gpu->weightsSeconds();
  return {};
}

namespace {
enum class Loading {
  Nothing,
  Kernels, ///< temporarily, to query them
  Everything,
};
} // namespace

static Error inspectKernels(mla_bundle &bundle, Loading loading) {
  if (loading == Loading::Nothing || !bundle.manifest.hasKernels()) {
    fillKernels(bundle, nullptr);
    return {};
  }
  Result<std::unique_ptr<GpuCode>> code = GpuCode::load(bundle.path, bundle.manifest, /*weights=*/nullptr);
  if (!code)
    return code.error();
  fillKernels(bundle, code->get());
  return {};
}

/// Sets the limits that were measured on the bundle's device.
static Error applyTuning(mla_bundle &bundle) {
  if (!bundle.manifest.hasKernels())
    return {};
  Result<std::optional<Tuning>> tuning = readTuning(bundle.path);
  if (!tuning)
    return tuning.error();
  return *tuning ? apply(tunedPath(bundle.path), **tuning, bundle.info.device, bundle.choices) : Error();
}

/// Checks that the communicator is of the bundle's rank.
static Error checkComm(const mla_bundle &bundle, const mla_comm *comm) {
  std::string rank =
      "rank " + std::to_string(bundle.manifest.groupRank) + " of " + std::to_string(bundle.manifest.ranks);
  if (!comm && bundle.manifest.ranks > 1)
    return Error(ErrorKind::InvalidArgument,
                 bundle.path + ": is " + rank +
                     ", which runs with a communicator only; make one (mla/comm.h) and give "
                     "it to mla_bundle_open_with, or run all ranks with mla-run");
  if (!comm)
    return {};
  if (comm->ranks() != bundle.manifest.ranks || comm->rank() != bundle.manifest.groupRank)
    return Error(ErrorKind::InvalidArgument, bundle.path + ": is " + rank + ", but the communicator is rank " +
                                                 std::to_string(comm->rank()) + " of " + std::to_string(comm->ranks()) +
                                                 "; open the bundle of that rank");
  if (static_cast<bool>(comm->gpu) != bundle.manifest.hasKernels())
    return Error(ErrorKind::InvalidArgument, bundle.path + ": is for target " + bundle.manifest.target +
                                                 ", but the communicator is for ranks on " +
                                                 (comm->gpu ? "GPUs" : "a CPU") + "; make one with the functions for " +
                                                 (comm->gpu ? "CPUs" : "GPUs"));
  return {};
}

static Result<std::unique_ptr<mla_bundle>> openBundle(const char *path, Loading loading, const LoadProgress &progress,
                                                      mla_comm *comm) {
  auto bundle = std::make_unique<mla_bundle>();
  bundle->path = path;
  std::string manifestPath = bundle->path + "/" MLA_MANIFEST_FILE;
  Result<std::string> text = readFile(manifestPath, maxManifestBytes);
  if (!text)
    return text.error();
  Result<Manifest> manifest = parseManifest(manifestPath, *text);
  if (!manifest)
    return manifest.error();
  bundle->manifest = std::move(*manifest);
  bundle->choices = choicesOf(bundle->manifest);
  bundle->comm = CommUse(comm);
  fillInfo(*bundle);
  if (Error error = loading == Loading::Everything ? checkComm(*bundle, comm) : Error())
    return error;
  if (Error error = checkFiles(*bundle))
    return error;
  bool isShared = bundle->manifest.files.count(MLA_ADAPTER_FILE);
  Result<WeightFiles> weights = WeightFiles::open(bundle->path, isShared, bundle->manifest.madeWeights);
  if (!weights)
    return weights.error();
  bundle->weights = std::move(*weights);
  bundle->info.weights_bytes = bundle->weights->bytes();
  if (Error error = bindWeights(*bundle))
    return error;
  Error error = loading != Loading::Everything  ? inspectKernels(*bundle, loading)
                : bundle->manifest.hasKernels() ? loadKernels(*bundle, progress)
                                                : loadNativeCode(*bundle, *text);
  if (!error)
    error = applyTuning(*bundle);
  if (error)
    return error;
  return bundle;
}

static mla_status openForC(const char *function, const char *path, Loading loading, mla_bundle **bundle,
                           const LoadProgress &progress = {}, mla_comm *comm = nullptr) {
  if (!path || !*path || !bundle)
    return report(badArgument(function, "path or bundle is NULL or empty; pass both"));
  Result<std::unique_ptr<mla_bundle>> opened = openBundle(path, loading, progress, comm);
  if (!opened)
    return report(opened.error());
  *bundle = opened->release();
  return MLA_OK;
}

int64_t mla_bundle::layerIndex(int64_t layer) const {
  for (size_t i = 0; i < manifest.layers.size(); ++i)
    if (manifest.layers[i] == layer)
      return static_cast<int64_t>(i);
  return -1;
}

int64_t mla_bundle::choiceOf(const LaunchList &list, const Launch &launch) const {
  for (size_t i = 0; launch.choice && i < choices.size(); ++i)
    if (choices[i].launches() == &list && choices[i].index() == *launch.choice)
      return static_cast<int64_t>(i);
  return -1;
}

mla_status mla_bundle_open(const char *path, mla_bundle **bundle) {
  return openForC("mla_bundle_open", path, Loading::Everything, bundle);
}

mla_status mla_bundle_open_with(const char *path, const mla_open_options *given, mla_bundle **bundle) {
  const char *function = "mla_bundle_open_with";
  mla_open_options options = {};
  constexpr size_t least = offsetof(mla_open_options, comm);
  if (Error error = given ? copySized(function, "options", given, least, options) : Error())
    return report(error);
  return openForC(function, path, Loading::Everything, bundle, {options.progress, options.context}, options.comm);
}

mla_status mla_bundle_inspect(const char *path, mla_bundle **bundle) {
  return openForC("mla_bundle_inspect", path, Loading::Nothing, bundle);
}

mla_status mla_bundle_inspect_on_device(const char *path, mla_bundle **bundle) {
  return openForC("mla_bundle_inspect_on_device", path, Loading::Kernels, bundle);
}

void mla_bundle_close(mla_bundle *bundle) { delete bundle; }

const mla_bundle_info *mla_bundle_get_info(const mla_bundle *bundle) { return bundle ? &bundle->info : nullptr; }

const mla_entry_info *mla_bundle_get_entry(const mla_bundle *bundle, int64_t index) {
  return bundle && index >= 0 && index < bundle->info.num_entries ? &bundle->entries[index] : nullptr;
}

const mla_kernel_info *mla_bundle_get_kernel(const mla_bundle *bundle, int64_t index) {
  return bundle && index >= 0 && index < bundle->info.num_kernels ? &bundle->kernels[index] : nullptr;
}
