//===- GpuCode.cpp - Loading the kernels of a bundle ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuCode.h"
#include "Cubin.h"
#include "ReadFile.h"
#include "Text.h"

#include "mla/abi.h"

#include <algorithm>
#include <chrono>
#include <set>

using namespace mla;

static constexpr int64_t maxModuleBytes = 1 << 30;
/// Kernels use constant addresses that assume this start of their dynamic shared memory.
static constexpr uint32_t sharedBase = 1024;

static double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

static Error checkChip(const std::string &bundlePath, const Manifest &manifest, const CudaContext &context) {
  std::string path = bundlePath + "/" MLA_MANIFEST_FILE;
  const schema::GpuTargetRow &target = *manifest.gpuTarget();
  if (manifest.isa != target.isa)
    return Error(ErrorKind::Unsupported, path + ": field 'isa': the kernels are for " + quoted(manifest.isa) +
                                             ", this release runs " + target.isa +
                                             " only; recompile with --target=" + target.name);
  if (context.major == target.major && context.minor == target.minor)
    return {};
  return Error(ErrorKind::Unsupported, path + ": the kernels are for " + target.isa + " (" + target.devices +
                                           "), the device " + quoted(context.name) + " is sm_" +
                                           std::to_string(context.major) + std::to_string(context.minor) +
                                           "; run on one of those, or use a bundle of --target=cpu");
}

/// Joins the lines of the driver's compiler.
static std::string oneLine(const char *log) {
  constexpr size_t most = 1000;
  std::string result;
  for (; *log && result.size() < most; ++log)
    result += *log == '\n' ? ' ' : *log;
  result.erase(result.find_last_not_of(' ') + 1);
  return result;
}

Error GpuCode::loadPtx(const std::string &path) {
  Result<std::string> ptx = readFile(path, maxModuleBytes);
  if (!ptx)
    return ptx.error();
  char log[8192] = "";
  int options[] = {cuda::jitErrorLogBuffer, cuda::jitErrorLogBufferBytes};
  void *values[] = {log, reinterpret_cast<void *>(sizeof(log) - 1)};
  cuda::Status status = cudaContext->driver.cuModuleLoadDataEx(&module, ptx->c_str(), 2, options, values);
  if (status == cuda::success)
    return {};
  module = nullptr;
  std::string what = path + ": the driver does not compile the kernels: " + cudaContext->driver.describe(status) +
                     (log[0] ? ": " + oneLine(log) : "");
  if (status == cuda::unsupportedPtxVersion || status == cuda::noBinaryForGpu || status == cuda::jitCompilerNotFound)
    return Error(ErrorKind::Unsupported, what + "; the driver is for CUDA " + cudaContext->driver.version() +
                                             ": update it, or compile the bundle where ptxas is, for a cubin");
  if (status == cuda::invalidPtx)
    return Error(ErrorKind::InvalidFile, what + "; compile the bundle again");
  return cudaContext->driver.failed(path, "cuModuleLoadDataEx", status);
}

Error GpuCode::loadModule(const std::string &bundlePath, const Manifest &manifest) {
  if (manifest.files.count(MLA_CUBIN_FILE)) {
    Result<std::string> cubin = readFile(bundlePath + "/" MLA_CUBIN_FILE, maxModuleBytes);
    if (!cubin)
      return cubin.error();
    // A driver older than the assembler may reject it, but perhaps supports the PTX.
    if (isWholeCubin(*cubin) &&
        cudaContext->driver.cuModuleLoadDataEx(&module, cubin->data(), 0, nullptr, nullptr) == cuda::success)
      return {};
    module = nullptr;
  }
  return loadPtx(bundlePath + "/" MLA_PTX_FILE);
}

Error GpuCode::findFunctions(const std::string &path, const Manifest &manifest) {
  functions.resize(manifest.kernels.size());
  names.resize(manifest.kernels.size());
  for (const auto &[name, number] : manifest.kernels) {
    cuda::Status status = cudaContext->driver.cuModuleGetFunction(&functions[number], module, name.c_str());
    if (status == cuda::notFound)
      return Error(ErrorKind::InvalidFile,
                   path + ": has no kernel " + quoted(name) + ", which the manifest names; compile the bundle again");
    if (status)
      return cudaContext->driver.failed(path, "cuModuleGetFunction", status);
    // Load now and not at the first launch, which may be in a capture.
    if (cuda::Status loaded = cudaContext->driver.cuFuncLoad(functions[number]))
      return cudaContext->driver.failed(path, "cuFuncLoad", loaded);
    names[number] = name;
  }
  return {};
}

