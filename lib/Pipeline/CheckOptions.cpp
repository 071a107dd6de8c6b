//===- CheckOptions.cpp - Check options against the target ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Pipeline/Stages.h"
#include "mla/Target/CPU/Level.h"

using namespace mla;

const CPULevel &mla::levelOf(const CompileOptions &options) { return *llvm::cantFail(findLevel(options.cpu)); }

llvm::Error mla::checkDType(const CompileOptions &options) {
  if (!options.isForGPU() || options.dtype != DType::F32)
    return llvm::Error::success();
  return makeError("--dtype: f32 has no kernels on " + options.target + "; use --dtype=bf16, or --target=cpu");
}

/// Check what is compiled only of an attention yet.
static llvm::Error checkScope(const CompileOptions &options) {
  if (options.scope == Scope::Attention)
    return llvm::Error::success();
  if (!options.adapters.empty())
    return makeError("--adapter: is for attentions only yet; leave it out, or use --scope=attention");
  if (options.callerReduces && options.tensorParallel > 1)
    return makeError("--rank: ranks of a decoder layer exchange within it, so that they run together; leave it out to "
                     "compile all of them, or use --scope=attention");
  return llvm::Error::success();
}

/// Check what ranks that run together cannot have yet.
static llvm::Error checkRanks(const CompileOptions &options) {
  if (options.tokenParts == 1 || !options.isForGPU())
    return llvm::Error::success();
  return makeError("--dcp: kernels read whole caches only yet; leave it out, or use --target=cpu");
}

llvm::Error mla::checkTarget(const CompileOptions &options) {
  bool forGPU = options.isForGPU();
  Stage last = lastStage(options);
  if (llvm::Error error = checkScope(options))
    return error;
  if (llvm::Error error = checkRanks(options))
    return error;
  if (llvm::Error error = checkDType(options))
    return error;
  llvm::Expected<const CPULevel *> level = findLevel(options.cpu);
  if (!level)
    return makeError("--cpu: " + llvm::toString(level.takeError()));
  if (forGPU && options.cpu != "native")
    return makeError("--cpu: is for code of the CPU target; leave it out, or use --target=cpu");
  if (!forGPU && last >= Stage::Kernels)
    return makeError("--emit: kernels, nvvm and ptx need a GPU target; choose another --target, or --emit=llvm");
  if (forGPU && last >= Stage::Layout && last <= Stage::LLVM)
    return makeError(
        "--emit: layout, linalg and llvm need the CPU target; use --target=cpu, or --emit=kernels or nvvm");
  if (options.leavesWeightsOut && (!forGPU || options.emit != Stage::Bundle || !options.weights.empty()))
    return makeError("--no-weights: needs a GPU target, a bundle and made weights; leave out --weights and --emit, "
                     "and name a GPU with --target");
  if (!forGPU && (!options.coreMask.empty() || options.coreSinks))
    return makeError(
        "--core-mask, --core-sinks: need a GPU target, whose bundles have attention-only entries; name one "
        "with --target");
  if (!forGPU && options.batchInvariant)
    return makeError("--batch-invariant: needs a GPU target; leave it out: on the CPU no sequence's results depend "
                     "on its batch");
  if (!options.schedules.empty() && (!forGPU || last < Stage::Kernels))
    return makeError("--schedule: is for kernels of a GPU; choose a --target with kernels, and --emit=kernels or a "
                     "later stage");
  return llvm::Error::success();
}
