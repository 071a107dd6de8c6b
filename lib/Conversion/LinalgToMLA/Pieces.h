//===- Pieces.h - Matchers for the parts of a layer -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One matcher per part. A matcher takes the formula of one element, and returns
// the part or the condition that is not satisfied.
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

/// Match a projection. The weight is the factor that does not depend on a token. `name` is the name of the value in
/// reasons.
Matched<Linear> matchLinear(Terms &terms, TermRef term, llvm::ArrayRef<mlir::AffineExpr> tokens,
                            const llvm::Twine &name);

/// `gamma[k] * x[token, k] / sqrt(mean_k(x[token, k]^2) + epsilon)`
struct RmsNorm {
  TermRef x, gamma;
  double epsilon;
};

Matched<RmsNorm> matchRmsNorm(Terms &terms, TermRef term, mlir::AffineExpr k, const llvm::Twine &name);

/// Pairs of elements (a, b) that become (a cos[0] - b sin[0], b cos[1] + a sin[1]). Cosines and sines that are
/// arguments may differ between the elements of a pair, as in the embeddings of half-split pairs.
struct Rotation {
  TermRef first, second; // the pair's elements before the rotation
  mlir::AffineExpr pair; // the variable that counts pairs
  std::array<TermRef, 2> cos, sin;
  bool isInterleavedAfter; // results of a pair are adjacent, else half the width apart
};

/// Match a rotation along the dimension of variable `r`.
Matched<Rotation> matchRotation(Terms &terms, TermRef term, mlir::AffineExpr r, const llvm::Twine &name);

/// A rotation whose angle is `position * frequencies[pair]`.
struct Angles {
  TermRef position; // a read, or an index
  llvm::SmallVector<float> frequencies;
  float scale; // of cosine and sine
};

/// Match angles; std::nullopt if cosine and sine are not computed from positions, such as arguments.
std::optional<Angles> matchAngles(Terms &terms, const Rotation &rotation);

/// One element of `softmax(scores) · values`. std::nullopt if the operation is not a softmax times values.
struct Softmax {
  TermRef scores; // before the softmax, without addends that do not depend on the key
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

/// A successful match: query `query` sees the keys up to its own position.
struct CausalMask {};
Matched<CausalMask> matchCausalMask(Terms &terms, llvm::ArrayRef<TermRef> masks, mlir::AffineExpr query,
                                    mlir::AffineExpr key, bool trustArguments);

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_PIECES_H
