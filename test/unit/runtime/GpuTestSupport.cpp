//===- GpuTestSupport.cpp - Bundles for the fake GPU ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuTestSupport.h"

#include <dlfcn.h>
#include <elf.h>

static void *fakeFunction(const char *name) {
  // The runtime has the same handle: a library is loaded once.
  static void *library = dlopen(MLA_TEST_LIBCUDA, RTLD_NOW | RTLD_LOCAL);
  void *found = library ? dlsym(library, name) : nullptr;
  EXPECT_NE(found, nullptr) << name;
  return found;
}

FakeCuda &fakeCuda() {
  static auto *state = static_cast<FakeCuda *>(reinterpret_cast<void *(*)()>(fakeFunction("fake_cuda_state"))());
  return *state;
}

void enterContext(int kind) { reinterpret_cast<void (*)(int)>(fakeFunction("fake_cuda_enter_context"))(kind); }

std::string gpuManifest() {
  std::string sum = R"({"kernel": "sum_bf16", "grid": ["batch", 1, 1], "threads": 128, "shared": 0, "overlap": true,
    "args": [{"pointer": "hidden", "offset": 0}, {"pointer": "cu_seqlens"}, {"pointer": "pages", "offset": 0},
      {"pointer": "block_table", "offset": 0}, {"pointer": "lengths", "offset": 0},
      {"pointer": "weight:w", "offset": 0}, {"pointer": "out", "offset": 0}, {"i32": "batch"}, {"i32": 4},
      {"i32": 24}, {"i32": 8}, {"i32": "table_width"}]})";
  std::string stage = R"({"kernel": "stage", "grid": [["ceil/", "tokens", 64], "processors", 1], "threads": 256,
    "shared": 230848, "overlap": false, "args": [
      {"map": {"buffer": "hidden", "offset": 0, "dims": [8, "tokens"], "strides": [16], "box": [8, 64], "swizzle": 128}},
      {"map": {"buffer": "temp:1", "offset": 32, "dims": [8], "strides": [], "box": [8], "swizzle": 0}},
      {"pointer": "temp:0", "offset": 4}, {"f32": 0.125}, {"i32": ["*", "cached", 3]}]})";
  std::string latent = R"({"kernel": "core", "grid": ["batch", 1, ["//", "max_length", "table_width"]],
    "threads": 384, "shared": 1024, "overlap": true, "args": [
      {"map": {"buffer": "q_latent", "offset": 0, "dims": [16, 8, "tokens"],
               "strides": [["*", "q_stride", 2], ["*", "q_stride", 16]], "box": [16, 8, 1], "swizzle": 0}},
      {"pointer": "q_rope", "offset": 0}, {"pointer": "lse", "offset": 0}, {"pointer": "temp:a"}]})";
  std::string naive = R"({"kernel": "core", "grid": [1, 1, 1], "threads": 64, "shared": 0, "overlap": true, "args": [
      {"map": {"buffer": "k_nope", "offset": 0, "dims": [16, 8, "cached"], "strides": [32, 256], "box": [16, 8, 1],
               "swizzle": 0}},
      {"pointer": "q_nope", "offset": 0}, {"pointer": "cu_keys", "offset": 0}, {"pointer": "out", "offset": 0}]})";
  std::string check = R"({"kernel": "step_check", "grid": [["ceil/", "batch", 4], 1, 1], "threads": 128, "shared": 0,
    "args": [{"pointer": "cu_seqlens"}, {"pointer": "lengths"}, {"pointer": "block_table"}, {"pointer": "out"},
      {"i32": "tokens"}, {"i32": "batch"}, {"i32": "max_queries"}, {"i32": "max_length"}, {"i32": "table_width"},
      {"i32": "pages"}, {"i32": 4}]})";
  return R"({"magic": "mla-bundle", "version": 3, "producer": "a test", "target": "h100", "isa": "sm_90a",
    "dtype": "bf16", "page": 4, "cache": {"format": "standard", "dtype": "bf16"}, "tensor_parallel": 1, "rank": 0,
    "model": {"model_type": "deepseek_v3", "hidden_size": 8, "num_attention_heads": 8, "heads": 8, "q_lora_rank": 0,
              "kv_lora_rank": 16, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16,
              "rms_norm_eps": 1e-06, "rope_theta": 10000},
    "layers": [3, 5], "plan": "a plan", "entries": [
      {"symbol": "decode_0", "phase": "decode", "q": "fold", "o": "absorb", "tokens": [0, -1], "context": [0, 32], "weights": ["w"],
       "workspace": [{"name": "temp:0", "bytes": ["*", "tokens", 100]}, {"name": "temp:1", "bytes": 64}],
       "launches": [)" +
         stage + ", " + sum + R"(]},
      {"symbol": "prefill_0", "phase": "prefill", "q": "naive", "o": "naive", "tokens": [0, -1], "context": [0, -1], "weights": ["w"],
       "workspace": [], "launches": [)" +
         sum + R"(]}],
    "cores": [
      {"name": "latent_attention", "workspace": [{"name": "temp:a", "bytes": ["*", "batch", 512]}], "launches": [)" +
         latent + R"(]},
      {"name": "naive_attention", "workspace": [], "launches": [)" +
         naive + R"(]},
      {"name": "step_check", "workspace": [], "launches": [)" +
         check + R"(]}],
    "files": {FILES}})";
}

std::string packedGpuManifest() {
  std::string check = R"({"name": "row_check", "workspace": [], "launches": [{"kernel": "row_check",
    "grid": [["ceil/", "batch", 4], 1, 1], "threads": 128, "shared": 0, "args": [{"pointer": "cu_seqlens"},
      {"pointer": "lengths"}, {"pointer": "block_table"}, {"pointer": "pages"}, {"pointer": "out"}, {"i32": "batch"},
      {"i32": "table_width"}, {"i32": "pages"}, {"i32": 4}, {"i32": 1}, {"i32": 16}, {"i32": 8}]}]})";
  std::string text =
      replaced(gpuManifest(), R"("format": "standard", "dtype": "bf16")", R"("format": "fp8_tensor", "dtype": "i8")");
  return replaced(text, "\"cores\": [", "\"cores\": [" + check + ", ");
}

