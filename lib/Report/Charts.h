//===- Charts.h - Kinds of charts, as inline SVG ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kind is a file, and knows nothing of reports; Figures.cpp has the table of the
// charts of a page. Colours are the page's: part i of a bar is drawn with the class
// `si`, line i with `line` and `li`, point i with `pi`, a cell of kind i with `mi`.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_REPORT_CHARTS_H
#define MLA_LIB_REPORT_CHARTS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>
#include <string>
#include <vector>

namespace mla::report {

/// What stands at the axes of a chart.
struct Axes {
  std::string x, y;              ///< titles
  std::string (*unit)(double);   ///< prints a value of y
  std::optional<int64_t> chosen; ///< the x that the report is about, which is marked
};

//===----------------------------------------------------------------------===//
// Bars.cpp
//===----------------------------------------------------------------------===//

/// A bar of parts that lie side by side.
struct Bar {
  std::string label;         ///< before it
  std::vector<double> parts; ///< one a series
  std::string value;         ///< behind it
};

/// Bars below each other, the longest as long as the chart is wide. `parts` names the series; empty: there is one.
void drawBars(llvm::raw_ostream &os, llvm::StringRef title, llvm::ArrayRef<Bar> bars,
              llvm::ArrayRef<std::string> parts = {});

//===----------------------------------------------------------------------===//
// Lines.cpp
//===----------------------------------------------------------------------===//

/// Points of a line, one for each x of its chart, and its value at the chosen x.
struct Line {
  std::string label;
  std::vector<double> y;
  double chosen = 0;
  size_t real = ~size_t(0); ///< So many of the points can be had; the others are drawn faint.
};

/// Lines over x, both logarithmic. The legend says which of them coincide.
void drawLines(llvm::raw_ostream &os, llvm::StringRef title, const Axes &axes, llvm::ArrayRef<int64_t> x,
               llvm::ArrayRef<Line> lines);

//===----------------------------------------------------------------------===//
// Map.cpp
//===----------------------------------------------------------------------===//

/// What is at a column and a row.
struct Cell {
  size_t column, row;
  unsigned kind;
  std::string tip; ///< read out, or shown under the mouse
  bool chosen = false;
};

/// Cells over columns and rows, the first row lowest. `kinds` names what cells are; those of `crossedOut` and above are
/// crossed out. Axes::unit and Axes::chosen do not matter.
void drawMap(llvm::raw_ostream &os, llvm::StringRef title, const Axes &axes, llvm::ArrayRef<int64_t> columns,
             llvm::ArrayRef<int64_t> rows, llvm::ArrayRef<Cell> cells, llvm::ArrayRef<std::string> kinds,
             unsigned crossedOut = ~0u);

//===----------------------------------------------------------------------===//
// Roofline.cpp
//===----------------------------------------------------------------------===//

/// A point under a roof: a disc, or a square; a ring is drawn around another point.
struct RoofPoint {
  unsigned series;
  bool square, ring;
  double x, y;
  std::string tip;
};

/// Points under y = slope x and y = top, both logarithmic. `series` names their colours, `shapes` discs and squares.
void drawRoofline(llvm::raw_ostream &os, llvm::StringRef title, const Axes &axes, double slope, double top,
                  llvm::ArrayRef<RoofPoint> points, llvm::ArrayRef<std::string> series,
                  llvm::ArrayRef<std::string> shapes);

} // namespace mla::report

#endif // MLA_LIB_REPORT_CHARTS_H
