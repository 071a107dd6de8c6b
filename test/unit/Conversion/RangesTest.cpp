//===- RangesTest.cpp - Index expressions with bounded variables ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ranges.h"

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mla::raise;

namespace {

class RangesTest : public testing::Test {
protected:
  MLIRContext context;
  Variables variables{&context};
  AffineExpr b = variables.make(2), h = variables.make(4), s = variables.make(6);
};

TEST_F(RangesTest, DigitsComeBackFromTheirNumber) {
  AffineExpr merged = (b * 4 + h) * 6 + s;
  EXPECT_EQ(variables.simplify(merged % 6), s);
  EXPECT_EQ(variables.simplify(merged.floorDiv(6) % 4), h);
  EXPECT_EQ(variables.simplify(merged.floorDiv(24)), b);
}

TEST_F(RangesTest, AVariableThatIsTooLargeKeepsItsDivision) {
  AffineExpr wide = variables.make(7);
  EXPECT_EQ(variables.simplify((b * 6 + wide).floorDiv(6)), b + wide.floorDiv(6));
  EXPECT_NE(variables.simplify(wide % 6), wide);
}

TEST_F(RangesTest, DivisionsRoundAsTheirNameSays) {
  EXPECT_EQ(variables.simplify((s + 12).floorDiv(6)), variables.constant(2));
  EXPECT_EQ(variables.simplify((s - 6).floorDiv(6)), variables.constant(-1));
  EXPECT_EQ(variables.simplify((b * 6).ceilDiv(6)), b);
  EXPECT_EQ(variables.simplify((b * 6 + 1).ceilDiv(6)), b + 1);
}

TEST_F(RangesTest, EqualExpressionsAreOne) {
  EXPECT_TRUE(variables.equal(s + b * 3 - 1, b * 2 + s + b - 1));
  EXPECT_FALSE(variables.equal(s, b));
}

TEST_F(RangesTest, ASizeOfOneIsTheConstantZero) {
  AffineExpr unit = variables.make(1);
  EXPECT_EQ(unit, variables.constant(0));
  EXPECT_EQ(variables.sizeOf(unit), 1);
}

TEST_F(RangesTest, SignsTurnRanges) {
  Interval range = variables.rangeOf(variables.simplify(s - h * 2));
  EXPECT_EQ(range.first, -6);
  EXPECT_EQ(range.last, 5);
}

TEST_F(RangesTest, AnUnknownSizeIsLargerThanAnyDivisor) {
  AffineExpr any = variables.make(ShapedType::kDynamic);
  EXPECT_NE(variables.simplify(any % 4096), any);
}

} // namespace
