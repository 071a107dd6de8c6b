//===- CheckpointTest.cpp - Files, directories, indices -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"

#include <thread>

using namespace mla;
using namespace mla::importer;
using namespace mla::importer::test;
using llvm::StringRef;

static const char qProj[] = "model.layers.0.self_attn.q_a_proj.weight";
static const char kvProj[] = "model.layers.0.self_attn.kv_b_proj.weight";

static std::unique_ptr<Checkpoint> open(StringRef path) {
  auto checkpoint = openCheckpoint(path);
  if (checkpoint)
    return std::move(*checkpoint);
  ADD_FAILURE() << llvm::toString(checkpoint.takeError());
  return nullptr;
}

static std::vector<std::string> namesOf(const Checkpoint &checkpoint) {
  std::vector<std::string> names;
  checkpoint.forEachName([&](StringRef name) { names.push_back(name.str()); });
  std::sort(names.begin(), names.end());
  return names;
}

TEST(CheckpointTest, File) {
  auto checkpoint = open(modelPath("golden/v3_plain.safetensors"));
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->where(), modelPath("golden/v3_plain.safetensors"));
  EXPECT_EQ(checkpoint->configWhere(), modelPath("golden/v3_plain.safetensors") + " (metadata key config)");
  ASSERT_TRUE(checkpoint->configJson());
  EXPECT_NE(checkpoint->configJson()->find("\"deepseek_v3\""), std::string::npos);
  EXPECT_TRUE(checkpoint->contains(qProj));
  EXPECT_FALSE(checkpoint->contains("model.layers.1.self_attn.q_a_proj.weight"));
  auto tensor = checkpoint->find(qProj);
  ASSERT_TRUE(bool(tensor));
  EXPECT_EQ((*tensor)->dtype, DType::F32);
  EXPECT_EQ((*tensor)->shape, (std::vector<int64_t>{64, 256}));
  EXPECT_EQ((*tensor)->bytes, 64u * 256 * 4);
}

TEST(CheckpointTest, ShardedDirectory) {
  auto checkpoint = open(modelPath("golden/v3_bf16_sharded"));
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->configWhere(), modelPath("golden/v3_bf16_sharded/config.json"));
  EXPECT_EQ(namesOf(*checkpoint).size(), 7u) << "golden.safetensors is not named by the index";
  EXPECT_FALSE(checkpoint->contains("prefill.hidden"));
  for (const char *name : {qProj, kvProj}) {
    auto tensor = checkpoint->find(name);
    ASSERT_TRUE(bool(tensor));
    EXPECT_EQ((*tensor)->dtype, DType::BF16);
    EXPECT_EQ(llvm::cantFail(checkpoint->find(name)), *tensor) << "the same tensor each time";
  }
}

TEST(CheckpointTest, ManyThreads) {
  auto checkpoint = open(modelPath("golden/v3_bf16_sharded"));
  std::vector<std::thread> threads;
  std::vector<const SafetensorsTensor *> found(8);
  for (size_t i = 0; i < found.size(); ++i)
    threads.emplace_back([&, i] { found[i] = llvm::cantFail(checkpoint->find(i % 2 ? qProj : kvProj)); });
  for (std::thread &thread : threads)
    thread.join();
  for (size_t i = 2; i < found.size(); ++i)
    EXPECT_EQ(found[i], found[i % 2]);
}

TEST(CheckpointTest, MissingTensorsNameTheirNeighbours) {
  struct {
    const char *name, *error;
  } cases[] = {
      {"model.layers.7.self_attn.q_a_proj.weight", "missing; under model.layers. it has 0"},
      {"model.layers.0.self_attn.q_proj.weight",
       "missing; under model.layers.0.self_attn. it has kv_a_layernorm, kv_a_proj_with_mqa, kv_b_proj, o_proj, "
       "q_a_layernorm, q_a_proj, … (7)"},
      {"model.layers.0.self_attn.q_a_proj.bias", "missing; under model.layers.0.self_attn.q_a_proj. it has weight"},
      {"transformer.h", "missing; the checkpoint has model"},
      {"", "missing; the checkpoint has model"},
  };
  auto checkpoint = open(modelPath("golden/v3_bf16_sharded"));
  for (const auto &test : cases)
    EXPECT_EQ(messageOf(checkpoint->find(test.name)), modelPath("golden/v3_bf16_sharded") + ": tensor " + test.name +
                                                          ": " + test.error +
                                                          "; give a matching checkpoint, layer and config");
}

