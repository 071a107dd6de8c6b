//===- RowCheck.cpp - The check of a step's rows in a cache ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowCheck.h"
#include "StepCheck.h"

#include "mla/Conversion/MLAToGPU/KernelBuilder.h"
#include "mla/Dialect/MLA/IR/Sizes.h"
#include "mla/abi.h"
#include "mla/cache_format.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

namespace {
class RowCheck {
public:
  RowCheck(mlir::gpu::GPUModuleOp kernels, CacheType cache)
      : cache(cache), k(kernels, nameOf(schema::Core::RowCheck), checkThreads, /*oneBlock=*/false), cu(k.addPointer()),
        lengths(k.addPointer()), table(k.addPointer()), pages(k.addPointer()), out(k.addPointer()), batch(k.addInt()),
        tableWidth(k.addInt()), pageCount(k.addInt()) {}
  void emit();

private:
  /// mla_row_verdict: tokens, position, offset, word.
  using Verdict = Vals;
  Val integer(unsigned pointer, Val index) { return k.load(k.at(k.argument(pointer), index * 4), k.i32Type(), 4); }
  Verdict judge(Val sequence, Val lane);
  Verdict judgeToken(llvm::ArrayRef<Val> verdict, Val sequence, Val position, Val lane);
  Verdict judgeRow(llvm::ArrayRef<Val> verdict, Val row, Val position, Val lane);
  Val findIn(const schema::RowLimit &limit, Val row, Val lane, Val found);

  CacheType cache;
  KernelBuilder k;
  unsigned cu, lengths, table, pages, out, batch, tableWidth, pageCount;
};
} // namespace

void RowCheck::emit() {
  k.begin();
  Val sequence = k.blockX() * checkedSequencesOfBlock + k.shuffle(k.thread() >> 5, k.i32(0)), lane = k.thread() & 31;
  k.when(sequence < k.argument(batch), [&] {
    // Every lane writes the same.
    k.store(k.vectorOf(judge(sequence, lane)), k.at(k.argument(out), k.extend(sequence) * sizeof(mla_row_verdict)), 16);
  });
  k.finish();
}

RowCheck::Verdict RowCheck::judge(Val sequence, Val lane) {
  Val at = k.extend(sequence), queries = integer(cu, at + 1) - integer(cu, at), before = integer(lengths, at) - queries;
  Verdict none = {k.i32(0), k.i32(0), k.i32(0), k.i32(0)};
  return k.loop(k.i32(0), queries, k.i32(1), none, [&](Val token, llvm::ArrayRef<Val> verdict) {
    return judgeToken(verdict, sequence, before + token, lane);
  });
}

/// Returns the verdict with this token. One without a row in the cache does not count.
RowCheck::Verdict RowCheck::judgeToken(llvm::ArrayRef<Val> verdict, Val sequence, Val position, Val lane) {
  Val width = k.argument(tableWidth), entry = max(position, k.i32(0)) / cache.getPage(), none = k.i32(-1);
  Val page =
      k.choose((position >= 0) & (entry < width),
               [&]() -> Vals { return {integer(table, k.extend(sequence) * k.extend(width) + k.extend(entry))}; },
               [&]() -> Vals { return {none}; })[0];
  return k.choose((page >= 0) & (page < k.argument(pageCount)),
                  [&] {
                    Val index = k.extend(page) * cache.getPage() + k.extend(position % cache.getPage());
                    return judgeRow(verdict, k.at(k.argument(pages), index * cache.getPackedRow().bytes), position,
                                    lane);
                  },
                  [&] { return Vals(verdict); });
}

RowCheck::Verdict RowCheck::judgeRow(llvm::ArrayRef<Val> verdict, Val row, Val position, Val lane) {
  auto format = static_cast<schema::CacheFormat>(cache.getFormat());
  schema::RowLimits limits = schema::limitsOf(format, cache.getLatent(), cache.getRope());
  // The maximum of negated offsets: the first.
  Val found = k.i32(INT32_MIN);
  for (const schema::RowLimit &limit : limits.parts)
    if (limit.words)
      found = findIn(limit, row, lane, found);
  Val offset = k.i32(0) - k.warpMax(found), exists = offset >= 0, isFirst = exists & (verdict[0] == 0);
  Val word = k.choose(
      isFirst, [&]() -> Vals { return {k.load(k.at(row, offset), k.i32Type(), 4)}; },
      [&]() -> Vals { return {verdict[3]}; })[0];
  return {verdict[0] + k.toInt(exists, k.i32Type()), select(isFirst, position, verdict[1]),
          select(isFirst, offset, verdict[2]), word};
}

/// Each lane tests every 32nd word of the part. `found` is of the parts before.
Val RowCheck::findIn(const schema::RowLimit &limit, Val row, Val lane, Val found) {
  return k.loop(lane, k.i32(limit.words), k.i32(32), {found}, [&](Val i, llvm::ArrayRef<Val> state) -> Vals {
    Val offset = i * 4 + limit.offset, word = k.load(k.at(row, offset), k.i32Type(), 4);
    Val carried = (word & k.i32(static_cast<int32_t>(limit.masks()))) + k.i32(static_cast<int32_t>(limit.carry()));
    Val isReached = (carried & k.i32(static_cast<int32_t>(limit.top()))) != 0;
    return {max(state[0], select(isReached, k.i32(0) - offset, k.i32(INT32_MIN)))};
  })[0];
}

void mla::gpu::addRowCheck(ModuleOp module, mlir::gpu::GPUModuleOp kernels, CacheType cache) {
  RowCheck(kernels, cache).emit();
  MLIRContext *context = module.getContext();
  addCheck(module, kernels, schema::Core::RowCheck, {"cu_seqlens", "lengths", "block_table", "pages", "out"},
           {expressionOf(Size::Batch, context), expressionOf(Size::TableWidth, context),
            expressionOf(Size::Pages, context)});
}
