//===- FakeKernels.cpp - Kernels of the stand-in for the driver -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"

#include "Float.h"
#include "RowVerdict.h"
#include "StepVerdict.h"

#include <algorithm>

using namespace mla;

/// The function of the CPU's test code, in bf16: (hidden, cu_seqlens, pages, block_table, lengths, weight, out,
/// batch, page, row, hidden_size, table_width).
static void runSum(const FakeLaunch &launch) {
  auto *hidden = reinterpret_cast<const uint16_t *>(launch.pointer(0));
  auto *cu = reinterpret_cast<const int32_t *>(launch.pointer(1));
  auto *pages = reinterpret_cast<uint16_t *>(launch.pointer(2));
  auto *table = reinterpret_cast<const int32_t *>(launch.pointer(3));
  auto *lengths = reinterpret_cast<const int32_t *>(launch.pointer(4));
  float weight = *reinterpret_cast<const float *>(launch.pointer(5));
  auto *out = reinterpret_cast<uint16_t *>(launch.pointer(6));
  int32_t page = launch.integer(8), row = launch.integer(9), width = launch.integer(10);
  for (int32_t b = 0; b < launch.integer(7); ++b)
    for (int32_t token = cu[b]; token < cu[b + 1]; ++token) {
      int32_t position = lengths[b] - cu[b + 1] + token;
      auto at = [&](int32_t k) -> uint16_t & {
        return pages[(static_cast<int64_t>(table[b * launch.integer(11) + k / page]) * page + k % page) * row];
      };
      at(position) = hidden[token * width];
      float sum = 0;
      for (int32_t k = 0; k <= position; ++k)
        sum += widenBF16(at(k));
      for (int32_t j = 0; j < width; ++j)
        out[token * width + j] = roundToBF16(weight * sum);
    }
}

/// Like the runtime on a CPU, with the arguments of the compiler's kernel.
static void runStepCheck(const FakeLaunch &launch) {
  StepTables tables;
  tables.cuSeqlens = reinterpret_cast<const int32_t *>(launch.pointer(0));
  tables.lengths = reinterpret_cast<const int32_t *>(launch.pointer(1));
  tables.blockTable = reinterpret_cast<const int32_t *>(launch.pointer(2));
  auto *out = reinterpret_cast<mla_step_verdict *>(launch.pointer(3));
  tables.tokens = launch.integer(4);
  tables.batch = launch.integer(5);
  tables.maxQueries = launch.integer(6);
  tables.maxLength = launch.integer(7);
  tables.tableWidth = launch.integer(8);
  tables.pages = launch.integer(9);
  tables.page = launch.integer(10);
  for (int32_t sequence = 0; sequence < tables.batch; ++sequence)
    out[sequence] = judgeSequence(tables, sequence);
}

/// Like the compiler's kernel; the constants of the cache follow its arguments.
static void runRowCheck(const FakeLaunch &launch) {
  StepTables tables;
  tables.cuSeqlens = reinterpret_cast<const int32_t *>(launch.pointer(0));
  tables.lengths = reinterpret_cast<const int32_t *>(launch.pointer(1));
  tables.blockTable = reinterpret_cast<const int32_t *>(launch.pointer(2));
  auto *out = reinterpret_cast<mla_row_verdict *>(launch.pointer(4));
  tables.batch = launch.integer(5);
  tables.tableWidth = launch.integer(6);
  tables.page = launch.integer(8);
  PackedRows rows =
      packedRows(static_cast<schema::CacheFormat>(launch.integer(9)), launch.integer(10), launch.integer(11));
  rows.pages = reinterpret_cast<const void *>(launch.pointer(3));
  for (int32_t sequence = 0; sequence < tables.batch; ++sequence)
    out[sequence] = judgeRows(tables, rows, sequence);
}

/// Rows of the id: (ids, weight, hidden, tokens, hidden_size). Zeros for an id that is none of 0 to 9.
static void runEmbed(const FakeLaunch &launch) {
  auto *ids = reinterpret_cast<const int32_t *>(launch.pointer(0));
  float weight = *reinterpret_cast<const float *>(launch.pointer(1));
  auto *hidden = reinterpret_cast<uint16_t *>(launch.pointer(2));
  int32_t width = launch.integer(4);
  for (int32_t i = 0; i < launch.integer(3) * width; ++i) {
    int32_t id = ids[i / width];
    hidden[i] = roundToBF16(id >= 0 && id < 10 ? weight * static_cast<float>(id) : 0);
  }
}

/// The distance of each number to the row's first element, negated: (hidden, weight, logits, rows, hidden_size,
/// vocab_size).
static void runLogits(const FakeLaunch &launch) {
  auto *hidden = reinterpret_cast<const uint16_t *>(launch.pointer(0));
  float weight = *reinterpret_cast<const float *>(launch.pointer(1));
  auto *logits = reinterpret_cast<float *>(launch.pointer(2));
  int32_t width = launch.integer(4), vocabulary = launch.integer(5);
  for (int32_t row = 0; row < launch.integer(3); ++row)
    for (int32_t j = 0; j < vocabulary; ++j) {
      float distance = widenBF16(hidden[row * width]) - static_cast<float>(j);
      logits[row * vocabulary + j] = weight * (distance < 0 ? distance : -distance);
    }
}

/// (logits, next, rows, vocab_size)
static void runNext(const FakeLaunch &launch) {
  auto *logits = reinterpret_cast<const float *>(launch.pointer(0));
  auto *next = reinterpret_cast<int32_t *>(launch.pointer(1));
  int32_t vocabulary = launch.integer(3);
  for (int32_t row = 0; row < launch.integer(2); ++row) {
    const float *first = logits + row * vocabulary;
    next[row] = static_cast<int32_t>(std::max_element(first, first + vocabulary) - first);
  }
}

void runFakeKernel(const FakeLaunch &launch) {
  if (launch.kernel == "embed")
    runEmbed(launch);
  if (launch.kernel == "logits")
    runLogits(launch);
  if (launch.kernel == "next")
    runNext(launch);
  if (launch.kernel == "sum_bf16")
    runSum(launch);
  if (launch.kernel == "step_check")
    runStepCheck(launch);
  if (launch.kernel == "row_check")
    runRowCheck(launch);
}
