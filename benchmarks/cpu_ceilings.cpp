//===- cpu_ceilings.cpp - Read bandwidth and f32 rate of this machine -----===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints, as JSON, the rate at which all threads together read memory (a sum
// over 1 GiB, larger than any cache), the f32 rate of independent fused
// multiply-adds in registers, and the bf16 rate of products of AMX tiles, 0 on
// processors without. Medians of nine runs. Compile it for the processor, and
// run it in the same benchmark as what it is compared with.
//
//===----------------------------------------------------------------------===//

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#if defined(__AMX_BF16__) && defined(__AMX_TILE__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

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

#ifdef __AVX512F__
using Vector = float __attribute__((vector_size(64)));
#else
using Vector = float __attribute__((vector_size(32)));
#endif
static constexpr int kLanes = sizeof(Vector) / sizeof(float);

static void readAll(const float *data, size_t count) {
  Vector sums[8] = {};
  for (size_t i = 0; i + 8 * kLanes <= count; i += 8 * kLanes)
    for (int k = 0; k < 8; ++k)
      sums[k] += *reinterpret_cast<const Vector *>(data + i + kLanes * k);
  for (int k = 1; k < 8; ++k)
    sums[0] += sums[k];
  sink = sums[0][0];
}

static constexpr int64_t kSteps = 20'000'000;

static void multiplyAdd() {
  // Twelve independent chains: more than latency times issue width.
  Vector a[12] = {}, x = {}, y = {};
  for (int i = 0; i < kLanes; ++i) {
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

#if defined(__AMX_BF16__) && defined(__AMX_TILE__)
static constexpr int64_t kTileSteps = 2'000'000;

/// Four independent sums of products of two tiles. The products are of zeros.
static void multiplyTiles() {
  alignas(64) unsigned char config[64] = {1};
  for (int tile = 0; tile < 8; ++tile) {
    config[16 + 2 * tile] = 64; // bytes of a row
    config[48 + tile] = 16;     // rows
  }
  _tile_loadconfig(config);
  for (int64_t step = 0; step < kTileSteps; ++step) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
}

/// Returns the operations a second of all threads; 0 if the kernel does not save tiles.
static double tileRate(unsigned threads) {
  constexpr long requestPermission = 0x1023, tileData = 18;
  if (syscall(SYS_arch_prctl, requestPermission, tileData) != 0)
    return 0;
  double operations = static_cast<double>(kTileSteps) * 4 * 16 * 16 * 32 * 2 * threads;
  return operations / seconds([](unsigned) { multiplyTiles(); }, threads);
}
#else
static double tileRate(unsigned) { return 0; }
#endif

/// Returns the number of threads as the runtime chooses it.
static unsigned numThreads() {
  const char *chosen = std::getenv("MLA_NUM_THREADS");
  return chosen ? std::max(1, std::atoi(chosen)) : std::max(1u, std::thread::hardware_concurrency());
}

int main() {
  unsigned threads = numThreads();
  size_t share = (size_t(1) << 28) / threads / 128 * 128;
  std::vector<float> memory(share * threads + 16, 1.0f);
  auto *aligned = reinterpret_cast<float *>((reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64);
  double read = seconds([&](unsigned i) { readAll(aligned + i * share, share); }, threads);
  double fma = seconds([&](unsigned) { multiplyAdd(); }, threads);
  double tiles = tileRate(threads);
  std::printf("{\"threads\": %u, \"read_GBps\": %.2f, \"fma_GFLOPs\": %.1f, \"tile_GFLOPs\": %.1f}\n", threads,
              static_cast<double>(share) * threads * 4 / read / 1e9,
              static_cast<double>(kSteps) * 12 * kLanes * 2 * threads / fma / 1e9, tiles / 1e9);
}
