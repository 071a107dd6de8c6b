//===- GpuComm.cpp - Collectives of GPUs ----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuComm.h"

#include <sched.h>
#include <time.h>
#include <vector>

using namespace mla;

/// Lets others run: for the first millisecond at once, so that a step of a model ends as soon as it is done.
void GpuComm::pause(const TimeLimit &limit) {
  timespec time = {0, 50'000};
  if (limit.elapsed() < 1e-3)
    sched_yield();
  else
    nanosleep(&time, nullptr);
}

//===----------------------------------------------------------------------===//
// Failures
//===----------------------------------------------------------------------===//

/// Ends all communicators, and with them their kernels. The caller holds the mutex.
void GpuComm::endComms() {
  for (auto [ranks, comm] : comms)
    if (isOwn || ranks != numRanks || !failed.empty())
      functions.ncclCommAbort(comm);
  comms.clear();
}

void GpuComm::fail(const std::string &what) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!failed.empty())
    return;
  failed = what;
  endComms();
}

Error GpuComm::failure(const std::string &where) {
  std::lock_guard<std::mutex> lock(mutex);
  if (failed.empty())
    return {};
  return Error(ErrorKind::Rank,
               where + ": " + failed + "; see what the other ranks report, then make new communicators on all of them");
}

/// Waits until NCCL has done in the background what a call asked for. The mutex is free meanwhile, so that others may
/// abort.
Error GpuComm::settle(std::unique_lock<std::mutex> &lock, nccl::Comm comm, nccl::Status status, const char *call) {
  std::string problem;
  TimeLimit limit(timeout);
  while (status == nccl::inProgress && problem.empty() && failed.empty()) {
    lock.unlock();
    pause(limit);
    lock.lock();
    if (failed.empty() && functions.ncclCommGetAsyncError(comm, &status))
      problem = "its state is unknown";
    if (status == nccl::inProgress && limit.hasPassed())
      problem = "not all of the " + std::to_string(numRanks) + " ranks came within " + limit.text();
  }
  if (status && status != nccl::inProgress)
    problem = functions.describe(status);
  lock.unlock();
  if (!problem.empty())
    fail(problem);
  Error error = failure(call);
  lock.lock();
  return error;
}

/// Takes over errors that NCCL found in the background.
bool GpuComm::noteAsyncErrors() {
  std::string found;
  {
    std::lock_guard<std::mutex> lock(mutex);
    for (auto [ranks, comm] : comms) {
      nccl::Status status = nccl::success;
      if (functions.ncclCommGetAsyncError(comm, &status) || (status && status != nccl::inProgress))
        found = "rank " + std::to_string(ownRank) + " lost another: " + functions.describe(status);
    }
  }
  if (!found.empty())
    fail(found);
  return !found.empty();
}

Error GpuComm::judgeWait(const std::string &where, const TimeLimit &limit) {
  noteAsyncErrors();
  if (limit.hasPassed())
    fail("the work on the device did not end within " + limit.text() +
         ": a rank is missing, or the limit is too short");
  if (Error error = failure(where))
    return error;
  pause(limit);
  return {};
}

//===----------------------------------------------------------------------===//
// Making communicators
//===----------------------------------------------------------------------===//

namespace {
/// The communicators of the process, so that waiting for a stream finds that of its context. Never destroyed.
struct Registry {
  std::mutex mutex;
  std::vector<std::weak_ptr<GpuComm>> comms;
};
} // namespace

static Registry &registry() {
  static auto *made = new Registry;
  return *made;
}

static void enter(const std::shared_ptr<GpuComm> &comm) {
  std::lock_guard<std::mutex> lock(registry().mutex);
  std::vector<std::weak_ptr<GpuComm>> living;
  for (const std::weak_ptr<GpuComm> &other : registry().comms)
    if (!other.expired())
      living.push_back(other);
  living.push_back(comm);
  registry().comms = std::move(living);
}

