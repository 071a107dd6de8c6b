//===- Attention.cpp - Naive attention in tiles of queries ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For a sequence, tiles of queries and heads are parallel. A tile of queries
// iterates over tiles of keys: those that all its queries see, those that are
// masked, and those at the end of the sequence, which are copied with zeros for
// missing rows.
//
//===----------------------------------------------------------------------===//

#include "EmitPattern.h"
#include "OnlineSoftmax.h"
#include "Pairs.h"
#include "Patterns.h"
#include "Tokens.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;

/// 64 keys keep scores in L1.
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
  bool matrixTiles; ///< Keys are [head, token, :] of bf16, and values [head, :, token].

  /// Return the rows of a tile of queries: one AVX-512 vector, or matrix tiles.
  int64_t getTile() const { return matrixTiles ? kTileEdge : 16; }
};

} // namespace

/// Return queries [token, head, :] times scale, transposed to [width, queries], for matrix tiles in pairs. Rows after
/// the last query repeat it and are never stored.
static Value queryTile(Emitter &e, Value q, const Tile &tile, double scale, const Operands &x) {
  OpFoldResult width = e.size(typeOf(q).getDimSize(2));
  Value last = e.sub(tile.queries, e.index(1));
  auto body = [&](Emitter &e, ValueRange) -> Value {
    Value token = e.add(tile.firstToken, e.min(e.loopIndex(1), last));
    Value element = e.castTo(e.getF32Type(), e.at(q, {token, tile.head, e.loopIndex(0)}));
    return arith::MulFOp::create(e, element, e.f32(scale));
  };
  Value queries = e.elementwise({}, e.empty({width, e.size(x.getTile())}), body);
  return x.matrixTiles ? pairsOf(e, queries) : queries;
}

/// Add the products of keys and queries to scores [keys, queries].
static Value multiplyKeys(Emitter &e, Value keys, Value queries, Value scores, const Operands &x) {
  return x.matrixTiles ? multiplyPairs(e, keys, queries, scores) : e.matmul(keys, queries, scores);
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

static Value zeroUnless(Emitter &e, Value condition, Value element) {
  Value zero = arith::ConstantOp::create(e, e.getZeroAttr(element.getType()));
  return arith::SelectOp::create(e, condition, element, zero);
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
    return zeroUnless(e, e.less(row, tile.keys), e.at(tensor, at));
  };
  return e.elementwise({}, e.empty({e.size(kKeyTile), e.size(type.getShape().back())}, type.getElementType()), body);
}

/// Return the values of kKeyTile keys from key `key` of the sequence on: [kKeyTile, width], or [width, kKeyTile].
static Value wholeValueTile(Emitter &e, const Operands &x, const Tile &tile, Value key) {
  if (!x.matrixTiles)
    return wholeKeyTile(e, x.v, tile, key);
  SmallVector<OpFoldResult> sizes = {e.size(1), e.size(typeOf(x.v).getDimSize(1)), e.size(kKeyTile)};
  return e.slice(x.v, {tile.head, e.size(0), e.add(tile.firstKey, key)}, sizes, 2);
}

/// Return the same at the end of the sequence, with zeros after its last key.
static Value edgeValueTile(Emitter &e, const Operands &x, const Tile &tile, Value key) {
  if (!x.matrixTiles)
    return edgeKeyTile(e, x.v, tile, key);
  Value last = e.sub(tile.keys, e.index(1));
  auto body = [&](Emitter &e, ValueRange) -> Value {
    Value row = e.add(key, e.loopIndex(1));
    Value element = e.at(x.v, {tile.head, e.loopIndex(0), e.add(tile.firstKey, e.min(row, last))});
    return zeroUnless(e, e.less(row, tile.keys), element);
  };
  return e.elementwise({}, e.empty({e.size(typeOf(x.v).getDimSize(1)), e.size(kKeyTile)}, e.getBF16Type()), body);
}

/// Return the score if query `i` of the tile sees key `key + j`, else -inf.
static Value maskScores(Emitter &e, const Operands &x, Value scores, const Tile &tile, MaskAttr mask, Value key) {
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    Value here = e.add(key, e.loopIndex(0));
    Value end = mask.isNone() ? tile.visible : e.add(tile.visible, e.loopIndex(1)), seen = e.less(here, end);
    if (mask.getWindow()) // end may be negative
      seen = arith::AndIOp::create(e, seen, e.less(e.sub(end, e.index(mask.getWindow() + 1)), here));
    return arith::SelectOp::create(e, seen, args[0], e.minusInfinity());
  };
  Value masked = e.elementwise(scores, e.empty({e.size(kKeyTile), e.size(x.getTile())}), body);
  if (x.matrixTiles)
    markVectorRows(e, masked);
  return masked;
}

