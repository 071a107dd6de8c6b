//===- CertificateTest.cpp - What is wrong in a weight is found -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CertificateTestSupport.h"

using namespace mla;

/// A product, also rounded and packed; packed weights: dequantized, sliced and plain.
static constexpr llvm::StringLiteral kProduct = R"mlir(
func.func @prepare.w(%a: tensor<3x64x16xf32> {mla.weight = "a"}, %b: tensor<3x16x40xf32> {mla.weight = "b"}) -> tensor<3x64x40xf32> {
  %w = mla.compose %a, %b : (tensor<3x64x16xf32>, tensor<3x16x40xf32>) -> tensor<3x64x40xf32>
  return %w : tensor<3x64x40xf32>
})mlir";
static constexpr llvm::StringLiteral kRoundedProduct = R"mlir(
func.func @prepare.w(%a: tensor<64x3x16xf32> {mla.weight = "a"}, %b: tensor<3x16x40xf32> {mla.weight = "b"}) -> tensor<2x120x32xbf16> {
  %0 = tensor.empty() : tensor<3x64x16xf32>
  %t = linalg.transpose ins(%a : tensor<64x3x16xf32>) outs(%0 : tensor<3x64x16xf32>) permutation = [1, 0, 2]
  %w = mla.compose %t, %b : (tensor<3x64x16xf32>, tensor<3x16x40xf32>) -> tensor<3x64x40xf32>
  %1 = tensor.empty() : tensor<64x3x40xf32>
  %u = linalg.transpose ins(%w : tensor<3x64x40xf32>) outs(%1 : tensor<64x3x40xf32>) permutation = [1, 0, 2]
  %r = arith.truncf %u : tensor<64x3x40xf32> to tensor<64x3x40xbf16>
  %c = tensor.collapse_shape %r [[0], [1, 2]] : tensor<64x3x40xbf16> into tensor<64x120xbf16>
  %2 = tensor.empty() : tensor<2x120x32xbf16>
  %p = linalg.pack %c inner_dims_pos = [0] inner_tiles = [32] into %2 : tensor<64x120xbf16> -> tensor<2x120x32xbf16>
  return %p : tensor<2x120x32xbf16>
})mlir";
static constexpr llvm::StringLiteral kScaled = R"mlir(
func.func @prepare.w(%a: tensor<64x48xf8E4M3FN> {mla.weight = "a"}, %s: tensor<3x3xf32> {mla.weight = "s"}) -> tensor<64x48xf32> {
  %w = mla.dequantize %a, %s {block = array<i64: 24, 16>} : tensor<64x48xf8E4M3FN>, tensor<3x3xf32> -> tensor<64x48xf32>
  return %w : tensor<64x48xf32>
})mlir";
/// Panels that span heads, of which a slice is taken.
static constexpr llvm::StringLiteral kLaidOut = R"mlir(
func.func @prepare.w(%a: tensor<64x12xbf16> {mla.weight = "a"}) -> tensor<2x12x16xbf16> {
  %h = tensor.expand_shape %a [[0, 1], [2]] output_shape [4, 16, 12] : tensor<64x12xbf16> into tensor<4x16x12xbf16>
  %s = tensor.extract_slice %h[0, 6, 0] [4, 8, 12] [1, 1, 1] : tensor<4x16x12xbf16> to tensor<4x8x12xbf16>
  %c = tensor.collapse_shape %s [[0, 1], [2]] : tensor<4x8x12xbf16> into tensor<32x12xbf16>
  %0 = tensor.empty() : tensor<2x12x16xbf16>
  %p = linalg.pack %c inner_dims_pos = [0] inner_tiles = [16] into %0 : tensor<32x12xbf16> -> tensor<2x12x16xbf16>
  return %p : tensor<2x12x16xbf16>
})mlir";
/// A merged LoRA: 2 B A, rounded and packed; with rows and columns of heads transposed; as a factor.
static constexpr llvm::StringLiteral kMerged = R"mlir(
func.func @prepare.w(%w: tensor<96x40xbf16> {mla.weight = "w"}, %b: tensor<1x96x8xbf16> {mla.weight = "b"}, %a: tensor<1x8x40xbf16> {mla.weight = "a"}) -> tensor<3x40x32xbf16> {
  %0 = arith.extf %w : tensor<96x40xbf16> to tensor<96x40xf32>
  %1 = arith.extf %b : tensor<1x96x8xbf16> to tensor<1x96x8xf32>
  %2 = arith.extf %a : tensor<1x8x40xbf16> to tensor<1x8x40xf32>
  %p = mla.compose %1, %2 : (tensor<1x96x8xf32>, tensor<1x8x40xf32>) -> tensor<1x96x40xf32>
  %two = arith.constant dense<2.0> : tensor<1x96x40xf32>
  %s = arith.mulf %p, %two : tensor<1x96x40xf32>
  %c = tensor.collapse_shape %s [[0, 1], [2]] : tensor<1x96x40xf32> into tensor<96x40xf32>
  %m = arith.addf %0, %c : tensor<96x40xf32>
  %r = arith.truncf %m : tensor<96x40xf32> to tensor<96x40xbf16>
  %3 = tensor.empty() : tensor<3x40x32xbf16>
  %l = linalg.pack %r inner_dims_pos = [0] inner_tiles = [32] into %3 : tensor<96x40xbf16> -> tensor<3x40x32xbf16>
  return %l : tensor<3x40x32xbf16>
})mlir";
static constexpr llvm::StringLiteral kMergedHeads = R"mlir(
func.func @prepare.w(%w: tensor<96x40xf32> {mla.weight = "w"}, %b: tensor<1x96x8xf32> {mla.weight = "b"}, %a: tensor<1x8x40xf32> {mla.weight = "a"}) -> tensor<4x40x16xf32>
    attributes {mla.tile = array<i64: 1, 20, 16>} {
  %p = mla.compose %b, %a : (tensor<1x96x8xf32>, tensor<1x8x40xf32>) -> tensor<1x96x40xf32>
  %c = tensor.collapse_shape %p [[0, 1], [2]] : tensor<1x96x40xf32> into tensor<96x40xf32>
  %m = arith.addf %c, %w : tensor<96x40xf32>
  %h = tensor.expand_shape %m [[0, 1], [2]] output_shape [4, 24, 40] : tensor<96x40xf32> into tensor<4x24x40xf32>
  %s = tensor.extract_slice %h[0, 8, 0] [4, 16, 40] [1, 1, 1] : tensor<4x24x40xf32> to tensor<4x16x40xf32>
  %0 = tensor.empty() : tensor<4x40x16xf32>
  %t = linalg.transpose ins(%s : tensor<4x16x40xf32>) outs(%0 : tensor<4x40x16xf32>) permutation = [0, 2, 1]
  return %t : tensor<4x40x16xf32>
})mlir";
static constexpr llvm::StringLiteral kProductOfMerged = R"mlir(
func.func @prepare.w(%k: tensor<3x64x16xf32> {mla.weight = "k"}, %w: tensor<3x16x40xf32> {mla.weight = "w"}, %b: tensor<3x16x8xf32> {mla.weight = "b"}, %a: tensor<3x8x40xf32> {mla.weight = "a"}) -> tensor<3x64x40xf32> {
  %p = mla.compose %b, %a : (tensor<3x16x8xf32>, tensor<3x8x40xf32>) -> tensor<3x16x40xf32>
  %m = arith.addf %w, %p : tensor<3x16x40xf32>
  %q = mla.compose %k, %m : (tensor<3x64x16xf32>, tensor<3x16x40xf32>) -> tensor<3x64x40xf32>
  return %q : tensor<3x64x40xf32>
})mlir";
/// Factors larger than what is evaluated at once, one transposed, one in blocks that do not divide it; its
/// size is not a multiple of the vector size.
static constexpr llvm::StringLiteral kLargeProduct = R"mlir(
func.func @prepare.w(%a: tensor<64x299xbf16> {mla.weight = "a"}, %b: tensor<64x635xf8E4M3FN> {mla.weight = "b"}, %s: tensor<3x40xf32> {mla.weight = "s"}) -> tensor<1x299x635xbf16> {
  %h = tensor.expand_shape %a [[0, 1], [2]] output_shape [1, 64, 299] : tensor<64x299xbf16> into tensor<1x64x299xbf16>
  %0 = tensor.empty() : tensor<1x299x64xbf16>
  %t = linalg.transpose ins(%h : tensor<1x64x299xbf16>) outs(%0 : tensor<1x299x64xbf16>) permutation = [0, 2, 1]
  %o = arith.extf %t : tensor<1x299x64xbf16> to tensor<1x299x64xf32>
  %d = mla.dequantize %b, %s {block = array<i64: 24, 16>} : tensor<64x635xf8E4M3FN>, tensor<3x40xf32> -> tensor<64x635xf32>
  %i = tensor.expand_shape %d [[0, 1], [2]] output_shape [1, 64, 635] : tensor<64x635xf32> into tensor<1x64x635xf32>
  %w = mla.compose %o, %i : (tensor<1x299x64xf32>, tensor<1x64x635xf32>) -> tensor<1x299x635xf32>
  %r = arith.truncf %w : tensor<1x299x635xf32> to tensor<1x299x635xbf16>
  return %r : tensor<1x299x635xbf16>
})mlir";
/// Elementwise only: a sum of two weights, and the scale of one column.
static constexpr llvm::StringLiteral kSum = R"mlir(
func.func @prepare.w(%a: tensor<64x2xf32> {mla.weight = "a"}, %b: tensor<64x2xf32> {mla.weight = "b"}) -> tensor<64x2xf32> {
  %s = arith.addf %a, %b : tensor<64x2xf32>
  %half = arith.constant dense<0.3> : tensor<64x2xf32>
  %h = arith.mulf %s, %half : tensor<64x2xf32>
  %p = arith.mulf %h, %b : tensor<64x2xf32>
  return %p : tensor<64x2xf32>
})mlir";

