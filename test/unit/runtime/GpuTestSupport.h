//===- GpuTestSupport.h - Bundles for the fake GPU --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_GPUTESTSUPPORT_H
#define MLA_TEST_GPUTESTSUPPORT_H

#include "FakeCuda.h"
#include "TestSupport.h"

/// The manifest of a small bundle for the GPU: layers 3 and 5, pages of 4 tokens, hidden states of 8 elements, rows of
/// 24, 8 heads. Decode launches "stage" (maps of hidden and of a scratch buffer), then sum_bf16; prefill sum_bf16.
std::string gpuManifest();
std::string gpuManifestWithoutCores();
/// The same with a cache of fp8_tensor, and the core row_check.
std::string packedGpuManifest();
/// The manifest of a model of those layers, with a vocabulary of 10 tokens and the core next. The embedding of a token
/// is twice its number; logits are largest at the number that a hidden state is.
std::string gpuModelManifest();
/// Returns the kernels that they name, and mla_probe.
std::string gpuModule();
/// Returns them as assembled kernels: an ELF file of one section, its names, with that text in them.
std::string gpuCubin(const std::string &module = gpuModule());
/// Writes a bundle like writeBundle, with kernels.ptx.
void writeGpuBundle(const std::string &directory, const std::string &manifest = gpuManifest(),
                    const std::string &module = gpuModule());

/// An open bundle on the fake GPU. At the end there must be no allocation left and no error.
class GpuTest : public RuntimeTest {
protected:
  void SetUp() override;
  void TearDown() override;
  void openGpu(int64_t pages = 0, const std::string &manifest = gpuManifest());
  /// Returns the launches since the last call, without mla_probe.
  std::vector<FakeLaunch> launches();

  FakeCuda &cuda = fakeCuda();
  size_t seen = 0;
};

/// Device memory of that many bytes, all 0.
class DeviceMemoryOfTest {
public:
  explicit DeviceMemoryOfTest(uint64_t bytes);
  ~DeviceMemoryOfTest();
  char *data = nullptr;
};

#endif // MLA_TEST_GPUTESTSUPPORT_H
