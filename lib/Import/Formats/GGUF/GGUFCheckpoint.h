//===- GGUFCheckpoint.h - A GGUF file as a checkpoint -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_FORMATS_GGUF_GGUFCHECKPOINT_H
#define MLA_LIB_IMPORT_FORMATS_GGUF_GGUFCHECKPOINT_H

#include "mla/Import/Checkpoint.h"

namespace mla::importer {

/// Open a GGUF file, with the others if it is one of several ("NAME-00001-of-00003.gguf").
llvm::Expected<std::unique_ptr<Checkpoint>> openGGUF(llvm::StringRef path);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_FORMATS_GGUF_GGUFCHECKPOINT_H
