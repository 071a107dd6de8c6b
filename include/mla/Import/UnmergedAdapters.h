//===- UnmergedAdapters.h - Adapters that sequences choose ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Several adapters of one model whose updates are not added to its weights. The
// matrices of all adapters for a module are one tensor each,
//
//     MODULE.lora_A.weight  [E, r, in]    A of each adapter
//     MODULE.lora_B.weight  [E, out, r]   c B of each adapter
//
// in F32, where r is the largest rank of the module, of all adapters and layers,
// rounded up to a multiple of 8. Rows of A and columns of B beyond an adapter's
// own rank are zeros, and so are all of an adapter that does not update the
// module.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_IMPORT_UNMERGEDADAPTERS_H
#define MLA_IMPORT_UNMERGEDADAPTERS_H

#include "mla/Import/Adapter.h"

namespace mla::importer {

/// Adapters in the order of their numbers.
class UnmergedAdapters {
public:
  /// Open directories, as Adapter::open does. An adapter's name is the last component of its path; two of one name are
  /// an error.
  static llvm::Expected<UnmergedAdapters> open(llvm::ArrayRef<std::string> directories, const AttentionConfig &config,
                                               llvm::StringRef prefix = "model.");
  UnmergedAdapters(UnmergedAdapters &&);
  ~UnmergedAdapters();

  llvm::ArrayRef<std::string> names() const { return allNames; }

  /// Set the updates of `weights`, those of the first of `layers`. Reject what Adapter::apply rejects of each adapter,
  /// except that ranks, scales and element types of layers may differ.
  llvm::Error apply(llvm::ArrayRef<int64_t> layers, std::vector<WeightSpec> &weights) const;

  /// Describe the updates: "2 adapters (0 chat, 1 code), not merged: rank 8 of q_b_proj, 16 of kv_b_proj".
  std::string summary(llvm::ArrayRef<WeightSpec> weights) const;

  /// Return the checkpoint with the tensors of the updates of these layers, which `apply` has set.
  static llvm::Expected<std::unique_ptr<Checkpoint>> addTo(std::unique_ptr<Checkpoint> checkpoint,
                                                           UnmergedAdapters adapters, llvm::ArrayRef<int64_t> layers,
                                                           llvm::ArrayRef<WeightSpec> weights);

private:
  explicit UnmergedAdapters(std::vector<std::string> names) : allNames(std::move(names)) {}

  std::vector<std::string> allNames;
  std::vector<std::shared_ptr<Adapter>> adapters;
};

} // namespace mla::importer

#endif // MLA_IMPORT_UNMERGEDADAPTERS_H
