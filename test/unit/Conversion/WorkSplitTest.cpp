//===- WorkSplitTest.cpp - Every block of a batch in one split ------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Divides random batches on the emulated device, with a kernel that stores the
// part of each CTA, and traverses the parts like the attention kernel
// (LatentAttention::allSplits).
//
//===----------------------------------------------------------------------===//

#include "SM90/WorkSplit.h"
#include "Cuda.h"
#include "mla/Pipeline/Stages.h"
#include "mla/Target/PTX.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <cstdlib>
#include <random>
#include <tuple>

using namespace mla;
using namespace mla::gpu;

static constexpr int64_t threads = 32;
static constexpr const char *kernelName = "divide";

namespace {
struct Part {
  int32_t first, firstBlock, last, endBlock, slot;
};
/// A split of a sequence, and the slot of its partial result; -1 if it is the sequence.
struct Split {
  int64_t begin, end, slot;
};
} // namespace

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

/// parts[x][y] = partOf(y) of batch x, whose lengths start at lengths[first[x]].
static void emitDivide(mlir::gpu::GPUModuleOp module, const WorkSplitChoices &choices) {
  KernelBuilder k(module, kernelName, threads, /*oneBlock=*/false);
  unsigned lengths = k.addPointer(), first = k.addPointer(), out = k.addPointer(), parts = k.addInt();
  k.begin();
  Val x = k.blockX(), begin = k.loadInt(k.argument(first), x), end = k.loadInt(k.argument(first), x + 1);
  Val own = k.at(k.argument(lengths), k.extend(begin) * 4);
  SeenBlocks all(k, own, /*cu=*/Val(), /*window=*/0);
  WorkSplit split(k, choices, all, end - begin, k.argument(parts));
  WorkSplit::Part part = split.partOf(k.blockY());
  Val to = k.at(k.argument(out), k.extend(x * k.argument(parts) + k.blockY()) * sizeof(Part));
  k.when(k.thread() == 0, [&] {
    int64_t offset = 0;
    for (Val value : {part.first, part.firstBlock, part.last, part.endBlock, part.slot})
      k.store(value, k.at(to, 4 * offset++));
  });
  k.finish();
}

static std::string compile(const WorkSplitChoices &choices) {
  mlir::DialectRegistry registry;
  mla::registerStageDialects(registry, Stage::NVVM);
  mlir::MLIRContext context(registry);
  context.loadDialect<mlir::arith::ArithDialect, mlir::gpu::GPUDialect, mlir::LLVM::LLVMDialect,
                      mlir::NVVM::NVVMDialect, mlir::scf::SCFDialect>();
  mlir::OpBuilder builder(&context);
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(builder.getUnknownLoc());
  builder.setInsertionPointToStart(module->getBody());
  mlir::Attribute target = mlir::NVVM::NVVMTargetAttr::get(&context, 3, "nvptx64-nvidia-cuda", "sm_90a", "+ptx86");
  auto kernels =
      mlir::gpu::GPUModuleOp::create(builder, builder.getUnknownLoc(), "kernels", builder.getArrayAttr(target));
  emitDivide(kernels, choices);
  mlir::PassManager pm(&context);
  buildNVVMPipeline(pm);
  EXPECT_TRUE(mlir::succeeded(pm.run(*module)));
  llvm::Expected<std::string> ptx = emitPTX(kernels);
  EXPECT_TRUE(static_cast<bool>(ptx));
  return ptx ? *ptx : std::string();
}

//===----------------------------------------------------------------------===//
// The device
//===----------------------------------------------------------------------===//

namespace {
class Divider : public testing::TestWithParam<int64_t> {
protected:
  void SetUp() override {
    setenv("MLA_LIBCUDA", MLA_TEST_EMULATED_CUDA, 1);
    Result<const cuda::Driver *> loaded = cuda::driver("test");
    ASSERT_TRUE(loaded) << loaded.error().message();
    driver = *loaded;
    cuda::ContextHandle context = nullptr;
    ASSERT_EQ(driver->cuDevicePrimaryCtxRetain(&context, 0), cuda::success);
    ASSERT_EQ(driver->cuCtxPushCurrent(context), cuda::success);
    choices.fixed = GetParam();
    std::string ptx = compile(choices);
    ASSERT_EQ(driver->cuModuleLoadDataEx(&module, ptx.c_str(), 0, nullptr, nullptr), cuda::success);
    ASSERT_EQ(driver->cuModuleGetFunction(&function, module, kernelName), cuda::success);
  }
  void TearDown() override {
    driver->cuModuleUnload(module);
    cuda::ContextHandle context = nullptr;
    driver->cuCtxPopCurrent(&context);
    driver->cuDevicePrimaryCtxRelease(0);
  }

