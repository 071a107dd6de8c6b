//===- Nccl.cpp - NCCL, by dlopen -----------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Nccl.h"
#include "LoadOnce.h"

using namespace mla;
using namespace mla::nccl;

std::string Library::describe(Status status) const {
  const char *text = ncclGetErrorString(status);
  return "NCCL error " + std::to_string(status) + (text ? std::string(" (") + text + ")" : "");
}

static Error load(const std::string &where, Library &library) {
  // NVLink multicast is off unless the user wants it: not all virtual machines can set it up. NCCL reads this once.
  setenv("NCCL_NVLS_ENABLE", "0", /*overwrite=*/0);
  std::string path = libraryPath("MLA_LIBNCCL", "libnccl.so.2");
  Result<void *> handle = openLibrary(path, where + ": no NCCL",
                                      "install it (PyTorch for CUDA brings one: nvidia/nccl/lib), and name it in "
                                      "MLA_LIBNCCL if the loader does not find it");
  if (!handle)
    return handle.error();
  const char *missing =
      findFunction(*handle, "ncclGetErrorString", library.ncclGetErrorString) ? nullptr : "ncclGetErrorString";
#define MLA_NCCL_FIND(name, parameters)                                                                                \
  if (!findFunction(*handle, #name, library.name))                                                                     \
    missing = #name;
  MLA_NCCL_FUNCTIONS(MLA_NCCL_FIND)
#undef MLA_NCCL_FIND
  if (!missing)
    return {};
  return Error(ErrorKind::Unsupported,
               where + ": " + path + " is too old: it has no " + missing + "; use NCCL 2.18 or later");
}

Result<const Library *> nccl::library(const std::string &where) { return loadOnce<Library>(where, load); }
