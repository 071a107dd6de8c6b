//===- CollectDiagnostics.cpp - Collect MLIR's diagnostics ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CollectDiagnostics.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mla;

CollectDiagnostics::CollectDiagnostics(MLIRContext *context)
    : handler(context, [this](Diagnostic &diagnostic) { take(diagnostic); }) {}

std::string mla::describeLocation(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return describeLocation(name.getChildLoc()) + name.getName().str() + ": ";
  if (auto file = dyn_cast<FileLineColLoc>(location))
    return (file.getFilename().getValue() + ":" + llvm::Twine(file.getLine()) + ":" + llvm::Twine(file.getColumn()) +
            ": ")
        .str();
  if (auto fused = dyn_cast<FusedLoc>(location); fused && !fused.getLocations().empty())
    return describeLocation(fused.getLocations().front());
  return "";
}

void CollectDiagnostics::take(Diagnostic &diagnostic) {
  std::string text = describeLocation(diagnostic.getLocation()) + diagnostic.str();
  std::lock_guard<std::mutex> lock(mutex);
  if (diagnostic.getSeverity() == DiagnosticSeverity::Error) {
    errors += (errors.empty() ? "" : "; ") + text;
    return;
  }
  std::string line = (diagnostic.getSeverity() == DiagnosticSeverity::Warning ? "warning: " : "remark: ") + text + "\n";
  if (!llvm::is_contained(remarks, line))
    remarks.push_back(std::move(line));
}

std::string CollectDiagnostics::takeErrors() {
  std::lock_guard<std::mutex> lock(mutex);
  return errors.empty() ? "failed without a message" : std::move(errors);
}
