//===- PackedFormatsTest.cpp - Elements of packed weights -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Elements worked out by hand. test/Models/golden-packed.test compares whole
// layers with a script's numbers.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "mla/Import/LayerWeights.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>

using namespace mla;
using namespace mla::importer;
using namespace mla::importer::test;

static constexpr const char *module = "model.layers.0.self_attn.q_a_proj";

/// A layer whose q_a_proj is [8, 32].
static AttentionConfig smallConfig() {
  AttentionConfig config;
  config.hiddenSize = 32;
  config.numHeads = 2;
  config.numLayers = 2;
  config.qLoraRank = 8;
  config.kvLoraRank = 16;
  config.nopeDim = config.vDim = 8;
  config.ropeDim = 4;
  return config;
}

template <typename T>
static TestTensor part(const char *name, DType dtype, std::vector<int64_t> shape, std::vector<T> of) {
  std::vector<uint8_t> bytes(of.size() * sizeof(T));
  std::memcpy(bytes.data(), of.data(), bytes.size());
  return {std::string(module) + name, dtype, std::move(shape), std::move(bytes)};
}

namespace {
/// A file of the parts of q_a_proj, unpacked.
struct Unpacked {
  explicit Unpacked(const std::vector<TestTensor> &parts, const AttentionConfig &config = smallConfig()) {
    writeSafetensors(directory.file("a.safetensors"), parts);
    checkpoint = unpackWeights(cantFail(openCheckpoint(directory.file("a.safetensors"))), config);
  }
  std::vector<float> elements() {
    llvm::Expected<TensorHandle> tensor = checkpoint->read(std::string(module) + ".weight");
    if (!tensor) {
      ADD_FAILURE() << llvm::toString(tensor.takeError());
      return std::vector<float>(256);
    }
    EXPECT_EQ((*tensor)->shape, (std::vector<int64_t>{8, 32}));
    EXPECT_EQ((*tensor)->numElements(), 256);
    auto data = static_cast<const float *>((*tensor)->data);
    return std::vector<float>(data, data + 256);
  }
  std::string error() { return messageOf(checkpoint->find(std::string(module) + ".weight")); }

  TemporaryDirectory directory;
  std::unique_ptr<Checkpoint> checkpoint;
};
} // namespace

static constexpr uint16_t one = 0x3C00, half = 0x3800; // in F16

TEST(PackedFormatsTest, AWQInterleavesEightOutputs) {
  // Output 1 is in the fifth nibble of a word, output 2 in the second; zeros are interleaved likewise.
  Unpacked file({part<uint32_t>(".qweight", DType::I32, {32, 1}, std::vector<uint32_t>(32, 0x76543210)),
                 part<uint32_t>(".qzeros", DType::I32, {2, 1}, {0x00000000, 0x00010000}),
                 part<uint16_t>(".scales", DType::F16, {2, 8}, std::vector<uint16_t>(16, half))});
  std::vector<float> elements = file.elements();
  const float first[] = {0, 2, 0.5, 2.5, 1, 3, 1.5, 3.5};
  for (int row = 0; row < 8; ++row) {
    EXPECT_EQ(elements[row * 32], first[row]) << row;
    EXPECT_EQ(elements[row * 32 + 16], first[row] - (row == 1 ? 0.5f : 0.0f)) << row;
  }
}

static std::vector<TestTensor> partsOfGPTQ(uint32_t zeros) {
  std::vector<uint32_t> codes(4 * 8, 0x76543210);
  return {part<uint32_t>(".qweight", DType::I32, {4, 8}, codes), part<uint32_t>(".qzeros", DType::I32, {1, 1}, {zeros}),
          part<uint16_t>(".scales", DType::F16, {1, 8}, std::vector<uint16_t>(8, one))};
}

TEST(PackedFormatsTest, ZerosOfGPTQAreStoredMinusOne) {
  // 15 stands for 16: AutoGPTQ adds one to the code, not modulo 16.
  AttentionConfig first = smallConfig(), second = smallConfig();
  first.integers.zeros = IntegerQuantization::ZeroPoints::MinusOne;
  std::vector<float> elements = Unpacked(partsOfGPTQ(0x777777F7), first).elements();
  for (int column = 0; column < 8; ++column) {
    EXPECT_EQ(elements[column], column - 8.0f);
    EXPECT_EQ(elements[32 + column], column - 16.0f);
  }
  second.integers.zeros = IntegerQuantization::ZeroPoints::AsTheyAre;
  EXPECT_EQ(Unpacked(partsOfGPTQ(0x77777777), second).elements()[0], -7.0f);
  std::vector<TestTensor> symmetric = partsOfGPTQ(0);
  symmetric.erase(symmetric.begin() + 1);
  EXPECT_EQ(Unpacked(symmetric).elements()[1], -7.0f);
}

