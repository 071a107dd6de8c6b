//===- Passes.h - From linalg to the host's code ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TARGET_CPU_PASSES_H
#define MLA_TARGET_CPU_PASSES_H

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Target/CPU/Level.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mla {

/// On an entry: the names of entries that have the same code, and no function of their own.
constexpr llvm::StringLiteral kEntryNamesAttr = "mla.entry_names";

#define GEN_PASS_DECL
#include "mla/Target/CPU/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "mla/Target/CPU/Passes.h.inc"

/// Register the lowering of mla.spawn with `convert-to-llvm`.
void registerSpawnToLLVM(mlir::DialectRegistry &registry);

/// Register the bufferization of collective operations to calls of the runtime.
void registerCollectivesBufferization(mlir::DialectRegistry &registry);

/// Lower mla operations with bound weights to linalg on tensors, the stage
/// `--emit=linalg`.
void buildLinalgPipeline(mlir::OpPassManager &pm, const CPULevel &level);
/// Lower that to the LLVM dialect, with entry points.
void buildCPUPipeline(mlir::OpPassManager &pm, const CPULevel &level);
/// Register `mla-to-cpu`: both, for mla-opt and this machine.
void registerCPUPipelines();

} // namespace mla

#endif // MLA_TARGET_CPU_PASSES_H
