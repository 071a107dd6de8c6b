//===- fit_projections.cpp - The model of projections, and its error ------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compares measured times of projections with those that ProjectionModel
// predicts, fits its numbers to them, and prints both errors:
//
//   fit-projections benchmarks/results/projections_h100_2026-11-22.txt
//
// A line of the file is "TOKENS | KERNEL | MICROSECONDS | ...". The name of a
// kernel says its sizes and choices. Every fifth line is left out of the fit, so
// that the error there is of products that it has not seen. Measured times
// include the start of a kernel, which the model leaves out because all choices
// have it; the fit adds a constant for it.
//
// The model only has to rank choices: the last line counts pairs of choices for
// the same product whose measured times differ, and those that it ranks alike.
//
//===----------------------------------------------------------------------===//

#include "SM90/ProjectionChoices.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace mla::gpu;
using llvm::StringRef;

namespace {
struct Measurement {
  StringRef kernel;
  ProjectionDims dims;
  ProjectionChoices choices;
  int64_t tokens = 0;
  double microseconds = 0;
};

/// A number of the model that is fitted, within what the device can do.
struct Parameter {
  StringRef name;
  double ProjectionModel::*value;
  double least, most;
};

/// A model, and the time that measurements add to it.
struct Fit {
  ProjectionModel model;
  double start = 0; ///< microseconds
};
} // namespace

static constexpr int64_t processors = 132; // of an H100

/// Those of e4m3 have no measurements here. Memory has 3.35 TB/s, an H200's 4.8, and the clock at most 1980 MHz.
static constexpr Parameter parameters[] = {{"memoryRate", &ProjectionModel::memoryRate, 1e6, 4.8e6},
                                           {"intakeRate", &ProjectionModel::intakeRate, 2e4, 2e5},
                                           {"cycleRate", &ProjectionModel::cycleRate, 1000, 1980},
                                           {"sumKernelTime", &ProjectionModel::sumKernelTime, 0.5, 5},
                                           {"sumRate", &ProjectionModel::sumRate, 5e5, 1e7},
                                           {"storeLatency", &ProjectionModel::storeLatency, 100, 5000},
                                           {"storedPerCycle", &ProjectionModel::storedPerCycle, 8, 128},
                                           {"leastProductTime", &ProjectionModel::leastProductTime, 16, 128},
                                           {"stageLatency", &ProjectionModel::stageLatency, 1, 1000},
                                           {"shownPart", &ProjectionModel::shownPart, 0.01, 1}};

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Return the number behind `_word` in a kernel's name.
static int64_t numberBehind(StringRef kernel, StringRef word, int64_t without) {
  llvm::SmallVector<StringRef> found;
  int64_t number = without;
  if (llvm::Regex(("_" + word + "([0-9]+)").str()).match(kernel, &found))
    found[1].getAsInteger(10, number);
  return number;
}

static bool readKernel(StringRef kernel, Measurement &made) {
  llvm::SmallVector<StringRef> found;
  if (!llvm::Regex("^projection_([0-9]+)x([0-9]+)x([0-9]+)_tile([0-9]+)x([0-9]+)_").match(kernel, &found))
    return false;
  int64_t *numbers[] = {&made.dims.heads, &made.dims.rows, &made.dims.contracted, &made.choices.tileRows,
                        &made.choices.tileTokens};
  for (auto [number, text] : llvm::zip_equal(numbers, llvm::drop_begin(found)))
    text.getAsInteger(10, *number);
  made.kernel = kernel;
  made.choices.stages = numberBehind(kernel, "stages", 0);
  made.choices.splits = numberBehind(kernel, "splits", 1);
  made.choices.blocks = numberBehind(kernel, "blocks", 1);
  made.choices.turns = numberBehind(kernel, "turns", 1);
  made.choices.streamed = kernel.contains("_streamed");
  return true;
}

