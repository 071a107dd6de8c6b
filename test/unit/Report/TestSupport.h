//===- TestSupport.h - Reports of configs that tests have -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_REPORT_TESTSUPPORT_H
#define MLA_TEST_UNIT_REPORT_TESTSUPPORT_H

#include "mla/Report/Report.h"

namespace mla::report::test {

inline constexpr Forms naive{Form::Naive, Form::Naive}, absorb{Form::Absorb, Form::Absorb},
    fold{Form::Fold, Form::Fold};

/// Reads a file of test/Models/configs, "deepseek-v3".
importer::ModelConfig readModel(llvm::StringRef name);

/// Returns the costs on an H100 in bf16.
ModelCosts costsOf(llvm::StringRef name);

/// Returns a request for the same, with absorbed decode and naive prefill as the plan.
Request requestOf(llvm::StringRef name, int64_t batch = 1, int64_t context = 4096);
Report reportOf(llvm::StringRef name, int64_t batch = 1, int64_t context = 4096,
                std::unique_ptr<Report> baseline = nullptr);

} // namespace mla::report::test

#endif // MLA_TEST_UNIT_REPORT_TESTSUPPORT_H
