//===- MatchLinear.cpp - Match a contraction with a weight ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NormalForm.h"
#include "Pieces.h"

using namespace mlir;
using namespace mla::raise;

static bool dependsOnAny(Terms &terms, TermRef term, ArrayRef<AffineExpr> variables) {
  return llvm::any_of(variables, [&](AffineExpr variable) { return terms.depends(term, variable); });
}

/// Match the two factors of a sum of products.
static std::optional<Linear> matchContraction(Terms &terms, TermRef sum, ArrayRef<AffineExpr> tokens) {
  // Do not flatten the product: the projected value may be a product itself, such as a norm.
  TermRef product = asFunction(terms, sum->operands[0], Function::Multiply);
  if (sum->index.size() != 1 || !product)
    return std::nullopt;
  TermRef x = sourceOf(terms, product->operands[0]), weight = sourceOf(terms, product->operands[1]);
  if (dependsOnAny(terms, weight, tokens))
    std::swap(x, weight);
  AffineExpr k = sum->index[0];
  if (dependsOnAny(terms, weight, tokens) || weight->kind != Term::Read || !terms.depends(weight, k) ||
      !terms.depends(x, k))
    return std::nullopt;
  return Linear{x, weight, k};
}

Matched<Linear> mla::raise::matchLinear(Terms &terms, TermRef term, ArrayRef<AffineExpr> tokens, const Twine &name) {
  std::optional<Linear> linear;
  TermRef bias = nullptr;
  for (Addend addend : addendsOf(terms, term)) {
    TermRef sum = asReduction(terms, addend.term, Function::Add);
    if (addend.coefficient != 1)
      return because(name + " are scaled", term);
    if (sum && !linear)
      linear = matchContraction(terms, sum, tokens);
    else if (addend.term->kind == Term::Read && !bias && !dependsOnAny(terms, addend.term, tokens))
      bias = addend.term;
    else
      return because(name + " are not a projection: an addend is not a bias", term);
  }
  if (!linear)
    return because(name + " are not a projection: no contraction with a weight", term);
  linear->bias = bias;
  return *linear;
}
