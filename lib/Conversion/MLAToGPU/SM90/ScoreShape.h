//===- ScoreShape.h - Masks and sinks of attentions -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_SCORESHAPE_H
#define MLA_CONVERSION_MLATOGPU_SM90_SCORESHAPE_H

#include "mla/Conversion/MLAToGPU/KernelBuilder.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include "llvm/Support/MathExtras.h"

namespace mla::gpu {

/// What becomes of the scores of an attention, as parameters of its code.
struct ScoreShape {
  bool isCausal = true;   ///< else a query sees all keys of its sequence
  int64_t window = 0;     ///< keys that a query sees at most, its own and those before; 0: all before
  bool haveSinks = false; ///< a logit per head joins the denominators

  template <typename Op> static ScoreShape of(Op attention) {
    MaskAttr mask = attention.getMask();
    return {!mask.isNone(), mask.getWindow(), static_cast<bool>(attention.getSinks())};
  }
  /// For names of kernels.
  std::string suffix() const {
    return std::string(isCausal ? "" : "_all") + (window ? "_window" + std::to_string(window) : "") +
           (haveSinks ? "_sinks" : "");
  }
};

/// Returns what a head's sink adds to a sum of probabilities relative to `maximum`, to the base 2. `sinks` is the
/// address of the logits.
inline Val sinkShare(KernelBuilder &k, Val sinks, Val head, Val maximum) {
  Val sink = k.loadConstant(k.at(sinks, k.extend(head) * 4), k.f32Type());
  return exp2(fma(sink, k.f32(llvm::numbers::log2e), -maximum));
}

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_SCORESHAPE_H
