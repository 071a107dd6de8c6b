//===- Emitter.cpp - Helpers of the decompositions ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value Emitter::value(Size size) { return getValueOrCreateConstantIndexOp(*this, getLoc(), size); }
Value Emitter::index(int64_t constant) { return arith::ConstantIndexOp::create(*this, constant); }
Value Emitter::f32(double constant) { return arith::ConstantOp::create(*this, getF32FloatAttr(constant)); }
Value Emitter::minusInfinity() {
  return arith::ConstantOp::create(
      *this, getFloatAttr(getF32Type(), APFloat::getInf(APFloat::IEEEsingle(), /*Negative=*/true)));
}
Value Emitter::add(Value a, Value b) { return arith::AddIOp::create(*this, a, b); }
Value Emitter::sub(Value a, Value b) { return arith::SubIOp::create(*this, a, b); }
Value Emitter::mul(Value a, Value b) { return arith::MulIOp::create(*this, a, b); }
Value Emitter::div(Value a, Value b) { return arith::DivUIOp::create(*this, a, b); }
Value Emitter::ceilDiv(Value a, Value b) { return arith::CeilDivUIOp::create(*this, a, b); }
Value Emitter::min(Value a, Value b) { return arith::MinSIOp::create(*this, a, b); }
Value Emitter::max(Value a, Value b) { return arith::MaxSIOp::create(*this, a, b); }
Value Emitter::less(Value a, Value b) { return arith::CmpIOp::create(*this, arith::CmpIPredicate::slt, a, b); }
Value Emitter::toIndex(Value integer) { return arith::IndexCastOp::create(*this, getIndexType(), integer); }

