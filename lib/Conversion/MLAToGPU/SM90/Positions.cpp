//===- Positions.cpp - Positions of tokens --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Positions.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"

#include <cmath>

using namespace mla::gpu;

Positions::Positions(KernelBuilder &k) : k(k), cu(k.addPointer()), lengths(k.addPointer()), batch(k.addInt()) {}

static Val loadAt(KernelBuilder &k, Val array, Val index) {
  return k.load(k.at(array, k.extend(index) * 4), k.i32Type(), 4);
}

Val Positions::load(unsigned pointer, Val index) { return loadAt(k, k.argument(pointer), index); }

/// Finds the last sequence whose first token is not behind `token`; empty sequences come before the one that has it.
/// Every round compares 32 evenly spaced sequences: two rounds for a batch of 1024.
Val mla::gpu::findSequence(KernelBuilder &k, Val cu, Val batch, Val token) {
  Val lane = k.thread() & 31;
  return k.loopWhile(
      {k.i32(0), batch}, [&](llvm::ArrayRef<Val> state) { return state[1] > 1; },
      [&](llvm::ArrayRef<Val> state) -> Vals {
        Val first = state[0], count = state[1], step = ceilDiv(count, 32), offset = lane * step;
        Val begins = loadAt(k, cu, first + min(offset, count - 1)) <= token;
        Val passed = (k.populationCount(k.ballot((offset < count) & begins)) - 1) * step;
        return {first + passed, min(step, count - passed)};
      })[0];
}

Place Positions::placeOf(Val token) {
  Place place;
  place.sequence = findSequence(k, k.argument(cu), k.argument(batch), token);
  Val begin = load(cu, place.sequence), end = load(cu, place.sequence + 1);
  place.position = load(lengths, place.sequence) - end + token;
  place.exists = (token >= begin) & (token < end);
  return place;
}

Val mla::gpu::scaleAt(KernelBuilder &k, const PositionScale &scale, Val position) {
  // Negative positions belong to tokens whose results are not used.
  Val periods = k.toFloat(max(position, k.i32(0)) / scale.original);
  return fma(log2(periods + k.f32(1)), k.f32(scale.beta * std::log(2.0)), k.f32(1));
}

std::string mla::gpu::nameOf(const PositionScale &scale) {
  if (scale.beta == 0)
    return "";
  uint64_t beta =
      llvm::xxh3_64bits(llvm::ArrayRef<uint8_t>(reinterpret_cast<const uint8_t *>(&scale.beta), sizeof(scale.beta)));
  return "_scaled" + std::to_string(scale.original) + "_" + llvm::utohexstr(beta, /*LowerCase=*/true);
}
