//===- GpuEnqueue.cpp - Launching a list of kernels -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuCode.h"
#include "Text.h"

using namespace mla;

using schema::Limit;

static constexpr int64_t maxGrid[3] = {Limit::GridX, Limit::GridYZ, Limit::GridYZ};

namespace {
/// The scratch buffers of a list, one after the other.
class Workspace {
public:
  /// Lays them out from `start` on; returns the total bytes.
  Result<uint64_t> place(const LaunchList &list, const Sizes &sizes, uint64_t start);
  const DeviceArray &operator[](size_t index) const { return buffers[index]; }

private:
  DeviceArray buffers[maxTemps]; // an enqueue does not allocate
};

/// Enqueues one list.
class Enqueuer {
public:
  Enqueuer(const cuda::Driver &driver, const LaunchList &list, const LaunchBindings &bindings, const Sizes &sizes,
           const Workspace &workspace)
      : driver(driver), list(list), bindings(bindings), sizes(sizes), workspace(workspace) {}

  Error launch(const Launch &launch, cuda::Function function, bool mayOverlap);
  Error exchange(const Launch &launch, GpuComm *comm);

  /// Whether the last work on the stream was a collective, as far as is known. No kernel may overlap one.
  bool isAfterCollective = false;

private:
  /// A parameter's value; the largest is a tensor map.
  union Slot {
    cuda::TensorMap map;
    uint64_t address;
    int32_t integer;
    float number;
  };
  const cuda::Driver &driver;
  const LaunchList &list;
  const LaunchBindings &bindings;
  const Sizes &sizes;
  const Workspace &workspace;
  Slot slots[maxArguments];
  void *pointers[maxArguments];

  Error evaluateGrid(const Launch &launch, unsigned (&grid)[3], bool &empty) const;
  Error checkProcessors(const Expression &blocks) const;
  Error resolveBound(const BufferBinding &binding, DeviceArray &array) const;
  Error resolve(const BufferUse &use, DeviceArray &array) const;
  Error fill(const LaunchArgument &argument, Slot &slot) const;
  Error encode(const LaunchArgument &argument, cuda::TensorMap &map) const;
  Error shape(const LaunchArgument &argument, uint64_t (&dims)[maxMapRank], uint64_t (&strides)[maxMapRank],
              uint64_t &reach) const;
};
} // namespace

/// Returns the error for a launch list that cannot be executed.
static Error impossible(std::string what) {
  return Error(ErrorKind::InvalidFile, std::move(what) + "; compile the bundle again");
}

Result<uint64_t> Workspace::place(const LaunchList &list, const Sizes &sizes, uint64_t start) {
  constexpr int64_t most = int64_t(1) << 48; // a sum of them does not overflow
  uint64_t offset = 0;
  for (size_t i = 0; i < list.workspace.size(); ++i) {
    Result<int64_t> bytes = list.workspace[i].evaluate(sizes);
    if (!bytes)
      return bytes.error();
    if (*bytes < 0 || *bytes > most)
      return Error(ErrorKind::InvalidArgument,
                   "a scratch buffer would have " + std::to_string(*bytes) + " bytes; lower the sizes");
    buffers[i] = {start + offset, static_cast<uint64_t>(*bytes)};
    offset += (*bytes + workspaceAlignment - 1) / workspaceAlignment * workspaceAlignment;
  }
  return offset;
}

Error Enqueuer::evaluateGrid(const Launch &launch, unsigned (&grid)[3], bool &empty) const {
  empty = false;
  for (int i = 0; i < 3; ++i) {
    Result<int64_t> blocks = launch.grid[i].evaluate(sizes);
    if (!blocks)
      return blocks.error();
    if (*blocks < 0 || *blocks > maxGrid[i])
      return Error(ErrorKind::InvalidArgument, "the grid would have " + std::to_string(*blocks) +
                                                   " blocks in dimension " + std::to_string(i) + ", at most " +
                                                   std::to_string(maxGrid[i]) + " are possible; lower the sizes");
    grid[i] = static_cast<unsigned>(*blocks);
    if (*blocks)
      continue;
    empty = true;
    if (Error error = checkProcessors(launch.grid[i]))
      return error;
  }
  return {};
}

