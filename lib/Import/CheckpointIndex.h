//===- CheckpointIndex.h - Map from tensors to shards -----------*- C++ -*-===//
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

/// Maps a tensor to the name of a file in the index's directory.
using CheckpointIndex = llvm::StringMap<std::string>;

/// Read a regular text file.
llvm::Expected<std::string> readTextFile(llvm::StringRef path);

/// Read model.safetensors.index.json. Reject file names outside the index's directory.
llvm::Expected<CheckpointIndex> readCheckpointIndex(llvm::StringRef path);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_CHECKPOINTINDEX_H
