//===- LaunchWork.h - What a launch has to do -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attributes on mla.launch, of which profiles are made. They do not change what
// is launched.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_IR_LAUNCHWORK_H
#define MLA_DIALECT_MLA_IR_LAUNCHWORK_H

#include "llvm/ADT/StringRef.h"

namespace mla {

/// The part of the step, a name of mla/launch_part.h.
constexpr llvm::StringLiteral kPartAttr = "mla.part";
/// #mla.extent: bytes of operands and results that any kernel would have to move, each once; at most so many where that
/// depends on contents, as on the experts that tokens choose.
constexpr llvm::StringLiteral kBytesAttr = "mla.bytes";
/// #mla.extent: floating-point operations of products.
constexpr llvm::StringLiteral kFlopsAttr = "mla.flops";
/// i64: the launch is of a kernel with classes, whose choice is so many behind the first of the list.
constexpr llvm::StringLiteral kChoiceAttr = "mla.choice";

} // namespace mla

#endif // MLA_DIALECT_MLA_IR_LAUNCHWORK_H
