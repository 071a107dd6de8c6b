//===- Golden.h - Golden files ----------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A golden file contains the results of a reference implementation for a few
// steps: prefill.hidden and prefill.out, then decode.N.hidden and decode.N.out,
// each [B, S, hidden_size]. An optional integer tensor prefill.lengths or
// decode.N.lengths [B] contains the number of real tokens among the S of each
// row.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_GOLDEN_H
#define MLA_RUN_GOLDEN_H

#include "Json.h"

#include "mla/runtime.h"
#include "mla/safetensors.h"

namespace mla::run {

struct GoldenStep {
  std::string name; ///< "prefill", "decode.0", …
  const SafetensorsTensor *hidden = nullptr, *out = nullptr;
  std::vector<int64_t> lengths; ///< number of real tokens of each of the B rows

  bool isPrefill() const { return name == "prefill"; }
  int64_t rowTokens() const { return hidden->shape[1]; }
};

struct Golden {
  SafetensorsFile file;
  std::vector<GoldenStep> steps; ///< in the order of replay; at least one

  int64_t batch() const { return steps.front().hidden->shape[0]; }
};

/// Open a golden file and check that it belongs to the bundle's model.
Result<Golden> openGolden(const std::string &path, const mla_bundle_info &info);

/// Compare a model's configuration, whose path is `where`, with the bundle's model.
Error checkModel(const std::string &where, const json::Value &config, const mla_bundle_info &info);

/// Compare the configuration in a golden file's metadata, if there is one, with the bundle's model.
Error checkConfig(const SafetensorsFile &file, const mla_bundle_info &info);

/// Return element `index` of a tensor of F32, BF16 or F16.
float goldenValue(const SafetensorsTensor &tensor, uint64_t index);

} // namespace mla::run

#endif // MLA_RUN_GOLDEN_H
