//===- Svg.h - What all kinds of charts are drawn with ----------*- C++ -*-===//
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

/// Of every chart, in units of which a character takes up to seven. A chart is as wide as its place on the page, so
/// that this decides how large its texts are there: readable on a phone, not huge beside another chart.
inline constexpr double kWidth = 480, kCharacter = 7;

/// Opens the chart, whose title is read out; "</svg>\n" closes it.
void open(llvm::raw_ostream &os, llvm::StringRef title, double height);

void writeText(llvm::raw_ostream &os, double x, double y, llvm::StringRef anchor, llvm::StringRef text,
               llvm::StringRef kind = "label");

/// A text under or beside a position of an axis.
struct Tick {
  double at;
  std::string text;
  bool chosen = false;
};

/// Writes ticks of an x axis at height y: the chosen ones, and of the others those that have room.
void writeTicks(llvm::raw_ostream &os, llvm::ArrayRef<Tick> ticks, double y);

/// "4k" of 4096, "1M"; what is no multiple as it is.
std::string inShort(int64_t number);

/// A swatch, an SVG path of 24 by 12 with its class, and what it stands for.
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
  /// Widens y to hold the value.
  void include(double value);
};

/// Lines of the grid at powers of ten of y, and the titles of both axes.
void drawAxes(llvm::raw_ostream &os, const Plane &plane, const Axes &axes);

} // namespace mla::report::svg

#endif // MLA_LIB_REPORT_SVG_H