TEST(CheckpointTest, AttentionsAreNumbered) {
  TemporaryDirectory directory;
  std::string path = directory.file("two.safetensors");
  writeSafetensors(path, {{"model.layers.3.self_attn.0.o_proj.weight", DType::F32, {2}, {}},
                          {"model.layers.3.self_attn.1.o_proj.weight", DType::F32, {3}, {}},
                          {"model.layers.3.self_attn.2.o_proj.weight", DType::F32, {4}, {}},
                          {"model.layers.3.input_layernorm.0.weight", DType::F32, {5}, {}},
                          {"model.layers.3.mlps.1.up_proj.weight", DType::F32, {6}, {}},
                          {"model.layers.3.mlp.experts.5.up_proj.weight", DType::F32, {7}, {}},
                          {"model.layers.3.mlp.router.classifier.weight", DType::F32, {8}, {}},
                          {"model.layers.3.mlp.router.e_score_correction_bias", DType::F32, {9}, {}}});
  auto checkpoint = numberAttentions(open(path), 2);
  EXPECT_EQ(checkpoint->where(), path);
  EXPECT_EQ(namesOf(*checkpoint),
            (std::vector<std::string>{
                "model.layers.6.checkpoint.self_attn.2.o_proj.weight", "model.layers.6.input_layernorm.weight",
                "model.layers.6.mlp.experts.5.up_proj.weight", "model.layers.6.mlp.gate.e_score_correction_bias",
                "model.layers.6.mlp.gate.weight", "model.layers.6.self_attn.o_proj.weight",
                "model.layers.7.mlp.up_proj.weight", "model.layers.7.self_attn.o_proj.weight"}));
  EXPECT_TRUE(checkpoint->contains("model.layers.6.self_attn.o_proj.weight"));
  EXPECT_FALSE(checkpoint->contains("model.layers.3.self_attn.o_proj.weight"));
  EXPECT_EQ(llvm::cantFail(checkpoint->find("model.layers.7.self_attn.o_proj.weight"))->shape[0], 3);
  EXPECT_EQ(llvm::cantFail(checkpoint->find("model.layers.7.mlp.up_proj.weight"))->shape[0], 6);
  EXPECT_EQ(llvm::cantFail(checkpoint->find("model.layers.6.mlp.gate.weight"))->shape[0], 8);
  EXPECT_FALSE(checkpoint->contains("model.layers.7.mlp.gate.weight"));
  EXPECT_EQ(messageOf(checkpoint->find("model.layers.7.self_attn.q_proj.weight")),
            path +
                ": tensor model.layers.3.self_attn.1.q_proj.weight: missing; under model.layers.3.self_attn.1. it has "
                "o_proj; give a matching checkpoint, layer and config");
}

static std::unique_ptr<Checkpoint> openWith(const TemporaryDirectory &directory, std::vector<std::string> names) {
  std::vector<TestTensor> tensors;
  for (const std::string &name : names)
    tensors.push_back({name, DType::F32, {2}, {}});
  writeSafetensors(directory.file("a.safetensors"), tensors);
  return open(directory.file("a.safetensors"));
}

TEST(CheckpointTest, LayersOfAWrappedModelHaveTheUsualNames) {
  for (const std::string prefix : {"language_model.model.", "model.language_model.", "language.model.", ""}) {
    SCOPED_TRACE(prefix);
    TemporaryDirectory directory;
    auto checkpoint = llvm::cantFail(nameLayersAsUsual(openWith(
        directory, {prefix + "layers.3.self_attn.kv_b_proj.weight", prefix + "layers.3.self_attn.o_proj.weight",
                    "vision_tower.layers.3.self_attn.q_proj.weight"})));
    EXPECT_EQ(namesOf(*checkpoint), (std::vector<std::string>{"model.layers.3.self_attn.kv_b_proj.weight",
                                                              "model.layers.3.self_attn.o_proj.weight",
                                                              "vision_tower.layers.3.self_attn.q_proj.weight"}));
    EXPECT_TRUE(checkpoint->contains("model.layers.3.self_attn.o_proj.weight"));
    EXPECT_EQ(llvm::cantFail(checkpoint->find("model.layers.3.self_attn.o_proj.weight"))->shape[0], 2);
    EXPECT_NE(messageOf(checkpoint->find("model.layers.4.self_attn.o_proj.weight"))
                  .find("tensor " + prefix + "layers.4.self_attn.o_proj.weight: missing"),
              std::string::npos);
  }
}

