//===- BatchHandles.h - Handles of batches in the C API ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Batches are reused for other steps and destroyed with their cache. A handle is
// therefore not an address but the number of a slot and of a step: a handle of an
// ended step is recognised, whatever happened to the batch.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_BATCHHANDLES_H
#define MLA_RUNTIME_BATCHHANDLES_H

#include <cstddef>
#include <cstdint>
#include <optional>

struct mla_batch;

namespace mla {

/// Takes a slot for a batch, for as long as the batch exists; none if all are taken.
std::optional<size_t> takeBatchSlot(mla_batch *batch);
void giveBatchSlot(size_t slot);

/// Opens a step of the slot's batch; returns its handle.
mla_batch *openHandle(size_t slot);
/// Returns the batch of the handle's open step; null if the step has ended, and for any other address.
mla_batch *findOpen(const mla_batch *handle);
/// The same, and ends the step: only one of several threads gets the batch.
mla_batch *closeHandle(const mla_batch *handle);

} // namespace mla

#endif // MLA_RUNTIME_BATCHHANDLES_H
