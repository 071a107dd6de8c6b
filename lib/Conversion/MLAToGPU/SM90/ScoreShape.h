//===- ScoreShape.h - Masks and sinks of attentions -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_SCORESHAPE_H
#define MLA_CONVERSION_MLATOGPU_SM90_SCORESHAPE_H

#include "mla/Dialect/MLA/IR/MLA.h"

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

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_SCORESHAPE_H
