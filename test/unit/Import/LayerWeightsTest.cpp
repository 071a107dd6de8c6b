//===- LayerWeightsTest.cpp - What a layer must have ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Import/LayerWeights.h"
#include "TestSupport.h"
#include "mla/Import/DecoderConfig.h"

#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

#include <functional>

using namespace mla;
using namespace mla::importer;
using namespace mla::importer::test;
using llvm::StringRef;

static const std::string prefix = "model.layers.0.self_attn.";

/// "q_a_proj.weight [48, 160] [1, 2]": suffix, shape, scales.
static std::vector<std::string> describe(const AttentionConfig &config) {
  auto shape = [](llvm::ArrayRef<int64_t> sizes) {
    std::string text;
    for (int64_t size : sizes)
      text += " " + std::to_string(size);
    return text;
  };
  std::vector<std::string> result;
  for (const ExpectedWeight &weight : expectedWeights(config, 3)) {
    EXPECT_EQ(weight.name, "model.layers.3.self_attn." + checkpointSuffix(weight.role).str());
    result.push_back(checkpointSuffix(weight.role).str() + shape(weight.shape) +
                     (weight.scale ? " /" + shape(weight.scale->shape) : ""));
  }
  return result;
}

TEST(LayerWeightsTest, Expected) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(
      describe(configOf("configs/deepseek-v3.json")),
      (Lines{"q_a_proj.weight 1536 7168 / 12 56", "q_a_layernorm.weight 1536", "q_b_proj.weight 24576 1536 / 192 12",
             "kv_a_proj_with_mqa.weight 576 7168 / 5 56", "kv_a_layernorm.weight 512",
             "kv_b_proj.weight 32768 512 / 256 4", "o_proj.weight 7168 16384 / 56 128"}));
  AttentionConfig lite = configOf("golden/v2lite_noqlora.safetensors");
  EXPECT_EQ(describe(lite), (Lines{"q_proj.weight 192 128", "kv_a_proj_with_mqa.weight 80 128",
                                   "kv_a_layernorm.weight 64", "kv_b_proj.weight 256 64", "o_proj.weight 128 128"}));
  lite.attentionBias = true;
  EXPECT_EQ(describe(lite).back(), "o_proj.bias 128");
  EXPECT_EQ(describe(lite).size(), 7u) << "q_proj has no bias";
  AttentionConfig v3 = configOf("golden/v3_plain.safetensors");
  v3.attentionBias = true;
  Lines lines = describe(v3);
  EXPECT_EQ(Lines(lines.end() - 3, lines.end()),
            (Lines{"q_a_proj.bias 64", "kv_a_proj_with_mqa.bias 160", "o_proj.bias 256"}));
}

TEST(LayerWeightsTest, GoldenFiles) {
  for (const std::string &name : goldenNames()) {
    SCOPED_TRACE(name);
    AttentionConfig config = configOf(name);
    auto checkpoint = numberAttentions(llvm::cantFail(openCheckpoint(modelPath(name))), config.attentionsPerLayer);
    auto weights = findLayerWeights(*checkpoint, config, 0);
    ASSERT_TRUE(bool(weights)) << llvm::toString(weights.takeError());
    EXPECT_EQ(weights->size(), config.qLoraRank ? 7u : 5u);
    for (const LayerWeight &weight : *weights)
      EXPECT_EQ(weight.scale != nullptr, weight.tensor->dtype == DType::F8_E4M3);
    EXPECT_EQ(llvm::count_if(*weights, [](const LayerWeight &weight) { return weight.scale; }),
              config.quantization ? 5 : 0);
    EXPECT_EQ(messageOf(checkFinite(*weights, checkpoint->where())), "");
  }
}

//===----------------------------------------------------------------------===//
// Damaged checkpoints
//===----------------------------------------------------------------------===//

namespace {
using Tensors = std::vector<TestTensor>;

/// A change of a golden file's tensors or of its config, and the resulting error.
struct Damage {
  const char *golden;
  std::function<void(Tensors &, AttentionConfig &)> change;
  std::string error;
};
} // namespace

static TestTensor &tensorOf(Tensors &tensors, StringRef suffix) {
  return *llvm::find_if(tensors, [&](const TestTensor &tensor) { return tensor.name == prefix + suffix.str(); });
}

