//===- Sentences.h - Sentences of text and page -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_REPORT_SENTENCES_H
#define MLA_LIB_REPORT_SENTENCES_H

#include "mla/Report/Report.h"

namespace mla::report {

/// Return "deepseek-v3 (deepseek_v3): 61 layers, …" in one line.
std::string describeModel(const Report &report);
/// Return "h100: reads 3.07 TB/s, …".
std::string describeDevice(const Request &request);
/// Return "1 sequence, 1 token each, context 4096".
std::string describeStep(const PhaseCosts &phase);
/// Return "one of 58 layers, 8 of 256 experts".
std::string describeKind(const importer::ModelConfig &config, const importer::LayerKind &kind);
/// Return "experts read in a layer: 8.0 of 256, …". Only for a model with experts.
std::string describeExperts(const Report &report, const PhaseCosts &phase);
/// Describe the contexts from which on the core matters.
std::string describeContexts(const Amdahl &amdahl);
/// Return lines with experts, contexts, measurements and speed-ups of a phase.
std::vector<std::string> describePhase(const Report &report, const PhaseCosts &phase, const Amdahl &amdahl);
/// Return "161 GB, does not fit".
std::string describeNeed(const Memory &memory);
/// Describe the cache, what fits, and the fold.
std::vector<std::string> describeMemory(const Report &report);

/// Return the table of the formats of weights, with a row of titles; empty if none are compared.
std::vector<std::vector<std::string>> listFormats(const Report &report);

/// Return the rows of the table of `Amdahl`: a part, and the speed-up of the step without it.
std::vector<std::pair<std::string, std::string>> listSpeedUps(const Amdahl &amdahl);

} // namespace mla::report

#endif // MLA_LIB_REPORT_SENTENCES_H
