//===- CompileOptions.h - What a compilation is asked for -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_PIPELINE_COMPILEOPTIONS_H
#define MLA_PIPELINE_COMPILEOPTIONS_H

#include "mla/cache_format.h"
#include "mla/safetensors.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/LogicalResult.h"

#include <optional>

namespace mlir {
class ModuleOp;
class PassManager;
} // namespace mlir

namespace mla {

enum class Stage; // Stages.h

/// What is written. Up to NVVM it is the module after the stage of that name.
enum class Emit { Import, Plan, Absorb, Fold, Layout, Linalg, LLVM, Kernels, NVVM, PTX, Bundle };

/// `0`, `0-3` or `all`.
struct LayerRange {
  int64_t first = 0;
  std::optional<int64_t> last = 0; ///< None: all from `first` on.

  static std::optional<LayerRange> parse(llvm::StringRef text);
};

/// Runs the passes and nothing else.
llvm::LogicalResult runPasses(mlir::PassManager &pm, mlir::ModuleOp module, llvm::StringRef what);

/// The options of mla-compile.
struct CompileOptions {
  std::string module;        ///< A .mlir of any stage to go on from, "-": standard input; empty: a layer is imported.
  std::optional<Stage> from; ///< The stage of that module; none: what is found in it.
  std::string config;        ///< Empty: what came with the weights.
  std::string weights;       ///< Empty: weights are made.
  std::string adapter;       ///< The directory of a LoRA adapter that is merged into the weights; empty: none.
  LayerRange layers;
  /// Or the name of a GPU target (mla/Conversion/MLAToGPU/Targets.h); with a module also empty: the module's own.
  std::string target = "cpu";
  DType dtype = DType::F32; ///< Of hidden states and prepared weights, and of a standard cache: F32 or BF16.
  schema::CacheFormat cacheFormat = schema::CacheFormat::Standard;
  std::string plan = "auto";
  bool verbose = false; ///< Say on stderr what each form costs.
  std::string device;   ///< A file that describes what runs the code; empty: the target's own description.
  int64_t page = 64;
  int64_t tensorParallel = 1;
  int64_t rank = 0;
  bool allRanks = false;       ///< Every rank, to a bundle of its own in the directory `output`.
  bool batchInvariant = false; ///< A sequence's results do not depend on the others in its batch.
  Emit emit = Emit::Bundle;
  std::string output; ///< "-": standard output.
  bool isForGPU() const { return target != "cpu"; }
  /// Called with what begins, for people who wait; with nothing before other text goes to stderr.
  void (*progress)(llvm::StringRef what) = [](llvm::StringRef) {};
  /// Runs passes on a module, for what is said: all that run do so through it, so that others may time and print.
  llvm::LogicalResult (*run)(mlir::PassManager &pm, mlir::ModuleOp module, llvm::StringRef what) = runPasses;
};

/// Whether the target's code takes such elements.
llvm::Error checkDType(const CompileOptions &options);

/// Whether the target has all that is asked for.
llvm::Error checkTarget(const CompileOptions &options);

/// The error WHERE: WHAT; what to do.
llvm::Error makeError(const llvm::Twine &text);

} // namespace mla

#endif // MLA_PIPELINE_COMPILEOPTIONS_H
