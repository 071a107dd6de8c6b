//===- CheckpointWeights.cpp - A layer's weights in a checkpoint ---------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Float.h"
#include "PackedWeights.h"
#include "ReferenceWeights.h"
#include "Text.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace mla;
using namespace mla::run;

bool mla::run::isReadable(DType dtype) {
  return dtype == DType::F32 || dtype == DType::F64 || dtype == DType::BF16 || dtype == DType::F16 ||
         dtype == DType::F8_E4M3 || dtype == DType::F8_E8M0;
}

static double widen(DType dtype, const char *at) {
  float single = 0;
  double wide = 0;
  uint16_t narrow = 0;
  switch (dtype) {
  case DType::F64:
    return std::memcpy(&wide, at, 8), wide;
  case DType::F32:
    return std::memcpy(&single, at, 4), single;
  case DType::BF16:
    return std::memcpy(&narrow, at, 2), widenBF16(narrow);
  case DType::F16:
    return std::memcpy(&narrow, at, 2), widenF16(narrow);
  case DType::F8_E8M0: // of scales
    return std::ldexp(1, static_cast<uint8_t>(*at) - 127);
  default:
    return widenE4M3(static_cast<uint8_t>(*at));
  }
}

void mla::run::readElements(const SafetensorsTensor &tensor, int64_t first, int64_t count, double *to) {
  size_t size = dtypeSize(tensor.dtype);
  const char *at = static_cast<const char *>(tensor.data) + first * size;
  for (int64_t i = 0; i < count; ++i)
    to[i] = widen(tensor.dtype, at + i * size);
}

Matrix mla::run::pickRows(Matrix matrix, int64_t rows, std::function<int64_t(int64_t)> from) {
  return {rows, matrix.columns,
          [read = std::move(matrix.read), from = std::move(from)](int64_t row, double *to) { read(from(row), to); }};
}

/// `count` columns from `first` on.
static Matrix pickColumns(Matrix matrix, int64_t first, int64_t count) {
  int64_t columns = matrix.columns;
  return {matrix.rows, count, [read = std::move(matrix.read), first, count, columns](int64_t row, double *to) {
            std::vector<double> all(columns);
            read(row, all.data());
            std::copy_n(all.begin() + first, count, to);
          }};
}

namespace {
/// Finds the tensors of a layer and keeps the first error.
class LayerReader {
public:
  /// `module` is the last part of the prefix of tensors' names.
  LayerReader(const Checkpoint &checkpoint, const AdapterWeights *adapter, const Semantics &semantics,
              std::string prefix, std::string module)
      : checkpoint(checkpoint), adapter(adapter), semantics(semantics), prefix(std::move(prefix)),
        module(std::move(module)) {}

  Matrix matrix(const char *name, int64_t rows, int64_t columns);
  std::vector<double> vector(const std::string &name, int64_t size, bool optional = false);
  Error takeError() { return std::move(error); }

private:
  const Checkpoint &checkpoint;
  const AdapterWeights *adapter;
  const Semantics &semantics;
  std::string prefix, module;
  Error error;

  Matrix stored(const std::string &name, int64_t rows, int64_t columns);

  const SafetensorsTensor *find(const std::string &name, const std::vector<int64_t> &shape, bool optional = false);
  Matrix scaled(Matrix elements, const std::string &name);
  void fail(const std::string &name, const std::string &what);
};
} // namespace

void LayerReader::fail(const std::string &name, const std::string &what) {
  if (!error)
    error = Error(ErrorKind::InvalidFile, checkpoint.path() + ": tensor " + prefix + name + ": " + what +
                                              "; give the checkpoint that the bundle was made of");
}

const SafetensorsTensor *LayerReader::find(const std::string &name, const std::vector<int64_t> &shape, bool optional) {
  const SafetensorsTensor *tensor = checkpoint.find(prefix + name);
  if (!tensor) {
    if (!optional)
      fail(name, checkpoint.absentFile().empty()
                     ? "missing"
                     : "missing; it may be in " + checkpoint.absentFile() + ", which is not there");
    return nullptr;
  }
  if (tensor->shape != shape)
    return fail(name, "has shape " + shapeText(tensor->shape) + ", the bundle's model " + shapeText(shape)), nullptr;
  if (!isReadable(tensor->dtype))
    return fail(name, std::string("is ") + tensor->typeName() + ", which is not read"), nullptr;
  return tensor;
}

/// The sizes without those of 1: [3, 1] and [3, 1, 1, 1] are 3 scales like [3].
static std::vector<int64_t> severalOf(std::vector<int64_t> shape) {
  shape.erase(std::remove(shape.begin(), shape.end(), 1), shape.end());
  return shape;
}

