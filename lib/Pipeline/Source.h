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
  std::string configText; ///< What `config` was read from.
  std::string where;      ///< What begins errors about the config.
  std::unique_ptr<importer::Checkpoint> checkpoint;
  bool madeWeights; ///< Nobody gave weights; those of the checkpoint fit the config by construction.
};

/// The text of a config.json that the option (`--config`) names.
llvm::Expected<std::string> readConfig(llvm::StringRef path, llvm::StringRef option);

/// The text of the config that openSource reads, and what begins errors about it.
struct ConfigText {
  std::string text, where;
};
llvm::Expected<ConfigText> findConfig(const CompileOptions &options);

/// Whether `heads` can be divided among the ranks.
llvm::Error checkHeads(int64_t heads, llvm::StringRef where, int64_t tensorParallel);

/// Opens what the options name. The config is --config, or else the one that came with the weights: the metadata of a
/// file, or the directory's config.json. Two that describe different attentions are an error.
llvm::Expected<Source> openSource(const CompileOptions &options);

} // namespace mla

#endif // MLA_LIB_PIPELINE_SOURCE_H
