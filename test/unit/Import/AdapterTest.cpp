//===- AdapterTest.cpp - Reading LoRA adapters ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Import/Adapter.h"
#include "TestSupport.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

#include <cmath>
#include <functional>

using namespace mla;
using namespace mla::importer;
using namespace mla::importer::test;
using llvm::StringRef;

using Tensors = std::vector<TestTensor>;

static constexpr const char *golden = "golden/v3_plain.safetensors";

/// Returns the name of a half in the file.
static std::string half(StringRef module, StringRef which, int layer = 0) {
  return llvm::formatv("base_model.model.model.layers.{0}.self_attn.{1}.lora_{2}.weight", layer, module, which);
}

/// kv_b_proj is [896, 128] and o_proj [256, 384] in v3_plain.
static Tensors updateOf(StringRef module, int64_t rank, int64_t rows, int64_t columns, int layer = 0) {
  return {{half(module, "A", layer), DType::F32, {rank, columns}, {}},
          {half(module, "B", layer), DType::BF16, {rows, rank}, {}}};
}

namespace {
/// An adapter in a file, and the result of applying it.
struct Written {
  std::string config = R"({"peft_type": "LORA", "r": 8, "lora_alpha": 16})";
  Tensors tensors;
  std::vector<int64_t> layers = {0};
  AttentionConfig attention = configOf(golden);
  std::string prefix = "model."; ///< of the checkpoint's layers

  /// Adds fields to the config, "KEY": VALUE, ….
  Written &with(StringRef fields) {
    config.insert(config.size() - 1, (", " + fields).str());
    return *this;
  }
};
} // namespace

static Written ofBoth() {
  Written written;
  written.tensors = updateOf("kv_b_proj", 8, 896, 128);
  for (TestTensor &tensor : updateOf("o_proj", 8, 256, 384))
    written.tensors.push_back(std::move(tensor));
  return written;
}

/// Calls `use` with the adapter and the specs to which it was applied. Returns the error without the directory's name.
static std::string apply(
    const Written &written,
    llvm::function_ref<void(Adapter &, std::vector<WeightSpec> &)> then = [](Adapter &, auto &) {}) {
  TemporaryDirectory directory;
  writeFile(directory.file("adapter_config.json"), written.config);
  writeSafetensors(directory.file("adapter_model.safetensors"), written.tensors);
  std::string message;
  llvm::Expected<Adapter> adapter = Adapter::open(directory.path, written.attention, written.prefix);
  if (adapter) {
    std::vector<WeightSpec> specs = announcedSpecs(written.attention, written.layers.front());
    message = messageOf(adapter->apply(written.layers, specs));
    if (message.empty())
      then(*adapter, specs);
  } else {
    message = llvm::toString(adapter.takeError());
  }
  for (size_t at; (at = message.find(directory.path + "/")) != std::string::npos;)
    message.erase(at, directory.path.size() + 1);
  return message;
}

static std::optional<WeightUpdate> updateOf(llvm::ArrayRef<WeightSpec> specs, WeightRole role) {
  return llvm::find_if(specs, [&](const WeightSpec &spec) { return spec.expected.role == role; })->update;
}

/// Scales of kv_b_proj and o_proj.
static std::pair<double, double> scalesOf(const Written &written) {
  std::pair<double, double> scales(NAN, NAN);
  EXPECT_EQ(apply(written,
                  [&](Adapter &, std::vector<WeightSpec> &specs) {
                    scales = {updateOf(specs, WeightRole::WKVB)->scale, updateOf(specs, WeightRole::WO)->scale};
                  }),
            "");
  return scales;
}

