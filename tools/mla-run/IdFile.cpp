//===- IdFile.cpp - The id of a group of GPUs -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "IdFile.h"
#include "Handles.h"
#include "ReadFile.h"
#include "TimeLimit.h"
#include "WriteFile.h"

#include <chrono>
#include <cstring>
#include <thread>
#include <unistd.h>

using namespace mla;
using namespace mla::run;

static constexpr char magic[] = "mla-comm-id-1\n";
static constexpr size_t magicBytes = sizeof(magic) - 1, idBytes = sizeof(mla_comm_id);

IdFile::~IdFile() {
  if (isWritten)
    ::unlink(path.c_str());
}

Result<mla_comm_id> IdFile::make() {
  mla_comm_id id = {};
  if (Error error = toError(mla_comm_create_id(&id)))
    return error;
  Result<WholeFile> file = WholeFile::create(path);
  if (!file)
    return file.error();
  if (Error error = file->finish(std::string(magic, magicBytes) + std::string(id.bytes, idBytes)))
    return error;
  isWritten = true;
  return id;
}

Result<mla_comm_id> IdFile::exchange(double timeoutSeconds) {
  if (rank == 0)
    return make();
  TimeLimit limit(timeoutSeconds);
  for (;;) {
    Result<std::string> text = readForeignFile(path, magicBytes + idBytes);
    mla_comm_id id;
    if (text && text->size() == magicBytes + idBytes && text->compare(0, magicBytes, magic) == 0)
      return std::memcpy(id.bytes, text->data() + magicBytes, idBytes), id;
    if (limit.hasPassed())
      return Error(ErrorKind::Rank, path + ": rank 0 did not write the id of its group within " + limit.text() +
                                        "; start all ranks, each with its number");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}
