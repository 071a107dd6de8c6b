//===- MlaRunGpuTest.cpp - The tool on a GPU ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuTestSupport.h"

#include "Float.h"

#include "mla/safetensors.h"

using namespace mla;

namespace {
/// The tool in a separate process, with a fake GPU.
class MlaRunGpu : public ::testing::Test {
protected:
  void SetUp() override { writeGpuBundle(directory.path); }

  Outcome run(const std::string &arguments, const std::string &environment = "") {
    return runTool(directory.path + " " + arguments, environment);
  }
  void expectOutput(const Outcome &outcome, int status, const std::string &says) {
    EXPECT_EQ(outcome.status, status) << outcome.output;
    EXPECT_NE(outcome.output.find(says), std::string::npos) << outcome.output;
  }

  /// A golden file of one row: a prefill of 3 tokens and a decode with the last result `last`.
  std::string writeGolden(float last) {
    const std::pair<const char *, std::vector<float>> tensors[] = {
        {"prefill.hidden", {1, 2, 3}}, {"prefill.out", {2, 6, 12}}, {"decode.0.hidden", {4}}, {"decode.0.out", {last}}};
    std::vector<SafetensorsSpec> specs;
    for (const auto &[name, values] : tensors)
      specs.push_back({name, DType::F32, {1, static_cast<int64_t>(values.size()), 8}});
    auto writer = SafetensorsWriter::create(directory / "golden.safetensors", specs);
    EXPECT_TRUE(writer);
    for (const auto &[name, values] : tensors) {
      std::vector<float> rows;
      for (float value : values)
        rows.insert(rows.end(), 8, value);
      EXPECT_FALSE(writer->write(name, 0, rows.data(), rows.size() * 4));
    }
    EXPECT_FALSE(writer->finish());
    return directory / "golden.safetensors";
  }

  TempDir directory;
};
} // namespace

TEST_F(MlaRunGpu, ChecksAGoldenFile) {
  expectOutput(run("--check=" + writeGolden(20)), 0, "passed: 2 of 2 tensors");
  Outcome outcome = run("--check=" + writeGolden(21));
  expectOutput(outcome, 1, "FAILED: 1 of 2 tensors");
  EXPECT_NE(outcome.output.find("decode.0.out    relative L2 error 4.8e-02"), std::string::npos) << outcome.output;
}

TEST_F(MlaRunGpu, WhatIsNotWrittenIsNaN) {
  std::string manifest = replaced(gpuManifest(), "{\"kernel\": \"sum_bf16\", \"grid\": [\"batch\"",
                                  "{\"kernel\": \"sum_bf16\", \"grid\": [0");
  writeGpuBundle(directory.path, manifest);
  expectOutput(run("--tolerance=1e30 --check=" + writeGolden(20)), 1, "decode.0.out    relative L2 error nan");
}

TEST_F(MlaRunGpu, Measures) {
  expectOutput(run("--bench --steps=2 --batch=3 --context=20"), 0, "2 layers, Fake GPU, 2 steps");
  expectOutput(run("--bench --steps=2 --context=20 --json"), 0, "\"device\": \"Fake GPU\", \"code_seconds\": ");
  expectOutput(run("--bench --steps=1 --phase=prefill --tokens=30"), 0, "prefill, q=naive");
  expectOutput(run("--info"), 0, "target    h100, sm_90a, bf16");
}

TEST_F(MlaRunGpu, TimesKernels) {
  // Two layers of two kernels each, of 1, 2, 3 and 4 µs, twice.
  Outcome outcome = run("--bench --steps=2 --batch=3 --context=20");
  expectOutput(outcome, 0, "kernel    launches  grid                 median us   share\n");
  expectOutput(outcome, 0, "stage            1  1 x 132 x 1               2.00   40.0%\n");
  expectOutput(outcome, 0, "sum_bf16         1  3 x 1 x 1                 3.00   60.0%\n");
  expectOutput(outcome, 0, "one after the other, 5.00 us a layer-step\n");
  expectOutput(
      run("--bench --steps=2 --batch=3 --context=20 --json"), 0,
      R"("kernels": [{"kernel": "stage", "launches": 1, "grid": [1, 132, 1], "median_seconds": 0.000002000}, )");
  outcome = run("--bench --steps=2 --context=20", "FAKE_CUDA_CLOCKLESS=1");
  expectOutput(outcome, 0, "no times: the device is emulated and has no clock");
}

TEST_F(MlaRunGpu, AsksTheDriverAboutKernels) {
  expectOutput(run("--info"), 0, "  stage           256    230848     101        104    103\n");
  expectOutput(
      run("--info --json"), 0,
      R"({"name": "stage", "threads": 256, "dynamic_shared": 230848, "static_shared": 101, "registers": 104, )");
  // The weights are not needed.
  expectOutput(run("--info", "FAKE_CUDA_MAJOR=8"), 0, "note: the kernels were not loaded: ");
  expectOutput(run("--info", "FAKE_CUDA_MAJOR=8"), 0, "  stage           256    230848       -          -      -\n");
}

TEST_F(MlaRunGpu, WithoutADeviceTellsSo) {
  std::string none = "MLA_LIBCUDA=/nonexistent/libcuda.so";
  expectOutput(run("--bench", none), 1, "error: " + directory.path + ": no NVIDIA driver: /nonexistent/libcuda.so");
  expectOutput(run("--check=" + writeGolden(20), none), 1, "use a bundle of --target=cpu");
  expectOutput(run("--info", none), 0, "target    h100");
  expectOutput(run("--bench", "FAKE_CUDA_DEVICES=0"), 1, "CUDA_ERROR_NO_DEVICE");
  expectOutput(run("--bench", "FAKE_CUDA_MAJOR=8"), 1, "the device 'Fake GPU' is sm_80");
  expectOutput(run("--bench", "FAKE_CUDA_SHARED_BASE=0"), 1, "shared memory starts at 0");
  expectOutput(run("--bench", "MLA_LIBCUDA=" MLA_TEST_OLD_LIBCUDA), 1, "the NVIDIA driver is too old");
}