TEST(AdapterTest, SaysWhatIsAddedToWhat) {
  EXPECT_EQ(apply(ofBoth(),
                  [](Adapter &adapter, std::vector<WeightSpec> &specs) {
                    auto update = updateOf(specs, WeightRole::WKVB);
                    ASSERT_TRUE(update);
                    EXPECT_EQ(update->nameA, "model.layers.0.self_attn.kv_b_proj.lora_A.weight");
                    EXPECT_EQ(update->nameB, "model.layers.0.self_attn.kv_b_proj.lora_B.weight");
                    EXPECT_EQ(update->rank, 8);
                    EXPECT_EQ(update->scale, 2.0);
                    EXPECT_EQ(update->typeA, DType::F32);
                    EXPECT_EQ(update->typeB, DType::BF16);
                    EXPECT_FALSE(updateOf(specs, WeightRole::WUQ));
                    EXPECT_TRUE(StringRef(adapter.summary({0}, specs))
                                    .ends_with(": merged into kv_b_proj, o_proj (rank 8, scale 2, BF16 x F32)"));
                  }),
            "");
}

TEST(AdapterTest, ItsTensorsStandBesideTheCheckpoints) {
  EXPECT_EQ(apply(ofBoth(),
                  [](Adapter &adapter, std::vector<WeightSpec> &specs) {
                    AttentionConfig config = configOf(golden);
                    auto both = Adapter::addTo(makeSyntheticCheckpoint(config), std::move(adapter));
                    auto a = both->find(updateOf(specs, WeightRole::WKVB)->nameA);
                    ASSERT_TRUE(bool(a)) << llvm::toString(a.takeError());
                    EXPECT_EQ((*a)->shape, (std::vector<int64_t>{8, 128}));
                    EXPECT_EQ(messageOf(both->find("model.layers.0.self_attn.kv_b_proj.weight")), "");
                    EXPECT_FALSE(both->contains("model.layers.0.self_attn.kv_b_proj.lora_C.weight"));
                  }),
            "");
}

TEST(AdapterTest, Scales) {
  using Scales = std::pair<double, double>;
  EXPECT_EQ(scalesOf(ofBoth()), Scales(2.0, 2.0));
  EXPECT_EQ(scalesOf(ofBoth().with(R"("use_rslora": true)")), Scales(16 / std::sqrt(8.0), 16 / std::sqrt(8.0)));
  // Keys match the last components of a module's name.
  EXPECT_EQ(scalesOf(ofBoth().with(R"("alpha_pattern": {"kv_b_proj": 4, "b_proj": 1000})")), Scales(0.5, 2.0));
  EXPECT_EQ(scalesOf(ofBoth().with(R"("alpha_pattern": {"layers\\.\\d+\\..*\\.(?:o|q)_proj": 1.5})")),
            Scales(2.0, 0.1875));
  EXPECT_EQ(scalesOf(ofBoth().with(R"("alpha_pattern": {"^model.layers.[0-3].self_attn.o_proj": 24})")),
            Scales(2.0, 3.0));
  Written ranks = ofBoth().with(R"("rank_pattern": {"o_proj": 4}, "use_rslora": true)");
  ranks.tensors.resize(2);
  for (TestTensor &tensor : updateOf("o_proj", 4, 256, 384))
    ranks.tensors.push_back(std::move(tensor));
  EXPECT_EQ(scalesOf(ranks), Scales(16 / std::sqrt(8.0), 8.0));
  EXPECT_EQ(apply(ofBoth().with(R"("alpha_pattern": {"o_proj": 1, ".*o_proj": 2})")),
            "adapter_config.json: alpha_pattern: several patterns match model.layers.0.self_attn.o_proj with different "
            "values; keep "
            "one of them");
}

