//===- PackedRows.cpp - Rows of a cache in FP8 ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A packed row is bytes: mla/cache_format.h has the layout. Numbers of more
// than one byte are little-endian.
//
//===----------------------------------------------------------------------===//

#include "PackedRows.h"
#include "EightBit.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mla;

using Size = OpFoldResult;

static Value tableOfE4M3(Emitter &e) { return emitTableOf8Bit(e, Float8E4M3FNType::get(e.getContext())); }

//===----------------------------------------------------------------------===//
// Numbers of several bytes
//===----------------------------------------------------------------------===//

/// Returns `count` bytes as one integer. `byteAt` returns byte i, i8.
static Value joinBytes(Emitter &e, int64_t count, llvm::function_ref<Value(int64_t)> byteAt) {
  IntegerType type = e.getIntegerType(8 * count);
  Value joined;
  for (int64_t i = 0; i < count; ++i) {
    Value byte = arith::ExtUIOp::create(e, type, byteAt(i));
    Value moved = arith::ShLIOp::create(e, byte, arith::ConstantOp::create(e, e.getIntegerAttr(type, 8 * i)));
    joined = joined ? arith::OrIOp::create(e, joined, moved) : moved;
  }
  return joined;
}

/// Returns byte `index` of a float, an index of 0 to its bytes.
static Value byteOf(Emitter &e, Value x, Value index) {
  IntegerType type = e.getIntegerType(x.getType().getIntOrFloatBitWidth());
  Value bits = arith::BitcastOp::create(e, type, x);
  Value shift = arith::IndexCastOp::create(e, type, e.mul(index, e.index(8)));
  return arith::TruncIOp::create(e, e.getI8Type(), arith::ShRUIOp::create(e, bits, shift));
}

/// Returns the bytes of a vector of floats.
static Value bytesOf(Emitter &e, Value vector) {
  int64_t size = typeOf(vector).getElementTypeBitWidth() / 8;
  Value init = e.empty({e.size(size * typeOf(vector).getDimSize(0))}, e.getI8Type());
  return e.elementwise({}, init, [&](Emitter &e, ValueRange) -> Value {
    Value i = e.loopIndex(0), width = e.index(size);
    return byteOf(e, e.at(vector, e.div(i, width)), arith::RemUIOp::create(e, i, width));
  });
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
/// The rows of one page that are read.
struct Rows {
  Value pages, number;
  Size count;

  Value slice(Emitter &e, int64_t first, int64_t width) const {
    return e.slice(pages, {number, e.size(0), e.size(first)}, {e.size(1), count, e.size(width)}, 2);
  }
};
} // namespace

/// Returns floats of type `element` from byte `first` of a row, [rows, count], as f32.
static Value emitFloats(Emitter &e, const Rows &rows, int64_t first, int64_t count, FloatType element) {
  int64_t size = element.getWidth() / 8;
  auto body = [&](Emitter &e, ValueRange) -> Value {
    Value row = e.loopIndex(0), start = e.add(e.mul(e.loopIndex(1), e.index(size)), e.index(first));
    Value bits =
        joinBytes(e, size, [&](int64_t i) { return e.at(rows.pages, {rows.number, row, e.add(start, e.index(i))}); });
    return e.castTo(e.getF32Type(), arith::BitcastOp::create(e, element, bits));
  };
  return e.elementwise({}, e.empty({rows.count, e.size(count)}), body);
}

/// Returns columns of e4m3 from byte `first`, [rows, count], as f32.
static Value emitE4M3(Emitter &e, const Rows &rows, int64_t first, int64_t count) {
  Value table = tableOfE4M3(e);
  return e.elementwise(rows.slice(e, first, count), e.empty({rows.count, e.size(count)}),
                       [&](Emitter &e, ValueRange args) { return emitLookUp(e, table, args[0]); });
}

