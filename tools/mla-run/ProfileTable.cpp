//===- ProfileTable.cpp - A profile as a table ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JsonWriter.h"
#include "Profile.h"

#include "mla/launch_part.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

using namespace mla;
using namespace mla::run;

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Add two amounts; a negative one is unknown.
static double added(double a, double b) { return a < 0 || b < 0 ? -1 : a + b; }

void ProfileSum::add(const ProfiledLaunch &launch) {
  ++launches;
  seconds = added(seconds, launch.seconds);
  bytes = added(bytes, launch.bytes);
  flops = added(flops, launch.flops);
}

static ProfileGroup &groupOf(ProfilePart &part, const ProfiledLaunch &launch) {
  for (ProfileGroup &group : part.groups)
    if (group.name == launch.name && group.grid == launch.grid)
      return group;
  return part.groups.emplace_back(ProfileGroup{launch.name, launch.grid, {}});
}

std::vector<ProfilePart> mla::run::sumParts(const StepProfile &profile) {
  std::vector<ProfilePart> parts;
  std::vector<std::string> names(std::begin(schema::partNames), std::end(schema::partNames));
  names.insert(names.begin(), "layers"); // what is not divided
  for (const std::string &name : names) {
    ProfilePart part{name, {}, {}};
    for (const ProfiledLaunch &launch : profile.launches)
      if (launch.part == name) {
        part.sum.add(launch);
        groupOf(part, launch).sum.add(launch);
      }
    if (part.sum.launches)
      parts.push_back(std::move(part));
  }
  return parts;
}