TEST(AdapterTest, WhatIsNotMerged) {
  auto refusal = [](StringRef fields) { return apply(ofBoth().with(fields)); };
  EXPECT_EQ(
      refusal(R"("use_dora": true)"),
      "adapter_config.json: use_dora: DoRA scales the columns of the merged weight by their norms, which is not a "
      "sum of products; merge the adapter with PEFT (merge_and_unload) and compile the result");
  for (StringRef feature :
       {R"("lora_bias": true)", R"("fan_in_fan_out": true)", R"("alora_invocation_tokens": [1, 2])",
        R"("layer_replication": [[0, 1]])", R"("arrow_config": {"top_k": 3})", R"("use_qalora": true)"})
    EXPECT_TRUE(StringRef(refusal(feature)).contains("merge the adapter with PEFT")) << feature.str();
  EXPECT_EQ(
      refusal(R"("lora_bias": false, "layer_replication": null, "alora_invocation_tokens": [], "loftq_config": {})"),
      "");
  for (StringRef name : {"pissa", "pissa_niter_4", "olora", "corda", "loftq", "lora_ga"})
    EXPECT_TRUE(StringRef(refusal(("\"init_lora_weights\": \"" + name + "\"").str()))
                    .starts_with("adapter_config.json: init_lora_weights: " + name.str() + " changed the weights"));
  EXPECT_EQ(refusal(R"("init_lora_weights": "gaussian")"), "");
  for (StringRef saved : {"kv_b_proj", "self_attn", "kv_a_layernorm", "model"})
    EXPECT_TRUE(StringRef(refusal(("\"modules_to_save\": [\"lm_head\", \"" + saved + "\"]").str()))
                    .contains("is saved whole and not as an update"));
  EXPECT_EQ(refusal(R"("modules_to_save": ["lm_head", "proj"])"), "");
  EXPECT_EQ(refusal(R"("bias": "all")"), "") << "the attention has no biases";
  Written biased = ofBoth().with(R"("bias": "lora_only")");
  biased.attention.attentionBias = true;
  EXPECT_TRUE(StringRef(apply(biased)).starts_with("adapter_config.json: bias: the adapter has biases of its own"));
}

TEST(AdapterTest, TargetsAndTensorsAgree) {
  auto message = [](StringRef fields) { return apply(ofBoth().with(fields)); };
  EXPECT_EQ(message(R"("target_modules": ["kv_b_proj", "o_proj", "up_proj"])"), "");
  EXPECT_EQ(message(R"("target_modules": "all-linear")"), "");
  EXPECT_EQ(message(R"x("target_modules": "model\\..*\\.(kv_b_proj|o_proj)")x"), "");
  // Fields that only Python reads do not affect the tensors.
  EXPECT_EQ(message(R"("target_modules": "(?!vision).*q_proj")"), "");
  EXPECT_EQ(
      message(R"("target_modules": ["kv_b_proj"])"),
      "adapter_config.json: target_modules: model.layers.0.self_attn.o_proj is not among them, but the adapter has "
      "its tensors; correct one of the two");
  EXPECT_EQ(
      message(R"x("target_modules": "model\\..*\\.(kv_b_proj|o_proj|q_b_proj)")x"),
      "adapter_model.safetensors: no tensors of model.layers.0.self_attn.q_b_proj, which adapter_config.json names "
      "in target_modules; save the adapter again");
  EXPECT_TRUE(StringRef(message(R"("target_modules": ["kv_b_proj", "o_proj"], "layers_to_transform": 1)"))
                  .contains("is not among them"));
  EXPECT_EQ(message(R"("target_modules": ["kv_b_proj", "o_proj"], "layers_to_transform": [0, 1])"), "");
  EXPECT_TRUE(StringRef(message(R"("exclude_modules": ["o_proj"])")).contains("is not among them"));
}

