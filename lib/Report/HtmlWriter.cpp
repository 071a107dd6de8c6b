//===- HtmlWriter.cpp - A report as a page --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A page is one file without scripts and external resources: a stylesheet,
// tables and inline SVG.
//
//===----------------------------------------------------------------------===//

#include "Figures.h"
#include "Glossary.h"
#include "Html.h"
#include "Page.h"
#include "Sentences.h"
#include "Units.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mla;
using namespace mla::report;
using llvm::formatv;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

static std::vector<std::string> costHead(StringRef what) {
  std::vector<std::string> head = {what.str(), "FLOP", "bytes", "time"};
  for (Part part : allParts)
    head.push_back(plainTitleOf(part).str());
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

static void writeCosts(llvm::raw_ostream &os, const Report &report, const PhaseCosts &phase) {
  std::vector<std::vector<std::string>> rows = {costHead("whole model")};
  // The column after the time, which is hypothetical if the step does not fit.
  constexpr size_t behindTime = 4;
  auto insert = [&](std::string text) { rows.back().insert(rows.back().begin() + behindTime, std::move(text)); };
  insert("memory needed");
  for (const FormCosts &form : phase.forms) {
    rows.push_back(costRow(form.title, form.model));
    insert(describeNeed(form.memory));
  }
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

static void writeMeasuredParts(llvm::raw_ostream &os, const PhaseCosts &phase) {
  if (phase.measuredParts.empty())
    return;
  std::vector<std::vector<std::string>> rows = {
      {"in the whole model", "measured", "predicted", "predicted / measured"}};
  for (const MeasuredPart &part : phase.measuredParts)
    rows.push_back({part.title.str(), inSeconds(part.measured), inSeconds(part.predicted),
                    formatv("{0:f2}", part.predicted / part.measured)});
  os << "<h3>Measured on an H200</h3>\n";
  writeTable(os, rows);
}

static void writeSpeedUps(llvm::raw_ostream &os, const Amdahl &amdahl) {
  std::vector<std::vector<std::string>> rows = {{"speed-up of the step by", "times as fast"}};
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
  drawFigures(os, Place::Phase, report, phase);
  writeCosts(os, report, phase);
  if (phase.phase == Phase::Decode)
    drawFigures(os, Place::Decode, report, phase);
  writeSpeedUps(os, amdahl);
  writeMeasured(os, phase);
  writeMeasuredParts(os, phase);
  os << "</section>\n";
}

//===----------------------------------------------------------------------===//
// Page
//===----------------------------------------------------------------------===//

static void writeMemory(llvm::raw_ostream &os, const Report &report) {
  os << "<section>\n<h2>Memory</h2>\n";
  for (const std::string &line : describeMemory(report))
    writeParagraph(os, line);
  if (!report.formats.empty())
    writeTable(os, listFormats(report));
  drawFigures(os, Place::Memory, report, report.decode);
  os << "</section>\n<section>\n<h2>What bounds a step</h2>\n";
  drawFigures(os, Place::Bounds, report, report.decode);
  os << "</section>\n";
}

static void writeWords(llvm::raw_ostream &os, const Report &report) {
  os << "<section>\n<h2>Words</h2>\n<dl>\n";
  for (const Word &word : listWords(report))
    os << "<dt>" << escaped(word.plain) << "</dt><dd>" << sentence(word.meaning) << "</dd>\n";
  os << "</dl>\n</section>\n";
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
  bool latentBaseline = report.baseline && report.baseline->getConfig().latent;
  writeWords(os, latentBaseline ? *report.baseline : report);
  os << "</main>\n</body>\n</html>\n";
}
