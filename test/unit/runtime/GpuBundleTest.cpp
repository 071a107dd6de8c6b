//===- GpuBundleTest.cpp - Opening bundles for a GPU ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DoesNotFit.h"
#include "GpuTestSupport.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>

class GpuBundle : public GpuTest {
protected:
  mla_status openStatus() {
    mla_status status = ::openStatus(directory.path);
    EXPECT_TRUE(cuda.nothingLives());
    return status;
  }
  mla_status openStatus(const std::string &manifest, const std::string &module = gpuModule()) {
    writeGpuBundle(directory.path, manifest, module);
    return openStatus();
  }
};

TEST_F(GpuBundle, SaysWhatItHolds) {
  openGpu();
  const mla_bundle_info *info = mla_bundle_get_info(bundle);
  EXPECT_STREQ(info->target, "h100");
  EXPECT_EQ(info->device_memory, 1);
  EXPECT_STREQ(info->device, "Fake GPU");
  EXPECT_GE(info->code_seconds, 0);
  EXPECT_GE(info->weights_seconds, 0);
  EXPECT_EQ(mla_bundle_get_entry(bundle, 0)->weight_bytes, 4);
  // The two layers' weights in one buffer, at multiples of 256 bytes.
  ASSERT_EQ(cuda.memory.size(), 1u);
  auto [address, bytes] = *cuda.memory.begin();
  EXPECT_EQ(bytes, 512u);
  EXPECT_EQ(*reinterpret_cast<float *>(address), 2.0f);
  EXPECT_EQ(*reinterpret_cast<float *>(address + 256), 0.5f);
  EXPECT_EQ(cuda.retained, 1);
}

