//===- Charts.cpp - Plots as inline SVG -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Charts.h"
#include "Units.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace mla::report;
using llvm::formatv;
using llvm::StringRef;

static constexpr double width = 760;

std::string mla::report::escaped(StringRef text) {
  std::string html;
  llvm::raw_string_ostream os(html);
  llvm::printHTMLEscaped(text, os);
  return html;
}

static void openChart(llvm::raw_ostream &os, StringRef title, double height) {
  os << formatv(
      "<div class=\"wide\"><svg class=\"chart\" viewBox=\"0 0 {0:f0} {1:f0}\" role=\"img\" aria-label=\"{2}\">\n",
      width, height, escaped(title));
}

static void writeLabel(llvm::raw_ostream &os, double x, double y, StringRef anchor, StringRef text,
                       StringRef kind = "label") {
  os << formatv("<text class=\"{0}\" x=\"{1:f1}\" y=\"{2:f1}\" text-anchor=\"{3}\">{4}</text>\n", kind, x, y, anchor,
                escaped(text));
}

//===----------------------------------------------------------------------===//
// Bars
//===----------------------------------------------------------------------===//

static double sumOf(const Bar &bar) { return std::accumulate(bar.parts.begin(), bar.parts.end(), 0.0); }

void mla::report::drawBars(llvm::raw_ostream &os, StringRef title, llvm::ArrayRef<Bar> bars) {
  constexpr double left = 190, right = 90, row = 30, thickness = 18;
  double longest = 0;
  for (const Bar &bar : bars)
    longest = std::max(longest, sumOf(bar));
  double scale = longest > 0 ? (width - left - right) / longest : 0;
  openChart(os, title, row * bars.size());
  for (auto [i, bar] : llvm::enumerate(bars)) {
    double x = left, y = row * i + (row - thickness) / 2, text = y + thickness - 4;
    writeLabel(os, left - 8, text, "end", bar.label);
    for (auto [series, part] : llvm::enumerate(bar.parts)) {
      os << formatv("<rect class=\"s{0}\" x=\"{1:f1}\" y=\"{2:f1}\" width=\"{3:f1}\" height=\"{4}\"/>\n", series, x, y,
                    part * scale, int(thickness));
      x += part * scale;
    }
    writeLabel(os, x + 8, text, "start", bar.value, "value");
  }
  os << "</svg></div>\n";
}

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

namespace {
/// Where points of a chart of lines are: x by position, y by its logarithm between two powers of ten.
struct Plane {
  static constexpr double left = 70, right = 36, top = 12, bottom = 34, height = 320;
  size_t columns;
  double low, high; ///< powers of ten

  double getX(size_t column) const { return left + (width - left - right) * column / std::max<size_t>(1, columns - 1); }
  double getY(double value) const {
    return top + (height - top - bottom) * (high - std::log10(value)) / std::max(1.0, high - low);
  }
};
} // namespace

static Plane planeOf(size_t columns, llvm::ArrayRef<Line> lines) {
  Plane plane{columns, 300, -300};
  for (const Line &line : lines)
    for (double y : line.y) {
      plane.low = std::min(plane.low, std::floor(std::log10(y)));
      plane.high = std::max(plane.high, std::ceil(std::log10(y)));
    }
  return plane;
}

static void drawGrid(llvm::raw_ostream &os, const Plane &plane, llvm::ArrayRef<int64_t> x,
                     std::string (*unit)(double)) {
  for (double power = plane.low; power <= plane.high; ++power) {
    double y = plane.getY(std::pow(10, power));
    os << formatv("<line class=\"grid\" x1=\"{0:f1}\" y1=\"{1:f1}\" x2=\"{2:f1}\" y2=\"{1:f1}\"/>\n", Plane::left, y,
                  width - Plane::right);
    writeLabel(os, Plane::left - 8, y + 4, "end", unit(std::pow(10, power)));
  }
  // Every other context has room for its number.
  for (size_t column = 0; column < x.size(); column += 2)
    writeLabel(os, plane.getX(column), Plane::height - Plane::bottom + 18, "middle", inCount(double(x[column])));
}

void mla::report::drawLines(llvm::raw_ostream &os, StringRef title, llvm::ArrayRef<int64_t> x,
                            llvm::ArrayRef<Line> lines, std::string (*unit)(double)) {
  Plane plane = planeOf(x.size(), lines);
  openChart(os, title, Plane::height);
  drawGrid(os, plane, x, unit);
  for (auto [series, line] : llvm::enumerate(lines)) {
    os << formatv("<polyline class=\"line l{0}\" points=\"", series);
    for (auto [column, y] : llvm::enumerate(line.y))
      os << formatv("{0:f1},{1:f1} ", plane.getX(column), plane.getY(y));
    os << formatv("\"><title>{0}</title></polyline>\n", escaped(line.label));
  }
  os << "</svg></div>\n";
}

void mla::report::writeLegend(llvm::raw_ostream &os, llvm::ArrayRef<std::string> names, char kind) {
  os << "<ul class=\"legend\">\n";
  for (auto [i, name] : llvm::enumerate(names))
    os << formatv(
        "<li><svg class=\"swatch\" viewBox=\"0 0 24 12\"><path class=\"{0}{1}{2}\" d=\"{3}\"/></svg>{4}</li>\n",
        kind == 'l' ? "line " : "", kind, i, kind == 'l' ? "M0 6H24" : "M6 0H18V12H6Z", escaped(name));
  os << "</ul>\n";
}
