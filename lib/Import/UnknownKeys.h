//===- UnknownKeys.h - Config keys that nobody reads ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_UNKNOWNKEYS_H
#define MLA_LIB_IMPORT_UNKNOWNKEYS_H

#include "Families.h"

#include "llvm/Support/JSON.h"

namespace mla::importer {

/// Return the keys that sound like attention, are neither read nor known to be harmless, and are set.
std::vector<std::string> findUnknownKeys(const llvm::json::Object &root, const Family &family);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_UNKNOWNKEYS_H
