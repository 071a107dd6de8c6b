//===- Bundle.h - Writing what the runtime runs -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A bundle (mla/abi.h) is made beside its place and moved there when it is
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

#include <memory>
#include <utility>

namespace mlir {
class ExecutionEngine;
class PassManager;
} // namespace mlir

namespace mla {

/// A directory that becomes `path` when it is committed, and is removed if not, unless its work is to go on.
class BundleDirectory {
public:
  /// An error where `path` is something else than a bundle or nothing: a link is, wherever it leads.
  static llvm::Error checkPath(llvm::StringRef path);
  /// Fails as checkPath does, and where `path` cannot be written.
  static llvm::Expected<BundleDirectory> create(llvm::StringRef path);
  /// For long work: `path`.partial, which an interruption or an error leaves, with what keep() was called after, and a
  /// later call with the same `request` goes on with. Fails as create() does, where `path`.partial belongs to another
  /// request, and while another process works in it. `request` is text that says all that the bundle depends on.
  static llvm::Expected<BundleDirectory> resume(llvm::StringRef path, llvm::StringRef request);
  BundleDirectory(BundleDirectory &&other)
      : path(std::move(other.path)), temporary(std::move(other.temporary)), lock(std::exchange(other.lock, -1)),
        kept(other.kept) {
    other.temporary.clear();
  }
  ~BundleDirectory();

  /// What else a resumable directory holds until it is committed: the request, and the layers that are complete.
  static constexpr llvm::StringLiteral requestFile = "request", recordFile = "layers.json";

  /// Where to write a file of the bundle.
  std::string file(llvm::StringRef name) const;
  /// Its size, for the manifest.
  llvm::Expected<uint64_t> sizeOf(llvm::StringRef name) const;
  /// Whether an interruption leaves the directory.
  bool isResumable() const { return lock >= 0; }
  /// From now on it holds work that is worth going on with, also after an error.
  void keep() { kept = isResumable(); }
  /// Puts the bundle in its place; an older one gives way whole.
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
  std::string symbol, phase, q, o;
  Range tokens, contexts;
  std::vector<std::string> weights;
  LaunchesOp launches; // of a target that has kernels
};

/// The entries of a module, one per regime of its plan: functions whose weights are bound, or launches.
llvm::Expected<std::vector<BundleEntry>> entriesOf(mlir::ModuleOp module);

/// The text of manifest.json; launches without a regime are its cores. `model` is the imported module's `mla.model`,
/// `source` what the bundle was made of.
std::string makeManifest(mlir::ModuleOp module, mlir::DictionaryAttr model, llvm::ArrayRef<BundleEntry> entries,
                         llvm::StringRef target, llvm::StringRef isa,
                         llvm::ArrayRef<std::pair<llvm::StringRef, uint64_t>> files,
                         llvm::ArrayRef<Certificate> certificates, llvm::json::Value source);

/// The tensor that a checkpoint has under a name.
using FindTensor = llvm::function_ref<llvm::Expected<const SafetensorsTensor *>(llvm::StringRef name)>;

/// Runs passes on a module, for what is said.
using RunPasses = llvm::function_ref<llvm::LogicalResult(mlir::PassManager &, mlir::ModuleOp, llvm::StringRef what)>;

/// The @prepare functions of a module, compiled into this process. Any number of threads may run one.
class WeightPreparation {
public:
  /// `definitions` holds nothing but @prepare functions with bound weights, as mla operations.
  /// Without `run` passes just run.
  static llvm::Expected<WeightPreparation> compile(mlir::OwningOpRef<mlir::ModuleOp> definitions,
                                                   RunPasses run = nullptr);
  WeightPreparation(WeightPreparation &&);
  ~WeightPreparation();

  struct Weight {
    std::string name;
    SafetensorsSpec spec;      // what is stored; the name is the weight's
    DType madeType;            // before it is rounded
    std::vector<int64_t> tile; // its sizes divide those of the weight
    std::vector<std::string> inputs;
    std::vector<DType> inputTypes;
    std::vector<std::vector<int64_t>> inputShapes;
    mlir::func::FuncOp definition; // what it is to be, of which the code was made
    void (*entry)(void **descriptors);

    bool isRounded() const { return madeType != spec.dtype; }
    /// Makes one tile: the box of the weight at `offsets`, multiples of the tile's sizes. `data` are the inputs,
    /// row-major and at any byte. The tile goes to `made`, and if it is rounded also to `stored`. False if there is no
    /// memory for what is computed on the way.
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

/// Called with bytes of prepared weights that are written, and all there are to be.
using WeightProgress = llvm::function_ref<void(uint64_t done, uint64_t all)>;

/// Makes all weights of all layers, tile by tile on the runtime's threads, checks each tile and writes it to its place
/// in the bundle's file. In a resumable directory layers that are complete are kept, and not made again. Memory beyond
/// the checkpoint's mapping is near a few tiles per thread. A checkpoint name that begins with `prefix`, the first
/// layer's, stands for every layer's. The result: a certificate a weight.
llvm::Expected<std::vector<Certificate>> writeWeights(const WeightPreparation &preparation,
                                                      llvm::ArrayRef<int64_t> layers, llvm::StringRef prefix,
                                                      FindTensor find, BundleDirectory &directory,
                                                      WeightProgress progress);

} // namespace mla

#endif // MLA_TARGET_BUNDLE_H
