//===- MlaRunTest.cpp - The tool ------------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "Float.h"
#include "Json.h"

#include "mla/safetensors.h"

#include <cmath>
#include <limits>

using namespace mla;

namespace {
/// A golden file of the test code's function, layer 3: out is 2 times the running sum of the first elements.
class MlaRun : public ::testing::Test {
protected:
  void SetUp() override { writeBundle(bundle()); }
  std::string bundle() const { return directory.path; }
  std::string golden() const { return directory / "golden.safetensors"; }

  struct Tensor {
    std::string name;
    std::vector<int64_t> shape;
    std::vector<float> values;
    DType dtype = DType::F32;
  };
  void write(const std::vector<Tensor> &tensors, const SafetensorsMetadata &metadata = {}) {
    std::vector<SafetensorsSpec> specs;
    for (const Tensor &tensor : tensors)
      specs.push_back({tensor.name, tensor.dtype, tensor.shape});
    auto writer = SafetensorsWriter::create(golden(), specs, metadata);
    ASSERT_TRUE(writer) << writer.error().message();
    for (const Tensor &tensor : tensors) {
      std::string bytes = encode(tensor);
      ASSERT_FALSE(writer->write(tensor.name, 0, bytes.data(), bytes.size()));
    }
    ASSERT_FALSE(writer->finish());
  }
  static std::string encode(const Tensor &tensor) {
    std::string bytes;
    for (float value : tensor.values) {
      int32_t whole = std::isfinite(value) ? static_cast<int32_t>(value) : 0;
      uint16_t narrow = roundToBF16(value);
      if (tensor.dtype == DType::BF16)
        bytes.append(reinterpret_cast<char *>(&narrow), 2);
      else
        bytes.append(reinterpret_cast<char *>(tensor.dtype == DType::I32 ? static_cast<void *>(&whole) : &value), 4);
    }
    return bytes;
  }
  /// Returns rows of a [batch, tokens, 3] tensor with one value per token.
  static Tensor wide(const std::string &name, int64_t batch, const std::vector<float> &values, bool all) {
    Tensor tensor{name, {batch, static_cast<int64_t>(values.size()) / batch, 3}, {}};
    for (float value : values)
      for (int j = 0; j < 3; ++j)
        tensor.values.push_back(j == 0 || all ? value : 0);
    return tensor;
  }
  std::vector<Tensor> goodTensors() {
    return {wide("prefill.hidden", 2, {1, 2, 3, 4, 5, 1, 1, 1, 1, 1}, false),
            wide("prefill.out", 2, {2, 6, 12, 20, 30, 2, 4, 6, 8, 10}, true),
            wide("decode.0.hidden", 2, {1, -1}, false),
            wide("decode.0.out", 2, {32, 8}, true),
            wide("decode.1.hidden", 2, {1, 2}, false),
            wide("decode.1.out", 2, {34, 12}, true)};
  }
  void expectFailure(const std::string &arguments, const std::string &says, int status = 1) {
    Outcome outcome = runTool(arguments);
    EXPECT_EQ(outcome.status, status) << outcome.output;
    EXPECT_NE(outcome.output.find("error: "), std::string::npos) << outcome.output;
    EXPECT_NE(outcome.output.find(says), std::string::npos) << outcome.output;
  }
  void expectCheckFailure(const std::string &says) { expectFailure(bundle() + " --check=" + golden(), says); }

  TempDir directory;
};
} // namespace

TEST_F(MlaRun, ChecksAGoldenFile) {
  write(goodTensors());
  Outcome outcome = runTool(bundle() + " --check=" + golden());
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_NE(outcome.output.find("prefill.out     relative L2 error 0.0e+00  (tolerance 1.0e-04)  ok\n"),
            std::string::npos)
      << outcome.output;
  EXPECT_NE(outcome.output.find("decode.1.out    relative"), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find("passed: 3 of 3 tensors"), std::string::npos) << outcome.output;
}

TEST_F(MlaRun, FailsOnOneWrongElement) {
  std::vector<Tensor> tensors = goodTensors();
  tensors[3].values[4] += 0.01f;
  write(tensors);
  Outcome outcome = runTool(bundle() + " --check=" + golden());
  EXPECT_EQ(outcome.status, 1);
  // sqrt(3*32^2 + 3*8^2) = 57.1
  EXPECT_NE(outcome.output.find("decode.0.out    relative L2 error 1.8e-04  (tolerance 1.0e-04)  FAILED"),
            std::string::npos)
      << outcome.output;
  EXPECT_NE(outcome.output.find("FAILED: 2 of 3 tensors"), std::string::npos) << outcome.output;
  EXPECT_EQ(runTool(bundle() + " --tolerance=1e-3 --check=" + golden()).status, 0);
}

