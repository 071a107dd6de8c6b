//===- LanguageModel.h - A model inside another's config --------*- C++ -*-===//
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

/// A parsed config.json of a language model, perhaps from inside that of a model of images and text.
struct LanguageModelConfig {
  llvm::json::Object root;
  std::string where;     ///< What begins errors: the path, and the key inside.
  std::string wrappedIn; ///< The model around it and the key, "kimi_k25: its text_config"; "" where there is none.
};

llvm::Expected<LanguageModelConfig> parseLanguageModel(llvm::StringRef json, llvm::StringRef where);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_LANGUAGEMODEL_H
