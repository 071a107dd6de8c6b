//===- EmulatorTest.h - Small kernels on the emulated device ----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_EMULATORTEST_H
#define MLA_TEST_EMULATORTEST_H

#include "Grid.h"

#include <gtest/gtest.h>

#include <bit>

namespace mla::emulator {

using Words = std::vector<uint32_t>;

/// A module loaded like the driver's, without global variables.
struct LoadedModule {
  explicit LoadedModule(const std::string &text);
  ptx::Module module;
  std::map<std::string, Program> programs;
  std::string error;
};

/// Memory of the emulated device.
class Buffer {
public:
  explicit Buffer(uint64_t bytes);
  explicit Buffer(const Words &words);
  Buffer(const Buffer &) = delete;
  ~Buffer();
  Words words() const;
  DeviceAddress address = 0;
  uint64_t bytes = 0;
};

struct Launch {
  uint32_t threads = 32, blocks = 1, dynamicShared = 0;
  uint64_t instructions = 1'000'000;
  std::vector<TensorMap> maps = {}; ///< The parameters map0, map1, …
};

struct Outcome {
  Words out;
  std::optional<Fault> fault;
};

/// Returns a module of one kernel named `kernel` with the body. In it:
///   %out, %in    addresses of the output and the input        (.b64)
///   %t, %b       the thread's and the block's number          (.b32)
///   %to, %from   addresses of the thread's word of %out, %in  (.b64)
///   %p<8> %h<8> %r<16> %f<8> %d<16>  predicates and registers of 16, 32, 32 and 64 bits
///   dynamic      dynamic shared memory, aligned to 1024
std::string moduleOf(const std::string &body, size_t maps = 0);

/// Returns the settings of the runs in all tests: each policy, two seeds of the random one.
std::vector<Settings> allPolicies();

/// Runs a body once.
Outcome runOnce(const std::string &body, const Words &in, size_t out, const Launch &launch, const Settings &settings);

/// Runs a body under every policy; expects no fault, and the same output of all.
Words run(const std::string &body, const Words &in, size_t out, const Launch &launch = {});

/// Runs a body under every policy; expects a fault of the kind, at the line that ends with "// HERE", and the parts in
/// its message. Returns the last message.
std::string expectFault(FaultKind kind, const std::string &body, const std::vector<std::string> &parts = {},
                        const Launch &launch = {}, const Words &in = Words(64, 7), size_t out = 64);

/// Returns the error of a module that must not load.
std::string loadError(const std::string &text);

inline uint32_t bitsOf(float value) { return std::bit_cast<uint32_t>(value); }
inline float floatOf(uint32_t bits) { return std::bit_cast<float>(bits); }
inline float ofBF16(uint16_t bits) { return floatOf(uint32_t(bits) << 16); }

} // namespace mla::emulator

#endif // MLA_TEST_EMULATORTEST_H
