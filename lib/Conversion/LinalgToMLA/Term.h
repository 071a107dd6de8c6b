//===- Term.h - Elements of tensors as formulas -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An element of a tensor, at an index with variables, is a formula over
// elements of other tensors. Formulas look through operations that only move
// elements (reshapes, transposes, slices, concatenations, broadcasts, copies),
// and do not distinguish named from generic operations, so that the outputs of
// different exporters have the same formulas. Formulas are created lazily; the
// IR is not changed.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_LINALGTOMLA_TERM_H
#define MLA_LIB_CONVERSION_LINALGTOMLA_TERM_H

#include "Ranges.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/Allocator.h"
#include <map>
#include <optional>

namespace mla::raise {

enum class Function {
  Add,
  Subtract,
  Multiply,
  Divide,
  Negate,
  Exp,
  Rsqrt,
  Sqrt,
  Cos,
  Sin,
  Maximum,
  And,
  Or,
  Xor,
  Select,
  Compare,
  Convert, // between number types, rounded or not
  Complex,
  ComplexMultiply,
  RealPart,
  ImaginaryPart
};

struct Term {
  enum Kind {
    Read,   // the element of `tensor` at `index`
    Number, // a constant
    Index,  // the value of index[0]
    Apply,  // `function` of `operands`
    Reduce  // the sum (Add), maximum or conjunction of operands[0] over the variables in `index`
  } kind;
  mlir::Value tensor;
  llvm::SmallVector<mlir::AffineExpr, 4> index;
  double number = 0;
  Function function = Function::Add;
  llvm::SmallVector<const Term *, 3> operands;
  mlir::Operation *comparison = nullptr; // of Compare
};

using TermRef = const Term *;

/// Owns the formulas of one function, and the variables in them.
class Terms {
public:
  explicit Terms(mlir::MLIRContext *context) : variables(context) {}

  Variables variables;

  /// Return the element at its definition, looking through operations that only move it.
  TermRef element(mlir::Value tensor, llvm::ArrayRef<mlir::AffineExpr> index);
  /// Return the formula that computes a read element; null if it is unknown, such as for an argument.
  TermRef definition(TermRef read);

  TermRef number(double value);
  TermRef index(mlir::AffineExpr expr);
  TermRef apply(Function function, llvm::ArrayRef<TermRef> operands, mlir::Operation *comparison = nullptr);
  TermRef reduce(Function function, llvm::ArrayRef<mlir::AffineExpr> over, TermRef body);

  /// Substitute an index for a variable.
  TermRef replace(TermRef term, mlir::AffineExpr variable, mlir::AffineExpr by);
  /// Return whether the formula, as far as it is known, contains the variable.
  bool depends(TermRef term, mlir::AffineExpr variable) const;
  bool same(TermRef a, TermRef b);

private:
  friend class RegionReader;
  TermRef readOf(mlir::Value tensor, llvm::ArrayRef<mlir::AffineExpr> index);
  TermRef computeDefinition(TermRef read);
  TermRef definitionByLinalg(mlir::linalg::LinalgOp op, TermRef read);
  TermRef partOfComplex(Function part, TermRef term);
  Term *allocate(Term::Kind kind);

  llvm::SpecificBumpPtrAllocator<Term> allocator;
  std::map<std::pair<const void *, std::vector<const void *>>, TermRef> reads;
  llvm::DenseMap<TermRef, TermRef> definitions;
  llvm::DenseMap<std::pair<TermRef, TermRef>, bool> sameReads;
};

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_TERM_H
