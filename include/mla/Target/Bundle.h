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
#include "mla/safetensors.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace mlir {
class ExecutionEngine;
}

namespace mla {

/// A directory that becomes `path` when it is committed, and is removed if not.
class BundleDirectory {
public:
  /// Fails where `path` is something else than a bundle or cannot be written.
  static llvm::Expected<BundleDirectory> create(llvm::StringRef path);
  BundleDirectory(BundleDirectory &&other) : path(std::move(other.path)), temporary(std::move(other.temporary)) {
    other.temporary.clear();
  }
  ~BundleDirectory();

  /// Where to write a file of the bundle.
  std::string file(llvm::StringRef name) const;
  /// Its size, for the manifest.
  llvm::Expected<uint64_t> sizeOf(llvm::StringRef name) const;
  /// Puts the bundle in its place; an older one gives way whole.
  llvm::Error commit();

private:
  BundleDirectory(llvm::StringRef path, llvm::StringRef temporary) : path(path), temporary(temporary) {}
  std::string path;
  llvm::SmallString<128> temporary;
};

/// An entry of the manifest.
struct BundleEntry {
  std::string symbol, phase, q, o;
  int64_t firstContext, lastContext;
  std::vector<std::string> weights;
  LaunchesOp launches; // of a target that has kernels
};

/// The entries of a module, one a regime of its plan: functions whose weights are bound, or launches.
llvm::Expected<std::vector<BundleEntry>> entriesOf(mlir::ModuleOp module);

/// The text of manifest.json; launches without a regime are its cores. `model` is the imported module's `mla.model`.
std::string makeManifest(mlir::ModuleOp module, mlir::DictionaryAttr model, llvm::ArrayRef<BundleEntry> entries,
                         llvm::StringRef target, llvm::StringRef isa,
                         llvm::ArrayRef<std::pair<llvm::StringRef, uint64_t>> files);

/// The tensor that a checkpoint has under a name.
using FindTensor = llvm::function_ref<llvm::Expected<const SafetensorsTensor *>(llvm::StringRef name)>;

/// The @prepare functions of a module, compiled into this process.
class WeightPreparation {
public:
  /// `module` holds nothing but @prepare functions with bound weights, as mla
  /// operations; it is consumed.
  static llvm::Expected<WeightPreparation> compile(mlir::OwningOpRef<mlir::ModuleOp> module);
  WeightPreparation(WeightPreparation &&);
  ~WeightPreparation();

  struct Weight {
    std::string name;
    SafetensorsSpec spec; // what it makes; the name is the weight's
    std::vector<std::string> inputs;
    std::vector<std::vector<int64_t>> inputShapes;
  };
  llvm::ArrayRef<Weight> weights() const { return list; }

  /// Makes one weight: `inputs` as the weight lists them, row-major and
  /// aligned, to `output`.
  llvm::Error run(const Weight &weight, llvm::ArrayRef<const void *> inputs, void *output) const;

private:
  WeightPreparation(std::vector<Weight> list, std::unique_ptr<mlir::ExecutionEngine> engine);
  std::vector<Weight> list;
  std::unique_ptr<mlir::ExecutionEngine> engine;
};

/// Makes all weights of all layers and writes them to `path`. A checkpoint name
/// that begins with `prefix`, the first layer's, stands for every layer's.
llvm::Error writeWeights(const WeightPreparation &preparation, llvm::ArrayRef<int64_t> layers, llvm::StringRef prefix,
                         FindTensor find, llvm::StringRef path,
                         llvm::function_ref<void(uint64_t done, uint64_t all)> progress);

} // namespace mla

#endif // MLA_TARGET_BUNDLE_H