static void expectError(const Damage &damage) {
  std::string golden = (llvm::Twine("golden/") + damage.golden + ".safetensors").str();
  Tensors tensors = readSafetensors(modelPath(golden));
  AttentionConfig config = configOf(golden);
  damage.change(tensors, config);
  TemporaryDirectory directory;
  std::string path = directory.file("a.safetensors");
  writeSafetensors(path, tensors);
  auto checkpoint = llvm::cantFail(openCheckpoint(path));
  EXPECT_EQ(messageOf(findLayerWeights(*checkpoint, config, 0)),
            damage.error.empty() ? "" : path + ": tensor " + prefix + damage.error);
}

TEST(LayerWeightsTest, TheUndamagedFileIsFine) {
  expectError({"v3_fp8", [](Tensors &, AttentionConfig &) {}, ""});
}

TEST(LayerWeightsTest, ShapesAndTypes) {
  expectError({"v3_plain", [](Tensors &, AttentionConfig &config) { config.numHeads = 4; },
               "q_b_proj.weight: expected shape [384, 64] from the config, got [768, 64]; give the config of this "
               "checkpoint"});
  expectError({"v3_plain",
               [](Tensors &tensors, AttentionConfig &) { tensorOf(tensors, "q_a_layernorm.weight").shape = {64, 1}; },
               "q_a_layernorm.weight: expected shape [64] from the config, got [64, 1]; give the config of this "
               "checkpoint"});
  expectError({"v3_plain",
               [](Tensors &tensors, AttentionConfig &) { tensorOf(tensors, "o_proj.weight").dtype = DType::I32; },
               "o_proj.weight: expected F32, BF16, F16 or F8_E4M3, got I32; convert it to BF16"});
  expectError({"v3_plain",
               [](Tensors &tensors, AttentionConfig &) {
                 TestTensor &norm = tensorOf(tensors, "q_a_layernorm.weight");
                 norm.dtype = DType::F8_E4M3, norm.bytes.clear();
               },
               "q_a_layernorm.weight: is F8_E4M3, but norms and biases are not quantized; store it in BF16"});
  expectError(
      {"v3_plain", [](Tensors &, AttentionConfig &config) { config.qLoraRank = 0; },
       "q_proj.weight: missing; under " + prefix +
           " it has kv_a_layernorm, kv_a_proj_with_mqa, kv_b_proj, o_proj, q_a_layernorm, q_a_proj, … (7); give "
           "a matching checkpoint, layer and config"});
}

TEST(LayerWeightsTest, OtherQuantisationsMustLeaveTheAttentionAlone) {
  const std::string says =
      "; the config's quantization_config (awq) is not supported for the attention; convert its weights to bfloat16";
  auto quantise = [](AttentionConfig &config) { config.quantization.reset(), config.otherQuantization = "awq"; };
  expectError({"v3_plain", [&](Tensors &, AttentionConfig &config) { quantise(config); }, ""});
  expectError({"v3_plain",
               [&](Tensors &tensors, AttentionConfig &config) {
                 quantise(config);
                 tensorOf(tensors, "o_proj.weight").name = prefix + "o_proj.qweight";
               },
               "o_proj.qweight: belongs to attention weights in AWQ or GPTQ" + says});
  expectError({"v3_plain",
               [&](Tensors &tensors, AttentionConfig &config) {
                 quantise(config);
                 tensorOf(tensors, "o_proj.weight").name = prefix + "o_proj.codes";
               },
               "o_proj.weight: missing" + says});
  expectError({"v3_plain",
               [&](Tensors &tensors, AttentionConfig &config) {
                 quantise(config);
                 tensorOf(tensors, "o_proj.weight").dtype = DType::I32;
               },
               "o_proj.weight: expected F32, BF16, F16 or F8_E4M3, got I32" + says});
  expectError(
      {"v3_fp8", [&](Tensors &, AttentionConfig &config) { quantise(config); }, "q_a_proj.weight: is F8_E4M3" + says});
}

