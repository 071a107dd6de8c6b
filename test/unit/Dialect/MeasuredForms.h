//===- MeasuredForms.h - Library kernels as measured ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_DIALECT_MEASUREDFORMS_H
#define MLA_TEST_UNIT_DIALECT_MEASUREDFORMS_H

#include "mla/Dialect/MLA/Analysis/CostModel.h"

#include "llvm/Support/JSON.h"

#include <string>
#include <vector>

namespace mla {

/// One time of benchmarks/results/layer_forms_h100.json.
struct MeasuredForm {
  enum Side { Query, Output, UpProjection };
  std::string model;
  int64_t tokens; ///< of the step; cached ones of an up-projection
  Side side;
  Form form;
  double seconds;
};

/// A file of benchmarks/results; null, and a failed test, where it cannot be read.
llvm::json::Value readResults(llvm::StringRef file);

/// All of them; fails the test where the file is not as expected.
std::vector<MeasuredForm> readMeasuredForms();

/// DeepSeek-V3, also one rank of eight, V2-Lite and MiniCPM3 under the names of benchmarks/layer_forms.py, in bf16.
LayerShape getShape(llvm::StringRef model);

/// What the model says of it on `device`, for library kernels.
double predict(const MeasuredForm &measured, const Device &device);

} // namespace mla

#endif // MLA_TEST_UNIT_DIALECT_MEASUREDFORMS_H
