//===- Cache.cpp - Positions, append and gather ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "PackedRows.h"
#include "Patterns.h"
#include "Tokens.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;

Span mla::emitSpan(Emitter &e, Value cu, Value length, Value b) {
  Value first = e.indexAt(cu, b);
  Value count = e.sub(e.indexAt(cu, e.add(b, e.index(1))), first);
  return {first, count, e.sub(length, count)};
}

Value mla::emitOwnPages(Emitter &e, CacheType cache, Value pages) {
  if (!cache.isDivided())
    return pages;
  int64_t before = cache.getParts() - 1 - cache.getPart();
  return e.div(e.add(pages, e.index(before)), e.index(cache.getParts()));
}

Value mla::emitEntry(Emitter &e, CacheType cache, Value index) {
  if (!cache.isDivided())
    return index;
  return e.add(e.mul(index, e.index(cache.getParts())), e.index(cache.getPart()));
}

std::pair<Value, Value> mla::emitPositions(Emitter &e, Value tokens, Value cu, Value lengths) {
  Type i32 = e.getI32Type();
  auto toI32 = [&](Emitter &e, Value index) -> Value { return arith::IndexCastOp::create(e, i32, index); };
  Value init = e.empty({tokens}, i32);
  auto ofSequence = [&](Emitter &e, Value b, ValueRange carried) -> SmallVector<Value> {
    Span span = emitSpan(e, cu, e.indexAt(lengths, b), b);
    auto ofToken = [&](Emitter &e, Value i, ValueRange carried) -> SmallVector<Value> {
      Value token = e.add(span.first, i);
      Value position = toI32(e, e.add(span.position, i));
      return {tensor::InsertOp::create(e, position, carried[0], token).getResult(),
              tensor::InsertOp::create(e, toI32(e, b), carried[1], token).getResult()};
    };
    return e.loop(e.index(0), span.count, e.index(1), carried, ofToken);
  };
  Value other = e.empty({tokens}, i32);
  SmallVector<Value> results = e.loop(e.index(0), e.dim(lengths, 0), e.index(1), {init, other}, ofSequence);
  return {results[0], results[1]};
}

/// Returns the row of a token, cast to `element`: [1, width], or [width] if `rank` is 1.
static Value rowOf(Emitter &e, Value tensor, Value token, Type element, int64_t rank = 2) {
  OpFoldResult width = e.dimSize(tensor, 1);
  return e.cast(e.slice(tensor, {token, e.size(0)}, {e.size(1), width}, rank), element);
}

/// Return 1 if the cache has the page of an entry of the block table, else 0.
static Value emitHasPage(Emitter &e, CacheType type, Value entry) {
  Value part = arith::RemUIOp::create(e, entry, e.index(type.getParts()));
  Value isOwn = arith::CmpIOp::create(e, arith::CmpIPredicate::eq, part, e.index(type.getPart()));
  return arith::SelectOp::create(e, isOwn, e.index(1), e.index(0));
}

static Value emitAppend(Emitter &e, AppendOp op, Value latent, Value kRope, Value position, Value sequence,
                        CacheTensors cache) {
  CacheType type = op.getCache().getType();
  auto write = [&](Emitter &e, Value token, Value at, Value entry, ValueRange carried) -> SmallVector<Value> {
    Value page = e.indexAt(cache.blockTable, {e.indexAt(sequence, token), entry});
    Value slot = arith::RemUIOp::create(e, at, e.index(type.getPage()));
    if (type.isPacked()) {
      Value key = type.getRope() ? rowOf(e, kRope, token, e.getF32Type(), 1) : Value();
      Value row = emitPack(e, type, rowOf(e, latent, token, e.getF32Type(), 1), key);
      return {e.insert(row, carried[0], {page, slot, e.size(0)},
                       {e.size(1), e.size(1), e.size(type.getPackedRow().bytes)})};
    }
    Value row = rowOf(e, latent, token, type.getElementType());
    Value pages = e.insert(row, carried[0], {page, slot, e.size(0)}, {e.size(1), e.size(1), e.size(type.getLatent())});
    if (!type.getRope())
      return {pages};
    Value key = rowOf(e, kRope, token, type.getElementType());
    return {
        e.insert(key, pages, {page, slot, e.size(type.getLatent())}, {e.size(1), e.size(1), e.size(type.getRope())})};
  };
  auto body = [&](Emitter &e, Value token, ValueRange carried) -> SmallVector<Value> {
    Value at = e.indexAt(position, token), entry = e.div(at, e.index(type.getPage()));
    if (!type.isDivided())
      return write(e, token, at, entry, carried);
    auto once = [&](Emitter &e, Value, ValueRange carried) { return write(e, token, at, entry, carried); };
    return e.loop(e.index(0), emitHasPage(e, type, entry), e.index(1), carried, once);
  };
  return e.loop(e.index(0), e.dim(latent, 0), e.index(1), cache.pages, body)[0];
}

