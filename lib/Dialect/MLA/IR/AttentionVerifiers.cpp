//===- AttentionVerifiers.cpp - Constraints of attentions -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every error begins with the label of the constraint in MLAOps.td.
//
//===----------------------------------------------------------------------===//

#include "Shapes.h"

using namespace mlir;
using namespace mla;

/// Checks for both attentions that the LSE is [T, H], the scale finite, and sinks [H].
template <typename Op> static LogicalResult verifyScores(Op op, Value q, StringRef labelOfLse) {
  ArrayRef<int64_t> rows = shapeOf(q).take_front(2);
  if (op.getLse() && failed(requireShape(op, labelOfLse, "lse", op.getLse(), rows)))
    return failure();
  if (!op.getScale().isFinite())
    return op.emitOpError("(C3) the scale must be finite");
  return op.getSinks() ? requireShape(op, "(C4)", "sinks", op.getSinks(), rows.drop_front()) : success();
}

LogicalResult AttentionOp::verify() {
  ArrayRef<int64_t> q = shapeOf(getQNope()), k = shapeOf(getKNope()), v = shapeOf(getV());
  auto isKey = [](ArrayRef<int64_t> shape) { return shape.size() == 2 || shape.size() == 3; };
  if (q.size() != 3 || rankOf(getQRope()) != 3 || !isKey(k) || !isKey(v) || rankOf(getKRope()) != 2)
    return emitOpError("(C1) queries must be [T, H, …], keys and values [N, …] or [N, H, …], k_rope [N, R]");

  auto keyShape = [&](ArrayRef<int64_t> shape, int64_t width) {
    return shape.size() == 3 ? SmallVector<int64_t>{k[0], q[1], width} : SmallVector<int64_t>{k[0], width};
  };
  int64_t rope = shapeOf(getQRope())[2];
  if (failed(requireShape(*this, "(C2)", "q_rope", getQRope(), {q[0], q[1], rope})) ||
      failed(requireShape(*this, "(C2)", "k_nope", getKNope(), keyShape(k, q[2]))) ||
      failed(requireShape(*this, "(C2)", "k_rope", getKRope(), {k[0], rope})) ||
      failed(requireShape(*this, "(C2)", "v", getV(), keyShape(v, v.back()))) ||
      failed(requireShape(*this, "(C2)", "result", getResult(), {q[0], q[1], v.back()})))
    return failure();
  return verifyScores(*this, getQNope(), "(C2)");
}

LogicalResult LatentAttentionOp::verify() {
  CacheType cache = getCache().getType();
  ArrayRef<int64_t> q = shapeOf(getQLatent());
  if (q.size() != 3)
    return emitOpError("(C1) q_latent must be [T, H, L]");
  if (failed(requireShape(*this, "(C2)", "q_latent", getQLatent(), {q[0], q[1], cache.getLatent()})) ||
      failed(requireShape(*this, "(C2)", "q_rope", getQRope(), {q[0], q[1], cache.getRope()})) ||
      failed(requireShape(*this, "(C1)", "result", getResult(), {q[0], q[1], cache.getLatent()})))
    return failure();
  return verifyScores(*this, getQLatent(), "(C1)");
}

LogicalResult MergeOp::verify() {
  ArrayRef<int64_t> partials = shapeOf(getPartials());
  if (partials.size() != 4)
    return emitOpError("(C1) partials must be [S, T, H, V]");
  if (failed(requireShape(*this, "(C1)", "their LSE", getLses(), partials.take_front(3))) ||
      failed(requireShape(*this, "(C2)", "result", getResult(), partials.drop_front())))
    return failure();
  if (getSinks() && failed(requireShape(*this, "(C3)", "sinks", getSinks(), partials.slice(2, 1))))
    return failure();
  return requireShape(*this, "(C2)", "lse", getLse(), partials.slice(1, 2));
}

LogicalResult GateOp::verify() {
  ArrayRef<int64_t> x = shapeOf(getX());
  if (x.size() != 3)
    return emitOpError("(C1) x must be [T, H, V]");
  if (failed(requireShape(*this, "(C1)", "result", getResult(), x)))
    return failure();
  return requireShape(*this, "(C1)", "the gate", getGate(), rankOf(getGate()) == 2 ? x.drop_back() : x);
}
