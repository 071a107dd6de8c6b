//===- Emulator.cpp - mla-run --emulate -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emulator.h"
#include "Json.h"

#include "mla/emulator.h"
#include "mla/runtime.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <vector>

using namespace mla;
using namespace mla::run;

static constexpr const char *libraryName = "libmla-emulated-cuda.so", *variable = "MLA_LIBCUDA";
static constexpr const char *ncclName = "libmla-emulated-nccl.so", *ncclVariable = "MLA_LIBNCCL";

/// Give the emulated driver as many devices as there are ranks, unless the user has chosen their number.
static void setDevices(int64_t ranks) {
  const char *chosen = std::getenv("MLA_EMULATOR");
  std::string settings = chosen ? chosen : "";
  if (ranks < 2 || settings.find("devices=") != settings.npos)
    return;
  settings += (settings.empty() ? "devices=" : ",devices=") + std::to_string(ranks);
  setenv("MLA_EMULATOR", settings.c_str(), /*overwrite=*/1);
}

Error mla::run::useEmulatedDevices(int64_t ranks) {
  setDevices(ranks);
  Dl_info runtime;
  void *address = nullptr;
  mla_status (*function)(const char *, mla_bundle **) = mla_bundle_open;
  std::memcpy(&address, &function, sizeof(address));
  if (!dladdr(address, &runtime) || !runtime.dli_fname)
    return Error(ErrorKind::NoDevice, "mla-run: --emulate: cannot find the place of the runtime's library");
  std::string path = runtime.dli_fname;
  size_t slash = path.rfind('/');
  std::string directory = slash == path.npos ? "" : path.substr(0, slash + 1);
  path = directory + libraryName;
  setenv(ncclVariable, (directory + ncclName).c_str(), /*overwrite=*/1);
  if (!dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))
    return Error(ErrorKind::NoDevice,
                 std::string("mla-run: --emulate: ") + dlerror() + "; the library belongs beside libmla-runtime.so");
  setenv(variable, path.c_str(), /*overwrite=*/1);
  return {};
}

static std::vector<mla_emulator_counters> counters() {
  decltype(&mla_emulator_get_counters) get = nullptr;
  const char *path = std::getenv(variable);
  if (!path)
    return {};
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  void *address = library ? dlsym(library, "mla_emulator_get_counters") : nullptr;
  if (!address)
    return {};
  std::memcpy(&get, &address, sizeof(get));
  std::vector<mla_emulator_counters> result(static_cast<size_t>(get(nullptr, 0)));
  get(result.data(), static_cast<int64_t>(result.size()));
  return result;
}

namespace {
struct Column {
  const char *name;
  uint64_t mla_emulator_counters::*value;
};
} // namespace

static constexpr Column columns[] = {
    {"launches", &mla_emulator_counters::launches},
    {"blocks", &mla_emulator_counters::blocks},
    {"thread_instructions", &mla_emulator_counters::thread_instructions},
    {"integer", &mla_emulator_counters::integer},
    {"floating", &mla_emulator_counters::floating},
    {"moves", &mla_emulator_counters::moves},
    {"control", &mla_emulator_counters::control},
    {"global", &mla_emulator_counters::global},
    {"shared", &mla_emulator_counters::shared},
    {"warp", &mla_emulator_counters::warp},
    {"barriers", &mla_emulator_counters::barriers},
    {"copies", &mla_emulator_counters::copies},
    {"products", &mla_emulator_counters::products},
    {"other", &mla_emulator_counters::other},
    {"product_flops", &mla_emulator_counters::product_flops},
    {"global_read", &mla_emulator_counters::global_read},
    {"global_written", &mla_emulator_counters::global_written},
    {"copied_in", &mla_emulator_counters::copied_in},
    {"copied_out", &mla_emulator_counters::copied_out},
    {"shared_read", &mla_emulator_counters::shared_read},
    {"shared_written", &mla_emulator_counters::shared_written},
    {"shared_accesses", &mla_emulator_counters::shared_accesses},
    {"bank_conflicts", &mla_emulator_counters::bank_conflicts},
    {"largest_block", &mla_emulator_counters::largest_block},
};

std::map<std::string, uint64_t> mla::run::countInstructions() {
  std::map<std::string, uint64_t> instructions;
  for (const mla_emulator_counters &kernel : counters())
    instructions[kernel.kernel] = kernel.thread_instructions;
  return instructions;
}

void mla::run::printCounters() {
  for (const mla_emulator_counters &kernel : counters()) {
    std::printf("%s\n", kernel.kernel);
    for (const Column &column : columns)
      if (kernel.*column.value)
        std::printf("  %-20s %" PRIu64 "\n", column.name, kernel.*column.value);
  }
}

std::string mla::run::countersAsJson() {
  std::string text = "[";
  for (const mla_emulator_counters &kernel : counters()) {
    text += std::string(text.size() > 1 ? ", " : "") + "{\"kernel\": " + json::quote(kernel.kernel);
    for (const Column &column : columns)
      text += std::string(", \"") + column.name + "\": " + std::to_string(kernel.*column.value);
    text += "}";
  }
  return text + "]";
}
