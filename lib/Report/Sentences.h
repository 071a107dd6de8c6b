//===- Sentences.h - What text and page say in the same words ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_REPORT_SENTENCES_H
#define MLA_LIB_REPORT_SENTENCES_H

#include "mla/Report/Report.h"

namespace mla::report {

/// "deepseek-v3 (deepseek_v3): 61 layers, …", in one line.
std::string describeModel(const Report &report);
/// "h100: reads 3.07 TB/s, …".
std::string describeDevice(const Request &request);
/// "1 sequence, 1 token each, context 4096".
std::string describeStep(const PhaseCosts &phase);
/// "one of 58 layers, 8 of 256 experts".
std::string describeKind(const importer::ModelConfig &config, const importer::LayerKind &kind);
/// "experts read in a layer: 8.0 of 256, …". Only of a model that has experts.
std::string describeExperts(const Report &report, const PhaseCosts &phase);
/// From which contexts on the core matters.
std::string describeContexts(const Amdahl &amdahl);
/// Both, what was measured, and what a faster part would bring: a line each.
std::vector<std::string> describePhase(const Report &report, const PhaseCosts &phase, const Amdahl &amdahl);
/// "161 GB, does not fit".
std::string describeNeed(const Memory &memory);
/// Cache, what fits, fold.
std::vector<std::string> describeMemory(const Report &report);

/// What `Amdahl` says, as rows of a table: a part, and how many times as fast the step would be.
std::vector<std::pair<std::string, std::string>> listSpeedUps(const Amdahl &amdahl);

} // namespace mla::report

#endif // MLA_LIB_REPORT_SENTENCES_H
