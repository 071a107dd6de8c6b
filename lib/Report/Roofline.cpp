//===- Roofline.cpp - Points under a roof ---------------------------------===//
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

static Plane planeOf(double slope, double top, llvm::ArrayRef<RoofPoint> points) {
  double ridge = std::log10(top / slope);
  Plane plane{std::floor(ridge) - 1, std::ceil(ridge) + 1, 300, -300};
  for (const RoofPoint &point : points) {
    plane.lowX = std::min(plane.lowX, std::floor(std::log10(point.x)));
    plane.highX = std::max(plane.highX, std::ceil(std::log10(point.x)));
    plane.include(point.y);
  }
  plane.include(top);
  return plane;
}

/// Draw the roof, from the lower or left edge.
static void drawRoof(llvm::raw_ostream &os, const Plane &plane, double slope, double top) {
  double x = std::max(plane.lowX, plane.lowY - std::log10(slope)), ridge = std::log10(top / slope);
  os << formatv("<polyline class=\"line roof\" points=\"{0:f1},{1:f1} {2:f1},{3:f1} {4:f1},{3:f1}\"><title>{5}/s read, "
                "{6}/s</title></polyline>\n",
                plane.getX(x), plane.getY(std::pow(10, x) * slope), plane.getX(ridge), plane.getY(top),
                plane.getX(plane.highX), inBytes(slope), inFlops(top));
}

static void drawPoint(llvm::raw_ostream &os, const Plane &plane, const RoofPoint &point) {
  // Coinciding points are drawn as concentric rings, the first series largest.
  constexpr double largest = 8, step = 1.6, ring = 11;
  double x = plane.getX(std::log10(point.x)), y = plane.getY(point.y),
         r = point.ring ? ring : largest - step * point.series;
  std::string kind = point.ring ? "ring" : "p" + std::to_string(point.series);
  if (point.square)
    os << formatv("<rect class=\"{0}\" x=\"{1:f1}\" y=\"{2:f1}\" width=\"{3:f1}\" height=\"{3:f1}\">", kind, x - r,
                  y - r, 2 * r);
  else
    os << formatv("<circle class=\"{0}\" cx=\"{1:f1}\" cy=\"{2:f1}\" r=\"{3:f1}\">", kind, x, y, r);
  os << "<title>" << escaped(point.tip) << "</title></" << (point.square ? "rect" : "circle") << ">\n";
}

void mla::report::drawRoofline(llvm::raw_ostream &os, StringRef title, const Axes &axes, double slope, double top,
                               llvm::ArrayRef<RoofPoint> points, llvm::ArrayRef<std::string> series,
                               llvm::ArrayRef<std::string> shapes) {
  Plane plane = planeOf(slope, top, points);
  svg::open(os, title, Plane::height);
  svg::drawAxes(os, plane, axes);
  std::vector<svg::Tick> ticks;
  for (double power = plane.lowX; power <= plane.highX; ++power)
    ticks.push_back(
        {plane.getX(power), power < 0 ? formatv("{0:f2}", std::pow(10, power)).str() : inCount(std::pow(10, power))});
  svg::writeTicks(os, ticks, Plane::height - Plane::bottom + 16);
  drawRoof(os, plane, slope, top);
  for (const RoofPoint &point : points)
    drawPoint(os, plane, point);
  os << "</svg>\n";
  std::vector<svg::Entry> entries = {
      {"line roof", "M0 11L12 3H24", formatv("ceilings: {0}/s read, {1}/s", inBytes(slope), inFlops(top))}};
  for (auto [i, name] : llvm::enumerate(series))
    entries.push_back({formatv("p{0}", i), "M6 0H18V12H6Z", name});
  entries.push_back({"shape", "M12 1A5 5 0 1 0 12 11A5 5 0 1 0 12 1Z", shapes[0]});
  entries.push_back({"shape", "M7 1H17V11H7Z", shapes[1]});
  if (llvm::any_of(points, [](const RoofPoint &point) { return point.ring; }))
    entries.push_back({"ring", "M12 0.5A5.5 5.5 0 1 0 12 11.5A5.5 5.5 0 1 0 12 0.5Z", "the plan's, around it"});
  svg::writeLegend(os, entries);
}
