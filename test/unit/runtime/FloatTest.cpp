//===- FloatTest.cpp - Narrow floating-point formats ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Float.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

using namespace mla;

TEST(Float, BF16RoundsToNearestEven) {
  EXPECT_EQ(roundToBF16(1.0f), 0x3f80);
  EXPECT_EQ(roundToBF16(floatFromBits(0x3f808000)), 0x3f80); // a tie, down to even
  EXPECT_EQ(roundToBF16(floatFromBits(0x3f818000)), 0x3f82); // a tie, up to even
  EXPECT_EQ(roundToBF16(floatFromBits(0x3f808001)), 0x3f81);
  EXPECT_EQ(roundToBF16(floatFromBits(0x3f807fff)), 0x3f80);
  EXPECT_EQ(roundToBF16(-0.0f), 0x8000);
  EXPECT_EQ(roundToBF16(std::numeric_limits<float>::max()), 0x7f80); // overflows to infinity, as it should
  EXPECT_TRUE(std::isnan(widenBF16(roundToBF16(floatFromBits(0x7f800001)))));
  for (uint32_t bits = 0; bits < 0x10000; ++bits)
    if (!std::isnan(widenBF16(static_cast<uint16_t>(bits)))) {
      ASSERT_EQ(roundToBF16(widenBF16(static_cast<uint16_t>(bits))), bits);
    }
}

TEST(Float, F16WidensExactly) {
  EXPECT_EQ(widenF16(0x3c00), 1.0f);
  EXPECT_EQ(widenF16(0xc000), -2.0f);
  EXPECT_EQ(widenF16(0x0001), std::ldexp(1.0f, -24));
  EXPECT_EQ(widenF16(0x83ff), -std::ldexp(1023.0f, -24));
  EXPECT_EQ(widenF16(0x7bff), 65504.0f);
  EXPECT_EQ(widenF16(0x7c00), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(widenF16(0x7c01)));
  EXPECT_TRUE(std::signbit(widenF16(0x8000)));
}