ProfileSum mla::run::sumOf(const StepProfile &profile) {
  ProfileSum sum;
  for (const ProfiledLaunch &launch : profile.launches)
    sum.add(launch);
  return sum;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

/// Return the number in a column, or a dash if it is unknown.
static std::string cell(const char *format, double value, bool known) {
  char text[32] = "-";
  if (known)
    std::snprintf(text, sizeof(text), format, value);
  return text;
}

/// Return the quotient; negative if it is unknown.
static double rate(double amount, double seconds) { return amount < 0 || seconds <= 0 ? -1 : amount / seconds; }

static void printRow(const std::string &name, int width, const ProfileSum &sum, double total,
                     const Ceilings &ceilings) {
  double bytes = rate(sum.bytes, sum.seconds), flops = rate(sum.flops, sum.seconds);
  bool timed = sum.seconds >= 0;
  std::printf("%-*s %8" PRId64 " %10s %6s %10s %9s %6s %10s %9s %6s\n", width, name.c_str(), sum.launches,
              cell("%.2f", sum.seconds * 1e6, timed).c_str(),
              cell("%.1f%%", 100 * sum.seconds / total, timed && total > 0).c_str(),
              cell("%.3f", sum.bytes * 1e-6, sum.bytes >= 0).c_str(), cell("%.1f", bytes * 1e-9, bytes >= 0).c_str(),
              cell("%.1f%%", 100 * bytes / ceilings.bytesPerSecond, bytes >= 0 && ceilings.bytesPerSecond > 0).c_str(),
              cell("%.4f", sum.flops * 1e-9, sum.flops >= 0).c_str(), cell("%.2f", flops * 1e-12, flops >= 0).c_str(),
              cell("%.1f%%", 100 * flops / ceilings.flopsPerSecond, flops >= 0 && ceilings.flopsPerSecond > 0).c_str());
}

static std::string rowName(const ProfileGroup &group) {
  std::string name = "  " + group.name;
  if (group.grid[0])
    name += " (" + std::to_string(group.grid[0]) + " x " + std::to_string(group.grid[1]) + " x " +
            std::to_string(group.grid[2]) + ")";
  return name;
}

static void printCeilings(const StepProfile &profile) {
  const Ceilings &ceilings = profile.ceilings;
  std::printf("ceilings:");
  if (ceilings.bytesPerSecond > 0)
    std::printf(" %.1f GB/s read,", ceilings.bytesPerSecond * 1e-9);
  if (ceilings.flopsPerSecond > 0)
    std::printf(" %.1f TFLOP/s in bf16 (%.1f in e4m3),", ceilings.flopsPerSecond * 1e-12,
                ceilings.e4m3FlopsPerSecond * 1e-12);
  std::printf(" %s\n", ceilings.origin.c_str());
  if (!profile.hasClock())
    std::printf("no times: the device is emulated and has no clock\n");
}

void mla::run::printTable(const StepProfile &profile) {
  std::vector<ProfilePart> parts = sumParts(profile);
  ProfileSum all = sumOf(profile);
  size_t width = std::string("all, one after the other").size();
  for (const ProfilePart &part : parts)
    for (const ProfileGroup &group : part.groups)
      width = std::max(width, rowName(group).size());
  auto column = static_cast<int>(width);
  std::printf("%s, %s, medians of %" PRId64 " steps\n", profile.title.c_str(), profile.device.c_str(), profile.steps);
  std::printf("%-*s %8s %10s %6s %10s %9s %6s %10s %9s %6s\n", column, "part, kernel (grid)", "launches", "us", "share",
              "MB", "GB/s", "of top", "GFLOP", "TFLOP/s", "of top");
  for (const ProfilePart &part : parts) {
    printRow(part.name, column, part.sum, all.seconds, profile.ceilings);
    for (const ProfileGroup &group : part.groups)
      printRow(rowName(group), column, group.sum, all.seconds, profile.ceilings);
  }
  printRow("all, one after the other", column, all, all.seconds, profile.ceilings);
  printCeilings(profile);
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

/// Write a number; null if it is negative, which means unknown.
static void known(JsonWriter &json, const char *name, double number) {
  json.key(name);
  number < 0 ? json.null() : json.value(number);
}

static void writeSum(JsonWriter &json, const ProfileSum &sum, double total) {
  json.field("launches", sum.launches);
  known(json, "seconds", sum.seconds);
  known(json, "share", sum.seconds < 0 || total <= 0 ? -1 : sum.seconds / total);
  known(json, "bytes", sum.bytes);
  known(json, "bytes_per_second", rate(sum.bytes, sum.seconds));
  known(json, "flops", sum.flops);
  known(json, "flops_per_second", rate(sum.flops, sum.seconds));
}

static void writeGrid(JsonWriter &json, const std::array<uint32_t, 3> &grid) {
  json.key("grid").beginArray();
  for (uint32_t count : grid)
    json.value(static_cast<int64_t>(count));
  json.endArray();
}

std::string mla::run::profileAsJson(const StepProfile &profile) {
  JsonWriter json;
  ProfileSum all = sumOf(profile);
  json.beginObject().field("step", profile.title).field("device", profile.device).field("steps", profile.steps);
  writeSum(json, all, all.seconds);
  json.key("parts").beginArray();
  for (const ProfilePart &part : sumParts(profile)) {
    json.beginObject().field("part", part.name);
    writeSum(json, part.sum, all.seconds);
    json.key("kernels").beginArray();
    for (const ProfileGroup &group : part.groups) {
      json.beginObject().field("kernel", group.name);
      writeGrid(json, group.grid);
      writeSum(json, group.sum, all.seconds);
      json.endObject();
    }
    json.endArray().endObject();
  }
  json.endArray().key("ceilings").beginObject();
  auto ceiling = [&](const char *name, double number) { known(json, name, number > 0 ? number : -1); };
  ceiling("bytes_per_second", profile.ceilings.bytesPerSecond);
  ceiling("flops_per_second", profile.ceilings.flopsPerSecond);
  ceiling("e4m3_flops_per_second", profile.ceilings.e4m3FlopsPerSecond);
  json.field("origin", profile.ceilings.origin).endObject().endObject();
  return json.str();
}
