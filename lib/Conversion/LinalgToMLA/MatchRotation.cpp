//===- MatchRotation.cpp - Match rotary position embeddings ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A pair (a, b) becomes (a cos - b sin, b cos + a sin). The original order of
// pairs follows from their indices; the order of results is found by trying
// both. Exporters use complex numbers, even and odd slices, or halves.
//
//===----------------------------------------------------------------------===//

#include "Literal.h"
#include "NormalForm.h"
#include "Pieces.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla::raise;

namespace {
/// `x * cos - y * sin` or `x * cos + y * sin`, with factors in unknown order.
struct Combination {
  SmallVector<std::array<TermRef, 2>, 2> products;
  SmallVector<double, 2> signs;
};
} // namespace

/// Return the value without its sign, which flips `sign`.
static TermRef withoutSign(Terms &terms, TermRef term, double &sign) {
  TermRef negated = asFunction(terms, term, Function::Negate);
  sign = negated ? -sign : sign;
  return sourceOf(terms, negated ? negated->operands[0] : term);
}

static std::optional<Combination> matchCombination(Terms &terms, TermRef term) {
  Combination combination;
  for (Addend addend : addendsOf(terms, term)) {
    TermRef product = asFunction(terms, addend.term, Function::Multiply);
    if (!product || std::abs(addend.coefficient) != 1)
      return std::nullopt;
    double &sign = combination.signs.emplace_back(addend.coefficient);
    TermRef a = withoutSign(terms, product->operands[0], sign), b = withoutSign(terms, product->operands[1], sign);
    combination.products.push_back({a, b});
  }
  return combination.products.size() == 2 ? std::optional(combination) : std::nullopt;
}

/// Return the other factor if one is `x`.
static TermRef besides(Terms &terms, const std::array<TermRef, 2> &factors, TermRef x) {
  return terms.same(factors[0], x) ? factors[1] : terms.same(factors[1], x) ? factors[0] : nullptr;
}

/// Match the second element of a pair, given the first: `b cos + a sin`.
static bool completePair(Terms &terms, const Combination &two, Rotation &rotation) {
  if (two.signs[0] != 1 || two.signs[1] != 1)
    return false;
  for (int flip : {0, 1}) {
    rotation.cos[1] = besides(terms, two.products[flip], rotation.second);
    rotation.sin[1] = besides(terms, two.products[1 - flip], rotation.first);
    if (rotation.cos[1] && rotation.sin[1])
      return true;
  }
  return false;
}

/// Return whether the value is a sum: of a contraction, possibly with a bias, or of a rotation.
static bool isComputed(Terms &terms, TermRef term) {
  return asReduction(terms, term, Function::Add) || asFunction(terms, term, Function::Add) ||
         asFunction(terms, term, Function::Subtract);
}

static std::optional<Rotation> matchPair(Terms &terms, TermRef one, TermRef two) {
  std::optional<Combination> first = matchCombination(terms, one), second = matchCombination(terms, two);
  if (!first || !second || first->signs[0] * first->signs[1] != -1)
    return std::nullopt;
  // The product with negative sign has the sine.
  int cosine = first->signs[0] == 1 ? 0 : 1;
  for (int i : {0, 1})
    for (int j : {0, 1}) {
      Rotation rotation;
      rotation.first = first->products[cosine][i];
      rotation.cos[0] = first->products[cosine][1 - i];
      rotation.second = first->products[1 - cosine][j];
      rotation.sin[0] = first->products[1 - cosine][1 - j];
      // Rotating (cos, sin) by (a, b) is the same formula: the result of a contraction is the rotated pair.
      if (isComputed(terms, rotation.first) && isComputed(terms, rotation.second) &&
          completePair(terms, *second, rotation))
        return rotation;
    }
  return std::nullopt;
}

Matched<Rotation> mla::raise::matchRotation(Terms &terms, TermRef term, AffineExpr r, const Twine &name) {
  int64_t width = terms.variables.sizeOf(r), half = width / 2;
  if (width % 2 == 0)
    for (bool interleaved : {false, true}) {
      AffineExpr pair = terms.variables.make(half);
      AffineExpr one = interleaved ? pair * 2 : pair, two = interleaved ? one + 1 : one + half;
      std::optional<Rotation> rotation = matchPair(terms, terms.replace(term, r, one), terms.replace(term, r, two));
      if (!rotation)
        continue;
      rotation->pair = pair;
      rotation->isInterleavedAfter = interleaved;
      return *rotation;
    }
  return because(name + " is not rotated by pairs", term);
}

//===----------------------------------------------------------------------===//
// Angles
//===----------------------------------------------------------------------===//

/// Match `scale * function(angle)`.
static std::optional<Addend> matchWave(Terms &terms, TermRef term, Function function) {
  Product product = productOf(terms, term);
  if (product.factors.size() != 1)
    return std::nullopt;
  TermRef wave = asFunction(terms, product.factors[0], function);
  return wave ? std::optional(Addend{product.coefficient, wave->operands[0]}) : std::nullopt;
}

static std::optional<SmallVector<float>> readFrequencies(Terms &terms, TermRef read, double factor, AffineExpr pair) {
  auto constant = read->tensor ? read->tensor.getDefiningOp<arith::ConstantOp>() : nullptr;
  if (!constant)
    return std::nullopt;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(constant.getType()).getShape();
  AffineExpr position = terms.variables.constant(0);
  for (auto [size, index] : llvm::zip(shape, read->index))
    position = position * size + index;
  SmallVector<float> frequencies;
  for (int64_t i : llvm::seq(terms.variables.sizeOf(pair))) {
    auto at =
        dyn_cast<AffineConstantExpr>(terms.variables.simplify(position.replace(pair, terms.variables.constant(i))));
    std::optional<double> value = at ? elementOf(constant.getValue(), at.getValue()) : std::nullopt;
    if (!value)
      return std::nullopt;
    frequencies.push_back(static_cast<float>(*value * factor));
  }
  return frequencies;
}

std::optional<Angles> mla::raise::matchAngles(Terms &terms, const Rotation &rotation) {
  if (!terms.same(rotation.cos[0], rotation.cos[1]) || !terms.same(rotation.sin[0], rotation.sin[1]))
    return std::nullopt;
  std::optional<Addend> cos = matchWave(terms, rotation.cos[0], Function::Cos);
  std::optional<Addend> sin = matchWave(terms, rotation.sin[0], Function::Sin);
  if (!cos || !sin || cos->coefficient != sin->coefficient || !terms.same(cos->term, sin->term))
    return std::nullopt;
  Product angle = productOf(terms, cos->term);
  if (angle.factors.size() != 2)
    return std::nullopt;
  auto [position, frequency] = std::pair(angle.factors[0], angle.factors[1]);
  if (terms.depends(position, rotation.pair))
    std::swap(position, frequency);
  if (terms.depends(position, rotation.pair) || (position->kind != Term::Read && position->kind != Term::Index))
    return std::nullopt;
  std::optional<SmallVector<float>> frequencies = readFrequencies(terms, frequency, angle.coefficient, rotation.pair);
  if (!frequencies)
    return std::nullopt;
  return Angles{position, *frequencies, static_cast<float>(cos->coefficient)};
}
