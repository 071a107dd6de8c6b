//===- E4M3.cpp - Numbers of 8 bits ---------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "E4M3.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mla::gpu;

static Type e4m3(KernelBuilder &k) { return Float8E4M3FNType::get(k.getContext()); }

/// Returns the low and the high 16 bits.
static Vals halvesOf(KernelBuilder &k, Val word) {
  Vals halves;
  for (Val half : {word, word >> 16})
    halves.push_back(k.wrap(LLVM::TruncOp::create(k, k.getI16Type(), half)));
  return halves;
}

/// Returns both numbers of a pair as f16.
static Val toHalves(KernelBuilder &k, Val pair) {
  Val bytes = k.bitcast(pair, k.vectorType(2, k.getI8Type()));
  return k.wrap(NVVM::ConvertF8x2ToF16x2Op::create(k, k.vectorType(2, k.getF16Type()), bytes, /*relu=*/false, e4m3(k)));
}

Vals mla::gpu::unpackE4M3AsHalves(KernelBuilder &k, Val word) {
  Vals pairs;
  for (Val half : halvesOf(k, word))
    pairs.push_back(k.bitcast(toHalves(k, half), k.i32Type()));
  return pairs;
}

Val mla::gpu::packF16(KernelBuilder &k, Val low, Val high) {
  auto rounding = NVVM::FPRoundingModeAttr::get(k.getContext(), NVVM::FPRoundingMode::RN);
  Val pair = k.wrap(NVVM::ConvertF32x2ToF16x2Op::create(k, k.vectorType(2, k.getF16Type()), high, low,
                                                        /*random_bits=*/Value(), rounding));
  return k.bitcast(pair, k.i32Type());
}

static Vals unpackPair(KernelBuilder &k, Val pair) {
  Val wide = toHalves(k, pair);
  Vals values;
  for (int64_t i : {0, 1})
    values.push_back(k.wrap(LLVM::FPExtOp::create(k, k.f32Type(), k.element(wide, i))));
  return values;
}

Vals mla::gpu::unpackE4M3(KernelBuilder &k, Val word) {
  Vals values;
  for (Val half : halvesOf(k, word))
    values.append(unpackPair(k, half));
  return values;
}

static Val packPair(KernelBuilder &k, Val low, Val high) {
  auto rounding = NVVM::FPRoundingModeAttr::get(k.getContext(), NVVM::FPRoundingMode::RN);
  auto saturation = NVVM::SaturationModeAttr::get(k.getContext(), NVVM::SaturationMode::SATFINITE);
  Val pair = k.wrap(NVVM::ConvertF32x2ToF8x2Op::create(k, k.getI16Type(), high, low, rounding, saturation,
                                                       k.getBoolAttr(false), TypeAttr::get(e4m3(k))));
  return k.wrap(LLVM::ZExtOp::create(k, k.i32Type(), pair));
}

Val mla::gpu::packE4M3(KernelBuilder &k, llvm::ArrayRef<Val> values) {
  return packPair(k, values[0], values[1]) | (packPair(k, values[2], values[3]) << 16);
}

static Val asHalves(KernelBuilder &k, Val pair) { return k.bitcast(pair, k.vectorType(2, k.getF16Type())); }

static Val packHalves(KernelBuilder &k, Val pair) {
  Val packed = k.wrap(NVVM::ConvertF16x2ToF8x2Op::create(k, k.getI16Type(), asHalves(k, pair), k.getBoolAttr(false),
                                                         TypeAttr::get(e4m3(k))));
  return k.wrap(LLVM::ZExtOp::create(k, k.i32Type(), packed));
}

Val mla::gpu::packE4M3Halves(KernelBuilder &k, Val low, Val high) {
  return packHalves(k, low) | (packHalves(k, high) << 16);
}

Val mla::gpu::multiplyHalves(KernelBuilder &k, Val a, Val b) {
  return k.bitcast(k.wrap(LLVM::FMulOp::create(k, asHalves(k, a), asHalves(k, b))), k.i32Type());
}