TEST_F(MlaRun, FailsOnNaNAndOnWhatIsNotWritten) {
  std::vector<Tensor> tensors = goodTensors();
  tensors[1].values[0] = std::numeric_limits<float>::quiet_NaN();
  write(tensors);
  EXPECT_EQ(runTool(bundle() + " --tolerance=1e30 --check=" + golden()).status, 1);
  write(goodTensors());
  writeBundle(bundle(), replaced(smallManifest(), "\"sum_f32\"", "\"nothing_f32\""));
  Outcome outcome = runTool(bundle() + " --tolerance=1e30 --check=" + golden());
  EXPECT_EQ(outcome.status, 1) << outcome.output;
  EXPECT_NE(outcome.output.find("decode.0.out    relative L2 error nan"), std::string::npos) << outcome.output;
}

TEST_F(MlaRun, ChecksRaggedRows) {
  std::vector<Tensor> tensors = goodTensors();
  tensors.push_back({"prefill.lengths", {2}, {3, 5}, DType::I32});
  tensors.push_back({"decode.0.lengths", {2}, {1, 0}, DType::I32});
  tensors[3] = wide("decode.0.out", 2, {14, 99}, true); // what is padding is not compared
  tensors[5] = wide("decode.1.out", 2, {16, 14}, true);
  write(tensors);
  Outcome outcome = runTool(bundle() + " --check=" + golden());
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  tensors.back().values = {1, 2};
  write(tensors);
  expectCheckFailure("tensor 'decode.0.lengths' has 2 for row 1");
  tensors.back().values = {0, 0};
  write(tensors);
  expectCheckFailure("has no token to run");
}

TEST_F(MlaRun, RoundsForABf16Bundle) {
  std::string manifest = replaced(smallManifest(), "\"dtype\": \"f32\", \"page\"", "\"dtype\": \"bf16\", \"page\"");
  for (int i = 0; i < 2; ++i)
    manifest = replaced(manifest, "\"sum_f32\"", "\"sum_bf16\"");
  writeBundle(bundle(), manifest);
  std::vector<Tensor> tensors = goodTensors();
  tensors[0].values[0] = 1.001f; // rounds to 1
  tensors[1].dtype = DType::BF16;
  write(tensors);
  Outcome outcome = runTool(bundle() + " --tolerance=0 --check=" + golden());
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_NE(runTool(bundle() + " --check=" + golden()).output.find("(tolerance 2.0e-02)"), std::string::npos);
}

TEST_F(MlaRun, RefusesFilesThatDoNotFit) {
  write({wide("other", 1, {1}, true)});
  expectCheckFailure("has no prefill.hidden");
  write({wide("prefill.hidden", 1, {1}, true)});
  expectCheckFailure("tensor 'prefill.out' is missing");
  write({wide("decode.0.out", 1, {1}, true)});
  expectCheckFailure("tensor 'decode.0.hidden' is missing");
  write({wide("decode.2.hidden", 1, {1}, true), wide("decode.2.out", 1, {1}, true)});
  expectCheckFailure("tensor 'decode.0.hidden' is missing, though decode.2");
  write({{"prefill.hidden", {1, 1, 2}, {1, 1}}, {"prefill.out", {1, 1, 2}, {1, 1}}});
  expectCheckFailure("has hidden_size 2, the bundle has 3");
  write({{"prefill.hidden", {1, 3}, {1, 1, 1}}, {"prefill.out", {1, 3}, {1, 1, 1}}});
  expectCheckFailure("has shape [1, 3]");
  write({{"prefill.hidden", {1, 1, 3}, {1, 1, 1}, DType::I32}, {"prefill.out", {1, 1, 3}, {1, 1, 1}}});
  expectCheckFailure("has dtype I32");
  write({wide("prefill.hidden", 1, {1, 1}, true), wide("prefill.out", 1, {1}, true)});
  expectCheckFailure("has shape [1, 1, 3], but 'prefill.hidden' has [1, 2, 3]");
  std::vector<Tensor> tensors = goodTensors();
  tensors[2] = wide("decode.0.hidden", 1, {1}, true);
  tensors[3] = wide("decode.0.out", 1, {1}, true);
  write(tensors);
  expectCheckFailure("has batch 1, the first step has 2");
  writeFile(golden(), "not a safetensors file");
  expectCheckFailure("not a safetensors file, or damaged");
  expectFailure(bundle() + " --check=/nonexistent", "/nonexistent: cannot open");
}

