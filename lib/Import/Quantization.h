//===- Quantization.h - Weights in e4m3 in config.json ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_QUANTIZATION_H
#define MLA_LIB_IMPORT_QUANTIZATION_H

#include "mla/Import/Config.h"

#include "llvm/Support/JSON.h"

namespace mla::importer {

/// Parse quantization_config. A quantization other than e4m3 is recorded and not rejected because it may not affect the
/// attention (only the experts, for example), which the attention's tensors show.
llvm::Error parseQuantization(const llvm::json::Object &root, llvm::StringRef where, AttentionConfig &config);

/// Return the block of a module's weight if the config has it in e4m3. `module` is its usual name:
/// "model.layers.0.self_attn.o_proj". Lists of the config may use others (namesInLists).
std::optional<BlockQuantization> announcedBlock(const AttentionConfig &config, llvm::StringRef module);

/// Return the groups of a module's weight in integers, likewise; null if the config does not say it.
const IntegerQuantization::Group *announcedGroup(const AttentionConfig &config, llvm::StringRef module);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_QUANTIZATION_H
