//===- Emitter.h - Helpers of the decompositions ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_MLATOLINALG_EMITTER_H
#define MLA_LIB_CONVERSION_MLATOLINALG_EMITTER_H

#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mla {

inline mlir::RankedTensorType typeOf(mlir::Value tensor) {
  return mlir::cast<mlir::RankedTensorType>(tensor.getType());
}

/// Builds linalg, tensor, scf and arith operations. Sizes and offsets are OpFoldResults, so that static ones stay
/// static. All arithmetic on elements is in f32.
class Emitter : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;
  using Value = mlir::Value;
  using Size = mlir::OpFoldResult;
  using Values = llvm::SmallVector<Value>;

  // Scalars.
  Size size(int64_t value) { return getIndexAttr(value); }
  Value value(Size size);
  Value index(int64_t constant);
  Value f32(double constant);
  Value minusInfinity();
  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value div(Value a, Value b);     // unsigned, rounds down
  Value ceilDiv(Value a, Value b); // unsigned
  Value min(Value a, Value b);
  Value max(Value a, Value b);
  Value less(Value a, Value b);
  Value toIndex(Value integer);
  /// Cast a float scalar; return it unchanged if it already has the type.
  Value castTo(mlir::Type type, Value scalar);

  // Tensors.
  Value dim(Value tensor, int64_t dimension);
  Size dimSize(Value tensor, int64_t dimension);
  Value at(Value tensor, mlir::ValueRange indices);
  /// Return an element of an index tensor as index.
  Value indexAt(Value tensor, mlir::ValueRange indices) { return toIndex(at(tensor, indices)); }
  Value empty(llvm::ArrayRef<Size> sizes, mlir::Type element);
  Value empty(llvm::ArrayRef<Size> sizes) { return empty(sizes, getF32Type()); }
  Value filled(Value init, Value scalar);
  Value zeros(llvm::ArrayRef<Size> sizes);
  /// Return a slice with unit dimensions dropped, from the front, down to `rank`.
  Value slice(Value tensor, llvm::ArrayRef<Size> offsets, llvm::ArrayRef<Size> sizes, int64_t rank);
  /// Reshape a static tensor to another static shape.
  Value reshaped(Value tensor, llvm::ArrayRef<int64_t> shape);
  Value insert(Value source, Value into, llvm::ArrayRef<Size> offsets, llvm::ArrayRef<Size> sizes);
  /// Compute accumulator + a · b. Whole operands are widened to f32, since a tile is read many times.
  Value matmul(Value a, Value b, Value accumulator);
  /// Compute accumulator + a^T · b.
  Value matmulTransposedA(Value a, Value b, Value accumulator);
  Value transposed2D(Value tensor);

  using Body = llvm::function_ref<Value(Emitter &, mlir::ValueRange)>;
  /// Create a linalg.generic. A map lists the loop of every dimension of an operand. Loops are parallel unless they are
  /// missing in `outLoops`.
  Value generic(mlir::ValueRange inputs, llvm::ArrayRef<llvm::SmallVector<int64_t>> inputLoops, Value init,
                llvm::ArrayRef<int64_t> outLoops, int64_t loops, Body body);
  /// Create an elementwise operation on operands of one shape.
  Value elementwise(mlir::ValueRange inputs, Value init, Body body);
  /// Return a loop index inside a body.
  Value loopIndex(int64_t loop);
  /// Cast a tensor to another float element type.
  Value cast(Value tensor, mlir::Type element);

  // Control.
  using LoopBody = llvm::function_ref<Values(Emitter &, Value, mlir::ValueRange)>;
  Values loop(Value from, Value to, Value step, mlir::ValueRange init, LoopBody body);
  /// Return what the body computes if the condition holds, else `otherwise`.
  Value when(Value condition, Value otherwise, llvm::function_ref<Value(Emitter &)> body);
  using ParallelBody = llvm::function_ref<void(Emitter &, mlir::ValueRange indices, mlir::ValueRange outputs)>;
  /// Create an scf.forall; the body ends with one `yieldSlice` per output.
  Values parallel(llvm::ArrayRef<Size> bounds, mlir::ValueRange outputs, ParallelBody body);
  /// Store this iteration's part of an output, inside `parallel`.
  void yieldSlice(Value source, Value output, llvm::ArrayRef<Size> offsets, llvm::ArrayRef<Size> sizes);
};

} // namespace mla

#endif // MLA_LIB_CONVERSION_MLATOLINALG_EMITTER_H
