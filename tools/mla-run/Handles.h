//===- Handles.h - Owners of runtime objects --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_HANDLES_H
#define MLA_RUN_HANDLES_H

#include "mla/error.h"
#include "mla/runtime.h"

#include <memory>

namespace mla::run {

struct CloseBundle {
  void operator()(mla_bundle *bundle) const { mla_bundle_close(bundle); }
};
struct DestroyCache {
  void operator()(mla_cache *cache) const { mla_cache_destroy(cache); }
};
struct AbortBatch {
  void operator()(mla_batch *batch) const { mla_batch_abort(batch); }
};
using Bundle = std::unique_ptr<mla_bundle, CloseBundle>;
using Cache = std::unique_ptr<mla_cache, DestroyCache>;
/// Aborts the batch at the end of its scope unless it was released to a commit. Must be destroyed before its cache.
using Batch = std::unique_ptr<mla_batch, AbortBatch>;

/// Convert a status to the runtime's last error.
inline Error toError(mla_status status) {
  return status == MLA_OK ? Error() : Error(static_cast<ErrorKind>(status), mla_last_error());
}

} // namespace mla::run

#endif // MLA_RUN_HANDLES_H
