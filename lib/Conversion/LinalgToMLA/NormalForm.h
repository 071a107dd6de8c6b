//===- NormalForm.h - Formulas as sums and products -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Normalizes formulas: associativity and order of sums and products, positions
// of constants, and divisions versus multiplications with a reciprocal make no
// difference. Roundings and widenings are looked through.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_LINALGTOMLA_NORMALFORM_H
#define MLA_LIB_CONVERSION_LINALGTOMLA_NORMALFORM_H

#include "Term.h"

namespace mla::raise {

/// `coefficient * factor * factor * …`; a divisor is the factor Divide(1, divisor), or Rsqrt of the argument of a
/// square root.
struct Product {
  double coefficient = 1;
  llvm::SmallVector<TermRef, 4> factors;
};

/// An addend `coefficient * term`.
struct Addend {
  double coefficient;
  TermRef term;
};

/// Return the formula behind reads and conversions; a read if its definition is unknown.
TermRef valueOf(Terms &terms, TermRef term);
/// Return the read behind conversions; the formula if it is not a read.
TermRef sourceOf(Terms &terms, TermRef term);

Product productOf(Terms &terms, TermRef term);
llvm::SmallVector<Addend, 4> addendsOf(Terms &terms, TermRef term);

/// Return the application of `function` with its operands, or null.
TermRef asFunction(Terms &terms, TermRef term, Function function);
/// Return the reduction with `function`, or null.
TermRef asReduction(Terms &terms, TermRef term, Function function);

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_NORMALFORM_H
