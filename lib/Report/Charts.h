//===- Charts.h - Plots as inline SVG ---------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Colours are the page's: part i of a bar is drawn with the class `si`, line i with
// `line` and `li`, texts with `label` or `value`, lines of the grid with `grid`.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_REPORT_CHARTS_H
#define MLA_LIB_REPORT_CHARTS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"

#include <string>
#include <vector>

namespace mla::report {

/// A text as HTML and SVG take it.
std::string escaped(llvm::StringRef text);

/// A bar of parts that lie side by side.
struct Bar {
  std::string label;         ///< before it
  std::vector<double> parts; ///< one a series
  std::string value;         ///< behind it
};

/// Points of a line, one for each x of its chart.
struct Line {
  std::string label;
  std::vector<double> y;
};

/// Bars below each other, the longest as long as the chart is wide.
void drawBars(llvm::raw_ostream &os, llvm::StringRef title, llvm::ArrayRef<Bar> bars);

/// Lines over x that doubles from point to point; y is logarithmic and printed by `unit`.
void drawLines(llvm::raw_ostream &os, llvm::StringRef title, llvm::ArrayRef<int64_t> x, llvm::ArrayRef<Line> lines,
               std::string (*unit)(double));

/// The names of parts (`s`) or lines (`l`) beside their colours.
void writeLegend(llvm::raw_ostream &os, llvm::ArrayRef<std::string> names, char kind);

} // namespace mla::report

#endif // MLA_LIB_REPORT_CHARTS_H