/// Returns the latents of rows with a scale per group of columns.
static Value emitScaledLatents(Emitter &e, CacheType type, const Rows &rows) {
  schema::PackedRow layout = type.getPackedRow();
  Value scales = emitFloats(e, rows, layout.scales, layout.numScales, e.getF32Type());
  Value latents = e.empty({rows.count, e.size(type.getLatent())}), table = tableOfE4M3(e);
  for (int64_t group = 0; group < layout.numScales; ++group) {
    int64_t first = group * schema::scaleColumns, width = std::min(schema::scaleColumns, type.getLatent() - first);
    Value scale = e.slice(scales, {e.size(0), e.size(group)}, {rows.count, e.size(1)}, 1);
    auto body = [&](Emitter &e, ValueRange args) -> Value {
      return arith::MulFOp::create(e, emitLookUp(e, table, args[0]), args[1]);
    };
    Value part = e.generic({rows.slice(e, first, width), scale}, {{0, 1}, {0}}, e.empty({rows.count, e.size(width)}),
                           {0, 1}, 2, body);
    latents = e.insert(part, latents, {e.size(0), e.size(first)}, {rows.count, e.size(width)});
  }
  return latents;
}

Page mla::emitUnpack(Emitter &e, CacheType type, Value pages, Value number, Size count) {
  Rows rows = {pages, number, count};
  bool isScaled = type.getFormat() == CacheFormat::FP8Row;
  Page page;
  page.latents = isScaled ? emitScaledLatents(e, type, rows) : emitE4M3(e, rows, 0, type.getLatent());
  int64_t first = type.getPackedRow().rope, rope = type.getRope();
  if (rope)
    page.keys = isScaled ? emitFloats(e, rows, first, rope, e.getBF16Type()) : emitE4M3(e, rows, first, rope);
  return page;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// Returns the scale of each group of columns of a latent.
static Value emitScales(Emitter &e, Value latent, int64_t count) {
  Value scales = e.empty({e.size(count)});
  for (int64_t group = 0; group < count; ++group) {
    int64_t first = group * schema::scaleColumns;
    int64_t width = std::min(schema::scaleColumns, typeOf(latent).getDimSize(0) - first);
    Value part = e.slice(latent, {e.size(first)}, {e.size(width)}, 1);
    Value zero = e.filled(e.empty({}), e.f32(0));
    Value largest = e.generic(part, {{0}}, zero, {}, 1, [](Emitter &e, ValueRange args) -> Value {
      return arith::MaximumFOp::create(e, math::AbsFOp::create(e, args[0]), args[1]);
    });
    Value scale = arith::DivFOp::create(e, e.at(largest, {}), e.f32(schema::largestE4M3));
    scale = arith::MaximumFOp::create(e, scale, e.f32(schema::leastScale));
    scales = tensor::InsertOp::create(e, scale, scales, e.index(group));
  }
  return scales;
}

/// Returns the codes of a vector, divided by the scale of each group of columns if there are scales.
static Value emitCodes(Emitter &e, Value vector, Value scales) {
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    if (!scales)
      return emitToE4M3(e, args[0]);
    Value scale = e.at(scales, e.div(e.loopIndex(0), e.index(schema::scaleColumns)));
    return emitToE4M3(e, arith::DivFOp::create(e, args[0], scale));
  };
  return e.elementwise(vector, e.empty({e.size(typeOf(vector).getDimSize(0))}, e.getI8Type()), body);
}

Value mla::emitPack(Emitter &e, CacheType type, Value latent, Value key) {
  schema::PackedRow layout = type.getPackedRow();
  Value zero = arith::ConstantOp::create(e, e.getI8IntegerAttr(0));
  Value row = e.filled(e.empty({e.size(layout.bytes)}, e.getI8Type()), zero);
  auto put = [&](Value bytes, int64_t at) {
    row = e.insert(bytes, row, {e.size(at)}, {e.size(typeOf(bytes).getDimSize(0))});
  };
  Value scales = layout.numScales ? emitScales(e, latent, layout.numScales) : Value();
  put(emitCodes(e, latent, scales), 0);
  if (scales)
    put(bytesOf(e, scales), layout.scales);
  if (key)
    put(scales ? bytesOf(e, e.cast(key, e.getBF16Type())) : emitCodes(e, key, Value()), layout.rope);
  return row;
}
