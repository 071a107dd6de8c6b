//===- StepCheck.cpp - The check of a step's tables -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StepCheck.h"
#include "Core.h"

#include "mla/Conversion/MLAToGPU/KernelBuilder.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/IR/Sizes.h"
#include "mla/abi.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

namespace {
class StepCheck {
public:
  explicit StepCheck(mlir::gpu::GPUModuleOp kernels)
      : k(kernels, nameOf(schema::Core::StepCheck), checkThreads, /*oneBlock=*/false), cu(k.addPointer()),
        lengths(k.addPointer()), table(k.addPointer()), out(k.addPointer()), tokens(k.addInt()), batch(k.addInt()),
        maxQueries(k.addInt()), maxLength(k.addInt()), tableWidth(k.addInt()), pages(k.addInt()), page(k.addInt()) {}
  void emit();

private:
  /// mla_step_verdict: fault, entry, value, length.
  using Verdict = Vals;
  Val integer(unsigned pointer, Val index) { return k.load(k.at(k.argument(pointer), index * 4), k.i32Type(), 4); }
  Verdict judge(Val sequence, Val lane);
  void judgePages(Verdict &verdict, Val sequence, Val lane);
  void accuse(Verdict &verdict, Val broken, mla_step_fault fault, Val entry, Val value);

  KernelBuilder k;
  unsigned cu, lengths, table, out, tokens, batch, maxQueries, maxLength, tableWidth, pages, page;
};
} // namespace

void StepCheck::emit() {
  k.begin();
  Val sequence = k.blockX() * checkedSequencesOfBlock + k.shuffle(k.thread() >> 5, k.i32(0)), lane = k.thread() & 31;
  k.when(sequence < k.argument(batch), [&] {
    Verdict verdict = judge(sequence, lane);
    // Every lane writes the same.
    k.store(k.vectorOf(verdict), k.at(k.argument(out), k.extend(sequence) * sizeof(mla_step_verdict)), 16);
  });
  k.finish();
}

/// Records a fault unless there is one.
void StepCheck::accuse(Verdict &verdict, Val broken, mla_step_fault fault, Val entry, Val value) {
  Val first = broken & (verdict[0] == MLA_STEP_RIGHT);
  verdict[0] = select(first, k.i32(fault), verdict[0]);
  verdict[1] = select(first, entry, verdict[1]);
  verdict[2] = select(first, value, verdict[2]);
}

/// Checks in the order of mla_step_fault: later checks rely on earlier ones.
StepCheck::Verdict StepCheck::judge(Val sequence, Val lane) {
  Val at = k.extend(sequence), begin = integer(cu, at), end = integer(cu, at + 1), length = integer(lengths, at);
  Val queries = end - begin, next = sequence + 1;
  Verdict verdict = {k.i32(MLA_STEP_RIGHT), k.i32(0), k.i32(0), length};
  accuse(verdict, (begin < 0) | ((sequence == 0) & (begin != 0)), MLA_STEP_BEGIN, sequence, begin);
  accuse(verdict, end < begin, MLA_STEP_FALLING, next, end);
  accuse(verdict, end > k.argument(tokens), MLA_STEP_BEYOND_TOKENS, next, end);
  accuse(verdict, queries > k.argument(maxQueries), MLA_STEP_QUERIES, next, queries);
  accuse(verdict, length < queries, MLA_STEP_SHORT, sequence, length);
  accuse(verdict, length > k.argument(maxLength), MLA_STEP_LONG, sequence, length);
  judgePages(verdict, sequence, lane);
  accuse(verdict, (next == k.argument(batch)) & (end < k.argument(tokens)), MLA_STEP_UNCOVERED, next, end);
  return verdict;
}

/// Each lane checks every 32nd entry. Skipped after a fault, since the length might lead out of the table.
void StepCheck::judgePages(Verdict &verdict, Val sequence, Val lane) {
  Val none = k.i32(INT32_MIN), width = k.argument(tableWidth), tokensOfPage = k.argument(page);
  Val used = min((verdict[3] + tokensOfPage - 1) / tokensOfPage, width);
  Val count = select(verdict[0] == MLA_STEP_RIGHT, used, k.i32(0));
  Val row = k.extend(sequence) * k.extend(width);
  auto isWrong = [&](Val number) { return (number < 0) | (number >= k.argument(pages)); };
  // The maximum of negated indices: the first.
  Val found = k.loop(lane, count, k.i32(32), {none}, [&](Val i, llvm::ArrayRef<Val> found) -> Vals {
    return {max(found[0], select(isWrong(integer(table, row + k.extend(i))), k.i32(0) - i, none))};
  })[0];
  Val first = k.i32(0) - k.warpMax(found), exists = first >= 0;
  Val value = k.choose(
      exists, [&]() -> Vals { return {integer(table, row + k.extend(first))}; }, [&]() -> Vals { return {none}; })[0];
  accuse(verdict, exists, MLA_STEP_PAGE, first, value);
}

void mla::gpu::addCheck(ModuleOp module, mlir::gpu::GPUModuleOp kernels, schema::Core core, ArrayRef<StringRef> buffers,
                        ArrayRef<AffineExpr> integers) {
  AffineExpr blocks = expressionOf(Size::Batch, module.getContext()).ceilDiv(checkedSequencesOfBlock);
  addCore(module, kernels, core, {blocks, checkThreads, /*sharedBytes=*/0}, buffers, integers);
}

void mla::gpu::addStepCheck(ModuleOp module, mlir::gpu::GPUModuleOp kernels, int64_t page) {
  StepCheck(kernels).emit();
  MLIRContext *context = module.getContext();
  SmallVector<AffineExpr> integers;
  for (Size size : {Size::Tokens, Size::Batch, Size::MaxQueries, Size::MaxLength, Size::TableWidth, Size::Pages})
    integers.push_back(expressionOf(size, context));
  integers.push_back(getAffineConstantExpr(page, context));
  addCheck(module, kernels, schema::Core::StepCheck, {"cu_seqlens", "lengths", "block_table", "out"}, integers);
}