TEST_F(GpuBundle, TellsHowFarItIs) {
  writeGpuBundle(directory.path);
  using Told = std::vector<std::pair<uint64_t, uint64_t>>;
  Told told;
  auto note = [](void *context, uint64_t done, uint64_t total) {
    static_cast<Told *>(context)->push_back({done, total});
  };
  mla_open_options options = {sizeof(options), note, &told, nullptr};
  ASSERT_EQ(mla_bundle_open_with(directory.path.c_str(), &options, &bundle), MLA_OK) << mla_last_error();
  EXPECT_EQ(told, (Told{{0, 8}, {4, 8}, {8, 8}}));
  EXPECT_EQ(mla_bundle_get_info(bundle)->weights_bytes, 8);
  mla_bundle *other = nullptr;
  ASSERT_EQ(mla_bundle_open_with(directory.path.c_str(), nullptr, &other), MLA_OK);
  mla_bundle_close(other);
  options.size = 4;
  EXPECT_EQ(mla_bundle_open_with(directory.path.c_str(), &options, &other), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("mla_bundle_open_with: options->size is 4");
}

TEST(AdviseToFit, SaysWhatToCompile) {
  mla::Manifest manifest;
  manifest.heads = 16;
  manifest.tensorParallel = 1;
  manifest.layers = {3, 4, 5, 6};
  EXPECT_EQ(mla::adviseToFit(manifest, 100, 60),
            "free memory, take a larger device, or compile with --tp=2, --dtype=fp8 "
            "or --layers=3-4");
  EXPECT_EQ(mla::adviseToFit(manifest, 100, 30),
            "free memory, take a larger device, or compile with --tp=4 or --layers=3-3");
  manifest.tensorParallel = 4;
  manifest.products = "e4m3";
  EXPECT_EQ(mla::adviseToFit(manifest, 100, 20), "free memory, take a larger device, or compile with --tp=32");
  EXPECT_EQ(mla::adviseToFit(manifest, 100, 1), "free memory, or take a larger device");
  // Whole layers are not divided, nor in fp8.
  manifest.scope = "model";
  EXPECT_EQ(mla::adviseToFit(manifest, 100, 60), "free memory, take a larger device, or compile with --scope=layer "
                                                 "--layers=3-4");
}

TEST_F(GpuBundle, InspectNeedsNoDevice) {
  writeGpuBundle(directory.path);
  size_t before = cuda.calls.size();
  ASSERT_EQ(mla_bundle_inspect(directory.path.c_str(), &bundle), MLA_OK) << mla_last_error();
  EXPECT_STREQ(mla_bundle_get_info(bundle)->device, "");
  mla_cache *none = nullptr;
  EXPECT_EQ(mla_cache_create(bundle, 1, &none), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("only inspected; open it");
  mla_step step = {};
  EXPECT_EQ(mla_enqueue_layer(bundle, &step), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("only inspected");
  EXPECT_EQ(cuda.calls.size(), before);
}

TEST_F(GpuBundle, TakesTheCurrentContext) {
  enterContext(2);
  openGpu();
  EXPECT_EQ(cuda.retained, 0);
  enterContext(0);
  mla_bundle_close(std::exchange(bundle, nullptr));
  enterContext(1);
  cuda.retained = 1; // as PyTorch does
  openGpu();
  EXPECT_EQ(cuda.retained, 2);
  mla_bundle_close(std::exchange(bundle, nullptr));
  EXPECT_EQ(cuda.retained, 1);
  cuda.retained = 0;
}

TEST_F(GpuBundle, PrefersTheCubin) {
  writeBundle(directory.path, gpuManifest(), {{"kernels.cubin", gpuCubin()}, {"kernels.ptx", "syntax error"}});
  EXPECT_EQ(openStatus(), MLA_OK) << mla_last_error();
  writeBundle(directory.path, gpuManifest(), {{"kernels.cubin", gpuCubin("")}, {"kernels.ptx", gpuModule()}});
  cuda.refusesCubin = true;
  EXPECT_EQ(openStatus(), MLA_OK) << mla_last_error();
}

TEST_F(GpuBundle, TellsWhyTheDriverRefusesKernels) {
  EXPECT_EQ(openStatus(gpuManifest(), "syntax error"), MLA_INVALID_FILE);
  EXPECT_MESSAGE("kernels.ptx: the driver does not compile the kernels: CUDA_ERROR_INVALID_PTX");
  EXPECT_MESSAGE("line 3: syntax error and no more; compile the bundle again");
  EXPECT_EQ(openStatus(gpuManifest(), ".version 99"), MLA_UNSUPPORTED);
  EXPECT_MESSAGE("CUDA_ERROR_UNSUPPORTED_PTX_VERSION");
  EXPECT_MESSAGE("the driver is for CUDA 12.4: update it");
}

TEST_F(GpuBundle, ChecksTheChip) {
  cuda.major = 8;
  EXPECT_EQ(openStatus(gpuManifest()), MLA_UNSUPPORTED);
  EXPECT_MESSAGE("the device 'Fake GPU' is sm_80");
  cuda.major = 9;
  EXPECT_EQ(openStatus(replaced(gpuManifest(), "sm_90a", "sm_100a")), MLA_UNSUPPORTED);
  EXPECT_MESSAGE("the kernels are for 'sm_100a', this release runs sm_90a only");
}

TEST_F(GpuBundle, ChecksWhereSharedMemoryStarts) {
  cuda.sharedBase = 2048;
  EXPECT_EQ(openStatus(gpuManifest()), MLA_UNSUPPORTED);
  EXPECT_MESSAGE("shared memory starts at 2048, the kernels need 1024");
  EXPECT_EQ(openStatus(gpuManifest(), replaced(gpuModule(), "kernel mla_probe", "kernel other")), MLA_OK);
  EXPECT_EQ(openStatus(gpuManifest(), replaced(gpuModule(), "mla_probe 32 8", "mla_probe 32 8 8")), MLA_INVALID_FILE);
  EXPECT_MESSAGE("kernel 'mla_probe' must have one parameter");
}

TEST_F(GpuBundle, ChecksKernelsAgainstTheManifest) {
  EXPECT_EQ(openStatus(gpuManifest(), replaced(gpuModule(), "kernel stage", "kernel staged")), MLA_INVALID_FILE);
  EXPECT_MESSAGE("kernels.ptx: has no kernel 'stage'");
  EXPECT_EQ(openStatus(gpuManifest(), replaced(gpuModule(), "stage 256", "stage 128")), MLA_INVALID_FILE);
  EXPECT_MESSAGE("kernel 'stage' runs at most 128 threads a block, the manifest says 256");
  EXPECT_EQ(openStatus(gpuManifest(), replaced(gpuModule(), "128 128 8 4 4", "128 128 8 4")), MLA_INVALID_FILE);
  EXPECT_MESSAGE("kernel 'stage' has fewer parameters than the 5 arguments");
  EXPECT_EQ(openStatus(gpuManifest(), replaced(gpuModule(), "128 128 8 4 4", "128 128 8 4 4 4")), MLA_INVALID_FILE);
  EXPECT_MESSAGE("kernel 'stage' has more parameters than the 5 arguments");
  EXPECT_EQ(openStatus(gpuManifest(), replaced(gpuModule(), "128 128 8 4 4", "128 128 8 4 8")), MLA_INVALID_FILE);
  EXPECT_MESSAGE("kernel 'stage': parameter 4 has 8 bytes, the argument of the manifest 4");
}

TEST_F(GpuBundle, RefusesBadFiles) {
  writeGpuBundle(directory.path);
  writeFile(directory / "kernels.ptx", "short");
  EXPECT_EQ(openStatus(), MLA_INVALID_FILE);
  EXPECT_MESSAGE("kernels.ptx: has 5 bytes");
  EXPECT_EQ(openStatus(replaced(gpuManifest(), "[3, 5]", "[3, 6]")), MLA_INVALID_FILE);
  EXPECT_MESSAGE("tensor 'layers.6.w' is missing");
}

/// Replaces the weights by elements of one byte.
static void writeElements(const std::string &directory, const std::string &dtype) {
  std::string before = std::to_string(std::filesystem::file_size(directory + "/weights.safetensors"));
  std::string header = R"({"layers.3.w":{"dtype":"TYPE","shape":[4],"data_offsets":[0,4]},)"
                       R"("layers.5.w":{"dtype":"TYPE","shape":[4],"data_offsets":[4,8]}})";
  header = replaced(replaced(header, "TYPE", dtype), "TYPE", dtype);
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string weights = safetensorsBytes(header, std::string(8, 0));
  writeFile(directory + "/weights.safetensors", weights);
  writeFile(directory + "/manifest.json", replaced(readFile(directory + "/manifest.json"), "safetensors\": " + before,
                                                   "safetensors\": " + std::to_string(weights.size())));
}

/// Only kernels take them: code for a CPU does not multiply e4m3.
TEST_F(GpuBundle, TakesElementsOfE4M3) {
  writeGpuBundle(directory.path);
  writeElements(directory.path, "F8_E4M3");
  EXPECT_EQ(openStatus(), MLA_OK) << mla_last_error();
  writeGpuBundle(directory.path);
  writeElements(directory.path, "I8");
  EXPECT_EQ(openStatus(), MLA_INVALID_FILE);
  EXPECT_MESSAGE("tensor 'layers.3.w' has dtype I8, which an entry of this bundle cannot take");
  TempDir cpu;
  writeBundle(cpu.path);
  writeElements(cpu.path, "F8_E4M3");
  EXPECT_EQ(::openStatus(cpu.path), MLA_INVALID_FILE);
  EXPECT_MESSAGE("tensor 'layers.3.w' has dtype F8_E4M3, which an entry of this bundle cannot take");
}

/// Writes a bundle with the weights of `base`, of which it has layer 3's itself.
static void writeAdapted(const std::string &directory, const std::string &base, float weight) {
  std::string header = R"({"layers.3.w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string own = safetensorsBytes(header, std::string(reinterpret_cast<const char *>(&weight), 4));
  writeBundle(directory, gpuManifest(), {{"kernels.ptx", gpuModule()}, {"adapter.safetensors", own}});
  std::filesystem::remove(directory + "/weights.safetensors");
  std::filesystem::create_hard_link(base + "/weights.safetensors", directory + "/weights.safetensors");
}

/// Bundles of adapters have the weights of their base on the device once, in whatever order they are closed.
TEST_F(GpuBundle, AdaptersShareTheirBase) {
  openGpu();
  TempDir first, second;
  writeAdapted(first.path, directory.path, 7);
  writeAdapted(second.path, directory.path, 9);
  mla_bundle *bundles[2] = {};
  ASSERT_EQ(mla_bundle_open(first.path.c_str(), &bundles[0]), MLA_OK) << mla_last_error();
  ASSERT_EQ(mla_bundle_open(second.path.c_str(), &bundles[1]), MLA_OK) << mla_last_error();
  using Memory = std::vector<std::pair<size_t, float>>; // bytes and first elements
  auto memory = [&] {
    Memory list;
    for (auto [address, bytes] : cuda.memory)
      list.push_back({bytes, *reinterpret_cast<float *>(address)});
    std::sort(list.begin(), list.end());
    return list;
  };
  EXPECT_EQ(memory(), (Memory{{256, 7.0f}, {256, 9.0f}, {512, 2.0f}}));
  EXPECT_EQ(mla_cache_destroy(cache), MLA_OK);
  mla_bundle_close(bundle);
  cache = nullptr, bundle = nullptr;
  mla_bundle_close(bundles[0]);
  EXPECT_EQ(memory(), (Memory{{256, 9.0f}, {512, 2.0f}}));
  mla_bundle_close(bundles[1]);
}

/// Whichever call fails, opening reports it, and no allocation is left.
TEST_F(GpuBundle, GivesEverythingBackWhenACallFails) {
  writeGpuBundle(directory.path);
  size_t first = cuda.calls.size();
  ASSERT_EQ(openStatus(), MLA_OK) << mla_last_error();
  std::vector<std::string> calls(cuda.calls.begin() + first, cuda.calls.end());
  std::sort(calls.begin(), calls.end());
  calls.erase(std::unique(calls.begin(), calls.end()), calls.end());
  for (const std::string &call : calls) {
    // Failures of functions that free are ignored; the others query optional attributes.
    bool frees = false;
    for (const char *part : {"Free", "Destroy", "Unload", "Release", "Pop", "CtxSynchronize", "cuFuncGetParamInfo",
                             "cuCtxGetCurrent", "cuModuleLoadDataEx", "cuModuleGetFunction"})
      frees |= call.find(part) != std::string::npos;
    if (frees || call == "cuInit")
      continue;
    cuda.failures = {{call, mla::cuda::illegalAddress}};
    EXPECT_EQ(openStatus(), MLA_DEVICE_ERROR) << call << ": " << mla_last_error();
    EXPECT_MESSAGE(call + " failed: CUDA_ERROR_ILLEGAL_ADDRESS");
    EXPECT_MESSAGE("a kernel failed, and with it the CUDA context");
  }
  cuda.failures = {{"cuMemAlloc", mla::cuda::outOfMemory}};
  EXPECT_EQ(openStatus(), MLA_OUT_OF_MEMORY);
  EXPECT_MESSAGE("the device does not give 4 bytes");
  cuda.passes = {{"cuMemAlloc", 1}};
  EXPECT_EQ(openStatus(), MLA_OUT_OF_MEMORY);
  EXPECT_MESSAGE("its weights need 512 bytes");
  EXPECT_MESSAGE("has 100 bytes of 68.72 GB free: 412 bytes are missing; free memory, ");
  cuda.failures.clear();
}

TEST_F(GpuBundle, ManyThreadsOpenAndClose) {
  writeGpuBundle(directory.path);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 4; ++round) {
        mla_bundle *opened = nullptr;
        mla_cache *made = nullptr;
        EXPECT_EQ(mla_bundle_open(directory.path.c_str(), &opened), MLA_OK) << mla_last_error();
        EXPECT_EQ(mla_cache_create(opened, 2, &made), MLA_OK) << mla_last_error();
        mla_bundle_close(opened);
        EXPECT_EQ(mla_cache_destroy(made), MLA_OK) << mla_last_error();
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(GpuBundle, WithoutADeviceTellsSo) {
  // In a separate process: a driver that was found stays loaded.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  writeGpuBundle(directory.path);
  auto open = [&](const char *library) {
    setenv("MLA_LIBCUDA", library, 1);
    mla_bundle *opened = nullptr;
    mla_status status = mla_bundle_open(directory.path.c_str(), &opened);
    std::fprintf(stderr, "%s\n", mla_last_error());
    std::_Exit(status);
  };
  EXPECT_EXIT(open("/nonexistent/libcuda.so"), ::testing::ExitedWithCode(MLA_NO_DEVICE),
              "no NVIDIA driver: /nonexistent/libcuda.so: .*; install one, or use a bundle of --target=cpu");
  EXPECT_EXIT(open(MLA_TEST_OLD_LIBCUDA), ::testing::ExitedWithCode(MLA_UNSUPPORTED),
              "the NVIDIA driver is too old: it is for CUDA 12.4 and has no cuFuncLoad");
  EXPECT_EXIT((cuda.devices = 0, open(MLA_TEST_LIBCUDA)), ::testing::ExitedWithCode(MLA_NO_DEVICE),
              "cuInit failed: CUDA_ERROR_NO_DEVICE");
}

TEST_F(GpuBundle, MemoryOfTheDeviceForCPrograms) {
  EXPECT_EQ(mla_device_count(), 1);
  void *memory = nullptr;
  ASSERT_EQ(mla_device_malloc(1000, &memory), MLA_OK) << mla_last_error();
  EXPECT_EQ(cuda.retained, 1);
  char in[10] = "abcdefghi", out[10] = "";
  EXPECT_EQ(mla_device_copy_in(memory, in, 10), MLA_OK);
  EXPECT_EQ(mla_device_copy_out(out, memory, 10), MLA_OK);
  EXPECT_STREQ(out, in);
  EXPECT_EQ(mla_device_copy_in(nullptr, in, 0), MLA_OK);
  EXPECT_EQ(mla_device_copy_in(nullptr, in, 1), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_device_copy_out(nullptr, memory, 1), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_device_malloc(0, &memory), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_device_malloc(1, nullptr), MLA_INVALID_ARGUMENT);
  void *more = nullptr;
  EXPECT_EQ(mla_device_malloc(uint64_t(1) << 40, &more), MLA_OUT_OF_MEMORY);
  EXPECT_EQ(mla_device_synchronize(), MLA_OK);
  EXPECT_EQ(mla_device_free(in), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_device_free(memory), MLA_OK);
  EXPECT_EQ(mla_device_free(memory), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_device_free(nullptr), MLA_OK);
  cuda.failures = {{"cuCtxSynchronize", mla::cuda::illegalAddress}};
  EXPECT_EQ(mla_device_synchronize(), MLA_DEVICE_ERROR);
  cuda.failures.clear();
}
