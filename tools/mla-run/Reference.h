//===- Reference.h - A layer in float64 -------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// An attention layer by plain loops in double, which shares nothing with the
// code that it is compared with: no tiles, no pages, no online softmax.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_REFERENCE_H
#define MLA_RUN_REFERENCE_H

#include "Matrix.h"
#include "PackedCache.h"
#include "Semantics.h"

namespace mla::run {

/// The weights of this rank's heads, which are H. In naive form (P, R, V: the widths of a head; L: the latent's):
struct LayerWeights {
  Matrix queryDown; ///< [q_lora_rank, hidden]; absent where queries have no latent
  std::vector<double> queryNorm, queryDownBias;
  Matrix queryNope;  ///< [H P, q_lora_rank or hidden]
  Matrix queryRope;  ///< [H R, the same]
  Matrix latentDown; ///< [L + R, hidden]
  std::vector<double> latentNorm, latentDownBias;
  Matrix keyUp, valueUp; ///< [H P, L] and [H V, L]
  std::vector<double> keyBias, valueBias;
  Matrix out; ///< [hidden, H V]
  std::vector<double> outBias;
  Matrix
      gate; ///< [H, …] or [H V, …], of hidden states or of what queries are of; absent where nothing gates the output
  std::vector<double> sinks;       ///< [H]; empty: none
  std::vector<double> keyRopeNorm; ///< [R]; empty: none
  // Where only products of weights are left: without keyUp, queryNope is [H L, …] and meets the latents themselves;
  // without valueUp, so does `out`, which is [hidden, H L].
};

class Reference {
public:
  Reference(const Semantics &semantics, const mla_bundle_info &info, const LayerWeights &weights,
            CacheRounding rounding, size_t rows)
      : semantics(semantics), info(info), weights(weights), rounding(rounding), caches(rows) {}

  /// lengths[row] new tokens a row; `hidden` holds their states row after row, and so does the result.
  Rows step(const std::vector<int64_t> &lengths, const Rows &hidden);

private:
  struct Cache {
    Rows latents, ropes;
    int64_t length = 0;
  };
  const Semantics &semantics;
  const mla_bundle_info &info;
  const LayerWeights &weights;
  CacheRounding rounding;
  std::vector<Cache> caches;

  Rows queryRows(const Rows &hidden) const;
  void rotate(double *columns, int64_t position) const;
  double positionScale(int64_t position) const;
  void append(const std::vector<int64_t> &lengths, const Rows &down);
  Rows attend(const std::vector<int64_t> &lengths, const Rows &nope, const Rows &rope) const;
  void applyGate(Rows &attended, const Rows &hidden) const;
};

} // namespace mla::run

#endif // MLA_RUN_REFERENCE_H