/// Cumulative cached lengths, [B + 1].
static Value emitCumulativeLengths(Emitter &e, Value lengths) {
  Value sequences = e.dim(lengths, 0), zero = e.index(0), one = e.index(1);
  Value none = arith::ConstantOp::create(e, e.getI32IntegerAttr(0));
  Value init = tensor::InsertOp::create(e, none, e.empty({e.add(sequences, one)}, e.getI32Type()), zero);
  auto body = [&](Emitter &e, Value b, ValueRange carried) -> SmallVector<Value> {
    Value sum = arith::AddIOp::create(e, carried[1], e.at(lengths, b));
    return {tensor::InsertOp::create(e, sum, carried[0], e.add(b, one)).getResult(), sum};
  };
  return e.loop(zero, sequences, one, {init, none}, body)[0];
}

/// Copies what page `entry` of sequence `b` holds to its place in `latents`
/// and `keys`.
static SmallVector<Value> emitGatherPage(Emitter &e, CacheType type, CacheTensors cache, Value b, Value length,
                                         Value start, Value entry, ValueRange carried) {
  Value first = e.mul(entry, e.index(type.getPage()));
  OpFoldResult rows = e.min(e.sub(length, first), e.index(type.getPage()));
  Value page = e.indexAt(cache.blockTable, {b, entry});
  OpFoldResult row = e.add(start, first), latent = e.size(type.getLatent()), rope = e.size(type.getRope());
  if (type.isPacked()) {
    Page unpacked = emitUnpack(e, type, cache.pages, page, rows);
    auto put = [&](Value part, Value into, OpFoldResult width) {
      return part ? e.insert(e.cast(part, type.getElementType()), into, {row, e.size(0)}, {rows, width}) : into;
    };
    return {put(unpacked.latents, carried[0], latent), put(unpacked.keys, carried[1], rope)};
  }
  Value c = e.slice(cache.pages, {page, e.size(0), e.size(0)}, {e.size(1), rows, latent}, 2);
  Value latents = e.insert(c, carried[0], {row, e.size(0)}, {rows, latent});
  if (!type.getRope())
    return {latents, carried[1]};
  Value k = e.slice(cache.pages, {page, e.size(0), latent}, {e.size(1), rows, rope}, 2);
  return {latents, e.insert(k, carried[1], {row, e.size(0)}, {rows, rope})};
}

static SmallVector<Value> emitGather(Emitter &e, GatherOp op, CacheTensors cache) {
  CacheType type = op.getCache().getType();
  Value cuKeys = emitCumulativeLengths(e, cache.lengths);
  Value sequences = e.dim(cache.lengths, 0);
  Value tokens = e.indexAt(cuKeys, sequences);
  auto rowsOf = [&](int64_t width) {
    Value rows = e.empty({tokens, e.size(width)}, type.getElementType());
    return type.isDivided() ? e.filled(rows, e.castTo(type.getElementType(), e.f32(0))) : rows;
  };
  Value latents = rowsOf(type.getLatent()), keys = rowsOf(type.getRope());
  auto ofSequence = [&](Emitter &e, Value b, ValueRange carried) -> SmallVector<Value> {
    Value start = e.indexAt(cuKeys, b), length = e.indexAt(cache.lengths, b);
    auto ofPage = [&](Emitter &e, Value index, ValueRange carried) {
      return emitGatherPage(e, type, cache, b, length, start, emitEntry(e, type, index), carried);
    };
    Value pages = emitOwnPages(e, type, e.ceilDiv(length, e.index(type.getPage())));
    return e.loop(e.index(0), pages, e.index(1), carried, ofPage);
  };
  SmallVector<Value> results = e.loop(e.index(0), sequences, e.index(1), {latents, keys}, ofSequence);
  return {results[0], results[1], cuKeys};
}

namespace {

struct ConvertPositions : OpConversionPattern<PositionsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PositionsOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Emitter e(op.getLoc(), rewriter);
    CacheTensors cache(adaptor.getCache());
    auto [position, sequence] = emitPositions(e, adaptor.getTokens()[0], adaptor.getCu()[0], cache.lengths);
    rewriter.replaceOp(op, {position, sequence});
    return success();
  }
};

struct ConvertAppend : OpConversionPattern<AppendOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(AppendOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Emitter e(op.getLoc(), rewriter);
    CacheTensors cache(adaptor.getCache());
    Value pages = emitAppend(e, op, adaptor.getLatent()[0], adaptor.getKRope()[0], adaptor.getPosition()[0],
                             adaptor.getSequence()[0], cache);
    SmallVector<Value> updated = {pages, cache.blockTable, cache.lengths};
    rewriter.replaceOpWithMultiple(op, ArrayRef<ValueRange>{updated});
    return success();
  }
};

struct ConvertGather : OpConversionPattern<GatherOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(GatherOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Emitter e(op.getLoc(), rewriter);
    rewriter.replaceOp(op, emitGather(e, op, CacheTensors(adaptor.getCache())));
    return success();
  }
};

} // namespace

void mla::populateCachePatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<ConvertPositions, ConvertAppend, ConvertGather>(converter, patterns.getContext());
}