/// The memory of a descriptor's tile.
template <typename T> static T *tileOf(void **descriptors, int index) {
  return *reinterpret_cast<T **>(static_cast<char *>(descriptors[index]) + sizeof(void *));
}

/// Returns "weight w: …" and what to do.
static void expectError(const std::string &error, llvm::StringRef what) {
  EXPECT_NE(error.find("layer 0: weight w: "), std::string::npos) << error;
  EXPECT_NE(error.find(what), std::string::npos) << error;
  EXPECT_NE(error.find("the bundle was not written"), std::string::npos) << error;
}

TEST_F(CertificateTest, SaysHowFarAProductIsFromItsBound) {
  EXPECT_EQ(write(compile(kRoundedProduct)), "");
  ASSERT_EQ(certificates.size(), 1u);
  const Certificate &c = certificates[0];
  EXPECT_TRUE(c.isProduct);
  EXPECT_EQ(c.depth, 16);
  EXPECT_GE(c.probes, 2);
  EXPECT_GT(c.ratio, 0);
  EXPECT_LT(c.ratio, 1);
  EXPECT_GT(c.maxRounding, 0x1p-10);
  EXPECT_LE(c.maxRounding, 0x1p-8);
  EXPECT_GT(c.rmsRounding, 0);
  EXPECT_LT(c.rmsRounding, c.maxRounding);
}

