//===- Embed.cpp - Rows of a table ----------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Embed.h"

#include "Hopper.h"

using namespace mla::gpu;

std::string EmbedShape::name() const { return "embed_" + std::to_string(rows) + "x" + std::to_string(width); }

void mla::gpu::emitEmbed(mlir::gpu::GPUModuleOp module, const EmbedShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  KernelBuilder k(module, shape.name(), embedThreads, /*oneBlock=*/false);
  unsigned ids = k.addPointer(), table = k.addPointer(), y = k.addPointer();
  k.begin();
  Val token = k.blockX(), column = (k.blockY() * embedThreads + k.thread()) * laneElements;
  mlir::Type chunk = k.vectorType(4, k.i32Type()); // laneElements of bf16
  launchDependents(k);
  waitForPredecessors(k);
  k.when(column < shape.width, [&] {
    Val id = k.load(k.at(k.argument(ids), k.extend(token) * 4), k.i32Type(), 4);
    Val most = k.i32(std::min<int64_t>(shape.rows, INT32_MAX));
    auto load = [&]() -> Vals {
      Val row = rowAt(k, k.argument(table), id, k.i32(shape.width), Element::BF16);
      return {k.loadConstant(elementAt(k, row, column, Element::BF16), chunk)};
    };
    Val found = k.choose((id >= 0) & (id < most), load, [&]() -> Vals { return {k.zeroVector(4, k.i32Type())}; })[0];
    Val row = rowAt(k, k.argument(y), token, k.i32(shape.width), Element::BF16);
    k.store(found, elementAt(k, row, column, Element::BF16), 16);
  });
  k.finish();
}