TEST(AdapterTest, BadTensors) {
  auto message = [](std::function<void(Tensors &)> change) {
    Written written = ofBoth();
    change(written.tensors);
    return apply(written);
  };
  EXPECT_EQ(message([](Tensors &tensors) { tensors.erase(tensors.begin()); }),
            "adapter_model.safetensors: tensor " + half("kv_b_proj", "A") +
                ": missing; under base_model.model.model.layers.0.self_attn.kv_b_proj. it has lora_B; give a "
                "matching checkpoint, layer and config");
  EXPECT_EQ(
      message([](Tensors &tensors) { tensors[1].shape = {896, 4}; }),
      "adapter_model.safetensors: tensor " + half("kv_b_proj", "B") +
          ": expected shape [896, 8] for rank 8 and the weight [896, 128], got [896, 4]; give the adapter of this "
          "model");
  EXPECT_EQ(message([](Tensors &tensors) { tensors[0].shape = {8, 128, 1}; }),
            "adapter_model.safetensors: tensor " + half("kv_b_proj", "A") +
                ": expected shape [8, 128] for rank 8 and the weight [896, 128], got [8, 128, 1]; give the adapter of "
                "this model");
  EXPECT_EQ(message([](Tensors &tensors) { tensors[0].dtype = DType::F8_E4M3; }),
            "adapter_model.safetensors: tensor " + half("kv_b_proj", "A") +
                ": expected F32, BF16 or F16, got F8_E4M3; convert it");
  EXPECT_TRUE(StringRef(message([](Tensors &tensors) {
                tensors[0].bytes = {0, 0, 0xC0, 0x7F};
              })).contains("element [0, 0] is NaN"));
  for (StringRef other : {"kv_b_proj.lora_magnitude_vector", "g_proj.lora_A.weight", "o_proj.bias",
                          "kv_b_proj.lora_B.bias", "q_proj.lora_A.weight", "kv_a_layernorm.weight"})
    EXPECT_EQ(message([&](Tensors &tensors) {
                tensors.push_back({"base_model.model.model.layers.0.self_attn." + other.str(), DType::F32, {8}, {}});
              }),
              "adapter_model.safetensors: tensor base_model.model.model.layers.0.self_attn." + other.str() +
                  ": is not part of an update of a projection of the config; merge the adapter with PEFT "
                  "(merge_and_unload) and compile the result");
  // Other layers and modules are ignored.
  EXPECT_EQ(message([](Tensors &tensors) {
              tensors.push_back({half("g_proj", "A", 7), DType::I32, {1}, {}});
              tensors.push_back({"base_model.model.model.layers.0.mlp.up_proj.lora_A.weight", DType::F32, {1}, {}});
            }),
            "");
  EXPECT_EQ(message([](Tensors &tensors) { tensors = updateOf("kv_b_proj", 8, 896, 128, 1); }),
            "adapter_model.safetensors: no tensors of base_model.model.model.layers.0.self_attn.…: the adapter would "
            "change nothing; leave it out, or give one of this model's attention");
}

TEST(AdapterTest, LayersShareTheirCode) {
  Written written;
  written.attention.numLayers = 3;
  written.layers = {0, 1};
  for (int layer : {0, 1})
    for (TestTensor &tensor : updateOf("kv_b_proj", 8, 896, 128, layer))
      written.tensors.push_back(std::move(tensor));
  EXPECT_EQ(apply(written), "");
  written.layers = {0, 1, 2};
  std::string message = apply(written);
  EXPECT_TRUE(StringRef(message).ends_with(
      ": model.layers.0.self_attn.kv_b_proj.weight has rank 8, scale 2, BF16 x F32, that of layer 2 no update, and "
      "layers compiled together share code; compile these layers separately with --layers"))
      << message;
  written.layers = {0, 1};
  written.with(R"("alpha_pattern": {"1.self_attn.kv_b_proj": 32})");
  EXPECT_TRUE(StringRef(apply(written)).contains("scale 2, BF16 x F32, that of layer 1 rank 8, scale 4"));
}

TEST(AdapterTest, TwoAttentionsALayer) {
  Written written;
  written.attention = configOf("golden/longcat_flash.safetensors");
  std::vector<WeightSpec> specs = announcedSpecs(written.attention, 1);
  auto kvB = llvm::find_if(specs, [](const WeightSpec &spec) { return spec.expected.role == WeightRole::WKVB; });
  written.layers = {1};
  written.tensors = updateOf("1.kv_b_proj", 8, kvB->expected.shape[0], kvB->expected.shape[1]);
  written.with(R"("target_modules": ["self_attn.1.kv_b_proj"])");
  EXPECT_EQ(apply(written,
                  [](Adapter &, std::vector<WeightSpec> &specs) {
                    EXPECT_EQ(updateOf(specs, WeightRole::WKVB)->nameA,
                              "model.layers.1.self_attn.kv_b_proj.lora_A.weight");
                  }),
            "");
}

