//===- NcclApi.cpp - NCCL for emulated devices ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of NCCL that the runtime calls (runtime/lib/Nccl.h), for ranks
// that are threads of one process. Communicators never block: a call that waits
// for other ranks leaves its communicator in progress.
//
//===----------------------------------------------------------------------===//

#include "NcclExchange.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <memory>

using namespace mla;
using namespace mla::emulated;

#define MLA_NCCL extern "C" __attribute__((visibility("default"))) nccl::Status

/// A rank's end of a group.
struct mla::nccl::CommTag {
  std::shared_ptr<Group> group; ///< null until all ranks have split off
  int rank = 0;
  uint64_t begun = 0; ///< collectives whose turn has come on the stream
  size_t splits = 0;
  bool isAborted = false;
  std::vector<std::unique_ptr<Operation>> operations; ///< streams and graphs refer to them
};

namespace {
/// All ranks of a group split it, the n-th time.
struct Split {
  struct Member {
    int color, key, rank;
    nccl::Comm comm;
  };
  std::vector<Member> members;
};

/// Everything, never destroyed: work on streams may outlive communicators.
struct World {
  std::mutex mutex;
  uint64_t ids = 0;
  std::map<std::string, std::shared_ptr<Group>> groups; ///< by their ids
  std::map<std::pair<Group *, size_t>, Split> splits;
  std::vector<std::unique_ptr<nccl::CommTag>> comms;
};
} // namespace

static World &world() {
  static auto *made = new World;
  return *made;
}

static nccl::Comm makeComm(std::shared_ptr<Group> group, int rank) {
  world().comms.push_back(std::make_unique<nccl::CommTag>());
  nccl::Comm comm = world().comms.back().get();
  comm->group = std::move(group);
  comm->rank = rank;
  return comm;
}

const EmulatorFunctions &mla::emulated::emulator() {
  static const EmulatorFunctions functions = [] {
    EmulatorFunctions found;
    const char *path = std::getenv("MLA_LIBCUDA");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
    void *launch = library ? dlsym(library, "mla_emulator_launch") : nullptr;
    void *memory = library ? dlsym(library, "mla_emulator_memory") : nullptr;
    std::memcpy(&found.launch, &launch, sizeof(launch));
    std::memcpy(&found.memory, &memory, sizeof(memory));
    return found;
  }();
  return functions;
}

//===----------------------------------------------------------------------===//
// Communicators
//===----------------------------------------------------------------------===//

extern "C" __attribute__((visibility("default"))) const char *ncclGetErrorString(nccl::Status status) {
  switch (status) {
  case nccl::success:
    return "no error";
  case nccl::inProgress:
    return "in progress";
  case unhandledCuda:
    return "the driver is not the emulated one; set MLA_LIBCUDA";
  case invalidArgument:
    return "invalid argument: memory that is no allocation, or was not written, or an id of another process";
  case invalidUsage:
    return "invalid usage: ranks call different collectives, or in another way than is emulated";
  }
  return "unknown error";
}

MLA_NCCL ncclGetVersion(int *version) {
  *version = 21800;
  return nccl::success;
}

MLA_NCCL ncclGetUniqueId(mla_comm_id *id) {
  if (!emulator().launch || !emulator().memory)
    return unhandledCuda;
  std::lock_guard<std::mutex> lock(world().mutex);
  std::memset(id, 0, sizeof(*id));
  std::string name = "emulated " + std::to_string(++world().ids);
  std::memcpy(id->bytes, name.data(), name.size());
  world().groups[name] = std::make_shared<Group>();
  return nccl::success;
}

MLA_NCCL ncclCommInitRankConfig(nccl::Comm *comm, int ranks, mla_comm_id id, int rank, nccl::Config *) {
  std::lock_guard<std::mutex> lock(world().mutex);
  auto found = world().groups.find({id.bytes, strnlen(id.bytes, sizeof(id.bytes))});
  if (found == world().groups.end() || rank < 0 || rank >= ranks)
    return invalidArgument;
  std::shared_ptr<Group> group = found->second;
  std::lock_guard<std::mutex> ofGroup(group->mutex);
  if (group->ranks && group->ranks != ranks)
    return invalidArgument;
  group->ranks = ranks;
  ++group->joined;
  *comm = makeComm(group, rank);
  return nccl::inProgress;
}

/// Makes a group of each color, in the order of keys, when all ranks have called.
static void finish(const Split &split) {
  std::map<int, std::multimap<int, nccl::Comm>> byColor;
  for (const Split::Member &member : split.members)
    byColor[member.color].emplace(member.key, member.comm);
  for (auto &[color, members] : byColor) {
    auto group = std::make_shared<Group>();
    group->ranks = group->joined = static_cast<int>(members.size());
    int rank = 0;
    for (auto [key, comm] : members) {
      comm->rank = rank++;
      comm->group = group;
    }
  }
}

MLA_NCCL ncclCommSplit(nccl::Comm comm, int color, int key, nccl::Comm *part, nccl::Config *) {
  std::lock_guard<std::mutex> lock(world().mutex);
  Split &split = world().splits[{comm->group.get(), comm->splits++}];
  *part = makeComm(nullptr, 0);
  split.members.push_back({color, key, comm->rank, *part});
  if (static_cast<int>(split.members.size()) == comm->group->ranks)
    finish(split);
  return nccl::inProgress;
}

