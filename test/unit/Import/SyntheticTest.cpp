//===- SyntheticTest.cpp - Weights made instead of read -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "mla/Import/LayerWeights.h"

#include "llvm/Support/xxhash.h"
#include "gtest/gtest.h"

#include <cmath>
#include <cstring>

using namespace mla;
using namespace mla::importer;
using namespace mla::importer::test;
using llvm::StringRef;

static const std::string prefix = "model.layers.0.self_attn.";

static const SafetensorsTensor &get(Checkpoint &checkpoint, StringRef suffix) {
  return *llvm::cantFail(checkpoint.find(prefix + suffix.str()));
}

static float decodeE4M3(uint8_t code) {
  int exponent = code >> 3 & 15, mantissa = code & 7;
  float value = exponent ? std::ldexp(8.0f + mantissa, exponent - 10) : std::ldexp(float(mantissa), -9);
  return code & 0x80 ? -value : value;
}

/// Returns the elements in float, without scales.
static std::vector<float> valuesOf(const SafetensorsTensor &tensor) {
  std::vector<float> values(tensor.numElements());
  for (size_t i = 0; i < values.size(); ++i) {
    uint32_t bits = 0;
    tensor.read(i * dtypeSize(tensor.dtype), &bits, dtypeSize(tensor.dtype));
    if (tensor.dtype == DType::F8_E4M3) {
      values[i] = decodeE4M3(bits);
      continue;
    }
    bits <<= tensor.dtype == DType::BF16 ? 16 : 0;
    std::memcpy(&values[i], &bits, sizeof(float));
  }
  return values;
}

namespace {
struct Moments {
  double mean = 0, deviation = 0, kurtosis = 0, correlation = 0; ///< The last: of neighbours.
};
} // namespace

static Moments momentsOf(const std::vector<float> &values) {
  Moments result;
  const double count = values.size();
  for (float value : values)
    result.mean += value / count;
  double square = 0, fourth = 0, product = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    double d = values[i] - result.mean;
    square += d * d / count, fourth += d * d * d * d / count;
    if (i)
      product += d * (values[i - 1] - result.mean) / count;
  }
  result.deviation = std::sqrt(square), result.kurtosis = fourth / (square * square);
  result.correlation = product / square;
  return result;
}

/// Returns whether numbers look normal with that mean and standard deviation, within the error for their number.
static bool looksNormal(const std::vector<float> &values, double mean, double deviation) {
  Moments moments = momentsOf(values);
  double slack = 5 / std::sqrt(double(values.size()));
  return std::abs(moments.mean - mean) < slack * deviation && std::abs(moments.deviation / deviation - 1) < slack &&
         std::abs(moments.kurtosis - 3) < 0.15 + 5 * slack && std::abs(moments.correlation) < slack;
}

TEST(SyntheticTest, LooksLikeTrainedWeights) {
  AttentionConfig config = configOf("golden/v3_plain.safetensors");
  auto checkpoint = makeSyntheticCheckpoint(config);
  std::vector<float> o = valuesOf(get(*checkpoint, "o_proj.weight"));
  EXPECT_TRUE(looksNormal(o, 0, 1 / std::sqrt(8.0 * 48)));
  EXPECT_TRUE(looksNormal(valuesOf(get(*checkpoint, "kv_b_proj.weight")), 0, 1 / std::sqrt(128.0)));
  EXPECT_TRUE(looksNormal(valuesOf(get(*checkpoint, "kv_a_layernorm.weight")), 1, 0.1));
  // Must fail: another deviation, another mean, a uniform distribution, repeated numbers.
  EXPECT_FALSE(looksNormal(o, 0, 1 / std::sqrt(8.0 * 46)));
  EXPECT_FALSE(looksNormal(o, 0.001, 1 / std::sqrt(8.0 * 48)));
  std::vector<float> uniform(o.size()), repeated = o;
  for (size_t i = 0; i < uniform.size(); ++i)
    uniform[i] = std::sqrt(12.0f) * (((i * 7919) % uniform.size() + 0.5f) / uniform.size() - 0.5f);
  EXPECT_FALSE(looksNormal(uniform, 0, 1));
  for (size_t i = 1; i < repeated.size(); i += 2)
    repeated[i] = repeated[i - 1];
  EXPECT_FALSE(looksNormal(repeated, 0, 1 / std::sqrt(8.0 * 48)));
}

/// Returns a hash of all bytes of a layer.
static uint64_t hashOf(Checkpoint &checkpoint, const AttentionConfig &config, bool backwards = false) {
  std::vector<ExpectedWeight> expected = expectedWeights(config, 0);
  std::vector<uint64_t> hashes(expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    size_t which = backwards ? expected.size() - 1 - i : i;
    const SafetensorsTensor &tensor = *llvm::cantFail(checkpoint.find(expected[which].name));
    hashes[which] = llvm::xxh3_64bits({static_cast<const uint8_t *>(tensor.data), tensor.bytes});
  }
  return llvm::xxh3_64bits({reinterpret_cast<const uint8_t *>(hashes.data()), hashes.size() * sizeof(uint64_t)});
}

