//===- Bundle.cpp - Any bytes as a bundle for a GPU -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An input is a manifest and, after a NUL, a module of the fake driver (see
// FakeCuda.h); without one, Module below. Weights are fixed: safetensors have
// their own target. A bundle that opens is enqueued in several sizes, layers and
// cores. Every address that reaches the driver must be in a buffer of the caller
// or of the runtime, including the whole of every tensor map. No kernel runs.
//
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"
#include "Require.h"

#include "mla/runtime.h"

#include <algorithm>
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

static constexpr char module[] = "kernel norm 1024 8 8 8 4 4 4\n"
                                 "kernel stage 256 128 128 8 4 4\n"
                                 "kernel core 384 128 8 8 8\n"
                                 "kernel mla_probe 32 8\n";
/// All modules have the same size, so that a manifest of the corpus states the right one.
static constexpr size_t moduleBytes = 512;

/// Two layers, each with w [4, 8] in bf16 and g [3] in f32.
static std::string weightsFile() {
  std::string header = R"({"layers.3.w":{"dtype":"BF16","shape":[4,8],"data_offsets":[0,64]},)"
                       R"("layers.5.w":{"dtype":"BF16","shape":[4,8],"data_offsets":[64,128]},)"
                       R"("layers.3.g":{"dtype":"F32","shape":[3],"data_offsets":[128,140]},)"
                       R"("layers.5.g":{"dtype":"F32","shape":[3],"data_offsets":[140,152]}})";
  header.resize((header.size() + 7) / 8 * 8, ' '); // tensors are aligned
  std::string length(8, '\0');
  length[0] = static_cast<char>(header.size() & 255);
  length[1] = static_cast<char>(header.size() >> 8);
  return length + header + std::string(152, '\1');
}

namespace {
/// The bundle's directory and the driver, shared by all inputs.
class Stage {
public:
  Stage();
  ~Stage();
  FakeCuda &cuda() const { return *driver; }
  const char *path() const { return directory; }
  void write(const std::string &name, const std::string &text) const;

private:
  char directory[64];
  FakeCuda *driver = nullptr;
};

/// Addresses of the caller, far apart. No kernel accesses the memory.
class Buffers {
public:
  void *give(uint64_t bytes) {
    ranges.push_back({(ranges.size() + 1) << 48, bytes});
    return reinterpret_cast<void *>(ranges.back().first);
  }
  template <typename Pointer> void give(Pointer &pointer, uint64_t bytes) {
    pointer = static_cast<Pointer>(give(bytes));
  }
  /// The allocations of the runtime.
  void add(const std::map<uint64_t, size_t> &memory) { ranges.insert(ranges.end(), memory.begin(), memory.end()); }
  bool hold(uint64_t address, uint64_t bytes) const {
    return std::any_of(ranges.begin(), ranges.end(), [&](auto range) {
      return address >= range.first && address - range.first <= range.second &&
             bytes <= range.second - (address - range.first);
    });
  }

private:
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
};

struct StepSizes {
  int64_t tokens, batch, maxQueries, maxLength, pages, tableWidth;
};
} // namespace

static constexpr StepSizes stepSizes[] = {
    {1, 1, 1, 1, 1, 1}, {3, 2, 2, 6, 10, 3}, {130, 30, 8, 4096, 5000, 1024}, {1 << 24, 1 << 15, 1 << 16, 1, 1, 1}};

Stage::Stage() {
  std::strcpy(directory, access("/dev/shm", W_OK) == 0 ? "/dev/shm/mla-fuzz.XXXXXX" : "/tmp/mla-fuzz.XXXXXX");
  REQUIRE(mkdtemp(directory));
  setenv("MLA_LIBCUDA", MLA_TEST_LIBCUDA, 1);
  void *library = dlopen(MLA_TEST_LIBCUDA, RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library);
  auto *state = reinterpret_cast<void *(*)()>(dlsym(library, "fake_cuda_state"));
  REQUIRE(state);
  driver = static_cast<FakeCuda *>(state());
  driver->capturing = true; // sum_bf16 does not run
  write("weights.safetensors", weightsFile());
}