TEST(LayerWeightsTest, Scales) {
  auto remove = [](Tensors &tensors, AttentionConfig &) {
    llvm::erase_if(tensors, [](const TestTensor &t) { return t.name == prefix + "o_proj.weight_scale_inv"; });
  };
  expectError({"v3_fp8", remove,
               "o_proj.weight: is F8_E4M3, but none of weight_scale_inv, weight_scale, qscale_weight is beside it; "
               "give a checkpoint with its scales"});
  auto reshape = [](Tensors &tensors, AttentionConfig &) {
    tensorOf(tensors, "o_proj.weight_scale_inv").shape = {2, 3};
  };
  expectError({"v3_fp8", reshape,
               "o_proj.weight_scale_inv: has shape [2, 3], of scales neither of the tensor ([1, 1]) nor of its rows "
               "([320, 1]) nor of blocks of 128 x 128 ([3, 2]); give the config of this checkpoint"});
  auto retype = [](Tensors &tensors, AttentionConfig &) {
    TestTensor &scale = tensorOf(tensors, "o_proj.weight_scale_inv");
    scale.dtype = DType::F8_E8M0, scale.bytes.clear();
  };
  expectError(
      {"v3_fp8", retype, "o_proj.weight_scale_inv: expected F32, BF16 or F16, got F8_E8M0; convert the scales"});
  auto plain = [](Tensors &, AttentionConfig &config) { config.quantization.reset(); };
  expectError({"v3_fp8", plain,
               "q_a_proj.weight_scale_inv: has shape [2, 3], of scales neither of the tensor ([1, 1]) nor of its rows "
               "([192, 1]) nor of blocks, whose size the config does not give; give a config with a "
               "quantization_config that has the size of blocks (weight_block_size or block_structure)"});
  auto twice = [](Tensors &tensors, AttentionConfig &) {
    tensors.push_back({prefix + "o_proj.weight_scale", DType::F32, {1}, {}});
  };
  expectError({"v3_fp8", twice,
               "o_proj.weight: has the scales " + prefix + "o_proj.weight_scale_inv and " + prefix +
                   "o_proj.weight_scale; remove those that do not belong to it"});
  auto widen = [](Tensors &tensors, AttentionConfig &) {
    TestTensor &weight = tensorOf(tensors, "o_proj.weight");
    weight.dtype = DType::BF16, weight.bytes.clear();
  };
  expectError({"v3_fp8", widen,
               "o_proj.weight: is BF16 but has scales, " + prefix +
                   "o_proj.weight_scale_inv; remove them or store it in F8_E4M3"});
  // A quantized model may have unquantized weights.
  auto widenAndRemove = [&](Tensors &tensors, AttentionConfig &config) {
    widen(tensors, config), remove(tensors, config);
  };
  expectError({"v3_fp8", widenAndRemove, ""});
}

// By tensors next to the weights, whatever the config says.
TEST(LayerWeightsTest, OtherFormsAreNamed) {
  struct {
    const char *added, *form;
  } cases[] = {{"o_proj.weight_scale_2", "NVFP4"},
               {"o_proj.weight_global_scale", "NVFP4"},
               {"o_proj.weight_shape", "packed integers of compressed-tensors"},
               {"o_proj.weight_packed", "MXFP4"},
               {"o_proj.g_idx", "GPTQ"},
               {"o_proj.qweight", "AWQ or GPTQ"},
               {"o_proj_blocks", "MXFP4"},
               {"o_proj.weight.absmax", "bitsandbytes"}};
  for (const auto &test : cases)
    expectError(
        {"v3_plain",
         [&](Tensors &tensors, AttentionConfig &) { tensors.push_back({prefix + test.added, DType::U8, {4}, {}}); },
         std::string(test.added) + ": belongs to attention weights in " + test.form +
             "; convert the attention's weights to bfloat16"});
  expectError({"v3_fp8",
               [](Tensors &tensors, AttentionConfig &) { tensorOf(tensors, "o_proj.weight").dtype = DType::F8_E5M2; },
               "o_proj.weight: expected F32, BF16, F16 or F8_E4M3, got F8_E5M2; convert it to BF16"});
}

namespace {
/// The shape of o_proj's scales, [320, 192] in v3_fp8, and the block of one.
struct ScaleForm {
  std::vector<int64_t> shape;
  std::array<int64_t, 2> block;
};
} // namespace

TEST(LayerWeightsTest, TheShapeOfScalesDeterminesTheBlock) {
  const ScaleForm forms[] = {{{}, {320, 192}},           {{1}, {320, 192}},         {{1, 1}, {320, 192}},
                             {{320}, {1, 192}},          {{320, 1}, {1, 192}},      {{3, 2}, {128, 128}},
                             {{3, 1, 2, 1}, {128, 128}}, {{320, 1, 1, 1}, {1, 192}}};
  for (const ScaleForm &form : forms)
    for (DType dtype : {DType::F32, DType::BF16, DType::F16})
      for (const char *name : {"o_proj.weight_scale_inv", "o_proj.weight_scale"}) {
        Tensors tensors = readSafetensors(modelPath("golden/v3_fp8.safetensors"));
        TestTensor &scale = tensorOf(tensors, "o_proj.weight_scale_inv");
        scale.name = prefix + name, scale.dtype = dtype, scale.shape = form.shape, scale.bytes.clear();
        TemporaryDirectory directory;
        writeSafetensors(directory.file("a.safetensors"), tensors);
        auto checkpoint = llvm::cantFail(openCheckpoint(directory.file("a.safetensors")));
        auto weights = findLayerWeights(*checkpoint, configOf("golden/v3_fp8.safetensors"), 0);
        ASSERT_TRUE(bool(weights)) << llvm::toString(weights.takeError());
        const WeightScale &found = *weights->back().expected.scale;
        EXPECT_EQ(found.name, prefix + name);
        EXPECT_EQ(found.dtype, dtype);
        EXPECT_EQ(found.block, form.block);
      }
}

