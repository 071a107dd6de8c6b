//===- HostComm.h - Collectives of ranks on a CPU ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A collective runs in chunks of a buffer: each rank writes its chunk to a buffer
// of its own, waits for its group, and reads those of the others. All ranks run
// the same collectives in the same order, so that one number a rank, its progress,
// says how far it is; nobody needs to be told who waits for whom. Chunks use the
// two buffers of a rank in turn: a rank writes to one again when all who read it
// last have said so.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_HOSTCOMM_H
#define MLA_RUNTIME_HOSTCOMM_H

#include "SharedRegion.h"
#include "TimeLimit.h"

#include "mla/error.h"

#include <mutex>

namespace mla {

class ThreadTeam;

/// The ranks of a collective: `count` consecutive ones.
struct RankGroup {
  int64_t first = 0, count = 0;
  int64_t end() const { return first + count; }
};

/// A rank's end of a region. One thread at a time runs collectives. After a failure they return at once, and leave
/// undefined data.
class HostComm {
public:
  HostComm(std::shared_ptr<SharedRegion> region, int64_t rank, double timeoutSeconds);
  /// Says that this rank is gone.
  ~HostComm();

  int64_t ranks() const { return region->ranks(); }
  int64_t rank() const { return ownRank; }

  void allReduce(int64_t groupRanks, void *data, int64_t count, int32_t element);
  void allGather(int64_t groupRanks, const void *in, void *out, int64_t bytes);
  void allToAll(int64_t groupRanks, const void *in, void *out, int64_t bytes);

  /// Ends the collectives of all ranks, because of this one; "rank K of N" precedes the text.
  void failAs(const std::string &what);
  /// Returns what failed, if anything has.
  Error failure(const std::string &where) const;

  /// Held while an entry runs with it.
  std::mutex inUse;
  /// The threads that run this rank's loops; null: those of the process.
  ThreadTeam *team = nullptr;

private:
  const std::shared_ptr<SharedRegion> region;
  const int64_t ownRank;
  const double timeout;
  uint32_t progress = 0;                            ///< of this rank, as in its slot
  int buffer = 0;                                   ///< of the current chunk
  RankGroup readers[SharedRegion::numBuffers];      ///< of the last chunk in each buffer
  uint32_t finished[SharedRegion::numBuffers] = {}; ///< their progress when they have read it

  bool findGroup(const CollectiveRecord &collective, RankGroup &group);
  char *bufferOf(int64_t peer) const { return region->buffer(peer, buffer); }
  bool beginChunk(const CollectiveRecord &collective);
  bool shareChunk(const CollectiveRecord &collective, const RankGroup &group);
  void endChunk(const RankGroup &group);
  template <typename Write, typename Read>
  void runChunks(const CollectiveRecord &collective, const RankGroup &group, uint64_t bytes, uint64_t most, Write write,
                 Read read);
  bool reduceChunk(const RankGroup &group, void *data, uint64_t bytes, int32_t element);
  void advance();
  bool awaitGroup(const RankGroup &group, uint32_t target, const CollectiveRecord &collective);
  bool await(int64_t peer, uint32_t target, const TimeLimit &limit, const CollectiveRecord &collective);
  void judgeAbsence(int64_t peer, uint32_t target, const TimeLimit &limit, const CollectiveRecord &collective);
  std::string name(int64_t peer) const;
};

} // namespace mla

#endif // MLA_RUNTIME_HOSTCOMM_H
