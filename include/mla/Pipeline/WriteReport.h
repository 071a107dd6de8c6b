//===- WriteReport.h - Costs of a model, nothing compiled -------*- C++ -*-===//
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
  CompileOptions compile; ///< Config, weights, target, dtype, plan, device, tensorParallel and verbose are read.
  std::string baseline;   ///< The config of a model to compare with; empty: none.
  ReportFormat format = ReportFormat::Text;
  int64_t batch = 1;      ///< 1 to report::kMaxBatch
  int64_t context = 4096; ///< 1 to report::kMaxContext
  std::string output = "-";
};

/// From configs to a report: imports an attention and plans it as a compilation does, and costs the model around it.
/// Of weights, names, types and shapes are checked; no element is read.
/// Whatever is wrong is an error before anything is written.
llvm::Error writeReport(const ReportOptions &options);

} // namespace mla

#endif // MLA_PIPELINE_WRITEREPORT_H
