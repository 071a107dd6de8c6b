//===- CostModel.cpp - Bytes, FLOPs, launches and time of a layer ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/CostModel.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mla;

Cost &Cost::operator+=(const Cost &other) {
  readBytes += other.readBytes;
  writtenBytes += other.writtenBytes;
  flops += other.flops;
  launches += other.launches;
  seconds += other.seconds;
  return *this;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

double CostModel::getKernelSeconds(const Cost &cost, double products) const {
  double memory = cost.readBytes / device.readRate + cost.writtenBytes / device.getWriteRate();
  return cost.launches * device.launchSeconds + std::hypot(memory, products);
}

/// Return the bytes of an element of a token that is multiplied in e4m3: with a scale per 128.
static double getTokenBytes(int64_t terms) { return terms * (1 + 4.0 / 128); }

Cost CostModel::getProductCost(double groups, double tokens, int64_t contracted, int64_t columns,
                               const WeightFormat &weights) const {
  double count = groups * contracted * columns;
  if (count == 0 || tokens == 0)
    return {};
  auto [weightBytes, terms] = weights;
  int64_t columnsOfToken = std::max<int64_t>(terms, 1);
  Cost cost;
  cost.readBytes = (weightBytes ? weightBytes : shape.elementBytes) * count +
                   (terms ? getTokenBytes(terms) : shape.elementBytes) * groups * tokens * contracted;
  cost.writtenBytes = shape.elementBytes * groups * tokens * columns;
  cost.flops = 2 * count * columnsOfToken * tokens;
  cost.launches = 1;
  cost.seconds =
      getKernelSeconds(cost, 2 * count * llvm::alignTo(columnsOfToken * uint64_t(std::ceil(tokens)), device.tokenTile) /
                                 (terms ? device.getE4m3FlopRate() : device.flopRate));
  return cost;
}

Cost CostModel::getProductCost(double groups, double tokens, int64_t contracted, int64_t columns, Matrix matrix) const {
  return getProductCost(groups, tokens, contracted, columns, shape.getFormat(matrix));
}

/// Return the cost of the kernel that quantizes what all of these matrices are multiplied with; nothing if none is
/// multiplied in e4m3.
Cost CostModel::getQuantizeCost(double elements, llvm::ArrayRef<Matrix> matrices) const {
  int64_t terms = 0;
  for (Matrix matrix : matrices)
    terms = std::max(terms, shape.getFormat(matrix).terms);
  return terms && elements ? getStreamBytesCost(shape.elementBytes * elements, getTokenBytes(terms) * elements)
                           : Cost();
}

Cost CostModel::getStreamCost(double readElements, double writtenElements) const {
  return getStreamBytesCost(shape.elementBytes * readElements, shape.elementBytes * writtenElements);
}

Cost CostModel::getStreamBytesCost(double readBytes, double writtenBytes) const {
  Cost cost;
  cost.readBytes = readBytes;
  cost.writtenBytes = writtenBytes;
  cost.launches = 1;
  cost.seconds = getKernelSeconds(cost, 0);
  return cost;
}

//===----------------------------------------------------------------------===//
// Weights and cache
//===----------------------------------------------------------------------===//

double CostModel::getWeightBytes(Matrix matrix) const {
  double bytes = shape.getFormat(matrix).bytes;
  return bytes ? bytes : shape.elementBytes;
}

double CostModel::getQueryWeightBytes(Form form) const {
  auto [D, I, H, P, R, V, L, bytes, row, formats, window, adapters] = shape;
  double up = getWeightBytes(Matrix::UpQuery);
  if (form != Form::Fold)
    return H * (up * I * (P + R) + getWeightBytes(Matrix::UpKey) * P * L);
  return H * I * (getWeightBytes(Matrix::Product) * L + up * R);
}

double CostModel::getOutputWeightBytes(Form form) const {
  auto [D, I, H, P, R, V, L, bytes, row, formats, window, adapters] = shape;
  if (form == Form::Fold)
    return getWeightBytes(Matrix::Product) * H * L * D;
  return H * V * (getWeightBytes(Matrix::UpValue) * L + getWeightBytes(Matrix::Output) * D);
}

int64_t CostModel::getCachedTokenBytes() const {
  return shape.packedRowBytes ? shape.packedRowBytes : shape.elementBytes * (shape.latent + shape.rope);
}

int64_t CostModel::getExpandedTokenBytes() const {
  return shape.elementBytes * shape.heads * (shape.nope + shape.rope + shape.value);
}

//===----------------------------------------------------------------------===//
// Parts of a step
//===----------------------------------------------------------------------===//

Cost CostModel::getQueryCost(Form form, int64_t tokens) const {
  auto [D, I, H, P, R, V, L, bytes, row, formats, window, adapters] = shape;
  if (form != Form::Fold) {
    Cost cost = getProductCost(1, tokens, I, H * (P + R), Matrix::UpQuery);
    if (form == Form::Naive)
      return cost;
    return cost + getQuantizeCost(double(tokens) * H * P, Matrix::UpKey) +
           getProductCost(H, tokens, P, L, Matrix::UpKey);
  }
  if (style.joinsFoldedQuery)
    return getProductCost(1, tokens, I, H * (L + R), Matrix::Product);
  // The norm's result is needed in both types; hidden states are quantized already.
  return getQuantizeCost(I == D ? 0 : double(tokens) * I, Matrix::UpQuery) +
         getProductCost(1, tokens, I, H * L, Matrix::Product) + getProductCost(1, tokens, I, H * R, Matrix::UpQuery);
}

Cost CostModel::getOutputCost(Form form, int64_t tokens) const {
  auto [D, I, H, P, R, V, L, bytes, row, formats, window, adapters] = shape;
  if (form == Form::Fold)
    return getProductCost(1, tokens, H * L, D, Matrix::Product);
  Cost cost =
      getQuantizeCost(double(tokens) * H * V, Matrix::Output) + getProductCost(1, tokens, H * V, D, Matrix::Output);
  if (form == Form::Naive)
    return cost;
  cost += getQuantizeCost(double(tokens) * H * L, Matrix::UpValue) + getProductCost(H, tokens, L, V, Matrix::UpValue);
  double heads = double(tokens) * H * V;
  return style.copiesHeads && tokens > 1 ? cost + getStreamCost(heads, heads) : cost;
}

/// Return the cost of up-projecting latents by some of W_UK and W_UV, which share what is quantized.
Cost CostModel::getUpProductsCost(int64_t latents, llvm::ArrayRef<Matrix> matrices) const {
  Cost cost = getQuantizeCost(double(latents) * shape.latent, matrices);
  for (Matrix matrix : matrices)
    cost += getProductCost(1, latents, shape.latent, shape.heads * (matrix == Matrix::UpKey ? shape.nope : shape.value),
                           matrix);
  return cost;
}

Cost CostModel::getUpProjectionCost(Forms forms, const Step &step) const {
  auto [D, I, H, P, R, V, L, bytes, row, formats, window, adapters] = shape;
  Cost cost;
  if (forms.q != Form::Naive && forms.o != Form::Naive)
    return cost; // the cache is read in place
  int64_t keys = step.batch * step.context;
  cost += getStreamBytesCost(double(keys) * getCachedTokenBytes(), double(bytes) * keys * (L + R));
  llvm::SmallVector<Matrix> read;
  if (forms.q == Form::Naive)
    read.push_back(Matrix::UpKey);
  if (forms.o == Form::Naive)
    read.push_back(Matrix::UpValue);
  return cost + getUpProductsCost(keys, read);
}

/// Return the step over the keys that its queries see through a window.
static Step throughWindow(Step step, int64_t window) {
  if (window)
    step.context = std::min(step.context, window + step.tokens - 1);
  return step;
}

/// Counts pairs of a query and a key that it sees: query i of s sees n - s + i + 1 keys, or the window.
static double countPairs(const Step &step, int64_t window) {
  if (window && step.context - step.tokens + 1 >= window)
    return double(step.batch) * step.tokens * window;
  double tokens = step.tokens, context = step.context;
  return step.batch * (tokens * context - tokens * (tokens - 1) / 2);
}

/// `keyBytes`: of a key and its value. `rows`: queries of a tile, which share their keys.
Cost CostModel::getCoreCost(const Step &whole, int64_t heads, int64_t key, int64_t value, double keyBytes, int64_t rows,
                            double launches) const {
  Step step = throughWindow(whole, shape.window);
  double queries = double(step.batch) * step.tokens * heads, keys = double(step.batch) * step.context;
  Cost cost;
  cost.readBytes = shape.elementBytes * queries * key + keys * keyBytes;
  cost.writtenBytes = shape.elementBytes * queries * value;
  cost.flops = 2 * heads * countPairs(step, shape.window) * (key + value);
  cost.launches = launches;
  double tiled = cost.flops * llvm::alignTo(rows, device.rowTile) / rows;
  cost.seconds = device.attentionSeconds + getKernelSeconds(cost, tiled / device.flopRate);
  return cost;
}

Cost CostModel::getAttentionCost(Forms forms, const Step &step) const {
  auto [D, I, H, P, R, V, L, bytes, row, formats, window, adapters] = shape;
  bool latentKeys = forms.q != Form::Naive, latentValues = forms.o != Form::Naive;
  double elements = R; // of a key and its value
  elements += latentKeys ? L : H * P;
  if (!latentKeys || !latentValues) // latent values are already counted as keys
    elements += latentValues ? L : H * V;
  // Split over the keys, and merged; keys per head are attended to in one kernel.
  bool inPlace = latentKeys && latentValues;
  double launches = inPlace ? 2 : 1, keyBytes = inPlace ? getCachedTokenBytes() : bytes * elements;
  int64_t rows = inPlace ? H * step.tokens : step.tokens;
  return getCoreCost(step, H, (latentKeys ? L : P) + R, latentValues ? L : V, keyBytes, rows, launches);
}

Cost CostModel::getHeadAttentionCost(const HeadShape &heads, const Step &step) const {
  int64_t rows = heads.heads / heads.keyValueHeads * step.tokens;
  return getCoreCost(step, heads.heads, heads.key, heads.value, double(shape.elementBytes) * heads.getCachedElements(),
                     rows, 1);
}

Cost CostModel::getDownQueryCost(int64_t tokens) const {
  auto [D, I, H, P, R, V, L, bytes, row, formats, window, adapters] = shape;
  double rotated = double(tokens) * H * R;
  Cost cost = getStreamCost(rotated, rotated);
  if (I && I != D)
    cost += getProductCost(1, tokens, D, I, Matrix::DownQuery) + getStreamCost(double(tokens) * I, double(tokens) * I);
  return cost;
}

Cost CostModel::getAppendCost(int64_t tokens) const {
  double row = shape.latent + shape.rope;
  // The query is projected from the same hidden states.
  Matrix query = shape.queryRank == shape.hidden ? Matrix::UpQuery : Matrix::DownQuery;
  return getQuantizeCost(double(tokens) * shape.hidden, {Matrix::DownKeyValue, query}) +
         getProductCost(1, tokens, shape.hidden, shape.latent + shape.rope, Matrix::DownKeyValue) +
         getStreamBytesCost(tokens * shape.elementBytes * row, double(tokens) * getCachedTokenBytes());
}

/// Sequences of one adapter share its matrices; rows are divided evenly.
static double countAdapters(const AdapterShape &adapters, const Step &step) {
  return std::min(adapters.count, step.batch);
}

Cost CostModel::getUpdateCost(Matrix matrix, const Step &step, int64_t tokens, int64_t contracted,
                              int64_t columns) const {
  int64_t rank = shape.adapters.getRank(matrix);
  double groups = countAdapters(shape.adapters, step);
  if (!rank)
    return {};
  return getProductCost(groups, tokens / groups, contracted, rank) +
         getProductCost(groups, tokens / groups, rank, columns);
}

/// Of W_UK or W_UV: one of the two products is per head, of columns of a head, the other has the latent's columns.
Cost CostModel::getAbsorbedUpdateCost(Matrix matrix, const Step &step, int64_t width) const {
  int64_t rank = shape.adapters.getRank(matrix), tokens = step.batch * step.tokens, H = shape.heads;
  double groups = countAdapters(shape.adapters, step);
  if (!rank)
    return {};
  return getProductCost(groups * H, tokens / groups, width, rank) +
         getProductCost(groups, tokens * H / groups, rank, shape.latent);
}

Cost CostModel::getAdapterCost(Forms forms, const Step &step) const {
  auto [D, I, H, P, R, V, L, bytes, row, formats, window, adapters] = shape;
  int64_t tokens = step.batch * step.tokens, keys = step.batch * step.context;
  Cost cost = I == D ? Cost() : getUpdateCost(Matrix::DownQuery, step, tokens, D, I);
  cost += getUpdateCost(Matrix::UpQuery, step, tokens, I, H * (P + R));
  cost += getUpdateCost(Matrix::DownKeyValue, step, tokens, D, L + R);
  cost += getUpdateCost(Matrix::Output, step, tokens, H * V, D);
  cost += forms.q == Form::Naive ? getUpdateCost(Matrix::UpKey, step, keys, L, H * P)
                                 : getAbsorbedUpdateCost(Matrix::UpKey, step, P);
  return cost + (forms.o == Form::Naive ? getUpdateCost(Matrix::UpValue, step, keys, L, H * V)
                                        : getAbsorbedUpdateCost(Matrix::UpValue, step, V));
}

double CostModel::getAdapterBytes() const {
  auto [D, I, H, P, R, V, L, bytes, row, formats, window, adapters] = shape;
  auto of = [&, ranks = adapters](Matrix matrix, int64_t contracted, int64_t columns) {
    return double(ranks.getRank(matrix)) * (contracted + columns);
  };
  return bytes *
         (of(Matrix::DownQuery, D, I) + of(Matrix::UpQuery, I, H * (P + R)) + of(Matrix::DownKeyValue, D, L + R) +
          of(Matrix::UpKey, L, H * P) + of(Matrix::UpValue, L, H * V) + of(Matrix::Output, H * V, D));
}

Cost CostModel::getCommonCost(int64_t tokens) const { return getDownQueryCost(tokens) + getAppendCost(tokens); }

LayerCost CostModel::getCost(Forms forms, const Step &step) const {
  int64_t tokens = step.batch * step.tokens;
  return {getCommonCost(tokens),         getQueryCost(forms.q, tokens),  getUpProjectionCost(forms, step),
          getAttentionCost(forms, step), getOutputCost(forms.o, tokens), getAdapterCost(forms, step)};
}

LayerCost CostModel::getFullCacheCost(const Step &step) const {
  auto [D, I, H, P, R, V, L, bytes, row, formats, window, adapters] = shape;
  int64_t tokens = step.batch * step.tokens;
  double expanded = double(tokens) * H * (P + R + V);
  Cost up = getUpProductsCost(tokens, {Matrix::UpKey, Matrix::UpValue}) + getStreamCost(expanded, expanded);
  return {getCommonCost(tokens),
          getQueryCost(Form::Naive, tokens),
          up,
          getHeadAttentionCost({H, H, P + R, V}, step),
          getOutputCost(Form::Naive, tokens),
          Cost()};
}