TEST(AdapterTest, HostileConfigs) {
  auto message = [](StringRef config) {
    Written written = ofBoth();
    written.config = config.str();
    return apply(written);
  };
  auto field = [&](StringRef fields) {
    return message(("{\"peft_type\": \"LORA\", \"lora_alpha\": 16, " + fields + "}").str());
  };
  EXPECT_TRUE(StringRef(message("{")).starts_with("adapter_config.json: not valid JSON"));
  EXPECT_TRUE(StringRef(message("[]")).starts_with("adapter_config.json: expected a JSON object"));
  EXPECT_EQ(message("{}"), "adapter_config.json: peft_type: missing; give the config of an adapter that PEFT saved");
  EXPECT_EQ(message(R"({"peft_type": "LOHA"})"),
            "adapter_config.json: peft_type: LOHA is not supported, only LORA is; merge the "
            "adapter with PEFT and compile the result");
  EXPECT_TRUE(StringRef(message(R"({"peft_type": 3})")).contains("peft_type: expected a string, got 3"));
  EXPECT_TRUE(StringRef(field(R"("r": 0)")).contains("r: expected an integer from 1"));
  EXPECT_TRUE(StringRef(field(R"("r": 1e300)")).contains("r: expected an integer"));
  EXPECT_TRUE(StringRef(field(R"("r": "8")")).contains("expected an integer"));
  EXPECT_TRUE(StringRef(field(R"("r": null)")).contains("expected an integer"));
  EXPECT_TRUE(StringRef(message(R"({"peft_type": "LORA", "r": 8})")).contains("lora_alpha: missing"));
  EXPECT_TRUE(
      StringRef(message(R"({"peft_type": "LORA", "r": 8, "lora_alpha": 1e300})")).contains("expected a number from"));
  for (StringRef bad :
       {R"("target_modules": 3)", R"("target_modules": [3])", R"("rank_pattern": [])",
        R"("rank_pattern": {"o_proj": 0})", R"("rank_pattern": {"o_proj": []})", R"("alpha_pattern": {"o_proj": "a"})",
        R"("layers_to_transform": [-1])", R"("layers_to_transform": {})", R"("modules_to_save": "a")",
        R"("use_rslora": 1)", R"("bias": "some")"})
    EXPECT_TRUE(StringRef(field(("\"r\": 8, " + bad).str())).starts_with("adapter_config.json: ")) << bad.str();
}

/// An update of o_proj, which other attentions also have, of layers with another name.
static Written ofOutput(StringRef prefix, StringRef checkpointPrefix) {
  Written written;
  written.prefix = checkpointPrefix.str();
  for (StringRef which : {"A", "B"}) {
    TestTensor tensor = updateOf("o_proj", 8, 256, 384)[which == "B"];
    tensor.name = ("base_model.model." + prefix + "layers.0.self_attn.o_proj.lora_" + which + ".weight").str();
    written.tensors.push_back(std::move(tensor));
  }
  return written;
}

static bool updatesOutput(const Written &written) {
  bool updated = false;
  std::string message = apply(written, [&](Adapter &, std::vector<WeightSpec> &specs) {
    updated = updateOf(specs, WeightRole::WO).has_value();
  });
  return message.empty() && updated;
}

