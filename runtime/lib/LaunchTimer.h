//===- LaunchTimer.h - Times of kernels -------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_LAUNCHTIMER_H
#define MLA_RUNTIME_LAUNCHTIMER_H

#include "CudaContext.h"
#include "LaunchList.h"

#include <vector>

namespace mla {

/// Events between the launches of a list on one stream. The stream is blocked until all is enqueued: otherwise a
/// kernel's time would include that of the host, which launches more slowly than small kernels run.
class LaunchTimer {
public:
  struct Timed {
    const Launch *launch; ///< of the list
    unsigned grid[3];
    double seconds; ///< -1 if the device has no clock
  };

  LaunchTimer(const char *where, const CudaContext &context, cuda::Stream stream)
      : where(where), context(context), stream(stream) {}
  ~LaunchTimer();
  LaunchTimer(const LaunchTimer &) = delete;
  LaunchTimer &operator=(const LaunchTimer &) = delete;

  /// Call before the first launch; the context is current here and in launched().
  Error start();
  /// Call after every launch.
  Error launched(const Launch &launch, const unsigned (&grid)[3]);
  /// Waits for the last launch and adds all of them to `launches`.
  Error finish(std::vector<Timed> &launches);

private:
  struct Gate;

  const char *where;
  const CudaContext &context;
  cuda::Stream stream;
  std::shared_ptr<Gate> gate;
  std::vector<cuda::Event> events; ///< one more than there are launches
  std::vector<Timed> list;

  Error closeGate();
  Error record();
};

} // namespace mla

#endif // MLA_RUNTIME_LAUNCHTIMER_H
