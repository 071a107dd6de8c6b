//===- Rotation.cpp - Rotary position embedding ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rotation.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace mla::gpu;

static constexpr int64_t unitPairs = 4;

static uint64_t hashOf(llvm::ArrayRef<float> values) {
  return llvm::xxh3_64bits(
      llvm::ArrayRef<uint8_t>(reinterpret_cast<const uint8_t *>(values.data()), values.size() * sizeof(float)));
}

std::string RotationDims::name() const {
  llvm::SmallVector<float> all(frequencies);
  all.push_back(scale);
  return std::string(interleaved ? "interleaved" : "half_split") + std::to_string(width()) + "_" +
         llvm::utohexstr(hashOf(all), /*LowerCase=*/true);
}

/// Uses a constant array in global memory: lanes read different elements, which constant memory would serialise.
Rotation::Rotation(KernelBuilder &k, mlir::gpu::GPUModuleOp module, const RotationDims &dims)
    : k(k), dims(dims), table("frequencies_" + llvm::utohexstr(hashOf(dims.frequencies), /*LowerCase=*/true)) {
  if (module.lookupSymbol(table))
    return;
  OpBuilder::InsertionGuard guard(k);
  k.setInsertionPointToStart(module.getBody());
  auto tensor = RankedTensorType::get({static_cast<int64_t>(dims.frequencies.size())}, k.getF32Type());
  LLVM::GlobalOp::create(k, LLVM::LLVMArrayType::get(k.getF32Type(), dims.frequencies.size()), /*isConstant=*/true,
                         LLVM::Linkage::Internal, table,
                         DenseElementsAttr::get(tensor, llvm::ArrayRef<float>(dims.frequencies)), /*alignment=*/16,
                         static_cast<unsigned>(NVVM::NVVMMemorySpace::Global));
}

void Rotation::loadFrequencies(Val which) {
  unit = which;
  auto type = LLVM::LLVMPointerType::get(k.getContext(), static_cast<unsigned>(NVVM::NVVMMemorySpace::Global));
  Val base = k.wrap(LLVM::AddressOfOp::create(k, type, table));
  frequencies = loadConstants(k, elementAt(k, base, unit * unitPairs, Element::F32), unitPairs);
}

/// The angle is reduced to r = angle - n · 2π, |r| < 3.15, in two steps, 2π = high + low:
///   angle - n · high is exact: both are multiples of 2^-22, or of 2^-21 from 4 on, and the difference, below 4, fits
///   into 24 bits; n <= 2^18 / 2π needs 16;
///   - n · low, of low's 24 bits, rounds once: 2^-23 = 1.2e-7.
/// sin.approx and cos.approx err by at most 2^-20.5 = 6.7e-7 there (PTX ISA, 9.7.3.18 and 19). In all below 8.1e-7.
std::pair<Val, Val> mla::gpu::sineAndCosine(KernelBuilder &k, Val angle) {
  constexpr double pi = 3.14159265358979323846;
  const float high = static_cast<float>(2 * pi);
  const double low = 2 * pi - static_cast<double>(high);
  // Adding 1.5 · 2^23 rounds to an integer.
  Val shift = k.f32(12582912.0);
  Val n = fma(angle, k.f32(1 / (2 * pi)), shift) - shift;
  Val reduced = fma(-n, k.f32(low), fma(-n, k.f32(high), angle));
  return {k.intrinsic("llvm.nvvm.sin.approx.ftz.f", reduced), k.intrinsic("llvm.nvvm.cos.approx.ftz.f", reduced)};
}

void Rotation::setPosition(Val position, Val factor) {
  Val number = k.toFloat(position);
  sines.clear();
  cosines.clear();
  for (Val frequency : frequencies) {
    auto [sine, cosine] = sineAndCosine(k, number * frequency);
    Val scale = k.f32(dims.scale);
    if (factor)
      scale = scale * factor;
    bool scaled = factor || dims.scale != 1;
    sines.push_back(scaled ? sine * scale : sine);
    cosines.push_back(scaled ? cosine * scale : cosine);
  }
}

Vals Rotation::load(Val row, Element element) {
  if (!dims.interleaved) {
    Val firsts = elementAt(k, row, unit * unitPairs, element);
    Vals pairs = loadElements(k, firsts, unitPairs, element);
    pairs.append(loadElements(k, k.at(firsts, dims.width() / 2 * bytesOf(element)), unitPairs, element));
    return pairs;
  }
  Vals elements = loadElements(k, elementAt(k, row, unit * (2 * unitPairs), element), 2 * unitPairs, element), pairs;
  for (int64_t second : {0, 1})
    for (int64_t i = 0; i < unitPairs; ++i)
      pairs.push_back(elements[2 * i + second]);
  return pairs;
}

Vals Rotation::rotate(llvm::ArrayRef<Val> pairs) {
  Vals firsts, seconds;
  for (int64_t i = 0; i < unitPairs; ++i) {
    Val first = pairs[i], second = pairs[unitPairs + i];
    firsts.push_back(first * cosines[i] - second * sines[i]);
    seconds.push_back(second * cosines[i] + first * sines[i]);
  }
  firsts.append(seconds);
  return firsts;
}

void Rotation::store(llvm::ArrayRef<Val> pairs, Val row, Element element) {
  if (!dims.interleaved) {
    Val firsts = elementAt(k, row, unit * unitPairs, element);
    storeElements(k, pairs.take_front(unitPairs), firsts, element);
    storeElements(k, pairs.drop_front(unitPairs), k.at(firsts, dims.width() / 2 * bytesOf(element)), element);
    return;
  }
  Vals elements;
  for (int64_t i = 0; i < unitPairs; ++i) {
    elements.push_back(pairs[i]);
    elements.push_back(pairs[unitPairs + i]);
  }
  storeElements(k, elements, elementAt(k, row, unit * (2 * unitPairs), element), element);
}
