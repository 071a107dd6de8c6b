//===- MatchLayer.cpp - Match an attention layer --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Matches from the product of probabilities and values back to the hidden
// states. The values' up-projection determines which variables are heads and
// which are tokens; the concatenation of keys determines where their rotary
// part begins.
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include "Movement.h"
#include "NormalForm.h"

using namespace mlir;
using namespace mla::raise;

namespace {
class LayerMatcher {
public:
  LayerMatcher(Terms &terms, linalg::LinalgOp op, bool trustMaskArguments)
      : terms(terms), op(op), trustMaskArguments(trustMaskArguments) {}

  std::optional<Matched<Layer>> match(ArrayRef<AffineExpr> index);

private:
  using Failure = std::optional<Reason>;

  Failure nameVariables(const Softmax &softmax, const Linear &values, ArrayRef<AffineExpr> index);
  Failure matchAttention(const Softmax &softmax);
  Failure splitDot(const Scores &scores);
  Failure matchUpProjections(const Linear &values);
  Failure matchDownProjection();
  Failure matchQuery();
  Failure matchRotations();
  Failure checkTypes();

  Matched<Linear> linearOfKeys(TermRef term, const Twine &name) {
    return matchLinear(terms, term, {layer.batch, layer.key}, name);
  }
  Matched<Linear> linearOfQueries(TermRef term, const Twine &name) {
    return matchLinear(terms, term, {layer.batch, layer.query}, name);
  }
  Matched<Rows> rotatedRows(const Linear &first, const Linear &second, AffineExpr pair, bool &isInterleaved,
                            const Twine &name);

  Terms &terms;
  linalg::LinalgOp op;
  bool trustMaskArguments;
  Layer layer;
  /// Queries and keys of one head without and with position, and the variables of their columns.
  TermRef queryNope, queryRope, keyNope, keyRope;
  AffineExpr nope, rope;
  TermRef queryLatent, latentRaw, latentHidden;
  AffineExpr latentHiddenColumn;
};
} // namespace

//===----------------------------------------------------------------------===//
// Heads and tokens
//===----------------------------------------------------------------------===//

/// Return the number of heads if `merged` counts the heads of all sequences: its remainder selects the weight's rows.
static std::optional<int64_t> findHeads(const Linear &values, AffineExpr merged) {
  std::optional<int64_t> heads;
  for (AffineExpr index : values.weight->index)
    index.walk([&](AffineExpr expr) {
      auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
      if (binary && expr.getKind() == AffineExprKind::Mod && binary.getLHS() == merged)
        heads = cast<AffineConstantExpr>(binary.getRHS()).getValue();
    });
  return heads;
}

