//===- CollectDiagnostics.h - Collect MLIR's diagnostics --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_COLLECTDIAGNOSTICS_H
#define MLA_LIB_PIPELINE_COLLECTDIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"

#include <mutex>
#include <string>

namespace mla {

/// Return "layer.mlir:3:5: " for a file and "q_nope: " for a value, as far as they are known.
std::string describeLocation(mlir::Location location);

/// Collects a context's errors during its lifetime, and the other diagnostics as lines `remark: WHERE: WHAT`. Equal
/// texts, which several functions of a layer may have, are kept once.
class CollectDiagnostics {
public:
  explicit CollectDiagnostics(mlir::MLIRContext *context);

  /// Return the errors, or a default text if there is no message.
  std::string takeErrors();
  llvm::ArrayRef<std::string> getRemarks() const { return remarks; }

private:
  void take(mlir::Diagnostic &diagnostic);

  std::mutex mutex; // passes on functions run in parallel
  std::string errors;
  std::vector<std::string> remarks;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace mla

#endif // MLA_LIB_PIPELINE_COLLECTDIAGNOSTICS_H
