//===- NormalForm.h - Formulas as sums and products -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a sum or a product is bracketed and ordered, where constants stand, and
// whether something is divided by or multiplied with the reciprocal says
// nothing about what is computed. Roundings and widenings are looked through.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_LINALGTOMLA_NORMALFORM_H
#define MLA_LIB_CONVERSION_LINALGTOMLA_NORMALFORM_H

#include "Term.h"

namespace mla::raise {

/// `coefficient * factor * factor * …`; a divisor is the factor Divide(1, divisor), or Rsqrt of what it is the root of.
struct Product {
  double coefficient = 1;
  llvm::SmallVector<TermRef, 4> factors;
};

/// A summand `coefficient * term`.
struct Addend {
  double coefficient;
  TermRef term;
};

/// The formula behind reads and conversions; a read where nothing more is known.
TermRef valueOf(Terms &terms, TermRef term);
/// The read behind conversions; the formula, where it is none.
TermRef sourceOf(Terms &terms, TermRef term);

Product productOf(Terms &terms, TermRef term);
llvm::SmallVector<Addend, 4> addendsOf(Terms &terms, TermRef term);

/// Whether the value is the function's, and its operands.
TermRef asFunction(Terms &terms, TermRef term, Function function);
/// Whether the value is such a reduction.
TermRef asReduction(Terms &terms, TermRef term, Function function);

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_NORMALFORM_H
