//===- WriteReport.h - Costs of a model without compiling -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_PIPELINE_WRITEREPORT_H
#define MLA_PIPELINE_WRITEREPORT_H

#include "mla/Pipeline/CompileOptions.h"

namespace mla {

enum class ReportFormat { Text, Json, Html };

/// The options of mla-compile --report.
struct ReportOptions {
  CompileOptions compile; ///< Only config, weights, target, dtype, plan, device, tensorParallel and verbose are used.
  std::string baseline;   ///< The config of a model to compare with; empty: none.
  ReportFormat format = ReportFormat::Text;
  int64_t batch = 1;      ///< 1 to report::kMaxBatch
  int64_t context = 4096; ///< 1 to report::kMaxContext
  std::string output = "-";
};

/// Write a report of a config: import an attention, plan it as in a compilation, and compute the costs of the model
/// around it. Names, types and shapes of weights are checked; no element is read. All errors are found before anything
/// is written.
llvm::Error writeReport(const ReportOptions &options);

} // namespace mla

#endif // MLA_PIPELINE_WRITEREPORT_H