TEST(LayerWeightsTest, ConstantScalesOfActivationsAreNotUsed) {
  Tensors tensors = readSafetensors(modelPath("golden/v3_fp8.safetensors"));
  for (const char *name : {"o_proj.input_scale", "q_a_proj.activation_scale", "k_scale"})
    tensors.push_back({prefix + name, DType::F32, {}, {}});
  tensors.push_back({"model.layers.1.mlp.up_proj.input_scale", DType::F32, {}, {}});
  TemporaryDirectory directory;
  std::string path = directory.file("a.safetensors");
  writeSafetensors(path, tensors);
  auto checkpoint = llvm::cantFail(openCheckpoint(path));
  AttentionConfig config = configOf("golden/v3_fp8.safetensors");
  EXPECT_EQ(messageOf(findLayerWeights(*checkpoint, config, 0)), "");
  EXPECT_EQ(unusedScales(*checkpoint, config, {0}),
            path + ": constant scales such as " + prefix +
                "k_scale are not used: activations are not quantized, and a cache has its own scales");
  EXPECT_EQ(unusedScales(*checkpoint, config, {1}), "");
  config.decoder = std::make_shared<const DecoderConfig>();
  EXPECT_EQ(unusedScales(*checkpoint, config, {1}),
            path + ": constant scales such as model.layers.1.mlp.up_proj.input_scale are not used: activations are not "
                   "quantized, and a cache has its own scales");
}

TEST(LayerWeightsTest, UnexpectedTensors) {
  auto add = [](const char *suffix) {
    return [suffix](Tensors &tensors, AttentionConfig &) { tensors.push_back({prefix + suffix, DType::F32, {4}, {}}); };
  };
  expectError({"v3_plain", add("g_proj.weight"),
               "g_proj.weight: not part of the attention that the config describes; "
               "the layer computes something that is not supported"});
  expectError({"v3_plain", add("o_proj.bias"),
               "o_proj.bias: not part of the attention that the config describes; set "
               "attention_bias if the model has biases"});
  expectError({"v3_plain", add("kv_b_proj.bias"),
               "kv_b_proj.bias: not part of the attention that the config describes; set "
               "attention_bias if the model has biases"});
  expectError({"v3_plain", add("rotary_emb.inv_freq"), ""});
  expectError({"v3_plain",
               [](Tensors &tensors, AttentionConfig &) {
                 tensors.push_back({"model.layers.1.self_attn.g_proj.weight", DType::F32, {4}, {}});
               },
               ""});
  expectError({"v3_plain", [](Tensors &, AttentionConfig &config) { config.attentionBias = true; },
               "q_a_proj.bias: missing; under " + prefix +
                   "q_a_proj. it has weight; give a matching checkpoint, layer and config"});
}

// The golden file has them; without index_topk they would be an unrequested computation.
TEST(LayerWeightsTest, AnIndexerIsLeftAlone) {
  AttentionConfig config = configOf("golden/glm_moe_dsa.safetensors");
  auto checkpoint = llvm::cantFail(openCheckpoint(modelPath("golden/glm_moe_dsa.safetensors")));
  EXPECT_TRUE(checkpoint->contains(prefix + "indexer.wk.weight"));
  EXPECT_EQ(messageOf(findLayerWeights(*checkpoint, config, 0)), "");
  config.indexTopK = 0;
  EXPECT_NE(messageOf(findLayerWeights(*checkpoint, config, 0)).find("indexer.k_norm.bias: not part of"),
            std::string::npos);
}

TEST(LayerWeightsTest, LayersThatTheModelLacks) {
  auto checkpoint = makeSyntheticCheckpoint(configOf("golden/v3_plain.safetensors"));
  for (int64_t layer : {-1, 2}) // layer 1 predicts further tokens
    EXPECT_EQ(messageOf(findLayerWeights(*checkpoint, configOf("golden/v3_plain.safetensors"), layer)),
              "made weights (seed 0): layer " + std::to_string(layer) +
                  ": the config has layers 0 to 1; choose one of them");
}
