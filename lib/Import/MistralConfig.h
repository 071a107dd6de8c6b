//===- MistralConfig.h - Mistral's params.json ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_MISTRALCONFIG_H
#define MLA_LIB_IMPORT_MISTRALCONFIG_H

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace mla::importer {

/// Give the keys of a params.json with latent attention the names of a config.json. Other configs are unchanged.
llvm::Error translateMistral(llvm::json::Object &root, llvm::StringRef where);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_MISTRALCONFIG_H