namespace {
/// Tiles of keys: seen by all queries of a tile; by some, so that scores are masked; or with rows after the sequence,
/// so that they are copied too.
enum class Keys { Seen, Masked, Edge };
} // namespace

static int64_t widthOfValues(const Operands &x) {
  ArrayRef<int64_t> shape = typeOf(x.v).getShape();
  return x.matrixTiles ? shape[1] : shape.back();
}

/// Compute the attention of one tile of queries over all keys.
static std::pair<Value, Value> emitTile(Emitter &e, const Operands &x, const Tile &tile, double scale, MaskAttr mask) {
  bool hasRope = typeOf(x.qRope).getDimSize(2) != 0;
  Value qNope = queryTile(e, x.qNope, tile, scale, x), qRope;
  if (hasRope)
    qRope = queryTile(e, x.qRope, tile, scale, x);
  auto keysThrough = [&](Emitter &e, OnlineSoftmax state, Value from, Value to, Keys kind) {
    auto load = kind == Keys::Edge ? edgeKeyTile : wholeKeyTile;
    auto loadValues = kind == Keys::Edge ? edgeValueTile : wholeValueTile;
    auto body = [&](Emitter &e, Value number, ValueRange carried) {
      OnlineSoftmax state(carried, x.matrixTiles);
      Value key = e.mul(number, e.index(kKeyTile)), scores = e.zeros({e.size(kKeyTile), e.size(x.getTile())});
      scores = multiplyKeys(e, load(e, x.kNope, tile, key), qNope, scores, x);
      if (hasRope)
        scores = multiplyKeys(e, load(e, x.kRope, tile, key), qRope, scores, x);
      if (kind != Keys::Seen)
        scores = maskScores(e, x, scores, tile, mask, key);
      state.step(e, scores, loadValues(e, x, tile, key));
      return state.carried();
    };
    return OnlineSoftmax(ValueRange(e.loop(from, to, e.index(1), state.carried(), body)), x.matrixTiles);
  };
  Value tileSize = e.index(kKeyTile);
  // The first queries see no key if a step has more tokens than its sequence.
  Value none = e.index(0);
  Value whole = e.div(e.max(tile.visible, none), tileSize), from = none;
  Value seen = e.max(e.min(e.add(tile.visible, e.index(x.getTile() - 1)), tile.keys), none);
  Value end = e.ceilDiv(seen, tileSize);
  OnlineSoftmax state(e, x.getTile(), widthOfValues(x), x.matrixTiles);
  if (mask.getWindow()) {
    Value start = e.sub(tile.visible, e.index(mask.getWindow())); // of the first query
    Value startOfLast = e.max(e.add(start, e.index(x.getTile() - 1)), none);
    from = e.min(e.ceilDiv(startOfLast, tileSize), end);
    state = keysThrough(e, state, e.div(e.max(start, none), tileSize), from, Keys::Edge);
  }
  state = keysThrough(e, state, from, whole, Keys::Seen);
  from = mask.getWindow() ? e.max(from, whole) : whole;
  Value inside = e.max(from, e.min(end, e.div(tile.keys, tileSize)));
  state = keysThrough(e, state, from, inside, Keys::Masked);
  state = keysThrough(e, state, inside, end, Keys::Edge);
  return state.finish(e, x.sinks ? e.at(x.sinks, {tile.head}) : Value());
}

/// Store the rows of a tile that are queries.
static void yieldTile(Emitter &e, std::pair<Value, Value> result, const Tile &tile, ValueRange outputs) {
  OpFoldResult rows = e.min(tile.queries, e.index(typeOf(result.second).getDimSize(0))), zero = e.size(0),
               one = e.size(1);
  OpFoldResult width = e.size(typeOf(outputs[0]).getDimSize(2));
  // Cast the whole tile: its size is static, and it fits on the stack.
  Value tileOut = e.cast(result.first, typeOf(outputs[0]).getElementType());
  Value out = e.slice(tileOut, {zero, zero}, {rows, width}, 2);
  e.yieldSlice(out, outputs[0], {tile.firstToken, tile.head, zero}, {rows, one, width});
  e.yieldSlice(e.slice(result.second, {zero}, {rows}, 1), outputs[1], {tile.firstToken, tile.head}, {rows, one});
}

/// Return whether tiles divide the products of the attention, which may be in bf16: shared keys are.
static bool suitsTiles(AttentionOp op) {
  auto isMultiple = [](Value value) { return typeOf(value).getShape().back() % kTileDepth == 0; };
  return typeOf(op.getKRope()).getElementType().isBF16() && typeOf(op.getKNope()).getRank() == 3 &&
         typeOf(op.getV()).getRank() == 3 && isMultiple(op.getKNope()) && isMultiple(op.getKRope()) &&
         isMultiple(op.getV());
}

