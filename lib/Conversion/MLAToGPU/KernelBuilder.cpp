//===- KernelBuilder.cpp - Builder for GPU kernels ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/MLAToGPU/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

static bool isFloat(Val v) { return isa<FloatType>(getElementTypeOrSelf(v.type())); }

/// Allows contraction of products and sums; nothing else is assumed.
static constexpr auto contract = arith::FastMathFlags::contract;

template <typename IntOp, typename FloatOp> static Val binary(Val a, Val b) {
  KernelBuilder &k = a.builder();
  assert(a.type() == b.type() && "operands of one type");
  if (isFloat(a))
    return k.wrap(FloatOp::create(k, a, b, contract));
  return k.wrap(IntOp::create(k, a, b));
}

template <typename IntOp> static Val integer(Val a, Val b) {
  assert(a.type() == b.type() && !isFloat(a) && "integers of one type");
  return a.builder().wrap(IntOp::create(a.builder(), a, b));
}

static Val compare(Val a, Val b, arith::CmpIPredicate integers, arith::CmpFPredicate floats) {
  KernelBuilder &k = a.builder();
  assert(a.type() == b.type() && "operands of one type");
  if (isFloat(a))
    return k.wrap(arith::CmpFOp::create(k, floats, a, b));
  return k.wrap(arith::CmpIOp::create(k, integers, a, b));
}

namespace mla::gpu {
SmallVector<Value> raw(ArrayRef<Val> values) { return SmallVector<Value>(values.begin(), values.end()); }

Val operator+(Val a, Val b) { return binary<arith::AddIOp, arith::AddFOp>(a, b); }
Val operator-(Val a, Val b) { return binary<arith::SubIOp, arith::SubFOp>(a, b); }
Val operator*(Val a, Val b) { return binary<arith::MulIOp, arith::MulFOp>(a, b); }
Val operator/(Val a, Val b) {
  return isFloat(a) ? a.builder().wrap(arith::DivFOp::create(a.builder(), a, b)) : integer<arith::DivUIOp>(a, b);
}
Val operator%(Val a, Val b) { return integer<arith::RemUIOp>(a, b); }
Val operator&(Val a, Val b) { return integer<arith::AndIOp>(a, b); }
Val operator|(Val a, Val b) { return integer<arith::OrIOp>(a, b); }
Val operator^(Val a, Val b) { return integer<arith::XOrIOp>(a, b); }
Val operator<<(Val a, Val b) { return integer<arith::ShLIOp>(a, b); }
Val operator>>(Val a, Val b) { return integer<arith::ShRUIOp>(a, b); }
Val operator<(Val a, Val b) { return compare(a, b, arith::CmpIPredicate::slt, arith::CmpFPredicate::OLT); }
Val operator<=(Val a, Val b) { return compare(a, b, arith::CmpIPredicate::sle, arith::CmpFPredicate::OLE); }
Val operator>(Val a, Val b) { return compare(a, b, arith::CmpIPredicate::sgt, arith::CmpFPredicate::OGT); }
Val operator>=(Val a, Val b) { return compare(a, b, arith::CmpIPredicate::sge, arith::CmpFPredicate::OGE); }
Val operator==(Val a, Val b) { return compare(a, b, arith::CmpIPredicate::eq, arith::CmpFPredicate::OEQ); }
Val operator!=(Val a, Val b) { return compare(a, b, arith::CmpIPredicate::ne, arith::CmpFPredicate::UNE); }

Val operator-(Val a) { return a.builder().wrap(LLVM::FNegOp::create(a.builder(), a)); }

Val constantLike(Val like, double value) {
  KernelBuilder &k = like.builder();
  if (isFloat(like))
    return k.f32(value);
  auto type = cast<IntegerType>(like.type());
  return k.wrap(arith::ConstantOp::create(k, k.getIntegerAttr(type, static_cast<int64_t>(value))));
}

Val integerLike(Val like, int64_t value) {
  if (isFloat(like))
    return constantLike(like, static_cast<double>(value));
  KernelBuilder &k = like.builder();
  return k.wrap(arith::ConstantOp::create(k, k.getIntegerAttr(cast<IntegerType>(like.type()), value)));
}

Val select(Val condition, Val yes, Val no) {
  return condition.builder().wrap(arith::SelectOp::create(condition.builder(), condition, yes, no));
}

Val min(Val a, Val b) {
  KernelBuilder &k = a.builder();
  return isFloat(a) ? k.wrap(arith::MinNumFOp::create(k, a, b)) : k.wrap(arith::MinSIOp::create(k, a, b));
}

Val max(Val a, Val b) {
  KernelBuilder &k = a.builder();
  return isFloat(a) ? k.wrap(arith::MaxNumFOp::create(k, a, b)) : k.wrap(arith::MaxSIOp::create(k, a, b));
}

Val ceilDiv(Val a, int64_t b) { return (a + (b - 1)) / b; }

Val fma(Val a, Val b, Val c) { return a.builder().wrap(LLVM::FMAOp::create(a.builder(), a, b, c)); }
Val exp2(Val a) { return a.builder().intrinsic("llvm.nvvm.ex2.approx.ftz.f32", a); }
Val log2(Val a) { return a.builder().intrinsic("llvm.nvvm.lg2.approx.ftz.f", a); }
Val reciprocal(Val a) { return a.builder().intrinsic("llvm.nvvm.rcp.approx.ftz.f", a); }
Val rsqrt(Val a) { return a.builder().intrinsic("llvm.nvvm.rsqrt.approx.ftz.f", a); }

Val packBF16(Val low, Val high) {
  KernelBuilder &k = low.builder();
  auto rounding = NVVM::FPRoundingModeAttr::get(k.getContext(), NVVM::FPRoundingMode::RN);
  Val pair = k.wrap(NVVM::ConvertF32x2ToBF16x2Op::create(k, k.vectorType(2, k.getBF16Type()), high, low,
                                                         /*random_bits=*/Value(), rounding));
  return k.bitcast(pair, k.i32Type());
}

Val lowBF16(Val pair) { return pair.builder().bitcast(pair << 16, pair.builder().f32Type()); }
Val highBF16(Val pair) { return pair.builder().bitcast(pair & -65536, pair.builder().f32Type()); }
} // namespace mla::gpu

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