TEST_F(MlaRun, ComparesTheConfiguration) {
  auto withConfig = [&](const std::string &config) { write(goodTensors(), {{"config", config}}); };
  withConfig(R"({"model_type": "deepseek_v3", "hidden_size": 3, "q_lora_rank": null, "rms_norm_eps": 1e-5, "x": []})");
  EXPECT_EQ(runTool(bundle() + " --check=" + golden()).status, 0);
  const char *const bad[][2] = {
      {R"({"model_type": "deepseek_v2"})", "field 'model_type' is 'deepseek_v2', the bundle has 'deepseek_v3'"},
      {R"({"hidden_size": 4})", "field 'hidden_size' is 4, the bundle has 3"},
      {R"({"num_attention_heads": 16})", "field 'num_attention_heads' is 16, the bundle has 8"},
      {R"({"kv_lora_rank": 512})", "field 'kv_lora_rank' is 512, the bundle has 2"},
      {R"({"qk_nope_head_dim": 1})", "field 'qk_nope_head_dim' is 1, the bundle has 16"},
      {R"({"qk_rope_head_dim": 1})", "field 'qk_rope_head_dim' is 1, the bundle has 2"},
      {R"({"v_head_dim": 1})", "field 'v_head_dim' is 1, the bundle has 16"},
      {R"({"q_lora_rank": 64})", "field 'q_lora_rank' is 64, the bundle has 0"},
      {R"({"q_lora_rank": "64"})", "field 'q_lora_rank' must be an integer, is a string"},
      {R"([])", "metadata 'config': is not a JSON object"},
      {R"({)", "metadata 'config': is not a JSON object"},
  };
  for (const auto &[config, says] : bad) {
    withConfig(config);
    expectCheckFailure(says);
  }
}

TEST_F(MlaRun, Measures) {
  Outcome text = runTool(bundle() + " --bench --batch=2 --context=5 --steps=3", "MLA_NUM_THREADS=2");
  EXPECT_EQ(text.status, 0) << text.output;
  EXPECT_NE(text.output.find("batch 2, context 5, 1 tokens a sequence, 2 layers, 2 threads, 3 steps"),
            std::string::npos)
      << text.output;
  Outcome outcome =
      runTool(bundle() + " --bench --json --batch=2 --context=5 --steps=3 --layer=5", "MLA_NUM_THREADS=2");
  Result<json::Value> result = json::parse(outcome.output);
  ASSERT_TRUE(result) << outcome.output;
  EXPECT_EQ(result->find("threads")->integer, 2);
  EXPECT_EQ(result->find("layers")->integer, 1);
  EXPECT_EQ(result->find("phase")->text, "decode");
  EXPECT_EQ(result->find("bytes")->integer, 4 + 2 * 6 * 4 * 4);
  EXPECT_GT(result->find("median_seconds")->number, 0);
  EXPECT_LE(result->find("min_seconds")->number, result->find("median_seconds")->number);
  outcome = runTool(bundle() + " --bench --json --phase=prefill --tokens=9 --steps=2");
  result = json::parse(outcome.output);
  ASSERT_TRUE(result) << outcome.output;
  EXPECT_EQ(result->find("phase")->text, "prefill");
  EXPECT_EQ(result->find("tokens")->integer, 9);
  EXPECT_EQ(result->find("context")->integer, 0);
}

TEST_F(MlaRun, SaysWhatABundleHolds) {
  writeBundle(bundle(), replaced(smallManifest(), "\"isa\": \"", "\"isa\": \"z80-"));
  Outcome outcome = runTool(bundle() + " --info");
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_NE(outcome.output.find("deepseek_v3"), std::string::npos);
  EXPECT_NE(outcome.output.find("a plan"), std::string::npos);
  Result<json::Value> facts = json::parse(runTool(bundle() + " --info --json").output);
  ASSERT_TRUE(facts) << facts.error().message();
  EXPECT_EQ(facts->find("model")->find("model_type")->text, "deepseek_v3");
  EXPECT_EQ(facts->find("plan")->text, "a plan");
  EXPECT_TRUE(facts->find("source")->find("weights")->is(json::Value::Kind::Null));
  expectFailure(bundle() + " --bench", "needs a processor with 'z80-");
}

TEST_F(MlaRun, RefusesToCheckItselfAgainstNothing) {
  expectFailure(bundle() + " --self-check", "does not say its model's config; give it with --config or --weights");
  auto describe = [&](const std::string &source) {
    writeBundle(bundle(), replaced(smallManifest(), "\"files\"", "\"source\": " + source + ", \"files\""));
  };
  describe(R"({"config": {"rope_scaling": {"type": "longrope"}}})");
  expectFailure(bundle() + " --self-check", "rope type 'longrope' is not known to --self-check");
  describe(R"({"config": {}})");
  expectFailure(bundle() + " --self-check", "of its weights, layers.3.w, layers.5.w, no reference can be made");
  describe(R"([])");
  expectFailure(bundle() + " --info", "field 'source' must be an object, is an array");
  describe(R"({"weights": 3})");
  expectFailure(bundle() + " --info", "field 'source.weights' must be a string, is an integer");
}