Value Emitter::castTo(Type type, Value scalar) {
  Type from = scalar.getType();
  if (from == type)
    return scalar;
  if (from.getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(*this, type, scalar);
  if (from.getIntOrFloatBitWidth() == type.getIntOrFloatBitWidth()) // f16 and bf16
    scalar = arith::ExtFOp::create(*this, getF32Type(), scalar);
  return arith::TruncFOp::create(*this, type, scalar);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Value Emitter::dim(Value tensor, int64_t dimension) { return value(dimSize(tensor, dimension)); }
OpFoldResult Emitter::dimSize(Value tensor, int64_t dimension) {
  return tensor::getMixedSize(*this, getLoc(), tensor, dimension);
}
Value Emitter::at(Value tensor, ValueRange indices) { return tensor::ExtractOp::create(*this, tensor, indices); }
Value Emitter::empty(ArrayRef<Size> sizes, Type element) { return tensor::EmptyOp::create(*this, sizes, element); }
Value Emitter::filled(Value init, Value scalar) { return linalg::FillOp::create(*this, scalar, init).getResult(0); }
Value Emitter::zeros(ArrayRef<Size> sizes) { return filled(empty(sizes), f32(0)); }

static SmallVector<OpFoldResult> unitStrides(Emitter &e, size_t rank) {
  return SmallVector<OpFoldResult>(rank, e.getIndexAttr(1));
}

Value Emitter::slice(Value tensor, ArrayRef<Size> offsets, ArrayRef<Size> sizes, int64_t rank) {
  auto source = typeOf(tensor);
  SmallVector<int64_t> shape;
  int64_t drop = source.getRank() - rank;
  for (Size size : sizes) {
    // A constant that is a Value is a dynamic size of the operation.
    std::optional<int64_t> constant;
    if (isa<Attribute>(size))
      constant = getConstantIntValue(size);
    if (drop > 0 && constant == 1)
      --drop;
    else
      shape.push_back(constant.value_or(ShapedType::kDynamic));
  }
  assert(drop == 0 && "no unit dimensions left to drop");
  return tensor::ExtractSliceOp::create(*this, RankedTensorType::get(shape, source.getElementType()), tensor, offsets,
                                        sizes, unitStrides(*this, offsets.size()));
}

Value Emitter::reshaped(Value tensor, ArrayRef<int64_t> shape) {
  RankedTensorType type = typeOf(tensor);
  if (type.getShape() == shape)
    return tensor;
  auto target = RankedTensorType::get(shape, type.getElementType());
  if (auto groups = getReassociationIndicesForReshape(type, target))
    return type.getRank() > target.getRank()
               ? tensor::CollapseShapeOp::create(*this, target, tensor, *groups).getResult()
               : tensor::ExpandShapeOp::create(*this, target, tensor, *groups).getResult();
  auto flat = RankedTensorType::get({type.getNumElements()}, type.getElementType());
  ReassociationIndices all = llvm::to_vector(llvm::seq<int64_t>(type.getRank()));
  Value collapsed = tensor::CollapseShapeOp::create(*this, flat, tensor, ArrayRef<ReassociationIndices>{all});
  ReassociationIndices allNew = llvm::to_vector(llvm::seq<int64_t>(shape.size()));
  return tensor::ExpandShapeOp::create(*this, target, collapsed, ArrayRef<ReassociationIndices>{allNew});
}

Value Emitter::insert(Value source, Value into, ArrayRef<Size> offsets, ArrayRef<Size> sizes) {
  return tensor::InsertSliceOp::create(*this, source, into, offsets, sizes, unitStrides(*this, offsets.size()));
}

Value Emitter::matmul(Value a, Value b, Value accumulator) {
  Value operands[] = {cast(a, getF32Type()), cast(b, getF32Type())};
  return linalg::MatmulOp::create(*this, operands, ValueRange{accumulator}).getResult(0);
}

Value Emitter::matmulTransposedA(Value a, Value b, Value accumulator) {
  Value operands[] = {cast(a, getF32Type()), cast(b, getF32Type())};
  return linalg::MatmulTransposeAOp::create(*this, getLoc(), operands, ValueRange{accumulator}).getResult(0);
}

Value Emitter::transposed2D(Value tensor) {
  auto type = typeOf(tensor);
  Value init = empty({dimSize(tensor, 1), dimSize(tensor, 0)}, type.getElementType());
  return linalg::TransposeOp::create(*this, tensor, init, ArrayRef<int64_t>{1, 0}).getResult()[0];
}

static AffineMap mapOf(Emitter &e, ArrayRef<int64_t> operandLoops, int64_t loops) {
  SmallVector<AffineExpr> results;
  for (int64_t loop : operandLoops)
    results.push_back(e.getAffineDimExpr(loop));
  return AffineMap::get(loops, 0, results, e.getContext());
}

Value Emitter::generic(ValueRange inputs, ArrayRef<SmallVector<int64_t>> inputLoops, Value init,
                       ArrayRef<int64_t> outLoops, int64_t loops, Body body) {
  SmallVector<AffineMap> maps;
  for (ArrayRef<int64_t> operandLoops : inputLoops)
    maps.push_back(mapOf(*this, operandLoops, loops));
  maps.push_back(mapOf(*this, outLoops, loops));
  SmallVector<utils::IteratorType> iterators(loops, utils::IteratorType::reduction);
  for (int64_t loop : outLoops)
    iterators[loop] = utils::IteratorType::parallel;
  auto build = [&](OpBuilder &builder, Location loc, ValueRange args) {
    Emitter inner(loc, builder);
    linalg::YieldOp::create(inner, body(inner, args));
  };
  return linalg::GenericOp::create(*this, init.getType(), inputs, init, maps, iterators, build).getResult(0);
}

Value Emitter::elementwise(ValueRange inputs, Value init, Body body) {
  int64_t rank = typeOf(init).getRank();
  SmallVector<int64_t> identity = llvm::to_vector(llvm::seq<int64_t>(rank));
  SmallVector<SmallVector<int64_t>> inputLoops(inputs.size(), identity);
  return generic(inputs, inputLoops, init, identity, rank, body);
}

Value Emitter::loopIndex(int64_t loop) { return linalg::IndexOp::create(*this, loop); }

Value Emitter::cast(Value tensor, Type element) {
  auto type = typeOf(tensor);
  if (type.getElementType() == element)
    return tensor;
  Value init = empty(tensor::getMixedSizes(*this, getLoc(), tensor), element);
  return elementwise(tensor, init, [&](Emitter &e, ValueRange args) { return e.castTo(element, args[0]); });
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

SmallVector<Value> Emitter::loop(Value from, Value to, Value step, ValueRange init, LoopBody body) {
  auto build = [&](OpBuilder &builder, Location loc, Value i, ValueRange carried) {
    Emitter inner(loc, builder);
    scf::YieldOp::create(inner, body(inner, i, carried));
  };
  return scf::ForOp::create(*this, from, to, step, init, build).getResults();
}

Value Emitter::when(Value condition, Value otherwise, llvm::function_ref<Value(Emitter &)> body) {
  auto then = [&](OpBuilder &builder, Location loc) {
    Emitter inner(loc, builder);
    scf::YieldOp::create(inner, body(inner));
  };
  auto keep = [&](OpBuilder &builder, Location loc) { scf::YieldOp::create(builder, loc, otherwise); };
  return scf::IfOp::create(*this, condition, then, keep).getResult(0);
}

SmallVector<Value> Emitter::parallel(ArrayRef<Size> bounds, ValueRange outputs, ParallelBody body) {
  auto build = [&](OpBuilder &builder, Location loc, ValueRange args) {
    Emitter inner(loc, builder);
    auto inParallel = scf::InParallelOp::create(inner);
    inner.setInsertionPoint(inParallel);
    body(inner, args.take_front(bounds.size()), args.drop_front(bounds.size()));
  };
  return scf::ForallOp::create(*this, bounds, outputs, /*mapping=*/std::nullopt, build).getResults();
}

void Emitter::yieldSlice(Value source, Value output, ArrayRef<Size> offsets, ArrayRef<Size> sizes) {
  auto inParallel = mlir::cast<scf::InParallelOp>(getBlock()->getTerminator());
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToEnd(inParallel.getBody());
  tensor::ParallelInsertSliceOp::create(*this, source, output, offsets, sizes, unitStrides(*this, offsets.size()));
}
