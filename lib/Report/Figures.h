//===- Figures.h - The charts of a page -------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_REPORT_FIGURES_H
#define MLA_LIB_REPORT_FIGURES_H

#include "mla/Report/Report.h"

namespace mla::report {

/// Where a chart is on the page: in the section of each phase, of decode only, of memory, or of bounds.
enum class Place { Phase, Decode, Memory, Bounds };

/// Draw the charts of a place, side by side if there is room.
void drawFigures(llvm::raw_ostream &os, Place place, const Report &report, const PhaseCosts &phase);

} // namespace mla::report

#endif // MLA_LIB_REPORT_FIGURES_H