TEST(CheckpointTest, EndsOfAWrappedModelHaveTheUsualNames) {
  const std::vector<std::string> usual = {"lm_head.weight", "model.embed_tokens.weight",
                                          "model.layers.3.self_attn.kv_b_proj.weight", "model.norm.weight"};
  for (auto [prefix, head] : {std::pair<std::string, std::string>{"language_model.model.", "language_model.lm_head."},
                              {"language.model.", "language.lm_head."},
                              {"model.language_model.", "lm_head."},
                              {"", "lm_head."}}) {
    SCOPED_TRACE(prefix);
    TemporaryDirectory directory;
    auto checkpoint = llvm::cantFail(nameLayersAsUsual(
        openWith(directory, {prefix + "layers.3.self_attn.kv_b_proj.weight", prefix + "embed_tokens.weight",
                             prefix + "norm.weight", head + "weight", "model.visual.patch.weight"})));
    EXPECT_EQ(namesOf(*checkpoint), usual);
    for (const std::string &name : usual)
      EXPECT_TRUE(checkpoint->contains(name)) << name;
    EXPECT_FALSE(checkpoint->contains("model.visual.patch.weight"));
  }
}

TEST(CheckpointTest, PrefixesOfSeveralAttentionsALayer) {
  TemporaryDirectory directory;
  auto checkpoint = numberAttentions(
      llvm::cantFail(nameLayersAsUsual(openWith(directory, {"a.layers.3.self_attn.1.kv_b_proj.weight"}))), 2);
  EXPECT_TRUE(checkpoint->contains("model.layers.7.self_attn.kv_b_proj.weight"));
}

TEST(CheckpointTest, TheUsualPrefixWinsAndOthersMustBeOne) {
  TemporaryDirectory directory;
  auto usual = llvm::cantFail(nameLayersAsUsual(
      openWith(directory, {"model.layers.0.self_attn.kv_b_proj.weight", "draft.layers.0.self_attn.kv_b_proj.weight"})));
  EXPECT_TRUE(usual->contains("model.layers.0.self_attn.kv_b_proj.weight"));
  EXPECT_TRUE(usual->contains("draft.layers.0.self_attn.kv_b_proj.weight"));
  EXPECT_EQ(messageOf(nameLayersAsUsual(openWith(
                directory, {"a.layers.0.self_attn.kv_b_proj.weight", "b.layers.0.self_attn.kv_b_proj.weight"}))),
            directory.file("a.safetensors") + ": has layers of latent attention under several names (a.layers, "
                                              "b.layers); give a checkpoint of one model");
}

static const char lfsPointer[] = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4302350736\n";

TEST(CheckpointTest, PointersOfGitLfs) {
  const std::string says =
      ": is a pointer of Git LFS and not the file that it stands for; fetch the file (git lfs pull)";
  TemporaryDirectory directory;
  std::string index = directory.file("model.safetensors.index.json");
  writeFile(index, lfsPointer);
  EXPECT_EQ(messageOf(openCheckpoint(directory.path)), index + says);
  writeFile(index, R"({"weight_map": {"a": "1.safetensors"}})");
  writeFile(directory.file("1.safetensors"), lfsPointer);
  EXPECT_EQ(messageOf(open(directory.path)->find("a")), directory.file("1.safetensors") + says);
  EXPECT_EQ(messageOf(parseConfig(lfsPointer, "config.json")), "config.json" + says);
}

TEST(CheckpointTest, EmptyFile) {
  TemporaryDirectory directory;
  writeSafetensors(directory.file("a.safetensors"), {});
  auto checkpoint = open(directory.file("a.safetensors"));
  EXPECT_FALSE(checkpoint->configJson());
  EXPECT_EQ(messageOf(checkpoint->find("a.b")),
            directory.file("a.safetensors") +
                ": tensor a.b: missing, and the checkpoint has no tensors; give another checkpoint");
}

TEST(CheckpointTest, DirectoryWithOneFile) {
  TemporaryDirectory directory;
  writeSafetensors(directory.file("any.safetensors"), {{"a", DType::F32, {2}, {}}}, {{"config", "inner"}});
  auto checkpoint = open(directory.path);
  EXPECT_TRUE(checkpoint->contains("a"));
  EXPECT_EQ(checkpoint->configJson(), "inner");
  writeFile(directory.file("config.json"), "outer");
  EXPECT_EQ(open(directory.path)->configJson(), "outer") << "config.json wins over the metadata";
  // Of several files, read the one that transformers reads.
  writeSafetensors(directory.file("model.safetensors"), {{"b", DType::F32, {2}, {}}});
  EXPECT_TRUE(open(directory.path)->contains("b"));
}

