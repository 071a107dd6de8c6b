//===- ExpressionTest.cpp - Sizes of a step ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Expression.h"

#include <gtest/gtest.h>

using namespace mla;

static constexpr uint32_t allSizes = (1u << numSizes) - 1;

static Result<Expression> parsed(const std::string &text, uint32_t allowed = allSizes) {
  Result<json::Value> value = json::parse(text);
  EXPECT_TRUE(value) << text;
  return Expression::parse(*value, {allowed});
}

static Sizes someSizes() {
  Sizes sizes;
  sizes[Size::Tokens] = 7;
  sizes[Size::Batch] = 3;
  sizes[Size::Processors] = 132;
  sizes[Size::QStride] = 576;
  sizes[Size::MaxLength] = INT64_MAX;
  return sizes;
}

static int64_t value(const std::string &text) {
  Result<Expression> expression = parsed(text);
  EXPECT_TRUE(expression) << text << ": " << expression.error().message();
  Result<int64_t> result = expression->evaluate(someSizes());
  EXPECT_TRUE(result) << text << ": " << result.error().message();
  return result ? *result : -999;
}

static std::string failure(const std::string &text, uint32_t allowed = allSizes) {
  Result<Expression> expression = parsed(text, allowed);
  if (!expression)
    return expression.error().message();
  Result<int64_t> result = expression->evaluate(someSizes());
  return result ? "no failure" : result.error().message();
}

TEST(Expression, Evaluates) {
  EXPECT_EQ(value("42"), 42);
  EXPECT_EQ(value("\"tokens\""), 7);
  EXPECT_EQ(value("\"q_stride\""), 576);
  EXPECT_EQ(value(R"(["+", ["*", "tokens", 2], "batch"])"), 17);
  EXPECT_EQ(value(R"(["ceil/", "tokens", "batch"])"), 3);
  EXPECT_EQ(value(R"(["//", "tokens", "batch"])"), 2);
  EXPECT_EQ(value(R"(["%", "tokens", "batch"])"), 1);
  EXPECT_EQ(value(R"(["*", 2, ["+", "processors", -1]])"), 262);
}

TEST(Expression, RoundsAsItSaysBelowZero) {
  EXPECT_EQ(value(R"(["//", -7, 3])"), -3);
  EXPECT_EQ(value(R"(["ceil/", -7, 3])"), -2);
  EXPECT_EQ(value(R"(["%", -7, 3])"), 2);
  EXPECT_EQ(value(R"(["//", -6, 3])"), -2);
  EXPECT_EQ(value(R"(["ceil/", -6, 3])"), -2);
  EXPECT_EQ(value(R"(["%", -6, 3])"), 0);
  EXPECT_EQ(value(R"(["//", -9223372036854775808, 1])"), INT64_MIN);
}

TEST(Expression, ChecksArithmetic) {
  EXPECT_EQ(failure(R"(["+", "max_length", 1])"), "a size exceeds 64 bits; lower the sizes");
  EXPECT_EQ(failure(R"(["*", "max_length", 2])"), "a size exceeds 64 bits; lower the sizes");
  for (const char *op : {"//", "ceil/", "%"}) {
    EXPECT_NE(failure("[\"" + std::string(op) + "\", 1, [\"+\", \"batch\", -3]]").find("divided by 0"),
              std::string::npos);
    EXPECT_NE(failure("[\"" + std::string(op) + "\", 1, -1]").find("divided by -1"), std::string::npos);
  }
}

TEST(Expression, RefusesWhatIsNone) {
  EXPECT_NE(failure("\"heads\"").find("names the size 'heads'"), std::string::npos);
  EXPECT_NE(failure("\"q_stride\"", 1u << static_cast<unsigned>(Size::Tokens)).find("not known here"),
            std::string::npos);
  EXPECT_EQ(failure("1.5"), "must be an expression, is a number");
  EXPECT_EQ(failure("null"), "must be an expression, is null");
  EXPECT_NE(failure("[]").find("is not [operator, expression, expression]"), std::string::npos);
  EXPECT_NE(failure(R"(["+", 1])").find("is not [operator"), std::string::npos);
  EXPECT_NE(failure(R"(["+", 1, 2, 3])").find("is not [operator"), std::string::npos);
  EXPECT_NE(failure(R"([1, "+", 2])").find("is not [operator"), std::string::npos);
  EXPECT_NE(failure(R"(["-", 1, 2])").find("has the operator '-'"), std::string::npos);
}

TEST(Expression, BoundsDepthAndSize) {
  auto nested = [](int depth) {
    std::string text = "1";
    for (int i = 0; i < depth; ++i)
      text = "[\"+\", 1, " + text + "]";
    return text;
  };
  EXPECT_EQ(value(nested(31)), 32);
  EXPECT_NE(failure(nested(32)).find("nested deeper than 32"), std::string::npos);
  std::string wide = "1";
  for (int i = 0; i < 6; ++i)
    wide = "[\"+\", " + wide + ", " + wide + "]";
  EXPECT_EQ(value(wide), 64);
  EXPECT_NE(failure("[\"+\", " + wide + ", " + wide + "]").find("more than 128 parts"), std::string::npos);
}

TEST(Expression, LimitsMayBeReplaced) {
  Result<json::Value> text = json::parse(R"(["+", "tokens", ["*", "limit1", 10]])");
  std::vector<int64_t> limits = {1, 2};
  Result<Expression> expression = Expression::parse(*text, {allSizes, &limits});
  ASSERT_TRUE(expression) << expression.error().message();
  EXPECT_EQ(*expression->evaluate(someSizes()), 27);
  expression->setLimits({5, 6});
  EXPECT_EQ(*expression->evaluate(someSizes()), 67);
  limits.pop_back();
  EXPECT_FALSE(Expression::parse(*text, {allSizes, &limits}));
  EXPECT_FALSE(Expression::parse(*text, {allSizes}));
}
