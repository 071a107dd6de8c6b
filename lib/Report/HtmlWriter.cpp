//===- HtmlWriter.cpp - A report as a page --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One file without scripts that asks the network for nothing: a stylesheet,
// tables and inline SVG.
//
//===----------------------------------------------------------------------===//

#include "Charts.h"
#include "Page.h"
#include "Sentences.h"
#include "Units.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;
using namespace mla::report;
using llvm::formatv;
using llvm::StringRef;

static std::string sentence(StringRef text) { return llvm::toUpper(text.front()) + escaped(text.drop_front()) + "."; }

static void writeParagraph(llvm::raw_ostream &os, StringRef text) { os << "<p>" << sentence(text) << "</p>\n"; }

/// The first cell of a row is its head.
static void writeRow(llvm::raw_ostream &os, llvm::ArrayRef<std::string> cells, StringRef tag = "td") {
  os << "<tr><th scope=\"row\">" << escaped(cells.front()) << "</th>";
  for (const std::string &cell : cells.drop_front())
    os << "<" << tag << ">" << escaped(cell) << "</" << tag << ">";
  os << "</tr>\n";
}

/// What is wide scrolls by itself where the window is narrow.
static void writeTable(llvm::raw_ostream &os, llvm::ArrayRef<std::vector<std::string>> rows) {
  os << "<div class=\"wide\"><table>\n<thead>";
  writeRow(os, rows.front(), "th");
  os << "</thead>\n<tbody>\n";
  for (const std::vector<std::string> &row : rows.drop_front())
    writeRow(os, row);
  os << "</tbody></table></div>\n";
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

static std::vector<std::string> partTitles() {
  std::vector<std::string> titles;
  for (Part part : allParts)
    titles.push_back(titleOf(part).str());
  return titles;
}

static std::vector<std::string> costHead(StringRef what) {
  std::vector<std::string> head = {what.str(), "FLOP", "bytes", "time"};
  llvm::append_range(head, partTitles());
  return head;
}

static std::vector<std::string> costRow(StringRef title, const Costs &costs) {
  Cost total = costs.getTotal();
  std::vector<std::string> row = {title.str(), inFlops(total.flops), inBytes(total.getBytes()),
                                  inSeconds(total.seconds)};
  for (Part part : allParts)
    row.push_back(inPercent(costs.getShare(part)));
  return row;
}

static void writeShares(llvm::raw_ostream &os, const PhaseCosts &phase) {
  std::vector<Bar> bars;
  for (const FormCosts &form : phase.forms) {
    Bar bar{form.title, {}, inSeconds(form.model.getTotal().seconds)};
    for (Part part : allParts)
      bar.parts.push_back(form.model.getShare(part));
    bars.push_back(std::move(bar));
  }
  os << "<h3>Shares of the time</h3>\n";
  drawBars(os, "Shares of the time by form", bars);
  writeLegend(os, partTitles(), 's');
}

static void writeContexts(llvm::raw_ostream &os, const PhaseCosts &phase) {
  std::vector<int64_t> contexts;
  std::vector<Line> lines;
  std::vector<std::string> names;
  for (auto [i, form] : llvm::enumerate(phase.forms)) {
    names.push_back(form.key == "plan" ? "plan" : form.title);
    Line line{names.back(), {}};
    for (const Sample &sample : phase.samples)
      line.y.push_back(sample.seconds[i]);
    lines.push_back(std::move(line));
  }
  for (const Sample &sample : phase.samples)
    contexts.push_back(sample.context);
  os << "<h3>Time of a step by context</h3>\n";
  drawLines(os, "Time of a step by context", contexts, lines, inSeconds);
  writeLegend(os, names, 'l');
}

static void writeCosts(llvm::raw_ostream &os, const Report &report, const PhaseCosts &phase) {
  std::vector<std::vector<std::string>> rows = {costHead("whole model")};
  for (const FormCosts &form : phase.forms)
    rows.push_back(costRow(form.title, form.model));
  writeTable(os, rows);
  for (auto [i, kind] : llvm::enumerate(report.getConfig().layers)) {
    rows = {costHead(describeKind(report.getConfig(), kind))};
    for (const FormCosts &form : phase.forms)
      rows.push_back(costRow(form.title, form.layers[i]));
    writeTable(os, rows);
  }
}

static void writeMeasured(llvm::raw_ostream &os, const PhaseCosts &phase) {
  if (phase.measured.empty())
    return;
  std::vector<std::vector<std::string>> rows = {
      {"in one layer", "form", "measured", "predicted", "predicted / measured", "kernels"}};
  for (const MeasuredPiece &piece : phase.measured)
    rows.push_back({titleOf(piece.piece).str(), stringifyForm(piece.form).str(), inSeconds(piece.measured),
                    inSeconds(piece.predicted), formatv("{0:f2}", piece.predicted / piece.measured),
                    piece.kernels.str()});
  os << "<h3>Measured on an H100</h3>\n";
  writeTable(os, rows);
}

static void writeSpeedUps(llvm::raw_ostream &os, const Report &report, const PhaseCosts &phase, const Amdahl &amdahl) {
  std::vector<std::vector<std::string>> rows = {{"speed-up of the step by", ""}};
  for (auto [what, factor] : listSpeedUps(amdahl))
    rows.push_back({what, factor});
  os << "<h3>What a faster part would bring</h3>\n";
  writeTable(os, rows);
  writeParagraph(os, describeContexts(amdahl));
}

static void writePhase(llvm::raw_ostream &os, const Report &report, const PhaseCosts &phase, const Amdahl &amdahl) {
  os << "<section>\n<h2>" << (phase.phase == Phase::Decode ? "Decode" : "Prefill") << "</h2>\n";
  writeParagraph(os, describeStep(phase));
  if (report.getConfig().experts)
    writeParagraph(os, describeExperts(report, phase));
  writeShares(os, phase);
  writeCosts(os, report, phase);
  writeContexts(os, phase);
  writeSpeedUps(os, report, phase, amdahl);
  writeMeasured(os, phase);
  os << "</section>\n";
}

//===----------------------------------------------------------------------===//
// Page
//===----------------------------------------------------------------------===//

static void writeMemory(llvm::raw_ostream &os, const Report &report) {
  const KvCache &cache = report.cache;
  std::vector<Bar> bars;
  auto add = [&](StringRef label, double bytes) { bars.push_back({label.str(), {bytes}, inBytes(bytes)}); };
  add("this model", cache.bytesPerToken);
  add("MQA", cache.multiQueryBytesPerToken);
  add("GQA of 8", cache.groupedBytesPerToken);
  add("MHA", cache.headBytesPerToken);
  if (report.baseline)
    add("baseline", cache.baselineBytesPerToken);
  os << "<section>\n<h2>Memory</h2>\n<h3>Bytes of a cached token</h3>\n";
  drawBars(os, "Bytes of a cached token", bars);
  for (const std::string &line : describeMemory(report))
    writeParagraph(os, line);
  os << "</section>\n";
}

static void writeModel(llvm::raw_ostream &os, const Report &report) {
  os << "<p class=\"lead\">" << escaped(describeModel(report)) << "</p>\n";
  writeParagraph(os, describeDevice(report.request));
  for (const std::string &note : report.notes)
    os << "<p class=\"note\">" << sentence(note) << "</p>\n";
  writePhase(os, report, report.decode, report.decodeAmdahl);
  writePhase(os, report, report.prefill, report.prefillAmdahl);
  writeMemory(os, report);
}

void mla::report::writeHtml(llvm::raw_ostream &os, const Report &report) {
  std::string name = escaped(report.request.name);
  os << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
     << "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
     << "<meta name=\"color-scheme\" content=\"light dark\">\n"
     << "<title>Where the time of " << name << " goes</title>\n<style>\n"
     << kStyle << "</style>\n</head>\n<body>\n<main>\n<h1>Where the time of " << name << " goes</h1>\n";
  writeModel(os, report);
  if (report.baseline) {
    os << "<h1>Baseline: " << escaped(report.baseline->request.name) << "</h1>\n";
    writeModel(os, *report.baseline);
  }
  os << "</main>\n</body>\n</html>\n";
}
