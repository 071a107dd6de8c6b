//===- TextWriter.cpp - A report for a terminal ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Glossary.h"
#include "Sentences.h"
#include "Units.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mla;
using namespace mla::report;
using llvm::formatv;
using llvm::StringRef;

static void writeHead(llvm::raw_ostream &os, StringRef what) {
  os << formatv("  {0,-28}{1,11}{2,11}{3,11}", what, "FLOP", "bytes", "time");
  for (Part part : allParts)
    os << formatv("{0,8}", titleOf(part));
}

static void writeRow(llvm::raw_ostream &os, StringRef title, const Costs &costs) {
  Cost total = costs.getTotal();
  os << formatv("  {0,-28}{1,11}{2,11}{3,11}", title, inFlops(total.flops), inBytes(total.getBytes()),
                inSeconds(total.seconds));
  for (Part part : allParts)
    os << formatv("{0,8}", inPercent(costs.getShare(part)));
}

static void writePhase(llvm::raw_ostream &os, const Report &report, const PhaseCosts &phase, const Amdahl &amdahl) {
  os << "\n" << stringifyPhase(phase.phase) << ": " << describeStep(phase) << "\n";
  writeHead(os, "whole model");
  os << "   needs\n";
  for (const FormCosts &form : phase.forms) {
    writeRow(os, form.title, form.model);
    os << "   " << describeNeed(form.memory) << "\n";
  }
  for (auto [i, kind] : llvm::enumerate(report.getConfig().layers)) {
    writeHead(os, describeKind(report.getConfig(), kind));
    os << "\n";
    for (const FormCosts &form : phase.forms) {
      writeRow(os, form.title, form.layers[i]);
      os << "\n";
    }
  }
  for (const std::string &line : describePhase(report, phase, amdahl))
    os << "  " << line << "\n";
}

static void writeFormats(llvm::raw_ostream &os, const Report &report) {
  for (const std::vector<std::string> &row : listFormats(report))
    os << formatv("  {0,-28}{1,15}{2,11}{3,11}{4,11}   {5}\n", row[0], row[1], row[2], row[3], row[4], row[5]);
}

static void writeModel(llvm::raw_ostream &os, const Report &report) {
  os << describeModel(report) << "\n" << describeDevice(report.request) << "\n";
  for (const std::string &note : report.notes)
    os << "note: " << note << "\n";
  writePhase(os, report, report.decode, report.decodeAmdahl);
  writePhase(os, report, report.prefill, report.prefillAmdahl);
  os << "\nmemory\n";
  for (const std::string &line : describeMemory(report))
    os << "  " << line << "\n";
  writeFormats(os, report);
}

void mla::report::writeText(llvm::raw_ostream &os, const Report &report) {
  writeModel(os, report);
  if (report.baseline) {
    os << "\nbaseline: ";
    writeModel(os, *report.baseline);
  }
  bool latentBaseline = report.baseline && report.baseline->getConfig().latent;
  os << "\nwords\n";
  for (const Word &word : listWords(latentBaseline ? *report.baseline : report))
    os << formatv("  {0,-22}{1}\n", word.word, word.meaning);
}