static int64_t ceilOf(int64_t size, int64_t block) { return (size + block - 1) / block; }

/// The rows and columns of a weight that share a scale: all, those of a row, or a block's; none fits: {}.
static std::optional<std::pair<int64_t, int64_t>> blockOf(const SafetensorsTensor &scale, const Matrix &weight,
                                                          const Semantics &semantics) {
  std::pair<int64_t, int64_t> blocks[] = {
      {weight.rows, weight.columns}, {1, weight.columns}, {semantics.blockRows, semantics.blockColumns}};
  for (auto block : blocks)
    if (severalOf(scale.shape) == severalOf({ceilOf(weight.rows, block.first), ceilOf(weight.columns, block.second)}))
      return block;
  return std::nullopt;
}

/// Elements times their scales. `name` ends with ".weight".
Matrix LayerReader::scaled(Matrix elements, const std::string &name) {
  std::string scaleName = name + "_scale", own = name.substr(0, name.rfind('.'));
  for (const std::string &other : {name + "_scale_inv", own + ".qscale_weight"})
    if (checkpoint.find(prefix + other))
      scaleName = other;
  const SafetensorsTensor *scale = checkpoint.find(prefix + scaleName);
  if (!scale)
    return fail(scaleName, "missing"), Matrix();
  auto block = blockOf(*scale, elements, semantics);
  if (!block || !isReadable(scale->dtype))
    return fail(scaleName, std::string("is ") + scale->typeName() + " of shape " + shapeText(scale->shape) +
                               ", which is not read"),
           Matrix();
  int64_t blockRows = block->first, blockColumns = block->second, columns = elements.columns,
          each = ceilOf(columns, blockColumns);
  return {elements.rows, columns, [=, read = std::move(elements.read)](int64_t row, double *to) {
            std::vector<double> scales(each);
            readElements(*scale, row / blockRows * each, each, scales.data());
            read(row, to);
            for (int64_t i = 0; i < columns; ++i)
              to[i] *= scales[i / blockColumns];
          }};
}

/// An adapter calls modules as the checkpoint does, or by their usual names.
Matrix LayerReader::matrix(const char *usual, int64_t rows, int64_t columns) {
  std::string name = semantics.ownName(usual);
  Matrix own = packedWeight(checkpoint, prefix + name, semantics, rows, columns);
  if (!own)
    own = stored(name + ".weight", rows, columns);
  if (!adapter)
    return own;
  std::string layer = module.substr(0, module.size() - semantics.module.size());
  return adapter->addTo(std::move(own), {module + name, layer + "self_attn." + usual});
}

Matrix LayerReader::stored(const std::string &name, int64_t rows, int64_t columns) {
  const SafetensorsTensor *tensor = find(name, {rows, columns});
  if (!tensor)
    return {};
  Matrix plain = {rows, columns, [=](int64_t row, double *to) { readElements(*tensor, row * columns, columns, to); }};
  return tensor->dtype == DType::F8_E4M3 ? scaled(std::move(plain), name) : plain;
}

std::vector<double> LayerReader::vector(const std::string &name, int64_t size, bool optional) {
  const SafetensorsTensor *tensor = find(semantics.ownName(name), {size}, optional);
  std::vector<double> values(tensor ? size : 0);
  if (tensor)
    readElements(*tensor, 0, size, values.data());
  return values;
}

/// `width` rows from `first` on of each head's `perHead`, of the heads of this rank.
static Matrix headRows(const Matrix &all, const mla_bundle_info &info, int64_t perHead, int64_t first, int64_t width) {
  int64_t start = info.first_head;
  return pickRows(all, info.heads * width,
                  [=](int64_t row) { return (start + row / width) * perHead + first + row % width; });
}

static std::vector<double> headElements(const std::vector<double> &all, const mla_bundle_info &info, int64_t perHead,
                                        int64_t first, int64_t width) {
  std::vector<double> result;
  for (int64_t row = 0; row < info.heads * width && !all.empty(); ++row)
    result.push_back(all[(info.first_head + row / width) * perHead + first + row % width]);
  return result;
}

