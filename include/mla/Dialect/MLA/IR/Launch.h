//===- Launch.h - Launches of kernels ---------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The launch of a generated kernel: the grid, and how each argument is computed
// from buffers and from sizes known only to a step. The launch list of the
// manifest is the serialised form.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_IR_LAUNCH_H
#define MLA_DIALECT_MLA_IR_LAUNCH_H

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/IR/Sizes.h"

#include "llvm/ADT/SmallVector.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mla::gpu {

/// A buffer of a kernel: an operand or a result of its mla.kernel, or its own scratch memory.
struct Buffer {
  enum Kind { Operand, Result, Workspace } kind;
  unsigned index;
  int64_t offset = 0; ///< bytes from its start
  /// The tensor of a cache operand.
  enum Part { Pages, BlockTable, Lengths } part = Pages;
};

/// A tensor map (PTX ISA, 5.5.8): elements of bf16, innermost dimension first. Elements outside `dims` read as zero and
/// are not written.
struct TensorMap {
  Buffer buffer;
  llvm::SmallVector<mlir::AffineExpr> dims;    ///< elements
  llvm::SmallVector<mlir::AffineExpr> strides; ///< bytes between neighbours of dims 1…; multiples of 16
  llvm::SmallVector<int64_t> box;              ///< elements; the innermost is 64 if swizzled
  int64_t swizzle = 128;                       ///< bytes: 128, or 0 for none
};

/// An argument: a tensor map (by value, 128 bytes), the address of a buffer, a 32-bit integer, or a float.
using Argument = std::variant<TensorMap, Buffer, mlir::AffineExpr, float>;

struct Launch {
  std::string kernel; ///< the function's name
  mlir::AffineExpr grid[3];
  int64_t threads = 0;     ///< per CTA
  int64_t sharedBytes = 0; ///< dynamic shared memory
  /// The kernel calls griddepcontrol.wait before it reads or writes memory of other kernels: it may be launched while
  /// its predecessor in the list still runs (programmatic stream serialisation).
  bool overlap = true;
  std::vector<Argument> arguments;
};

/// Classes of a kernel's launches: one is for steps of a size up to its limit that no class before it is for, the last
/// for all others. Launches are correct for any size up to the most of their class.
struct Choice {
  mlir::AffineExpr size;
  llvm::SmallVector<int64_t> limits, most; ///< of all classes but the last, ascending
};

/// An exchange of data between ranks: of elements of a block, or of the whole to reduce, where `in` may be `out`.
struct Exchange {
  Collective kind;
  int64_t ranks; ///< of a group of neighbours
  Buffer in, out;
  mlir::AffineExpr count;
  mlir::Type element;
};

/// The launches of one mla.kernel, in order, and the sizes of its scratch buffers in bytes.
struct Launches {
  std::vector<Launch> launches;
  llvm::SmallVector<mlir::AffineExpr, 2> workspace;
  std::optional<Choice> choice = std::nullopt;
  std::optional<Exchange> exchange = std::nullopt; ///< in the place of launches
};

} // namespace mla::gpu

#endif // MLA_DIALECT_MLA_IR_LAUNCH_H
