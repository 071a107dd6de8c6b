//===- EmitBundle.cpp - A laid-out layer as a bundle ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Pipeline/EmitBundle.h"

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"
#include "mla/Import/ImportLayer.h"
#include "mla/Pipeline/Stages.h"
#include "mla/Target/Bundle.h"
#include "mla/Target/Native.h"
#include "mla/abi.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mla;

/// A copy of the module with bound weights: the @prepare functions alone, or
/// all the others.
static FailureOr<OwningOpRef<ModuleOp>> boundPart(ModuleOp module, bool prepares) {
  OwningOpRef<ModuleOp> part = module.clone();
  for (auto function : llvm::make_early_inc_range(part->getOps<func::FuncOp>()))
    if (isPrepare(function) != prepares)
      function.erase();
  PassManager pm(module.getContext());
  pm.addPass(createMLABindWeights());
  if (failed(pm.run(*part)))
    return failure();
  return part;
}

static llvm::Error writeCode(ModuleOp entries, const CompileOptions &options, llvm::StringRef path) {
  if (llvm::Error error = runStages(entries, Stage::Layout, Stage::LLVM, options))
    return error;
  options.progress("machine code");
  return emitSharedObject(entries, path);
}

static llvm::Error writePrepared(OwningOpRef<ModuleOp> prepares, ModuleOp module, importer::Checkpoint &checkpoint,
                                 const CompileOptions &options, llvm::StringRef path) {
  options.progress("compiling the preparation of weights");
  llvm::Expected<WeightPreparation> preparation = WeightPreparation::compile(std::move(prepares));
  if (!preparation)
    return preparation.takeError();
  auto layers = module->getAttrOfType<DenseI64ArrayAttr>(kLayersAttr);
  auto prefix = module->getAttrOfType<StringAttr>(kCheckpointPrefixAttr);
  auto find = [&](llvm::StringRef name) { return checkpoint.find(name); };
  auto progress = [&](uint64_t done, uint64_t all) {
    options.progress(llvm::formatv("weights {0} of {1} MiB", done >> 20, all >> 20).str());
  };
  return writeWeights(*preparation, layers, prefix, find, path, progress);
}

static llvm::Error writeText(llvm::StringRef path, llvm::StringRef text) {
  return llvm::writeToOutput(path, [&](llvm::raw_ostream &stream) {
    stream << text;
    return llvm::Error::success();
  });
}

llvm::Error mla::emitBundle(ModuleOp module, importer::Checkpoint &checkpoint, const CompileOptions &options,
                            llvm::StringRef out) {
  llvm::Expected<BundleDirectory> directory = BundleDirectory::create(out);
  if (!directory)
    return directory.takeError();
  FailureOr<OwningOpRef<ModuleOp>> prepares = boundPart(module, /*prepares=*/true);
  FailureOr<OwningOpRef<ModuleOp>> code = boundPart(module, /*prepares=*/false);
  if (failed(prepares) || failed(code))
    return makeError("bundle: weights cannot be bound");
  llvm::Expected<std::vector<BundleEntry>> entries = entriesOf(**code);
  if (!entries)
    return entries.takeError();
  if (llvm::Error error = writeCode(**code, options, directory->file(MLA_CODE_FILE)))
    return error;
  if (llvm::Error error =
          writePrepared(std::move(*prepares), module, checkpoint, options, directory->file(MLA_WEIGHTS_FILE)))
    return error;

  std::vector<std::pair<llvm::StringRef, uint64_t>> files;
  for (llvm::StringRef name : {MLA_CODE_FILE, MLA_WEIGHTS_FILE}) {
    llvm::Expected<uint64_t> size = directory->sizeOf(name);
    if (!size)
      return size.takeError();
    files.push_back({name, *size});
  }
  auto model = module->getAttrOfType<DictionaryAttr>(importer::kModelAttr);
  std::string manifest = makeManifest(module, model, *entries, "cpu", hostIsa(), files);
  if (llvm::Error error = writeText(directory->file(MLA_MANIFEST_FILE), manifest))
    return error;
  return directory->commit();
}
