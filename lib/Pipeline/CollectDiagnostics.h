//===- CollectDiagnostics.h - MLIR's diagnostics as ours --------*- C++ -*-===//
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

/// "layer.mlir:3:5: " of a file and "q_nope: " of a value, what is known of them.
std::string describeLocation(mlir::Location location);

/// While it lives, keeps a context's errors and, as lines `remark: WHERE: WHAT`, the rest; a text once, because the
/// functions of a layer have the same to say.
class CollectDiagnostics {
public:
  explicit CollectDiagnostics(mlir::MLIRContext *context);

  /// The errors, or that there is no message.
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
