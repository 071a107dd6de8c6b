//===- Nccl.h - NCCL, by dlopen --------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// No header of NCCL is needed: these are the functions that the runtime calls, as
// NCCL 2.18 and later have them.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_NCCL_H
#define MLA_RUNTIME_NCCL_H

#include "Cuda.h"

#include "mla/runtime.h"

namespace mla::nccl {

using Status = int; ///< ncclResult_t
using Comm = struct CommTag *;

enum : Status { success = 0, inProgress = 7 };

/// ncclDataType_t and ncclRedOp_t
constexpr int float32 = 7, bfloat16 = 9, sum = 0;

/// ncclConfig_t of NCCL 2.18, of which later releases read as much as `version` says.
struct Config {
  static constexpr int undefined = INT32_MIN;
  size_t size = sizeof(Config);
  unsigned magic = 0xcafebeef, version = 21800;
  int blocking = 0; ///< calls return at once, and the time limit is ours
  int cgaClusterSize = undefined, minCTAs = undefined, maxCTAs = undefined;
  const char *netName = nullptr;
  int splitShare = undefined;
};
static_assert(sizeof(Config) == 48 && offsetof(Config, netName) == 32);

// X(name, parameters)
#define MLA_NCCL_FUNCTIONS(X)                                                                                          \
  X(ncclGetVersion, (int *version))                                                                                    \
  X(ncclGetUniqueId, (mla_comm_id * id))                                                                               \
  X(ncclCommInitRankConfig, (Comm * comm, int ranks, mla_comm_id id, int rank, Config *config))                        \
  X(ncclCommSplit, (Comm comm, int color, int key, Comm *part, Config *config))                                        \
  X(ncclCommGetAsyncError, (Comm comm, Status * status))                                                               \
  X(ncclCommAbort, (Comm comm))                                                                                        \
  X(ncclCommCount, (Comm comm, int *count))                                                                            \
  X(ncclCommUserRank, (Comm comm, int *rank))                                                                          \
  X(ncclAllReduce, (const void *in, void *out, size_t count, int type, int operation, Comm comm, cuda::Stream stream)) \
  X(ncclAllGather, (const void *in, void *out, size_t count, int type, Comm comm, cuda::Stream stream))                \
  X(ncclSend, (const void *in, size_t count, int type, int peer, Comm comm, cuda::Stream stream))                      \
  X(ncclRecv, (void *out, size_t count, int type, int peer, Comm comm, cuda::Stream stream))                           \
  X(ncclGroupStart, (void))                                                                                            \
  X(ncclGroupEnd, (void))

/// The loaded library.
struct Library {
#define MLA_NCCL_MEMBER(name, parameters) Status(*name) parameters = nullptr;
  MLA_NCCL_FUNCTIONS(MLA_NCCL_MEMBER)
#undef MLA_NCCL_MEMBER
  const char *(*ncclGetErrorString)(Status status) = nullptr;

  std::string describe(Status status) const;
};

/// Returns the library, loaded by the first successful call: from MLA_LIBNCCL's path if set, else libnccl.so.2. It is
/// never unloaded.
Result<const Library *> library(const std::string &where);

} // namespace mla::nccl

#endif // MLA_RUNTIME_NCCL_H