  cuda::Address upload(const std::vector<int32_t> &values) {
    cuda::Address address = 0;
    EXPECT_EQ(driver->cuMemAlloc(&address, values.size() * 4), cuda::success);
    EXPECT_EQ(driver->cuMemcpyHtoD(address, values.data(), values.size() * 4), cuda::success);
    return address;
  }

  /// Returns the parts of every batch, one batch after the other.
  std::vector<Part> divide(const std::vector<std::vector<int32_t>> &batches, int32_t parts) {
    std::vector<int32_t> lengths, first = {0};
    for (const std::vector<int32_t> &batch : batches) {
      lengths.insert(lengths.end(), batch.begin(), batch.end());
      first.push_back(static_cast<int32_t>(lengths.size()));
    }
    std::vector<Part> result(batches.size() * parts);
    cuda::Address addresses[3] = {upload(lengths), upload(first), upload(std::vector<int32_t>(result.size() * 5))};
    void *arguments[] = {&addresses[0], &addresses[1], &addresses[2], &parts};
    cuda::LaunchConfig config = {{static_cast<unsigned>(batches.size()), static_cast<unsigned>(parts), 1},
                                 {threads, 1, 1},
                                 0,
                                 nullptr,
                                 nullptr,
                                 0};
    EXPECT_EQ(driver->cuLaunchKernelEx(&config, function, arguments, nullptr), cuda::success);
    cuda::Status status = driver->cuMemcpyDtoH(result.data(), addresses[2], result.size() * sizeof(Part));
    EXPECT_EQ(status, cuda::success) << driver->describe(status);
    for (cuda::Address address : addresses)
      driver->cuMemFree(address);
    return result;
  }

  const cuda::Driver *driver = nullptr;
  cuda::Module module = nullptr;
  cuda::Function function = nullptr;
  WorkSplitChoices choices;
};
} // namespace

//===----------------------------------------------------------------------===//
// Properties
//===----------------------------------------------------------------------===//

static int64_t blocksOf(int32_t length) { return std::max<int64_t>((length + blockTokens - 1) / blockTokens, 1); }

/// Returns the splits of each sequence, in the order of the attention kernel: one part after the other.
static std::vector<std::vector<Split>> follow(const std::vector<int32_t> &lengths, const Part *parts, int32_t count,
                                              int64_t fixed) {
  std::vector<std::vector<Split>> splits(lengths.size());
  for (const Part *part = parts; part != parts + count; ++part) {
    int64_t ordinal = 0, sequence = part->first, begin = part->firstBlock;
    for (; sequence <= part->last; ++ordinal) {
      int64_t blocks = blocksOf(lengths.at(sequence));
      int64_t limit = sequence == part->last ? part->endBlock : blocks;
      int64_t end = fixed ? std::min(begin + fixed, limit) : limit;
      bool whole = begin == 0 && end == blocks;
      splits[sequence].push_back(
          {begin, end, whole ? -1 : part->slot + (fixed ? ordinal : std::min<int64_t>(ordinal, 1))});
      bool same = fixed && end < limit;
      sequence += same ? 0 : 1;
      begin = same ? end : 0;
    }
  }
  return splits;
}

/// Checks that the parts cover the blocks of a sequence in order, each once.
static void expectCovered(const std::vector<Split> &splits, int32_t length) {
  int64_t at = 0;
  for (const Split &split : splits) {
    EXPECT_EQ(split.begin, at);
    EXPECT_GT(split.end, split.begin);
    at = split.end;
  }
  EXPECT_EQ(at, blocksOf(length));
}

/// Checks that WorkSplit::splitsOf finds the slots of all splits from those of the first and the last.
static void expectSlotsFound(const std::vector<Split> &splits, int64_t fixed) {
  int64_t count = static_cast<int64_t>(splits.size()), first = splits.front().slot, last = splits.back().slot;
  if (count == 1) {
    EXPECT_EQ(first, -1);
    return;
  }
  int64_t second = fixed ? first + 1 : first / 2 * 2 + 2, step = fixed ? 1 : 2;
  EXPECT_EQ(fixed ? last - first + 1 : (last - second) / 2 + 2, count);
  for (int64_t i = 1; i < count; ++i)
    EXPECT_EQ(splits[i].slot, second + (i - 1) * step);
}

/// Checks that partial results have different slots, all in the workspace (WorkSplit::slots).
static void expectSlotsDistinct(const std::vector<std::vector<Split>> &splits, const std::vector<int32_t> &lengths,
                                int32_t parts, int64_t fixed) {
  std::vector<int64_t> slots;
  for (const std::vector<Split> &sequence : splits)
    for (const Split &split : sequence)
      if (split.slot >= 0)
        slots.push_back(split.slot);
  std::sort(slots.begin(), slots.end());
  EXPECT_EQ(std::adjacent_find(slots.begin(), slots.end()), slots.end());
  int64_t longest = *std::max_element(lengths.begin(), lengths.end()), tokens = blockTokens * fixed;
  int64_t room = fixed ? static_cast<int64_t>(lengths.size()) * ((longest + tokens + tokens - 1) / tokens) : 2 * parts;
  if (!slots.empty())
    EXPECT_LT(slots.back(), room);
}