TEST(SyntheticTest, TheSameEverywhere) {
  struct {
    const char *model;
    CheckpointDType dtype;
    uint64_t hash;
  } cases[] = {
      {"golden/v3_plain.safetensors", CheckpointDType::F32, 10936747888542249182u},
      {"golden/v3_plain.safetensors", CheckpointDType::BF16, 7879805577829056015u},
      {"golden/v3_fp8.safetensors", CheckpointDType::BF16, 11317195677469720137u},
  };
  for (const auto &test : cases) {
    AttentionConfig config = configOf(test.model);
    config.checkpointDType = test.dtype;
    EXPECT_EQ(hashOf(*makeSyntheticCheckpoint(config), config), test.hash);
    EXPECT_EQ(hashOf(*makeSyntheticCheckpoint(config), config, /*backwards=*/true), test.hash);
    EXPECT_NE(hashOf(*makeSyntheticCheckpoint(config, 1), config), test.hash);
  }
}

TEST(SyntheticTest, TypesAndNames) {
  AttentionConfig config = configOf("golden/v3_fp8.safetensors");
  config.numLayers = 2;
  config.furtherLayers = 0;
  config.checkpointDType = CheckpointDType::BF16;
  auto checkpoint = makeSyntheticCheckpoint(config);
  EXPECT_FALSE(checkpoint->configJson());
  EXPECT_EQ(get(*checkpoint, "o_proj.weight").dtype, DType::F8_E4M3);
  EXPECT_EQ(get(*checkpoint, "o_proj.weight_scale_inv").shape, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(get(*checkpoint, "q_a_layernorm.weight").dtype, DType::BF16);
  EXPECT_TRUE(checkpoint->contains("model.layers.1.self_attn.o_proj.weight"));
  for (const char *name : {"model.layers.2.self_attn.o_proj.weight", "model.layers.x.self_attn.o_proj.weight",
                           "model.layers.00.self_attn.o_proj.weight", "model.layers.0.self_attn.q_proj.weight", "o"})
    EXPECT_FALSE(checkpoint->contains(name)) << name;
  EXPECT_EQ(messageOf(checkpoint->find("model.layers.2.self_attn.o_proj.weight")),
            "made weights (seed 0): tensor model.layers.2.self_attn.o_proj.weight: missing; under model.layers. it has "
            "0, 1; give a matching checkpoint, layer and config");
  for (int64_t layer : {0, 1}) {
    auto weights = findLayerWeights(*checkpoint, config, layer);
    ASSERT_TRUE(bool(weights)) << llvm::toString(weights.takeError());
    EXPECT_EQ(messageOf(checkFinite(*weights, checkpoint->where())), "");
  }
  EXPECT_NE(valuesOf(get(*checkpoint, "o_proj.weight")),
            valuesOf(*llvm::cantFail(checkpoint->find("model.layers.1.self_attn.o_proj.weight"))));
}

TEST(SyntheticTest, EveryRoundingIsToTheNearest) {
  AttentionConfig wide = configOf("golden/v3_fp8.safetensors"), half = wide;
  BlockQuantization block = wide.quantization->groups.front().block;
  wide.quantization.reset();
  half.quantization.reset();
  half.checkpointDType = CheckpointDType::BF16;
  auto exact = makeSyntheticCheckpoint(wide), rounded = makeSyntheticCheckpoint(half);
  auto quantized = makeSyntheticCheckpoint(configOf("golden/v3_fp8.safetensors"));
  std::vector<float> w = valuesOf(get(*exact, "q_b_proj.weight")), b = valuesOf(get(*rounded, "q_b_proj.weight")),
                     q = valuesOf(get(*quantized, "q_b_proj.weight")),
                     scales = valuesOf(get(*quantized, "q_b_proj.weight_scale_inv"));
  const int64_t columns = get(*exact, "q_b_proj.weight").shape[1];
  double worst = 0, worstHalf = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    float scale = scales[i / columns / block.blockRows * 2 + i % columns / block.blockColumns];
    // Half a unit in the last of 3 bits, or of the subnormals, and the error of the division before rounding.
    double bound = std::max(std::abs(w[i]) / 16.0, scale * 0x1p-10);
    worst = std::max(worst, std::abs(double(q[i]) * scale - w[i]) / bound);
    worstHalf = std::max(worstHalf, std::abs(b[i] - w[i]) / std::abs(w[i]) * 256.0);
  }
  EXPECT_LE(worst, 1.0001);
  EXPECT_GT(worst, 0.9) << "the bound is sharp";
  EXPECT_LE(worstHalf, 1.0);
  EXPECT_GT(worstHalf, 0.9);
}
