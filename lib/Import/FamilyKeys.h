//===- FamilyKeys.h - Config keys of one family -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_FAMILYKEYS_H
#define MLA_LIB_IMPORT_FAMILYKEYS_H

#include "Json.h"
#include "mla/Import/Config.h"

namespace mla::importer {

/// Give keys that have another name in the family their usual one, in the config of the layer.
using TranslateKeys = void (*)(llvm::json::Object &root, std::optional<int64_t> layer);

/// Parse what only this family has, after the sizes.
using ParseKeys = void (*)(FieldReader &reader, AttentionConfig &config, std::optional<int64_t> layer);

/// Keys of attention that a family defines, and what they mean.
struct FamilyKeys {
  llvm::ArrayRef<llvm::StringRef> names = {};
  ParseKeys parse = nullptr;
  TranslateKeys translate = nullptr;
};

/// Entries of layer_types for attention to all keys, the first, or to those that an indexer picks.
constexpr llvm::StringRef fullTypes[] = {"full_attention", "deepseek_sparse_attention", "indexed_attention"};

extern const FamilyKeys axk2Keys, bailingKeys, dots3Keys, glm5NextKeys, hunyuanKeys, indexerKeys, kimiLinearKeys,
    longcatKeys, mistral4Keys, mistralLargeKeys, panguKeys;

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_FAMILYKEYS_H