/// A launch without work is skipped. On a device with too few SMs for the kernel there is work, and skipping it would
/// leave its result unwritten.
Error Enqueuer::checkProcessors(const Expression &blocks) const {
  constexpr int64_t many = 1 << 20;
  Sizes larger = sizes;
  larger[Size::Processors] = many;
  Result<int64_t> others = blocks.evaluate(larger);
  if (others && *others == 0)
    return {};
  return Error(ErrorKind::Unsupported, "the device's " + std::to_string(sizes[Size::Processors]) +
                                           " multiprocessors are too few for it; compile the bundle again, or take a "
                                           "larger device");
}

/// Resolves a caller's address; its extent follows from the list and the sizes.
Error Enqueuer::resolveBound(const BufferBinding &binding, DeviceArray &array) const {
  Result<uint64_t> bytes = binding.bytes(sizes);
  if (!bytes)
    return bytes.error();
  array = {bindings[binding.buffer], *bytes};
  if (!array.address)
    return Error(ErrorKind::InvalidArgument, std::string(nameOf(binding.buffer)) + " is NULL, but needed; pass it");
  return {};
}

/// Resolves the rest of a buffer from the offset on.
Error Enqueuer::resolve(const BufferUse &use, DeviceArray &array) const {
  if (use.kind == BufferUse::Bound) {
    if (Error error = resolveBound(list.bindings[use.index], array))
      return error;
  } else {
    array = use.kind == BufferUse::Weight ? bindings.weights[use.index] : workspace[use.index];
  }
  uint64_t offset = static_cast<uint64_t>(use.offset);
  if (offset > array.bytes)
    return impossible("offset " + std::to_string(offset) + " lies beyond a buffer of " + std::to_string(array.bytes) +
                      " bytes");
  array.bytes -= offset;
  array.address += offset;
  return {};
}

/// Evaluates dims and strides, and the bytes that the map covers from its start.
Error Enqueuer::shape(const LaunchArgument &argument, uint64_t (&dims)[maxMapRank], uint64_t (&strides)[maxMapRank],
                      uint64_t &reach) const {
  for (size_t i = 0; i < argument.dims.size(); ++i) {
    Result<int64_t> dim = argument.dims[i].evaluate(sizes);
    Result<int64_t> stride = i ? argument.strides[i - 1].evaluate(sizes) : Result<int64_t>(int64_t(0));
    if (!dim || !stride)
      return dim ? stride.error() : dim.error();
    if (*dim < 1 || *dim > Limit::MapDim)
      return impossible("dimension " + std::to_string(i) + " has " + std::to_string(*dim) +
                        " elements, which is not 1 to 2^32");
    if (*stride < 0 || *stride >= Limit::MapStrideEnd || *stride % Limit::MapAlignment != 0)
      return impossible("dimension " + std::to_string(i) + " has a stride of " + std::to_string(*stride) +
                        " bytes, which is no multiple of 16 below 2^40");
    dims[i] = *dim;
    uint64_t more = 0;
    if (i == 0) {
      reach = schema::bytesOf(dims[0], bitsOf(argument.element));
      continue;
    }
    strides[i - 1] = *stride;
    if (__builtin_mul_overflow(dims[i] - 1, strides[i - 1], &more) || __builtin_add_overflow(reach, more, &reach))
      return impossible("the tensor exceeds 64 bits");
  }
  return {};
}

/// The CUtensorMapDataType. The driver moves bytes of 8-bit elements, whatever they mean.
static int mapTypeOf(Element element) {
  switch (element) {
  case Element::F32:
    return cuda::tensorMapF32;
  case Element::I32:
    return cuda::tensorMapI32;
  case Element::F8E4M3FN:
  case Element::I8:
    return cuda::tensorMapU8;
  case Element::BF16:
  case Element::DType: // of bindings only
  case Element::CacheDType:
    return cuda::tensorMapBF16;
  }
  return cuda::tensorMapBF16;
}

