//===- MLA.h - The mla dialect ------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Multi-head Latent Attention on tensors. Descriptions of operations, types
// and attributes are in the .td files and in the generated reference.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_IR_MLA_H
#define MLA_DIALECT_MLA_IR_MLA_H

#include "mla/Dialect/MLA/IR/Range.h"
#include "mla/cache_format.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mla {
class KernelKind;
class KernelTarget;
} // namespace mla

#include "mla/Dialect/MLA/IR/MLADialect.h.inc"
#include "mla/Dialect/MLA/IR/MLAEnums.h.inc"

#include "mla/Dialect/MLA/IR/MLAInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "mla/Dialect/MLA/IR/MLAAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "mla/Dialect/MLA/IR/MLATypes.h.inc"
#define GET_OP_CLASSES
#include "mla/Dialect/MLA/IR/MLAOps.h.inc"

namespace mla {
/// Names of the attributes on modules and functions; see the dialect's
/// description.
constexpr llvm::StringLiteral kPlanAttr = "mla.plan";
constexpr llvm::StringLiteral kPhaseAttr = "mla.phase";
constexpr llvm::StringLiteral kRegimeAttr = "mla.regime";
constexpr llvm::StringLiteral kLayersAttr = "mla.layers";
constexpr llvm::StringLiteral kCheckpointPrefixAttr = "mla.checkpoint_prefix";
/// A dictionary that describes the model, the cache and the rank for a bundle's manifest, under the keys of mla/abi.h.
constexpr llvm::StringLiteral kModelAttr = "mla.model";
/// On an argument of a function: the prepared weight it takes.
constexpr llvm::StringLiteral kWeightAttr = "mla.weight";
/// On an argument or a result of a function: its buffer, if the order of mla/abi.h does not apply.
constexpr llvm::StringLiteral kBufferAttr = "mla.buffer";
/// On an operation on weights: the name of its result in names of prepared weights.
constexpr llvm::StringLiteral kNameAttr = "mla.name";
/// A unit, on a module or a function: products may omit roundings between their factors.
constexpr llvm::StringLiteral kFoldAcrossRoundingAttr = "mla.fold_across_rounding";

/// On an operation that sums: how ranks divide what it sums over, an array of #mla.cut.
constexpr llvm::StringLiteral kCutsAttr = "mla.cuts";

/// On a module of one rank: the heads of the rank that has most, an integer.
constexpr llvm::StringLiteral kMostHeadsAttr = "mla.most_heads";
/// The symbol of the grid of ranks, whose axes are groups, and the ranks of a group, which divide the pages of a cache.
constexpr llvm::StringLiteral kGrid = "ranks";
enum GridAxis : int16_t { Groups, RanksOfGroup };

/// On a `@prepare` function: the elements that projections by its weight multiply.
constexpr llvm::StringLiteral kProductsAttr = "mla.products";

/// Return the terms of an element of a token in products of e4m3; 0 for plain ones.
inline int64_t countTerms(ProductElements elements) { return static_cast<int64_t>(elements); }

/// The forms of the two sides of a layer.
struct Forms {
  Form q, o;
  bool operator==(Forms other) const { return q == other.q && o == other.o; }
  bool operator!=(Forms other) const { return !(*this == other); }
};
} // namespace mla

#endif // MLA_DIALECT_MLA_IR_MLA_H
