//===- RowVerdict.cpp - Numbers that a packed cache cannot hold -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowVerdict.h"
#include "Float.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace mla;

PackedRows mla::packedRows(schema::CacheFormat format, int64_t latent, int64_t rope) {
  PackedRows rows;
  rows.rowBytes = schema::packedRow(format, latent, rope).bytes;
  rows.limits = schema::limitsOf(format, latent, rope);
  return rows;
}

static bool isReached(const schema::RowLimit &limit, uint32_t word) {
  return ((word & limit.masks()) + limit.carry()) & limit.top();
}

/// Finds the first four bytes of the row; returns whether there are any.
static bool findIn(const char *row, const schema::RowLimits &limits, mla_row_verdict &verdict) {
  for (const schema::RowLimit &limit : limits.parts)
    for (int64_t i = 0; i < limit.words; ++i) {
      uint32_t word = 0;
      std::memcpy(&word, row + limit.offset + 4 * i, sizeof(word));
      if (!isReached(limit, word))
        continue;
      verdict.offset = static_cast<int32_t>(limit.offset + 4 * i);
      verdict.word = word;
      return true;
    }
  return false;
}

mla_row_verdict mla::judgeRows(const StepTables &tables, const PackedRows &rows, int64_t s) {
  int64_t queries = tables.cuSeqlens[s + 1] - tables.cuSeqlens[s], before = tables.lengths[s] - queries;
  mla_row_verdict verdict = {};
  for (int64_t token = 0; token < queries; ++token) {
    int64_t position = before + token;
    if (!tables.isOwn(position / tables.page))
      continue;
    int64_t page = tables.blockTable[s * tables.tableWidth + position / tables.page];
    int64_t row = page * tables.page + position % tables.page;
    mla_row_verdict found = {};
    if (!findIn(static_cast<const char *>(rows.pages) + row * rows.rowBytes, rows.limits, found))
      continue;
    if (!verdict.tokens)
      verdict = {0, static_cast<int32_t>(position), found.offset, found.word};
    ++verdict.tokens;
  }
  return verdict;
}

/// Returns the number of that many bits.
static double valueOf(int bits, uint32_t number) {
  if (bits == 32)
    return floatFromBits(number);
  if (bits == 16)
    return widenBF16(static_cast<uint16_t>(number));
  bool isNaN = (number & 0x7f) == 0x7f;
  return std::copysign(isNaN ? std::numeric_limits<double>::quiet_NaN() : schema::largestE4M3, number & 0x80 ? -1 : 1);
}

mla_saturation mla::firstOf(const mla_row_verdict &verdict, int64_t sequence, const PackedRows &rows) {
  mla_saturation first = {verdict.tokens, sequence, verdict.position, 0, 0};
  for (const schema::RowLimit &limit : rows.limits.parts) {
    int64_t word = (verdict.offset - limit.offset) / 4, perWord = 32 / limit.bits;
    if (verdict.offset < limit.offset || word >= limit.words)
      continue;
    for (int64_t i = 0; i < perWord; ++i) {
      uint32_t number = verdict.word >> (limit.bits * i) & (0xffffffffu >> (32 - limit.bits));
      if ((number & limit.mask) < limit.least)
        continue;
      first.column = limit.column + (word * perWord + i) * limit.columns;
      first.value = valueOf(limit.bits, number);
      return first;
    }
  }
  return first;
}
