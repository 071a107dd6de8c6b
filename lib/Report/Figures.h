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

/// Where on the page a chart is: in the section of each phase, of decode alone, of memory, or of what bounds a step.
enum class Place { Phase, Decode, Memory, Bounds };

/// Draws the charts of a place, beside each other where there is room.
void drawFigures(llvm::raw_ostream &os, Place place, const Report &report, const PhaseCosts &phase);

} // namespace mla::report

#endif // MLA_LIB_REPORT_FIGURES_H
