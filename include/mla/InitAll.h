//===- InitAll.h - Registration of dialects and passes ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_INITALL_H
#define MLA_INITALL_H

namespace mlir {
class DialectRegistry;
}

namespace mla {

/// Registers the mla dialect, and the interfaces that upstream's passes need on its operations. The caller registers
/// upstream's own dialects and their interface implementations, which the pipelines to code also need, with
/// mlir::registerAllDialects and mlir::registerAllExtensions.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers every pass and pipeline under its name in mla-opt, in MLIR's global registry. May be called again.
void registerAllPasses();

} // namespace mla

#endif // MLA_INITALL_H
