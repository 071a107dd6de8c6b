//===- CheckFiniteTest.cpp - NaN and infinity are found -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "mla/Import/LayerWeights.h"

#include "gtest/gtest.h"

#include <cstring>

using namespace mla;
using namespace mla::importer;
using namespace mla::importer::test;

/// Returns checkFinite of a tensor of zeros with one element of the given bits, `misalignment` bytes off.
static std::string check(DType dtype, std::vector<int64_t> shape, uint64_t index, uint32_t bits,
                         unsigned misalignment = 0) {
  uint64_t size = dtypeSize(dtype), bytes = size;
  for (int64_t dimension : shape)
    bytes *= dimension;
  std::vector<char> storage(bytes + misalignment);
  if (bytes)
    std::memcpy(storage.data() + misalignment + index * size, &bits, size);
  SafetensorsTensor tensor{"w", dtype, shape, storage.data() + misalignment, bytes};
  return messageOf(checkFinite(tensor, "a.safetensors"));
}

static std::string errorText(const std::string &element, const std::string &what) {
  return "a.safetensors: tensor w: element " + element + " is " + what +
         "; the checkpoint is damaged, fetch or convert it again";
}

TEST(CheckFiniteTest, BitPatterns) {
  struct {
    DType dtype;
    uint32_t bits;
    const char *what; ///< Null: finite.
  } cases[] = {
      {DType::F32, 0x7F800000, "infinite"}, {DType::F32, 0xFF800000, "infinite"}, {DType::F32, 0x7FC00000, "NaN"},
      {DType::F32, 0x7F800001, "NaN"},      {DType::F32, 0xFFFFFFFF, "NaN"},      {DType::F32, 0x7F7FFFFF, nullptr},
      {DType::F32, 0x80000000, nullptr},    {DType::F32, 0x00000001, nullptr},    {DType::BF16, 0x7F80, "infinite"},
      {DType::BF16, 0xFF80, "infinite"},    {DType::BF16, 0x7F81, "NaN"},         {DType::BF16, 0xFFC0, "NaN"},
      {DType::BF16, 0x7F7F, nullptr},       {DType::BF16, 0xFF7F, nullptr},       {DType::F16, 0x7C00, "infinite"},
      {DType::F16, 0xFC00, "infinite"},     {DType::F16, 0x7C01, "NaN"},          {DType::F16, 0xFE00, "NaN"},
      {DType::F16, 0x7BFF, nullptr},        {DType::F8_E4M3, 0x7F, "NaN"},        {DType::F8_E4M3, 0xFF, "NaN"},
      {DType::F8_E4M3, 0x7E, nullptr},      {DType::F8_E4M3, 0xFE, nullptr},      {DType::F8_E4M3, 0x78, nullptr},
  };
  for (const auto &test : cases)
    EXPECT_EQ(check(test.dtype, {3}, 1, test.bits), test.what ? errorText("[1]", test.what) : "")
        << dtypeName(test.dtype) << " " << test.bits;
}

TEST(CheckFiniteTest, EveryPlace) {
  // Test the borders of the chunks of 4096 elements, the first and the last element.
  for (uint64_t index : {0, 1, 4095, 4096, 4097, 8191, 8192, 8999})
    for (unsigned misalignment : {0, 1})
      for (DType dtype : {DType::F32, DType::BF16, DType::F8_E4M3})
        EXPECT_EQ(check(dtype, {9, 1000}, index, dtype == DType::F32 ? 0x7FC00000 : 0x7FFF, misalignment),
                  errorText("[" + std::to_string(index / 1000) + ", " + std::to_string(index % 1000) + "]", "NaN"));
}

TEST(CheckFiniteTest, OtherShapesAndTypes) {
  EXPECT_EQ(check(DType::F32, {0, 7}, 0, 0), "");
  EXPECT_EQ(check(DType::F32, {}, 0, 0x7F800000), errorText("[]", "infinite"));
  EXPECT_EQ(check(DType::F32, {2, 3, 4}, 23, 0x7F800000), errorText("[1, 2, 3]", "infinite"));
  EXPECT_EQ(check(DType::I32, {3}, 0, 0), "a.safetensors: tensor w: cannot check I32 for NaN; convert it to BF16");
}

TEST(CheckFiniteTest, ScalesArePositive) {
  uint8_t zero = 0;
  struct {
    DType dtype;
    uint32_t bits;
    const char *value; ///< Null: positive.
  } cases[] = {{DType::F32, 0, "0"},
               {DType::F32, 0x80000000, "-0"},
               {DType::F32, 0xBF000000, "-0.5"},
               {DType::F32, 1, nullptr},
               {DType::BF16, 0, "0"},
               {DType::BF16, 0xBF00, "-0.5"},
               {DType::BF16, 0x3F00, nullptr},
               {DType::F16, 0x8000, "-0"},
               {DType::F16, 0xB800, "-0.5"},
               {DType::F16, 0x0001, nullptr},
               {DType::F32, 0x7F7FFFFF, nullptr}};
  for (const auto &test : cases) {
    unsigned size = dtypeSize(test.dtype);
    uint32_t one = test.dtype == DType::F32 ? 0x3F800000 : test.dtype == DType::BF16 ? 0x3F80 : 0x3C00;
    char data[8];
    std::memcpy(data, &one, size);
    std::memcpy(data + size, &test.bits, size);
    SafetensorsTensor weight{"w", DType::F8_E4M3, {1, 1}, &zero, 1},
        scale{"w_scale", test.dtype, {1, 2}, data, 2 * size};
    LayerWeight layer;
    layer.tensor = &weight;
    layer.scale = &scale;
    EXPECT_EQ(messageOf(checkFinite(llvm::ArrayRef(layer), "a.safetensors")),
              test.value ? std::string("a.safetensors: tensor w_scale: element [0, 1] is ") + test.value +
                               ", but scales are positive; the checkpoint is damaged, fetch or convert it again"
                         : "");
  }
}

TEST(CheckFiniteTest, ScalesAreChecked) {
  uint8_t zero = 0;
  uint32_t nan = 0x7FC00000;
  SafetensorsTensor weight{"w", DType::F8_E4M3, {1, 1}, &zero, 1}, scale{"w_scale_inv", DType::F32, {1, 1}, &nan, 4};
  LayerWeight layer;
  layer.tensor = &weight;
  EXPECT_EQ(messageOf(checkFinite(llvm::ArrayRef(layer), "a.safetensors")), "");
  layer.scale = &scale;
  EXPECT_EQ(messageOf(checkFinite(llvm::ArrayRef(layer), "a.safetensors")),
            "a.safetensors: tensor w_scale_inv: element [0, 0] is NaN; the checkpoint is damaged, fetch or convert it "
            "again");
}