TEST_F(MlaRun, RefusesCertificatesThatCertifyNothing) {
  auto certify = [&](const std::string &certificates) {
    std::string field = "\"certificates\": [" + certificates + "], \"files\"";
    writeBundle(bundle(), replaced(smallManifest(), "\"files\"", field));
  };
  std::string elements = R"({"layer": 3, "weight": "w", "check": "elements", "max_rounding": 0, "rms_rounding": 0})";
  std::string product = R"({"layer": 5, "weight": "w", "check": "probes", "depth": 2, "probes": 2, "ratio": 0.5,
                            "max_rounding": 0, "rms_rounding": 0})";
  certify(elements + ", " + product);
  EXPECT_EQ(runTool(bundle() + " --certificate").status, 0) << runTool(bundle() + " --certificate").output;
  const char *const bad[][3] = {
      {"\"ratio\": 0.5", "\"ration\": 0.5", "field 'certificates[1].ratio' is missing"},
      {"\"ratio\": 0.5", "\"ratio\": 1.5", "the certificate of w exceeds its bound"},
      {"\"probes\": 2", "\"probes\": 1", "the certificate of w exceeds its bound"},
      {"\"probes\",", "\"looks\",", "field 'certificates[1].check' must be one of elements, probes, is 'looks'"},
      {"\"layer\": 5", "\"layer\": 1e300", "field 'certificates[1].layer' must be an integer, is a number"},
      {"\"layer\": 5", "\"layer\": 3", "tensor layers.5.w has no certificate"},
      {"{\"layer\": 5", "5, {\"layer\": 5", "field 'certificates[1]' must be an object, is an integer"},
  };
  for (const auto &[from, to, says] : bad) {
    certify(elements + ", " + replaced(product, from, to));
    expectFailure(bundle() + " --certificate", says);
  }
}

TEST_F(MlaRun, RefusesWrongUsage) {
  EXPECT_EQ(runTool("--help").status, 0);
  EXPECT_NE(runTool("--help").output.find("Examples:"), std::string::npos);
  EXPECT_EQ(runTool("--version").status, 0);
  expectFailure("", "no BUNDLE given", 2);
  expectFailure(
      bundle(),
      "give one of --check=FILE, --self-check, --generate, --bench, --profile, --tune, --info and --certificate", 2);
  expectFailure(bundle() + " " + bundle() + " --info", "more than one BUNDLE", 2);
  expectFailure(bundle() + " --info --bench", "give one of", 2);
  expectFailure(bundle() + " --frobnicate", "unknown or ambiguous option", 2);
  expectFailure(bundle() + " --check", "no value for option --check", 2);
  expectFailure(bundle() + " --bench --batch=0", "--batch must be an integer from 1", 2);
  expectFailure(bundle() + " --bench --batch=2x", "--batch must be an integer", 2);
  expectFailure(bundle() + " --bench --context=99999999999999999999", "--context must be", 2);
  expectFailure(bundle() + " --bench --phase=both", "--phase must be decode or prefill", 2);
  expectFailure(bundle() + " --bench --tokens=3", "--tokens requires --phase=prefill", 2);
  expectFailure(bundle() + " --bench --tolerance=1", "--tolerance requires --check or --self-check", 2);
  expectFailure(bundle() + " --check=x --seed=1", "--seed requires --self-check", 2);
  expectFailure(bundle() + " --self-check --seed=-1", "--seed must be an integer from 0", 2);
  expectFailure(bundle() + " --check=x --json", "--json requires --generate, --bench, --profile or --info", 2);
  expectFailure(bundle() + " --generate", "--generate requires --prompt", 2);
  expectFailure(bundle() + " --generate --prompt=", "--prompt is empty", 2);
  expectFailure(bundle() + " --generate --prompt=1 --max-new-tokens=0", "--max-new-tokens must be an integer from 1",
                2);
  expectFailure(bundle() + " --info --prompt=1", "--prompt requires --generate", 2);
  expectFailure(bundle() + " --generate --prompt=1", "is of layers, but --generate needs a whole model", 1);
  expectFailure(bundle() + " --check=x --tolerance=nan", "--tolerance must be a number", 2);
  expectFailure(bundle() + " --bench --layer=4", "has no layer 4, only 3, 5");
  expectFailure("/nonexistent --info", "/nonexistent/manifest.json: cannot open");
  EXPECT_EQ(runTool(bundle() + " --info > /dev/full").status, 1);
  Outcome outcome = runTool(bundle() + " --bench", "MLA_NUM_THREADS=many");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.output.find("error: MLA_NUM_THREADS: expected an integer from 1 to 1024, got 'many'"),
            std::string::npos)
      << outcome.output;
}
