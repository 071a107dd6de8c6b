//===- EmitBundle.cpp - A compiled layer as a bundle ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Pipeline/EmitBundle.h"
#include "CollectDiagnostics.h"
#include "Output.h"
#include "ProgressBar.h"
#include "Request.h"

#include "mla/Dialect/MLA/Analysis/Device.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"
#include "mla/Pipeline/EmitPTX.h"
#include "mla/Pipeline/Stages.h"
#include "mla/Target/Bundle.h"
#include "mla/Target/Native.h"
#include "mla/abi.h"
#include "mla/launch_abi.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mla;

/// Return a copy of the module with only the @prepare functions, or only the
/// others.
static OwningOpRef<ModuleOp> partOf(ModuleOp module, bool prepares) {
  OwningOpRef<ModuleOp> part = module.clone();
  for (auto function : llvm::make_early_inc_range(part->getOps<func::FuncOp>()))
    if (isPrepare(function) != prepares)
      function.erase();
  return part;
}

static llvm::Error bindWeights(ModuleOp module, const CompileOptions &options) {
  PassManager pm(module.getContext());
  pm.addPass(createMLABindWeights());
  return failed(options.run(pm, module, "weights")) ? makeError("bundle: weights cannot be bound")
                                                    : llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

namespace {
/// The description of the code in the manifest.
struct Code {
  std::vector<BundleEntry> entries;
  std::string target, isa;
  std::vector<llvm::StringRef> files;
};
} // namespace

/// Emit entries as machine code. `module` is at Stage::Layout.
static llvm::Expected<Code> writeNative(ModuleOp module, const CompileOptions &options, BundleDirectory &directory) {
  if (llvm::Error error = bindWeights(module, options))
    return error;
  llvm::Expected<std::vector<BundleEntry>> entries = entriesOf(module);
  if (!entries)
    return entries.takeError();
  auto model = module->getAttrOfType<DictionaryAttr>(kModelAttr);
  std::string compiledFor = describeCode(module, model, *entries, "cpu", levelOf(options).isa);
  if (llvm::Error error = runStages(module, Stage::Layout, Stage::LLVM, options))
    return error;
  options.progress("machine code");
  if (llvm::Error error = emitSharedObject(module, levelOf(options), compiledFor, directory.file(MLA_CODE_FILE)))
    return error;
  return Code{std::move(*entries), schema::cpuTarget, levelOf(options).isa.str(), {MLA_CODE_FILE}};
}

/// Checks that the runtime accepts bundles of the target.
static llvm::Error checkTarget(const TargetInfo &target) {
  const schema::GpuTargetRow *row = schema::findGpuTarget(target.name);
  if (row && target.chip == row->isa)
    return llvm::Error::success();
  std::string known = llvm::join(
      llvm::map_range(schema::gpuTargetRows,
                      [](const schema::GpuTargetRow &row) { return std::string(row.name) + " (" + row.isa + ")"; }),
      ", ");
  return makeError("bundle: the runtime does not run " + target.name + " (" + target.chip + "); expected " + known);
}

/// Return whether the kernels were assembled. A cubin spares the driver from compiling PTX; PTX works with every
/// driver.
static bool assembleKernels(const CompileOptions &options, llvm::StringRef chip, BundleDirectory &directory) {
  std::string ptxas = findPtxas();
  if (ptxas.empty())
    return false;
  options.progress("ptxas");
  llvm::Error error = assemble(ptxas, chip, directory.file(MLA_PTX_FILE), directory.file(MLA_CUBIN_FILE));
  if (!error)
    return true;
  (void)llvm::sys::fs::remove(directory.file(MLA_CUBIN_FILE));
  options.progress("");
  llvm::errs() << "warning: " << llvm::toString(std::move(error)) << "; the bundle contains only PTX\n";
  return false;
}

/// Emit kernels as PTX, and as a cubin if ptxas is available. `module` is at Stage::Kernels; its launches are added.
static llvm::Expected<Code> writeKernels(ModuleOp module, const CompileOptions &options, BundleDirectory &directory) {
  if (llvm::Error error = runStages(module, Stage::Kernels, Stage::NVVM, options))
    return error;
  TargetInfo target = KernelTarget::findFor(module)->getInfo(module);
  if (llvm::Error error = checkTarget(target))
    return error;
  llvm::Expected<std::vector<BundleEntry>> entries = entriesOf(module);
  if (!entries)
    return entries.takeError();
  options.progress("PTX");
  llvm::Expected<std::string> ptx = emitPTX(module);
  if (!ptx)
    return ptx.takeError();
  if (llvm::Error error = writeText(directory.file(MLA_PTX_FILE), *ptx))
    return error;
  Code code{std::move(*entries), target.name, target.chip, {MLA_PTX_FILE}};
  if (assembleKernels(options, target.chip, directory))
    code.files.push_back(MLA_CUBIN_FILE);
  return code;
}

//===----------------------------------------------------------------------===//
// Weights and manifest
//===----------------------------------------------------------------------===//

namespace {
/// What a manifest says of the file of weights.
struct WrittenWeights {
  std::vector<Certificate> certificates;
  uint64_t made = 0; ///< bytes that the device makes
};
} // namespace

/// Link the weights of the base into the bundle and open them. A link, since mappings of one file share their memory.
static llvm::Expected<std::optional<SafetensorsFile>> linkBase(const CompileOptions &options,
                                                               BundleDirectory &directory) {
  if (options.base.empty())
    return std::nullopt;
  std::string path = options.base + "/" MLA_WEIGHTS_FILE, link = directory.file(MLA_WEIGHTS_FILE);
  if (llvm::sys::fs::exists(options.base + "/" MLA_ADAPTER_FILE))
    return makeError("--base: " + options.base + " has an adapter itself; give the bundle without one");
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file)
    return makeError("--base: " + file.error().message());
  (void)llvm::sys::fs::remove(link); // of an interrupted compilation
  if (std::error_code code = llvm::sys::fs::create_hard_link(path, link))
    return makeError("--base: " + path + ": cannot be linked into the bundle (" + code.message() +
                     "); choose an output on the same file system");
  return std::optional(std::move(*file));
}