KernelBuilder::KernelBuilder(mlir::gpu::GPUModuleOp module, StringRef name, int64_t threads, bool oneBlock)
    : ImplicitLocOpBuilder(module.getLoc(), module.getContext()), module(module), name(name), threads(threads),
      oneBlock(oneBlock) {}

unsigned KernelBuilder::addTensorMap() {
  tensorMaps.push_back(types.size());
  types.push_back(LLVM::LLVMPointerType::get(getContext()));
  return types.size() - 1;
}

unsigned KernelBuilder::addPointer() {
  types.push_back(LLVM::LLVMPointerType::get(getContext(), static_cast<unsigned>(NVVM::NVVMMemorySpace::Global)));
  return types.size() - 1;
}

unsigned KernelBuilder::addInt() {
  types.push_back(i32Type());
  return types.size() - 1;
}

unsigned KernelBuilder::addFloat() {
  types.push_back(f32Type());
  return types.size() - 1;
}

void KernelBuilder::begin() {
  setInsertionPointToEnd(module.getBody());
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(getContext()), types);
  func = LLVM::LLVMFuncOp::create(*this, name, type);
  func->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), getUnitAttr());
  func->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(), getDenseI32ArrayAttr({static_cast<int32_t>(threads)}));
  if (oneBlock)
    func->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), getI32IntegerAttr(1));
  // By value, where TMA reads it: 128 opaque bytes (PTX ISA, 5.5.8).
  for (unsigned i : tensorMaps) {
    func.setArgAttr(i, LLVM::LLVMDialect::getByValAttrName(),
                    TypeAttr::get(LLVM::LLVMArrayType::get(getI8Type(), 128)));
    func.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(), getI64IntegerAttr(64));
    func.setArgAttr(i, NVVM::NVVMDialect::getGridConstantAttrName(), getUnitAttr());
  }
  setInsertionPointToStart(func.addEntryBlock(*this));
}

