//===- LanguageModel.h - Configs that contain a language model --*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_LANGUAGEMODEL_H
#define MLA_LIB_IMPORT_LANGUAGEMODEL_H

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>

namespace mla::importer {

/// The parsed config.json of a language model, which may be part of the config of a multimodal model.
struct LanguageModelConfig {
  llvm::json::Object root;
  std::string where;     ///< Prefix of errors: the path, and the key of the part.
  std::string wrappedIn; ///< The outer model and the key, "kimi_k25: its text_config"; "" if there is none.
};

llvm::Expected<LanguageModelConfig> parseLanguageModel(llvm::StringRef json, llvm::StringRef where);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_LANGUAGEMODEL_H
