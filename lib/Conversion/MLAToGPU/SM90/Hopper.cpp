//===- Hopper.cpp - Copies, barriers and tensor cores of sm_90a -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Hopper.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

namespace mla::gpu {
void initBarrier(KernelBuilder &k, Val barrier, int64_t arrivals) {
  NVVM::MBarrierInitOp::create(k, barrier, k.i32(arrivals), /*predicate=*/Value());
}

void fenceBarrierInit(KernelBuilder &k) { NVVM::FenceMbarrierInitOp::create(k); }

void expectBytes(KernelBuilder &k, Val barrier, Val bytes, Val predicate) {
  auto scope = NVVM::MemScopeKindAttr::get(k.getContext(), NVVM::MemScopeKind::CTA);
  NVVM::MBarrierArriveExpectTxOp::create(k, Type(), barrier, bytes, scope, k.getBoolAttr(false),
                                         predicate ? Value(predicate) : Value());
}

void expectBytes(KernelBuilder &k, Val barrier, int64_t bytes) { expectBytes(k, barrier, k.i32(bytes), Val()); }

void arrive(KernelBuilder &k, Val barrier) {
  auto scope = NVVM::MemScopeKindAttr::get(k.getContext(), NVVM::MemScopeKind::CTA);
  NVVM::MBarrierArriveOp::create(k, Type(), barrier, /*count=*/Value(), scope);
}

void waitBarrier(KernelBuilder &k, Val barrier, Val parity) {
  // The operation is the whole loop; the time limits the sleep of one attempt, in nanoseconds.
  NVVM::MBarrierTryWaitParityOp::create(k, barrier, parity, k.i32(10000000));
}

//===----------------------------------------------------------------------===//
// TMA
//===----------------------------------------------------------------------===//

Val encode(KernelBuilder &k, CacheHint hint) { return k.i64(static_cast<int64_t>(hint)); }

void copyTile(KernelBuilder &k, Val to, Val tensorMap, Val barrier, ArrayRef<Val> coordinates, CacheHint hint) {
  copyTile(k, to, tensorMap, barrier, coordinates, encode(k, hint));
}
void copyTile(KernelBuilder &k, Val to, Val tensorMap, Val barrier, ArrayRef<Val> coordinates, Val hint) {
  auto mode = NVVM::TMALoadModeAttr::get(k.getContext(), NVVM::TMALoadMode::TILE);
  NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
      k, to, tensorMap, raw(coordinates), barrier, /*im2colOffsets=*/ValueRange(), /*multicastMask=*/Value(), hint,
      mode, /*isCTAOnly=*/k.getBoolAttr(true), NVVM::CTAGroupKindAttr(),
      /*predicate=*/Value());
}

void storeTile(KernelBuilder &k, Val tensorMap, Val from, ArrayRef<Val> coordinates) {
  auto mode = NVVM::TMAStoreModeAttr::get(k.getContext(), NVVM::TMAStoreMode::TILE);
  NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(k, tensorMap, from, raw(coordinates), /*l2CacheHint=*/Value(),
                                                     mode, /*predicate=*/Value());
}

void storeBytes(KernelBuilder &k, Val to, Val from, Val bytes) {
  NVVM::CpAsyncBulkSharedCTAToGlobalOp::create(k, to, from, bytes, /*l2CacheHint=*/Value(), /*byteMask=*/Value());
}

void commitStores(KernelBuilder &k) { NVVM::CpAsyncBulkCommitGroupOp::create(k); }
void waitStoresRead(KernelBuilder &k) {
  NVVM::CpAsyncBulkWaitGroupOp::create(k, k.getI32IntegerAttr(0), k.getUnitAttr());
}
void waitStores(KernelBuilder &k) { NVVM::CpAsyncBulkWaitGroupOp::create(k, k.getI32IntegerAttr(0), UnitAttr()); }

void copyWord(KernelBuilder &k, Val to, Val from) {
  NVVM::CpAsyncOp::create(k, to, from, 4, NVVM::LoadCacheModifierKind::CA, /*cpSize=*/Value());
}
void copyChunk(KernelBuilder &k, Val to, Val from, Val exists) {
  NVVM::CpAsyncOp::create(k, to, from, 16, NVVM::LoadCacheModifierKind::CG, k.toInt(exists, k.i32Type()) << 4);
}
void waitWords(KernelBuilder &k) {
  NVVM::CpAsyncCommitGroupOp::create(k);
  NVVM::CpAsyncWaitGroupOp::create(k, 0);
}

void arriveAfterWords(KernelBuilder &k, Val barrier) {
  NVVM::CpAsyncMBarrierArriveOp::create(k, barrier, /*noinc=*/true);
}

