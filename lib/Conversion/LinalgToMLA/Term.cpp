//===- Term.cpp - Elements of tensors as formulas -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Term.h"
#include "Literal.h"
#include "Movement.h"
#include "ReadRegion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace mlir;
using namespace mla::raise;

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

Term *Terms::allocate(Term::Kind kind) {
  Term *term = new (allocator.Allocate()) Term();
  term->kind = kind;
  return term;
}

TermRef Terms::number(double value) {
  Term *term = allocate(Term::Number);
  term->number = value;
  return term;
}

TermRef Terms::index(AffineExpr expr) {
  expr = variables.simplify(expr);
  if (auto value = dyn_cast<AffineConstantExpr>(expr))
    return number(value.getValue());
  Term *term = allocate(Term::Index);
  term->index = {expr};
  return term;
}

/// Return the unique object of a read, so that its definition is computed once.
TermRef Terms::readOf(Value tensor, ArrayRef<AffineExpr> index) {
  std::vector<const void *> key;
  for (AffineExpr expr : index)
    key.push_back(expr.getAsOpaquePointer());
  TermRef &read = reads[{tensor.getAsOpaquePointer(), std::move(key)}];
  if (!read) {
    Term *term = allocate(Term::Read);
    term->tensor = tensor;
    term->index.assign(index.begin(), index.end());
    read = term;
  }
  return read;
}

TermRef Terms::element(Value tensor, ArrayRef<AffineExpr> index) {
  Place place{tensor, {}};
  for (AffineExpr expr : index)
    place.index.push_back(variables.simplify(expr));
  while (std::optional<Place> source = movedFrom(place, variables))
    place = *source;
  return readOf(place.tensor, place.index);
}

TermRef Terms::reduce(Function function, ArrayRef<AffineExpr> over, TermRef body) {
  if (over.empty())
    return body;
  Term *term = allocate(Term::Reduce);
  term->function = function;
  term->index.assign(over.begin(), over.end());
  term->operands = {body};
  return term;
}

/// Return an integer as an index expression, if it is one.
static AffineExpr asIndex(TermRef term, const Variables &variables) {
  if (term->kind == Term::Index)
    return term->index[0];
  if (term->kind == Term::Number && term->number == std::floor(term->number) && std::abs(term->number) < 0x1p53)
    return variables.constant(static_cast<int64_t>(term->number));
  return nullptr;
}

/// Apply arithmetic on indices.
static AffineExpr applyToIndices(Function function, AffineExpr a, AffineExpr b) {
  switch (function) {
  case Function::Add:
    return a + b;
  case Function::Subtract:
    return a - b;
  case Function::Multiply:
    return isa<AffineConstantExpr>(a) ? b * a : isa<AffineConstantExpr>(b) ? a * b : AffineExpr();
  default:
    return nullptr;
  }
}

TermRef Terms::apply(Function function, ArrayRef<TermRef> operands, Operation *comparison) {
  auto isNumber = [](TermRef term) { return term->kind == Term::Number; };
  if (function == Function::RealPart || function == Function::ImaginaryPart)
    if (TermRef part = partOfComplex(function, operands[0]))
      return part;
  if (function == Function::Convert && operands[0]->kind != Term::Read && operands[0]->kind != Term::Apply &&
      operands[0]->kind != Term::Reduce)
    return operands[0];
  if (function == Function::Select && isNumber(operands[0]))
    return operands[0]->number != 0 ? operands[1] : operands[2];
  if (operands.size() == 2) {
    AffineExpr a = asIndex(operands[0], variables), b = asIndex(operands[1], variables);
    if (a && b && function == Function::Compare) {
      if (std::optional<bool> known = compareRange(comparison, variables.rangeOf(variables.simplify(a - b))))
        return number(*known);
    } else if (a && b && !(isNumber(operands[0]) && isNumber(operands[1]))) {
      if (AffineExpr expr = applyToIndices(function, a, b))
        return index(expr);
    }
  }
  if (llvm::all_of(operands, isNumber)) {
    auto values = llvm::map_to_vector<3>(operands, [](TermRef term) { return term->number; });
    if (std::optional<double> value = evaluate(function, values))
      return number(*value);
  }
  Term *term = allocate(Term::Apply);
  term->function = function;
  term->operands.assign(operands.begin(), operands.end());
  term->comparison = comparison;
  return term;
}

/// Return the part of a complex number that is created from its parts, or of a product of such numbers.
TermRef Terms::partOfComplex(Function part, TermRef term) {
  while (term && term->kind == Term::Read)
    term = definition(term);
  if (!term || term->kind != Term::Apply)
    return nullptr;
  bool isReal = part == Function::RealPart;
  if (term->function == Function::Complex)
    return term->operands[isReal ? 0 : 1];
  if (term->function != Function::ComplexMultiply)
    return nullptr;
  auto partOf = [&](Function part, unsigned operand) { return apply(part, {term->operands[operand]}); };
  TermRef a = partOf(Function::RealPart, 0), b = partOf(Function::ImaginaryPart, 0);
  TermRef c = partOf(Function::RealPart, 1), d = partOf(Function::ImaginaryPart, 1);
  if (isReal)
    return apply(Function::Subtract, {apply(Function::Multiply, {a, c}), apply(Function::Multiply, {b, d})});
  return apply(Function::Add, {apply(Function::Multiply, {a, d}), apply(Function::Multiply, {b, c})});
}

//===----------------------------------------------------------------------===//
// Definitions of elements
//===----------------------------------------------------------------------===//

