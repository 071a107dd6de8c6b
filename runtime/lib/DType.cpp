//===- DType.cpp - Element types of safetensors ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/safetensors.h"

using namespace mla;

namespace {
struct DTypeInfo {
  DType dtype;
  const char *name;
  unsigned size;
};
} // namespace

// In the order of the enumeration.
static constexpr DTypeInfo table[] = {
    {DType::BOOL, "BOOL", 1},       {DType::U8, "U8", 1},           {DType::I8, "I8", 1},
    {DType::F8_E4M3, "F8_E4M3", 1}, {DType::F8_E5M2, "F8_E5M2", 1}, {DType::F8_E8M0, "F8_E8M0", 1},
    {DType::I16, "I16", 2},         {DType::U16, "U16", 2},         {DType::F16, "F16", 2},
    {DType::BF16, "BF16", 2},       {DType::I32, "I32", 4},         {DType::U32, "U32", 4},
    {DType::F32, "F32", 4},         {DType::I64, "I64", 8},         {DType::U64, "U64", 8},
    {DType::F64, "F64", 8},         {DType::Other, "OTHER", 1},
};

unsigned mla::dtypeSize(DType dtype) { return table[static_cast<size_t>(dtype)].size; }

const char *mla::dtypeName(DType dtype) { return table[static_cast<size_t>(dtype)].name; }

std::optional<DType> mla::parseDType(std::string_view name) {
  for (const DTypeInfo &info : table)
    if (info.dtype != DType::Other && name == info.name)
      return info.dtype;
  return std::nullopt;
}