std::string gpuModelManifest() {
  std::string ends = R"({"symbol": "embed", "phase": "embed", "weights": ["layers.3.w"], "workspace": [], "launches": [
      {"kernel": "embed", "grid": ["tokens", 1, 1], "threads": 128, "shared": 0, "overlap": true, "args": [
       {"pointer": "ids"}, {"pointer": "weight:layers.3.w"}, {"pointer": "hidden"}, {"i32": "tokens"}, {"i32": 8}]}]},
    {"symbol": "logits", "phase": "logits", "weights": ["layers.5.w"],
     "workspace": [{"name": "temp:0", "bytes": ["*", "tokens", 4096]}], "launches": [
      {"kernel": "logits", "grid": ["tokens", 1, 1], "threads": 128, "shared": 0, "overlap": true, "args": [
       {"pointer": "hidden"}, {"pointer": "weight:layers.5.w"}, {"pointer": "logits"}, {"i32": "tokens"}, {"i32": 8},
       {"i32": 10}]}]}, )";
  std::string next = R"({"name": "next", "workspace": [], "launches": [{"kernel": "next", "grid": ["tokens", 1, 1],
      "threads": 128, "shared": 0, "args": [{"pointer": "logits"}, {"pointer": "next"}, {"i32": "tokens"},
      {"i32": 10}]}]}, )";
  std::string text = replaced(gpuManifest(), "\"hidden_size\": 8", "\"hidden_size\": 8, \"vocab_size\": 10");
  return replaced(replaced(text, "\"entries\": [", "\"entries\": [" + ends), "\"cores\": [", "\"cores\": [" + next);
}

std::string gpuManifestWithoutCores() {
  std::string text = gpuManifest();
  size_t from = text.find("\"cores\""), to = text.find("\"files\"");
  return text.erase(from, to - from);
}

std::string gpuModule() {
  return "kernel sum_bf16 128 8 8 8 8 8 8 8 4 4 4 4 4\n"
         "kernel stage 256 128 128 8 4 4\n"
         "kernel core 384 128 8 8 8\n"
         "kernel step_check 128 8 8 8 8 4 4 4 4 4 4 4\n"
         "kernel row_check 128 8 8 8 8 8 4 4 4 4 4 4 4\n"
         "kernel embed 128 8 8 8 4 4\n"
         "kernel logits 128 8 8 8 4 4 4\n"
         "kernel next 128 8 8 4 4\n"
         "kernel mla_probe 32 8\n";
}

std::string gpuCubin(const std::string &module) {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_machine = EM_CUDA;
  header.e_shoff = sizeof(header);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 1;
  Elf64_Shdr names = {};
  names.sh_type = SHT_STRTAB;
  names.sh_offset = sizeof(header) + sizeof(names);
  names.sh_size = module.size() + 1;
  return std::string(reinterpret_cast<char *>(&header), sizeof(header)) +
         std::string(reinterpret_cast<char *>(&names), sizeof(names)) + module + '\0';
}

void writeGpuBundle(const std::string &directory, const std::string &manifest, const std::string &module) {
  writeBundle(directory, manifest, {{"kernels.ptx", module}});
}

void GpuTest::SetUp() {
  // Tests may share a process.
  cuda.failures.clear();
  cuda.passes.clear();
  cuda.complaints.clear();
  cuda.refusesCubin = cuda.capturing = cuda.clockless = false;
  cuda.major = 9;
  cuda.processors = 132;
  cuda.sharedBase = 1024;
  seen = cuda.launches.size();
  enterContext(0);
}

void GpuTest::TearDown() {
  RuntimeTest::TearDown();
  EXPECT_TRUE(cuda.nothingLives()) << cuda.memory.size() << " buffers, " << cuda.modules.size() << " modules, "
                                   << cuda.streams.size() << " streams, " << cuda.events.size() << " events, "
                                   << cuda.pinned.size() << " pinned, retained " << cuda.retained;
  EXPECT_EQ(cuda.complaints, std::vector<std::string>());
  enterContext(0);
}

void GpuTest::openGpu(int64_t pages, const std::string &manifest) {
  writeGpuBundle(directory.path, manifest);
  ASSERT_EQ(mla_bundle_open(directory.path.c_str(), &bundle), MLA_OK) << mla_last_error();
  if (!pages)
    return;
  ASSERT_EQ(mla_cache_create(bundle, pages, &cache), MLA_OK) << mla_last_error();
}

std::vector<FakeLaunch> GpuTest::launches() {
  std::vector<FakeLaunch> result;
  for (; seen < cuda.launches.size(); ++seen)
    if (cuda.launches[seen].kernel != "mla_probe")
      result.push_back(cuda.launches[seen]);
  return result;
}

DeviceMemoryOfTest::DeviceMemoryOfTest(uint64_t bytes) {
  void *memory = nullptr;
  EXPECT_EQ(mla_device_malloc(bytes, &memory), MLA_OK) << mla_last_error();
  data = static_cast<char *>(memory);
  std::vector<char> zeros(bytes);
  EXPECT_EQ(mla_device_copy_in(data, zeros.data(), bytes), MLA_OK) << mla_last_error();
}

DeviceMemoryOfTest::~DeviceMemoryOfTest() { EXPECT_EQ(mla_device_free(data), MLA_OK) << mla_last_error(); }
