//===- CostModel.h - Bytes, FLOPs, launches and time of a layer ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Counts the bytes, FLOPs and launches of the kernels of one attention layer in
// each form, and computes their time on a device. Symbols as in DeepSeek-V2
// (arXiv:2405.04434, section 2.1): D hidden, I rank of the query, H heads of this
// tensor-parallel rank, P and R elements of a head without and with position,
// V elements of a value, L rank of keys and values.
//
// A kernel takes `launch + sqrt(memory^2 + compute^2)`: a roofline with a round
// corner, because loads and products overlap only partially. `memory` is bytes
// read and written at the device's rates, `compute` FLOPs of whole tiles at its
// peak. Only the launch is fitted; docs/the-trap.md has the measured kernels.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_COSTMODEL_H
#define MLA_DIALECT_MLA_ANALYSIS_COSTMODEL_H

#include "mla/Dialect/MLA/Analysis/Device.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include <array>

namespace mla {

/// The matrices of a layer; Product: that of a folded side.
enum class Matrix { DownQuery, UpQuery, DownKeyValue, UpKey, UpValue, Output, Product };

/// How a matrix is held and multiplied. The default is that of activations.
struct WeightFormat {
  double bytes = 0;  ///< per element, scales included; 0: `elementBytes`
  int64_t terms = 0; ///< In e4m3, by tokens of as many numbers per element; 0: in the type of activations.
};

/// Adapters that are not merged: every sequence has one of them, or none.
struct AdapterShape {
  int64_t count = 0;                                         ///< 0: the layer has none
  std::array<int64_t, unsigned(Matrix::Product)> ranks = {}; ///< by Matrix; 0: no adapter updates it

  int64_t getRank(Matrix matrix) const { return ranks[unsigned(matrix)]; }
};

/// Sizes of a layer's attention on one rank. An unknown size is 0, and parts that depend on it cost nothing.
struct LayerShape {
  int64_t hidden = 0;         ///< D
  int64_t queryRank = 0;      ///< I; D where the query is not compressed
  int64_t heads = 0;          ///< H
  int64_t nope = 0;           ///< P
  int64_t rope = 0;           ///< R
  int64_t value = 0;          ///< V
  int64_t latent = 0;         ///< L
  int64_t elementBytes = 2;   ///< of weights, activations and a standard cache
  int64_t packedRowBytes = 0; ///< of a token in a packed cache; 0: the cache is a standard one
  std::array<WeightFormat, unsigned(Matrix::Product) + 1> formats{}; ///< by Matrix
  int64_t window = 0; ///< keys that a query sees, at most; 0: all before it
  AdapterShape adapters = {};

  const WeightFormat &getFormat(Matrix matrix) const { return formats[unsigned(matrix)]; }
};

/// One step: `batch` sequences with `tokens` queries each. `context` counts the keys of each, including this step's.
struct Step {
  int64_t batch = 1, tokens = 1, context = 1;

  bool operator==(const Step &other) const {
    return batch == other.batch && tokens == other.tokens && context == other.context;
  }
};

/// Attention whose heads cache keys and values: every `heads / keyValueHeads` of them share one key and one value per
/// token.
struct HeadShape {
  int64_t heads = 0, keyValueHeads = 0;
  int64_t key = 0, value = 0; ///< elements of a key and of a value

  int64_t getCachedElements() const { return keyValueHeads * (key + value); }
};

/// The cost of kernels. FLOPs are those of the algorithm, with two terms twice as many: the rest of a tile counts only
/// in the time.
struct Cost {
  double readBytes = 0, writtenBytes = 0, flops = 0, launches = 0, seconds = 0;

  double getBytes() const { return readBytes + writtenBytes; }
  Cost &operator+=(const Cost &other);
  friend Cost operator+(Cost a, const Cost &b) { return a += b; }
  /// Return the cost of `times` repetitions.
  friend Cost operator*(double times, const Cost &cost) {
    return {times * cost.readBytes, times * cost.writtenBytes, times * cost.flops, times * cost.launches,
            times * cost.seconds};
  }
};

/// The cost of a layer's step by parts.
struct LayerCost {
  Cost common;       ///< W_DQ, W_DKV, norms, rotation, append: the same in every form
  Cost query;        ///< W_UQ, and W_UK where the side is absorbed, or their product
  Cost upProjection; ///< the cache gathered, and W_UK and W_UV on every cached token
  Cost attention;
  Cost output;   ///< W_O, and W_UV where the side is absorbed, or their product
  Cost adapters; ///< the updates of adapters that are not merged