static llvm::Expected<WrittenWeights> writePrepared(OwningOpRef<ModuleOp> prepares, ModuleOp module,
                                                    importer::Checkpoint &checkpoint, const CompileOptions &options,
                                                    BundleDirectory &directory) {
  bool isLeftOut = options.leavesWeightsOut;
  if (!isLeftOut)
    options.progress("compiling the preparation of weights");
  llvm::Expected<WeightPreparation> preparation = isLeftOut
                                                      ? WeightPreparation::describe(std::move(prepares))
                                                      : WeightPreparation::compile(std::move(prepares), options.run);
  if (!preparation)
    return preparation.takeError();
  std::vector<int64_t> layers = module->getAttrOfType<DenseI64ArrayAttr>(kLayersAttr).asArrayRef().vec();
  WeightUsers users = findWeightUsers(module);
  if (llvm::any_of(users, [](const auto &user) { return user.second.count(kEndsLayer); }))
    layers.push_back(kEndsLayer);
  WrittenWeights written;
  if (isLeftOut) {
    llvm::Expected<uint64_t> made = announceWeights(*preparation, layers, users, directory);
    if (!made)
      return made.takeError();
    written.made = *made;
    return written;
  }
  auto prefix = module->getAttrOfType<StringAttr>(kCheckpointPrefixAttr);
  auto find = [&](llvm::StringRef name) { return checkpoint.find(name); };
  auto read = [&](llvm::StringRef name) { return checkpoint.read(name); };
  ProgressBar bar("weights", options.progress);
  auto progress = [&](uint64_t done, uint64_t all) { bar.update(done, all); };
  llvm::Expected<std::optional<SafetensorsFile>> base = linkBase(options, directory);
  if (!base)
    return base.takeError();
  WeightSource source = {find, read, *base ? &**base : nullptr};
  auto certificates = writeWeights(*preparation, layers, prefix, users, source, directory, progress);
  if (!certificates)
    return certificates.takeError();
  written.certificates = std::move(*certificates);
  return written;
}

