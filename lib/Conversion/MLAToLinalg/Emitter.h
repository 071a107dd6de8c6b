//===- Emitter.h - Short names for what the decompositions emit -*- C++ -*-===//
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

/// Builds linalg, tensor, scf and arith operations. Sizes and offsets are
/// OpFoldResults, so that what is static stays static. All arithmetic on
/// elements is in f32.
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
  /// Casts a float scalar; the same value where the type is right already.
  Value castTo(mlir::Type type, Value scalar);

  // Tensors.
  Value dim(Value tensor, int64_t dimension);
  Size dimSize(Value tensor, int64_t dimension);
  Value at(Value tensor, mlir::ValueRange indices);
  /// An element of an index tensor, as index.
  Value indexAt(Value tensor, mlir::ValueRange indices) { return toIndex(at(tensor, indices)); }
  Value empty(llvm::ArrayRef<Size> sizes, mlir::Type element);
  Value empty(llvm::ArrayRef<Size> sizes) { return empty(sizes, getF32Type()); }
  Value filled(Value init, Value scalar);
  Value zeros(llvm::ArrayRef<Size> sizes);
  /// A slice whose unit dimensions are dropped down to `rank`, from the front.
  Value slice(Value tensor, llvm::ArrayRef<Size> offsets, llvm::ArrayRef<Size> sizes, int64_t rank);
  /// The same elements of a static tensor in another static shape.
  Value reshaped(Value tensor, llvm::ArrayRef<int64_t> shape);
  Value insert(Value source, Value into, llvm::ArrayRef<Size> offsets, llvm::ArrayRef<Size> sizes);
  /// Operands are widened to f32 as a whole: a tile is read many times.
  Value matmul(Value a, Value b, Value accumulator);
  /// a^T · b, added to the accumulator.
  Value matmulTransposedA(Value a, Value b, Value accumulator);
  Value transposed2D(Value tensor);

  using Body = llvm::function_ref<Value(Emitter &, mlir::ValueRange)>;
  /// linalg.generic; a map names, for every dimension of an operand, the loop
  /// it follows. Loops are parallel unless they are missing in `outLoops`.
  Value generic(mlir::ValueRange inputs, llvm::ArrayRef<llvm::SmallVector<int64_t>> inputLoops, Value init,
                llvm::ArrayRef<int64_t> outLoops, int64_t loops, Body body);
  /// Elementwise over operands of one shape.
  Value elementwise(mlir::ValueRange inputs, Value init, Body body);
  /// Loop index inside a body.
  Value loopIndex(int64_t loop);
  /// The tensor with another float element type.
  Value cast(Value tensor, mlir::Type element);

  // Control.
  using LoopBody = llvm::function_ref<Values(Emitter &, Value, mlir::ValueRange)>;
  Values loop(Value from, Value to, Value step, mlir::ValueRange init, LoopBody body);
  using ParallelBody = llvm::function_ref<void(Emitter &, mlir::ValueRange indices, mlir::ValueRange outputs)>;
  /// scf.forall; the body ends with one `yieldSlice` an output.
  Values parallel(llvm::ArrayRef<Size> bounds, mlir::ValueRange outputs, ParallelBody body);
  /// Inside `parallel`: this iteration's part of an output.
  void yieldSlice(Value source, Value output, llvm::ArrayRef<Size> offsets, llvm::ArrayRef<Size> sizes);
};

} // namespace mla

#endif // MLA_LIB_CONVERSION_MLATOLINALG_EMITTER_H
