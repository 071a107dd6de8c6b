//===- CompileOptions.h - Options of a compilation --------------*- C++ -*-===//
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
#include <string>
#include <vector>

namespace mlir {
class ModuleOp;
class PassManager;
} // namespace mlir

namespace mla {

struct CPULevel;

/// The stages of a module, in order, then the outputs that are not modules. The stages after Fold depend on the target.
enum class Stage {
  Import,  ///< Naive form; weights by checkpoint name.
  Plan,    ///< `mla.plan` contains the chosen forms.
  Absorb,  ///< One function per form; up-projections are outside the attention.
  Fold,    ///< Weights are prepared by `@prepare` functions.
  Layout,  ///< CPU: prepared weights have the target's layout.
  Linalg,  ///< CPU: weights are arguments, mla operations are linalg. `@prepare` functions are gone: they run at
           ///< compile time.
  LLVM,    ///< CPU: the LLVM dialect, with entries.
  Kernels, ///< GPU: operations are grouped into kernels, each with its schedule.
  NVVM,    ///< GPU: launches, and code in the LLVM and NVVM dialects. `@prepare` functions are gone.
  PTX,     ///< GPU: text.
  Bundle,  ///< A directory.
};

/// Return whether the stage is one of a module.
constexpr bool isOfModule(Stage stage) { return stage <= Stage::NVVM; }

/// What of a model is compiled.
enum class Scope {
  Attention, ///< The attention of a layer, without the norm before it.
  Layer,     ///< A decoder layer: the residual stream goes in and comes out.
  Model,     ///< All layers, embedding and logits: from token ids.
};

/// A range of layers: `0`, `0-3` or `all`.
struct LayerRange {
  int64_t first = 0;
  std::optional<int64_t> last = 0; ///< None: all from `first` on.
  bool isGiven = false;            ///< Else the first layer that can be compiled is meant.

  static std::optional<LayerRange> parse(llvm::StringRef text);
};

/// Run the passes and nothing else.
llvm::LogicalResult runPasses(mlir::PassManager &pm, mlir::ModuleOp module, llvm::StringRef what);

/// The options of mla-compile.
struct CompileOptions {
  std::string module;                ///< The .mlir of any stage, "-": standard input; empty: a layer is imported.
  std::optional<Stage> from;         ///< The stage of that module; none: derived from its operations.
  std::string config;                ///< Empty: the config in the checkpoint.
  std::string weights;               ///< Empty: weights are generated.
  std::vector<std::string> adapters; ///< Directories of LoRA adapters: one that is merged, or several that are not.
  bool isUnmerged = false;           ///< Each sequence chooses an adapter, or none.
  std::string base;                  ///< A bundle whose weights are shared where no adapter changes them; empty: none.
  LayerRange layers;
  Scope scope = Scope::Attention;
  /// "cpu" or the name of a GPU target (mla/Conversion/MLAToGPU/Targets.h). Empty, with a module: the module's target.
  std::string target = "cpu";
  std::string cpu = "native"; ///< Of the CPU target: a level of mla/Target/CPU/Level.h.
  DType dtype = DType::F32;   ///< Of hidden states and prepared weights, and of a standard cache: F32 or BF16.
  /// Multiply scaled weights in e4m3, by tokens of as many numbers of e4m3 per element: 2 are as precise as bf16.
  /// Hidden states are BF16. 0: dequantize the weights.
  int64_t tokenTerms = 0;
  schema::CacheFormat cacheFormat = schema::CacheFormat::Standard;
  double cacheScale = 1; ///< Of fp8_tensor: rows hold latents and keys divided by it.
  std::string plan = "auto";
  bool verbose = false; ///< Print the cost of each form to stderr.
  std::string device;   ///< A file that describes the device; empty: the target's default device.
  int64_t page = 64;
  int64_t tensorParallel = 1; ///< Ranks, each of which has a part of the heads.
  int64_t tokenParts = 1;     ///< Ranks of a group, each of which caches a part of the tokens.
  int64_t expertParts = 1;    ///< Groups of ranks, each of which has a part of the experts.
  int64_t rank = 0;
  bool allRanks = false;       ///< Compile every rank, each to its own bundle in the directory `output`.
  bool callerReduces = false;  ///< The results of ranks are addends; otherwise ranks run together and exchange.
  bool batchInvariant = false; ///< A sequence's results do not depend on the others in its batch.
  std::string coreMask;        ///< Of attention-only entries, as in `#mla.mask<…>`; empty: the layer's.
  bool coreSinks = false;      ///< Attention-only entries take sinks.
  std::string schedules;       ///< Choices forced on kernels, for mla-schedule-kernels.
  /// Leave the weights out of the bundle: the device makes random ones.
  bool leavesWeightsOut = false;
  Stage emit = Stage::Bundle; ///< What is written.
  std::string output;         ///< "-": standard output.
  bool isForGPU() const { return target != "cpu"; }
  /// Called at the beginning of each part of the work, to show progress; called with "" before other text goes to
  /// stderr.
  void (*progress)(llvm::StringRef what) = [](llvm::StringRef) {};
  /// Run all passes on modules, so that callers can time and print them. `what` is for messages.
  llvm::LogicalResult (*run)(mlir::PassManager &pm, mlir::ModuleOp module, llvm::StringRef what) = runPasses;
};

/// Return the level of options that checkTarget accepts.
const CPULevel &levelOf(const CompileOptions &options);

/// Check that the target supports the element type.
llvm::Error checkDType(const CompileOptions &options);

/// Check that the target supports the options.
llvm::Error checkTarget(const CompileOptions &options);

/// Return the error "WHERE: WHAT; what to do".
llvm::Error makeError(const llvm::Twine &text);

} // namespace mla

#endif // MLA_PIPELINE_COMPILEOPTIONS_H
