//===- Synthetic.cpp - Generated weights ----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Element i of a tensor is a function of (seed, name, i) in integers and
// single, correctly rounded float operations. It uses no libm, whose last bits
// differ between machines, and no state, so that elements can be generated in
// any order.
//
//===----------------------------------------------------------------------===//

#include "Json.h"
#include "mla/Import/DecoderConfig.h"
#include "mla/Import/WeightSpec.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/xxhash.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <new>

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;

/// The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), on a counter.
static uint64_t mix(uint64_t key, uint64_t counter) {
  uint64_t z = key + (counter + 1) * 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

/// Return the sum of eight uniform 16-bit numbers minus its mean: close to a normal deviate (bounded by 4.9 sigma).
static int32_t eightUniforms(uint64_t key, uint64_t index) {
  constexpr uint64_t low = 0x0000FFFF0000FFFF;
  uint64_t a = mix(key, 2 * index), b = mix(key, 2 * index + 1);
  uint64_t sums = (a & low) + ((a >> 16) & low) + (b & low) + ((b >> 16) & low);
  return static_cast<int32_t>((sums & 0xFFFFFFFF) + (sums >> 32)) - 8 * 65535 / 2;
}

/// sqrt(8 * (2^32 - 1) / 12), the standard deviation of eightUniforms; and its bound, in deviations.
static constexpr float eightUniformsDeviation = 53509.92f;
static constexpr float furthest = 4.9f;

static uint16_t toBF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

/// Convert to e4m3, rounding to nearest even; |value| must be at most 448.
static uint8_t toE4M3(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value), magnitude = bits & 0x7FFFFFFF;
  uint8_t sign = static_cast<uint8_t>(bits >> 24 & 0x80);
  // Numbers below 2^-6 are multiples of 2^-9: adding 2^14, whose last bit is 2^-9, rounds to them.
  if (magnitude < 0x3C800000)
    return sign | static_cast<uint8_t>(llvm::bit_cast<uint32_t>(llvm::bit_cast<float>(magnitude) + 16384.0f) & 0xFF);
  uint32_t rounded = magnitude + 0x7FFFF + (magnitude >> 20 & 1);
  return sign | static_cast<uint8_t>((rounded >> 20) - ((127 - 7) << 3));
}

namespace {
/// Parameters of a tensor's elements.
struct Recipe {
  DType dtype;
  std::vector<int64_t> shape;
  float mean = 0.0f, deviation = 1.0f;
  bool isScale = false; ///< True for the scales of an e4m3 weight of this deviation.
  std::array<int64_t, 2> block = {1, 1};
};

class SyntheticCheckpoint : public Checkpoint {
public:
  SyntheticCheckpoint(const AttentionConfig &config, uint64_t seed)
      : Checkpoint("made weights (seed " + std::to_string(seed) + ")"), attention(config), seed(seed) {}

  bool contains(StringRef name) const override { return recipe(name).has_value(); }
  void forEachName(llvm::function_ref<void(StringRef)> callback) const override;
  llvm::Expected<const SafetensorsTensor *> find(StringRef name) override;

private:
  struct Made {
    SafetensorsTensor tensor;
    std::unique_ptr<char[]> data;
  };
  std::optional<Recipe> recipe(StringRef name) const;
  Recipe recipeOf(const ExpectedWeight &weight, bool scale) const;
  float scaleAt(uint64_t scaleKey, uint64_t index, float deviation) const;
  float element(const Recipe &recipe, uint64_t key, uint64_t index) const;
  void fillE4M3(const Recipe &recipe, StringRef name, char *data) const;
  void fill(const Recipe &recipe, StringRef name, char *data, uint64_t bytes) const;
  uint64_t key(StringRef name) const { return mix(llvm::xxh3_64bits(name), seed); }

  AttentionConfig attention;
  uint64_t seed;
  std::mutex mutex;
  std::map<std::string, Made> made;
};
} // namespace

Recipe SyntheticCheckpoint::recipeOf(const ExpectedWeight &weight, bool scale) const {
  Recipe recipe;
  recipe.dtype = scale ? DType::F32 : announcedDType(attention, weight);
  recipe.shape.assign(weight.shape.begin(), weight.shape.end());
  bool isNorm = llvm::is_contained({WeightRole::QNorm, WeightRole::KVNorm, WeightRole::KRopeNorm, WeightRole::InputNorm,
                                    WeightRole::PostNorm, WeightRole::FinalNorm},
                                   weight.role);
  recipe.mean = isNorm ? 1.0f : 0.0f;
  recipe.deviation = weight.shape.size() > 1 ? 1.0f / std::sqrt(static_cast<float>(weight.shape.back())) : 0.1f;
  if (!weight.scale)
    return recipe;
  recipe.block = weight.scale->block;
  recipe.isScale = scale;
  if (scale)
    recipe.shape.assign(weight.scale->shape.begin(), weight.scale->shape.end());
  return recipe;
}