static std::shared_ptr<GpuComm> commOf(const CudaContext &context) {
  std::lock_guard<std::mutex> lock(registry().mutex);
  std::shared_ptr<GpuComm> newest;
  for (const std::weak_ptr<GpuComm> &other : registry().comms)
    if (std::shared_ptr<GpuComm> comm = other.lock(); comm && comm->context->handle == context.handle)
      newest = std::move(comm);
  return newest;
}

Result<std::shared_ptr<GpuComm>> GpuComm::begin(const char *where, double timeout) {
  Result<std::shared_ptr<CudaContext>> context = CudaContext::acquire(where);
  if (!context)
    return context.error();
  Result<const nccl::Library *> library = nccl::library(where);
  if (!library)
    return library.error();
  return std::shared_ptr<GpuComm>(new GpuComm(*context, **library, timeout));
}

Result<std::shared_ptr<GpuComm>> GpuComm::create(const char *where, const mla_comm_id &id, int64_t ranks, int64_t rank,
                                                 double timeout) {
  Result<std::shared_ptr<GpuComm>> begun = begin(where, timeout);
  if (!begun)
    return begun;
  GpuComm &comm = **begun;
  ContextScope scope(*comm.context);
  if (Error error = scope.error(where))
    return error;
  comm.numRanks = ranks;
  comm.ownRank = rank;
  nccl::Config config;
  nccl::Comm made = nullptr;
  nccl::Status status =
      comm.functions.ncclCommInitRankConfig(&made, static_cast<int>(ranks), id, static_cast<int>(rank), &config);
  std::unique_lock<std::mutex> lock(comm.mutex);
  if (made)
    comm.comms[ranks] = made;
  if (Error error = comm.settle(lock, made, status, where))
    return error;
  lock.unlock();
  if (Error error = comm.prepare(where, schema::Collective::AllReduce, ranks))
    return error;
  enter(*begun);
  return begun;
}

Result<std::shared_ptr<GpuComm>> GpuComm::wrap(const char *where, void *given, double timeout) {
  Result<std::shared_ptr<GpuComm>> begun = begin(where, timeout);
  if (!begun)
    return begun;
  GpuComm &comm = **begun;
  auto made = static_cast<nccl::Comm>(given);
  int ranks = 0, rank = 0;
  nccl::Status status = comm.functions.ncclCommCount(made, &ranks);
  if (!status)
    status = comm.functions.ncclCommUserRank(made, &rank);
  if (status)
    return Error(ErrorKind::InvalidArgument, std::string(where) + ": " + comm.functions.describe(status) +
                                                 "; pass an ncclComm_t of the library that MLA_LIBNCCL names");
  comm.numRanks = ranks;
  comm.ownRank = rank;
  comm.isOwn = false;
  comm.comms[ranks] = made;
  enter(*begun);
  return begun;
}

GpuComm::~GpuComm() {
  ContextScope scope(*context);
  std::lock_guard<std::mutex> lock(mutex);
  endComms();
}

Error GpuComm::split(const std::string &where, int64_t groupRanks) {
  std::unique_lock<std::mutex> lock(mutex);
  auto all = comms.find(numRanks);
  if (all == comms.end())
    return lock.unlock(), failure(where);
  nccl::Config config;
  nccl::Comm made = nullptr;
  nccl::Status status = functions.ncclCommSplit(all->second, static_cast<int>(ownRank / groupRanks),
                                                static_cast<int>(ownRank), &made, &config);
  // The new one is there when the old one is done.
  if (Error error = settle(lock, all->second, status, "ncclCommSplit"))
    return error;
  comms[groupRanks] = made;
  return settle(lock, made, nccl::inProgress, "ncclCommSplit");
}

/// Runs the collective on one number a rank, which connects the ranks and finds out whether all are there.
Error GpuComm::connect(const std::string &where, schema::Collective kind, int64_t groupRanks) {
  std::vector<float> zeros(2 * groupRanks);
  uint64_t bytes = zeros.size() * sizeof(float);
  Result<DeviceBuffer> numbers = DeviceBuffer::allocate(where, context, bytes);
  if (!numbers)
    return numbers.error();
  if (cuda::Status status = context->driver.cuMemcpyHtoD(numbers->address(), zeros.data(), bytes))
    return context->driver.failed(where, "cuMemcpyHtoD", status);
  uint64_t in = numbers->address(), out = in + bytes / 2;
  if (Error error = enqueue({kind, groupRanks, in, out, 1, schema::Element::F32, nullptr}))
    return error;
  return wait(where, "cuStreamQuery", [&] { return context->driver.cuStreamQuery(nullptr); });
}

