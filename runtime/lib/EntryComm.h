//===- EntryComm.h - The communicator of a running entry --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Generated code calls mla_all_reduce and the like without a communicator: it is
// that of the bundle whose entry the thread runs.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_ENTRYCOMM_H
#define MLA_RUNTIME_ENTRYCOMM_H

#include "HostComm.h"
#include "ThreadTeam.h"

namespace mla {

/// Gives this thread's collectives a communicator, or none.
class EntryScope {
public:
  explicit EntryScope(HostComm *comm);
  ~EntryScope();
  EntryScope(const EntryScope &) = delete;

  /// Returns whether a collective of several ranks was called without a communicator.
  bool lacksComm() const;

private:
  TeamScope team;
  HostComm *before;
  bool lackedBefore;
};

} // namespace mla

#endif // MLA_RUNTIME_ENTRYCOMM_H