TEST(AdapterTest, ModelsAroundTheLanguageModel) {
  for (StringRef prefix : {"model.", "model.language_model.", "language_model.model.", "language_model.", ""})
    for (StringRef base : {"model.", "language_model.model."})
      EXPECT_TRUE(updatesOutput(ofOutput(prefix, base))) << prefix.str() << " for " << base.str();
  EXPECT_TRUE(updatesOutput(ofOutput("decoder.", "decoder.")));
  // A vision tower also has such projections.
  EXPECT_TRUE(
      StringRef(apply(ofOutput("vision_tower.encoder.", "model."))).contains("the adapter would change nothing"));
  Written both = ofOutput("model.language_model.", "language_model.model.");
  for (TestTensor &tensor : ofOutput("vision_tower.encoder.", "model.").tensors)
    both.tensors.push_back(std::move(tensor));
  EXPECT_TRUE(updatesOutput(both));
  Written two = ofOutput("model.language_model.", "model.language_model.");
  for (TestTensor &tensor : ofOutput("llm.model.", "model.").tensors)
    two.tensors.push_back(std::move(tensor));
  EXPECT_TRUE(updatesOutput(two));
  two.prefix = "model.";
  EXPECT_TRUE(
      StringRef(apply(two))
          .contains(
              "has layers of latent attention under several names (llm.model.layers, model.language_model.layers)"))
      << apply(two);
}

TEST(AdapterTest, PatternsAreOfTheNamesInTheAdapter) {
  EXPECT_TRUE(updatesOutput(ofOutput("model.language_model.", "model.language_model.")
                                .with(R"("target_modules": "model\\.language_model\\..*\\.o_proj")")));
  EXPECT_TRUE(
      StringRef(
          apply(ofOutput("model.language_model.", "model.language_model.").with(R"("target_modules": ["q_b_proj"])")))
          .contains("no tensors of model.language_model.layers.0.self_attn.q_b_proj, which"));
}

TEST(AdapterTest, HostilePatterns) {
  auto message = [](const std::string &pattern) {
    return apply(ofBoth().with("\"alpha_pattern\": {\"" + pattern + "\": 1}"));
  };
  for (std::string bad : {"(", "(?=a)", R"x((a)\\1)x", "(a{9}){9}", "a\\\\", "[a", "*a", R"([\\d])", "[[:alpha:]]",
                          "a*+", R"(\\bq_proj)"})
    EXPECT_TRUE(StringRef(message(bad)).contains("is an unsupported pattern")) << bad;
  EXPECT_NE(message(std::string(1000, '(')), "");
  EXPECT_NE(message(std::string(2000, 'a')), "");
  EXPECT_EQ(message(std::string(500, '(') + "a" + std::string(500, ')')), "");
  EXPECT_EQ(message("a\\u0000"), "");
  EXPECT_EQ(message("((a*)*)*b|(.*.*.*.*.*.*.*x)+"), "");
  EXPECT_EQ(message(R"(.*?\\.[^.]+_p\\w\\Sj|x)").empty(), false) << "a class that is not read";
  EXPECT_EQ(message(R"(.*?\\.[^.]+_p\\wo[a-z]|x)"), "");
}

TEST(AdapterTest, Directories) {
  TemporaryDirectory directory;
  AttentionConfig config = configOf(golden);
  auto message = [&] { return messageOf(Adapter::open(directory.path, config)); };
  EXPECT_EQ(messageOf(Adapter::open(directory.file("none"), config)),
            directory.file("none") +
                ": no such directory; give one with adapter_config.json and adapter_model.safetensors");
  EXPECT_TRUE(StringRef(message()).contains("adapter_config.json: cannot be read"));
  writeFile(directory.file("adapter_config.json"), ofBoth().config);
  EXPECT_TRUE(StringRef(message()).ends_with(
      "adapter_model.safetensors: no such file; give the directory to which PEFT saved an adapter"));
  writeFile(directory.file("adapter_model.bin"), "pickle");
  EXPECT_TRUE(StringRef(message()).ends_with("save the adapter with safe_serialization=True: adapter_model.bin is not "
                                             "supported"));
  writeFile(directory.file("adapter_model.safetensors"), "12345678901234567890");
  EXPECT_TRUE(StringRef(message()).contains("adapter_model.safetensors: "));
}