LayerMatcher::Failure LayerMatcher::nameVariables(const Softmax &softmax, const Linear &values,
                                                  ArrayRef<AffineExpr> index) {
  layer.batch = layer.head = layer.query = layer.value = terms.variables.constant(0);
  layer.key = softmax.key;
  for (AffineExpr variable : index) {
    if (terms.variables.sizeOf(variable) == 1)
      continue;
    bool ofWeight = terms.depends(values.weight, variable), ofToken = terms.depends(values.x, variable);
    bool ofScores = terms.depends(softmax.scores, variable);
    AffineExpr &role = !ofScores ? layer.value : ofWeight ? layer.head : ofToken ? layer.batch : layer.query;
    if (terms.variables.sizeOf(role) != 1)
      return because("heads, sequences and queries cannot be distinguished", softmax.values);
    role = variable;
  }
  if (terms.variables.sizeOf(layer.query) != terms.variables.sizeOf(layer.key))
    return because("the numbers of keys and queries differ: keys of earlier calls must be in a cache", softmax.scores);
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The attention
//===----------------------------------------------------------------------===//

/// Match one product over a head's width, or one for each part.
LayerMatcher::Failure LayerMatcher::splitDot(const Scores &scores) {
  auto dependsOnHead = [&](TermRef term) { return terms.depends(term, layer.head); };
  if (scores.dots.size() == 2) {
    Scores::Dot first = scores.dots[0], second = scores.dots[1];
    if (!dependsOnHead(first.k))
      std::swap(first, second);
    std::tie(queryNope, keyNope, nope) = std::tie(first.q, first.k, first.d);
    std::tie(queryRope, keyRope, rope) = std::tie(second.q, second.k, second.d);
  } else if (scores.dots.size() == 1) {
    auto [q, k, d] = scores.dots[0];
    TermRef read = sourceOf(terms, k);
    std::optional<int64_t> split =
        read->kind == Term::Read ? findSplit({read->tensor, read->index}, d, terms.variables) : std::nullopt;
    if (!split)
      return because("keys have no separate rotary part", k);
    nope = terms.variables.make(*split);
    rope = terms.variables.make(terms.variables.sizeOf(d) - *split);
    queryNope = terms.replace(q, d, nope), queryRope = terms.replace(q, d, rope + *split);
    keyNope = terms.replace(read, d, nope), keyRope = terms.replace(read, d, rope + *split);
  } else {
    return because("scores are a sum of more than two products", scores.dots[0].q);
  }
  if (dependsOnHead(keyRope))
    return because("the rotary part of the keys is not shared by all heads", keyRope);
  return std::nullopt;
}

LayerMatcher::Failure LayerMatcher::matchAttention(const Softmax &softmax) {
  Matched<Scores> scores = matchScores(terms, softmax.scores, softmax.key);
  if (!scores)
    return scores.reason();
  layer.scale = scores->scale;
  if (Failure failure = splitDot(*scores))
    return failure;
  Matched<CausalMask> mask = matchCausalMask(terms, scores->masks, layer.query, layer.key, trustMaskArguments);
  return mask ? std::nullopt : Failure(mask.reason());
}

//===----------------------------------------------------------------------===//
// Keys and values
//===----------------------------------------------------------------------===//

LayerMatcher::Failure LayerMatcher::matchUpProjections(const Linear &values) {
  Matched<Linear> keys = linearOfKeys(keyNope, "keys");
  if (!keys)
    return keys.reason();
  if (keys->bias || values.bias)
    return because("the up-projection of the latent has a bias", keys->bias ? keys->bias : values.bias);
  if (!terms.same(values.x, terms.replace(keys->x, keys->k, values.k)))
    return because("keys and values are not projected from the same latent", values.x);
  layer.keyUp = {keys->weight, nullptr, nope, keys->k};
  layer.valueUp = {values.weight, nullptr, layer.value, values.k};

  AffineExpr column = values.k;
  if (terms.depends(values.x, layer.head))
    return because("the latent is not shared by all heads", values.x);
  Matched<RmsNorm> norm = matchRmsNorm(terms, values.x, column, "the latent");
  if (!norm)
    return norm.reason();
  layer.latentNorm = *norm;
  layer.latentColumn = column;
  latentRaw = norm->x;
  return std::nullopt;
}

LayerMatcher::Failure LayerMatcher::matchDownProjection() {
  Matched<Linear> down = linearOfKeys(latentRaw, "latents before their norm");
  if (!down)
    return down.reason();
  layer.latent = {down->weight, down->bias, layer.latentColumn, down->k};
  latentHidden = sourceOf(terms, down->x);
  latentHiddenColumn = down->k;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

LayerMatcher::Failure LayerMatcher::matchQuery() {
  Matched<Linear> q = linearOfQueries(queryNope, "queries");
  if (!q)
    return q.reason();
  layer.queryNope = {q->weight, q->bias, nope, q->k};
  TermRef x = sourceOf(terms, q->x);
  queryLatent = q->x;
  layer.queryColumn = q->k;
  layer.hiddenColumn = q->k;
  if (Matched<RmsNorm> norm = matchRmsNorm(terms, x, q->k, "the query's latent")) {
    Matched<Linear> down = linearOfQueries(norm->x, "the query's latents");
    if (!down)
      return down.reason();
    layer.queryNorm = *norm;
    layer.queryDown = Rows{down->weight, down->bias, q->k, down->k};
    layer.hiddenColumn = down->k;
    x = sourceOf(terms, down->x);
  }
  layer.hidden = x;
  TermRef ofKeys =
      terms.replace(terms.replace(latentHidden, layer.key, layer.query), latentHiddenColumn, layer.hiddenColumn);
  if (x->kind != Term::Read || !terms.same(x, ofKeys))
    return because("queries and latents are not projected from the same hidden states", x);
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The rotary part
//===----------------------------------------------------------------------===//

/// Return the elements in their order before the rotation, given the first and second elements of pairs; null if these
/// are neither adjacent nor half the width apart.
static TermRef inCheckpointOrder(Terms &terms, TermRef first, TermRef second, AffineExpr pair, AffineExpr place,
                                 bool isInterleaved) {
  const Variables &variables = terms.variables;
  if (first->kind != Term::Read || second->kind != Term::Read || first->tensor != second->tensor)
    return nullptr;
  SmallVector<AffineExpr, 4> index;
  for (auto [a, b] : llvm::zip(first->index, second->index)) {
    AffineExpr base = variables.simplify(a.replace(pair, variables.constant(0)));
    AffineExpr one = isInterleaved ? base + pair * 2 : base + pair;
    AffineExpr two = isInterleaved ? one + 1 : one + variables.sizeOf(pair);
    if (variables.equal(a, b) && variables.equal(a, base))
      index.push_back(a);
    else if (variables.equal(a, one) && variables.equal(b, two))
      index.push_back(variables.simplify(base + place));
    else
      return nullptr;
  }
  return terms.element(first->tensor, index);
}

Matched<Rows> LayerMatcher::rotatedRows(const Linear &first, const Linear &second, AffineExpr pair, bool &isInterleaved,
                                        const Twine &name) {
  TermRef other = terms.replace(second.weight, second.k, first.k);
  if (!terms.same(first.x, terms.replace(second.x, second.k, first.k)) || !first.bias != !second.bias)
    return because(name + " are rotated together with other values", first.weight);
  AffineExpr place = terms.variables.make(2 * terms.variables.sizeOf(pair));
  for (bool interleaved : {true, false}) {
    TermRef weight = inCheckpointOrder(terms, first.weight, other, pair, place, interleaved);
    TermRef bias = first.bias ? inCheckpointOrder(terms, first.bias, second.bias, pair, place, interleaved) : nullptr;
    isInterleaved = interleaved;
    if (weight && (bias || !first.bias))
      return Rows{weight, bias, place, first.k};
  }
  return because(name + " are rotated in pairs that are neither adjacent nor half the width apart", first.weight);
}

LayerMatcher::Failure LayerMatcher::matchRotations() {
  Matched<Rotation> q = matchRotation(terms, queryRope, rope, "the rotary part of the queries");
  if (!q)
    return q.reason();
  Matched<Rotation> k = matchRotation(terms, keyRope, rope, "the rotary part of the keys");
  if (!k)
    return k.reason();
  // Queries and keys must have the same angles and the same order of results.
  auto atQuery = [&](TermRef term) {
    return terms.replace(terms.replace(term, layer.key, layer.query), k->pair, q->pair);
  };
  bool isSame = q->isInterleavedAfter == k->isInterleavedAfter;
  for (int i : {0, 1})
    isSame = isSame && terms.same(q->cos[i], atQuery(k->cos[i])) && terms.same(q->sin[i], atQuery(k->sin[i]));
  if (!isSame)
    return because("queries and keys are not rotated by the same angles", keyRope);

  Matched<Linear> q1 = linearOfQueries(q->first, "rotary queries"), q2 = linearOfQueries(q->second, "rotary queries");
  Matched<Linear> k1 = linearOfKeys(k->first, "rotary keys"), k2 = linearOfKeys(k->second, "rotary keys");
  for (Matched<Linear> *linear : {&q1, &q2, &k1, &k2})
    if (!*linear)
      return linear->reason();
  Matched<Rows> qRows = rotatedRows(*q1, *q2, q->pair, layer.queryRotation.isInterleaved, "rotary queries");
  if (!qRows)
    return qRows.reason();
  Matched<Rows> kRows = rotatedRows(*k1, *k2, k->pair, layer.keyRotation.isInterleaved, "rotary keys");
  if (!kRows)
    return kRows.reason();
  if (layer.queryRotation.isInterleaved != layer.keyRotation.isInterleaved)
    return because("queries and keys are rotated in different pairs", keyRope);
  if (!terms.same(terms.replace(q1->x, q1->k, layer.queryColumn), queryLatent))
    return because("the parts of the queries are not projected from the same latent", queryRope);
  if (!terms.same(sourceOf(terms, terms.replace(k1->x, k1->k, latentHiddenColumn)), latentHidden))
    return because("latents and rotary keys are not projected from the same hidden states", keyRope);
  layer.queryRope = *qRows;
  layer.keyRope = *kRows;
  layer.queryRotation.rotation = *q;
  layer.keyRotation.rotation = *k;
  layer.queryRotation.angles = matchAngles(terms, *q);
  layer.keyRotation.angles = matchAngles(terms, *k);
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// The layer
//===----------------------------------------------------------------------===//

/// Check that the dialect supports the element types; the matcher looks through widening and rounding.
LayerMatcher::Failure LayerMatcher::checkTypes() {
  SmallVector<TermRef> reads = {layer.hidden,         layer.queryNope.weight, layer.queryRope.weight,
                                layer.latent.weight,  layer.keyRope.weight,   layer.keyUp.weight,
                                layer.valueUp.weight, layer.latentNorm.gamma};
  if (layer.queryDown)
    reads.append({layer.queryDown->weight, layer.queryNorm->gamma});
  for (int i : {0, 1})
    for (const Rope *rope : {&layer.queryRotation, &layer.keyRotation})
      if (!rope->angles)
        reads.append({rope->rotation.cos[i], rope->rotation.sin[i]});
  auto isComputedWith = [](Type type) { return type.isF32() || type.isBF16() || type.isF16(); };
  for (TermRef read : reads)
    if (read->kind != Term::Read || !isComputedWith(getElementTypeOrSelf(read->tensor.getType())))
      return because("an input of the layer is not a tensor of f32, bf16 or f16", read);
  if (!isComputedWith(getElementTypeOrSelf(layer.attended.getType())))
    return because("the result is not of f32, bf16 or f16", layer.keyUp.weight);
  return std::nullopt;
}

std::optional<Matched<Layer>> LayerMatcher::match(ArrayRef<AffineExpr> index) {
  Value result = op->getResult(0);
  layer.attended = result;
  TermRef read = terms.element(result, index);
  std::optional<Matched<Softmax>> softmax = matchSoftmax(terms, read);
  if (!softmax)
    return std::nullopt;
  if (!*softmax)
    return Matched<Layer>(softmax->reason());
  if (llvm::is_contained(op.getStaticLoopRanges(), ShapedType::kDynamic))
    return Matched<Layer>(because("sizes are dynamic: the numbers of sequences and tokens must be static", read));
  Softmax &parts = **softmax;
  Matched<Linear> values = matchLinear(terms, parts.values, {parts.key}, "values");
  if (!values)
    return Matched<Layer>(values.reason());
  // Split a dimension with the heads of all sequences into two variables.
  for (auto [dim, variable] : llvm::enumerate(index))
    if (std::optional<int64_t> heads = findHeads(*values, variable)) {
      SmallVector<AffineExpr> split(index);
      AffineExpr batch = terms.variables.make(terms.variables.sizeOf(variable) / *heads);
      split[dim] = batch * *heads + terms.variables.make(*heads);
      return LayerMatcher(terms, op, trustMaskArguments).match(split);
    }
  SmallVector<AffineExpr> variables;
  for (AffineExpr expr : index)
    for (auto [variable, coefficient] : terms.variables.linear(expr).terms)
      variables.push_back(variable);
  Failure failure = nameVariables(parts, *values, variables);
  if (!failure)
    failure = matchAttention(parts);
  if (!failure)
    failure = matchUpProjections(*values);
  if (!failure)
    failure = matchDownProjection();
  if (!failure)
    failure = matchQuery();
  if (!failure)
    failure = matchRotations();
  if (!failure)
    failure = checkTypes();
  if (failure)
    return Matched<Layer>(*failure);
  layer.attendedRead = read;
  return Matched<Layer>(layer);
}

std::optional<Matched<Layer>> mla::raise::matchLayer(Terms &terms, linalg::LinalgOp op, bool trustMaskArguments) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || llvm::is_contained(type.getShape(), 0) || op.getNumReductionLoops() == 0)
    return std::nullopt;
  auto index = llvm::map_to_vector(type.getShape(), [&](int64_t size) { return terms.variables.make(size); });
  return LayerMatcher(terms, op, trustMaskArguments).match(index);
}
