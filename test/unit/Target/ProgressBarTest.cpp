//===- ProgressBarTest.cpp - How far, how fast, how long ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProgressBar.h"

#include <gtest/gtest.h>

using namespace mla;

static constexpr uint64_t kMiB = 1 << 20;

TEST(ProgressBar, SaysPartRateAndRest) {
  EXPECT_EQ(progressText("weights", 50 * kMiB, 200 * kMiB, 25.0 * kMiB),
            "weights [=====>              ] 25%  50 of 200 MiB  25 MiB/s  6 s left");
}

TEST(ProgressBar, HasNoRateBeforeAnythingWasDone) {
  EXPECT_EQ(progressText("weights", 0, 2 * kMiB, 0), "weights [>                   ] 0%  0 of 2 MiB");
}

TEST(ProgressBar, IsFullAtTheEnd) {
  EXPECT_EQ(progressText("weights", 0, 0, 0), "weights [====================] 100%  0 of 0 MiB");
}
