//===- Measured.h - Measurements next to predictions ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The results of benchmarks/results about parts of a layer. They are embedded at
// build time (lib/Report/CMakeLists.txt).
//
//===----------------------------------------------------------------------===//

#ifndef MLA_REPORT_MEASURED_H
#define MLA_REPORT_MEASURED_H

#include "mla/Report/ModelCosts.h"

namespace mla::report {

/// One time of layer_forms_h100.json: a side, or an up-projection, of library kernels.
struct MeasuredForm {
  enum Side { Query, Output, UpProjection };
  std::string model;
  int64_t tokens; ///< of the step; cached ones of an up-projection
  Side side;
  Form form;
  double seconds;
};

/// One time of the grids: an attention of this compiler's kernels, heads as DeepSeek-V3's, equal lengths.
struct MeasuredAttention {
  Forms forms;
  int64_t heads;
  Step step;
  double seconds;
  llvm::StringRef file;
};

std::vector<MeasuredForm> readMeasuredForms();
std::vector<MeasuredAttention> readMeasuredAttentions();

/// DeepSeek-V3, also one rank of eight, V2-Lite and MiniCPM3 under the names of benchmarks/layer_forms.py, in bf16.
LayerShape getMeasuredShape(llvm::StringRef model);

/// Return the cost model's prediction on `device`, for library kernels.
double predict(const MeasuredForm &measured, const Device &device);

/// A piece of one layer that was measured with exactly the sizes of a report's step.
struct MeasuredPiece {
  Piece piece;
  Form form;
  llvm::StringRef kernels;    ///< "mla-mlir", or "library" (cuBLAS through torch).
  double measured, predicted; ///< seconds
  llvm::StringRef file;       ///< in benchmarks/results
};

/// Return all measurements on the model's device with the sizes of the model and the step.
std::vector<MeasuredPiece> findMeasured(const CostModel &model, const Step &step);

/// A part of a step of a whole model that was measured with exactly its sizes: kernels of this compiler, one after the
/// other.
struct MeasuredPart {
  llvm::StringLiteral key, title; ///< in JSON, for readers
  double measured, predicted;     ///< seconds
  llvm::StringRef file;           ///< in benchmarks/results
};

/// Return the parts of the step, and the sum of all, if the model was measured on its device.
std::vector<MeasuredPart> findMeasuredParts(const ModelCosts &costs, const AttentionForm &planned, const Step &step);

} // namespace mla::report

#endif // MLA_REPORT_MEASURED_H
