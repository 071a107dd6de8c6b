//===- CheckOnDevice.cpp - Kernels that check a step ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckOnDevice.h"

using namespace mla;

static Error launch(const char *function, const mla_bundle &bundle, const LaunchList &list, schema::List kind,
                    const CheckedStep &checked, const DeviceBuffer &verdicts) {
  LaunchBindings bindings;
  give(bindings, kind, checked.step);
  bindings.give(Buffer::Out, verdicts.address());
  bindings.sizes = checked.sizes;
  return enqueueList(function, bundle, list, bindings, {nullptr, 0, checked.step.stream});
}

/// Reads the kernel's results in parts.
static Error collect(const char *function, const cuda::Driver &driver, const DeviceBuffer &memory,
                     const std::function<Error(const VerdictWords &)> &take) {
  VerdictWords part[256];
  for (uint64_t done = 0; done < memory.bytes(); done += sizeof(part)) {
    uint64_t bytes = std::min<uint64_t>(memory.bytes() - done, sizeof(part));
    if (cuda::Status status = driver.cuMemcpyDtoH(part, memory.address() + done, bytes))
      return driver.failed(function, "cuMemcpyDtoH", status);
    for (size_t i = 0; i < bytes / sizeof(*part); ++i)
      if (Error error = take(part[i]))
        return error;
  }
  return {};
}

Error mla::runCheck(const char *function, const mla_bundle &bundle, const LaunchList &list, schema::List kind,
                    const CheckedStep &checked, const std::function<Error(const VerdictWords &)> &take) {
  const std::shared_ptr<CudaContext> &context = bundle.gpu->context();
  auto stream = static_cast<cuda::Stream>(checked.step.stream);
  ContextScope scope(*context);
  if (Error error = scope.error(function))
    return error;
  if (Error error = refuseCapture(function, *context, stream, "check before or after"))
    return error;
  Result<DeviceBuffer> verdicts = DeviceBuffer::allocate(function, context, checked.step.batch * sizeof(VerdictWords));
  if (!verdicts)
    return verdicts.error();
  if (Error error = launch(function, bundle, list, kind, checked, *verdicts))
    return error;
  if (Error error = waitForStream(function, *context, stream))
    return error;
  return collect(function, context->driver, *verdicts, take);
}
