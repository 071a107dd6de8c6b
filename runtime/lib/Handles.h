//===- Handles.h - Owners of objects of the C API ------------- -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For code that uses the C API, as mla-run does, and parts of the library above
// it.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_HANDLES_H
#define MLA_RUNTIME_HANDLES_H

#include "mla/error.h"
#include "mla/runtime.h"

#include <memory>

namespace mla {

struct CloseBundle {
  void operator()(mla_bundle *bundle) const { mla_bundle_close(bundle); }
};
struct DestroyCache {
  void operator()(mla_cache *cache) const { mla_cache_destroy(cache); }
};
struct AbortBatch {
  void operator()(mla_batch *batch) const { mla_batch_abort(batch); }
};
struct DestroyGraph {
  void operator()(mla_graph *graph) const { mla_graph_destroy(graph); }
};
struct FreeOnDevice {
  void operator()(void *memory) const { mla_device_free(memory); }
};
struct DestroyComm {
  void operator()(mla_comm *comm) const { mla_comm_destroy(comm); }
};
using Bundle = std::unique_ptr<mla_bundle, CloseBundle>;
using Cache = std::unique_ptr<mla_cache, DestroyCache>;
/// Aborts the batch at the end of its scope unless it was released to a commit. Must be destroyed before its cache.
using Batch = std::unique_ptr<mla_batch, AbortBatch>;
using Graph = std::unique_ptr<mla_graph, DestroyGraph>;
/// Must be destroyed after the bundles opened with it.
using Comm = std::unique_ptr<mla_comm, DestroyComm>;
using DeviceBlock = std::unique_ptr<void, FreeOnDevice>;

/// Convert a status to the runtime's last error.
inline Error toError(mla_status status) {
  return status == MLA_OK ? Error() : Error(static_cast<ErrorKind>(status), mla_last_error());
}

} // namespace mla

#endif // MLA_RUNTIME_HANDLES_H