Error Enqueuer::encode(const LaunchArgument &argument, cuda::TensorMap &map) const {
  DeviceArray array;
  if (Error error = resolve(argument.buffer, array))
    return error;
  uint64_t dims[maxMapRank] = {}, strides[maxMapRank] = {}, reach = 0;
  if (Error error = shape(argument, dims, strides, reach))
    return error;
  if (reach > array.bytes)
    return impossible("the tensor reaches " + std::to_string(reach) + " bytes into a buffer of " +
                      std::to_string(array.bytes));
  static const uint32_t ones[maxMapRank] = {1, 1, 1, 1, 1};
  cuda::Status status = driver.cuTensorMapEncodeTiled(
      &map, mapTypeOf(argument.element), static_cast<uint32_t>(argument.dims.size()),
      reinterpret_cast<void *>(array.address), dims, strides, argument.box.data(), ones, /*interleave=*/0,
      argument.swizzled ? cuda::tensorMapSwizzle128 : cuda::tensorMapSwizzleNone, cuda::tensorMapL2Promotion256,
      /*outOfBoundsFill=*/0);
  return status ? driver.failed("tensor map", "cuTensorMapEncodeTiled", status) : Error();
}

Error Enqueuer::fill(const LaunchArgument &argument, Slot &slot) const {
  switch (argument.kind) {
  case LaunchArgument::Kind::Map:
    return encode(argument, slot.map);
  case LaunchArgument::Kind::Pointer: {
    DeviceArray array;
    if (Error error = resolve(argument.buffer, array))
      return error;
    slot.address = array.address;
    return {};
  }
  case LaunchArgument::Kind::Integer: {
    Result<int64_t> value = argument.value.evaluate(sizes);
    if (!value)
      return value.error();
    if (*value < INT32_MIN || *value > INT32_MAX)
      return Error(ErrorKind::InvalidArgument,
                   "the number " + std::to_string(*value) + " exceeds 32 bits; lower the sizes");
    slot.integer = static_cast<int32_t>(*value);
    return {};
  }
  case LaunchArgument::Kind::Float:
    slot.number = bindings.scaleLog2e != 0 ? static_cast<float>(bindings.scaleLog2e) : argument.number;
    return {};
  }
  return {};
}

Error Enqueuer::launch(const Launch &launch, cuda::Function function, bool mayOverlap) {
  cuda::LaunchAttribute overlap = {};
  overlap.id = cuda::programmaticStreamSerialization;
  overlap.value.programmaticStreamSerialization = 1;
  cuda::LaunchConfig config = {};
  bool empty = false;
  if (Error error = evaluateGrid(launch, config.grid, empty))
    return error;
  if (empty)
    return {};
  for (size_t i = 0; i < launch.arguments.size(); ++i) {
    if (Error error = fill(launch.arguments[i], slots[i]))
      return Error(error.kind(), "argument " + std::to_string(i) + ": " + error.message());
    pointers[i] = &slots[i];
  }
  config.block[0] = launch.threads;
  config.block[1] = config.block[2] = 1;
  config.sharedBytes = launch.shared;
  config.stream = bindings.stream;
  config.attributes = mayOverlap ? &overlap : nullptr;
  config.numAttributes = mayOverlap ? 1 : 0;
  if (cuda::Status status = driver.cuLaunchKernelEx(&config, function, pointers, nullptr))
    return driver.failed("launch", "cuLaunchKernelEx", status);
  isAfterCollective = false;
  return bindings.timer ? bindings.timer->launched(launch, config.grid) : Error();
}

/// Returns the blocks of the buffers that a collective reads and writes.
static std::pair<uint64_t, uint64_t> blocksOf(const CollectiveLaunch &collective) {
  auto ranks = static_cast<uint64_t>(collective.ranks);
  switch (collective.kind) {
  case schema::Collective::AllReduce:
    return {1, 1};
  case schema::Collective::AllGather:
    return {1, ranks};
  case schema::Collective::AllToAll:
    break;
  }
  return {ranks, ranks};
}

