//===- Bundle.h - Writing bundles -------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A bundle (mla/abi.h) is written next to its destination and moved there when
// complete: manifest, code and weights appear together or not at all.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TARGET_BUNDLE_H
#define MLA_TARGET_BUNDLE_H

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Target/Certificate.h"
#include "mla/safetensors.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <map>
#include <memory>
#include <set>
#include <utility>

namespace mlir {
class ExecutionEngine;
class PassManager;
} // namespace mlir

namespace mla {

/// A directory that becomes `path` on commit(), and is otherwise removed unless its work can be resumed.
class BundleDirectory {
public:
  /// Return an error if `path` is something else than a bundle or nothing. A link is always an error.
  static llvm::Error checkPath(llvm::StringRef path);
  /// Fails like checkPath, and if `path` cannot be written.
  static llvm::Expected<BundleDirectory> create(llvm::StringRef path);
  /// For long work: use `path`.partial, which an interruption, or an error after keep(), preserves, and which a
  /// later call with the same `request` resumes. Fails like create(), if `path`.partial belongs to another request, and
  /// while another process works in it. `request` is text with everything that the bundle depends on.
  static llvm::Expected<BundleDirectory> resume(llvm::StringRef path, llvm::StringRef request);
  BundleDirectory(BundleDirectory &&other)
      : path(std::move(other.path)), temporary(std::move(other.temporary)), lock(std::exchange(other.lock, -1)),
        kept(other.kept) {
    other.temporary.clear();
  }
  ~BundleDirectory();

  /// Additional files of a resumable directory until commit(): the request, and the complete layers.
  static constexpr llvm::StringLiteral requestFile = "request", recordFile = "layers.json";

  /// Return the path for a file of the bundle.
  std::string file(llvm::StringRef name) const;
  /// Return its size, for the manifest.
  llvm::Expected<uint64_t> sizeOf(llvm::StringRef name) const;
  /// Return whether an interruption leaves the directory.
  bool isResumable() const { return lock >= 0; }
  /// Mark the work as worth resuming, also after an error.
  void keep() { kept = isResumable(); }
  /// Move the bundle to its destination, replacing an older one as a whole.
  llvm::Error commit();

private:
  BundleDirectory(llvm::StringRef path, llvm::StringRef temporary, int lock = -1)
      : path(path), temporary(temporary), lock(lock) {}
  std::string path;
  llvm::SmallString<128> temporary;
  int lock; ///< the directory, opened, if it is resumable
  bool kept = false;
};

/// An entry of the manifest.
struct BundleEntry {
  std::string symbol, phase, q, o; // of an end of a model, the phase is its name, and there are no forms
  Range tokens, contexts;
  std::vector<std::string> weights;
  std::vector<int64_t> layers; // that it serves; empty: all
  LaunchesOp launches;         // of a target that has kernels
};

/// Check the functions of a module that the runtime will call: their types are those that `mla.model` implies, every
/// regime of the plan has exactly one for each layer, and a model has both ends. `module` has a plan, layers and a
/// model, and its weights are not bound. Emit an error at the function, or at the module if one is missing.
llvm::LogicalResult checkEntries(mlir::ModuleOp module);

/// Return the entries of a module, one per regime of its plan: functions whose weights are bound, or launches.
llvm::Expected<std::vector<BundleEntry>> entriesOf(mlir::ModuleOp module);

/// Return the text of manifest.json; launches without a regime are its cores. `model` is the imported module's
/// `mla.model`, `source` the origin of the bundle. `madeWeights` are bytes of weights that the device makes; 0: the
/// bundle has them.
std::string makeManifest(mlir::ModuleOp module, mlir::DictionaryAttr model, llvm::ArrayRef<BundleEntry> entries,
                         llvm::StringRef target, llvm::StringRef isa,
                         llvm::ArrayRef<std::pair<llvm::StringRef, uint64_t>> files,
                         llvm::ArrayRef<Certificate> certificates, uint64_t madeWeights, llvm::json::Value source);

/// Returns the text of the native code's mla_compiled_for (mla/abi.h). The entries' functions are not lowered yet.
std::string describeCode(mlir::ModuleOp module, mlir::DictionaryAttr model, llvm::ArrayRef<BundleEntry> entries,
                         llvm::StringRef target, llvm::StringRef isa);

/// The tensors of a checkpoint, by name.
struct WeightSource {
  /// Finds the type and shape.
  llvm::function_ref<llvm::Expected<const SafetensorsTensor *>(llvm::StringRef name)> find;
  /// Reads the elements too. They are in memory while the result exists.
  llvm::function_ref<llvm::Expected<std::shared_ptr<const SafetensorsTensor>>(llvm::StringRef name)> read;
  /// The weights of another bundle, for those that no adapter changes: they are made and compared, not written. Null:
  /// all are written.
  const SafetensorsFile *base = nullptr;
};

/// Runs passes on a module. `what` is for messages.
using RunPasses = llvm::function_ref<llvm::LogicalResult(mlir::PassManager &, mlir::ModuleOp, llvm::StringRef what)>;

/// The @prepare functions of a module, compiled into this process. Any number of threads may run one.
class WeightPreparation {
public:
  /// `definitions` holds only @prepare functions with bound weights, as mla operations. Passes run through `run`, if
  /// given.
  static llvm::Expected<WeightPreparation> compile(mlir::OwningOpRef<mlir::ModuleOp> definitions,
                                                   RunPasses run = nullptr);
  /// Describe the weights of `definitions` without code that makes them, for a bundle without weights.
  static WeightPreparation describe(mlir::OwningOpRef<mlir::ModuleOp> definitions);
  WeightPreparation(WeightPreparation &&);
  ~WeightPreparation();

