//===- ModuleNames.h - Modules with other names -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_MODULENAMES_H
#define MLA_LIB_IMPORT_MODULENAMES_H

#include "Json.h"
#include "mla/Import/Checkpoint.h"

namespace mla::importer {

/// Return the name of a layer's tensor or module in a checkpoint of this family whose layers are "model.layers.K.":
/// "model.layers.1.attention.dense" for "model.layers.1.self_attn.o_proj" of Ling.
std::string nameInCheckpoint(llvm::StringRef name, const AttentionConfig &config);

/// Return the name of a tensor or module in the files of a checkpoint.
std::string nameInFile(const Checkpoint &checkpoint, llvm::StringRef name, const AttentionConfig &config);

/// Return the names by which lists of a config may call a module with the usual name `module`, such as `ignore` or
/// `modules_to_not_convert`: its names in transformers and in the checkpoint, and those in a model around this one.
std::vector<std::string> namesInLists(llvm::StringRef module, const AttentionConfig &config);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_MODULENAMES_H
