//===- JudgeTables.cpp - The check of a step's tables ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckOnDevice.h"
#include "Enqueue.h"
#include "Status.h"
#include "StepVerdict.h"

using namespace mla;

StepTables mla::tablesOf(const mla_step &step, const mla_bundle_info &info) {
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
  tables.page = info.page;
  tables.tokenRanks = info.token_ranks;
  tables.tokenRank = info.group_rank % info.token_ranks;
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
  StepTables tables = tablesOf(checked.step, bundle.info);
  Jury jury(function, tables, checked.sizes[Size::Cached]);
  for (int64_t s = 0; s < checked.step.batch; ++s)
    if (Error error = jury.take(judgeSequence(tables, s)))
      return error;
  return jury.finish();
}

static Error judgeTablesOnDevice(const char *function, const mla_bundle &bundle, const LaunchList &list,
                                 const CheckedStep &checked) {
  StepTables tables = tablesOf(checked.step, bundle.info);
  Jury jury(function, tables, checked.sizes[Size::Cached]);
  auto take = [&](const mla_step_verdict &verdict) { return jury.take(verdict); };
  if (Error error = runCheck<mla_step_verdict>(function, bundle, list, schema::List::StepCheck, checked, take))
    return error;
  return jury.finish();
}

Error mla::checkGivenTables(const char *function, const mla_bundle *bundle, const mla_step *given,
                            CheckedStep &checked) {
  if (!bundle)
    return checkGpuBundle(function, bundle);
  const LaunchList *list = nullptr;
  if (bundle->info.device_memory)
    if (Error error = findCore(function, bundle, schema::Core::StepCheck, list))
      return error;
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
  CheckedStep checked;
  return report(checkGivenTables("mla_step_check", bundle, step, checked));
}
