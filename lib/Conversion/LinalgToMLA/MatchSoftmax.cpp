//===- MatchSoftmax.cpp - Match softmax times values ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NormalForm.h"
#include "Pieces.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

using namespace mlir;
using namespace mla::raise;

/// Upper bound of a hidden score: its exponential is negligible in f32.
static constexpr double kHidden = -1e4;

namespace {
/// The factors of `softmax(scores)[key] * values[key]`.
struct Parts {
  TermRef exponential = nullptr, divisor = nullptr, values = nullptr, guard = nullptr;
  bool hasOther = false;
};
} // namespace

/// Match PyTorch's safe softmax, which replaces probabilities by 0 if all keys
/// are hidden. Return the operand with the probabilities.
static TermRef matchGuard(Terms &terms, TermRef factor) {
  TermRef select = asFunction(terms, factor, Function::Select);
  if (!select)
    return nullptr;
  TermRef otherwise = valueOf(terms, select->operands[1]);
  return otherwise->kind == Term::Number && otherwise->number == 0 ? select : nullptr;
}

static void sortFactors(Terms &terms, ArrayRef<TermRef> factors, Parts &parts) {
  for (TermRef factor : factors) {
    if (TermRef select = matchGuard(terms, factor)) {
      parts.guard = select->operands[0];
      sortFactors(terms, productOf(terms, select->operands[2]).factors, parts);
      continue;
    }
    TermRef divide = asFunction(terms, factor, Function::Divide);
    TermRef &slot = asFunction(terms, factor, Function::Exp) ? parts.exponential
                    : divide                                 ? parts.divisor
                                                             : parts.values;
    parts.hasOther |= slot != nullptr;
    slot = divide ? divide->operands[1] : factor;
  }
}

/// Return the argument of the exponential without addends that are equal for
/// all keys, such as the subtracted maximum.
static TermRef withoutShift(Terms &terms, TermRef argument, AffineExpr key) {
  TermRef scores = nullptr;
  for (Addend addend : addendsOf(terms, argument)) {
    if (!terms.depends(addend.term, key))
      continue;
    TermRef scaled = addend.coefficient == 1
                         ? addend.term
                         : terms.apply(Function::Multiply, {terms.number(addend.coefficient), addend.term});
    scores = scores ? terms.apply(Function::Add, {scores, scaled}) : scaled;
  }
  return scores;
}

/// Return whether addends equal for all keys are a maximum or a constant;
/// others may be infinite or NaN.
static bool isShiftFinite(Terms &terms, TermRef argument, AffineExpr key) {
  return llvm::all_of(addendsOf(terms, argument), [&](Addend addend) {
    return terms.depends(addend.term, key) || addend.term->kind == Term::Number ||
           asReduction(terms, addend.term, Function::Maximum) || asFunction(terms, addend.term, Function::Maximum);
  });
}

/// Return whether the guard checks that all keys are hidden.
static bool isGuard(Terms &terms, TermRef guard, TermRef scores, AffineExpr key) {
  TermRef all = asReduction(terms, guard, Function::And);
  TermRef hidden = all && all->index.size() == 1 ? asFunction(terms, all->operands[0], Function::Compare) : nullptr;
  auto compare = hidden ? dyn_cast<arith::CmpFOp>(hidden->comparison) : arith::CmpFOp();
  if (!compare || compare.getPredicate() != arith::CmpFPredicate::OEQ)
    return false;
  TermRef limit = valueOf(terms, hidden->operands[1]);
  TermRef compared = withoutShift(terms, terms.replace(hidden->operands[0], all->index[0], key), key);
  return limit->kind == Term::Number && limit->number < kHidden && compared && terms.same(compared, scores);
}

