//===- JsonPlots.h - Maps and curves as JSON --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_REPORT_JSONPLOTS_H
#define MLA_LIB_REPORT_JSONPLOTS_H

#include "mla/Report/Report.h"

#include "llvm/Support/JSON.h"

namespace mla::report {

/// Return the data of the page's plots other than the phases'.
llvm::json::Object plotsToJson(const Report &report);

} // namespace mla::report

#endif // MLA_LIB_REPORT_JSONPLOTS_H