void prefetch(KernelBuilder &k, Val from) {
  auto level = NVVM::PrefetchCacheLevelAttr::get(k.getContext(), NVVM::PrefetchCacheLevel::L2);
  NVVM::PrefetchOp::create(k, level, NVVM::CacheEvictionPriorityAttr(), from, /*predicate=*/Value(),
                           /*tensormap=*/UnitAttr());
}

void prefetchTensorMap(KernelBuilder &k, Val tensorMap) {
  NVVM::PrefetchOp::create(k, NVVM::PrefetchCacheLevelAttr(), NVVM::CacheEvictionPriorityAttr(), tensorMap,
                           /*predicate=*/Value(), /*tensormap=*/k.getUnitAttr());
}

void fenceAsync(KernelBuilder &k) {
  auto space = NVVM::SharedSpaceAttr::get(k.getContext(), NVVM::SharedSpace::shared_cta);
  NVVM::FenceProxyOp::create(k, NVVM::ProxyKindAttr::get(k.getContext(), NVVM::ProxyKind::async_shared), space);
}

//===----------------------------------------------------------------------===//
// Launches and registers
//===----------------------------------------------------------------------===//

void waitForPredecessors(KernelBuilder &k) { NVVM::GriddepcontrolOp::create(k, NVVM::GridDepActionKind::wait); }
void launchDependents(KernelBuilder &k) {
  NVVM::GriddepcontrolOp::create(k, NVVM::GridDepActionKind::launch_dependents);
}

void decreaseRegisters(KernelBuilder &k, int64_t count) {
  NVVM::SetMaxRegisterOp::create(k, static_cast<uint32_t>(count), NVVM::SetMaxRegisterAction::decrease);
}
void increaseRegisters(KernelBuilder &k, int64_t count) {
  NVVM::SetMaxRegisterOp::create(k, static_cast<uint32_t>(count), NVVM::SetMaxRegisterAction::increase);
}

//===----------------------------------------------------------------------===//
// Tensor cores
//===----------------------------------------------------------------------===//

/// `leading` and `stride` in units of 16 bytes; bits 62 and 63 say SWIZZLE_128B.
static int64_t descriptor(int64_t offset, int64_t leading, int64_t stride) {
  return ((KernelBuilder::sharedBase + offset) >> 4) | (leading << 16) | (stride << 32) | (int64_t(1) << 62);
}

int64_t kMajorDescriptor(int64_t offset) { return descriptor(offset, 1, 64); }
Val moveDescriptor(KernelBuilder &k, int64_t descriptor, Val units) {
  Val low = k.i32(descriptor & 0xffffffff) + units;
  return k.extend(low) | k.i64(descriptor & ~int64_t(0xffffffff));
}
int64_t mnMajorDescriptor(int64_t offset, int64_t tileStride) { return descriptor(offset, tileStride >> 4, 64); }

void fenceProducts(KernelBuilder &k) { NVVM::WgmmaFenceAlignedOp::create(k); }
void commitProducts(KernelBuilder &k) { NVVM::WgmmaGroupSyncAlignedOp::create(k); }
void waitProducts(KernelBuilder &k, int64_t pending) {
  NVVM::WgmmaWaitGroupSyncOp::create(k, static_cast<uint64_t>(pending));
}

/// wgmma's layouts are those of A by rows and B by columns: 'row' for A and 'col' for B are K-major.
static NVVM::MMALayoutAttr layout(KernelBuilder &k, Major major, bool isA) {
  bool row = (major == Major::K) == isA;
  return NVVM::MMALayoutAttr::get(k.getContext(), row ? NVVM::MMALayout::row : NVVM::MMALayout::col);
}

static NVVM::WGMMATypes typeOf(Operands operands) {
  switch (operands) {
  case Operands::BF16:
    return NVVM::WGMMATypes::bf16;
  case Operands::F16:
    return NVVM::WGMMATypes::f16;
  case Operands::E4M3:
    return NVVM::WGMMATypes::e4m3;
  }
  llvm_unreachable("every kind of operands has a type");
}

Vals multiply(KernelBuilder &k, Val a, Val b, ArrayRef<Val> accumulators, bool start, Major aMajor, Major bMajor,
              Operands operands) {
  int64_t n = 2 * static_cast<int64_t>(accumulators.size());
  MLIRContext *context = k.getContext();
  auto element = NVVM::WGMMATypesAttr::get(context, typeOf(operands));
  auto f32 = NVVM::WGMMATypesAttr::get(context, NVVM::WGMMATypes::f32);
  auto one = NVVM::WGMMAScaleInAttr::get(context, NVVM::WGMMAScaleIn::one);
  auto scale = NVVM::WGMMAScaleOutAttr::get(context, start ? NVVM::WGMMAScaleOut::zero : NVVM::WGMMAScaleOut::one);
  auto shape = NVVM::MMAShapeAttr::get(context, 64, n, operands == Operands::E4M3 ? 32 : 16);
  Val bundle = k.pack(accumulators);
  auto op =
      NVVM::WgmmaMmaAsyncOp::create(k, bundle.type(), bundle, a, b, shape, element, element, f32, scale, one, one,
                                    layout(k, aMajor, true), layout(k, bMajor, false), NVVM::MMAIntOverflowAttr());
  return k.unpack(k.wrap(op.getResult()));
}

