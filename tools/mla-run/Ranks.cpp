//===- Ranks.cpp - Bundles of several ranks -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ranks.h"
#include "FieldReader.h"
#include "IdFile.h"
#include "Loading.h"
#include "ReadFile.h"
#include "RunMode.h"

#include "mla/abi.h"
#include "mla/launch_abi.h"

#include <cinttypes>
#include <cstdio>
#include <optional>
#include <thread>
#include <unistd.h>

using namespace mla;
using namespace mla::run;

//===----------------------------------------------------------------------===//
// The directory
//===----------------------------------------------------------------------===//

Result<int64_t> mla::run::ranksIn(const std::string &directory) {
  std::string path = directory + "/" MLA_RANKS_FILE;
  auto has = [&](const char *name) { return access((directory + name).c_str(), F_OK) == 0; };
  if (has("/rank0") && !has("/" MLA_RANKS_FILE) && !has("/" MLA_MANIFEST_FILE))
    return Error(ErrorKind::InvalidFile, directory + ": has rank0, but no " MLA_RANKS_FILE
                                                     ", which is written last; compile the bundle again, or give the "
                                                     "directory of one rank if its caller sums the results");
  if (!has("/" MLA_RANKS_FILE))
    return int64_t(0);
  constexpr int64_t mostBytes = 1 << 16;
  Result<std::string> text = readFile(path, mostBytes);
  if (!text)
    return text.error();
  Result<json::Value> root = json::parse(*text);
  if (!root || !root->is(json::Value::Kind::Object))
    return Error(ErrorKind::InvalidFile, path + ": is no JSON object; compile the bundle again");
  Error error;
  FieldReader fields(path, "", *root, error);
  if (fields.text("magic") != MLA_RANKS_MAGIC)
    fields.fail("magic", "is not '" MLA_RANKS_MAGIC "'");
  if (int64_t version = fields.integer("version", 0, INT32_MAX); version != MLA_RANKS_VERSION)
    fields.fail("version",
                "is " + std::to_string(version) + ", this release reads " + std::to_string(MLA_RANKS_VERSION),
                ErrorKind::Unsupported);
  int64_t ranks = fields.integer("ranks", 1, schema::Limit::Ranks);
  return error ? Result<int64_t>(error) : Result<int64_t>(ranks);
}

/// Return the options of a rank.
static Options optionsOf(const Options &options, int64_t rank) {
  Options own = options;
  own.bundle += "/rank" + std::to_string(rank);
  own.quiet = rank != 0;
  return own;
}

static Result<Bundle> inspect(const std::string &path) {
  mla_bundle *opened = nullptr;
  if (Error error = toError(mla_bundle_inspect(path.c_str(), &opened)))
    return error;
  return Bundle(opened);
}