Stage::~Stage() {
  for (const char *name : {"manifest.json", "kernels.ptx", "weights.safetensors"})
    unlink((std::string(directory) + "/" + name).c_str());
  rmdir(directory);
}

void Stage::write(const std::string &name, const std::string &text) const {
  int file = open((std::string(directory) + "/" + name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  REQUIRE(file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  close(file);
}

static void checkLaunch(const FakeCuda &cuda, const FakeLaunch &launch, const Buffers &buffers) {
  for (size_t i = 0; i < launch.arguments.size(); ++i) {
    if (launch.arguments[i].size() == 8)
      REQUIRE(buffers.hold(launch.pointer(i), 0));
    if (launch.arguments[i].size() != sizeof(mla::cuda::TensorMap))
      continue;
    const FakeMap &map = cuda.map(launch, i);
    unsigned __int128 reach = map.dims[0] * 2;
    for (size_t j = 1; j < map.dims.size(); ++j)
      reach += static_cast<unsigned __int128>(map.dims[j] - 1) * map.strides[j - 1];
    REQUIRE(reach <= UINT64_MAX && buffers.hold(map.address, static_cast<uint64_t>(reach)));
  }
}

/// Queries the workspace, passes exactly that, enqueues, and checks the launches.
template <typename Struct>
static void enqueue(FakeCuda &cuda, const mla_bundle *bundle, Struct &step, Buffers &buffers,
                    mla_status (*workspace)(const mla_bundle *, const Struct *, uint64_t *),
                    mla_status (*run)(const mla_bundle *, const Struct *)) {
  cuda.launches.clear();
  cuda.maps.clear();
  if (workspace(bundle, &step, &step.workspace_bytes) != MLA_OK)
    return;
  step.workspace = buffers.give(step.workspace_bytes);
  buffers.add(cuda.memory);
  inputAccepted |= run(bundle, &step) == MLA_OK;
  for (const FakeLaunch &launch : cuda.launches)
    checkLaunch(cuda, launch, buffers);
}

static void enqueueLayer(FakeCuda &cuda, const mla_bundle *bundle, int64_t layer, mla_phase phase, StepSizes sizes) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  Buffers buffers;
  mla_step step = {};
  step.size = sizeof(step);
  step.layer = layer;
  step.phase = phase;
  step.tokens = sizes.tokens;
  step.batch = sizes.batch;
  step.max_queries = sizes.maxQueries;
  step.max_length = sizes.maxLength;
  step.num_pages = sizes.pages;
  step.table_width = sizes.tableWidth;
  buffers.give(step.hidden, 2 * sizes.tokens * info.hidden_size);
  buffers.give(step.cu_seqlens, 4 * (sizes.batch + 1));
  buffers.give(step.pages, 2 * sizes.pages * info.page * (info.kv_lora_rank + info.qk_rope_head_dim));
  buffers.give(step.block_table, 4 * sizes.batch * sizes.tableWidth);
  buffers.give(step.lengths, 4 * sizes.batch);
  buffers.give(step.out, 2 * sizes.tokens * info.hidden_size);
  enqueue(cuda, bundle, step, buffers, mla_step_workspace, mla_enqueue_layer);
}

/// Returns the bytes from the first head to the end of the last, `stride` elements apart.
static uint64_t queryBytes(const mla_bundle_info &info, int64_t tokens, int64_t stride, int64_t width) {
  return 2 * ((tokens * info.heads - 1) * stride + width);
}

static void enqueueLatent(FakeCuda &cuda, const mla_bundle *bundle, StepSizes sizes) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  if (sizes.tokens * info.heads > INT32_MAX)
    return; // is refused, and bytes would overflow
  int64_t row = info.kv_lora_rank + info.qk_rope_head_dim;
  Buffers buffers;
  mla_latent_attention step = {};
  step.size = sizeof(step);
  step.tokens = sizes.tokens;
  step.batch = sizes.batch;
  step.max_queries = sizes.maxQueries;
  step.max_length = sizes.maxLength;
  step.num_pages = sizes.pages;
  step.table_width = sizes.tableWidth;
  step.q_stride = (row + 7) / 8 * 8;
  buffers.give(step.q_latent, queryBytes(info, sizes.tokens, step.q_stride, info.kv_lora_rank));
  buffers.give(step.q_rope, queryBytes(info, sizes.tokens, step.q_stride, info.qk_rope_head_dim));
  buffers.give(step.pages, 2 * sizes.pages * info.page * row);
  buffers.give(step.block_table, 4 * sizes.batch * sizes.tableWidth);
  buffers.give(step.lengths, 4 * sizes.batch);
  buffers.give(step.cu_seqlens, 4 * (sizes.batch + 1));
  buffers.give(step.out, 2 * sizes.tokens * info.heads * info.kv_lora_rank);
  buffers.give(step.lse, 4 * sizes.tokens * info.heads);
  enqueue(cuda, bundle, step, buffers, mla_latent_attention_workspace, mla_enqueue_latent_attention);
}

static void enqueueNaive(FakeCuda &cuda, const mla_bundle *bundle, StepSizes sizes) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  if (sizes.tokens * info.heads > INT32_MAX || sizes.batch * sizes.maxLength * info.heads > INT32_MAX)
    return;
  Buffers buffers;
  mla_naive_attention step = {};
  step.size = sizeof(step);
  step.tokens = sizes.tokens;
  step.batch = sizes.batch;
  step.max_queries = sizes.maxQueries;
  step.max_length = sizes.maxLength;
  step.cached = sizes.batch * sizes.maxLength;
  step.q_stride = (info.qk_nope_head_dim + info.qk_rope_head_dim + 7) / 8 * 8;
  buffers.give(step.q_nope, queryBytes(info, sizes.tokens, step.q_stride, info.qk_nope_head_dim));
  buffers.give(step.q_rope, queryBytes(info, sizes.tokens, step.q_stride, info.qk_rope_head_dim));
  buffers.give(step.k_nope, 2 * step.cached * info.heads * info.qk_nope_head_dim);
  buffers.give(step.k_rope, 2 * step.cached * info.qk_rope_head_dim);
  buffers.give(step.v, 2 * step.cached * info.heads * info.v_head_dim);
  buffers.give(step.cu_seqlens, 4 * (sizes.batch + 1));
  buffers.give(step.cu_keys, 4 * (sizes.batch + 1));
  buffers.give(step.out, 2 * sizes.tokens * info.heads * info.v_head_dim);
  enqueue(cuda, bundle, step, buffers, mla_naive_attention_workspace, mla_enqueue_naive_attention);
}

