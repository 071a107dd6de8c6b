//===- Output.h - Files that appear only when complete ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_OUTPUT_H
#define MLA_LIB_PIPELINE_OUTPUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mla {

/// Check that a file (or a directory, `asDirectory`) can be created at `path`, before any work is done for it.
llvm::Error checkWritable(llvm::StringRef path, bool asDirectory);

/// Reject outputs that would replace an input.
llvm::Error checkInputsStay(llvm::ArrayRef<std::string> inputs, llvm::StringRef output);

/// Write a text to a file, or to standard output ("-"). The file is written under a temporary name, which a signal
/// removes, and then renamed.
llvm::Error writeText(llvm::StringRef path, llvm::StringRef text);

} // namespace mla

#endif // MLA_LIB_PIPELINE_OUTPUT_H
