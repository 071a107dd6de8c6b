//===- CheckpointIndex.h - Which shard has which tensor ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_CHECKPOINTINDEX_H
#define MLA_LIB_IMPORT_CHECKPOINTINDEX_H

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mla::importer {

/// Tensor name to the name of a file in the index's directory.
using CheckpointIndex = llvm::StringMap<std::string>;

/// Reads a regular file of text.
llvm::Expected<std::string> readTextFile(llvm::StringRef path);

/// Reads model.safetensors.index.json. A file name that would lead out of the directory is refused.
llvm::Expected<CheckpointIndex> readCheckpointIndex(llvm::StringRef path);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_CHECKPOINTINDEX_H
