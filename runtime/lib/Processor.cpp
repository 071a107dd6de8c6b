//===- Processor.cpp - Instruction sets of this processor -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device.h"

using namespace mla;

#if defined(__x86_64__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

// Checks feature by feature, because older compilers do not know the names of the levels. The few unchecked features of
// a level come with the others in every existing processor.
static bool supportsV2() { return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"); }
static bool supportsV3() {
  return supportsV2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
static bool supportsV4() {
  return supportsV3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

/// Returns whether there are tiles of bf16 and AVX512_BF16 (Intel SDM, volume 2, CPUID, leaf 7).
static bool hasTiles() {
  constexpr unsigned amxBF16 = 1u << 22, amxTile = 1u << 24, avx512BF16 = 1u << 5;
  unsigned a, b, c, d, moreA, unused;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & amxBF16) && (d & amxTile) &&
         __get_cpuid_count(7, 1, &moreA, &unused, &unused, &unused) && (moreA & avx512BF16);
}

/// Asks the kernel to save tiles for the threads of this process (Documentation/arch/x86/xstate.rst of Linux), once.
/// Returns whether it does.
static bool mayUseTiles() {
  constexpr long requestPermission = 0x1023, tileData = 18;
  static const bool granted = syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
  return granted;
}

bool mla::processorSupports(const std::string &isa) {
  __builtin_cpu_init();
  if (isa == "sapphirerapids")
    return supportsV4() && hasTiles() && mayUseTiles();
  return isa == "x86-64-v2" ? supportsV2() : isa == "x86-64-v3" ? supportsV3() : isa == "x86-64-v4" && supportsV4();
}
#elif defined(__aarch64__)
bool mla::processorSupports(const std::string &isa) { return isa == "aarch64"; }
#else
bool mla::processorSupports(const std::string &) { return false; }
#endif