/// Checks that the arguments match the kernel's parameters: the driver reads as many bytes of each argument.
Error GpuCode::checkParameters(const std::string &path, const Launch &launch) const {
  const cuda::Driver &driver = cudaContext->driver;
  std::string kernel = path + ": kernel " + quoted(names[launch.kernel]);
  for (size_t i = 0; i <= launch.arguments.size(); ++i) {
    size_t offset = 0, bytes = 0;
    cuda::Status status = driver.cuFuncGetParamInfo(functions[launch.kernel], i, &offset, &bytes);
    bool isParameter = status == cuda::success, isArgument = i < launch.arguments.size();
    if (isArgument && status && status != cuda::invalidValue)
      return driver.failed(path, "cuFuncGetParamInfo", status);
    if (isParameter != isArgument)
      return Error(ErrorKind::InvalidFile, kernel + " has " + (isParameter ? "more" : "fewer") +
                                               " parameters than the " + std::to_string(launch.arguments.size()) +
                                               " arguments of the manifest; compile the bundle again");
    if (isParameter && bytes != launch.arguments[i].bytes())
      return Error(ErrorKind::InvalidFile, kernel + ": parameter " + std::to_string(i) + " has " +
                                               std::to_string(bytes) + " bytes, the argument of the manifest " +
                                               std::to_string(launch.arguments[i].bytes()) +
                                               "; compile the bundle again");
  }
  return {};
}

/// Also records the largest shared memory of each kernel.
Error GpuCode::checkLaunches(const std::string &path, const LaunchList &list, std::vector<uint32_t> &shared) const {
  const cuda::Driver &driver = cudaContext->driver;
  for (const Launch &launch : list.launches) {
    if (launch.collective)
      continue;
    int most = 0;
    if (cuda::Status status = driver.cuFuncGetAttribute(&most, cuda::maxThreadsPerBlock, functions[launch.kernel]))
      return driver.failed(path, "cuFuncGetAttribute", status);
    if (launch.threads > static_cast<uint32_t>(std::max(most, 0)))
      return Error(ErrorKind::InvalidFile, path + ": kernel " + quoted(names[launch.kernel]) + " runs at most " +
                                               std::to_string(most) + " threads a block, the manifest says " +
                                               std::to_string(launch.threads) + "; compile the bundle again");
    if (Error error = checkParameters(path, launch))
      return error;
    shared[launch.kernel] = std::max(shared[launch.kernel], launch.shared);
  }
  return {};
}

Error GpuCode::allowShared(const std::string &path, const std::vector<uint32_t> &shared) const {
  for (size_t i = 0; i < shared.size(); ++i) {
    // One division of the SMs' memory for all: otherwise a kernel with another one waits until an SM is empty.
    if (cuda::Status status =
            cudaContext->driver.cuFuncSetAttribute(functions[i], cuda::preferredSharedCarveout, cuda::mostShared))
      return cudaContext->driver.failed(path, "cuFuncSetAttribute", status);
    if (!shared[i])
      continue;
    cuda::Status status =
        cudaContext->driver.cuFuncSetAttribute(functions[i], cuda::maxDynamicSharedBytes, static_cast<int>(shared[i]));
    if (status == cuda::invalidValue)
      return Error(ErrorKind::InvalidFile, path + ": kernel " + quoted(names[i]) + " cannot have " +
                                               std::to_string(shared[i]) +
                                               " bytes of dynamic shared memory; compile the bundle again");
    if (status)
      return cudaContext->driver.failed(path, "cuFuncSetAttribute", status);
  }
  return {};
}

Error GpuCode::runProbe(const std::string &path, cuda::Function function, uint32_t &base) const {
  const cuda::Driver &driver = cudaContext->driver;
  Result<DeviceBuffer> memory = DeviceBuffer::allocate(path, cudaContext, sizeof(base));
  if (!memory)
    return memory.error();
  size_t offset = 0, bytes = 0;
  if (driver.cuFuncGetParamInfo(function, 0, &offset, &bytes) != cuda::success || bytes != 8 ||
      driver.cuFuncGetParamInfo(function, 1, &offset, &bytes) == cuda::success)
    return Error(ErrorKind::InvalidFile,
                 path + ": kernel 'mla_probe' must have one parameter, an address; compile the bundle again");
  // As many threads as it was compiled for: correct for a maximum and for a required number.
  int threads = 0;
  if (cuda::Status status = driver.cuFuncGetAttribute(&threads, cuda::maxThreadsPerBlock, function))
    return driver.failed(path, "cuFuncGetAttribute", status);
  cuda::LaunchConfig config = {{1, 1, 1}, {static_cast<unsigned>(threads), 1, 1}, sharedBase, nullptr, nullptr, 0};
  uint64_t address = memory->address();
  void *parameters[] = {&address};
  if (cuda::Status status = driver.cuMemcpyHtoD(address, &base, sizeof(base)))
    return driver.failed(path, "cuMemcpyHtoD", status);
  if (cuda::Status status = driver.cuLaunchKernelEx(&config, function, parameters, nullptr))
    return driver.failed(path + ": kernel 'mla_probe'", "cuLaunchKernelEx", status);
  if (cuda::Status status = driver.cuMemcpyDtoH(&base, address, sizeof(base)))
    return driver.failed(path + ": kernel 'mla_probe'", "cuMemcpyDtoH", status);
  return {};
}

