//===- GpuComm.h - Collectives of GPUs --------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NCCL with a time limit. Its kernels wait on the device for other ranks, without
// end: whoever waits for a stream does so here, and aborts the communicator when
// the time is over, which ends the kernels.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_GPUCOMM_H
#define MLA_RUNTIME_GPUCOMM_H

#include "CudaContext.h"
#include "Nccl.h"
#include "TimeLimit.h"

#include "mla/launch_abi.h"

#include <atomic>
#include <map>
#include <mutex>

namespace mla {

/// A collective on addresses of the device.
struct CollectiveCall {
  schema::Collective kind;
  int64_t ranks; ///< of a group
  uint64_t in, out;
  uint64_t count; ///< elements of a block; of the whole for AllReduce
  schema::Element element;
  cuda::Stream stream;
};

class GpuComm {
public:
  /// Meets the other ranks, in the context of the calling thread.
  static Result<std::shared_ptr<GpuComm>> create(const char *where, const mla_comm_id &id, int64_t ranks, int64_t rank,
                                                 double timeout);
  /// Uses a communicator of the caller's.
  static Result<std::shared_ptr<GpuComm>> wrap(const char *where, void *comm, double timeout);
  ~GpuComm();

  int64_t ranks() const { return numRanks; }
  int64_t rank() const { return ownRank; }
  const std::shared_ptr<CudaContext> context;

  /// Makes a collective of a group of consecutive ranks ready, connections included. All ranks call this in the same
  /// order.
  Error prepare(const std::string &where, schema::Collective kind, int64_t groupRanks);
  /// Enqueues a collective of a group that is ready. The context is current.
  Error enqueue(const CollectiveCall &call);

  /// Waits until query() is not cuda::notReady, within the time limit. The context is current.
  template <typename Query> Error wait(const std::string &where, const char *name, Query query);

  Error failure(const std::string &where);
  /// Any thread may call this.
  void failAs(const std::string &what) { fail("rank " + std::to_string(ownRank) + " " + what); }

  /// Held while a list is enqueued.
  std::mutex inUse;

private:
  const nccl::Library &functions;
  int64_t numRanks = 0, ownRank = 0;
  const double timeout;
  std::mutex mutex;                    ///< guards everything below, and calls of NCCL
  std::map<int64_t, nccl::Comm> comms; ///< by the ranks of a group
  bool isOwn = true;                   ///< the communicator of all ranks
  std::string failed;

  GpuComm(std::shared_ptr<CudaContext> context, const nccl::Library &functions, double timeout)
      : context(std::move(context)), functions(functions), timeout(timeout) {}
  /// Returns one without a communicator of NCCL, in the context of the calling thread.
  static Result<std::shared_ptr<GpuComm>> begin(const char *where, double timeout);
  static void pause(const TimeLimit &limit);
  void fail(const std::string &what);
  void endComms();
  Error settle(std::unique_lock<std::mutex> &lock, nccl::Comm comm, nccl::Status status, const char *call);
  Error split(const std::string &where, int64_t groupRanks);
  Error connect(const std::string &where, schema::Collective kind, int64_t groupRanks);
  nccl::Status exchange(const CollectiveCall &call, nccl::Comm comm, int type, uint64_t bytes) const;
  bool noteAsyncErrors();
  Error judgeWait(const std::string &where, const TimeLimit &limit);
};

template <typename Query> Error GpuComm::wait(const std::string &where, const char *name, Query query) {
  TimeLimit limit(timeout);
  cuda::Status status;
  while ((status = query()) == cuda::notReady)
    if (Error error = judgeWait(where, limit))
      return error;
  if (Error error = failure(where))
    return error;
  return status ? context->driver.failed(where, name, status) : Error();
}

/// Wait for a stream or an event, with the time limit of the context's newest communicator if it has one. The context
/// is current.
Error waitForStream(const std::string &where, const CudaContext &context, cuda::Stream stream);
Error waitForEvent(const std::string &where, const CudaContext &context, cuda::Event event);
/// Wait for all work of the legacy default stream if there is a communicator, whose kernels may not end by themselves.
Error waitIfShared(const std::string &where, const CudaContext &context);

} // namespace mla

#endif // MLA_RUNTIME_GPUCOMM_H