std::optional<Matched<Softmax>> mla::raise::matchSoftmax(Terms &terms, TermRef term) {
  TermRef sum = asReduction(terms, term, Function::Add);
  if (!sum || sum->index.size() != 1)
    return std::nullopt;
  Product product = productOf(terms, sum->operands[0]);
  Parts parts;
  sortFactors(terms, product.factors, parts);
  if (!parts.exponential || !parts.divisor || !parts.values)
    return std::nullopt;

  AffineExpr key = sum->index[0];
  if (parts.hasOther || product.coefficient != 1)
    return Matched<Softmax>(because("probabilities or values have another factor", term));
  TermRef total = asReduction(terms, parts.divisor, Function::Add);
  if (!total || total->index.size() != 1 ||
      !terms.same(parts.exponential, terms.replace(total->operands[0], total->index[0], key)))
    return Matched<Softmax>(because("probabilities do not sum to 1 over the keys", parts.divisor));
  TermRef argument = asFunction(terms, parts.exponential, Function::Exp)->operands[0];
  if (!isShiftFinite(terms, argument, key))
    return Matched<Softmax>(because("scores are shifted by a value other than their maximum", argument));
  TermRef scores = withoutShift(terms, argument, key);
  if (!scores)
    return Matched<Softmax>(because("scores do not depend on the key", parts.exponential));
  if (parts.guard && !isGuard(terms, parts.guard, scores, key))
    return Matched<Softmax>(
        because("probabilities are selected by a condition other than the visibility of a key", term));
  return Matched<Softmax>(Softmax{scores, parts.values, key});
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// Split scores with a fill value where a condition holds (`masked_fill`) into a sum of scores and a mask.
static bool splitFill(Terms &terms, Addend addend, SmallVectorImpl<Addend> &scores, TermRef &mask) {
  TermRef select = asFunction(terms, addend.term, Function::Select);
  if (!select)
    return false;
  for (int hidden : {1, 2}) {
    TermRef fill = valueOf(terms, select->operands[hidden]);
    if (fill->kind != Term::Number || addend.coefficient * fill->number > kHidden)
      continue;
    TermRef shown = select->operands[3 - hidden];
    if (valueOf(terms, shown)->kind == Term::Number)
      return false; // a separate mask
    TermRef zero = terms.number(0);
    mask = hidden == 1 ? terms.apply(Function::Select, {select->operands[0], fill, zero})
                       : terms.apply(Function::Select, {select->operands[0], zero, fill});
    for (Addend inner : addendsOf(terms, shown))
      scores.push_back({addend.coefficient * inner.coefficient, inner.term});
    return true;
  }
  return false;
}

/// Match `coefficient * sum_d q[d] * k[d]`; k is the factor that depends on the key.
static std::optional<Scores::Dot> matchDot(Terms &terms, Addend addend, AffineExpr key, double &scale) {
  TermRef sum = asReduction(terms, addend.term, Function::Add);
  if (!sum || sum->index.size() != 1)
    return std::nullopt;
  Product product = productOf(terms, sum->operands[0]);
  if (product.factors.size() != 2)
    return std::nullopt;
  scale = addend.coefficient * product.coefficient;
  auto [q, k] = std::pair(product.factors[0], product.factors[1]);
  if (terms.depends(q, key))
    std::swap(q, k);
  if (terms.depends(q, key) || !terms.depends(k, key))
    return std::nullopt;
  return Scores::Dot{q, k, sum->index[0]};
}

Matched<Scores> mla::raise::matchScores(Terms &terms, TermRef term, AffineExpr key) {
  Scores scores;
  SmallVector<Addend, 4> addends = addendsOf(terms, term);
  for (size_t i = 0; i < addends.size(); ++i) {
    Addend addend = addends[i];
    double scale;
    TermRef mask = nullptr;
    if (std::optional<Scores::Dot> dot = matchDot(terms, addend, key, scale)) {
      if (!scores.dots.empty() && scale != scores.scale)
        return because("products of queries and keys are scaled differently", addend.term);
      scores.scale = scale;
      scores.dots.push_back(*dot);
    } else if (splitFill(terms, addend, addends, mask)) {
      scores.masks.push_back(mask);
    } else {
      scores.masks.push_back(addend.coefficient == 1
                                 ? addend.term
                                 : terms.apply(Function::Multiply, {terms.number(addend.coefficient), addend.term}));
    }
  }
  if (!std::isfinite(scores.scale))
    return because("the scale of the scores is not finite", term);
  if (scores.dots.empty())
    return because("scores are not a product of queries and keys", term);
  return scores;
}
