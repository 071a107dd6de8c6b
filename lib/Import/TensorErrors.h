//===- TensorErrors.h - Errors about tensors --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_TENSORERRORS_H
#define MLA_LIB_IMPORT_TENSORERRORS_H

#include "mla/safetensors.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

namespace mla::importer {

/// Return "[3, 7]".
std::string shapeText(llvm::ArrayRef<int64_t> shape);

/// Return the error "WHERE: tensor NAME: WHAT".
llvm::Error tensorError(llvm::StringRef where, const SafetensorsTensor &tensor, const llvm::Twine &what);

/// Return whether the type is a float type that needs no scales.
inline bool isPlainFloat(DType dtype) { return dtype == DType::F32 || dtype == DType::BF16 || dtype == DType::F16; }

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_TENSORERRORS_H
