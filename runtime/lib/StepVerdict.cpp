//===- StepVerdict.cpp - Faults of a step's tables ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StepVerdict.h"

using namespace mla;

mla_step_verdict mla::judgeSequence(const StepTables &tables, int64_t s) {
  int64_t begin = tables.cuSeqlens[s], end = tables.cuSeqlens[s + 1], length = tables.lengths[s];
  auto verdict = [&](mla_step_fault fault, int64_t entry, int64_t value) -> mla_step_verdict {
    return {fault, static_cast<int32_t>(entry), static_cast<int32_t>(value), static_cast<int32_t>(length)};
  };
  if (begin < 0 || (s == 0 && begin != 0))
    return verdict(MLA_STEP_BEGIN, s, begin);
  if (end < begin)
    return verdict(MLA_STEP_FALLING, s + 1, end);
  if (end > tables.tokens)
    return verdict(MLA_STEP_BEYOND_TOKENS, s + 1, end);
  if (end - begin > tables.maxQueries)
    return verdict(MLA_STEP_QUERIES, s + 1, end - begin);
  if (length < end - begin)
    return verdict(MLA_STEP_SHORT, s, length);
  if (length > tables.maxLength)
    return verdict(MLA_STEP_LONG, s, length);
  const int32_t *row = tables.blockTable + s * tables.tableWidth;
  for (int64_t entry = 0; entry * tables.page < length; ++entry)
    if (tables.isOwn(entry) && (row[entry] < 0 || row[entry] >= tables.pages))
      return verdict(MLA_STEP_PAGE, entry, row[entry]);
  if (s + 1 == tables.batch && end < tables.tokens)
    return verdict(MLA_STEP_UNCOVERED, s + 1, end);
  return verdict(MLA_STEP_RIGHT, 0, 0);
}

static std::string explain(const mla_step_verdict &verdict, int64_t sequence, const StepTables &tables) {
  std::string entry = "[" + std::to_string(verdict.entry) + "]", value = std::to_string(verdict.value);
  std::string cu = "cu_seqlens" + entry + " is " + value, length = "lengths" + entry + " is " + value;
  switch (verdict.fault) {
  case MLA_STEP_BEGIN:
    return cu + "; the first is 0, and none is negative";
  case MLA_STEP_FALLING:
    return cu + ", less than the one before; give cumulative lengths";
  case MLA_STEP_BEYOND_TOKENS:
    return cu + ", more than tokens, " + std::to_string(tables.tokens) + "; raise tokens";
  case MLA_STEP_QUERIES:
    return "it has " + value + " query tokens up to cu_seqlens" + entry + ", more than max_queries, " +
           std::to_string(tables.maxQueries) + "; raise max_queries";
  case MLA_STEP_SHORT:
    return length + ", less than its query tokens; count this step's tokens too";
  case MLA_STEP_LONG:
    return length + ", more than max_length, " + std::to_string(tables.maxLength) + "; raise max_length";
  case MLA_STEP_PAGE:
    return "block_table[" + std::to_string(sequence) + "]" + entry + " is " + value + "; give a page, 0 to " +
           std::to_string(tables.pages - 1);
  case MLA_STEP_UNCOVERED:
    return cu + ", the last, less than tokens, " + std::to_string(tables.tokens) +
           "; end it at tokens, or pass only the tokens that sequences have";
  }
  return "fault " + std::to_string(verdict.fault) + " of a later release";
}

std::string mla::describe(const mla_step_verdict &verdict, int64_t sequence, const StepTables &tables) {
  return "sequence " + std::to_string(sequence) + ": " + explain(verdict, sequence, tables);
}
