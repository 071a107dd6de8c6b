//===- Attention.cpp - Naive attention in tiles of queries ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For a sequence, tiles of queries and heads are parallel. A tile of queries
// iterates over tiles of keys: those that all its queries see as they are, those
// at an edge of what they see copied, with zeros for missing rows, and masked.
//
//===----------------------------------------------------------------------===//

#include "EmitPattern.h"
#include "OnlineSoftmax.h"
#include "Patterns.h"
#include "Tokens.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;

/// One AVX-512 vector of query rows; 64 keys keep scores in L1.
static constexpr int64_t kQueryTile = 16;
static constexpr int64_t kKeyTile = 64;

namespace {

/// The operands of the tile of queries `tile` of head `head` of one sequence.
struct Tile {
  Value head;
  Value firstToken; // of the tile, packed
  Value queries;    // of the sequence from the tile's first one on
  Value firstKey;   // of the sequence, packed
  Value keys;       // of the sequence
  Value visible;    // number of keys that the tile's first query sees
};

struct Operands {
  Value qNope, qRope, kNope, kRope, v, sinks;
};

} // namespace

/// Return queries [token, head, :] times scale, transposed to [width, kQueryTile]. Rows after the last query repeat it
/// and are never stored.
static Value queryTile(Emitter &e, Value q, const Tile &tile, double scale) {
  OpFoldResult width = e.size(typeOf(q).getDimSize(2));
  Value last = e.sub(tile.queries, e.index(1));
  auto body = [&](Emitter &e, ValueRange) -> Value {
    Value token = e.add(tile.firstToken, e.min(e.loopIndex(1), last));
    Value element = e.castTo(e.getF32Type(), e.at(q, {token, tile.head, e.loopIndex(0)}));
    return arith::MulFOp::create(e, element, e.f32(scale));
  };
  return e.elementwise({}, e.empty({width, e.size(kQueryTile)}), body);
}

/// Return the offsets of row `row` of keys or values, which are per head or shared.
static SmallVector<OpFoldResult> keyAt(Emitter &e, Value tensor, const Tile &tile, Value row) {
  if (typeOf(tensor).getRank() == 2)
    return {row, e.size(0)};
  return {row, tile.head, e.size(0)};
}

/// Return kKeyTile whole rows from key `key` of the sequence on, [kKeyTile, width].
static Value wholeKeyTile(Emitter &e, Value tensor, const Tile &tile, Value key) {
  RankedTensorType type = typeOf(tensor);
  SmallVector<OpFoldResult> sizes = {e.size(kKeyTile), e.size(type.getShape().back())};
  if (type.getRank() == 3)
    sizes.insert(sizes.begin() + 1, e.size(1));
  return e.slice(tensor, keyAt(e, tensor, tile, e.add(tile.firstKey, key)), sizes, 2);
}

/// Return the same at the end of the sequence, with zeros after its last key.
static Value edgeKeyTile(Emitter &e, Value tensor, const Tile &tile, Value key) {
  RankedTensorType type = typeOf(tensor);
  Value last = e.sub(tile.keys, e.index(1));
  auto body = [&](Emitter &e, ValueRange) -> Value {
    Value row = e.add(key, e.loopIndex(0));
    SmallVector<Value> at = {e.add(tile.firstKey, e.min(row, last)), e.loopIndex(1)};
    if (type.getRank() == 3)
      at.insert(at.begin() + 1, tile.head);
    Value element = e.castTo(e.getF32Type(), e.at(tensor, at));
    return arith::SelectOp::create(e, e.less(row, tile.keys), element, e.f32(0));
  };
  return e.elementwise({}, e.empty({e.size(kKeyTile), e.size(type.getShape().back())}), body);
}

/// Return the score if query `i` of the tile sees key `key + j`, else -inf.
static Value maskScores(Emitter &e, Value scores, const Tile &tile, MaskAttr mask, Value key) {
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    Value here = e.add(key, e.loopIndex(0));
    Value end = mask.isNone() ? tile.visible : e.add(tile.visible, e.loopIndex(1)), seen = e.less(here, end);
    if (mask.getWindow()) // end may be negative
      seen = arith::AndIOp::create(e, seen, e.less(e.sub(end, e.index(mask.getWindow() + 1)), here));
    return arith::SelectOp::create(e, seen, args[0], e.minusInfinity());
  };
  return e.elementwise(scores, e.empty({e.size(kKeyTile), e.size(kQueryTile)}), body);
}

