//===- Svg.cpp - Common parts of charts -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Svg.h"
#include "Html.h"
#include "Units.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mla::report;
using llvm::formatv;
using llvm::StringRef;

void svg::open(llvm::raw_ostream &os, StringRef title, double height) {
  os << formatv(
      "<svg class=\"chart\" viewBox=\"0 0 {0:f0} {1:f0}\" role=\"img\" aria-label=\"{2}\">\n<title>{2}</title>\n",
      kWidth, height, escaped(title));
}

void svg::writeText(llvm::raw_ostream &os, double x, double y, StringRef anchor, StringRef text, StringRef kind) {
  os << formatv("<text class=\"{0}\" x=\"{1:f1}\" y=\"{2:f1}\" text-anchor=\"{3}\">{4}</text>\n", kind, x, y, anchor,
                escaped(text));
}

static std::pair<double, double> extentOf(const svg::Tick &tick) {
  // Center the text, but keep it inside the chart, and add a space.
  double half = svg::kCharacter * tick.text.size() / 2;
  double middle = std::clamp(tick.at, half, svg::kWidth - half);
  return {middle - half - svg::kCharacter / 2, middle + half + svg::kCharacter / 2};
}

void svg::writeTicks(llvm::raw_ostream &os, llvm::ArrayRef<Tick> ticks, double y) {
  std::vector<std::pair<double, double>> taken;
  for (bool chosen : {true, false})
    for (const Tick &tick : ticks) {
      auto [left, right] = extentOf(tick);
      auto overlaps = [left = left, right = right](auto other) { return left < other.second && other.first < right; };
      if (tick.chosen != chosen || llvm::any_of(taken, overlaps))
        continue;
      taken.push_back({left, right});
      writeText(os, (left + right) / 2, y, "middle", tick.text, chosen ? "value" : "label");
    }
}

std::string svg::inShort(int64_t number) {
  constexpr int64_t kilo = 1 << 10, mega = 1 << 20;
  if (number >= mega && number % mega == 0)
    return std::to_string(number / mega) + "M";
  return number >= kilo && number % kilo == 0 ? std::to_string(number / kilo) + "k" : inCount(double(number));
}

void svg::writeLegend(llvm::raw_ostream &os, llvm::ArrayRef<Entry> entries) {
  os << "<ul class=\"legend\">\n";
  for (const auto &[kind, path, name] : entries)
    os << formatv("<li><svg class=\"swatch\" viewBox=\"0 0 24 12\" aria-hidden=\"true\"><path class=\"{0}\" "
                  "d=\"{1}\"/></svg>{2}</li>\n",
                  kind, path, escaped(name));
  os << "</ul>\n";
}

void svg::Plane::include(double value) {
  lowY = std::min(lowY, std::floor(std::log10(value)));
  highY = std::max(highY, std::ceil(std::log10(value)));
  if (lowY == highY)
    ++highY;
}

/// Return "1 ms" for "1.00 ms".
static std::string inWhole(StringRef text) {
  auto [number, unit] = text.split(' ');
  if (number.contains('.'))
    number = number.rtrim('0').rtrim('.');
  return unit.empty() ? number.str() : (number + " " + unit).str();
}

void svg::drawAxes(llvm::raw_ostream &os, const Plane &plane, const Axes &axes) {
  double step = std::max(1.0, std::ceil((plane.highY - plane.lowY) / 9));
  for (double power = plane.lowY; power <= plane.highY; power += step) {
    double y = plane.getY(std::pow(10, power));
    os << formatv("<line class=\"grid\" x1=\"{0:f1}\" y1=\"{1:f1}\" x2=\"{2:f1}\" y2=\"{1:f1}\"/>\n", Plane::left, y,
                  kWidth - Plane::right);
    writeText(os, Plane::left - 8, y + 4, "end", inWhole(axes.unit(std::pow(10, power))));
  }
  writeText(os, 4, 14, "start", axes.y, "axis");
  writeText(os, (Plane::left + kWidth - Plane::right) / 2, Plane::height - 8, "middle", axes.x, "axis");
}