/// Enqueues a collective; of one rank, a copy.
Error Enqueuer::exchange(const Launch &launch, GpuComm *comm) {
  const CollectiveLaunch &collective = *launch.collective;
  Result<int64_t> count = collective.count.evaluate(sizes);
  if (!count)
    return count.error();
  constexpr int64_t most = int64_t(1) << 40;
  if (*count < 0 || *count > most)
    return Error(ErrorKind::InvalidArgument,
                 "it would exchange " + std::to_string(*count) + " elements; lower the sizes");
  DeviceArray in, out;
  if (Error error = resolve(collective.in, in))
    return error;
  if (Error error = resolve(collective.out, out))
    return error;
  auto [read, written] = blocksOf(collective);
  uint64_t bytes = schema::bytesOf(static_cast<uint64_t>(*count), bitsOf(collective.element));
  if (read * bytes > in.bytes || written * bytes > out.bytes)
    return impossible("it exchanges " + std::to_string(bytes) + " bytes a block, with buffers of " +
                      std::to_string(in.bytes) + " and " + std::to_string(out.bytes));
  if (*count == 0)
    return {};
  isAfterCollective = true;
  if (collective.ranks > 1)
    if (Error error = comm->enqueue({collective.kind, collective.ranks, in.address, out.address,
                                     static_cast<uint64_t>(*count), collective.element, bindings.stream}))
      return error;
  if (collective.ranks == 1 && in.address != out.address)
    if (cuda::Status status = driver.cuMemcpyDtoDAsync(out.address, in.address, bytes, bindings.stream))
      return driver.failed("copy", "cuMemcpyDtoDAsync", status);
  unsigned grid[3] = {1, 1, 1};
  return bindings.timer ? bindings.timer->launched(launch, grid) : Error();
}

Result<uint64_t> mla::workspaceBytes(const char *where, const LaunchList &list, const Sizes &sizes) {
  Workspace workspace;
  Result<uint64_t> bytes = workspace.place(list, sizes, 0);
  if (!bytes)
    return Error(bytes.error().kind(), std::string(where) + ": workspace: " + bytes.error().message());
  return bytes;
}

Result<uint64_t> GpuCode::workspaceBytes(const char *where, const LaunchList &list, Sizes sizes) const {
  sizes[Size::Processors] = cudaContext->processors;
  return mla::workspaceBytes(where, list, sizes);
}

/// Of several ranks, all enqueue in the same order: so one thread at a time.
Error GpuCode::enqueue(const char *where, const LaunchList &list, const LaunchBindings &bindings) const {
  if (!comm)
    return enqueueLocked(where, list, bindings);
  std::unique_lock<std::mutex> lock(comm->inUse, std::try_to_lock);
  if (!lock)
    return Error(ErrorKind::InvalidArgument,
                 std::string(where) + ": another thread enqueues with the bundle's communicator; enqueue one "
                                      "step at a time, in the order of the other ranks");
  Error error = comm->failure(where);
  return error ? error : enqueueLocked(where, list, bindings);
}

Error GpuCode::enqueueLocked(const char *where, const LaunchList &list, const LaunchBindings &bindings) const {
  Sizes sizes = bindings.sizes;
  sizes[Size::Processors] = cudaContext->processors;
  Workspace workspace;
  Result<uint64_t> bytes = workspace.place(list, sizes, bindings.workspace.address);
  if (!bytes)
    return Error(bytes.error().kind(), std::string(where) + ": workspace: " + bytes.error().message());
  if (*bytes > bindings.workspace.bytes)
    return Error(ErrorKind::InvalidArgument, std::string(where) + ": workspace_bytes is " +
                                                 std::to_string(bindings.workspace.bytes) + ", these sizes need " +
                                                 std::to_string(*bytes) + "; ask for the workspace of the same sizes");
  ContextScope scope(*cudaContext);
  if (Error error = scope.error(where))
    return error;
  if (Error error = bindings.timer ? bindings.timer->start() : Error())
    return error;
  Enqueuer enqueuer(cudaContext->driver, list, bindings, sizes, workspace);
  enqueuer.isAfterCollective = static_cast<bool>(comm); // that of the list before, perhaps
  for (const Launch &launch : list.launches) {
    if (launch.collective) {
      if (Error error = enqueuer.exchange(launch, comm.get()))
        return Error(error.kind(),
                     std::string(where) + ": " + nameOf(launch.collective->kind) + ": " + error.message());
      continue;
    }
    bool mayOverlap = launch.overlap && !bindings.timer && !enqueuer.isAfterCollective &&
                      (bindings.overlapsOthers || &launch != &list.launches.front());
    if (Error error = enqueuer.launch(launch, functions[launch.kernel], mayOverlap))
      return Error(error.kind(),
                   std::string(where) + ": kernel " + quoted(names[launch.kernel]) + ": " + error.message());
  }
  return {};
}
