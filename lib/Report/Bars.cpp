//===- Bars.cpp - Bars of parts -------------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Html.h"
#include "Svg.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <numeric>

using namespace mla::report;
using llvm::formatv;
using llvm::StringRef;

static double sumOf(const Bar &bar) { return std::accumulate(bar.parts.begin(), bar.parts.end(), 0.0); }

void mla::report::drawBars(llvm::raw_ostream &os, StringRef title, llvm::ArrayRef<Bar> bars,
                           llvm::ArrayRef<std::string> parts) {
  constexpr double left = 166, right = 68, row = 30, thickness = 18;
  double longest = 0;
  for (const Bar &bar : bars)
    longest = std::max(longest, sumOf(bar));
  double scale = longest > 0 ? (svg::kWidth - left - right) / longest : 0;
  svg::open(os, title, row * bars.size());
  for (auto [i, bar] : llvm::enumerate(bars)) {
    double x = left, y = row * i + (row - thickness) / 2, text = y + thickness - 4;
    svg::writeText(os, left - 8, text, "end", bar.label);
    for (auto [series, part] : llvm::enumerate(bar.parts)) {
      os << formatv("<rect class=\"s{0}\" x=\"{1:f1}\" y=\"{2:f1}\" width=\"{3:f1}\" height=\"{4}\"><title>{5}</title>"
                    "</rect>\n",
                    series, x, y, part * scale, int(thickness),
                    escaped(parts.empty() ? bar.label + ": " + bar.value : parts[series]));
      x += part * scale;
    }
    svg::writeText(os, x + 8, text, "start", bar.value, "value");
  }
  os << "</svg>\n";
  std::vector<svg::Entry> entries;
  for (auto [i, part] : llvm::enumerate(parts))
    entries.push_back({formatv("s{0}", i), "M6 0H18V12H6Z", part});
  if (!entries.empty())
    svg::writeLegend(os, entries);
}
