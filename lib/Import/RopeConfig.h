//===- RopeConfig.h - The RoPE parameters in config.json --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_ROPECONFIG_H
#define MLA_LIB_IMPORT_ROPECONFIG_H

#include "Families.h"
#include "mla/Import/Config.h"

#include "llvm/Support/JSON.h"

namespace mla::importer {

/// Set rope, ropeInterleaved, softmaxScale and the query's scale per position. The sizes must be set.
llvm::Error parseRope(const llvm::json::Object &root, llvm::StringRef where, const Family &family,
                      AttentionConfig &config);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_ROPECONFIG_H
