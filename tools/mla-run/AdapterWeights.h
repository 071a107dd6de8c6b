//===- AdapterWeights.h - What a LoRA adapter adds --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_ADAPTERWEIGHTS_H
#define MLA_RUN_ADAPTERWEIGHTS_H

#include "Checkpoint.h"
#include "Matrix.h"

namespace mla::run {

/// An adapter as PEFT saves it, of which the bundle's weights hold the sum.
class AdapterWeights {
public:
  static Result<AdapterWeights> open(const std::string &directory);

  /// `matrix` with scale B A, if the adapter has an update of a module with one of these names, such as
  /// "layers.0.self_attn.o_proj".
  Matrix addTo(Matrix matrix, const std::vector<std::string> &names) const;

private:
  const SafetensorsTensor *find(const std::string &module, const char *half) const;

  Checkpoint tensors;
  double alpha;
  bool rootOfRank; ///< use_rslora

  AdapterWeights(Checkpoint tensors, double alpha, bool rootOfRank)
      : tensors(std::move(tensors)), alpha(alpha), rootOfRank(rootOfRank) {}
};

} // namespace mla::run

#endif // MLA_RUN_ADAPTERWEIGHTS_H