  Cost getTotal() const { return common + query + upProjection + attention + output + adapters; }
};

/// How code divides the work. The default is what this compiler emits.
struct KernelStyle {
  /// A folded query side is one product that includes the columns of the rotated part, not two.
  bool joinsFoldedQuery = false;
  /// Per-head results of several tokens are copied into rows of tokens for the next product.
  bool copiesHeads = false;

  /// Library products as frameworks call them (cuBLAS through torch), as measured.
  static KernelStyle library() { return {true, true}; }
};

class CostModel {
public:
  CostModel(const LayerShape &shape, const Device &device, KernelStyle style = {})
      : shape(shape), device(device), style(style) {}

  const LayerShape &getShape() const { return shape; }
  const Device &getDevice() const { return device; }

  /// Bytes per element of a matrix.
  double getWeightBytes(Matrix matrix) const;
  /// Bytes of the weights that a side reads per step: naive and absorbed H(I(P+R) + PL) and H(LV + VD) elements,
  /// folded HI(L+R) and HLD.
  double getQueryWeightBytes(Form form) const;
  double getOutputWeightBytes(Form form) const;

  /// Bytes of one token in the cache: L + R elements, or a packed row.
  int64_t getCachedTokenBytes() const;
  /// The same in a cache of keys and values per head: H(P+R+V) elements.
  int64_t getExpandedTokenBytes() const;

  LayerCost getCost(Forms forms, const Step &step) const;
  /// The naive form over a cache of keys and values per head, as transformers keeps it: only the step's own tokens are
  /// up-projected. This compiler does not implement such a cache.
  LayerCost getFullCacheCost(const Step &step) const;
  Cost getQueryCost(Form form, int64_t tokens) const;
  Cost getOutputCost(Form form, int64_t tokens) const;
  Cost getUpProjectionCost(Forms forms, const Step &step) const;
  Cost getAttentionCost(Forms forms, const Step &step) const;
  /// Attention over cached keys and values, in one kernel.
  Cost getHeadAttentionCost(const HeadShape &heads, const Step &step) const;
  /// `getDownQueryCost` and `getAppendCost`: the same in every form of the latent cache.
  Cost getCommonCost(int64_t tokens) const;
  /// W_DQ and its norm, and the rotation of the queries.
  Cost getDownQueryCost(int64_t tokens) const;
  /// W_DKV, and the norm, rotation and writing of what is cached.
  Cost getAppendCost(int64_t tokens) const;

  /// The updates of adapters: for each updated matrix a product with `down` and one with `up`, of as many different
  /// adapters as there can be in the step. Naive sides update keys and values of all cached tokens, absorbed ones those
  /// of the step.
  Cost getAdapterCost(Forms forms, const Step &step) const;
  /// Bytes of all matrices of one adapter.
  double getAdapterBytes() const;

  /// `groups` products of [tokens, contracted] by [contracted, columns], in one kernel. Randomly selected groups, such
  /// as experts, and their tokens may be expected, fractional numbers. In e4m3, the tokens are quantized already.
  Cost getProductCost(double groups, double tokens, int64_t contracted, int64_t columns,
                      const WeightFormat &weights = {}) const;
  /// The cost of a kernel that reads and writes elements and computes almost nothing.
  Cost getStreamCost(double readElements, double writtenElements) const;

private:
  /// `products`: seconds of the products of whole tiles.
  double getKernelSeconds(const Cost &cost, double products) const;
  Cost getProductCost(double groups, double tokens, int64_t contracted, int64_t columns, Matrix matrix) const;
  Cost getUpdateCost(Matrix matrix, const Step &step, int64_t tokens, int64_t contracted, int64_t columns) const;
  Cost getAbsorbedUpdateCost(Matrix matrix, const Step &step, int64_t width) const;
  Cost getQuantizeCost(double elements, llvm::ArrayRef<Matrix> matrices) const;
  Cost getUpProductsCost(int64_t latents, llvm::ArrayRef<Matrix> matrices) const;
  Cost getStreamBytesCost(double readBytes, double writtenBytes) const;
  Cost getCoreCost(const Step &step, int64_t heads, int64_t key, int64_t value, double keyBytes, int64_t rows,
                   double launches) const;

  LayerShape shape;
  Device device;
  KernelStyle style;
};

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_COSTMODEL_H