/// Compute the attention of one tile of queries over all keys.
static std::pair<Value, Value> emitTile(Emitter &e, const Operands &x, const Tile &tile, double scale, MaskAttr mask) {
  bool hasRope = typeOf(x.qRope).getDimSize(2) != 0;
  Value qNope = queryTile(e, x.qNope, tile, scale), qRope;
  if (hasRope)
    qRope = queryTile(e, x.qRope, tile, scale);
  using Load = Value (*)(Emitter &, Value, const Tile &, Value);
  auto keysThrough = [&](Emitter &e, OnlineSoftmax state, Value from, Value to, Load load, bool isMasked) {
    auto body = [&](Emitter &e, Value number, ValueRange carried) {
      OnlineSoftmax state(carried);
      Value key = e.mul(number, e.index(kKeyTile));
      Value scores = e.matmul(load(e, x.kNope, tile, key), qNope, e.zeros({e.size(kKeyTile), e.size(kQueryTile)}));
      if (hasRope)
        scores = e.matmul(load(e, x.kRope, tile, key), qRope, scores);
      state.step(e, isMasked ? maskScores(e, scores, tile, mask, key) : scores, load(e, x.v, tile, key));
      return state.carried();
    };
    return OnlineSoftmax(ValueRange(e.loop(from, to, e.index(1), state.carried(), body)));
  };
  Value tileSize = e.index(kKeyTile);
  // The first queries see no key if a step has more tokens than its sequence.
  Value none = e.index(0);
  Value whole = e.div(e.max(tile.visible, none), tileSize), from = none;
  Value seen = e.max(e.min(e.add(tile.visible, e.index(kQueryTile - 1)), tile.keys), none);
  OnlineSoftmax state(e, kQueryTile, typeOf(x.v).getShape().back());
  if (mask.getWindow()) {
    Value start = e.sub(tile.visible, e.index(mask.getWindow())); // of the first query
    Value startOfLast = e.max(e.add(start, e.index(kQueryTile - 1)), none);
    Value end = e.ceilDiv(seen, tileSize);
    from = e.min(e.ceilDiv(startOfLast, tileSize), end);
    state = keysThrough(e, state, e.div(e.max(start, none), tileSize), from, edgeKeyTile, /*isMasked=*/true);
  }
  state = keysThrough(e, state, from, whole, wholeKeyTile, /*isMasked=*/false);
  state = keysThrough(e, state, mask.getWindow() ? e.max(from, whole) : whole, e.ceilDiv(seen, tileSize), edgeKeyTile,
                      /*isMasked=*/true);
  return state.finish(e, x.sinks ? e.at(x.sinks, {tile.head}) : Value());
}

/// Store the rows of a tile that are queries.
static void yieldTile(Emitter &e, std::pair<Value, Value> result, const Tile &tile, ValueRange outputs) {
  OpFoldResult rows = e.min(tile.queries, e.index(kQueryTile)), zero = e.size(0), one = e.size(1);
  OpFoldResult width = e.size(typeOf(outputs[0]).getDimSize(2));
  // Cast the whole tile: its size is static, and it fits on the stack.
  Value tileOut = e.cast(result.first, typeOf(outputs[0]).getElementType());
  Value out = e.slice(tileOut, {zero, zero}, {rows, width}, 2);
  e.yieldSlice(out, outputs[0], {tile.firstToken, tile.head, zero}, {rows, one, width});
  e.yieldSlice(e.slice(result.second, {zero}, {rows}, 1), outputs[1], {tile.firstToken, tile.head}, {rows, one});
}

static SmallVector<Value> emitAttention(Emitter &e, AttentionOp op, AttentionOp::Adaptor operands) {
  Operands x = {operands.getQNope(), operands.getQRope(), operands.getKNope(),
                operands.getKRope(), operands.getV(),     operands.getSinks()};
  Value cu = operands.getCu(), cuKeys = operands.getCuKeys();
  double scale = op.getScale().convertToDouble();
  int64_t heads = typeOf(x.qNope).getDimSize(1);
  OpFoldResult tokens = e.dimSize(x.qNope, 0);
  Value out =
      e.empty({tokens, e.size(heads), e.size(typeOf(x.v).getShape().back())}, typeOf(op.getResult()).getElementType());
  Value lse = e.empty({tokens, e.size(heads)});
  auto ofSequence = [&](Emitter &e, Value b, ValueRange carried) {
    Value firstKey = e.indexAt(cuKeys, b);
    Value keys = e.sub(e.indexAt(cuKeys, e.add(b, e.index(1))), firstKey);
    Span span = emitSpan(e, cu, keys, b);
    auto ofTile = [&](Emitter &e, ValueRange indices, ValueRange outputs) {
      Value start = e.mul(indices[0], e.index(kQueryTile));
      Tile tile = {indices[1],
                   e.add(span.first, start),
                   e.sub(span.count, start),
                   firstKey,
                   keys,
                   op.getMask().isNone() ? keys : e.add(e.add(span.position, start), e.index(1))};
      yieldTile(e, emitTile(e, x, tile, scale, op.getMask()), tile, outputs);
    };
    return e.parallel({e.ceilDiv(span.count, e.index(kQueryTile)), e.size(heads)}, carried, ofTile);
  };
  SmallVector<Value> results = e.loop(e.index(0), e.sub(e.dim(cu, 0), e.index(1)), e.index(1), {out, lse}, ofSequence);
  results.resize(op->getNumResults());
  return results;
}

void mla::populateAttentionPatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<EmitPattern<AttentionOp, emitAttention>>(converter, patterns.getContext());
}
