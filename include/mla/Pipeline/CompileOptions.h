//===- CompileOptions.h - What a compilation is asked for -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_PIPELINE_COMPILEOPTIONS_H
#define MLA_PIPELINE_COMPILEOPTIONS_H

#include "mla/safetensors.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>

namespace mla {

/// What is written. Up to NVVM it is the module after the stage of that name.
enum class Emit { Import, Plan, Absorb, Fold, Linalg, LLVM, Kernels, NVVM, PTX, Bundle };

/// `0`, `0-3` or `all`.
struct LayerRange {
  int64_t first = 0;
  std::optional<int64_t> last = 0; ///< None: all from `first` on.

  static std::optional<LayerRange> parse(llvm::StringRef text);
};

/// The options of mla-compile.
struct CompileOptions {
  std::string config;  ///< Empty: what came with the weights.
  std::string weights; ///< Empty: weights are made.
  std::string adapter; ///< The directory of a LoRA adapter that is merged into the weights; empty: none.
  LayerRange layers;
  std::string target = "cpu"; ///< Or the name of a GPU target (mla/Conversion/MLAToGPU/Targets.h).
  DType dtype = DType::F32;   ///< Of hidden states, cache and prepared weights: F32 or BF16.
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
};

/// Whether the target's code takes such elements.
llvm::Error checkDType(const CompileOptions &options);

/// The error WHERE: WHAT; what to do.
llvm::Error makeError(const llvm::Twine &text);

} // namespace mla

#endif // MLA_PIPELINE_COMPILEOPTIONS_H