Val KernelBuilder::argument(unsigned index) { return wrap(func.getArgument(index)); }
void KernelBuilder::finish() { LLVM::ReturnOp::create(*this, ValueRange()); }

//===----------------------------------------------------------------------===//
// Constants and control flow
//===----------------------------------------------------------------------===//

Val KernelBuilder::i1(bool value) { return wrap(arith::ConstantOp::create(*this, getBoolAttr(value))); }
Val KernelBuilder::i32(int64_t value) { return wrap(arith::ConstantOp::create(*this, getI32IntegerAttr(value))); }
Val KernelBuilder::i64(int64_t value) { return wrap(arith::ConstantOp::create(*this, getI64IntegerAttr(value))); }
Val KernelBuilder::f32(double value) { return wrap(arith::ConstantOp::create(*this, getF32FloatAttr(value))); }

static Vals wrapAll(KernelBuilder &k, ValueRange values) {
  Vals result;
  for (Value value : values)
    result.push_back(k.wrap(value));
  return result;
}

void KernelBuilder::when(Val condition, Body then) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  then();
}

void KernelBuilder::when(Val condition, Body then, Body otherwise) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  then();
  setInsertionPointToStart(op.elseBlock());
  otherwise();
}

Vals KernelBuilder::choose(Val condition, YieldingBody then, YieldingBody otherwise) {
  auto branch = [&](YieldingBody body) {
    return [this, body](OpBuilder &inside, Location) {
      OpBuilder::InsertionGuard guard(*this);
      restoreInsertionPoint(inside.saveInsertionPoint());
      Vals results = body();
      scf::YieldOp::create(*this, raw(results));
    };
  };
  return wrapAll(*this, scf::IfOp::create(*this, condition, branch(then), branch(otherwise)).getResults());
}

Vals KernelBuilder::loop(Val from, Val to, Val step, ArrayRef<Val> initial,
                         llvm::function_ref<Vals(Val, ArrayRef<Val>)> body) {
  auto op = scf::ForOp::create(*this, from, to, step, raw(initial));
  OpBuilder::InsertionGuard guard(*this);
  Block *block = op.getBody();
  if (initial.empty())
    block->getTerminator()->erase();
  setInsertionPointToEnd(block);
  Vals next = body(wrap(op.getInductionVar()), wrapAll(*this, op.getRegionIterArgs()));
  scf::YieldOp::create(*this, raw(next));
  return wrapAll(*this, op.getResults());
}

Vals KernelBuilder::repeat(ArrayRef<Val> initial, llvm::function_ref<Vals(ArrayRef<Val>)> body,
                           llvm::function_ref<Vals(ArrayRef<Val>)> between) {
  SmallVector<Type> types;
  for (Val value : initial)
    types.push_back(value.type());
  auto op = scf::WhileOp::create(
      *this, types, raw(initial),
      [&](OpBuilder &, Location, ValueRange state) {
        OpBuilder::InsertionGuard guard(*this);
        setInsertionPointToEnd(state[0].getParentBlock());
        Vals next = body(wrapAll(*this, state));
        Val again = next.pop_back_val();
        scf::ConditionOp::create(*this, again, raw(next));
      },
      [&](OpBuilder &, Location, ValueRange state) {
        OpBuilder::InsertionGuard guard(*this);
        setInsertionPointToEnd(state[0].getParentBlock());
        Vals next = between(wrapAll(*this, state));
        scf::YieldOp::create(*this, raw(next));
      });
  return wrapAll(*this, op.getResults());
}

