//===- LatentAttention.cpp - The absorbed attention, page by page ---------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All heads of a token meet one page of the cache at a time, where it lies.
// Tokens and splits of their pages are parallel; splits are merged by their
// LSE. Only pages at the edges of what a token sees are copied, with zeros for
// the rest, since what a page holds there may be anything, even no number.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "Merge.h"
#include "OnlineSoftmax.h"
#include "PackedRows.h"
#include "Patterns.h"
#include "Tokens.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;

/// Pieces of work that a step should have: splits times tokens. Enough for the
/// threads of a host, few enough that merging stays small.
static constexpr int64_t kPieces = 8;

/// Queries of one token times scale, transposed to [width, heads].
static Value transposedQueries(Emitter &e, Value q, Value token, double scale) {
  RankedTensorType type = typeOf(q);
  OpFoldResult heads = e.size(type.getDimSize(1)), width = e.size(type.getDimSize(2));
  Value rows = e.slice(q, {token, e.size(0), e.size(0)}, {e.size(1), heads, width}, 2);
  // A slice of one head has dropped either unit dimension.
  return e.generic(rows, {{1, 0}}, e.empty({width, heads}), {0, 1}, 2, [&](Emitter &e, ValueRange args) -> Value {
    return arith::MulFOp::create(e, e.castTo(e.getF32Type(), args[0]), e.f32(scale));
  });
}

static Page pageAt(Emitter &e, CacheType type, Value pages, Value number) {
  OpFoldResult zero = e.size(0), one = e.size(1), rows = e.size(type.getPage());
  if (type.isPacked())
    return emitUnpack(e, type, pages, number, rows);
  OpFoldResult latent = e.size(type.getLatent()), rope = e.size(type.getRope());
  Value latents = e.slice(pages, {number, zero, zero}, {one, rows, latent}, 2);
  if (!type.getRope())
    return {latents, Value()};
  return {latents, e.slice(pages, {number, zero, latent}, {one, rows, rope}, 2)};
}

namespace {
/// Rows of a page that a token sees.
struct Seen {
  Value first; // null: all before `end`
  Value end;
  Value covers(Emitter &e, Value row) const {
    Value isBefore = e.less(row, end);
    return first ? arith::AndIOp::create(e, isBefore, e.less(e.sub(first, e.index(1)), row)) : isBefore;
  }
};
} // namespace

/// The rows that are seen, and zeros.
static Value cutOff(Emitter &e, Value tensor, const Seen &seen) {
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    Value row = e.castTo(e.getF32Type(), args[0]);
    return arith::SelectOp::create(e, seen.covers(e, e.loopIndex(0)), row, e.f32(0));
  };
  return e.elementwise(tensor, e.empty(tensor::getMixedSizes(e, e.getLoc(), tensor)), body);
}

/// Scores of rows that are cut off are -inf.
static Value maskRows(Emitter &e, Value scores, const Seen &seen) {
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    return arith::SelectOp::create(e, seen.covers(e, e.loopIndex(0)), args[0], e.minusInfinity());
  };
  return e.elementwise(scores, e.empty(tensor::getMixedSizes(e, e.getLoc(), scores)), body);
}

namespace {
/// What one token's attention reads.
struct Token {
  Value qLatent, qRope; // [L, heads], [R, heads]; none where R is 0
  Value sequence;
  Value first, visible; // it sees the keys from `first`, null for 0, to before `visible`
  CacheTensors cache;
  CacheType type;
};
} // namespace

static Value pageNumber(Emitter &e, const Token &token, Value entry) {
  return e.indexAt(token.cache.blockTable, {token.sequence, entry});
}

static Value pageScores(Emitter &e, const Token &token, Page page) {
  int64_t heads = typeOf(token.qLatent).getDimSize(1);
  Value scores = e.matmul(page.latents, token.qLatent, e.zeros({e.size(token.type.getPage()), e.size(heads)}));
  return page.keys ? e.matmul(page.keys, token.qRope, scores) : scores;
}

/// Pages [from, to) of a token, counted among those that the cache has: with a window the one at its start, whole ones,
/// then the one at the end.
static OnlineSoftmax emitPages(Emitter &e, const Token &token, Value from, Value to) {
  int64_t heads = typeOf(token.qLatent).getDimSize(1);
  Value pageSize = e.index(token.type.getPage());
  Value whole = emitOwnPages(e, token.type, e.div(token.visible, pageSize));
  OnlineSoftmax state(e, heads, token.type.getLatent());
  auto wholePage = [&](Emitter &e, Value index, ValueRange carried) {
    OnlineSoftmax state(carried);
    Value entry = emitEntry(e, token.type, index);
    Page page = pageAt(e, token.type, token.cache.pages, pageNumber(e, token, entry));
    state.step(e, pageScores(e, token, page), page.latents);
    return state.carried();
  };
  auto edgePage = [&](Emitter &e, Value index, ValueRange carried) {
    OnlineSoftmax state(carried);
    Value entry = emitEntry(e, token.type, index);
    Page page = pageAt(e, token.type, token.cache.pages, pageNumber(e, token, entry));
    Value start = e.mul(entry, pageSize);
    Seen seen = {token.first ? e.sub(token.first, start) : Value(), e.sub(token.visible, start)};
    Page cut = {cutOff(e, page.latents, seen), page.keys ? cutOff(e, page.keys, seen) : Value()};
    state.step(e, maskRows(e, pageScores(e, token, cut), seen), cut.latents);
    return state.carried();
  };
  SmallVector<Value> carried = state.carried();
  if (token.first) {
    Value firstWhole = e.min(emitOwnPages(e, token.type, e.ceilDiv(token.first, pageSize)), to);
    carried = e.loop(from, firstWhole, e.index(1), carried, edgePage);
    from = e.max(from, firstWhole);
  }
  carried = e.loop(from, e.min(to, whole), e.index(1), carried, wholePage);
  return OnlineSoftmax(ValueRange(e.loop(e.max(from, whole), to, e.index(1), carried, edgePage)));
}

