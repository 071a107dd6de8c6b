//===- CompiledFor.h - What native code was compiled for --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_COMPILEDFOR_H
#define MLA_RUNTIME_COMPILEDFOR_H

#include "WeightFiles.h"

#include <string>
#include <string_view>

namespace mla {

/// Checks that the manifest and the weights agree with `compiled`, the text of the code's mla_compiled_for (abi.h).
/// Native code does not check its arguments: with fewer weights or another page it would access foreign memory.
/// `path` is the bundle's. Layers that have a tensor have the same type of it.
Error checkCompiledFor(const std::string &path, std::string_view manifest, const WeightFiles &weights,
                       const std::vector<int64_t> &layers, std::string_view compiled);

} // namespace mla

#endif // MLA_RUNTIME_COMPILEDFOR_H
