//===- CommApi.cpp - Communicators of the C API ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Comm.h"
#include "CopyStruct.h"
#include "FileRegion.h"
#include "ThreadCount.h"
#include "ThreadTeam.h"

#include <cstdlib>

using namespace mla;

mla_comm::~mla_comm() {
  if (host && host->team)
    ThreadTeam::giveBack(host->team);
}

Result<double> mla::timeoutOf(const char *function, const mla_comm_options *given) {
  constexpr double usual = 60, most = 1e6;
  mla_comm_options options = {};
  if (Error error = given ? copySized(function, "options", given, sizeof(options), options) : Error())
    return error;
  if (options.timeout_seconds == 0)
    return usual;
  if (options.timeout_seconds > 0 && options.timeout_seconds <= most)
    return options.timeout_seconds;
  return badArgument(function, "options->timeout_seconds is " + std::to_string(options.timeout_seconds) +
                                   "; give up to a million seconds, or 0 for 60");
}

static Error checkRanks(const char *function, int64_t ranks) {
  if (ranks >= 1 && ranks <= schema::Limit::Ranks)
    return {};
  return badArgument(function,
                     "ranks is " + std::to_string(ranks) + "; give 1 to " + std::to_string(schema::Limit::Ranks));
}

Error mla::checkRank(const char *function, int64_t ranks, int64_t rank) {
  if (Error error = checkRanks(function, ranks))
    return error;
  if (rank >= 0 && rank < ranks)
    return {};
  return badArgument(function, "rank is " + std::to_string(rank) + "; give 0 to " + std::to_string(ranks - 1));
}

static std::unique_ptr<mla_comm> makeComm(std::shared_ptr<SharedRegion> region, int64_t rank, double timeout,
                                          int threads) {
  auto comm = std::make_unique<mla_comm>();
  comm->host = std::make_unique<HostComm>(std::move(region), rank, timeout);
  if (threads)
    comm->host->team = ThreadTeam::lease(threads);
  return comm;
}

/// Divides threads among ranks, whose counts differ by one at most.
static int shareOf(int threads, int64_t ranks, int64_t rank) {
  return std::max(1, static_cast<int>(threads * (rank + 1) / ranks - threads * rank / ranks));
}

static Error createLocal(const char *function, int64_t ranks, const mla_comm_options *options, mla_comm **comms) {
  if (!comms)
    return badArgument(function, "comms is NULL; pass room for one of each rank");
  if (Error error = checkRanks(function, ranks))
    return error;
  Result<double> timeout = timeoutOf(function, options);
  if (!timeout)
    return timeout.error();
  Result<std::shared_ptr<SharedRegion>> region = SharedRegion::forThreads(function, ranks);
  if (!region)
    return region.error();
  for (int64_t rank = 0; rank < ranks; ++rank)
    comms[rank] = makeComm(*region, rank, *timeout, shareOf(mla_num_threads(), ranks, rank)).release();
  return {};
}

mla_status mla_comm_create_local(int64_t ranks, const mla_comm_options *options, mla_comm **comms) {
  return report(createLocal("mla_comm_create_local", ranks, options, comms));
}

static Error openFile(const char *function, const char *path, int64_t ranks, int64_t rank,
                      const mla_comm_options *options, mla_comm **comm) {
  if (!path || !*path || !comm)
    return badArgument(function, "path or comm is NULL or empty; pass both");
  if (Error error = checkRank(function, ranks, rank))
    return error;
  Result<double> timeout = timeoutOf(function, options);
  if (!timeout)
    return timeout.error();
  Result<std::shared_ptr<SharedRegion>> region = meetInFile(path, ranks, rank, *timeout);
  if (!region)
    return region.error();
  const char *chosen = std::getenv("MLA_NUM_THREADS");
  bool isChosen = chosen && parseThreadCount(chosen);
  *comm = makeComm(*region, rank, *timeout, isChosen ? 0 : shareOf(mla_num_threads(), ranks, rank)).release();
  return {};
}

mla_status mla_comm_open_file(const char *path, int64_t ranks, int64_t rank, const mla_comm_options *options,
                              mla_comm **comm) {
  return report(openFile("mla_comm_open_file", path, ranks, rank, options, comm));
}

