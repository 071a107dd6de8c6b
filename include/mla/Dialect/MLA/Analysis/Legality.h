//===- Legality.h - Which forms a side of an attention may have -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Absorption moves W_UK to the query and W_UV behind the attention: nothing
// that depends on the key's token may act on k_nope or v after the
// up-projection. A fold multiplies two weights: between the two there may only
// be operations that are linear, within a head and the same for every token, or
// that commute with them, such as a factor per token. A bias is affine and
// exact.
//
// The analysis walks use-def chains. A plan calls `findRefusal` on the naive
// form; passes that act request the chains to rewrite. Both use the same walks,
// so that every legal form can be applied.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_LEGALITY_H
#define MLA_DIALECT_MLA_ANALYSIS_LEGALITY_H

#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla {

/// The query side has W_UQ and W_UK, the output side W_UV and W_O.
enum class Side { Q, O };

llvm::StringRef stringifySide(Side side);

/// The reason why a side may not have a form.
struct Refusal {
  /// The operation that prevents it; the attention itself if there is nothing
  /// to move.
  mlir::Operation *at;
  /// A clause that names it: "'mla.rope' is between …: the rotation …".
  std::string why;

  /// A remark at the operation: the clause, "; the q side " and `consequence`.
  void remark(Side side, const llvm::Twine &consequence) const;
};

/// Return whether a weight or a bias may be a factor of a product computed when the layer is prepared: it is known
/// then, and its type can hold such products.
bool mayBeFactor(mlir::Value weight);

/// Return why `side` of the attentions in `root` (a function, or an attention)
/// may not have `form`, or nothing if all of them may. `root` may be naive or
/// absorbed. Folding is absorbing and then multiplying, so that anything that
/// rejects absorption rejects the fold, with the same clause. The naive form is
/// always legal.
std::optional<Refusal> findRefusal(mlir::Operation *root, Side side, Form form);

/// The end of a walk from a value towards its projection. Without projection and
/// refusal there is nothing to move.
struct Reach {
  ProjectOp projection;
  /// The commuting operations in between, the one next to the projection last:
  /// row slices, constant scales and biases; in a walk for folding also position
  /// scales and, if permitted, roundings.
  llvm::SmallVector<mlir::Operation *> between;
  std::optional<Refusal> refusal;
};

/// Finds the projection of the latent that absorption moves. Nothing if the keys
/// or values are shared by all heads: they already are the latent.
///
/// A bias of the keys adds one constant per query to its scores, which cancels
/// in the softmax and changes the LSE: it is rejected where an LSE is used. A
/// bias of the values is a bias of the result, since probabilities sum to 1: it
/// is rejected where queries may see no key, since their result is 0. With sinks
/// neither holds: probabilities sum to less than 1.
Reach findUpProjection(AttentionOp attention, Side side);

/// Walks from a `per_head` projection to the `to_heads` one whose result it
/// reads (query side), or from a `from_heads` one to a `per_head` one (output
/// side): the pair that folding merges, if both are factors of a product.
///
/// A rounding between them (`arith.truncf`) is rejected unless the function or
/// the module has `mla.fold_across_rounding`: then the product omits it, which
/// changes results.
Reach findInnerProjection(ProjectOp outer);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_LEGALITY_H