/// Returns the blocks of the largest part, with the overhead of a split.
static int64_t costOf(const std::vector<int32_t> &lengths, const Part *parts, int32_t count, int64_t overhead) {
  int64_t most = 0;
  for (const Part *part = parts; part != parts + count; ++part) {
    int64_t cost = 0;
    for (int64_t s = part->first; s <= part->last; ++s) {
      int64_t begin = s == part->first ? part->firstBlock : 0,
              end = s == part->last ? part->endBlock : blocksOf(lengths[s]);
      cost += end - begin + overhead;
    }
    most = std::max(most, cost);
  }
  return most;
}

//===----------------------------------------------------------------------===//
// Random batches
//===----------------------------------------------------------------------===//

/// Equal sequences, random lengths up to a limit, or mostly short sequences with a few long ones, as in a server.
static std::vector<int32_t> randomBatch(std::mt19937 &random) {
  auto below = [&](int32_t limit) { return static_cast<int32_t>(random() % static_cast<uint32_t>(limit)); };
  std::vector<int32_t> lengths(1 + below(below(4) ? 40 : 300));
  int32_t kind = below(4), limit = 1 + below(below(2) ? 400 : 20000);
  for (int32_t &length : lengths)
    length = kind == 0 ? limit : kind == 1 ? below(limit + 1) : kind == 2 ? below(below(8) ? 200 : 30000) : below(130);
  return lengths;
}

static constexpr int launches = 180, batchesOfLaunch = 100;

TEST_P(Divider, CoversEveryBlockOnce) {
  std::mt19937 random(20261128 + GetParam());
  for (int launch = 0; launch < launches && !HasFailure(); ++launch) {
    int32_t parts = 1 + static_cast<int32_t>(random() % (launch % 5 ? 24 : 132));
    std::vector<std::vector<int32_t>> batches(launch % 5 ? batchesOfLaunch : batchesOfLaunch / 4);
    for (std::vector<int32_t> &batch : batches)
      batch = randomBatch(random);
    std::vector<Part> found = divide(batches, parts);
    for (size_t i = 0; i < batches.size() && !HasFailure(); ++i) {
      SCOPED_TRACE("launch " + std::to_string(launch) + ", batch " + std::to_string(i) + ", parts " +
                   std::to_string(parts));
      const Part *own = &found[i * parts];
      std::vector<std::vector<Split>> splits = follow(batches[i], own, parts, choices.fixed);
      for (size_t s = 0; s < splits.size(); ++s) {
        expectCovered(splits[s], batches[i][s]);
        if (!HasFailure())
          expectSlotsFound(splits[s], choices.fixed);
      }
      expectSlotsDistinct(splits, batches[i], parts, choices.fixed);
      int64_t total = 0, longest = 0, overhead = choices.overhead;
      for (int32_t length : batches[i]) {
        total += blocksOf(length) + overhead;
        longest = std::max(longest, blocksOf(length));
      }
      // A part has its share of the line, and at most one more cut on either side.
      if (!choices.fixed)
        EXPECT_LE(costOf(batches[i], own, parts, overhead), (total + parts - 1) / parts * 2 + 3 * overhead);
    }
  }
}

/// Checks that equal sequences that nearly fill the parts are not split: merging would cost more than idle parts.
TEST_P(Divider, KeepsEqualSequencesWhole) {
  if (choices.fixed)
    GTEST_SKIP() << "splits of a fixed length";
  for (auto [count, length, parts] :
       {std::tuple(64, 16384, 66), std::tuple(128, 4096, 33), std::tuple(128, 16384, 132)}) {
    std::vector<int32_t> lengths(count, length);
    std::vector<Part> found = divide({lengths}, parts);
    for (const std::vector<Split> &splits : follow(lengths, found.data(), parts, choices.fixed))
      EXPECT_EQ(splits.size(), 1u) << count << " of " << length << " in " << parts;
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, Divider, testing::Values(0, 32), [](const testing::TestParamInfo<int64_t> &info) {
  return info.param ? "FixedSplits" : "ByCost";
});

/// Checks that the checks detect a wrong division.
TEST(WorkSplitChecks, SeeABlockThatIsLeftOut) {
  std::vector<int32_t> lengths = {300};
  Part parts[] = {{0, 0, 0, 2, 0}, {0, 3, 0, 5, 2}};
  std::vector<std::vector<Split>> splits = follow(lengths, parts, 2, 0);
  EXPECT_NE(splits[0][1].begin, splits[0][0].end);
  parts[1].firstBlock = 2;
  splits = follow(lengths, parts, 2, 0);
  expectCovered(splits[0], lengths[0]);
  expectSlotsFound(splits[0], 0);
}
