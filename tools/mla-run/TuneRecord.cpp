//===- TuneRecord.cpp - What a tuning says --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChooseLimits.h"
#include "Handles.h"
#include "JsonWriter.h"
#include "Tune.h"
#include "WriteFile.h"

#include <cinttypes>
#include <ctime>

using namespace mla;
using namespace mla::run;

//===----------------------------------------------------------------------===//
// For a reader
//===----------------------------------------------------------------------===//

static std::string joined(const std::set<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : " + ") + name;
  return text.empty() ? "no kernel" : text;
}

static void printClasses(const MeasuredChoice &choice) {
  for (size_t i = 0; i < choice.kernels.size(); ++i) {
    if (i == choice.limits.size())
      std::printf("  class %zu  others          %s\n", i, joined(choice.kernels[i]).c_str());
    else
      std::printf("  class %zu  to %4" PRId64 " -> %4" PRId64 "  %s\n", i, choice.before[i], choice.limits[i],
                  joined(choice.kernels[i]).c_str());
  }
}

/// Print a line per size; a star marks the class that runs from now on.
static void printCosts(const MeasuredChoice &choice, bool hasFraction) {
  std::printf("  %6s", "size");
  for (size_t i = 0; i < choice.kernels.size(); ++i)
    std::printf("  %11s%zu", "class ", i);
  std::printf("\n");
  for (const auto &[size, costs] : choice.costs) {
    std::printf("  %6" PRId64, size);
    for (size_t i = 0; i < costs.size(); ++i) {
      const char *mark = classOf(size, choice.limits) == i ? "*" : " ";
      if (costs[i] < 0)
        std::printf(" %12s%s", "-", mark);
      else
        std::printf(" %12.*f%s", hasFraction ? 2 : 0, costs[i], mark);
    }
    std::printf("\n");
  }
}

void mla::run::printMeasurements(const mla_bundle *bundle, const Measurements &measured, const std::string &unit) {
  for (const auto &[number, choice] : measured) {
    const mla_choice_info &info = *mla_bundle_get_choice(bundle, number);
    std::printf("%s.%s, in %s\n", info.list, info.kernel, unit.c_str());
    printClasses(choice);
    printCosts(choice, unit == "microseconds");
  }
}

//===----------------------------------------------------------------------===//
// For the bundle
//===----------------------------------------------------------------------===//

static TunedChoice recordOf(const mla_choice_info &info, const MeasuredChoice &choice) {
  TunedChoice record = {info.list, info.kernel, choice.limits, {}};
  for (const auto &[size, costs] : choice.costs)
    record.sizes.push_back({size, costs});
  return record;
}

static std::string now() {
  std::time_t time = std::time(nullptr);
  std::tm parts = {};
  gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

/// Describe the device, now.
static Result<Tuning> describeDevice(const mla_bundle *bundle, const std::string &unit) {
  int32_t version = 0;
  if (Error error = toError(mla_bundle_driver_version(bundle, &version)))
    return error;
  std::string driver = std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
  return Tuning{mla_bundle_get_info(bundle)->device, driver, now(), unit, {}};
}

/// Adds the choices of an earlier tuning that were not measured again.
static void keepOthers(const Tuning &earlier, Tuning &tuning) {
  if (earlier.device != tuning.device || earlier.unit != tuning.unit)
    return;
  size_t own = tuning.choices.size();
  for (const TunedChoice &choice : earlier.choices) {
    bool isNew = true;
    for (size_t i = 0; i < own; ++i)
      isNew &= tuning.choices[i].list != choice.list || tuning.choices[i].kernel != choice.kernel;
    if (isNew)
      tuning.choices.push_back(choice);
  }
}

static void writeChoice(JsonWriter &json, const TunedChoice &choice) {
  json.beginObject().field("list", choice.list).field("kernel", choice.kernel).key("limits").beginArray();
  for (int64_t limit : choice.limits)
    json.value(limit);
  json.endArray().key("sizes").beginArray();
  for (const TunedSize &size : choice.sizes) {
    json.beginObject().field("size", size.size).key("costs").beginArray();
    for (double cost : size.costs)
      cost < 0 ? json.null() : json.value(cost);
    json.endArray().endObject();
  }
  json.endArray().endObject();
}

void mla::run::write(JsonWriter &json, const Tuning &tuning) {
  json.beginObject().field("device", tuning.device).field("driver", tuning.driver);
  json.field("date", tuning.date).field("unit", tuning.unit).key("choices").beginArray();
  for (const TunedChoice &choice : tuning.choices)
    writeChoice(json, choice);
  json.endArray().endObject();
}

Error mla::run::writeTuning(const mla_bundle *bundle, const Measurements &measured, const std::string &unit) {
  std::string path = mla_bundle_get_info(bundle)->path;
  Result<Tuning> tuning = describeDevice(bundle, unit);
  Result<std::optional<Tuning>> earlier = readTuning(path);
  if (!tuning || !earlier)
    return tuning ? earlier.error() : tuning.error();
  for (const auto &[number, choice] : measured)
    tuning->choices.push_back(recordOf(*mla_bundle_get_choice(bundle, number), choice));
  if (*earlier)
    keepOthers(**earlier, *tuning);
  JsonWriter json;
  write(json, *tuning);
  Result<WholeFile> file = WholeFile::create(tunedPath(path));
  return file ? file->finish(json.str() + "\n") : file.error();
}