/// Sets the keys that a token sees: none where a step has more tokens than its sequence.
static void setVisible(Emitter &e, Token &token, MaskAttr mask, Value position) {
  Value zero = e.index(0);
  if (mask.isNone()) {
    token.visible = e.indexAt(token.cache.lengths, token.sequence);
    return;
  }
  token.visible = e.max(e.add(position, e.index(1)), zero);
  if (mask.getWindow())
    token.first = e.max(e.sub(token.visible, e.index(mask.getWindow())), zero);
}

/// Splits of every token's pages: as many as make `kPieces` of work, but no
/// more than the longest sequence has pages, or a window.
static Value emitSplits(Emitter &e, CacheType type, MaskAttr mask, Value lengths, Value tokens) {
  auto longer = [&](Emitter &e, Value b, ValueRange carried) -> SmallVector<Value> {
    return {e.max(carried[0], e.indexAt(lengths, b))};
  };
  Value longest = e.loop(e.index(0), e.dim(lengths, 0), e.index(1), e.index(1), longer)[0];
  if (mask.getWindow())
    longest = e.min(longest, e.index(mask.getWindow()));
  Value wanted = e.ceilDiv(e.index(kPieces), e.max(tokens, e.index(1)));
  return e.min(wanted, e.ceilDiv(longest, e.index(type.getPage())));
}

/// Partial attentions [S, T, H, L] and their LSE [S, T, H].
static SmallVector<Value> emitPartials(Emitter &e, LatentAttentionOp op, Value qLatent, Value qRope, Value cu,
                                       CacheTensors cache) {
  CacheType type = op.getCache().getType();
  double scale = op.getScale().convertToDouble();
  OpFoldResult tokens = e.dimSize(qLatent, 0), heads = e.size(typeOf(qLatent).getDimSize(1));
  OpFoldResult width = e.size(type.getLatent()), zero = e.size(0), one = e.size(1);
  std::pair<Value, Value> positions = emitPositions(e, e.value(tokens), cu, cache.lengths);
  Value splits = emitSplits(e, type, op.getMask(), cache.lengths, e.value(tokens));
  auto body = [&](Emitter &e, ValueRange indices, ValueRange outputs) {
    Value split = indices[0], t = indices[1];
    Token token = {transposedQueries(e, qLatent, t, scale),
                   type.getRope() ? transposedQueries(e, qRope, t, scale) : Value(),
                   e.indexAt(positions.second, t),
                   Value(),
                   Value(),
                   cache,
                   type};
    setVisible(e, token, op.getMask(), e.indexAt(positions.first, t));
    Value pageSize = e.index(type.getPage()), from = e.index(0);
    Value pages = emitOwnPages(e, type, e.ceilDiv(token.visible, pageSize));
    if (token.first)
      from = emitOwnPages(e, type, e.div(token.first, pageSize));
    Value share = e.ceilDiv(e.sub(pages, from), splits);
    from = e.add(from, e.mul(split, share));
    auto [out, lse] = emitPages(e, token, from, e.min(e.add(from, share), pages)).finish(e);
    e.yieldSlice(out, outputs[0], {split, t, zero, zero}, {one, one, heads, width});
    e.yieldSlice(lse, outputs[1], {split, t, zero}, {one, one, heads});
  };
  return e.parallel({splits, tokens}, {e.empty({splits, tokens, heads, width}), e.empty({splits, tokens, heads})},
                    body);
}

namespace {

static Value sinksOf(LatentAttentionOp::GenericAdaptor<ArrayRef<ValueRange>> adaptor) {
  return adaptor.getSinks().empty() ? Value() : adaptor.getSinks()[0];
}

struct ConvertLatentAttention : OpConversionPattern<LatentAttentionOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(LatentAttentionOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (auto products = op->getAttrOfType<ProductsAttr>(kProductsAttr); products && countTerms(products.getElements()))
      return op.emitOpError() << "has products of e4m3, which only kernels compute; remove " << kProductsAttr
                              << ", or compile for a GPU";
    Emitter e(op.getLoc(), rewriter);
    SmallVector<Value> partials = emitPartials(e, op, adaptor.getQLatent()[0], adaptor.getQRope()[0],
                                               adaptor.getCu()[0], CacheTensors(adaptor.getCache()));
    SmallVector<Value> results =
        emitMerge(e, partials[0], partials[1], sinksOf(adaptor), op.getResult().getType().getElementType());
    results.resize(op->getNumResults());
    rewriter.replaceOp(op, results);
    return success();
  }
};

} // namespace

void mla::populateLatentAttentionPatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<ConvertLatentAttention>(converter, patterns.getContext());
}