/// "$first, $first+1, …" for `count` operands.
static std::string operandList(int64_t first, int64_t count) {
  std::string text;
  for (int64_t i = 0; i < count; ++i)
    text += (i ? ", $" : "$") + std::to_string(first + i);
  return text;
}

/// The depth and types of a product with sums in f32, as in the instruction's name.
static StringRef suffixOf(Operands operands) {
  switch (operands) {
  case Operands::BF16:
    return "k16.f32.bf16.bf16";
  case Operands::F16:
    return "k16.f32.f16.f16";
  case Operands::E4M3:
    return "k32.f32.e4m3.e4m3";
  }
  llvm_unreachable("every kind of operands has a name");
}

Vals multiplyRegisters(KernelBuilder &k, ArrayRef<Val> a, Val b, ArrayRef<Val> accumulators, bool start, Major bMajor,
                       Operands operandTypes) {
  // NVVM has no operation for A in registers. Outputs 0…m-1 are tied to inputs m…2m-1; then A, then B's descriptor.
  int64_t m = accumulators.size(), n = 2 * m;
  StringRef transposed = operandTypes == Operands::E4M3 ? "" : bMajor == Major::MN ? ", 1" : ", 0";
  std::string text = "{\n.reg .pred p;\nsetp.ne.b32 p, " + std::to_string(start ? 0 : 1) +
                     ", 0;\nwgmma.mma_async.sync.aligned.m64n" + std::to_string(n) + suffixOf(operandTypes).str() +
                     " {" + operandList(0, m) + "}, {" + operandList(2 * m, 4) + "}, $" + std::to_string(2 * m + 4) +
                     ", p, 1, 1" + transposed.str() + ";\n}";
  SmallVector<std::string> constraints(m, "=f");
  for (int64_t i = 0; i < m; ++i)
    constraints.push_back(std::to_string(i));
  constraints.append(4, "r");
  constraints.push_back("l");
  SmallVector<Value> operands = raw(accumulators);
  operands.append(a.begin(), a.end());
  operands.push_back(b);
  SmallVector<Type> types(m, k.f32Type());
  Type result = LLVM::LLVMStructType::getLiteral(k.getContext(), types);
  auto op = LLVM::InlineAsmOp::create(k, result, operands, text, llvm::join(constraints, ","),
                                      /*has_side_effects=*/true, /*is_align_stack=*/false, LLVM::TailCallKind::None,
                                      LLVM::AsmDialectAttr::get(k.getContext(), LLVM::AsmDialect::AD_ATT), ArrayAttr());
  return k.unpack(k.wrap(op->getResult(0)));
}

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

Val fragmentOffset(KernelBuilder &k, Val warp, Val lane, int64_t j) {
  Val row = warp * 16 + (lane & 15);
  Val chunk = (lane >> 4) + 2 * j;
  return (row << 7) + ((chunk ^ (row & 7)) << 4);
}

static NVVM::LdStMatrixShapeAttr shape8x8(KernelBuilder &k) {
  return NVVM::LdStMatrixShapeAttr::get(k.getContext(), 8, 8);
}
static NVVM::LdStMatrixEltTypeAttr b16(KernelBuilder &k) {
  return NVVM::LdStMatrixEltTypeAttr::get(k.getContext(), NVVM::LdStMatrixEltType::B16);
}

Vals loadMatrix(KernelBuilder &k, Val from, bool transposed) {
  SmallVector<Type> types(4, k.i32Type());
  Type result = LLVM::LLVMStructType::getLiteral(k.getContext(), types);
  auto layout = NVVM::MMALayoutAttr::get(k.getContext(), transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row);
  auto op = NVVM::LdMatrixOp::create(k, result, from, k.getI32IntegerAttr(4), layout, shape8x8(k), b16(k));
  return k.unpack(k.wrap(op.getResult()));
}

void storeMatrix(KernelBuilder &k, Val to, ArrayRef<Val> fragment, bool transposed) {
  auto layout = NVVM::MMALayoutAttr::get(k.getContext(), transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row);
  NVVM::StMatrixOp::create(k, to, raw(fragment), layout, shape8x8(k), b16(k));
}
} // namespace mla::gpu
