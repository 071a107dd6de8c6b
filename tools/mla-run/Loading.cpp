//===- Loading.cpp - Opening a bundle -------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Loading.h"

#include <chrono>
#include <cstdio>
#include <unistd.h>

using namespace mla;
using namespace mla::run;

namespace {
/// A line on a terminal: "weights  [#####     ]  12.3 of 31.2 GB, 15.6 GB/s".
class ProgressBar {
public:
  explicit ProgressBar(bool quiet) : isShown(!quiet && isatty(STDERR_FILENO)) {}
  static void update(void *bar, uint64_t done, uint64_t total) { static_cast<ProgressBar *>(bar)->update(done, total); }
  ~ProgressBar() { clear(); }

private:
  using Clock = std::chrono::steady_clock;
  bool isShown, isDrawn = false;
  Clock::time_point start = Clock::now(), drawn;

  void update(uint64_t done, uint64_t total);
  void clear() {
    if (isDrawn)
      std::fputs("\r\033[K", stderr);
    isDrawn = false;
  }
};
} // namespace

/// Draw at most ten times a second, and not what ends at once.
void ProgressBar::update(uint64_t done, uint64_t total) {
  constexpr std::chrono::milliseconds interval(100);
  Clock::time_point now = Clock::now();
  if (done == 0)
    start = drawn = now;
  if (!isShown || total == 0 || now - drawn < interval)
    return;
  drawn = now;
  constexpr int width = 40;
  auto filled = static_cast<int>(static_cast<double>(done) / static_cast<double>(total) * width);
  double gigabytes = static_cast<double>(done) * 1e-9, seconds = std::chrono::duration<double>(now - start).count();
  std::fprintf(stderr, "\rweights  [%.*s%*s]  %.1f of %.1f GB, %.2f GB/s\033[K", filled,
               "########################################", width - filled, "", gigabytes,
               static_cast<double>(total) * 1e-9, gigabytes / seconds);
  std::fflush(stderr);
  isDrawn = true;
}

Result<Bundle> mla::run::load(const Options &given, mla_comm *comm) {
  ProgressBar bar(given.quiet);
  mla_open_options options = {};
  options.size = sizeof(options);
  options.progress = ProgressBar::update;
  options.context = &bar;
  options.comm = comm;
  mla_bundle *opened = nullptr;
  if (Error error = toError(mla_bundle_open_with(given.bundle.c_str(), &options, &opened)))
    return error;
  return Bundle(opened);
}

/// Return the bytes a second, or a negative number if nothing was copied.
static double rateOf(const mla_bundle_info &info) {
  return info.weights_seconds > 0 ? static_cast<double>(info.weights_bytes) / info.weights_seconds : -1;
}

std::string mla::run::loadingText(const mla_bundle_info &info) {
  char text[120];
  std::snprintf(text, sizeof(text), "kernels %.3f s, weights %.3f s (%.3f GB, %.2f GB/s)", info.code_seconds,
                info.weights_seconds, static_cast<double>(info.weights_bytes) * 1e-9, rateOf(info) * 1e-9);
  return text;
}

void mla::run::writeLoading(JsonWriter &json, const mla_bundle_info &info) {
  if (!info.device_memory)
    return;
  json.field("code_seconds", info.code_seconds).field("weights_seconds", info.weights_seconds);
  json.field("weights_bytes", info.weights_bytes).key("weights_bytes_per_second");
  rateOf(info) < 0 ? json.null() : json.value(rateOf(info));
}