Error GpuComm::prepare(const std::string &where, schema::Collective kind, int64_t groupRanks) {
  if (groupRanks == 1)
    return {};
  bool isThere = false;
  {
    std::lock_guard<std::mutex> lock(mutex);
    isThere = comms.count(groupRanks);
  }
  if (Error error = isThere ? failure(where) : split(where, groupRanks))
    return error;
  return connect(where, kind, groupRanks);
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

/// Sends a block to every rank, and receives one from each, at the same time.
nccl::Status GpuComm::exchange(const CollectiveCall &call, nccl::Comm comm, int type, uint64_t bytes) const {
  nccl::Status status = functions.ncclGroupStart();
  for (int64_t peer = 0; peer < call.ranks && !status; ++peer) {
    auto *in = reinterpret_cast<const char *>(call.in) + peer * bytes;
    auto *out = reinterpret_cast<char *>(call.out) + peer * bytes;
    status = functions.ncclSend(in, call.count, type, static_cast<int>(peer), comm, call.stream);
    if (!status || status == nccl::inProgress)
      status = functions.ncclRecv(out, call.count, type, static_cast<int>(peer), comm, call.stream);
    if (status == nccl::inProgress)
      status = nccl::success;
  }
  nccl::Status ended = functions.ncclGroupEnd();
  return status ? status : ended;
}

Error GpuComm::enqueue(const CollectiveCall &call) {
  bool isWide = call.element == schema::Element::F32;
  int type = isWide ? nccl::float32 : nccl::bfloat16;
  uint64_t bytes = call.count * (isWide ? 4 : 2);
  auto *in = reinterpret_cast<const void *>(call.in);
  auto *out = reinterpret_cast<void *>(call.out);
  std::unique_lock<std::mutex> lock(mutex);
  auto found = comms.find(call.ranks);
  if (found == comms.end())
    return lock.unlock(), failure(nameOf(call.kind));
  nccl::Comm comm = found->second;
  nccl::Status status = nccl::success;
  switch (call.kind) {
  case schema::Collective::AllReduce:
    status = functions.ncclAllReduce(in, out, call.count, type, nccl::sum, comm, call.stream);
    break;
  case schema::Collective::AllGather:
    status = functions.ncclAllGather(in, out, call.count, type, comm, call.stream);
    break;
  case schema::Collective::AllToAll:
    status = exchange(call, comm, type, bytes);
    break;
  }
  return settle(lock, comm, status, nameOf(call.kind));
}

//===----------------------------------------------------------------------===//
// Waiting
//===----------------------------------------------------------------------===//

Error mla::waitForStream(const std::string &where, const CudaContext &context, cuda::Stream stream) {
  if (std::shared_ptr<GpuComm> comm = commOf(context))
    return comm->wait(where, "cuStreamQuery", [&] { return context.driver.cuStreamQuery(stream); });
  cuda::Status status = context.driver.cuStreamSynchronize(stream);
  return status ? context.driver.failed(where, "cuStreamSynchronize", status) : Error();
}

Error mla::waitForEvent(const std::string &where, const CudaContext &context, cuda::Event event) {
  if (std::shared_ptr<GpuComm> comm = commOf(context))
    return comm->wait(where, "cuEventQuery", [&] { return context.driver.cuEventQuery(event); });
  cuda::Status status = context.driver.cuEventSynchronize(event);
  return status ? context.driver.failed(where, "cuEventSynchronize", status) : Error();
}

Error mla::waitIfShared(const std::string &where, const CudaContext &context) {
  return commOf(context) ? waitForStream(where, context, nullptr) : Error();
}
