//===- Lines.cpp - Lines over two logarithmic axes ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Html.h"
#include "Svg.h"
#include "Units.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla::report;
using llvm::formatv;
using llvm::StringRef;
using svg::Plane;

static Plane planeOf(const Axes &axes, llvm::ArrayRef<int64_t> x, llvm::ArrayRef<Line> lines) {
  int64_t chosen = axes.chosen.value_or(x.front());
  Plane plane{std::log2(std::min(x.front(), chosen)), std::log2(std::max(x.back(), chosen)), 300, -300};
  for (const Line &line : lines) {
    for (double y : line.y)
      plane.include(y);
    if (axes.chosen)
      plane.include(line.chosen);
  }
  return plane;
}

static void drawColumns(llvm::raw_ostream &os, const Plane &plane, const Axes &axes, llvm::ArrayRef<int64_t> x) {
  std::vector<svg::Tick> ticks;
  for (int64_t column : x)
    if (column != axes.chosen)
      ticks.push_back({plane.getX(std::log2(column)), svg::inShort(column)});
  if (axes.chosen) {
    ticks.push_back({plane.getX(std::log2(*axes.chosen)), svg::inShort(*axes.chosen), true});
    os << formatv("<line class=\"chosen\" x1=\"{0:f1}\" y1=\"{1:f1}\" x2=\"{0:f1}\" y2=\"{2:f1}\"/>\n", ticks.back().at,
                  Plane::top - 8, Plane::height - Plane::bottom);
    svg::writeTicks(os, {{ticks.back().at, "this report", true}}, Plane::top - 12);
  }
  svg::writeTicks(os, ticks, Plane::height - Plane::bottom + 16);
}

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

static void drawPart(llvm::raw_ostream &os, const Plane &plane, llvm::ArrayRef<int64_t> x, const Line &line,
                     const llvm::Twine &kind, size_t first, size_t last) {
  if (last < first + 2)
    return;
  os << formatv("<polyline class=\"{0}\" points=\"", kind.str());
  for (size_t i = first; i < last; ++i)
    os << formatv("{0:f1},{1:f1} ", plane.getX(std::log2(x[i])), plane.getY(line.y[i]));
  os << formatv("\"><title>{0}</title></polyline>\n", escaped(line.label));
}

static void drawLine(llvm::raw_ostream &os, const Plane &plane, const Axes &axes, llvm::ArrayRef<int64_t> x,
                     const Line &line, size_t series) {
  size_t real = std::min(line.real, x.size());
  std::string kind = formatv("line l{0}", series);
  drawPart(os, plane, x, line, kind, 0, real);
  drawPart(os, plane, x, line, kind + " faint", real ? real - 1 : 0, x.size());
  if (axes.chosen)
    os << formatv("<circle class=\"p{0}\" cx=\"{1:f1}\" cy=\"{2:f1}\" r=\"{3}\"><title>{4}: {5}</title></circle>\n",
                  series, plane.getX(std::log2(*axes.chosen)), plane.getY(line.chosen), 4, escaped(line.label),
                  axes.unit(line.chosen));
}

/// Return the number of points at which a line coincides with another, and the sum of the distances of all points.
static std::pair<size_t, double> compare(const Plane &plane, const Line &line, const Line &other) {
  constexpr double visible = 2;
  size_t covered = 0;
  double apart = 0;
  for (auto [a, b] : llvm::zip_equal(line.y, other.y)) {
    double distance = std::abs(plane.getY(a) - plane.getY(b));
    covered += distance < visible;
    apart += distance;
  }
  return {covered, apart};
}

/// Describe which earlier lines a line covers: "", ", lies on absorb", ", lies partly on absorb and fold".
static std::string describeCover(const Plane &plane, llvm::ArrayRef<Line> earlier, const Line &line) {
  std::string whole, part;
  double nearest = 0;
  for (const Line &other : earlier) {
    auto [covered, apart] = compare(plane, line, other);
    if (covered == line.y.size() && (whole.empty() || apart < nearest))
      whole = ", lies on " + other.label, nearest = apart;
    if (covered > 1)
      part += (part.empty() ? ", lies partly on " : " and ") + other.label;
  }
  return whole.empty() ? part : whole;
}

void mla::report::drawLines(llvm::raw_ostream &os, StringRef title, const Axes &axes, llvm::ArrayRef<int64_t> x,
                            llvm::ArrayRef<Line> lines) {
  Plane plane = planeOf(axes, x, lines);
  svg::open(os, title, Plane::height);
  svg::drawAxes(os, plane, axes);
  drawColumns(os, plane, axes, x);
  std::vector<svg::Entry> entries;
  for (auto [series, line] : llvm::enumerate(lines)) {
    drawLine(os, plane, axes, x, line, series);
    entries.push_back(
        {formatv("line l{0}", series), "M0 6H24", line.label + describeCover(plane, lines.take_front(series), line)});
  }
  os << "</svg>\n";
  svg::writeLegend(os, entries);
}
