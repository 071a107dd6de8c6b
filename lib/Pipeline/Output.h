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

/// Whether a file (or a directory, `asDirectory`) can be made at `path`, before any work is done for it.
llvm::Error checkWritable(llvm::StringRef path, bool asDirectory);

/// An output in the place of an input is a slip of the hand that would cost a checkpoint.
llvm::Error checkInputsStay(llvm::ArrayRef<std::string> inputs, llvm::StringRef output);

/// Writes a text to a file, or to standard output ("-"). A file is made under another name and then renamed; a signal
/// in between removes it.
llvm::Error writeText(llvm::StringRef path, llvm::StringRef text);

} // namespace mla

#endif // MLA_LIB_PIPELINE_OUTPUT_H
