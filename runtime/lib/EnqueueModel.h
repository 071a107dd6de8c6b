//===- EnqueueModel.h - A whole model on a device ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_ENQUEUEMODEL_H
#define MLA_RUNTIME_ENQUEUEMODEL_H

#include "Enqueue.h"

namespace mla {

/// A step of a whole model on a device, with checked sizes.
struct ModelStep {
  mla_model_step step;
  Sizes sizes;                            ///< of layers
  const int32_t *hostCuSeqlens = nullptr; ///< contents of cu_seqlens, if the host knows them
  Profile *profile = nullptr;             ///< of the launches, none of which then overlaps another

  /// Returns the rows of logits and next tokens.
  int64_t rows() const { return step.which == MLA_LOGITS_ALL ? step.tokens : step.batch; }
  /// Returns whether the rows are all hidden states.
  bool takesAll() const { return rows() == step.tokens && (step.which == MLA_LOGITS_ALL || step.max_queries == 1); }
};

/// Checks that the bundle is of a whole model.
Error checkIsModel(const char *function, const mla_bundle &bundle);

/// Checks that the bundle is open, of a whole model and for a GPU.
Error checkGpuModel(const char *function, const mla_bundle *bundle);

/// Checks everything but the pointers. The bundle must be open, or inspected.
Error checkModelStep(const char *function, const mla_bundle &bundle, const mla_model_step *given, ModelStep &checked);

/// Returns the bytes of the step's workspace.
Result<uint64_t> modelWorkspace(const char *function, const mla_bundle &bundle, const ModelStep &step);

/// Enqueues the step, whose pointers are checked.
Error enqueueModel(const char *function, const mla_bundle &bundle, const ModelStep &step);

/// Runs a model on the batch, as mla_run_model does. With a profile, adds the times, also of the next tokens on a GPU.
Error runModel(const char *function, const mla_bundle *bundle, const mla_batch *batch, mla_phase phase,
               const int32_t *ids, mla_logits which, float *logits, Profile *profile = nullptr);

/// Checks the step and its pointers, and enqueues it: on `stream` if it is given, instead of the step's.
Error enqueueGivenModel(const char *function, const mla_bundle *bundle, const mla_model_step *given,
                        std::optional<void *> stream = std::nullopt);

} // namespace mla

#endif // MLA_RUNTIME_ENQUEUEMODEL_H