TermRef Terms::definition(TermRef read) {
  auto known = definitions.find(read);
  if (known != definitions.end())
    return known->second;
  TermRef result = computeDefinition(read);
  return definitions[read] = result;
}

TermRef Terms::computeDefinition(TermRef read) {
  Operation *op = read->tensor.getDefiningOp();
  if (!op)
    return nullptr;
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    std::optional<double> value = splatOf(constant.getValue());
    return value ? number(*value) : nullptr;
  }
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return definitionByLinalg(linalgOp, read);
  std::optional<Function> function = OpTrait::hasElementwiseMappableTraits(op) ? functionOf(op) : std::nullopt;
  if (!function || !llvm::all_of(op->getOperandTypes(), llvm::IsaPred<RankedTensorType>))
    return nullptr;
  auto operands = llvm::map_to_vector(op->getOperands(), [&](Value x) { return element(x, read->index); });
  return apply(*function, operands, op);
}

/// Return whether `init` is the neutral element of the reduction.
static bool isNeutral(Function function, TermRef init) {
  if (!init || init->kind != Term::Number)
    return false;
  if (function == Function::Maximum)
    return init->number <= -3e38;
  return init->number == (function == Function::And ? 1 : 0);
}

TermRef Terms::definitionByLinalg(linalg::LinalgOp op, TermRef read) {
  unsigned result = cast<OpResult>(read->tensor).getResultNumber();
  auto iteration = iterationOf(op, result, read->index);
  if (!iteration)
    return nullptr;
  SmallVector<AffineExpr> over;
  for (auto [loop, size] : llvm::enumerate(op.getStaticLoopRanges()))
    if (!(*iteration)[loop])
      over.push_back((*iteration)[loop] = variables.make(size));

  RegionReader region(*this, op, *iteration);
  Value yielded = op.getBlock()->getTerminator()->getOperand(result);
  if (op.getNumReductionLoops() == 0)
    return region.read(yielded);
  // A reduction combines the accumulator with one value per iteration.
  BlockArgument sum = op.getRegionOutputArgs()[result];
  Operation *combiner = yielded.getDefiningOp();
  std::optional<Function> function = combiner ? functionOf(combiner) : std::nullopt;
  if (!function || combiner->getNumOperands() != 2 || !llvm::is_contained(combiner->getOperands(), sum) ||
      !llvm::is_contained({Function::Add, Function::Maximum, Function::And}, *function))
    return nullptr;
  TermRef body = region.read(combiner->getOperand(combiner->getOperand(0) == sum ? 1 : 0));
  TermRef init = region.read(sum);
  if (!body || !init)
    return nullptr;
  TermRef total = reduce(*function, over, body);
  if (isNeutral(*function, init->kind == Term::Read ? definition(init) : init))
    return total;
  return *function == Function::And ? nullptr : apply(*function, {total, init});
}

//===----------------------------------------------------------------------===//
// Traversal
//===----------------------------------------------------------------------===//

TermRef Terms::replace(TermRef term, AffineExpr variable, AffineExpr by) {
  auto replaced = [&](AffineExpr expr) { return expr.replace(variable, by); };
  auto operands = [&] {
    return llvm::map_to_vector(term->operands, [&](TermRef operand) { return replace(operand, variable, by); });
  };
  switch (term->kind) {
  case Term::Read:
    return element(term->tensor, llvm::map_to_vector(term->index, replaced));
  case Term::Number:
    return term;
  case Term::Index:
    return index(replaced(term->index[0]));
  case Term::Apply:
    return apply(term->function, operands(), term->comparison);
  case Term::Reduce:
    return reduce(term->function, term->index, operands()[0]);
  }
  llvm_unreachable("all kinds are above");
}

bool Terms::depends(TermRef term, AffineExpr variable) const {
  auto dim = dyn_cast<AffineDimExpr>(variable);
  if (!dim)
    return false;
  if (term->kind == Term::Read || term->kind == Term::Index)
    return llvm::any_of(term->index, [&](AffineExpr expr) { return expr.isFunctionOfDim(dim.getPosition()); });
  return llvm::any_of(term->operands, [&](TermRef operand) { return depends(operand, variable); });
}

bool Terms::same(TermRef a, TermRef b) {
  if (a == b)
    return true;
  if (a->kind == Term::Read && b->kind == Term::Read) {
    auto known = sameReads.find({a, b});
    if (known != sameReads.end())
      return known->second;
    // Two operations may compute the same value.
    TermRef first = definition(a), second = definition(b);
    bool result = first && second && same(first, second);
    return sameReads[{a, b}] = result;
  }
  if (a->kind != b->kind || a->operands.size() != b->operands.size())
    return false;
  if (a->kind == Term::Number)
    return a->number == b->number;
  if (a->kind == Term::Index)
    return variables.equal(a->index[0], b->index[0]);
  if (a->function != b->function)
    return false;
  if (a->function == Function::Compare && a->kind == Term::Apply && !isSameComparison(a->comparison, b->comparison))
    return false;
  if (a->kind == Term::Reduce) {
    if (a->index.size() != b->index.size())
      return false;
    TermRef body = b->operands[0];
    for (auto [own, other] : llvm::zip(a->index, b->index)) {
      if (variables.sizeOf(own) != variables.sizeOf(other))
        return false;
      body = replace(body, other, own);
    }
    return same(a->operands[0], body);
  }
  return llvm::all_of(llvm::zip(a->operands, b->operands),
                      [&](auto pair) { return same(std::get<0>(pair), std::get<1>(pair)); });
}