/// Return [token, head, :] as a matrix of bf16 for every head: [head, token, :], or transposed [head, :, token] with
/// more columns than tokens, since rows a power of two apart would share few lines of a cache.
static Value roundedByHead(Emitter &e, Value tensor, bool isTransposed) {
  constexpr int64_t pad = 32;
  RankedTensorType type = typeOf(tensor);
  OpFoldResult tokens = e.dimSize(tensor, 0), zero = e.size(0), one = e.size(1), width = e.size(type.getDimSize(2));
  SmallVector<OpFoldResult> shape = {e.size(type.getDimSize(1)), tokens, width}, sizes = {one, tokens, width};
  if (isTransposed) {
    shape = {shape[0], width, e.add(e.value(tokens), e.index(pad))};
    sizes = {one, width, tokens};
  }
  SmallVector<int64_t> order = {0, 1};
  if (isTransposed) // writes of neighbouring tokens share cache lines
    std::swap(order[0], order[1]);
  auto body = [&](Emitter &e, ValueRange indices, ValueRange outputs) {
    SmallVector<OpFoldResult> offsets = {indices[0], zero, zero};
    Value from = e.slice(tensor, {zero, indices[0], zero}, {tokens, one, width}, 2);
    Value made = e.generic(from, {{0, 1}}, e.slice(outputs[0], offsets, sizes, 2), order, 2,
                           [](Emitter &e, ValueRange args) { return e.castTo(e.getBF16Type(), args[0]); });
    e.yieldSlice(made, outputs[0], offsets, sizes);
  };
  return e.parallel(shape[0], e.empty(shape, e.getBF16Type()), body)[0];
}

/// Return the operands of one head, of which matrix tiles read [token, :].
static Operands ofHead(Emitter &e, Operands x, Value head) {
  if (x.matrixTiles)
    x.kNope = e.slice(x.kNope, {head, e.size(0), e.size(0)},
                      {e.size(1), e.dimSize(x.kNope, 1), e.size(typeOf(x.kNope).getDimSize(2))}, 2);
  return x;
}

static SmallVector<Value> emitAttention(Emitter &e, AttentionOp op, AttentionOp::Adaptor operands, bool matrixTiles) {
  Operands x = {operands.getQNope(), operands.getQRope(), operands.getKNope(),          operands.getKRope(),
                operands.getV(),     operands.getSinks(), matrixTiles && suitsTiles(op)};
  if (x.matrixTiles) {
    x.kNope = roundedByHead(e, x.kNope, /*isTransposed=*/false);
    x.v = roundedByHead(e, x.v, /*isTransposed=*/true);
  }
  Value cu = operands.getCu(), cuKeys = operands.getCuKeys();
  double scale = op.getScale().convertToDouble();
  int64_t heads = typeOf(x.qNope).getDimSize(1);
  OpFoldResult tokens = e.dimSize(x.qNope, 0);
  Value out = e.empty({tokens, e.size(heads), e.size(widthOfValues(x))}, typeOf(op.getResult()).getElementType());
  Value lse = e.empty({tokens, e.size(heads)});
  auto ofSequence = [&](Emitter &e, Value b, ValueRange carried) {
    Value firstKey = e.indexAt(cuKeys, b);
    Value keys = e.sub(e.indexAt(cuKeys, e.add(b, e.index(1))), firstKey);
    Span span = emitSpan(e, cu, keys, b);
    auto ofTile = [&](Emitter &e, ValueRange indices, ValueRange outputs) {
      Value start = e.mul(indices[0], e.index(x.getTile()));
      Tile tile = {indices[1],
                   e.add(span.first, start),
                   e.sub(span.count, start),
                   firstKey,
                   keys,
                   op.getMask().isNone() ? keys : e.add(e.add(span.position, start), e.index(1))};
      yieldTile(e, emitTile(e, ofHead(e, x, tile.head), tile, scale, op.getMask()), tile, outputs);
    };
    return e.parallel({e.ceilDiv(span.count, e.index(x.getTile())), e.size(heads)}, carried, ofTile);
  };
  SmallVector<Value> results = e.loop(e.index(0), e.sub(e.dim(cu, 0), e.index(1)), e.index(1), {out, lse}, ofSequence);
  results.resize(op->getNumResults());
  return results;
}

void mla::populateAttentionPatterns(RewritePatternSet &patterns, const TypeConverter &converter, bool matrixTiles) {
  patterns.add<EmitTilesPattern<AttentionOp, emitAttention>>(converter, patterns.getContext(), matrixTiles);
}
