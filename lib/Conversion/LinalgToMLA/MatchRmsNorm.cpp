//===- MatchRmsNorm.cpp - Match an RMS norm -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NormalForm.h"
#include "Pieces.h"

#include <cmath>

using namespace mlir;
using namespace mla::raise;

/// Return the epsilon of `mean_k(x[k]^2) + epsilon`.
static std::optional<double> matchMeanSquare(Terms &terms, TermRef term, TermRef x, AffineExpr k) {
  double epsilon = 0;
  bool hasMean = false;
  for (Addend addend : addendsOf(terms, term)) {
    if (addend.term->kind == Term::Number) {
      epsilon += addend.coefficient * addend.term->number;
      continue;
    }
    TermRef sum = asReduction(terms, addend.term, Function::Add);
    if (!sum || hasMean || sum->index.size() != 1 ||
        std::abs(addend.coefficient * terms.variables.sizeOf(k) - 1) > 1e-6)
      return std::nullopt;
    Product square = productOf(terms, terms.replace(sum->operands[0], sum->index[0], k));
    if (square.coefficient != 1 || square.factors.size() != 2 || !terms.same(square.factors[0], x) ||
        !terms.same(square.factors[1], x))
      return std::nullopt;
    hasMean = true;
  }
  return hasMean && epsilon >= 0 ? std::optional(epsilon) : std::nullopt;
}

Matched<RmsNorm> mla::raise::matchRmsNorm(Terms &terms, TermRef term, AffineExpr k, const Twine &name) {
  Product product = productOf(terms, term);
  TermRef root = nullptr, gamma = nullptr, x = nullptr;
  for (TermRef factor : product.factors) {
    TermRef &slot = asFunction(terms, factor, Function::Rsqrt)                                             ? root
                    : factor->kind == Term::Read && factor->index.size() == 1 && !terms.definition(factor) ? gamma
                                                                                                           : x;
    if (slot)
      return because(name + " is not an RMS norm: it has another factor", term);
    slot = factor;
  }
  if (!root || !x)
    return because(name + " is not an RMS norm", term);
  if (!gamma || !terms.depends(gamma, k))
    return because(name + " is an RMS norm without gamma", term);
  if (product.coefficient != 1)
    return because(name + " is an RMS norm times a constant", term);
  TermRef argument = asFunction(terms, root, Function::Rsqrt)->operands[0];
  std::optional<double> epsilon = matchMeanSquare(terms, argument, x, k);
  if (!epsilon)
    return because(name + " is not an RMS norm: its divisor is not the root of its mean square", term);
  return RmsNorm{x, gamma, *epsilon};
}