/// Return the recipe of a tensor, if the model has it.
std::optional<Recipe> SyntheticCheckpoint::recipe(StringRef name) const {
  if (attention.decoder)
    for (const ExpectedWeight &weight : endWeights(attention))
      if (name == weight.name)
        return recipeOf(weight, /*scale=*/false);
  StringRef rest = name;
  int64_t layer = 0;
  if (!rest.consume_front("model.layers.") || rest.consumeInteger(10, layer) || layer < 0 ||
      layer >= attention.numLayers + attention.furtherLayers)
    return std::nullopt;
  for (const ExpectedWeight &weight : expectedWeights(attention, layer)) {
    if (name == weight.name)
      return recipeOf(weight, /*scale=*/false);
    if (weight.scale && name == weight.scale->name)
      return recipeOf(weight, /*scale=*/true);
  }
  return std::nullopt;
}

void SyntheticCheckpoint::forEachName(llvm::function_ref<void(StringRef)> callback) const {
  for (int64_t layer = 0; layer < attention.numLayers; ++layer)
    for (const ExpectedWeight &weight : expectedWeights(attention, layer)) {
      callback(weight.name);
      if (weight.scale)
        callback(weight.scale->name);
    }
}

/// Return a block's scale: 1 to 1.5 times the one that maps its largest possible element to 448.
float SyntheticCheckpoint::scaleAt(uint64_t scaleKey, uint64_t index, float deviation) const {
  float uniform = static_cast<float>(mix(scaleKey, index) >> 40) * 0x1p-25f;
  return deviation * (furthest / 448.0f) * (1.0f + uniform);
}

float SyntheticCheckpoint::element(const Recipe &recipe, uint64_t key, uint64_t index) const {
  return recipe.mean + static_cast<float>(eightUniforms(key, index)) * (recipe.deviation / eightUniformsDeviation);
}

void SyntheticCheckpoint::fillE4M3(const Recipe &recipe, StringRef name, char *data) const {
  const uint64_t elementKey = key(name), scaleKey = key((name + "_scale_inv").str());
  const uint64_t rows = recipe.shape[0], columns = recipe.shape[1], width = recipe.block[1];
  const uint64_t scaleColumns = llvm::divideCeil(columns, width);
  for (uint64_t row = 0, index = 0; row < rows; ++row)
    for (uint64_t block = 0; block < scaleColumns; ++block) {
      float scale = scaleAt(scaleKey, row / recipe.block[0] * scaleColumns + block, recipe.deviation);
      for (uint64_t end = row * columns + std::min(columns, (block + 1) * width); index < end; ++index)
        data[index] = toE4M3(element(recipe, elementKey, index) / scale);
    }
}

void SyntheticCheckpoint::fill(const Recipe &recipe, StringRef name, char *data, uint64_t bytes) const {
  if (recipe.dtype == DType::F8_E4M3)
    return fillE4M3(recipe, name, data);
  const uint64_t tensorKey = key(name), count = bytes / dtypeSize(recipe.dtype);
  for (uint64_t index = 0; index < count; ++index) {
    float value = recipe.isScale ? scaleAt(tensorKey, index, recipe.deviation) : element(recipe, tensorKey, index);
    if (recipe.dtype == DType::BF16)
      reinterpret_cast<uint16_t *>(data)[index] = toBF16(value);
    else
      reinterpret_cast<float *>(data)[index] = value;
  }
}

llvm::Expected<const SafetensorsTensor *> SyntheticCheckpoint::find(StringRef name) {
  std::optional<Recipe> how = recipe(name);
  if (!how)
    return missing(name);
  std::lock_guard<std::mutex> lock(mutex);
  auto [it, isNew] = made.try_emplace(name.str());
  Made &entry = it->second;
  if (!isNew)
    return &entry.tensor;
  uint64_t bytes = dtypeSize(how->dtype);
  for (int64_t size : how->shape)
    bytes *= size;
  entry.data.reset(new (std::nothrow) char[bytes]);
  if (!entry.data) {
    made.erase(it);
    return fail(where() + ": tensor " + name + ": no memory for its " + llvm::Twine(bytes) +
                " bytes; choose a smaller model or fewer layers");
  }
  fill(*how, name, entry.data.get(), bytes);
  entry.tensor = {name.str(), how->dtype, how->shape, entry.data.get(), bytes, /*otherType=*/{}};
  return &entry.tensor;
}

std::unique_ptr<Checkpoint> mla::importer::makeSyntheticCheckpoint(const AttentionConfig &config, uint64_t seed) {
  return std::make_unique<SyntheticCheckpoint>(config, seed);
}