//===----------------------------------------------------------------------===//
// GPUs
//===----------------------------------------------------------------------===//

static Error createId(const char *function, mla_comm_id *id) {
  if (!id)
    return badArgument(function, "id is NULL; pass a place for it");
  Result<const nccl::Library *> library = nccl::library(function);
  if (!library)
    return library.error();
  if (nccl::Status status = (*library)->ncclGetUniqueId(id))
    return Error(ErrorKind::DeviceError, std::string(function) + ": ncclGetUniqueId failed: " +
                                             (*library)->describe(status) + "; run with NCCL_DEBUG=INFO to see why");
  return {};
}

mla_status mla_comm_create_id(mla_comm_id *id) { return report(createId("mla_comm_create_id", id)); }

/// Hands a communicator over to the caller.
static Error give(Result<std::shared_ptr<GpuComm>> made, mla_comm **comm) {
  if (!made)
    return made.error();
  auto result = std::make_unique<mla_comm>();
  result->gpu = std::move(*made);
  *comm = result.release();
  return {};
}

static Error createOnGpu(const char *function, const mla_comm_id *id, int64_t ranks, int64_t rank,
                         const mla_comm_options *options, mla_comm **comm) {
  if (!id || !comm)
    return badArgument(function, "id or comm is NULL; pass both");
  if (Error error = checkRank(function, ranks, rank))
    return error;
  Result<double> timeout = timeoutOf(function, options);
  return timeout ? give(GpuComm::create(function, *id, ranks, rank, *timeout), comm) : timeout.error();
}

mla_status mla_comm_create(const mla_comm_id *id, int64_t ranks, int64_t rank, const mla_comm_options *options,
                           mla_comm **comm) {
  return report(createOnGpu("mla_comm_create", id, ranks, rank, options, comm));
}

static Error wrapNccl(const char *function, void *given, const mla_comm_options *options, mla_comm **comm) {
  if (!given || !comm)
    return badArgument(function, "nccl_comm or comm is NULL; pass both");
  Result<double> timeout = timeoutOf(function, options);
  return timeout ? give(GpuComm::wrap(function, given, *timeout), comm) : timeout.error();
}

mla_status mla_comm_wrap_nccl(void *nccl_comm, const mla_comm_options *options, mla_comm **comm) {
  return report(wrapNccl("mla_comm_wrap_nccl", nccl_comm, options, comm));
}

static Error waitFor(const char *function, mla_comm *comm, void *stream) {
  if (!comm)
    return badArgument(function, "comm is NULL; pass a communicator");
  if (!comm->gpu)
    return comm->failure(function);
  const CudaContext &context = *comm->gpu->context;
  ContextScope scope(context);
  if (Error error = scope.error(function))
    return error;
  return comm->gpu->wait(function, "cuStreamQuery",
                         [&] { return context.driver.cuStreamQuery(static_cast<cuda::Stream>(stream)); });
}

mla_status mla_comm_wait(mla_comm *comm, void *stream) { return report(waitFor("mla_comm_wait", comm, stream)); }

//===----------------------------------------------------------------------===//
// All
//===----------------------------------------------------------------------===//

int64_t mla_comm_ranks(const mla_comm *comm) { return comm ? comm->ranks() : 0; }

int64_t mla_comm_rank(const mla_comm *comm) { return comm ? comm->rank() : 0; }

static Error isNull(const char *function) { return badArgument(function, "comm is NULL; pass a communicator"); }

mla_status mla_comm_check(mla_comm *comm) {
  return report(comm ? comm->failure("mla_comm_check") : isNull("mla_comm_check"));
}

mla_status mla_comm_abort(mla_comm *comm) {
  if (!comm)
    return report(isNull("mla_comm_abort"));
  comm->failAs("called mla_comm_abort");
  return MLA_OK;
}

mla_status mla_comm_destroy(mla_comm *comm) {
  if (!comm)
    return MLA_OK;
  if (int64_t users = comm->users)
    return report(badArgument("mla_comm_destroy", std::to_string(users) + " bundles use it; close them first"));
  delete comm;
  return MLA_OK;
}