  struct Weight {
    std::string name;
    SafetensorsSpec spec;      // as stored; the name is the weight's
    DType madeType;            // before rounding
    std::vector<int64_t> tile; // its sizes divide those of the weight
    std::vector<std::string> inputs;
    std::vector<DType> inputTypes;
    std::vector<std::vector<int64_t>> inputShapes;
    mlir::func::FuncOp definition; // the function before tiling, from which the code was compiled
    void (*entry)(void **descriptors);

    bool isRounded() const { return madeType != spec.dtype; }
    /// Compute one tile: the box of the weight at `offsets`, multiples of the tile's sizes. `data` are the inputs,
    /// row-major and at any byte. The tile goes to `made`, and if rounded also to `stored`. Return false if there is
    /// no memory for intermediate results.
    [[nodiscard]] bool run(llvm::ArrayRef<const void *> data, llvm::ArrayRef<int64_t> offsets, void *made,
                           void *stored) const;
  };
  llvm::ArrayRef<Weight> weights() const { return list; }

private:
  WeightPreparation(mlir::OwningOpRef<mlir::ModuleOp> definitions, std::vector<Weight> list,
                    std::unique_ptr<mlir::ExecutionEngine> engine);
  mlir::OwningOpRef<mlir::ModuleOp> definitions;
  std::vector<Weight> list;
  std::unique_ptr<mlir::ExecutionEngine> engine;
};

/// The number of a model's ends among those of layers.
constexpr int64_t kEndsLayer = -1;

/// The layers, and kEndsLayer, that use a prepared weight, by name.
using WeightUsers = std::map<std::string, std::set<int64_t>>;

/// Find the users of all weights of a module whose weights are not bound yet.
WeightUsers findWeightUsers(mlir::ModuleOp module);

/// Called with the number of bytes of prepared weights written so far, and the total.
using WeightProgress = llvm::function_ref<void(uint64_t done, uint64_t all)>;

/// Compute the weights of all layers and ends, tile by tile on the runtime's threads, checks each tile and writes it to
/// the bundle's file. In a resumable directory, complete layers are kept and not computed again. Memory besides the
/// checkpoint's mapping is a few tiles per thread, and the elements that `source` computes for one prepared weight. A
/// checkpoint name that begins with `prefix`, the first layer's, stands for every layer's. `users` are those of each
/// weight. Return one certificate per weight and layer.
llvm::Expected<std::vector<Certificate>> writeWeights(const WeightPreparation &preparation,
                                                      llvm::ArrayRef<int64_t> layers, llvm::StringRef prefix,
                                                      const WeightUsers &users, const WeightSource &source,
                                                      BundleDirectory &directory, WeightProgress progress);

/// Write only the names, types and shapes of the weights, for a device that makes them. Return the bytes of all.
llvm::Expected<uint64_t> announceWeights(const WeightPreparation &preparation, llvm::ArrayRef<int64_t> layers,
                                         const WeightUsers &users, BundleDirectory &directory);

} // namespace mla

#endif // MLA_TARGET_BUNDLE_H
