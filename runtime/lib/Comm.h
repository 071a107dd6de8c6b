//===- Comm.h - Communicators of the C API ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_COMM_H
#define MLA_RUNTIME_COMM_H

#include "GpuComm.h"
#include "HostComm.h"

#include "mla/runtime.h"

/// One rank's, on a CPU or of a GPU.
struct mla_comm {
  // Exactly one of the two is set.
  std::unique_ptr<mla::HostComm> host;
  std::shared_ptr<mla::GpuComm> gpu;
  std::atomic<int64_t> users{0}; ///< bundles opened with it

  ~mla_comm();
  int64_t ranks() const { return gpu ? gpu->ranks() : host->ranks(); }
  int64_t rank() const { return gpu ? gpu->rank() : host->rank(); }
  /// Returns what failed, if anything has.
  mla::Error failure(const std::string &where) const { return gpu ? gpu->failure(where) : host->failure(where); }
  void failAs(const std::string &what) { gpu ? gpu->failAs(what) : host->failAs(what); }
};

namespace mla {

/// Counts a bundle that uses a communicator, which must not be destroyed before.
class CommUse {
public:
  CommUse() = default;
  explicit CommUse(mla_comm *comm) : comm(comm) {
    if (comm)
      ++comm->users;
  }
  CommUse(CommUse &&other) noexcept { *this = std::move(other); }
  CommUse &operator=(CommUse &&other) noexcept {
    std::swap(comm, other.comm);
    return *this;
  }
  ~CommUse() {
    if (comm)
      --comm->users;
  }
  mla_comm *get() const { return comm; }

private:
  mla_comm *comm = nullptr;
};

/// Returns the time limit, if it is valid.
Result<double> timeoutOf(const char *function, const mla_comm_options *options);
Error checkRank(const char *function, int64_t ranks, int64_t rank);

} // namespace mla

#endif // MLA_RUNTIME_COMM_H
