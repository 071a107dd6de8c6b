//===- JsonTest.cpp - A small JSON document -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Json.h"

#include <gtest/gtest.h>

using namespace mla;
using json::Value;

static Value parsed(const std::string &text) {
  Result<Value> value = json::parse(text);
  EXPECT_TRUE(value) << text << ": " << value.error().message();
  return value ? *value : Value();
}

TEST(Json, KeepsIntegersExact) {
  for (int64_t value : {int64_t(0), int64_t(-1), int64_t(1) << 31, int64_t(1) << 32, INT64_MAX, INT64_MIN}) {
    Value got = parsed(std::to_string(value));
    EXPECT_TRUE(got.is(Value::Kind::Integer)) << value;
    EXPECT_EQ(got.integer, value);
    EXPECT_EQ(got.number, static_cast<double>(value));
  }
  EXPECT_TRUE(parsed("9223372036854775808").is(Value::Kind::Number));
}

TEST(Json, RoundsNumbersCorrectly) {
  for (const auto &[text, value] : {std::pair("1e-06", 1e-6),
                                    {"0.1", 0.1},
                                    {"-1.5E+3", -1500.0},
                                    {"2.0", 2.0},
                                    {"0.000000000000000000000000000000", 0.0},
                                    {"1e5", 1e5},
                                    {"123456789012345678901234567890", 123456789012345678901234567890.0}}) {
    Value got = parsed(text);
    EXPECT_TRUE(got.is(Value::Kind::Number)) << text;
    EXPECT_EQ(got.number, value) << text;
  }
  EXPECT_FALSE(json::parse("1e999"));
  for (const char *bad : {"01", "1.", ".5", "+1", "1e", "--1", "0x1", "NaN", "1 2", "-"})
    EXPECT_FALSE(json::parse(bad)) << bad;
}

TEST(Json, StringsAndStructure) {
  Value value = parsed(R"( {"a": [1, "\u00e9\n", null, true], "b": {}} )");
  ASSERT_TRUE(value.is(Value::Kind::Object));
  EXPECT_EQ(value.find("a")->items[1].text, "\xc3\xa9\n");
  EXPECT_TRUE(value.find("a")->items[2].is(Value::Kind::Null));
  EXPECT_TRUE(value.find("a")->items[3].boolean);
  EXPECT_TRUE(value.find("b")->is(Value::Kind::Object));
  EXPECT_EQ(value.find("c"), nullptr);
  EXPECT_EQ(json::parse(R"({"x": {"a": 1, "b": 2, "a": 3}})").error().message().substr(0, 27),
            "the name 'a' appears twice ");
  EXPECT_EQ(parsed(json::quote("\"\\\n\x01 é€😀")).text, "\"\\\n\x01 é€😀");
  EXPECT_EQ(json::quote(std::string_view("a\0b", 3)), "\"a\\u0000b\"");
  // File names may have any bytes.
  EXPECT_EQ(json::quote("\xff/\xc3"), "\"\\ufffd/\\ufffd\"");
  EXPECT_EQ(json::quote("\xe2\x82\"\xed\xa0\x80"), "\"\\ufffd\\ufffd\\\"\\ufffd\\ufffd\\ufffd\"");
}
