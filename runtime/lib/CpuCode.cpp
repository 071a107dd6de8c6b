//===- CpuCode.cpp - Native code of a bundle ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device.h"
#include "EntryComm.h"
#include "Library.h"
#include "Manifest.h"
#include "Memory.h"
#include "StackRoom.h"
#include "Text.h"

#include "mla/abi.h"

#include <cstring>
#include <dlfcn.h>
#include <link.h>

using namespace mla;

namespace {
/// A ranked memref as MLIR lays it out, for any rank: sizes, then strides, in one array.
struct Descriptor {
  void *allocated, *aligned;
  int64_t offset;
  int64_t sizesAndStrides[2 * Tensor::maxRank];
};

class CpuCode : public Code {
public:
  CpuCode(std::string path, std::unique_ptr<Library> library, HostComm *comm)
      : path(std::move(path)), library(std::move(library)), comm(comm) {}
  Error bind(const Manifest &manifest);
  Error run(int64_t entry, const EntryArguments &arguments) const override;
  Error runEnd(End end, const EndArguments &arguments) const override;
  const char *compiledFor() const override;

private:
  Result<mla_entry_fn> find(const std::string &symbol) const;
  Error call(mla_entry_fn entry, std::initializer_list<const Tensor *> inputs, const Tensor *weights,
             int64_t numWeights, const Tensor &out) const;
  Error callWithComm(mla_entry_fn entry, void **descriptors) const;

  std::string path;
  std::unique_ptr<Library> library;
  HostComm *comm; ///< null: of one rank
  std::vector<mla_entry_fn> entries;
  mla_entry_fn ends[numEnds] = {};
};
} // namespace

static Descriptor describe(const Tensor &tensor) {
  Descriptor result = {};
  result.allocated = result.aligned = tensor.data;
  int64_t stride = 1;
  for (int i = tensor.rank - 1; i >= 0; --i) {
    result.sizesAndStrides[i] = tensor.sizes[i];
    result.sizesAndStrides[tensor.rank + i] = stride;
    stride *= tensor.sizes[i];
  }
  return result;
}

/// Returns whether `address` is in the library itself: dlsym also searches the libraries it needs, and "exit" is no
/// entry.
static bool isFrom(void *library, void *address) {
  Dl_info info = {};
  link_map *map = nullptr;
  return dladdr(address, &info) && dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 && info.dli_fname &&
         std::strcmp(info.dli_fname, map->l_name) == 0;
}

Result<mla_entry_fn> CpuCode::find(const std::string &symbol) const {
  void *address = dlsym(library->handle(), symbol.c_str());
  if (!address || !isFrom(library->handle(), address))
    return Error(ErrorKind::InvalidFile, path + ": has no symbol " + quoted(symbol) +
                                             ", which the manifest names as an entry; compile the bundle again");
  return reinterpret_cast<mla_entry_fn>(address);
}

Error CpuCode::bind(const Manifest &manifest) {
  for (const ManifestEntry &entry : manifest.entries) {
    Result<mla_entry_fn> address = find(entry.symbol);
    if (!address)
      return address.error();
    entries.push_back(*address);
  }
  for (size_t end = 0; end < numEnds && manifest.vocabSize; ++end) {
    Result<mla_entry_fn> address = find(manifest.ends[end].symbol);
    if (!address)
      return address.error();
    ends[end] = *address;
  }
  return {};
}

const char *CpuCode::compiledFor() const {
  void *address = dlsym(library->handle(), MLA_COMPILED_FOR);
  return address && isFrom(library->handle(), address) ? static_cast<const char *>(address) : nullptr;
}

namespace {
/// A call of an entry, on whichever thread has the stack.
struct Call {
  mla_entry_fn entry;
  void **descriptors;
  HostComm *comm;
  int32_t status = 0;
  bool lacksComm = false;

  void run() {
    EntryScope scope(comm);
    status = mla_call_entry(entry, descriptors);
    lacksComm = scope.lacksComm();
  }
};
} // namespace

static Error callEntry(const std::string &path, Call &call) {
  Error error = callWithStack([](void *context) { static_cast<Call *>(context)->run(); }, &call);
  if (!error && call.status != 0)
    return outOfMemory(path, "what the layer computes on its way");
  if (!error && call.lacksComm)
    return Error(ErrorKind::InvalidFile,
                 path + ": exchanges data with other ranks, but the manifest has no 'ranks'; compile the bundle again");
  return error;
}

/// The other ranks wait for this one, so whatever goes wrong here ends the communicator.
Error CpuCode::callWithComm(mla_entry_fn entry, void **descriptors) const {
  std::unique_lock<std::mutex> lock(comm->inUse, std::try_to_lock);
  if (!lock)
    return Error(ErrorKind::InvalidArgument,
                 path + ": another thread runs a step with its communicator; run one at a time, in the order of the "
                        "other ranks");
  if (Error error = comm->failure(path))
    return error;
  Call call = {entry, descriptors, comm};
  Error error = callEntry(path, call);
  if (error)
    comm->failAs("failed: " + error.message());
  return error ? error : comm->failure(path);
}

Error CpuCode::call(mla_entry_fn entry, std::initializer_list<const Tensor *> inputs, const Tensor *weights,
                    int64_t numWeights, const Tensor &out) const {
  Descriptor descriptors[7 + maxEntryWeights];
  void *pointers[7 + maxEntryWeights];
  int64_t count = 0;
  auto add = [&](const Tensor &tensor) {
    descriptors[count] = describe(tensor);
    pointers[count] = &descriptors[count];
    ++count;
  };
  for (const Tensor *tensor : inputs)
    if (tensor->rank)
      add(*tensor);
  for (int64_t i = 0; i < numWeights; ++i)
    add(weights[i]);
  add(out);
  if (comm)
    return callWithComm(entry, pointers);
  Call call = {entry, pointers, nullptr};
  return callEntry(path, call);
}

Error CpuCode::run(int64_t entry, const EntryArguments &arguments) const {
  return call(entries[entry],
              {&arguments.hidden, &arguments.cuSeqlens, &arguments.pages, &arguments.blockTable, &arguments.lengths,
               &arguments.adapters},
              arguments.weights, arguments.numWeights, arguments.out);
}

Error CpuCode::runEnd(End end, const EndArguments &arguments) const {
  return call(ends[static_cast<size_t>(end)], {&arguments.in}, arguments.weights, arguments.numWeights, arguments.out);
}

Result<std::unique_ptr<Code>> mla::loadCpuCode(const std::string &path, const Manifest &manifest, HostComm *comm) {
  Result<std::unique_ptr<Library>> library = Library::open(path);
  if (!library)
    return library.error();
  auto code = std::make_unique<CpuCode>(path, std::move(*library), comm);
  if (Error error = code->bind(manifest))
    return error;
  return std::unique_ptr<Code>(std::move(code));
}
