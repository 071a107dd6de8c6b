//===- Svg.h - Common parts of charts ---------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_REPORT_SVG_H
#define MLA_LIB_REPORT_SVG_H

#include "Charts.h"

#include <cmath>

namespace mla::report::svg {

/// Width of every chart, in units of which a character takes up to seven. A chart is as wide as its container, so that
/// this determines the size of its texts: readable on a phone, not too large beside another chart.
inline constexpr double kWidth = 480, kCharacter = 7;

/// Open a chart, whose title is for screen readers; "</svg>\n" closes it.
void open(llvm::raw_ostream &os, llvm::StringRef title, double height);

void writeText(llvm::raw_ostream &os, double x, double y, llvm::StringRef anchor, llvm::StringRef text,
               llvm::StringRef kind = "label");

/// A text under or beside a position of an axis.
struct Tick {
  double at;
  std::string text;
  bool chosen = false;
};

/// Write ticks of an x axis at height y: the chosen ones, and those of the others that fit.
void writeTicks(llvm::raw_ostream &os, llvm::ArrayRef<Tick> ticks, double y);

/// Return "4k" for 4096, "1M"; other numbers unchanged.
std::string inShort(int64_t number);

/// An entry of a legend: a swatch, which is an SVG path of 24 by 12 with its class, and a text.
struct Entry {
  std::string kind, path, name;
};
void writeLegend(llvm::raw_ostream &os, llvm::ArrayRef<Entry> entries);

/// A plane with two logarithmic axes, y between powers of ten.
struct Plane {
  static constexpr double left = 74, right = 20, top = 40, bottom = 44, height = 300;
  double lowX, highX, lowY, highY; ///< logarithms, of any bases

  double getX(double logarithm) const {
    return left + (kWidth - left - right) * (logarithm - lowX) / std::max(1e-9, highX - lowX);
  }
  double getY(double value) const {
    return top + (height - top - bottom) * (highY - std::log10(value)) / std::max(1e-9, highY - lowY);
  }
  /// Widen y to contain the value.
  void include(double value);
};

/// Draw grid lines at powers of ten of y, and the titles of both axes.
void drawAxes(llvm::raw_ostream &os, const Plane &plane, const Axes &axes);

} // namespace mla::report::svg

#endif // MLA_LIB_REPORT_SVG_H