static void use(FakeCuda &cuda, const mla_bundle *bundle) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  for (StepSizes sizes : stepSizes) {
    for (mla_phase phase : {MLA_PHASE_PREFILL, MLA_PHASE_DECODE})
      enqueueLayer(cuda, bundle, info.layers[info.num_layers - 1], phase, sizes);
    enqueueLatent(cuda, bundle, sizes);
    enqueueNaive(cuda, bundle, sizes);
  }
}

static std::string moduleOf(const std::string &input, size_t end) {
  std::string text = end == input.npos ? module : input.substr(end + 1);
  text.resize(moduleBytes, ' ');
  return text;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Stage stage;
  FakeCuda &cuda = stage.cuda();
  std::string input(reinterpret_cast<const char *>(data), size), text;
  size_t end = input.find('\0');
  stage.write("manifest.json", input.substr(0, end));
  static std::string written;
  if (std::string made = moduleOf(input, end); made != written)
    stage.write("kernels.ptx", written = made);
  mla_bundle *bundle = nullptr;
  mla_status status = mla_bundle_open(stage.path(), &bundle);
  // Faults of the runtime, which a bundle cannot cause.
  REQUIRE(status != MLA_INVALID_ARGUMENT && status != MLA_NO_DEVICE && status != MLA_DEVICE_ERROR);
  if (status == MLA_OK)
    use(cuda, bundle);
  mla_bundle_close(bundle);
  REQUIRE(cuda.complaints.empty() && cuda.nothingLives());
  cuda.calls.clear();
  cuda.launches.clear();
  cuda.maps.clear();
  return 0;
}
