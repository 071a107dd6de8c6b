//===- Profile.h - Where the time of a step goes -------------- -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_PROFILE_H
#define MLA_RUN_PROFILE_H

#include "mla/profile.h"

#include <array>
#include <string>
#include <vector>

namespace mla::run {

/// A launch of a step, or on a CPU a call of an entry. Negative numbers are unknown.
struct ProfiledLaunch {
  std::string name, part;
  int64_t layer; ///< -1: none
  std::array<uint32_t, 3> grid;
  double seconds; ///< median
  double bytes, flops;
};

/// What a device reaches at most; 0: unknown.
struct Ceilings {
  double bytesPerSecond = 0, flopsPerSecond = 0, e4m3FlopsPerSecond = 0;
  std::string origin; ///< for people
};

/// The launches of a step in their order, and what they are compared with.
struct StepProfile {
  std::string title;  ///< the step, for people
  std::string device; ///< that it ran on
  int64_t steps = 0;  ///< of which the medians are
  std::vector<ProfiledLaunch> launches;
  Ceilings ceilings;

  /// Whether the device has a clock.
  bool hasClock() const { return !launches.empty() && launches.front().seconds >= 0; }
};

/// The sum of some launches.
struct ProfileSum {
  int64_t launches = 0;
  double seconds = 0, bytes = 0, flops = 0; ///< negative if one of them is unknown

  void add(const ProfiledLaunch &launch);
};

/// Launches of one kernel and grid in a part.
struct ProfileGroup {
  std::string name;
  std::array<uint32_t, 3> grid;
  ProfileSum sum;
};

/// A part of the step, with its kernels in the order of their first launches.
struct ProfilePart {
  std::string name;
  ProfileSum sum;
  std::vector<ProfileGroup> groups;
};

/// Sum up the launches by parts, in the order of the step's data flow; without empty parts.
std::vector<ProfilePart> sumParts(const StepProfile &profile);
/// The sum of all parts.
ProfileSum sumOf(const StepProfile &profile);

void printTable(const StepProfile &profile);
/// Return the profile as one JSON object.
std::string profileAsJson(const StepProfile &profile);
/// Return a trace in Chrome's event format, with a track per part. Without a clock every launch lasts one microsecond.
std::string traceOf(const StepProfile &profile);

} // namespace mla::run

#endif // MLA_RUN_PROFILE_H
