//===- Source.h - The config and the weights of a compilation ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_SOURCE_H
#define MLA_LIB_PIPELINE_SOURCE_H

#include "mla/Import/Checkpoint.h"
#include "mla/Pipeline/CompileOptions.h"

namespace mla {

struct Source {
  importer::AttentionConfig config;
  std::string configText; ///< The text of `config`.
  std::string where;      ///< Prefix of errors about the config.
  std::unique_ptr<importer::Checkpoint> checkpoint;
  bool madeWeights; ///< True if weights are generated; they match the config.
};

/// Return the text of the config.json given by the option (`--config`).
llvm::Expected<std::string> readConfig(llvm::StringRef path, llvm::StringRef option);

/// The text of the config that openSource reads, and the prefix of errors about it.
struct ConfigText {
  std::string text, where;
};
llvm::Expected<ConfigText> findConfig(const CompileOptions &options);

/// Check that each of the ranks has a part of the heads.
llvm::Error checkRanks(int64_t heads, llvm::StringRef where, int64_t ranks);

/// Check that `heads` can be divided into equal parts.
llvm::Error checkHeads(int64_t heads, llvm::StringRef where, int64_t tensorParallel);

/// Check that a model is compiled with all of its layers, and has a vocabulary.
llvm::Error checkIsWhole(const Source &source, llvm::ArrayRef<int64_t> layers, const CompileOptions &options);

/// Open the checkpoint and config of the options. The config is --config, or else the one in the checkpoint: the
/// metadata of a file, or the directory's config.json. Two configs of different attentions are an error.
llvm::Expected<Source> openSource(const CompileOptions &options);

} // namespace mla

#endif // MLA_LIB_PIPELINE_SOURCE_H
