//===- Results.h - Files of benchmarks/results, embedded --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_REPORT_RESULTS_H
#define MLA_LIB_REPORT_RESULTS_H

#include "llvm/ADT/StringRef.h"

namespace mla::report {

/// A file of benchmarks/results at build time.
struct Results {
  llvm::StringLiteral file, text;
};

extern const Results layerForms, decodeGrid, prefillGrid, modelParts;

} // namespace mla::report

#endif // MLA_LIB_REPORT_RESULTS_H
