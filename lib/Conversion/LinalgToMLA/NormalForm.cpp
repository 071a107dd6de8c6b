//===- NormalForm.cpp - Formulas as sums and products ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NormalForm.h"

using namespace mla::raise;
using llvm::SmallVector;
using llvm::SmallVectorImpl;

static bool isConversion(TermRef term) { return term->kind == Term::Apply && term->function == Function::Convert; }

TermRef mla::raise::valueOf(Terms &terms, TermRef term) {
  while (true) {
    if (isConversion(term))
      term = term->operands[0];
    else if (TermRef definition = term->kind == Term::Read ? terms.definition(term) : nullptr)
      term = definition;
    else
      return term;
  }
}

TermRef mla::raise::sourceOf(Terms &terms, TermRef term) {
  while (true) {
    TermRef formula = term->kind == Term::Read ? terms.definition(term) : term;
    if (!formula || !isConversion(formula))
      return term;
    term = formula->operands[0];
  }
}

TermRef mla::raise::asFunction(Terms &terms, TermRef term, Function function) {
  TermRef value = valueOf(terms, term);
  return value->kind == Term::Apply && value->function == function ? value : nullptr;
}

TermRef mla::raise::asReduction(Terms &terms, TermRef term, Function function) {
  TermRef value = valueOf(terms, term);
  return value->kind == Term::Reduce && value->function == function ? value : nullptr;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

static void collectFactors(Terms &terms, TermRef term, Product &product);

static void collectReciprocal(Terms &terms, TermRef divisor, Product &product) {
  TermRef value = valueOf(terms, divisor);
  if (value->kind == Term::Number)
    product.coefficient /= value->number;
  else if (TermRef root = asFunction(terms, value, Function::Sqrt))
    product.factors.push_back(terms.apply(Function::Rsqrt, {root->operands[0]}));
  else
    product.factors.push_back(terms.apply(Function::Divide, {terms.number(1), sourceOf(terms, divisor)}));
}

static void collectFactors(Terms &terms, TermRef term, Product &product) {
  TermRef value = valueOf(terms, term);
  if (value->kind == Term::Number) {
    product.coefficient *= value->number;
  } else if (asFunction(terms, value, Function::Multiply)) {
    collectFactors(terms, value->operands[0], product);
    collectFactors(terms, value->operands[1], product);
  } else if (asFunction(terms, value, Function::Negate)) {
    product.coefficient = -product.coefficient;
    collectFactors(terms, value->operands[0], product);
  } else if (asFunction(terms, value, Function::Divide)) {
    collectFactors(terms, value->operands[0], product);
    collectReciprocal(terms, value->operands[1], product);
  } else {
    product.factors.push_back(sourceOf(terms, term));
  }
}

Product mla::raise::productOf(Terms &terms, TermRef term) {
  Product product;
  collectFactors(terms, term, product);
  return product;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Split a value into a constant factor and the rest.
static std::optional<Addend> splitConstant(Terms &terms, TermRef value) {
  if (value->kind != Term::Apply)
    return std::nullopt;
  if (value->function == Function::Negate)
    return Addend{-1, value->operands[0]};
  if (value->function != Function::Multiply && value->function != Function::Divide)
    return std::nullopt;
  bool divides = value->function == Function::Divide;
  TermRef left = valueOf(terms, value->operands[0]), right = valueOf(terms, value->operands[1]);
  if (right->kind == Term::Number)
    return Addend{divides ? 1 / right->number : right->number, value->operands[0]};
  if (left->kind == Term::Number && !divides)
    return Addend{left->number, value->operands[1]};
  return std::nullopt;
}

static void collectAddends(Terms &terms, TermRef term, double coefficient, SmallVectorImpl<Addend> &addends) {
  TermRef value = valueOf(terms, term);
  if (asFunction(terms, value, Function::Add) || asFunction(terms, value, Function::Subtract)) {
    double sign = value->function == Function::Add ? 1 : -1;
    collectAddends(terms, value->operands[0], coefficient, addends);
    collectAddends(terms, value->operands[1], sign * coefficient, addends);
  } else if (std::optional<Addend> scaled = splitConstant(terms, value)) {
    collectAddends(terms, scaled->term, coefficient * scaled->coefficient, addends);
  } else {
    addends.push_back({coefficient, sourceOf(terms, term)});
  }
}

SmallVector<Addend, 4> mla::raise::addendsOf(Terms &terms, TermRef term) {
  SmallVector<Addend, 4> addends;
  collectAddends(terms, term, 1, addends);
  return addends;
}
