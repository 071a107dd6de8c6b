//===- Rope.cpp - Rotation of queries -------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rope.h"

#include "Hopper.h"

using namespace mla::gpu;

static constexpr int64_t passesAtATime = 4;

std::string RopeShape::name() const {
  return "rope_" + std::to_string(heads) + "_passes" + std::to_string(passes) + "_" + rotation.name() + nameOf(scale);
}

/// Heads per pass of a CTA; excess threads have none.
static int64_t headsOfPass(const RopeShape &shape) { return ropeThreads / shape.rotation.units(); }
int64_t RopeShape::headsOfBlock() const { return passes * headsOfPass(*this); }

RopeArguments::RopeArguments(KernelBuilder &k)
    : x(k.addPointer()), y(k.addPointer()), xToken(k.addInt()), xHead(k.addInt()), yToken(k.addInt()),
      yHead(k.addInt()) {}

void mla::gpu::rotateHeads(KernelBuilder &k, mlir::gpu::GPUModuleOp module, const RopeShape &shape,
                           const RopeArguments &a, Positions &positions, Val token, Val number) {
  int64_t units = shape.rotation.units(), together = headsOfPass(shape);
  Val own = k.thread() / units, first = number * shape.headsOfBlock() + own;
  Rotation rotation(k, module, shape.rotation);
  rotation.loadFrequencies(k.thread() % units);
  launchDependents(k);
  waitForPredecessors(k);
  Val from = rowAt(k, k.argument(a.x), token, k.argument(a.xToken), Element::BF16);
  Val to = rowAt(k, k.argument(a.y), token, k.argument(a.yToken), Element::BF16);
  // Threads without a head load another's.
  auto load = [&](int64_t pass) {
    Val head = min(first + pass * together, k.i32(shape.heads - 1));
    return rotation.load(elementAt(k, from, head * k.argument(a.xHead), Element::BF16), Element::BF16);
  };
  auto store = [&](int64_t pass, llvm::ArrayRef<Val> pairs) {
    Val head = first + pass * together;
    k.when((own < together) & (head < shape.heads), [&] {
      rotation.store(rotation.rotate(pairs), elementAt(k, to, head * k.argument(a.yHead), Element::BF16),
                     Element::BF16);
    });
  };
  // Several heads are loaded together, the first ones while the position is computed.
  for (int64_t begin = 0; begin < shape.passes; begin += passesAtATime) {
    int64_t end = std::min(begin + passesAtATime, shape.passes);
    llvm::SmallVector<Vals> loaded;
    for (int64_t pass = begin; pass < end; ++pass)
      loaded.push_back(load(pass));
    if (begin == 0) {
      Val position = positions.placeOf(token).position;
      rotation.setPosition(position, shape.scale.beta == 0 ? Val() : scaleAt(k, shape.scale, position));
    }
    for (int64_t pass = begin; pass < end; ++pass)
      store(pass, loaded[pass - begin]);
  }
}

void mla::gpu::emitRope(mlir::gpu::GPUModuleOp module, const RopeShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  KernelBuilder k(module, shape.name(), ropeThreads, /*oneBlock=*/false);
  RopeArguments a(k);
  Positions positions(k);
  k.begin();
  rotateHeads(k, module, shape, a, positions, k.blockX(), k.blockY());
  k.finish();
}