static std::vector<Measurement> readAll(StringRef text) {
  std::vector<Measurement> all;
  llvm::SmallVector<StringRef> lines;
  text.split(lines, '\n');
  for (StringRef line : lines) {
    llvm::SmallVector<StringRef> fields;
    line.split(fields, '|');
    Measurement made;
    if (fields.size() < 3 || fields[0].trim().getAsInteger(10, made.tokens) ||
        fields[2].trim().getAsDouble(made.microseconds) || !readKernel(fields[1].trim(), made))
      continue;
    all.push_back(made);
  }
  return all;
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

static double predict(const Measurement &made, const Fit &fit) {
  return fit.start + predictProjection(made.dims, made.tokens, processors, made.choices, fit.model);
}

/// Return the logarithm of the predicted time over the measured one.
static double errorOf(const Measurement &made, const Fit &fit) {
  return std::log(predict(made, fit) / made.microseconds);
}

static bool isLeftOut(size_t line) { return line % 5 == 4; }

/// Return the root of the mean square of the errors of the lines that were left out, or of the others.
static double meanError(llvm::ArrayRef<Measurement> all, const Fit &fit, bool leftOut) {
  double sum = 0;
  int64_t count = 0;
  for (auto [i, made] : llvm::enumerate(all))
    if (isLeftOut(i) == leftOut)
      sum += std::pow(errorOf(made, fit), 2), ++count;
  return std::sqrt(sum / std::max<int64_t>(1, count));
}

/// Fits the constant alone.
static Fit fitStart(llvm::ArrayRef<Measurement> all, Fit best) {
  for (double start = 0; start < 8; start += 0.05)
    if (Fit other = {best.model, start}; meanError(all, other, false) < meanError(all, best, false))
      best = other;
  return best;
}

/// Fits one number after the other, by ever smaller factors, until none is better.
static Fit fitAll(llvm::ArrayRef<Measurement> all, Fit best) {
  for (double step : {1.3, 1.1, 1.03, 1.01})
    for (bool isBetter = true; isBetter;) {
      isBetter = false;
      for (const Parameter &parameter : parameters)
        for (double factor : {step, 1 / step}) {
          Fit other = best;
          double &value = other.model.*parameter.value;
          value = std::clamp(value * factor, parameter.least, parameter.most);
          other = fitStart(all, other);
          if (meanError(all, other, false) < meanError(all, best, false) * (1 - 1e-6))
            best = other, isBetter = true;
        }
    }
  return best;
}

static bool areOfOneProduct(const Measurement &a, const Measurement &b) {
  return a.tokens == b.tokens && a.dims.heads == b.dims.heads && a.dims.rows == b.dims.rows &&
         a.dims.contracted == b.dims.contracted;
}

/// Return the pairs of choices for a product whose measured times differ by more than two runs do, and how many of them
/// the model ranks alike.
static std::pair<int64_t, int64_t> countRanked(llvm::ArrayRef<Measurement> all, const Fit &fit) {
  constexpr double noise = 1.03;
  std::pair<int64_t, int64_t> pairs = {0, 0};
  for (const Measurement &slow : all)
    for (const Measurement &fast : all) {
      if (!areOfOneProduct(slow, fast) || slow.microseconds < noise * fast.microseconds)
        continue;
      ++pairs.first;
      pairs.second += predict(slow, fit) > predict(fast, fit);
    }
  return pairs;
}

/// Return how much more time the model's choices take than the best measured ones, in the geometric mean over the
/// products with several.
static double lossOf(llvm::ArrayRef<Measurement> all, const Fit &fit) {
  double sum = 0;
  int64_t count = 0;
  for (auto [i, first] : llvm::enumerate(all)) {
    auto isOther = [&, &first = first](const Measurement &made) { return areOfOneProduct(made, first); };
    if (llvm::any_of(all.take_front(i), isOther) || llvm::count_if(all, isOther) == 1)
      continue;
    const Measurement *chosen = &first, *best = &first;
    for (const Measurement &made : llvm::make_filter_range(all, isOther)) {
      chosen = predict(made, fit) < predict(*chosen, fit) ? &made : chosen;
      best = made.microseconds < best->microseconds ? &made : best;
    }
    sum += std::log(chosen->microseconds / best->microseconds);
    ++count;
  }
  return sum / std::max<int64_t>(1, count);
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static double percent(double logarithm) { return 100 * (std::exp(logarithm) - 1); }

static void printErrors(StringRef title, llvm::ArrayRef<Measurement> all, const Fit &fit) {
  const Measurement *worst = &all.front();
  for (const Measurement &made : all)
    if (std::abs(errorOf(made, fit)) > std::abs(errorOf(*worst, fit)))
      worst = &made;
  auto [pairs, ranked] = countRanked(all, fit);
  llvm::outs() << llvm::format("%-18s off by %4.1f%%, by %4.1f%% where left out of the fit; ranks %lld of %lld pairs; ",
                               title.str().c_str(), percent(meanError(all, fit, false)),
                               percent(meanError(all, fit, true)), static_cast<long long>(ranked),
                               static_cast<long long>(pairs))
               << llvm::format("choices lose %.1f%%; ", percent(lossOf(all, fit)))
               << llvm::format("at most %+.0f%%: ", percent(errorOf(*worst, fit))) << worst->tokens << " tokens, "
               << worst->kernel << "\n";
}

static void printByTokens(llvm::ArrayRef<Measurement> all, const Fit &now, const Fit &fitted) {
  llvm::outs() << "  tokens  products    now  fitted\n";
  for (auto [least, most] : {std::pair<int64_t, int64_t>(1, 16), {17, 64}, {65, 128}, {129, 1024}, {1025, 1 << 20}}) {
    double sums[2] = {};
    int64_t count = 0;
    for (const Measurement &made : all) {
      if (made.tokens < least || made.tokens > most)
        continue;
      sums[0] += std::pow(errorOf(made, now), 2);
      sums[1] += std::pow(errorOf(made, fitted), 2);
      ++count;
    }
    if (count)
      llvm::outs() << llvm::format("  to %-6lld %6lld  %4.1f%%   %4.1f%%\n", static_cast<long long>(most),
                                   static_cast<long long>(count), percent(std::sqrt(sums[0] / count)),
                                   percent(std::sqrt(sums[1] / count)));
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    llvm::errs() << "usage: fit-projections RESULTS.txt\n";
    return 2;
  }
  auto file = llvm::MemoryBuffer::getFile(argv[1]);
  if (!file) {
    llvm::errs() << "error: " << argv[1] << ": " << file.getError().message() << "\n";
    return 1;
  }
  std::vector<Measurement> all = readAll((*file)->getBuffer());
  if (all.size() < 2 * std::size(parameters)) {
    llvm::errs() << "error: " << argv[1] << ": has " << all.size() << " measurements of projections; expected lines "
                 << "'TOKENS | projection_... | MICROSECONDS', at least " << 2 * std::size(parameters) << "\n";
    return 1;
  }
  Fit now, started = fitStart(all, now), fitted = fitAll(all, started);
  llvm::outs() << all.size() << " measurements; errors are roots of mean squares\n";
  printErrors("now", all, now);
  printErrors("now, with a start", all, started);
  printErrors("fitted", all, fitted);
  printByTokens(all, started, fitted);
  llvm::outs() << llvm::format("  %-16s %12.4g -> %.4g\n", "start", started.start, fitted.start);
  for (const Parameter &parameter : parameters)
    llvm::outs() << llvm::format("  %-16s %12.4g -> %.4g\n", parameter.name.str().c_str(), now.model.*parameter.value,
                                 fitted.model.*parameter.value);
  return 0;
}
