//===- Layer.h - An attention layer that is MLA -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_LINALGTOMLA_LAYER_H
#define MLA_LIB_CONVERSION_LINALGTOMLA_LAYER_H

#include "Pieces.h"

namespace mla::raise {

/// Rows of a weight, and of a bias beside it.
struct Rows {
  TermRef weight;       // reads [row, k], the row by head and `row` or by `row` alone
  TermRef bias;         // reads [row]; null where there is none
  mlir::AffineExpr row; // the variable within a head or a part
  mlir::AffineExpr k;   // the contracted variable
};

/// What the rotation needs beside the rows that it rotates, which are in checkpoint order.
struct Rope {
  bool isInterleaved;
  Rotation rotation;            // cosine and sine are reads
  std::optional<Angles> angles; // where they are made of positions
};

/// A layer of MLA. Every TermRef is a read at variables of this struct; the keys' token is `key` where it is `query` in
/// queries.
struct Layer {
  // Variables, constants where there is one value only.
  mlir::AffineExpr batch, head, query, key, value;
  TermRef hidden; // [batch, query, hiddenColumn]
  mlir::AffineExpr hiddenColumn;
  std::optional<Rows> queryDown; // none: the query is projected in one step
  std::optional<RmsNorm> queryNorm;
  Rows queryNope, queryRope;
  Rows latent, keyRope; // of the down-projection
  RmsNorm latentNorm;
  mlir::AffineExpr latentColumn; // of the norm's gamma
  mlir::AffineExpr queryColumn;  // of the query norm's gamma
  Rows keyUp, valueUp;
  Rope queryRotation, keyRotation;
  double scale;
  mlir::Value attended; // the attention's result
  TermRef attendedRead; // it, at [batch, head, query, value]
};

/// The output projection of a layer.
struct Output {
  mlir::Value result;
  TermRef resultRead; // [batch, query, row]
  mlir::AffineExpr row;
  TermRef weight; // [row, head, value]
  TermRef bias;   // [row], or null
};

/// Nothing if the operation does not multiply probabilities with values.
std::optional<Matched<Layer>> matchLayer(Terms &terms, mlir::linalg::LinalgOp op, bool trustMaskArguments);

/// The first projection of all heads that reads the attention's result; nothing if there is none.
std::optional<Output> matchOutput(Terms &terms, const Layer &layer);

/// Writes the layer in front of the operations that it replaces, which stay behind without users. False, with nothing
/// written, if a tensor lies in a way that no reshape, slice and transpose undoes.
bool buildLayer(Terms &terms, const Layer &layer, const std::optional<Output> &output);

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_LAYER_H