TEST_F(CertificateTest, TakesInputsAtAnyByte) {
  unaligned = true;
  for (llvm::StringRef text : {kRoundedProduct, kScaled, kLaidOut, kMerged, kSum, kLargeProduct}) {
    tensors.clear();
    storage.clear();
    EXPECT_EQ(write(compile(text)), "");
  }
}

TEST_F(CertificateTest, SurvivesJson) {
  Certificate c{3, "w_uk", true, 128, 2, 0.25, 0x1p-9, 1e-3}, read;
  llvm::json::Path::Root root;
  llvm::json::Value value = toJSON(c);
  ASSERT_TRUE(fromJSON(value, read, root));
  EXPECT_EQ(toJSON(read), value);
}

TEST_F(CertificateTest, FindsAFlippedSignInAProduct) {
  expectError(writeCorrupted(kProduct, [](void **d, int64_t) { tileOf<float>(d, 3)[777] *= -1; }),
              "differs from the product of its factors");
}

TEST_F(CertificateTest, FindsAFlippedMantissaBitInAProduct) {
  expectError(writeCorrupted(kProduct, [](void **d, int64_t) { tileOf<float>(d, 3)[5] *= 1.0078125f; }),
              "differs from the product of its factors");
}

TEST_F(CertificateTest, FindsAFlippedElementInAProductInPanels) {
  expectError(writeCorrupted(kRoundedProduct,
                             [](void **d, int64_t) {
                               tileOf<float>(d, 3)[40] += 1;
                               tileOf<uint16_t>(d, 4)[40] = 0;
                             }),
              "differs from the product of its factors");
}