Vals KernelBuilder::loopWhile(ArrayRef<Val> initial, llvm::function_ref<Val(ArrayRef<Val>)> condition,
                              llvm::function_ref<Vals(ArrayRef<Val>)> body) {
  auto check = [&](ArrayRef<Val> state) {
    Vals next(state);
    next.push_back(condition(state));
    return next;
  };
  return repeat(initial, check, body);
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

Val KernelBuilder::thread() {
  auto range = LLVM::ConstantRangeAttr::get(getContext(), APInt(32, 0), APInt(32, threads));
  return wrap(NVVM::ThreadIdXOp::create(*this, i32Type(), range));
}
Val KernelBuilder::blockX() { return wrap(NVVM::BlockIdXOp::create(*this, i32Type())); }
Val KernelBuilder::blockY() { return wrap(NVVM::BlockIdYOp::create(*this, i32Type())); }
Val KernelBuilder::gridX() { return wrap(NVVM::GridDimXOp::create(*this, i32Type())); }

static Val shuffleOp(KernelBuilder &k, Val value, Val offset, int64_t clamp, NVVM::ShflKind kind) {
  return k.wrap(
      NVVM::ShflOp::create(k, value.type(), k.i32(-1), value, offset, k.i32(clamp), kind, /*return_value=*/UnitAttr()));
}

Val KernelBuilder::shuffleXor(Val value, int64_t mask) {
  return shuffleOp(*this, value, i32(mask), 31, NVVM::ShflKind::bfly);
}
Val KernelBuilder::shuffle(Val value, Val lane) { return shuffleOp(*this, value, lane, 31, NVVM::ShflKind::idx); }
Val KernelBuilder::shuffleUp(Val value, int64_t distance) {
  return shuffleOp(*this, value, i32(distance), 0, NVVM::ShflKind::up);
}

Val KernelBuilder::ballot(Val condition) {
  return wrap(NVVM::VoteSyncOp::create(*this, i32Type(), i32(-1), condition, NVVM::VoteSyncKind::ballot));
}
Val KernelBuilder::populationCount(Val bits) { return wrap(LLVM::CtPopOp::create(*this, bits)); }

Val KernelBuilder::reduce(Val value, llvm::function_ref<Val(Val, Val)> combine) {
  for (int64_t mask : {16, 8, 4, 2, 1})
    value = combine(value, shuffleXor(value, mask));
  return value;
}
/// Emits one instruction, for integers.
static Val reduceInt(KernelBuilder &k, Val value, NVVM::ReduxKind kind) {
  return k.wrap(NVVM::ReduxOp::create(k, value.type(), value, kind, k.i32(-1)));
}
Val KernelBuilder::warpSum(Val value) {
  if (!isFloat(value))
    return reduceInt(*this, value, NVVM::ReduxKind::ADD);
  return reduce(value, [](Val a, Val b) { return a + b; });
}
Val KernelBuilder::warpMax(Val value) {
  if (!isFloat(value))
    return reduceInt(*this, value, NVVM::ReduxKind::MAX);
  return reduce(value, [](Val a, Val b) { return mla::gpu::max(a, b); });
}

std::pair<Val, Val> KernelBuilder::warpPrefix(Val own) {
  Val sum = own, lane = thread() & 31;
  for (int64_t distance : {1, 2, 4, 8, 16})
    sum = sum + select(lane >= distance, shuffleUp(sum, distance), i32(0));
  return {sum - own, shuffle(sum, i32(31))};
}

void KernelBuilder::syncWarp() { NVVM::SyncWarpOp::create(*this, i32(-1)); }
void KernelBuilder::syncBlock() { NVVM::Barrier0Op::create(*this); }
void KernelBuilder::syncNamed(Val barrier, int64_t threads) {
  NVVM::BarrierOp::create(*this, TypeRange(), barrier, i32(threads), NVVM::BarrierReductionAttr(), Value());
}
void KernelBuilder::syncNamed(int64_t barrier, int64_t threads) { syncNamed(i32(barrier), threads); }
void KernelBuilder::arriveNamed(Val barrier, int64_t threads) {
  NVVM::BarrierArriveOp::create(*this, barrier, i32(threads));
}
void KernelBuilder::arriveNamed(int64_t barrier, int64_t threads) { arriveNamed(i32(barrier), threads); }

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Val KernelBuilder::shared(int64_t offset) {
  auto type = LLVM::LLVMPointerType::get(getContext(), static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared));
  return wrap(LLVM::IntToPtrOp::create(*this, type, Value(i64(sharedBase + offset))));
}
Val KernelBuilder::shared(int64_t offset, Val bytes) { return at(shared(offset), bytes); }