TEST(CheckpointTest, DirectoriesRefused) {
  TemporaryDirectory directory;
  EXPECT_EQ(messageOf(openCheckpoint(directory.path)),
            directory.path + ": has neither model.safetensors.index.json nor a .safetensors file; give the "
                             "checkpoint's directory");
  writeSafetensors(directory.file("a.safetensors"), {});
  writeSafetensors(directory.file("b.safetensors"), {});
  EXPECT_EQ(messageOf(openCheckpoint(directory.path)),
            directory.path + ": has several .safetensors files (a.safetensors, b.safetensors) but no "
                             "model.safetensors.index.json; give one of the files, or add the index");
  llvm::cantFail(llvm::errorCodeToError(llvm::sys::fs::create_directory(directory.file("config.json"))));
  llvm::cantFail(llvm::errorCodeToError(llvm::sys::fs::remove(directory.file("b.safetensors"))));
  EXPECT_EQ(messageOf(openCheckpoint(directory.path)),
            directory.file("config.json") + ": is not a regular file; give the path of a file");
}

TEST(CheckpointTest, PathsRefused) {
  EXPECT_EQ(messageOf(openCheckpoint("/nowhere/a.safetensors")),
            "/nowhere/a.safetensors: cannot open: No such file or directory; check the path and the permissions");
  std::string index = modelPath("golden/v3_bf16_sharded/model.safetensors.index.json");
  EXPECT_EQ(messageOf(openCheckpoint(index)),
            index + ": is not a checkpoint but a JSON file; give the directory that holds it");
}

//===----------------------------------------------------------------------===//
// Wrong indices
//===----------------------------------------------------------------------===//

TEST(CheckpointIndexTest, BadIndices) {
  struct {
    const char *text, *error;
  } cases[] = {
      {"", ": not valid JSON: [1:0, byte=0]: Unexpected EOF; correct the file"},
      {"{}", ": weight_map: missing or not an object; fetch the index again"},
      {"{\"weight_map\": []}", ": weight_map: missing or not an object; fetch the index again"},
      {"{\"weight_map\": {\"a\": 5}}",
       ": weight_map: a: 5 is not the name of a file in the same directory; fetch the index again"},
      {"{\"weight_map\": {\"a\": \"../x.safetensors\"}}",
       ": weight_map: a: \"../x.safetensors\" is not the name of a file in the same directory; fetch the index again"},
      {"{\"weight_map\": {\"a\": \"/etc/passwd\"}}",
       ": weight_map: a: \"/etc/passwd\" is not the name of a file in the same directory; fetch the index again"},
      {"{\"weight_map\": {\"a\": \"..\"}}",
       ": weight_map: a: \"..\" is not the name of a file in the same directory; fetch the index again"},
      {"{\"weight_map\": {\"a\": \"\"}}",
       ": weight_map: a: \"\" is not the name of a file in the same directory; fetch the index again"},
      {"{\"weight_map\": {\"a\": \"x\\u0000y\"}}",
       ": weight_map: a: \"x\\u0000y\" is not the name of a file in the same directory; fetch the index again"},
  };
  TemporaryDirectory directory;
  std::string index = directory.file("model.safetensors.index.json");
  for (const auto &test : cases) {
    writeFile(index, test.text);
    EXPECT_EQ(messageOf(openCheckpoint(directory.path)), index + test.error);
  }
}

TEST(CheckpointIndexTest, ShardsThatLack) {
  TemporaryDirectory directory;
  writeFile(directory.file("model.safetensors.index.json"),
            R"({"weight_map": {"a": "1.safetensors", "b": "1.safetensors", "c": "2.safetensors",
                               "d": "3.safetensors"}})");
  writeSafetensors(directory.file("1.safetensors"), {{"a", DType::F32, {2}, {}}});
  writeFile(directory.file("3.safetensors"), "short");
  // Shards are opened on demand, so damaged ones do not affect others.
  auto checkpoint = open(directory.path);
  ASSERT_TRUE(checkpoint);
  EXPECT_FALSE(checkpoint->configJson());
  EXPECT_EQ(messageOf(checkpoint->find("a")), "");
  EXPECT_TRUE(checkpoint->contains("b"));
  EXPECT_EQ(messageOf(checkpoint->find("b")), directory.file("1.safetensors") +
                                                  ": tensor b: missing, though model.safetensors.index.json lists it "
                                                  "here; fetch the checkpoint again");
  EXPECT_EQ(messageOf(checkpoint->find("c")),
            directory.file("2.safetensors") +
                ": no such file, though model.safetensors.index.json names it; fetch the checkpoint again");
  EXPECT_EQ(messageOf(checkpoint->find("d")),
            directory.file("3.safetensors") + ": has 5 bytes, too few for a safetensors file; fetch or write it again");
}