TEST_F(CertificateTest, FindsAFlippedBitInWhatIsStored) {
  expectError(writeCorrupted(kRoundedProduct, [](void **d, int64_t) { tileOf<uint16_t>(d, 4)[40] ^= 1; }),
              "not as the nearest element");
}

static constexpr int64_t kLastOfLargeProduct = 299 * 635 - 1;

TEST_F(CertificateTest, FindsTheLastElementOfALargeProduct) {
  expectError(writeCorrupted(kLargeProduct,
                             [](void **d, int64_t) {
                               float &made = tileOf<float>(d, 4)[kLastOfLargeProduct];
                               made = made * 1.01f + 0x1p-120f;
                             }),
              "row 298 of head 0 differs from the product of its factors");
}

TEST_F(CertificateTest, FindsTheLastBitOfWhatIsStoredOfALargeProduct) {
  expectError(
      writeCorrupted(kLargeProduct, [](void **d, int64_t) { tileOf<uint16_t>(d, 5)[kLastOfLargeProduct] ^= 1; }),
      "not as the nearest element");
}

TEST_F(CertificateTest, FindsAWrongScale) {
  expectError(writeCorrupted(kScaled,
                             [](void **d, int64_t) {
                               for (int row = 24; row < 48; ++row) // of the block of scales
                                 for (int column = 16; column < 32; ++column)
                                   tileOf<float>(d, 3)[row * 48 + column] *= 2;
                             }),
              "by the checkpoint");
}

TEST_F(CertificateTest, FindsOneBitInAScaledWeight) {
  expectError(
      writeCorrupted(kScaled, [](void **d, int64_t) { reinterpret_cast<uint32_t *>(tileOf<float>(d, 3))[9] ^= 1; }),
      "by the checkpoint");
}

TEST_F(CertificateTest, FindsTwoElementsInEachOthersPlace) {
  expectError(writeCorrupted(
                  kLaidOut, [](void **d, int64_t) { std::swap(tileOf<uint16_t>(d, 2)[0], tileOf<uint16_t>(d, 2)[1]); }),
              "by the checkpoint");
}

TEST_F(CertificateTest, FindsNaN) {
  expectError(writeCorrupted(kProduct, [](void **d, int64_t) { tileOf<float>(d, 3)[0] = NAN; }),
              "differs from the product of its factors");
}

