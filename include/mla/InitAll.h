//===- InitAll.h - Everything there is to register --------------*- C++ -*-===//
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

/// The mla dialect, and what upstream's passes ask of its operations. Upstream's own dialects and the implementations
/// of their interfaces, which the pipelines to code need too, are the caller's to register: mlir::registerAllDialects
/// and mlir::registerAllExtensions do it.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Every pass and pipeline under its name in mla-opt, in MLIR's registry of the process. May be called again.
void registerAllPasses();

} // namespace mla

#endif // MLA_INITALL_H
