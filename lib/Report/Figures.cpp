//===- Figures.cpp - The charts of a page ---------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A chart is a row of the table at the end: its place, its title, the reports
// that have it, and the function that fills a chart of Charts.h from the
// report.
//
//===----------------------------------------------------------------------===//

#include "Figures.h"
#include "Charts.h"
#include "Glossary.h"
#include "Html.h"
#include "Units.h"
#include "mla/Dialect/MLA/Analysis/PlannedForms.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;
using namespace mla::report;
using llvm::formatv;
using llvm::StringRef;

/// Return the label of a form; the plan's title applies to one context only, so that its label is "plan".
static std::string labelOf(const FormCosts &form) { return form.key == "plan" ? "plan" : form.title; }

static std::string describeChosen(const Request &request) {
  return formatv("{0} x {1} tokens", inCount(double(request.batch)), inCount(double(request.context)));
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

static std::string drawShares(llvm::raw_ostream &os, StringRef title, const Report &, const PhaseCosts &phase) {
  std::vector<Bar> bars;
  std::vector<std::string> parts;
  for (Part part : allParts)
    parts.push_back(plainTitleOf(part).str());
  for (const FormCosts &form : phase.forms) {
    Bar bar{form.title, {}, inSeconds(form.model.getTotal().seconds)};
    for (Part part : allParts)
      bar.parts.push_back(form.model.getShare(part));
    bars.push_back(std::move(bar));
  }
  drawBars(os, title, bars, parts);
  return "each bar is a whole step; beside it, how long that takes";
}

static std::string drawContexts(llvm::raw_ostream &os, StringRef title, const Report &report, const PhaseCosts &phase) {
  std::vector<int64_t> contexts;
  std::vector<Line> lines;
  for (auto [i, form] : llvm::enumerate(phase.forms)) {
    Line line{labelOf(form), {}, form.model.getTotal().seconds};
    for (const Sample &sample : phase.samples)
      line.y.push_back(sample.seconds[i]);
    lines.push_back(std::move(line));
  }
  for (const Sample &sample : phase.samples)
    contexts.push_back(sample.context);
  drawLines(os, title, {"context (tokens a sequence)", "time of a step", inSeconds, report.request.context}, contexts,
            lines);
  return "lower is better; both axes are logarithmic";
}

static std::string inRate(double perSecond) {
  return perSecond < 1 ? formatv("{0}", perSecond).str() : inCount(perSecond);
}

static std::string drawThroughput(llvm::raw_ostream &os, StringRef title, const Report &report,
                                  const PhaseCosts &phase) {
  std::vector<int64_t> batches;
  std::vector<Line> lines;
  for (const BatchSample &sample : report.throughput)
    batches.push_back(sample.batch);
  bool allFit = true;
  for (auto [i, form] : llvm::enumerate(phase.forms)) {
    Line line{labelOf(form), {}, double(report.request.batch) / form.model.getTotal().seconds, 0};
    for (const BatchSample &sample : report.throughput) {
      line.y.push_back(sample.tokensPerSecond[i]);
      line.real += sample.fits[i];
    }
    allFit &= line.real == batches.size();
    lines.push_back(std::move(line));
  }
  drawLines(os, title, {"batch (sequences)", "tokens a second", inRate, report.request.batch}, batches, lines);
  return formatv("decode at context {0}; higher is better{1}", inCount(double(report.request.context)),
                 allFit ? "" : "; faint lines: does not fit the memory of the device");
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static std::string drawTokenBytes(llvm::raw_ostream &os, StringRef title, const Report &report, const PhaseCosts &) {
  const KvCache &cache = report.cache;
  std::vector<Bar> bars;
  auto add = [&](StringRef label, double bytes) { bars.push_back({label.str(), {bytes}, inBytes(bytes)}); };
  add("this model", cache.bytesPerToken);
  add("MQA", cache.multiQueryBytesPerToken);
  add("GQA of 8", cache.groupedBytesPerToken);
  add("MHA", cache.headBytesPerToken);
  if (report.baseline)
    add("baseline", cache.baselineBytesPerToken);
  drawBars(os, title, bars);
  return "of all layers; MQA, GQA and MHA: keys and values of one, of eight, of all of this model's heads";
}

static std::string drawMemoryMap(llvm::raw_ostream &os, StringRef title, const Report &report, const PhaseCosts &) {
  const MemoryMap &map = report.memoryMap;
  const Request &request = report.request;
  double most = report.getMemory().deviceBytes;
  static constexpr double upTo[] = {0.5, 0.75, 1};
  std::vector<Cell> cells;
  for (auto [row, batch] : llvm::enumerate(map.batches))
    for (auto [column, context] : llvm::enumerate(map.contexts)) {
      double bytes = map.bytes[row][column];
      unsigned kind = llvm::count_if(upTo, [&](double share) { return bytes > share * most; });
      cells.push_back({column, row, kind,
                       formatv("{0} x {1} tokens: {2} of {3}, {4}", inCount(double(batch)), inCount(double(context)),
                               inBytes(bytes), inBytes(most), bytes <= most ? "fits" : "does not fit"),
                       batch == request.batch && context == request.context});
    }
  drawMap(os, title, {"context (tokens a sequence)", "batch (sequences)", nullptr, {}}, map.contexts, map.batches,
          cells, {"fits, up to half of the memory", "fits, up to three quarters", "fits", "does not fit"}, 3);
  return formatv("weights and cache in the planned form on {0}, {1}; {2} need {3}", request.device.name, inBytes(most),
                 describeChosen(request), inBytes(report.getMemory().getBytes()));
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

/// Return the color of forms on the map: naive, absorb, fold, and mixtures of the last two.
static unsigned kindOf(Forms forms) {
  if (forms.q != forms.o)
    return 7;
  return forms.q == Form::Naive ? 4 : forms.q == Form::Absorb ? 5 : 6;
}

static std::string drawCrossover(llvm::raw_ostream &os, StringRef title, const Report &report, const PhaseCosts &) {
  const CrossoverMap &map = *report.crossover;
  int64_t context = report.request.context;
  auto indexOf = [](llvm::ArrayRef<int64_t> list, int64_t value) {
    return size_t(llvm::find(list, value) - list.begin());
  };
  std::vector<Cell> cells;
  for (const CrossoverCell &cell : map.cells)
    cells.push_back(
        {indexOf(map.contexts, cell.context), indexOf(map.queries, cell.queries), kindOf(cell.cheapest),
         formatv("{0} queries, context {1}: {2}, {3}; naive {4}, absorb {5}, fold {6}", inCount(double(cell.queries)),
                 inCount(double(cell.context)), nameForms(cell.cheapest), inSeconds(cell.seconds),
                 inSeconds(cell.naive), inSeconds(cell.absorb), inSeconds(cell.fold)),
         cell.context == context && (cell.queries == 1 || cell.queries == context)});
  drawMap(os, title, {"context (tokens a sequence)", "queries of a step, each sequence", nullptr, {}}, map.contexts,
          map.queries, cells,
          {"", "", "", "", "naive, recomputed", "absorb", "fold", "one side absorb, the other fold"});
  return formatv(
      "which form takes one attention layer the least time, for {0} sequences; marked are decode, one query, "
      "and prefill, as many as the context",
      inCount(double(report.request.batch)));
}

static std::string drawRoof(llvm::raw_ostream &os, StringRef title, const Report &report, bool core) {
  const Device &device = report.request.device;
  double top = report.request.formats.multipliesE4m3() ? device.getE4m3FlopRate() : device.flopRate;
  std::vector<std::string> series;
  std::vector<RoofPoint> points;
  for (const RooflinePoint &point : report.roofline) {
    const PhaseCosts &phase = point.phase == Phase::Decode ? report.decode : report.prefill;
    size_t at =
        llvm::find_if(phase.forms, [&](const FormCosts &form) { return form.key == point.form; }) - phase.forms.begin();
    if (point.core == core)
      points.push_back({unsigned(at), point.phase == Phase::Prefill, point.form == "plan", point.flopsPerByte,
                        point.flopsPerSecond,
                        formatv("{0}, {1}: {2} FLOP/B, {3}/s", stringifyPhase(point.phase), labelOf(phase.forms[at]),
                                formatv("{0:f1}", point.flopsPerByte).str(), inFlops(point.flopsPerSecond))});
  }
  for (const FormCosts &form : report.decode.forms)
    if (form.key != "plan")
      series.push_back(form.title);
  drawRoofline(os, title, {"FLOP a byte", "FLOP a second", inFlops, {}}, device.readRate, top, points, series,
               {"decode", "prefill"});
  return formatv("ceilings as measured on {0}; times are the cost model's, launches and whole tiles included, so that "
                 "no point is above",
                 device.name);
}

static std::string drawStepRoof(llvm::raw_ostream &os, StringRef title, const Report &report, const PhaseCosts &) {
  return drawRoof(os, title, report, /*core=*/false);
}

static std::string drawCoreRoof(llvm::raw_ostream &os, StringRef title, const Report &report, const PhaseCosts &) {
  return drawRoof(os, title, report, /*core=*/true);
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

namespace {
struct Figure {
  Place place;
  llvm::StringLiteral title;
  bool ofLatent; ///< Only for latent attention.
  /// Draw the chart and its legend; returns the caption.
  std::string (*draw)(llvm::raw_ostream &, StringRef title, const Report &, const PhaseCosts &);
};
} // namespace

static constexpr Figure figures[] = {
    {Place::Phase, "Shares of the time", false, drawShares},
    {Place::Phase, "Time of a step by context", false, drawContexts},
    {Place::Decode, "Tokens a second by batch", false, drawThroughput},
    {Place::Memory, "Bytes of a cached token", false, drawTokenBytes},
    {Place::Memory, "What fits: batch and context", false, drawMemoryMap},
    {Place::Bounds, "Roofline of a whole step", false, drawStepRoof},
    {Place::Bounds, "Roofline of the attention core", false, drawCoreRoof},
    {Place::Bounds, "Cheapest form: queries and context", true, drawCrossover},
};

void mla::report::drawFigures(llvm::raw_ostream &os, Place place, const Report &report, const PhaseCosts &phase) {
  os << "<div class=\"figures\">\n";
  for (const Figure &figure : figures)
    if (figure.place == place && (report.getConfig().latent || !figure.ofLatent)) {
      os << "<div>\n<h3>" << figure.title << "</h3>\n";
      std::string caption = figure.draw(os, figure.title, report, phase);
      writeParagraph(os, caption);
      os << "</div>\n";
    }
  os << "</div>\n";
}
