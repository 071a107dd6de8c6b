//===- Charts.h - Kinds of charts, as inline SVG ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// There is one file per kind of chart, which is independent of reports;
// Figures.cpp has the table of a page's charts. Colors are those of the page:
// part i of a bar has the class `si`, line i `line` and `li`, point i `pi`, a
// cell of kind i `mi`.
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

/// The labels of a chart's axes.
struct Axes {
  std::string x, y;              ///< titles
  std::string (*unit)(double);   ///< prints a value of y
  std::optional<int64_t> chosen; ///< the x of the report's request, which is marked
};

//===----------------------------------------------------------------------===//
// Bars.cpp
//===----------------------------------------------------------------------===//

/// A stacked bar.
struct Bar {
  std::string label;         ///< left of it
  std::vector<double> parts; ///< one per series
  std::string value;         ///< right of it
};

/// Draw bars below each other; the longest has the width of the chart. `parts` names the series; empty: there is one.
void drawBars(llvm::raw_ostream &os, llvm::StringRef title, llvm::ArrayRef<Bar> bars,
              llvm::ArrayRef<std::string> parts = {});

//===----------------------------------------------------------------------===//
// Lines.cpp
//===----------------------------------------------------------------------===//

/// A line: one point for each x of its chart, and its value at the chosen x.
struct Line {
  std::string label;
  std::vector<double> y;
  double chosen = 0;
  size_t real = ~size_t(0); ///< Number of points that are feasible; the others are drawn faint.
};

/// Draw lines over x on two logarithmic axes. The legend lists coinciding lines.
void drawLines(llvm::raw_ostream &os, llvm::StringRef title, const Axes &axes, llvm::ArrayRef<int64_t> x,
               llvm::ArrayRef<Line> lines);

//===----------------------------------------------------------------------===//
// Map.cpp
//===----------------------------------------------------------------------===//

/// A cell of a map.
struct Cell {
  size_t column, row;
  unsigned kind;
  std::string tip; ///< read by screen readers, or shown on hover
  bool chosen = false;
};

/// Draw cells over columns and rows, the first row lowest. `kinds` names the kinds of cells; kinds from `crossedOut` on
/// are crossed out. Axes::unit and Axes::chosen are ignored.
void drawMap(llvm::raw_ostream &os, llvm::StringRef title, const Axes &axes, llvm::ArrayRef<int64_t> columns,
             llvm::ArrayRef<int64_t> rows, llvm::ArrayRef<Cell> cells, llvm::ArrayRef<std::string> kinds,
             unsigned crossedOut = ~0u);

//===----------------------------------------------------------------------===//
// Roofline.cpp
//===----------------------------------------------------------------------===//

/// A point under a roof: a disc or a square; a ring is drawn around another point.
struct RoofPoint {
  unsigned series;
  bool square, ring;
  double x, y;
  std::string tip;
};

/// Draw points under y = slope x and y = top on two logarithmic axes. `series` names their colors, `shapes` discs and
/// squares.
void drawRoofline(llvm::raw_ostream &os, llvm::StringRef title, const Axes &axes, double slope, double top,
                  llvm::ArrayRef<RoofPoint> points, llvm::ArrayRef<std::string> series,
                  llvm::ArrayRef<std::string> shapes);

} // namespace mla::report

#endif // MLA_LIB_REPORT_CHARTS_H