/// Queries, and gates that are projected with them.
static void readQuery(LayerReader &reader, const Semantics &semantics, const mla_bundle_info &info,
                      LayerWeights &weights) {
  int64_t ofGate = semantics.joinsGate ? info.v_head_dim : 0, ofQuery = info.qk_nope_head_dim + info.qk_rope_head_dim;
  int64_t perHead = ofQuery + ofGate, rows = info.num_attention_heads * perHead;
  Matrix up;
  if (info.q_lora_rank) {
    weights.queryDown = reader.matrix("q_a_proj", info.q_lora_rank, info.hidden_size);
    weights.queryDownBias = reader.vector("q_a_proj.bias", info.q_lora_rank, /*optional=*/true);
    weights.queryNorm = reader.vector("q_a_layernorm.weight", info.q_lora_rank);
    up = semantics.joinsGate ? reader.matrix("q_gate_proj", rows, 2 * info.q_lora_rank)
                             : reader.matrix("q_b_proj", rows, info.q_lora_rank);
  } else {
    up = reader.matrix("q_proj", rows, info.hidden_size);
  }
  weights.queryNope = headRows(up, info, perHead, 0, info.qk_nope_head_dim);
  if (info.qk_rope_head_dim)
    weights.queryRope = headRows(up, info, perHead, info.qk_nope_head_dim, info.qk_rope_head_dim);
  if (ofGate)
    weights.gate = headRows(up, info, perHead, ofQuery, ofGate);
}

static void readKeysAndValues(LayerReader &reader, const mla_bundle_info &info, LayerWeights &weights) {
  int64_t latent = info.kv_lora_rank, down = latent + info.qk_rope_head_dim;
  int64_t perHead = info.qk_nope_head_dim + info.v_head_dim, rows = info.num_attention_heads * perHead;
  weights.latentDown = reader.matrix("kv_a_proj_with_mqa", down, info.hidden_size);
  weights.latentDownBias = reader.vector("kv_a_proj_with_mqa.bias", down, /*optional=*/true);
  weights.latentNorm = reader.vector("kv_a_layernorm.weight", latent);
  Matrix up = reader.matrix("kv_b_proj", rows, latent);
  std::vector<double> bias = reader.vector("kv_b_proj.bias", rows, /*optional=*/true);
  weights.keyUp = headRows(up, info, perHead, 0, info.qk_nope_head_dim);
  weights.valueUp = headRows(up, info, perHead, info.qk_nope_head_dim, info.v_head_dim);
  weights.keyBias = headElements(bias, info, perHead, 0, info.qk_nope_head_dim);
  weights.valueBias = headElements(bias, info, perHead, info.qk_nope_head_dim, info.v_head_dim);
}

/// What some families have beside the projections.
static void readExtras(LayerReader &reader, const Semantics &semantics, const mla_bundle_info &info,
                       LayerWeights &weights) {
  int64_t heads = info.num_attention_heads, perHead = semantics.gate == Semantics::HeadGate ? 1 : info.v_head_dim;
  if (semantics.gate != Semantics::NoGate && !semantics.joinsGate)
    weights.gate = headRows(reader.matrix("g_proj", heads * perHead, info.hidden_size), info, perHead, 0, perHead);
  if (semantics.hasSinks)
    weights.sinks = headElements(reader.vector("sinks", heads), info, 1, 0, 1);
  if (semantics.normsKeyRope)
    weights.keyRopeNorm = reader.vector("k_rope_only_layernorm.weight", info.qk_rope_head_dim);
}

Result<LayerWeights> mla::run::checkpointWeights(const Checkpoint &checkpoint, const AdapterWeights *adapter,
                                                 const Semantics &semantics, const mla_bundle_info &info,
                                                 int64_t layer) {
  std::string module = semantics.twoAttentions
                           ? "layers." + std::to_string(layer / 2) + ".self_attn." + std::to_string(layer % 2) + "."
                           : "layers." + std::to_string(layer) + "." + semantics.module;
  std::optional<std::string> prefix = checkpoint.prefixOf(module + semantics.ownName("kv_a_layernorm.weight"));
  LayerReader reader(checkpoint, adapter, semantics, prefix.value_or("model.") + module, module);
  LayerWeights weights;
  readQuery(reader, semantics, info, weights);
  readKeysAndValues(reader, info, weights);
  int64_t columns = info.heads * info.v_head_dim;
  readExtras(reader, semantics, info, weights);
  Matrix out = reader.matrix("o_proj", info.hidden_size, info.num_attention_heads * info.v_head_dim);
  weights.out = pickColumns(out, info.first_head * info.v_head_dim, columns);
  // Ranks are summed: the bias is in one of them.
  if (info.rank == 0)
    weights.outBias = reader.vector("o_proj.bias", info.hidden_size, /*optional=*/true);
  if (Error error = reader.takeError())
    return error;
  return weights;
}
