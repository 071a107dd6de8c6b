//===- Pieces.h - What a layer of MLA is made of ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One matcher a piece. A matcher takes the formula of one element and says what
// it is made of, or which condition does not hold.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_LINALGTOMLA_PIECES_H
#define MLA_LIB_CONVERSION_LINALGTOMLA_PIECES_H

#include "Matched.h"

#include <array>

namespace mla::raise {

/// `sum_k x[token, k] * weight[row, k] (+ bias[row])`
struct Linear {
  TermRef x, weight;
  mlir::AffineExpr k; // the contracted variable
  TermRef bias = nullptr;
};

/// The weight is the factor that does not depend on a token. `name` is what a reason calls the value.
Matched<Linear> matchLinear(Terms &terms, TermRef term, llvm::ArrayRef<mlir::AffineExpr> tokens,
                            const llvm::Twine &name);

/// `gamma[k] * x[token, k] / sqrt(mean_k(x[token, k]^2) + epsilon)`
struct RmsNorm {
  TermRef x, gamma;
  double epsilon;
};

Matched<RmsNorm> matchRmsNorm(Terms &terms, TermRef term, mlir::AffineExpr k, const llvm::Twine &name);

/// Pairs of elements (a, b) that become (a cos[0] - b sin[0], b cos[1] + a sin[1]). Where cosines and sines are
/// arguments there may be two of them a pair; the embeddings of half-split pairs are passed so.
struct Rotation {
  TermRef first, second; // the pair's elements before
  mlir::AffineExpr pair; // the variable that counts pairs
  std::array<TermRef, 2> cos, sin;
  bool isInterleavedAfter; // results of a pair stand side by side, or half the width apart
};

/// `r` is the variable of the rotated dimension.
Matched<Rotation> matchRotation(Terms &terms, TermRef term, mlir::AffineExpr r, const llvm::Twine &name);

/// A rotation whose angle is `position * frequencies[pair]`.
struct Angles {
  TermRef position; // a read, or an index
  llvm::SmallVector<float> frequencies;
  float scale; // of cosine and sine
};

/// Nothing where cosine and sine are made in another way, as where they are arguments.
std::optional<Angles> matchAngles(Terms &terms, const Rotation &rotation);

/// `softmax(scores) · values`, one element. Nothing if the operation is nothing of the kind.
struct Softmax {
  TermRef scores; // before the softmax; what does not depend on the key is left out
  TermRef values;
  mlir::AffineExpr key; // the variable that counts keys
};
std::optional<Matched<Softmax>> matchSoftmax(Terms &terms, TermRef term);

/// `sum of scale * (q · k) + mask`
struct Scores {
  struct Dot {
    TermRef q, k;
    mlir::AffineExpr d;
  };
  double scale = 0;
  llvm::SmallVector<Dot, 2> dots;
  llvm::SmallVector<TermRef, 2> masks;
};
Matched<Scores> matchScores(Terms &terms, TermRef scores, mlir::AffineExpr key);

/// Success: query `query` sees the keys up to itself.
struct CausalMask {};
Matched<CausalMask> matchCausalMask(Terms &terms, llvm::ArrayRef<TermRef> masks, mlir::AffineExpr query,
                                    mlir::AffineExpr key, bool trustArguments);

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_PIECES_H
