//===- Layer.h - A matched attention layer ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_LINALGTOMLA_LAYER_H
#define MLA_LIB_CONVERSION_LINALGTOMLA_LAYER_H

#include "Pieces.h"

namespace mla::raise {

/// Rows of a weight, and of its bias.
struct Rows {
  TermRef weight;       // reads [row, k], with the row given by head and `row` or by `row` alone
  TermRef bias;         // reads [row]; null without bias
  mlir::AffineExpr row; // the variable within a head or a part
  mlir::AffineExpr k;   // the contracted variable
};

/// The parameters of a rotation. The rotated rows, in checkpoint order, are separate.
struct Rope {
  bool isInterleaved;
  Rotation rotation;            // cosine and sine are reads
  std::optional<Angles> angles; // if they are computed from positions
};

/// A layer of MLA. Every TermRef is a read at variables of this struct; keys have `key` where queries have `query`.
struct Layer {
  // Variables; constants if the size is 1.
  mlir::AffineExpr batch, head, query, key, value;
  TermRef hidden; // [batch, query, hiddenColumn]
  mlir::AffineExpr hiddenColumn;
  std::optional<Rows> queryDown; // absent if the query is projected in one step
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
  TermRef attendedRead; // read of `attended` at [batch, head, query, value]
};

/// The output projection of a layer.
struct Output {
  mlir::Value result;
  TermRef resultRead; // [batch, query, row]
  mlir::AffineExpr row;
  TermRef weight; // [row, head, value]
  TermRef bias;   // [row], or null
};

/// Match a layer; std::nullopt if the operation does not multiply probabilities and values.
std::optional<Matched<Layer>> matchLayer(Terms &terms, mlir::linalg::LinalgOp op, bool trustMaskArguments);

/// Return the first projection from all heads that reads the attention's result, if any.
std::optional<Output> matchOutput(Terms &terms, const Layer &layer);

/// Build the layer before the operations that it replaces, which lose their users. Return false and build nothing if a
/// tensor cannot be rearranged by reshapes, slices and transposes.
bool buildLayer(Terms &terms, const Layer &layer, const std::optional<Output> &output);

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_LAYER_H