/// No average over a column, and equal terms are rounded equally.
TEST_F(CertificateTest, TakesAProductOfOneColumnAndEqualTerms) {
  storage["a"] = elementsOf(2 * 8192, 0.1f);
  storage["b"] = elementsOf(8192, 0.1f);
  EXPECT_EQ(write(compile(R"mlir(
func.func @prepare.w(%a: tensor<1x2x8192xf32> {mla.weight = "a"}, %b: tensor<1x8192x1xf32> {mla.weight = "b"}) -> tensor<1x2x1xf32> {
  %w = mla.compose %a, %b : (tensor<1x2x8192xf32>, tensor<1x8192x1xf32>) -> tensor<1x2x1xf32>
  return %w : tensor<1x2x1xf32>
})mlir")),
            "");
}

/// Products of about 2^-145.
TEST_F(CertificateTest, TakesAProductBelowTheNormalNumbers) {
  storage["a"] = elementsOf(3 * 64 * 16, 0x1.8p-73f);
  storage["b"] = elementsOf(3 * 16 * 40, 0x1.9p-76f);
  EXPECT_EQ(write(compile(kProduct)), "");
}

TEST_F(CertificateTest, RefusesAProductThatF32CannotRepresent) {
  storage["a"] = elementsOf(3 * 64 * 16, 1e20f);
  storage["b"] = elementsOf(3 * 16 * 40, 1e20f);
  expectError(write(compile(kProduct)), "which F32 cannot represent; the bundle was not written: choose a --plan");
}

TEST_F(CertificateTest, RefusesAScaledWeightThatF32CannotRepresent) {
  storage["s"] = elementsOf(9, 3e38f);
  expectError(write(compile(kScaled)), "which F32 cannot represent; the bundle was not written: scale the checkpoint");
}

/// Their squares are not representable in f32.
TEST_F(CertificateTest, MeasuresTheRoundingOfLargeAndOfSmallProducts) {
  for (float element : {0x1.23456p+50f, 0x1.23456p-50f}) {
    storage["a"] = elementsOf(3 * 64 * 16, element);
    storage["b"] = elementsOf(3 * 16 * 40, element);
    EXPECT_EQ(write(compile(kRoundedProduct)), "");
    ASSERT_EQ(certificates.size(), 1u);
    EXPECT_GT(certificates[0].rmsRounding, 0x1p-12);
    EXPECT_LT(certificates[0].rmsRounding, 0x1p-8);
  }
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

TEST_F(CertificateTest, SaysHowFarASumOfProductsIsFromItsBound) {
  for (llvm::StringRef text : {kMerged, kMergedHeads}) {
    storage.clear();
    EXPECT_EQ(write(compile(text)), "");
    ASSERT_EQ(certificates.size(), 1u);
    EXPECT_TRUE(certificates[0].isProduct);
    EXPECT_EQ(certificates[0].depth, 8);
    EXPECT_GT(certificates[0].ratio, 0);
    EXPECT_LT(certificates[0].ratio, 1);
  }
}

TEST_F(CertificateTest, SaysHowFarAProductOfASumIsFromItsBound) {
  EXPECT_EQ(write(compile(kProductOfMerged)), "");
  ASSERT_EQ(certificates.size(), 1u);
  EXPECT_EQ(certificates[0].depth, 16);
  EXPECT_GT(certificates[0].ratio, 0);
  EXPECT_LT(certificates[0].ratio, 1);
}

TEST_F(CertificateTest, FindsAFlippedElementInASumOfProducts) {
  expectError(writeCorrupted(kMerged, [](void **d, int64_t) { tileOf<float>(d, 4)[40] += 0x1p-10f; }),
              "differs from the sum of its terms");
}

TEST_F(CertificateTest, FindsAFlippedElementInAMovedSumOfProducts) {
  expectError(writeCorrupted(kMergedHeads, [](void **d, int64_t) { tileOf<float>(d, 4)[17] += 0x1p-10f; }),
              "differs from the sum of its terms");
}

TEST_F(CertificateTest, FindsASumWithoutItsProduct) {
  expectError(writeCorrupted(kMerged,
                             [](void **d, int64_t) {
                               for (int row = 0; row < 96; ++row)
                                 for (int column = 0; column < 40; ++column) {
                                   uint32_t bits = tileOf<uint16_t>(d, 0)[row * 40 + column] << 16;
                                   tileOf<float>(d, 4)[(row / 32 * 40 + column) * 32 + row % 32] =
                                       llvm::bit_cast<float>(bits);
                                 }
                             }),
              "differs from the sum of its terms");
}

TEST_F(CertificateTest, FindsAFlippedElementInAProductOfASum) {
  expectError(writeCorrupted(kProductOfMerged, [](void **d, int64_t) { tileOf<float>(d, 5)[5] += 0x1p-10f; }),
              "differs from the product of its factors");
}

TEST_F(CertificateTest, ComparesSumsWithoutProductsElementByElement) {
  expectError(
      writeCorrupted(kSum, [](void **d, int64_t) { reinterpret_cast<uint32_t *>(tileOf<float>(d, 3))[9] ^= 1; }),
      "by the checkpoint");
  ASSERT_EQ(certificates.size(), 1u);
  EXPECT_FALSE(certificates[0].isProduct);
}

TEST_F(CertificateTest, RefusesAProductThroughWhichThereIsNoProbe) {
  std::string error = write(compile(R"mlir(
func.func @prepare.w(%a: tensor<3x64x16xf32> {mla.weight = "a"}, %b: tensor<3x16x40xf32> {mla.weight = "b"}, %c: tensor<3x64x40xf32> {mla.weight = "c"}) -> tensor<3x64x40xf32> {
  %p = mla.compose %a, %b : (tensor<3x64x16xf32>, tensor<3x16x40xf32>) -> tensor<3x64x40xf32>
  %w = arith.mulf %p, %c : tensor<3x64x40xf32>
  return %w : tensor<3x64x40xf32>
})mlir"));
  expectError(error, "'arith.mulf' in a product of weights cannot be checked");
  expectError(error, "please report it with the output of --emit=fold");
}

/// From a layer with a merged adapter to the file of weights: mla-fold creates the function, and the weight's name has
/// both names.
TEST_F(CertificateTest, FoldsWritesAndCertifiesAMergedLoRA) {
  auto module = mlir::parseSourceString<mlir::ModuleOp>(R"mlir(
func.func @layer(%x: tensor<?x40xf32>) -> tensor<?x96xf32> {
  %w = mla.weight "w" : tensor<96x40xbf16>
  %b = mla.weight "lora_b" : tensor<1x96x8xbf16>
  %a = mla.weight "lora_a" : tensor<1x8x40xbf16>
  %ba = mla.compose %b, %a : (tensor<1x96x8xbf16>, tensor<1x8x40xbf16>) -> tensor<1x96x40xbf16>
  %two = arith.constant dense<2.0> : tensor<1x96x40xbf16>
  %scaled = arith.mulf %ba, %two : tensor<1x96x40xbf16>
  %delta = tensor.collapse_shape %scaled [[0, 1], [2]] : tensor<1x96x40xbf16> into tensor<96x40xbf16>
  %merged = arith.addf %w, %delta : tensor<96x40xbf16>
  %y = mla.project %x, %merged : (tensor<?x40xf32>, tensor<96x40xbf16>) -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
})mlir",
                                                        &context);
  mlir::PassManager passes(&context);
  passes.addPass(createMLAFold({/*storage=*/"bf16"}));
  passes.addPass(createMLABindWeights());
  ASSERT_TRUE(mlir::succeeded(passes.run(*module)));
  module->lookupSymbol("layer")->erase();
  auto preparation = WeightPreparation::compile(std::move(module));
  ASSERT_TRUE(static_cast<bool>(preparation));
  EXPECT_EQ(write(*preparation), "");
  ASSERT_EQ(certificates.size(), 1u);
  EXPECT_EQ(certificates[0].weight, "w_plus_lora_b_x_lora_a");
  EXPECT_TRUE(certificates[0].isProduct);
  EXPECT_LT(certificates[0].ratio, 1);
  EXPECT_GT(certificates[0].maxRounding, 0);
}
