//===- Trace.cpp - A profile as a trace -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The events of Chrome's trace format, as Perfetto opens them: complete events
// ("X") in microseconds, and names of tracks ("M").
//
//===----------------------------------------------------------------------===//

#include "JsonWriter.h"
#include "Profile.h"

#include <algorithm>

using namespace mla;
using namespace mla::run;

static constexpr int64_t process = 1;

static void writeName(JsonWriter &json, const char *what, int64_t track, const std::string &name) {
  json.beginObject().field("ph", "M").field("name", what).field("pid", process).field("tid", track);
  json.key("args").beginObject().field("name", name).endObject().endObject();
}

static void writeAmount(JsonWriter &json, const char *name, double amount) {
  if (amount >= 0)
    json.field(name, amount);
}

static void writeLaunch(JsonWriter &json, const ProfiledLaunch &launch, int64_t track, double start, double duration) {
  json.beginObject().field("ph", "X").field("name", launch.name).field("cat", launch.part);
  json.field("pid", process).field("tid", track).field("ts", start).field("dur", duration);
  json.key("args").beginObject();
  if (launch.layer >= 0)
    json.field("layer", launch.layer);
  if (launch.grid[0])
    json.field("grid", std::to_string(launch.grid[0]) + " x " + std::to_string(launch.grid[1]) + " x " +
                           std::to_string(launch.grid[2]));
  writeAmount(json, "bytes", launch.bytes);
  writeAmount(json, "flops", launch.flops);
  if (launch.seconds > 0 && launch.bytes >= 0)
    json.field("GB/s", launch.bytes / launch.seconds * 1e-9);
  if (launch.seconds > 0 && launch.flops >= 0)
    json.field("TFLOP/s", launch.flops / launch.seconds * 1e-12);
  json.endObject().endObject();
}

std::string mla::run::traceOf(const StepProfile &profile) {
  JsonWriter json;
  std::vector<ProfilePart> parts = sumParts(profile);
  json.beginObject().key("traceEvents").beginArray();
  writeName(json, "process_name", 0, profile.title);
  for (size_t i = 0; i < parts.size(); ++i)
    writeName(json, "thread_name", static_cast<int64_t>(i), parts[i].name);
  double start = 0;
  for (const ProfiledLaunch &launch : profile.launches) {
    auto part = std::find_if(parts.begin(), parts.end(), [&](const ProfilePart &p) { return p.name == launch.part; });
    double duration = profile.hasClock() ? launch.seconds * 1e6 : 1;
    writeLaunch(json, launch, part - parts.begin(), start, duration);
    start += duration;
  }
  json.endArray().field("displayTimeUnit", "ns").key("otherData").beginObject().field("device", profile.device);
  json.field("clock", profile.hasClock() ? "medians of " + std::to_string(profile.steps) + " steps"
                                         : "none: every launch lasts one microsecond");
  json.field("ceilings", profile.ceilings.origin);
  writeAmount(json, "ceiling of bytes a second", profile.ceilings.bytesPerSecond);
  writeAmount(json, "ceiling of flops a second", profile.ceilings.flopsPerSecond);
  json.endObject().endObject();
  return json.str() + "\n";
}