TEST(PackedFormatsTest, ZerosOfAnUnknownFormatMustBeSymmetric) {
  EXPECT_EQ(Unpacked(partsOfGPTQ(0x77777777)).elements()[0], -8.0f);
  EXPECT_EQ(Unpacked(partsOfGPTQ(0x88888888)).elements()[0], -8.0f);
  for (uint32_t zeros : {0x77777778u, 0x99999999u})
    EXPECT_NE(Unpacked(partsOfGPTQ(zeros))
                  .error()
                  .find("qzeros may be stored as they are or minus one; give a "
                        "quantization_config"),
              std::string::npos);
}

TEST(PackedFormatsTest, EveryCodeOfE2M1) {
  std::vector<uint8_t> codes(8 * 16, 0);
  for (int i = 0; i < 8; ++i)
    codes[i] = (2 * i + 1) << 4 | 2 * i;
  // 3 / 1.1 is no number of F32: the quotient is rounded once.
  Unpacked file({part<uint8_t>(".weight_packed", DType::U8, {8, 16}, codes),
                 part<uint8_t>(".weight_scale", DType::F8_E4M3, {8, 2}, std::vector<uint8_t>(16, 0x44)), // 3
                 part<float>(".weight_global_scale", DType::F32, {1}, {1.1f})});
  std::vector<float> elements = file.elements();
  const double values[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  for (int code = 0; code < 16; ++code)
    EXPECT_EQ(elements[code], float((code & 8 ? -1 : 1) * values[code & 7] * 3 / double(1.1f))) << code;
  EXPECT_TRUE(std::signbit(elements[8]));
}

TEST(PackedFormatsTest, ScalesOfMXAreExponents) {
  std::vector<uint8_t> scales = {127, 130, 0, 254, 127, 127, 127, 127};
  std::vector<TestTensor> parts = {part<uint8_t>(".weight", DType::F8_E4M3, {8, 32}, std::vector<uint8_t>(256, 0x38)),
                                   part<uint8_t>(".weight_scale", DType::U8, {8, 1}, scales)};
  std::vector<float> elements = Unpacked(parts).elements();
  EXPECT_EQ(elements[0], 1.0f);
  EXPECT_EQ(elements[32], 8.0f);
  EXPECT_EQ(elements[64], std::ldexp(1.0f, -127));
  EXPECT_EQ(elements[96], std::ldexp(1.0f, 127));
  parts[1].bytes[1] = 255;
  EXPECT_TRUE(std::isnan(Unpacked(parts).elements()[32]));
}

TEST(PackedFormatsTest, PartsAreHidden) {
  std::vector<TestTensor> parts = partsOfGPTQ(0x77777777);
  parts.push_back(part<uint16_t>(".bias", DType::F16, {8}, std::vector<uint16_t>(8, 0)));
  parts.push_back(part<float>(".other", DType::F32, {1}, {0}));
  Unpacked file(parts);
  EXPECT_TRUE(file.checkpoint->contains(std::string(module) + ".weight"));
  EXPECT_EQ(file.checkpoint->formOf(std::string(module) + ".weight"), "GPTQ int4");
  EXPECT_EQ(file.checkpoint->formOf(std::string(module) + ".other"), "");
  std::set<std::string> names;
  file.checkpoint->forEachName([&](llvm::StringRef name) { names.insert(name.str()); });
  EXPECT_EQ(names, (std::set<std::string>{std::string(module) + ".other", std::string(module) + ".weight"}));
  EXPECT_FALSE(file.checkpoint->contains(std::string(module) + ".qzeros"));
  EXPECT_NE(messageOf(file.checkpoint->find(std::string(module) + ".qzeros")).find("missing"), std::string::npos);
}

TEST(PackedFormatsTest, ElementsAreFreedWithTheLastHandle) {
  Unpacked file(partsOfGPTQ(0x77777777));
  std::string name = std::string(module) + ".weight";
  EXPECT_EQ(cantFail(file.checkpoint->find(name))->data, nullptr);
  TensorHandle first = cantFail(file.checkpoint->read(name)), second = cantFail(file.checkpoint->read(name));
  EXPECT_EQ(first->data, second->data);
  std::weak_ptr<const SafetensorsTensor> alive = first;
  first.reset(), second.reset();
  EXPECT_TRUE(alive.expired());
}

TEST(PackedFormatsTest, LastGroupsMayBeSmaller) {
  // Two groups of 32 columns may be of 16 and 16, or of 24 and 8.
  std::vector<uint32_t> codes(4 * 8, 0x99999999);
  std::vector<uint16_t> scales(16, one);
  std::fill(scales.begin() + 8, scales.end(), half);
  std::vector<TestTensor> parts = {part<uint32_t>(".qweight", DType::I32, {4, 8}, codes),
                                   part<uint16_t>(".scales", DType::F16, {2, 8}, scales)};
  EXPECT_EQ(Unpacked(parts).elements()[16], 0.5f);
  AttentionConfig config = smallConfig();
  config.integers.groups = {{{"q_b_proj"}, 8, "8"}, {{"Linear"}, 24, "24"}};
  EXPECT_EQ(Unpacked(parts, config).elements()[23], 1.0f);
  EXPECT_EQ(Unpacked(parts, config).elements()[24], 0.5f);
  config.integers.groups = {{{"Linear"}, 24, "24"}, {{"q_a_proj"}, 8, "8"}};
  EXPECT_NE(Unpacked(parts, config)
                .error()
                .find("scales has 2 groups for 32 columns, which the config's group_size of "
                      "8 does not make; give the quantization_config of this checkpoint"),
            std::string::npos);
  parts[1] = part<uint16_t>(".scales", DType::F16, {3, 8}, std::vector<uint16_t>(24, one));
  EXPECT_NE(Unpacked(parts).error().find("which without a group_size in the config may be of any size"),
            std::string::npos);
}

TEST(PackedFormatsTest, GroupsOfColumnsAreChecked) {
  std::vector<TestTensor> parts = partsOfGPTQ(0x77777777);
  std::vector<int32_t> groups(32, 0);
  groups[5] = -1;
  parts.push_back(part<int32_t>(".g_idx", DType::I32, {32}, groups));
  EXPECT_NE(Unpacked(parts).error().find("g_idx has -1 at [5], but there are 1 groups"), std::string::npos);
  parts.back() = part<int32_t>(".g_idx", DType::I32, {31}, std::vector<int32_t>(31, 0));
  EXPECT_NE(Unpacked(parts).error().find("g_idx is I32 [31], not I32 [32]"), std::string::npos);
}

TEST(PackedFormatsTest, OrderedColumnsNeedTheirGroups) {
  std::vector<TestTensor> parts = {
      part<uint32_t>(".qweight", DType::I32, {4, 8}, std::vector<uint32_t>(32, 0x99999999)),
      part<uint16_t>(".scales", DType::F16, {2, 8}, std::vector<uint16_t>(16, one))};
  AttentionConfig config = smallConfig();
  config.integers.groups = {{{"Linear"}, 16, "16", /*isOrdered=*/true}};
  EXPECT_NE(Unpacked(parts, config).error().find("the config orders columns by activation, but there is no tensor"),
            std::string::npos);
  parts.push_back(part<int32_t>(".g_idx", DType::I32, {32}, std::vector<int32_t>(32, 1)));
  EXPECT_EQ(Unpacked(parts, config).error(), "");
}

TEST(PackedFormatsTest, PartsOfOtherFormsAreNotHidden) {
  std::vector<TestTensor> parts = partsOfGPTQ(0x77777777);
  parts.push_back(part<uint8_t>(".weight_zero_point", DType::I8, {8}, std::vector<uint8_t>(8, 5)));
  Unpacked file(parts);
  EXPECT_EQ(file.error(), "");
  EXPECT_TRUE(file.checkpoint->contains(std::string(module) + ".weight_zero_point"));
  EXPECT_FALSE(file.checkpoint->contains(std::string(module) + ".qzeros"));
}

TEST(PackedFormatsTest, WhatSaysTheWeightTwiceMustAgree) {
  std::vector<TestTensor> parts = partsOfGPTQ(0x77777777);
  parts.push_back(part<uint16_t>(".weight", DType::BF16, {8, 32}, std::vector<uint16_t>(256, 0)));
  EXPECT_NE(Unpacked(parts).error().find("there is a plain weight, too; remove the wrong one"), std::string::npos);
  parts = {part<uint32_t>(".weight_packed", DType::I32, {8, 4}, std::vector<uint32_t>(32, 0x99999999)),
           part<uint16_t>(".weight_scale", DType::BF16, {8, 1}, std::vector<uint16_t>(8, 0x3F80)),
           part<int64_t>(".weight_shape", DType::I64, {2}, {8, 32})};
  EXPECT_EQ(Unpacked(parts).error(), "");
  parts.back() = part<int64_t>(".weight_shape", DType::I64, {2}, {32, 8});
  EXPECT_NE(Unpacked(parts).error().find("weight_shape has 32 at [0], not 8"), std::string::npos);
}
