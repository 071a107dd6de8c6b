//===- LatentAttention.cpp - The absorbed attention, page by page ---------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All heads of a token meet one page of the cache at a time, where it lies.
// Tokens and splits of their pages are parallel; splits are merged by their
// LSE. Only the page at the causal edge is copied, with zeros behind it, since
// what a page holds there may be anything, even no number.
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

/// The rows before `visible`, and zeros.
static Value cutOff(Emitter &e, Value tensor, Value visible) {
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    Value seen = e.less(e.loopIndex(0), visible);
    return arith::SelectOp::create(e, seen, e.castTo(e.getF32Type(), args[0]), e.f32(0));
  };
  return e.elementwise(tensor, e.empty(tensor::getMixedSizes(e, e.getLoc(), tensor)), body);
}

/// Scores of rows that are cut off are -inf.
static Value maskRows(Emitter &e, Value scores, Value visible) {
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    return arith::SelectOp::create(e, e.less(e.loopIndex(0), visible), args[0], e.minusInfinity());
  };
  return e.elementwise(scores, e.empty(tensor::getMixedSizes(e, e.getLoc(), scores)), body);
}

namespace {
/// What one token's attention reads.
struct Token {
  Value qLatent, qRope; // [L, heads], [R, heads]; none where R is 0
  Value sequence;
  Value visible; // keys it sees
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

/// Pages [from, to) of a token: whole ones, then the one at the edge.
static OnlineSoftmax emitPages(Emitter &e, const Token &token, Value from, Value to) {
  int64_t heads = typeOf(token.qLatent).getDimSize(1);
  Value pageSize = e.index(token.type.getPage());
  Value whole = e.div(token.visible, pageSize);
  OnlineSoftmax state(e, heads, token.type.getLatent());
  auto wholePage = [&](Emitter &e, Value entry, ValueRange carried) {
    OnlineSoftmax state(carried);
    Page page = pageAt(e, token.type, token.cache.pages, pageNumber(e, token, entry));
    state.step(e, pageScores(e, token, page), page.latents);
    return state.carried();
  };
  auto edgePage = [&](Emitter &e, Value entry, ValueRange carried) {
    OnlineSoftmax state(carried);
    Page page = pageAt(e, token.type, token.cache.pages, pageNumber(e, token, entry));
    Value rows = e.sub(token.visible, e.mul(entry, pageSize));
    Page cut = {cutOff(e, page.latents, rows), page.keys ? cutOff(e, page.keys, rows) : Value()};
    state.step(e, maskRows(e, pageScores(e, token, cut), rows), cut.latents);
    return state.carried();
  };
  SmallVector<Value> carried = e.loop(from, e.min(to, whole), e.index(1), state.carried(), wholePage);
  return OnlineSoftmax(ValueRange(e.loop(e.max(from, whole), to, e.index(1), carried, edgePage)));
}

/// Keys up to the query's own; none where a step has more tokens than its
/// sequence.
static Value visibleKeys(Emitter &e, Value position) { return e.max(e.add(position, e.index(1)), e.index(0)); }

/// Splits of every token's pages: as many as make `kPieces` of work, but no
/// more than the longest sequence has pages.
static Value emitSplits(Emitter &e, CacheType type, Value lengths, Value tokens) {
  auto longer = [&](Emitter &e, Value b, ValueRange carried) -> SmallVector<Value> {
    return {e.max(carried[0], e.indexAt(lengths, b))};
  };
  Value longest = e.loop(e.index(0), e.dim(lengths, 0), e.index(1), e.index(1), longer)[0];
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
  Value splits = emitSplits(e, type, cache.lengths, e.value(tokens));
  auto body = [&](Emitter &e, ValueRange indices, ValueRange outputs) {
    Value split = indices[0], t = indices[1];
    Token token = {transposedQueries(e, qLatent, t, scale),
                   type.getRope() ? transposedQueries(e, qRope, t, scale) : Value(),
                   e.indexAt(positions.second, t),
                   visibleKeys(e, e.indexAt(positions.first, t)),
                   cache,
                   type};
    Value pages = e.ceilDiv(token.visible, e.index(type.getPage()));
    Value share = e.ceilDiv(pages, splits), from = e.mul(split, share);
    auto [out, lse] = emitPages(e, token, from, e.min(e.add(from, share), pages)).finish(e);
    e.yieldSlice(out, outputs[0], {split, t, zero, zero}, {one, one, heads, width});
    e.yieldSlice(lse, outputs[1], {split, t, zero}, {one, one, heads});
  };
  return e.parallel({splits, tokens}, {e.empty({splits, tokens, heads, width}), e.empty({splits, tokens, heads})},
                    body);
}

namespace {

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
    SmallVector<Value> results = emitMerge(e, partials[0], partials[1], op.getResult().getType().getElementType());
    results.resize(op->getNumResults());
    rewriter.replaceOp(op, results);
    return success();
  }
};

} // namespace

void mla::populateLatentAttentionPatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<ConvertLatentAttention>(converter, patterns.getContext());
}