static llvm::Expected<std::vector<std::pair<llvm::StringRef, uint64_t>>> sizesOf(llvm::ArrayRef<llvm::StringRef> names,
                                                                                 BundleDirectory &directory) {
  std::vector<std::pair<llvm::StringRef, uint64_t>> files;
  for (llvm::StringRef name : names) {
    llvm::Expected<uint64_t> size = directory.sizeOf(name);
    if (!size)
      return size.takeError();
    files.push_back({name, *size});
  }
  return files;
}

/// Describe the device that the plan was made for, as what a profile compares with.
static llvm::json::Value describeDevice(const Device &device) {
  return llvm::json::Object{{"name", device.name},
                            {"read_bytes_per_second", device.readRate},
                            {"flops_per_second", device.flopRate},
                            {"e4m3_flops_per_second", device.getE4m3FlopRate()}};
}

static std::string absolutePath(llvm::StringRef path) {
  llvm::SmallString<256> absolute(path);
  (void)llvm::sys::fs::make_absolute(absolute);
  return llvm::json::fixUTF8(absolute);
}

/// Describe the origin of the weights, and their config. Paths are absolute, so that they are valid in any directory.
static llvm::json::Value describeSource(llvm::StringRef configText, const CompileOptions &options) {
  llvm::json::Object source;
  if (!options.weights.empty())
    source["weights"] = absolutePath(options.weights);
  if (options.isUnmerged)
    source["adapters"] = llvm::json::Array(llvm::map_range(options.adapters, absolutePath));
  else if (!options.adapters.empty())
    source["adapter"] = absolutePath(options.adapters.front());
  if (llvm::Expected<llvm::json::Value> config = llvm::json::parse(configText))
    source["config"] = std::move(*config);
  else
    llvm::consumeError(config.takeError());
  if (!options.isForGPU()) // that of a CPU is of no processor in particular
    return source;
  if (llvm::Expected<Device> device = findDevice(planDevice(options)))
    source["device"] = describeDevice(*device);
  else
    llvm::consumeError(device.takeError());
  return source;
}

/// Check functions before anything is written.
static llvm::Error checkFunctions(ModuleOp module) {
  CollectDiagnostics diagnostics(module.getContext());
  return succeeded(checkEntries(module)) ? llvm::Error::success() : makeError(diagnostics.takeErrors());
}

llvm::Error mla::emitBundle(ModuleOp module, importer::Checkpoint &checkpoint, llvm::StringRef configText,
                            const CompileOptions &options, llvm::StringRef out) {
  if (llvm::Error error = checkFunctions(module))
    return error;
  // Compiling a single layer again is cheaper than resuming it.
  auto layers = module->getAttrOfType<DenseI64ArrayAttr>(kLayersAttr);
  llvm::Expected<BundleDirectory> directory =
      layers.size() > 1 ? BundleDirectory::resume(out, describeRequest(module, options)) : BundleDirectory::create(out);
  if (!directory)
    return directory.takeError();
  OwningOpRef<ModuleOp> prepares = partOf(module, /*prepares=*/true), layer = partOf(module, /*prepares=*/false);
  auto writeCode = options.isForGPU() ? writeKernels : writeNative;
  llvm::Expected<Code> code = writeCode(*layer, options, *directory);
  if (!code)
    return code.takeError();
  if (llvm::Error error = bindWeights(*prepares, options))
    return error;
  llvm::Expected<WrittenWeights> weights = writePrepared(std::move(prepares), module, checkpoint, options, *directory);
  if (!weights)
    return weights.takeError();
  code->files.push_back(MLA_WEIGHTS_FILE);
  if (!options.base.empty())
    code->files.push_back(MLA_ADAPTER_FILE);
  auto files = sizesOf(code->files, *directory);
  if (!files)
    return files.takeError();
  auto model = module->getAttrOfType<DictionaryAttr>(kModelAttr);
  std::string manifest = makeManifest(*layer, model, code->entries, code->target, code->isa, *files,
                                      weights->certificates, weights->made, describeSource(configText, options));
  if (llvm::Error error = writeText(directory->file(MLA_MANIFEST_FILE), manifest))
    return error;
  return directory->commit();
}
