//===- JudgeTables.cpp - The check of a step's tables ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Enqueue.h"
#include "Status.h"
#include "StepVerdict.h"

#include <algorithm>

using namespace mla;

static StepTables tablesOf(const mla_step &step, int64_t page) {
  StepTables tables;
  tables.cuSeqlens = step.cu_seqlens;
  tables.lengths = step.lengths;
  tables.blockTable = step.block_table;
  tables.tokens = step.tokens;
  tables.batch = step.batch;
  tables.maxQueries = step.max_queries;
  tables.maxLength = step.max_length;
  tables.tableWidth = step.table_width;
  tables.pages = step.num_pages;
  tables.page = page;
  return tables;
}

namespace {
/// Takes the verdicts in the order of the sequences.
class Jury {
public:
  Jury(const char *function, const StepTables &tables, int64_t cached)
      : function(function), tables(tables), cached(cached) {}

  /// Returns the error of the next sequence, if it is wrong.
  Error take(const mla_step_verdict &verdict) {
    if (verdict.fault != MLA_STEP_RIGHT)
      return badArgument(function, describe(verdict, sequence, tables));
    ++sequence;
    sum += verdict.length;
    return {};
  }
  Error finish() const {
    if (sum <= cached)
      return {};
    return badArgument(function, "all lengths together are " + std::to_string(sum) + ", more than cached, " +
                                     std::to_string(cached) + "; raise cached");
  }

private:
  const char *function;
  const StepTables &tables;
  int64_t cached, sequence = 0, sum = 0;
};
} // namespace

Error mla::judgeTablesOnHost(const char *function, const mla_bundle &bundle, const CheckedStep &checked) {
  StepTables tables = tablesOf(checked.step, bundle.info.page);
  Jury jury(function, tables, checked.sizes[Size::Cached]);
  for (int64_t s = 0; s < checked.step.batch; ++s)
    if (Error error = jury.take(judgeSequence(tables, s)))
      return error;
  return jury.finish();
}

/// Reads the kernel's results in parts.
static Error collect(const char *function, const cuda::Driver &driver, const DeviceBuffer &memory, Jury &jury) {
  mla_step_verdict part[256];
  for (uint64_t done = 0; done < memory.bytes(); done += sizeof(part)) {
    uint64_t bytes = std::min<uint64_t>(memory.bytes() - done, sizeof(part));
    if (cuda::Status status = driver.cuMemcpyDtoH(part, memory.address() + done, bytes))
      return driver.failed(function, "cuMemcpyDtoH", status);
    for (size_t i = 0; i < bytes / sizeof(*part); ++i)
      if (Error error = jury.take(part[i]))
        return error;
  }
  return {};
}

static Error launch(const char *function, const mla_bundle &bundle, const LaunchList &list, const CheckedStep &checked,
                    const DeviceBuffer &verdicts) {
  LaunchBindings bindings;
  give(bindings, schema::List::StepCheck, checked.step);
  bindings.give(Buffer::Out, verdicts.address());
  bindings.sizes = checked.sizes;
  return enqueueList(function, bundle, list, bindings, {nullptr, 0, checked.step.stream});
}

static Error judgeTablesOnDevice(const char *function, const mla_bundle &bundle, const LaunchList &list,
                                 const CheckedStep &checked) {
  const std::shared_ptr<CudaContext> &context = bundle.gpu->context();
  auto stream = static_cast<cuda::Stream>(checked.step.stream);
  ContextScope scope(*context);
  if (Error error = scope.error(function))
    return error;
  if (Error error = refuseCapture(function, *context, stream, "check before or after"))
    return error;
  Result<DeviceBuffer> verdicts =
      DeviceBuffer::allocate(function, context, checked.step.batch * sizeof(mla_step_verdict));
  if (!verdicts)
    return verdicts.error();
  if (Error error = launch(function, bundle, list, checked, *verdicts))
    return error;
  if (cuda::Status status = context->driver.cuStreamSynchronize(stream))
    return context->driver.failed(function, "cuStreamSynchronize", status);
  StepTables tables = tablesOf(checked.step, bundle.info.page);
  Jury jury(function, tables, checked.sizes[Size::Cached]);
  if (Error error = collect(function, context->driver, *verdicts, jury))
    return error;
  return jury.finish();
}

static Error checkContents(const char *function, const mla_bundle *bundle, const mla_step *given) {
  const LaunchList *list = nullptr;
  if (!bundle || bundle->info.device_memory)
    if (Error error = findCore(function, bundle, schema::Core::StepCheck, list))
      return error;
  CheckedStep checked;
  if (Error error = checkStep(function, *bundle, given, checked))
    return error;
  Error wrong;
  FieldChecker check(function, wrong);
  checkTables(check, checked.step);
  if (wrong)
    return wrong;
  return list ? judgeTablesOnDevice(function, *bundle, *list, checked) : judgeTablesOnHost(function, *bundle, checked);
}

mla_status mla_step_check(const mla_bundle *bundle, const mla_step *step) {
  return report(checkContents("mla_step_check", bundle, step));
}