MLA_NCCL ncclCommGetAsyncError(nccl::Comm comm, nccl::Status *status) {
  std::lock_guard<std::mutex> lock(world().mutex);
  *status = nccl::inProgress;
  if (!comm->group)
    return nccl::success;
  std::lock_guard<std::mutex> ofGroup(comm->group->mutex);
  if (comm->group->joined >= comm->group->ranks)
    *status = comm->group->error;
  return nccl::success;
}

/// Its work on streams ends; others wait on.
MLA_NCCL ncclCommAbort(nccl::Comm comm) {
  std::lock_guard<std::mutex> lock(world().mutex);
  comm->isAborted = true;
  return nccl::success;
}

MLA_NCCL ncclCommCount(nccl::Comm comm, int *count) {
  *count = comm->group->ranks;
  return nccl::success;
}

MLA_NCCL ncclCommUserRank(nccl::Comm comm, int *rank) {
  *rank = comm->rank;
  return nccl::success;
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

namespace {
/// What is captured or enqueued, and an execution of it.
struct Work {
  nccl::Comm comm;
  const Operation *operation;
};
struct Execution {
  nccl::Comm comm;
  uint64_t number;
};
} // namespace

static void *begin(void *op) {
  const Work &work = *static_cast<Work *>(op);
  uint64_t number = work.comm->begun++;
  work.comm->group->enter(number, work.comm->rank, *work.operation);
  return new Execution{work.comm, number};
}

static int poll(void *running) {
  auto *execution = static_cast<Execution *>(running);
  bool isAborted = false;
  {
    std::lock_guard<std::mutex> lock(world().mutex);
    isAborted = execution->comm->isAborted;
  }
  if (!isAborted && !execution->comm->group->leaveIfDone(execution->number))
    return 0;
  delete execution;
  return 1;
}

static nccl::Status enqueue(nccl::Comm comm, Operation operation, cuda::Stream stream) {
  if (!emulator().launch || !emulator().memory)
    return unhandledCuda;
  const Operation *kept = nullptr;
  {
    std::lock_guard<std::mutex> lock(world().mutex);
    kept = comm->operations.emplace_back(std::make_unique<Operation>(std::move(operation))).get();
  }
  mla_emulator_work work = {begin, poll, new Work{comm, kept}}; // as long as a graph may be launched
  return emulator().launch(stream, &work) == cuda::success ? nccl::success : nccl::Status(unhandledCuda);
}

static thread_local int groupDepth = 0;
static thread_local std::map<nccl::Comm, std::pair<Operation, cuda::Stream>> grouped;

static nccl::Status enqueueAlone(nccl::Comm comm, Operation operation, cuda::Stream stream) {
  return groupDepth ? nccl::Status(invalidUsage) : enqueue(comm, std::move(operation), stream);
}

MLA_NCCL ncclAllReduce(const void *in, void *out, size_t count, int type, int operation, nccl::Comm comm,
                       cuda::Stream stream) {
  if (operation != nccl::sum || (type != nccl::float32 && type != nccl::bfloat16))
    return invalidUsage;
  return enqueueAlone(
      comm,
      {Operation::AllReduce, reinterpret_cast<uint64_t>(in), reinterpret_cast<uint64_t>(out), count, type, {}, {}},
      stream);
}

MLA_NCCL ncclAllGather(const void *in, void *out, size_t count, int type, nccl::Comm comm, cuda::Stream stream) {
  return enqueueAlone(
      comm,
      {Operation::AllGather, reinterpret_cast<uint64_t>(in), reinterpret_cast<uint64_t>(out), count, type, {}, {}},
      stream);
}

MLA_NCCL ncclGroupStart() {
  ++groupDepth;
  return nccl::success;
}

static Operation &groupedOf(nccl::Comm comm, cuda::Stream stream) {
  auto &[operation, ofStream] = grouped[comm];
  operation.kind = Operation::Exchange;
  ofStream = stream;
  return operation;
}

MLA_NCCL ncclSend(const void *in, size_t count, int type, int peer, nccl::Comm comm, cuda::Stream stream) {
  if (!groupDepth)
    return invalidUsage;
  groupedOf(comm, stream).sent.push_back({reinterpret_cast<uint64_t>(in), count, type, peer});
  return nccl::success;
}

MLA_NCCL ncclRecv(void *out, size_t count, int type, int peer, nccl::Comm comm, cuda::Stream stream) {
  if (!groupDepth)
    return invalidUsage;
  groupedOf(comm, stream).received.push_back({reinterpret_cast<uint64_t>(out), count, type, peer});
  return nccl::success;
}

MLA_NCCL ncclGroupEnd() {
  if (!groupDepth || --groupDepth)
    return groupDepth ? nccl::Status(nccl::success) : nccl::Status(invalidUsage);
  auto all = std::move(grouped);
  grouped.clear();
  for (auto &[comm, operation] : all)
    if (nccl::Status status = enqueue(comm, std::move(operation.first), operation.second))
      return status;
  return nccl::success;
}
