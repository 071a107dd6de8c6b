//===- BatchHandles.h - What stands for a batch in the C API ----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Batches are used again for other steps and go with their cache. A handle is
// therefore no address but the number of a slot and of a step: one of a step
// that has ended is recognised, whatever has become of the batch.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_BATCHHANDLES_H
#define MLA_RUNTIME_BATCHHANDLES_H

#include <cstddef>
#include <cstdint>
#include <optional>

struct mla_batch;

namespace mla {

/// A slot for a batch, for as long as the batch exists; none if all are taken.
std::optional<size_t> takeBatchSlot(mla_batch *batch);
void giveBatchSlot(size_t slot);

/// Opens a step of the slot's batch; its handle.
mla_batch *openHandle(size_t slot);
/// The batch whose open step the handle stands for; null if the step has ended, and for any other address.
mla_batch *findOpen(const mla_batch *handle);
/// Likewise, and ends the step: of several threads one gets the batch.
mla_batch *closeHandle(const mla_batch *handle);

} // namespace mla

#endif // MLA_RUNTIME_BATCHHANDLES_H
