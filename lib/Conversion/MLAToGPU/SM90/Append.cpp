//===- Append.cpp - Write new tokens to the cache -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Append.h"

#include "Hopper.h"
#include "llvm/ADT/StringExtras.h"

using namespace mla;
using namespace mla::gpu;

mla::schema::PackedRow AppendShape::row() const {
  if (format != CacheFormat::Standard)
    return schema::packedRow(static_cast<schema::CacheFormat>(format), latent, rotation.width());
  schema::PackedRow row;
  row.rope = latent * bytesOf(Element::BF16);
  row.bytes = row.rope + rotation.width() * bytesOf(Element::BF16);
  return row;
}

int64_t AppendShape::blocksOfToken() const {
  return queries ? 1 + llvm::divideCeil(queries->heads, queries->headsOfBlock()) : 1;
}

std::string AppendShape::name() const {
  return "append_" + std::to_string(latent) + "_page" + std::to_string(page) + "_e" +
         llvm::utohexstr(llvm::bit_cast<uint64_t>(epsilon), true) +
         (rotation.frequencies.empty() ? "" : "_" + rotation.name()) + (input == Element::F32 ? "_f32" : "") +
         (format == CacheFormat::Standard ? "" : "_" + stringifyCacheFormat(format).str()) +
         (queries ? "_" + queries->name() : "");
}

AppendArguments::AppendArguments(KernelBuilder &k, const AppendShape &shape)
    : latents(k.addPointer()), keys(shape.hasKeys() ? k.addPointer() : 0), gamma(k.addPointer()), pages(k.addPointer()),
      table(k.addPointer()), tokens(k.addInt()), latentStride(k.addInt()), keyStride(shape.hasKeys() ? k.addInt() : 0),
      tableWidth(k.addInt()), pageCount(k.addInt()), positions(k) {
  if (shape.queries)
    queries.emplace(k);
}

/// Calls `body` with the address of the cache's row for a place, if there is one.
static void whereStored(KernelBuilder &k, const AppendShape &shape, const AppendArguments &a, const Place &place,
                        llvm::function_ref<void(Val row)> body) {
  Val tableWidth = k.argument(a.tableWidth);
  Val entry = max(place.position, k.i32(0)) / shape.page;
  Val known = place.exists & (place.position >= 0) & (entry < tableWidth);
  k.when(known, [&] {
    Val line = k.extend(place.sequence) * k.extend(tableWidth) + k.extend(entry);
    Val page = k.load(k.at(k.argument(a.table), line * 4), k.i32Type(), 4);
    k.when((page >= 0) & (page < k.argument(a.pageCount)), [&] {
      Val row = k.extend(page) * shape.page + k.extend(place.position % shape.page);
      body(k.at(k.argument(a.pages), row * shape.row().bytes));
    });
  });
}

/// Appends appendTokens tokens. Only the first warps of a larger CTA have one.
static void appendRows(KernelBuilder &k, mlir::gpu::GPUModuleOp module, const AppendShape &shape, AppendArguments &a,
                       Val block) {
  bool hasKeys = shape.hasKeys();
  std::optional<Rotation> rotation;
  Val lane = k.thread() & 31, unit = min(lane, k.i32(shape.rotation.units() - 1));
  if (hasKeys) {
    rotation.emplace(k, module, shape.rotation);
    rotation->loadFrequencies(unit);
  }
  Val warp = k.shuffle(k.thread() >> 5, k.i32(0)), token = block * appendTokens + warp;
  launchDependents(k);
  waitForPredecessors(k);
  k.when((token < k.argument(a.tokens)) & (warp < appendTokens), [&] {
    Val from = rowAt(k, k.argument(a.latents), token, k.argument(a.latentStride), shape.input);
    Vals latent = loadRow(k, from, lane, shape.latent, shape.input), pairs;
    if (hasKeys)
      pairs = rotation->load(rowAt(k, k.argument(a.keys), token, k.argument(a.keyStride), shape.input), shape.input);
    // While the row is being loaded.
    Place place = a.positions.placeOf(token);
    Vals normalized = normalizeRow(k, latent, k.argument(a.gamma), lane, shape.latent, shape.epsilon);
    whereStored(k, shape, a, place, [&](Val row) {
      if (shape.row().numScales)
        scaleRow(k, normalized, lane, schema::scaleColumns, Scaling::Divide, [&](int64_t chunk, Val scale) {
          Val group = (lane * laneElements + chunk * warpElements) / schema::scaleColumns;
          k.when(group < shape.row().numScales,
                 [&] { k.store(scale, k.at(k.at(row, shape.row().scales), group * 4)); });
        });
      storeRow(k, normalized, row, lane, shape.latent, shape.latentElement());
      if (!hasKeys)
        return;
      rotation->setPosition(place.position);
      k.when(lane < shape.rotation.units(),
             [&] { rotation->store(rotation->rotate(pairs), k.at(row, shape.row().rope), shape.keyElement()); });
    });
  });
}

void mla::gpu::appendOrRotate(KernelBuilder &k, mlir::gpu::GPUModuleOp module, const AppendShape &shape,
                              AppendArguments &a, Val x, Val y) {
  if (!shape.queries)
    return appendRows(k, module, shape, a, x);
  k.when(
      y == 0, [&] { appendRows(k, module, shape, a, x); },
      [&] { rotateHeads(k, module, *shape.queries, *a.queries, a.positions, x, y - 1); });
}

Val mla::gpu::countAppendBlocks(KernelBuilder &k, const AppendShape &shape, const AppendArguments &a) {
  Val tokens = k.argument(a.tokens);
  return shape.queries ? tokens * shape.blocksOfToken() : ceilDiv(tokens, appendTokens);
}

void mla::gpu::appendOrRotate(KernelBuilder &k, mlir::gpu::GPUModuleOp module, const AppendShape &shape,
                              AppendArguments &a, Val number) {
  appendOrRotate(k, module, shape, a, number / shape.blocksOfToken(), number % shape.blocksOfToken());
}

void mla::gpu::emitAppend(mlir::gpu::GPUModuleOp module, const AppendShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  KernelBuilder k(module, shape.name(), appendThreads, /*oneBlock=*/false);
  AppendArguments a(k, shape);
  k.begin();
  appendOrRotate(k, module, shape, a, k.blockX(), k.blockY());
  k.finish();
}
