//===- EntryComm.cpp - The communicator of a running entry ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EntryComm.h"

#pragma GCC visibility push(default)
#include "mla/abi.h"
#pragma GCC visibility pop

#include <cstring>
#include <utility>

using namespace mla;

static thread_local HostComm *current = nullptr;
static thread_local bool lacks = false;

EntryScope::EntryScope(HostComm *comm)
    : team(comm ? comm->team : nullptr), before(std::exchange(current, comm)),
      lackedBefore(std::exchange(lacks, false)) {}

EntryScope::~EntryScope() {
  current = before;
  lacks = lackedBefore;
}

bool EntryScope::lacksComm() const { return lacks; }

/// Without a communicator there is one rank, whose block is copied; a group of more is an error.
static void copyAlone(int64_t ranks, const void *in, void *out, int64_t bytes) {
  lacks |= ranks != 1;
  if (bytes > 0)
    std::memmove(out, in, static_cast<size_t>(bytes));
}

void mla_all_reduce(int64_t ranks, void *data, int64_t count, int32_t element) {
  if (current)
    return current->allReduce(ranks, data, count, element);
  lacks |= ranks != 1;
}

void mla_all_gather(int64_t ranks, const void *in, void *out, int64_t bytes) {
  current ? current->allGather(ranks, in, out, bytes) : copyAlone(ranks, in, out, bytes);
}

void mla_all_to_all(int64_t ranks, const void *in, void *out, int64_t bytes) {
  current ? current->allToAll(ranks, in, out, bytes) : copyAlone(ranks, in, out, bytes);
}