/// Checks the start of shared memory, which the driver chooses and does not guarantee. A kernel could only trap, which
/// would destroy the process's context.
Error GpuCode::probe(const std::string &path) const {
  cuda::Function function = nullptr;
  cuda::Status status = cudaContext->driver.cuModuleGetFunction(&function, module, "mla_probe");
  if (status == cuda::notFound)
    return {};
  if (status)
    return cudaContext->driver.failed(path, "cuModuleGetFunction", status);
  uint32_t base = 0;
  if (Error error = runProbe(path, function, base))
    return error;
  if (base == sharedBase)
    return {};
  return Error(ErrorKind::Unsupported, path + ": with this driver shared memory starts at " + std::to_string(base) +
                                           ", the kernels need " + std::to_string(sharedBase) +
                                           "; use another driver, and report this one");
}

void GpuCode::describeKernel(uint32_t number, mla_kernel_info &info) const {
  ContextScope scope(*cudaContext);
  auto ask = [&](int attribute, int32_t &value) {
    if (cudaContext->driver.cuFuncGetAttribute(&value, attribute, functions[number]) != cuda::success)
      value = -1;
  };
  ask(cuda::maxThreadsPerBlock, info.max_threads);
  ask(cuda::staticSharedBytes, info.static_shared);
  ask(cuda::localBytes, info.local_bytes);
  ask(cuda::registersPerThread, info.registers);
}

using Collectives = std::set<std::pair<int64_t, schema::Collective>>;

static void note(const LaunchList &list, Collectives &collectives) {
  for (const Launch &launch : list.launches)
    if (launch.collective)
      collectives.insert({launch.collective->ranks, launch.collective->kind});
}

/// Makes all collectives ready, in the same order on all ranks: doing so at the first launch would wait for other
/// ranks, perhaps in a capture.
Error GpuCode::prepareCollectives(const std::string &path, const Manifest &manifest) const {
  Collectives collectives;
  for (const ManifestEntry &entry : manifest.entries)
    note(entry.launches, collectives);
  for (const std::optional<LaunchList> &core : manifest.cores)
    if (core)
      note(*core, collectives);
  for (auto [ranks, kind] : collectives)
    if (Error error = comm ? comm->prepare(path, kind, ranks) : Error())
      return error;
  return {};
}

Result<std::unique_ptr<GpuCode>> GpuCode::load(const std::string &bundlePath, const Manifest &manifest,
                                               const WeightFiles *file, const LoadProgress &progress,
                                               std::shared_ptr<GpuComm> comm) {
  Result<std::shared_ptr<CudaContext>> context = CudaContext::acquire(bundlePath);
  if (!context)
    return context.error();
  if (Error error = checkChip(bundlePath, manifest, **context))
    return error;
  ContextScope scope(**context);
  if (Error error = scope.error(bundlePath))
    return error;
  if (comm && comm->context->handle != (*context)->handle)
    return Error(ErrorKind::InvalidArgument, bundlePath + ": the communicator is of another CUDA context; make its "
                                                          "device current, and open the bundle again");
  std::unique_ptr<GpuCode> code(new GpuCode(*context));
  code->comm = std::move(comm);
  auto start = std::chrono::steady_clock::now();
  if (Error error = code->loadModule(bundlePath, manifest))
    return error;
  std::string path = bundlePath + "/" MLA_PTX_FILE;
  if (Error error = code->findFunctions(path, manifest))
    return error;
  std::vector<uint32_t> shared(code->functions.size());
  for (const ManifestEntry &entry : manifest.entries)
    if (Error error = code->checkLaunches(path, entry.launches, shared))
      return error;
  for (const std::optional<LaunchList> &core : manifest.cores)
    if (Error error = core ? code->checkLaunches(path, *core, shared) : Error())
      return error;
  if (Error error = code->allowShared(path, shared))
    return error;
  if (Error error = code->probe(path))
    return error;
  if (Error error = code->prepareCollectives(bundlePath, manifest))
    return error;
  code->secondsForCode = secondsSince(start);
  if (!file)
    return code;
  start = std::chrono::steady_clock::now();
  Result<GpuWeights> weights = GpuWeights::upload(bundlePath, *context, manifest, *file, progress);
  if (!weights)
    return weights.error();
  code->deviceWeights = std::move(*weights);
  code->secondsForWeights = secondsSince(start);
  return code;
}

GpuCode::~GpuCode() {
  ContextScope scope(*cudaContext);
  (void)waitIfShared("mla_bundle_close", *cudaContext); // ends what would not
  cudaContext->driver.cuCtxSynchronize();
  if (module)
    cudaContext->driver.cuModuleUnload(module);
}
