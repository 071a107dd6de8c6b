//===- Map.cpp - Cells over two axes --------------------------------------===//
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

namespace {
struct Grid {
  static constexpr double left = 56, right = 12, top = 26, bottom = 44, row = 18;
  size_t columns, rows;

  double getColumn() const { return (svg::kWidth - left - right) / columns; }
  double getX(size_t column) const { return left + getColumn() * column; }
  double getY(size_t at) const { return top + row * (rows - 1 - at); }
  double getHeight() const { return top + row * rows + bottom; }
};
} // namespace

static void drawLabels(llvm::raw_ostream &os, const Grid &grid, const Axes &axes, llvm::ArrayRef<int64_t> columns,
                       llvm::ArrayRef<int64_t> rows, llvm::ArrayRef<Cell> cells) {
  auto isChosen = [&](size_t Cell::*axis, size_t at) {
    return llvm::any_of(cells, [&](const Cell &cell) { return cell.chosen && cell.*axis == at; });
  };
  for (auto [i, number] : llvm::enumerate(rows))
    svg::writeText(os, Grid::left - 6, grid.getY(i) + Grid::row - 5, "end", svg::inShort(number),
                   isChosen(&Cell::row, i) ? "value" : "label");
  std::vector<svg::Tick> ticks;
  for (auto [i, number] : llvm::enumerate(columns))
    ticks.push_back({grid.getX(i) + grid.getColumn() / 2, svg::inShort(number), isChosen(&Cell::column, i)});
  svg::writeTicks(os, ticks, Grid::top + Grid::row * rows.size() + 16);
  svg::writeText(os, 4, 14, "start", axes.y, "axis");
  svg::writeText(os, (Grid::left + svg::kWidth - Grid::right) / 2, grid.getHeight() - 8, "middle", axes.x, "axis");
}

static void drawCell(llvm::raw_ostream &os, const Grid &grid, const Cell &cell, bool crossedOut) {
  constexpr double gap = 1;
  double x = grid.getX(cell.column), y = grid.getY(cell.row), width = grid.getColumn() - gap, height = Grid::row - gap;
  os << formatv("<rect class=\"m{0}\" x=\"{1:f1}\" y=\"{2:f1}\" width=\"{3:f1}\" height=\"{4:f1}\"><title>{5}</title>"
                "</rect>\n",
                cell.kind, x, y, width, height, escaped(cell.tip));
  if (crossedOut)
    os << formatv("<path class=\"cross\" d=\"M{0:f1} {1:f1}L{2:f1} {3:f1}\"/>\n", x + 3, y + height - 3, x + width - 3,
                  y + 3);
}

void mla::report::drawMap(llvm::raw_ostream &os, StringRef title, const Axes &axes, llvm::ArrayRef<int64_t> columns,
                          llvm::ArrayRef<int64_t> rows, llvm::ArrayRef<Cell> cells, llvm::ArrayRef<std::string> kinds,
                          unsigned crossedOut) {
  Grid grid{columns.size(), rows.size()};
  svg::open(os, title, grid.getHeight());
  drawLabels(os, grid, axes, columns, rows, cells);
  for (const Cell &cell : cells)
    drawCell(os, grid, cell, cell.kind >= crossedOut);
  for (const Cell &cell : cells)
    if (cell.chosen)
      os << formatv("<rect class=\"frame\" x=\"{0:f1}\" y=\"{1:f1}\" width=\"{2:f1}\" height=\"{3:f1}\"/>\n",
                    grid.getX(cell.column) - 1, grid.getY(cell.row) - 1, grid.getColumn() + 1, Grid::row + 1);
  os << "</svg>\n";
  std::vector<svg::Entry> entries;
  for (auto [i, name] : llvm::enumerate(kinds))
    if (llvm::any_of(cells, [i = i](const Cell &cell) { return cell.kind == i; }))
      entries.push_back({formatv("m{0}", i), i >= crossedOut ? "M4 1H20V11H4ZL20 1" : "M4 0H20V12H4Z", name});
  if (llvm::any_of(cells, [](const Cell &cell) { return cell.chosen; }))
    entries.push_back({"frame", "M4 1H20V11H4Z", "this report"});
  svg::writeLegend(os, entries);
}
