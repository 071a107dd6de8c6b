//===- cpu_ceilings.cpp - Read bandwidth and f32 rate of this machine -----===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints, as JSON, the rate at which all threads together read memory (a sum
// over 1 GiB, larger than any cache) and the f32 rate of independent fused
// multiply-adds in registers. Medians of nine runs. Compile it for the
// processor, and run it in the same benchmark as what it is compared with.
//
//===----------------------------------------------------------------------===//

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <thread>
#include <vector>

static double seconds(const std::function<void(unsigned)> &work, unsigned threads) {
  std::vector<double> times;
  for (int run = 0; run < 9; ++run) {
    auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> team;
    for (unsigned i = 0; i < threads; ++i)
      team.emplace_back(work, i);
    for (std::thread &thread : team)
      thread.join();
    times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

static volatile float sink;

using Vector = float __attribute__((vector_size(64)));

static void readAll(const float *data, size_t count) {
  Vector sums[8] = {};
  for (size_t i = 0; i + 128 <= count; i += 128)
    for (int k = 0; k < 8; ++k)
      sums[k] += *reinterpret_cast<const Vector *>(data + i + 16 * k);
  for (int k = 1; k < 8; ++k)
    sums[0] += sums[k];
  sink = sums[0][0];
}

static constexpr int64_t kSteps = 20'000'000;

static void multiplyAdd() {
  // Twelve independent chains: more than latency times issue width.
  Vector a[12] = {}, x = {}, y = {};
  for (int i = 0; i < 16; ++i) {
    x[i] = 1.0f + 1e-7f * static_cast<float>(i);
    y[i] = 1e-9f;
  }
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (int k = 0; k < 12; ++k)
      a[k] = a[k] * x + y;
    asm volatile("" : "+v"(a[0]), "+v"(a[1]), "+v"(a[2]), "+v"(a[3]), "+v"(a[4]), "+v"(a[5]));
    asm volatile("" : "+v"(a[6]), "+v"(a[7]), "+v"(a[8]), "+v"(a[9]), "+v"(a[10]), "+v"(a[11]));
  }
  for (int k = 1; k < 12; ++k)
    a[0] += a[k];
  sink = a[0][0];
}

int main() {
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  size_t share = (size_t(1) << 28) / threads / 128 * 128;
  std::vector<float> memory(share * threads + 16, 1.0f);
  auto *aligned = reinterpret_cast<float *>((reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64);
  double read = seconds([&](unsigned i) { readAll(aligned + i * share, share); }, threads);
  double fma = seconds([&](unsigned) { multiplyAdd(); }, threads);
  std::printf("{\"threads\": %u, \"read_GBps\": %.2f, \"fma_GFLOPs\": %.1f}\n", threads,
              static_cast<double>(share) * threads * 4 / read / 1e9,
              static_cast<double>(kSteps) * 12 * 16 * 2 * threads / fma / 1e9);
}
