//===- Status.cpp - Errors of the C API -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Status.h"

#include <cstring>

using namespace mla;

static_assert(static_cast<int>(ErrorKind::InvalidArgument) == MLA_INVALID_ARGUMENT);
static_assert(static_cast<int>(ErrorKind::IO) == MLA_IO_ERROR);
static_assert(static_cast<int>(ErrorKind::InvalidFile) == MLA_INVALID_FILE);
static_assert(static_cast<int>(ErrorKind::Unsupported) == MLA_UNSUPPORTED);
static_assert(static_cast<int>(ErrorKind::OutOfMemory) == MLA_OUT_OF_MEMORY);
static_assert(static_cast<int>(ErrorKind::OutOfPages) == MLA_OUT_OF_PAGES);
static_assert(static_cast<int>(ErrorKind::NoDevice) == MLA_NO_DEVICE);
static_assert(static_cast<int>(ErrorKind::DeviceError) == MLA_DEVICE_ERROR);
static_assert(static_cast<int>(ErrorKind::Rank) == MLA_RANK_ERROR);

// A plain array needs no destructor at the end of a thread, which might run after the library is unloaded.
static thread_local char lastError[2048];

mla_status mla::report(const Error &error) {
  if (!error)
    return MLA_OK;
  size_t size = std::min(error.message().size(), sizeof(lastError) - 1);
  std::memcpy(lastError, error.message().data(), size);
  lastError[size] = 0;
  return static_cast<mla_status>(error.kind());
}

const char *mla_last_error(void) { return lastError; }

const char *mla_version(void) { return MLA_VERSION; }

const char *mla_status_name(mla_status status) {
  switch (status) {
  case MLA_OK:
    return "MLA_OK";
  case MLA_INVALID_ARGUMENT:
    return "MLA_INVALID_ARGUMENT";
  case MLA_IO_ERROR:
    return "MLA_IO_ERROR";
  case MLA_INVALID_FILE:
    return "MLA_INVALID_FILE";
  case MLA_UNSUPPORTED:
    return "MLA_UNSUPPORTED";
  case MLA_OUT_OF_MEMORY:
    return "MLA_OUT_OF_MEMORY";
  case MLA_OUT_OF_PAGES:
    return "MLA_OUT_OF_PAGES";
  case MLA_NO_DEVICE:
    return "MLA_NO_DEVICE";
  case MLA_DEVICE_ERROR:
    return "MLA_DEVICE_ERROR";
  case MLA_RANK_ERROR:
    return "MLA_RANK_ERROR";
  }
  return "an unknown status";
}
