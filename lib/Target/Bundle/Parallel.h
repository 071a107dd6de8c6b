//===- Parallel.h - Loops that may fail -------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_PARALLEL_H
#define MLA_LIB_TARGET_BUNDLE_PARALLEL_H

#include "mla/abi.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <atomic>
#include <mutex>

namespace mla {

/// Call body(i) for every i in [0, count) on the runtime's threads. Return the first error, after which no more calls
/// start.
inline llvm::Error forEachInParallel(int64_t count, llvm::function_ref<llvm::Error(int64_t)> body) {
  struct Loop {
    llvm::function_ref<llvm::Error(int64_t)> body;
    std::atomic<bool> failed{false};
    std::mutex mutex;
    std::string message;
  } loop{body, {}, {}, {}};
  auto run = [](void *context, int64_t index) {
    auto &loop = *static_cast<Loop *>(context);
    if (loop.failed)
      return;
    if (llvm::Error error = loop.body(index)) {
      std::lock_guard<std::mutex> lock(loop.mutex);
      std::string message = llvm::toString(std::move(error));
      if (!loop.failed.exchange(true))
        loop.message = std::move(message);
    }
  };
  mla_parallel_for(run, &loop, count);
  return loop.failed ? llvm::createStringError(loop.message) : llvm::Error::success();
}

} // namespace mla

#endif // MLA_LIB_TARGET_BUNDLE_PARALLEL_H