/// Print what each bundle is.
static Result<bool> runInspection(const Options &options, int64_t ranks) {
  bool asJson = options.json && options.mode == Options::Mode::Info;
  if (asJson)
    std::printf("{\"ranks\": %" PRId64 ", \"bundles\": [\n", ranks);
  for (int64_t rank = 0; rank < ranks; ++rank) {
    Options own = optionsOf(options, rank);
    own.emulate = false; // nothing runs
    Result<Bundle> bundle = inspect(own.bundle);
    if (!bundle)
      return bundle.error();
    if (asJson && rank)
      std::printf(",\n");
    else if (!asJson)
      std::printf("%srank %" PRId64 " of %" PRId64 "\n", rank ? "\n" : "", rank, ranks);
    if (Result<bool> run = runMode(own, bundle->get()); !run)
      return run;
  }
  if (asJson)
    std::printf("]}\n");
  return true;
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

static mla_comm_options commOptions(const Options &options) {
  mla_comm_options made = {};
  made.size = sizeof(made);
  made.timeout_seconds = options.timeoutSeconds;
  return made;
}

/// Make the communicator of a rank on a device, which the thread then uses.
static Result<Comm> joinOnDevice(const Options &options, const mla_comm_id &id, int64_t ranks, int64_t rank,
                                 int32_t device) {
  if (Error error = toError(mla_device_use(device)))
    return error;
  mla_comm_options given = commOptions(options);
  mla_comm *made = nullptr;
  if (Error error = toError(mla_comm_create(&id, ranks, rank, &given, &made)))
    return error;
  return Comm(made);
}

/// Run the mode with a communicator. If that fails, the other ranks must not wait for this one.
static Result<bool> runRank(const Options &options, mla_comm *comm) {
  Result<Bundle> bundle = load(options, comm);
  Result<bool> passed = bundle ? runMode(options, bundle->get()) : bundle.error();
  if (!passed)
    mla_comm_abort(comm);
  return passed;
}

namespace {
struct RankRun {
  Options options;
  Comm comm;
  std::vector<Digest> digests;
  Result<bool> passed = false;
};
} // namespace

/// Return the error of the first rank that failed by itself, else of the first that missed another.
static std::optional<Error> errorOf(const std::vector<RankRun> &runs) {
  std::optional<Error> found;
  for (size_t rank = 0; rank < runs.size(); ++rank) {
    const Error &error = runs[rank].passed.error();
    bool isBetter = error && (!found || (found->kind() == ErrorKind::Rank && error.kind() != ErrorKind::Rank));
    if (isBetter)
      found = Error(error.kind(), "rank " + std::to_string(rank) + ": " + error.message());
  }
  return found;
}

/// Compare the results of all ranks. Print the first that differs.
static bool agree(const std::vector<RankRun> &runs) {
  const std::vector<Digest> &first = runs.front().digests;
  for (size_t rank = 1; rank < runs.size(); ++rank) {
    const std::vector<Digest> &other = runs[rank].digests;
    if (other.size() != first.size())
      return std::printf("FAILED: rank %zu has %zu results, rank 0 has %zu\n", rank, other.size(), first.size()), false;
    for (size_t i = 0; i < first.size(); ++i)
      if (other[i].sum != first[i].sum)
        return std::printf("FAILED: %s: rank %zu has other bits than rank 0\n", first[i].result.c_str(), rank), false;
  }
  return true;
}

/// Of ranks on the CPU.
static Error makeComms(const Options &options, std::vector<RankRun> &runs) {
  std::vector<mla_comm *> made(runs.size());
  mla_comm_options given = commOptions(options);
  if (Error error = toError(mla_comm_create_local(static_cast<int64_t>(runs.size()), &given, made.data())))
    return error;
  for (size_t rank = 0; rank < runs.size(); ++rank)
    runs[rank].comm.reset(made[rank]);
  return {};
}

/// Run body(rank) on a thread for each.
template <typename Body> static void onThreads(int64_t ranks, Body body) {
  std::vector<std::thread> threads;
  for (int64_t rank = 0; rank < ranks; ++rank)
    threads.emplace_back([&body, rank] { body(rank); });
  for (std::thread &thread : threads)
    thread.join();
}

/// Run all ranks, each on a device of its own.
static Error runOnDevices(const Options &options, std::vector<RankRun> &runs) {
  auto ranks = static_cast<int64_t>(runs.size());
  int32_t devices = mla_device_count();
  if (devices < ranks)
    return Error(ErrorKind::NoDevice, options.bundle + ": has " + std::to_string(ranks) + " ranks, but there are " +
                                          std::to_string(devices) +
                                          " devices; run each rank as a process where it has one (--rank)");
  mla_comm_id id = {};
  if (Error error = toError(mla_comm_create_id(&id)))
    return error;
  onThreads(ranks, [&](int64_t rank) {
    RankRun &run = runs[rank];
    Result<Comm> comm = joinOnDevice(options, id, ranks, rank, static_cast<int32_t>(rank));
    if (comm)
      run.comm = std::move(*comm);
    run.passed = comm ? runRank(run.options, run.comm.get()) : comm.error();
  });
  return {};
}

static Error runOnHost(const Options &options, std::vector<RankRun> &runs) {
  if (Error error = makeComms(options, runs))
    return error;
  onThreads(static_cast<int64_t>(runs.size()),
            [&](int64_t rank) { runs[rank].passed = runRank(runs[rank].options, runs[rank].comm.get()); });
  return {};
}

static Result<bool> runThreads(const Options &options, int64_t ranks) {
  std::vector<RankRun> runs(ranks);
  for (int64_t rank = 0; rank < ranks; ++rank) {
    runs[rank].options = optionsOf(options, rank);
    runs[rank].options.digests = &runs[rank].digests;
  }
  Result<Bundle> first = inspect(runs.front().options.bundle);
  if (!first)
    return first.error();
  bool onDevices = mla_bundle_get_info(first->get())->device_memory;
  if (Error error = onDevices ? runOnDevices(options, runs) : runOnHost(options, runs))
    return error;
  if (std::optional<Error> error = errorOf(runs))
    return *error;
  bool passed = *runs.front().passed;
  if (!agree(runs))
    return false;
  bool isCheck = options.mode == Options::Mode::Check || options.mode == Options::Mode::SelfCheck;
  if (isCheck && passed && runs.front().digests.empty())
    return std::printf("FAILED: the ranks have no results to compare\n"), false;
  if (isCheck && passed)
    std::printf("passed: %" PRId64 " ranks have the same results, bit by bit\n", ranks);
  return passed;
}

Result<bool> mla::run::runAllRanks(const Options &options, int64_t ranks) {
  switch (options.mode) {
  case Options::Mode::Info:
  case Options::Mode::Certificate:
    return runInspection(options, ranks);
  case Options::Mode::Profile:
  case Options::Mode::Tune:
    return Error(ErrorKind::Unsupported, options.bundle + ": has " + std::to_string(ranks) +
                                             " ranks, which --profile and --tune do not run; use --bench");
  default:
    return runThreads(options, ranks);
  }
}

//===----------------------------------------------------------------------===//
// Processes
//===----------------------------------------------------------------------===//

/// Meet the processes of the other ranks, and run the mode.
static Result<bool> runAsProcess(const Options &options, int64_t ranks) {
  mla_comm_options given = commOptions(options);
  mla_comm *made = nullptr;
  if (Error error = toError(mla_comm_open_file(options.idFile.c_str(), ranks, options.rank, &given, &made)))
    return error;
  Comm comm(made);
  return runRank(options, made);
}

/// The same on a device: of its number, where several are shown.
static Result<bool> runAsProcessOnDevice(const Options &options, int64_t ranks) {
  int32_t devices = mla_device_count();
  if (!devices)
    return toError(MLA_NO_DEVICE);
  IdFile file(options.idFile, options.rank);
  Result<mla_comm_id> id = file.exchange(options.timeoutSeconds);
  if (!id)
    return id.error();
  Result<Comm> comm = joinOnDevice(options, *id, ranks, options.rank, static_cast<int32_t>(options.rank % devices));
  return comm ? runRank(options, comm->get()) : comm.error();
}

Result<bool> mla::run::runOneRank(const Options &options, int64_t ranks) {
  Options own = ranks ? optionsOf(options, options.rank) : options;
  own.quiet = options.rank != 0;
  if (ranks && options.rank >= ranks)
    return Error(ErrorKind::InvalidArgument, options.bundle + ": has ranks 0 to " + std::to_string(ranks - 1) +
                                                 ", but --rank is " + std::to_string(options.rank));
  Result<Bundle> inspected = inspect(own.bundle);
  if (!inspected)
    return inspected.error();
  const mla_bundle_info &info = *mla_bundle_get_info(inspected->get());
  int64_t count = info.ranks;
  if (options.rank >= count)
    return Error(ErrorKind::InvalidArgument, own.bundle + ": is of " + std::to_string(count) +
                                                 " ranks, but --rank is " + std::to_string(options.rank) +
                                                 "; compile with --tp=N, or leave --rank out");
  return info.device_memory ? runAsProcessOnDevice(own, count) : runAsProcess(own, count);
}
