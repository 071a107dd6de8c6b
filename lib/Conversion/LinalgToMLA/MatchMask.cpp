//===- MatchMask.cpp - Match causal masks ---------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A mask is evaluated twice: under its only condition on the indices, and under
// the negation. This matches masks that are built with select, multiplication
// or addition alike.
//
//===----------------------------------------------------------------------===//

#include "Literal.h"
#include "NormalForm.h"
#include "Pieces.h"
#include "ReadRegion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla::raise;

/// Upper bound of a hidden score, as in the softmax.
static constexpr double kHidden = -1e4;

namespace {
/// Evaluates a mask under an assumption on its condition `expression >= 0`, which it also finds.
class MaskEvaluator {
public:
  MaskEvaluator(Terms &terms, bool holds) : terms(terms), holds(holds) {}

  std::optional<double> evaluate(TermRef term);
  AffineExpr condition;

private:
  std::optional<double> evaluateComparison(TermRef comparison);

  Terms &terms;
  bool holds;
};
} // namespace

/// Return an integer as an expression of the variables; null if it is not one.
static AffineExpr asIndexExpr(Terms &terms, TermRef term) {
  TermRef value = valueOf(terms, term);
  if (value->kind == Term::Index)
    return value->index[0];
  if (value->kind == Term::Number)
    return terms.variables.constant(static_cast<int64_t>(value->number));
  if (value->kind != Term::Apply || value->operands.size() != 2)
    return nullptr;
  AffineExpr a = asIndexExpr(terms, value->operands[0]), b = asIndexExpr(terms, value->operands[1]);
  if (!a || !b)
    return nullptr;
  return value->function == Function::Add ? a + b : value->function == Function::Subtract ? a - b : AffineExpr();
}

std::optional<double> MaskEvaluator::evaluateComparison(TermRef comparison) {
  AffineExpr a = asIndexExpr(terms, comparison->operands[0]), b = asIndexExpr(terms, comparison->operands[1]);
  std::optional<Bound> bound = boundOf(comparison->comparison);
  if (!a || !b || !bound)
    return std::nullopt;
  AffineExpr own = terms.variables.simplify((bound->first ? a - b : b - a) - bound->offset);
  if (!condition)
    condition = own;
  if (own == condition)
    return holds;
  // not (x >= 0) is -x - 1 >= 0
  return terms.variables.equal(own, condition * -1 - 1) ? std::optional<double>(!holds) : std::nullopt;
}

std::optional<double> MaskEvaluator::evaluate(TermRef term) {
  TermRef value = valueOf(terms, term);
  if (value->kind == Term::Number)
    return value->number;
  if (value->kind != Term::Apply)
    return std::nullopt;
  if (value->function == Function::Compare)
    return evaluateComparison(value);
  SmallVector<double, 3> operands;
  for (TermRef operand : value->operands) {
    std::optional<double> number = evaluate(operand);
    if (!number)
      return std::nullopt;
    operands.push_back(*number);
  }
  return mla::raise::evaluate(value->function, operands);
}

/// Return the expression that is nonnegative where the mask shows a key.
static AffineExpr findVisible(Terms &terms, TermRef mask) {
  MaskEvaluator yes(terms, true), no(terms, false);
  std::optional<double> held = yes.evaluate(mask), failed = no.evaluate(mask);
  if (!held || !failed || !yes.condition || yes.condition != no.condition)
    return nullptr;
  if (*held == 0 && *failed <= kHidden)
    return yes.condition;
  return *failed == 0 && *held <= kHidden ? terms.variables.simplify(yes.condition * -1 - 1) : AffineExpr();
}

/// Return whether the mask is a causal constant with one number per query and key.
static bool isCausalLiteral(Terms &terms, TermRef mask, AffineExpr query, AffineExpr key) {
  TermRef read = sourceOf(terms, mask);
  auto constant = read->kind == Term::Read ? read->tensor.getDefiningOp<arith::ConstantOp>() : nullptr;
  if (!constant)
    return false;
  AffineExpr position = terms.variables.constant(0);
  for (auto [size, index] : llvm::zip(cast<RankedTensorType>(constant.getType()).getShape(), read->index))
    position = position * size + index;
  LinearSum sum = terms.variables.linear(position);
  auto coefficient = [&](AffineExpr variable) {
    auto *term = llvm::find_if(sum.terms, [&](auto &term) { return term.first == variable; });
    return term == sum.terms.end() ? 0 : term->second;
  };
  if (sum.terms.size() != 2)
    return false;
  for (int64_t s : llvm::seq(terms.variables.sizeOf(query)))
    for (int64_t j : llvm::seq(terms.variables.sizeOf(key))) {
      int64_t at = sum.constant + s * coefficient(query) + j * coefficient(key);
      std::optional<double> value = elementOf(constant.getValue(), at);
      if (!value || (j <= s ? *value != 0 : *value > kHidden))
        return false;
    }
  return true;
}

static bool isZero(Terms &terms, TermRef mask) {
  TermRef value = valueOf(terms, mask);
  return value->kind == Term::Number && value->number == 0;
}

static bool isArgument(Terms &terms, TermRef mask) {
  TermRef read = sourceOf(terms, mask);
  return read->kind == Term::Read && isa<BlockArgument>(read->tensor);
}

Matched<CausalMask> mla::raise::matchCausalMask(Terms &terms, ArrayRef<TermRef> masks, AffineExpr query, AffineExpr key,
                                                bool trustArguments) {
  bool isCausal = false;
  for (TermRef mask : masks) {
    if (isZero(terms, mask))
      continue;
    if (isArgument(terms, mask) ? trustArguments : isCausalLiteral(terms, mask, query, key)) {
      isCausal = true;
      continue;
    }
    if (isArgument(terms, mask))
      return because("the mask is an argument that is not known to be causal; set causal-masks if it is", mask);
    AffineExpr visible = findVisible(terms, mask);
    if (!visible)
      return because("the addend of the scores is not known to be a causal mask", mask);
    if (!terms.variables.equal(visible, query - key))
      return because("the mask is not causal: a query must see exactly the keys up to itself", mask);
    isCausal = true;
  }
  if (!isCausal)
    return Reason{"there is no causal mask: every query sees every key", Value()};
  return CausalMask{};
}