Val KernelBuilder::at(Val pointer, Val bytes) {
  return wrap(LLVM::GEPOp::create(*this, pointer.type(), getI8Type(), pointer, LLVM::GEPArg(Value(bytes))));
}
Val KernelBuilder::at(Val pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  return wrap(LLVM::GEPOp::create(*this, pointer.type(), getI8Type(), pointer, LLVM::GEPArg(bytes)));
}

Type KernelBuilder::f32Type() { return getF32Type(); }
Type KernelBuilder::i32Type() { return getI32Type(); }
Type KernelBuilder::vectorType(int64_t lanes, Type element) { return VectorType::get(lanes, element); }

Val KernelBuilder::load(Val pointer, Type type, int64_t alignment) {
  return wrap(LLVM::LoadOp::create(*this, type, pointer, alignment));
}
Val KernelBuilder::loadConstant(Val pointer, Type type) {
  return wrap(LLVM::LoadOp::create(*this, type, pointer, /*alignment=*/0, /*isVolatile=*/false,
                                   /*isNonTemporal=*/false, /*isInvariant=*/true));
}
Val KernelBuilder::loadInt(Val array, Val index) { return loadConstant(at(array, extend(index) * 4), i32Type()); }
void KernelBuilder::store(Val value, Val pointer, int64_t alignment) {
  LLVM::StoreOp::create(*this, value, pointer, alignment);
}

Val KernelBuilder::atomicAdd(Val pointer, Val value) {
  return wrap(LLVM::AtomicRMWOp::create(*this, LLVM::AtomicBinOp::add, pointer, value, LLVM::AtomicOrdering::monotonic,
                                        "device"));
}

Val KernelBuilder::zeroVector(int64_t lanes, Type element) {
  return wrap(arith::ConstantOp::create(*this, getZeroAttr(vectorType(lanes, element))));
}
Val KernelBuilder::element(Val vector, int64_t index) {
  return wrap(LLVM::ExtractElementOp::create(*this, vector, i32(index)));
}
Val KernelBuilder::vectorOf(ArrayRef<Val> elements) {
  Value vector = LLVM::PoisonOp::create(*this, vectorType(elements.size(), elements.front().type()));
  for (auto [i, element] : llvm::enumerate(elements))
    vector = LLVM::InsertElementOp::create(*this, vector, element, i32(i));
  return wrap(vector);
}

Val KernelBuilder::bitcast(Val value, Type type) { return wrap(LLVM::BitcastOp::create(*this, type, value)); }
Val KernelBuilder::extend(Val value) { return wrap(arith::ExtUIOp::create(*this, getI64Type(), value)); }
Val KernelBuilder::toFloat(Val value) { return wrap(arith::SIToFPOp::create(*this, f32Type(), value)); }
Val KernelBuilder::toInt(Val value) { return wrap(arith::FPToSIOp::create(*this, i32Type(), value)); }
Val KernelBuilder::toInt(Val condition, Type type) { return wrap(arith::ExtUIOp::create(*this, type, condition)); }

Val KernelBuilder::pack(ArrayRef<Val> values) {
  SmallVector<Type> types;
  for (Val value : values)
    types.push_back(value.type());
  auto type = LLVM::LLVMStructType::getLiteral(getContext(), types);
  Value bundle = LLVM::UndefOp::create(*this, type);
  for (auto [i, value] : llvm::enumerate(values))
    bundle = LLVM::InsertValueOp::create(*this, bundle, value, static_cast<int64_t>(i));
  return wrap(bundle);
}

Vals KernelBuilder::unpack(Val bundle) {
  Vals values;
  size_t count = cast<LLVM::LLVMStructType>(bundle.type()).getBody().size();
  for (size_t i = 0; i < count; ++i)
    values.push_back(wrap(LLVM::ExtractValueOp::create(*this, bundle, static_cast<int64_t>(i))));
  return values;
}

Val KernelBuilder::intrinsic(StringRef name, ArrayRef<Val> arguments) {
  Type result = arguments.front().type();
  auto op = LLVM::CallIntrinsicOp::create(*this, result, getStringAttr(name), raw(arguments));
  return wrap(op->getResult(0));
}
