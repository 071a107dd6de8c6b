//===- Nccl.cpp - NCCL, by dlopen -----------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Nccl.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <mutex>

using namespace mla;
using namespace mla::nccl;

std::string Library::describe(Status status) const {
  const char *text = ncclGetErrorString(status);
  return "NCCL error " + std::to_string(status) + (text ? std::string(" (") + text + ")" : "");
}

template <typename Function> static bool find(void *library, const char *symbol, Function &function) {
  // Through memcpy: C++ does not convert between pointers to objects and to functions.
  void *address = dlsym(library, symbol);
  std::memcpy(&function, &address, sizeof(address));
  return address;
}

static Error load(const std::string &where, Library &library) {
  const char *path = std::getenv("MLA_LIBNCCL");
  if (!path || !*path)
    path = "libnccl.so.2";
  // NVLink multicast is off unless the user wants it: not all virtual machines can set it up. NCCL reads this once.
  setenv("NCCL_NVLS_ENABLE", "0", /*overwrite=*/0);
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  const char *reason = handle ? nullptr : dlerror();
  if (!handle)
    return Error(ErrorKind::NoDevice, where + ": no NCCL: " + (reason ? reason : path) +
                                          "; install it (PyTorch for CUDA brings one: nvidia/nccl/lib), and name it "
                                          "in MLA_LIBNCCL if the loader does not find it");
  const char *missing = find(handle, "ncclGetErrorString", library.ncclGetErrorString) ? nullptr : "ncclGetErrorString";
#define MLA_NCCL_FIND(name, parameters)                                                                                \
  if (!find(handle, #name, library.name))                                                                              \
    missing = #name;
  MLA_NCCL_FUNCTIONS(MLA_NCCL_FIND)
#undef MLA_NCCL_FIND
  if (!missing)
    return {};
  return Error(ErrorKind::Unsupported,
               where + ": " + path + " is too old: it has no " + missing + "; use NCCL 2.18 or later");
}

Result<const Library *> nccl::library(const std::string &where) {
  static std::mutex mutex;
  static Library loaded;
  static bool ready = false;
  std::lock_guard<std::mutex> lock(mutex);
  if (!ready) {
    Library library;
    if (Error error = load(where, library))
      return error;
    loaded = library;
    ready = true;
  }
  return &loaded;
}
