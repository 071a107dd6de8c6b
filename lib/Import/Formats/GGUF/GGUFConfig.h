//===- GGUFConfig.h - The attention's config in a GGUF file -----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_FORMATS_GGUF_GGUFCONFIG_H
#define MLA_LIB_IMPORT_FORMATS_GGUF_GGUFCONFIG_H

#include "GGUFFile.h"

namespace mla::importer {

/// Return the text of a config.json with the attention that the metadata describes. Reject other architectures, and
/// keys about attention or RoPE without a counterpart.
llvm::Expected<std::string> configOfGGUF(const GGUFFile &file);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_FORMATS_GGUF_GGUFCONFIG_H
