//===- Compute.h - Instructions that compute a value per lane ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_COMPUTE_H
#define MLA_TEST_COMPUTE_H

#include "EmulatorTest.h"

#include <cmath>
#include <functional>

namespace mla::emulator {

/// Values at which arithmetic has corners, in triples that meet each other.
inline const Words &corners() {
  static const Words values = {0,          1,          2,          3,          31,         32,         33,
                               255,        256,        0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0xfffffffe,
                               0x12345678, 0x87654321, 0xdeadbeef, 0x0000ffff, 0xffff0000, 7,          0x01010101};
  return values;
}

inline Words floatCorners() {
  Words values;
  for (float value : {0.0f,  -0.0f,  1.0f,   -1.0f,  0.5f,    1.5f,     2.5f,      -2.5f, 3.14159f, -1e10f, 1e10f,
                      3e38f, -3e38f, 1e-30f, 1e-40f, -1e-40f, INFINITY, -INFINITY, NAN,   100.25f,  -7.75f})
    values.push_back(bitsOf(value));
  return values;
}

/// Triples (a, b, c): all pairs of a and b, with c from a shifted walk.
inline Words triples(const Words &values) {
  Words result;
  for (size_t i = 0; i < values.size(); ++i)
    for (size_t j = 0; j < values.size(); ++j)
      for (uint32_t value : {values[i], values[j], values[(i + 2 * j + 5) % values.size()]})
        result.push_back(value);
  return result;
}

/// Runs "a = %r1, b = %r2, c = %r3, result in %r4" for all triples.
inline Words compute(const std::string &body, const Words &in) {
  size_t count = in.size() / 3, threads = 128;
  std::string text = R"(
  setp.ge.u32 %p7, %g, )" +
                     std::to_string(count) + R"(;
  @%p7 ret;
  mad.wide.u32 %d1, %g, 12, %in;
  ld.global.b32 %r1, [%d1];
  ld.global.b32 %r2, [%d1+4];
  ld.global.b32 %r3, [%d1+8];
)" + body + "\n  st.global.b32 [%to], %r4;\n";
  Launch launch;
  launch.threads = static_cast<uint32_t>(threads);
  launch.blocks = static_cast<uint32_t>((count + threads - 1) / threads);
  return run(text, in, count, launch);
}

using Function = std::function<uint32_t(uint32_t, uint32_t, uint32_t)>;
struct Case {
  const char *body;
  Function expected;
};

inline void check(const std::vector<Case> &cases, const Words &values) {
  Words in = triples(values);
  for (const Case &c : cases) {
    SCOPED_TRACE(c.body);
    Words got = compute(c.body, in);
    for (size_t i = 0; i < got.size(); ++i) {
      uint32_t expected = c.expected(in[3 * i], in[3 * i + 1], in[3 * i + 2]);
      ASSERT_EQ(got[i], expected) << std::hex << "of " << in[3 * i] << ", " << in[3 * i + 1] << ", " << in[3 * i + 2];
    }
  }
}

} // namespace mla::emulator

#endif // MLA_TEST_COMPUTE_H
