//===- Legality.h - Which forms a side of an attention may have -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Absorption moves W_UK to the query and W_UV behind the attention: nothing
// that depends on the key's token may act on k_nope or v after the
// up-projection. A fold multiplies two weights out: only what is linear, within
// a head and the same for every token may stand between the two, and what
// commutes with them, as a factor per token does. A bias is affine and exact.
//
// Answers come from use-def chains. A plan asks `findRefusal` of the naive
// form; passes that act ask for the chains that they are to rewrite. Both are
// the same walks, so that what is legal here is done there.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_LEGALITY_H
#define MLA_DIALECT_MLA_ANALYSIS_LEGALITY_H

#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla {

/// The query side has W_UQ and W_UK, the output side W_UV and W_O.
enum class Side { Q, O };

llvm::StringRef stringifySide(Side side);

/// Why a side may not have a form.
struct Refusal {
  /// The operation that stands in the way; the attention itself where there is
  /// nothing to move.
  mlir::Operation *at;
  /// A clause that names it: "'mla.rope' stands between …: the rotation …".
  std::string why;

  /// A remark at the operation: the clause, "; the q side " and `consequence`.
  void remark(Side side, const llvm::Twine &consequence) const;
};

/// A weight or a bias may be a factor of a product that is made when the layer is prepared: it is known then, and its
/// type holds such products.
bool mayBeFactor(mlir::Value weight);

/// Why `side` of the attentions in `root` (a function, or an attention itself)
/// may not have `form`; nothing if all of them may. `root` may be naive or
/// absorbed already. To fold is to absorb and then to multiply out, so that
/// whatever rejects absorption rejects the fold, with the same clause. The naive
/// form is always legal.
std::optional<Refusal> findRefusal(mlir::Operation *root, Side side, Form form);

/// The end of a walk from a value towards the projection that made it. With
/// neither projection nor refusal there is nothing to move.
struct Reach {
  ProjectOp projection;
  /// What stands between and commutes, the one beside the projection last: row
  /// slices, constant scales and biases; in a walk for folding also position
  /// scales and, where permitted, roundings.
  llvm::SmallVector<mlir::Operation *> between;
  std::optional<Refusal> refusal;
};

/// The projection of the latent that absorption moves. Nothing if the keys or
/// values are shared by all heads: they are the latent already.
///
/// A bias of the keys adds a constant a query to its scores, which cancels in
/// the softmax and changes the LSE: it is rejected where an LSE is used. A bias
/// of the values is a bias of the result, for probabilities sum to 1: it is
/// rejected where queries may see no key, since their result is 0.
Reach findUpProjection(AttentionOp attention, Side side);

/// From a `per_head` projection to the `to_heads` one whose result it reads
/// (query side), or from a `from_heads` one to a `per_head` one (output side):
/// the pair that folding makes one, if both are factors of a product.
///
/// A rounding between them (`arith.truncf`) is rejected unless a function or
/// module around says `mla.fold_across_rounding`: then the product leaves it
/// out, and results differ by it.
Reach findInnerProjection(ProjectOp outer);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_LEGALITY_H
