//===- BundleWeights.cpp - A layer's weights in a bundle -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// What a bundle holds is what its plan left: the checkpoint's matrices by their
// names, parts of them and products, "outer_x_inner", of which ".t" was turned
// within a head. For a CPU rows may lie in panels: [rows / panel, columns, panel].
//
//===----------------------------------------------------------------------===//

#include "ReferenceWeights.h"
#include "Text.h"

using namespace mla;
using namespace mla::run;

namespace {
class BundleReader {
public:
  BundleReader(const WeightFiles &files, const mla_bundle_info &info, int64_t layer)
      : files(files), info(info), prefix("layers." + std::to_string(layer) + ".") {}

  /// A weight by its name; nothing where there is none, or of another size.
  Matrix matrix(const std::string &name, int64_t rows, int64_t columns) const;
  /// Likewise, or out of its twin of which every head is turned.
  Matrix perHead(const std::string &name, int64_t rowsOfHead, int64_t columns) const;
  std::vector<double> vector(const std::string &name, int64_t size) const;

private:
  const WeightFiles &files;
  const mla_bundle_info &info;
  std::string prefix;

  const SafetensorsTensor *find(const std::string &name, int64_t elements) const;
};
} // namespace

/// A name without what it says of an adapter: the sum is a weight like any other.
static std::string withoutAdapter(std::string name) {
  constexpr std::string_view update = "_plus_lora_B_x_lora_A";
  for (size_t at = name.find(update); at != name.npos; at = name.find(update))
    name.erase(at, update.size());
  return name;
}

/// Elements of e4m3 have scales, whose blocks the bundle does not record.
static bool isWhole(DType dtype) { return isReadable(dtype) && dtype != DType::F8_E4M3; }

const SafetensorsTensor *BundleReader::find(const std::string &name, int64_t elements) const {
  for (const SafetensorsFile &file : files.files())
    for (const SafetensorsTensor &tensor : file.tensors())
      if (withoutAdapter(tensor.name) == prefix + name && tensor.numElements() == elements && isWhole(tensor.dtype))
        return &tensor;
  return nullptr;
}

/// Rows in a panel; 1 where they are not packed.
static int64_t panelOf(const SafetensorsTensor &tensor, int64_t columns, bool mayBePacked) {
  size_t rank = tensor.shape.size();
  return mayBePacked && rank >= 3 && tensor.shape[rank - 2] == columns ? tensor.shape[rank - 1] : 1;
}

Matrix BundleReader::matrix(const std::string &name, int64_t rows, int64_t columns) const {
  const SafetensorsTensor *tensor = find(name, rows * columns);
  if (!tensor)
    return {};
  int64_t panel = panelOf(*tensor, columns, !info.device_memory);
  if (panel == 1)
    return {rows, columns, [=](int64_t row, double *to) { readElements(*tensor, row * columns, columns, to); }};
  return {rows, columns, [=](int64_t row, double *to) {
            for (int64_t column = 0; column < columns; ++column)
              readElements(*tensor, (row / panel * columns + column) * panel + row % panel, 1, to + column);
          }};
}

Matrix BundleReader::perHead(const std::string &name, int64_t rowsOfHead, int64_t columns) const {
  int64_t rows = info.heads * rowsOfHead;
  if (Matrix straight = matrix(name, rows, columns))
    return straight;
  Matrix turned = matrix(name + ".t", info.heads * columns, rowsOfHead);
  if (!turned)
    return {};
  std::vector<double> all(rows * columns);
  std::vector<double> line(rowsOfHead);
  for (int64_t row = 0; row < turned.rows; ++row) {
    turned.read(row, line.data());
    for (int64_t i = 0; i < rowsOfHead; ++i)
      all[(row / columns * rowsOfHead + i) * columns + row % columns] = line[i];
  }
  return {rows, columns, [=, all = std::move(all)](int64_t row, double *to) {
            std::copy_n(all.begin() + row * columns, columns, to);
          }};
}

std::vector<double> BundleReader::vector(const std::string &name, int64_t size) const {
  const SafetensorsTensor *tensor = find(name, size);
  std::vector<double> values(tensor ? size : 0);
  if (tensor)
    readElements(*tensor, 0, size, values.data());
  return values;
}

/// ".0to47"
static std::string range(int64_t first, int64_t count) {
  return "." + std::to_string(first) + "to" + std::to_string(first + count - 1);
}

/// Queries, and the keys that they meet: those of the heads if the weights for them are there, or else the latents.
static void readScores(const BundleReader &reader, const mla_bundle_info &info, LayerWeights &weights) {
  int64_t nope = info.qk_nope_head_dim, rope = info.qk_rope_head_dim, latent = info.kv_lora_rank;
  int64_t in = info.q_lora_rank ? info.q_lora_rank : info.hidden_size;
  std::string name = info.q_lora_rank ? "q_b_proj" : "q_proj";
  std::string nopePart = name + (rope ? range(0, nope) : ""), ropePart = name + range(nope, rope);
  weights.queryRope = rope ? reader.matrix(ropePart, info.heads * rope, in) : Matrix();
  weights.queryNope = reader.matrix(nopePart, info.heads * nope, in);
  if (Matrix whole = reader.matrix(name, info.heads * (nope + rope), in)) {
    auto part = [=](int64_t first, int64_t width) {
      return [=](int64_t row) { return row / width * (nope + rope) + first + row % width; };
    };
    weights.queryNope = pickRows(whole, info.heads * nope, part(0, nope));
    if (rope)
      weights.queryRope = pickRows(whole, info.heads * rope, part(nope, rope));
  }
  weights.keyUp = reader.perHead("w_uk", nope, latent);
  weights.keyBias = reader.vector("b_uk", info.heads * nope);
  if (weights.queryNope && weights.keyUp)
    return;
  weights.keyUp = {};
  weights.queryNope = reader.matrix("w_uk.t_x_" + nopePart, info.heads * latent, in);
}

static void readOutput(const BundleReader &reader, const mla_bundle_info &info, LayerWeights &weights) {
  weights.valueUp = reader.perHead("w_uv", info.v_head_dim, info.kv_lora_rank);
  weights.valueBias = reader.vector("b_uv", info.heads * info.v_head_dim);
  weights.out = reader.matrix("o_proj", info.hidden_size, info.heads * info.v_head_dim);
  weights.outBias = reader.vector("o_proj.bias", info.hidden_size);
  if (weights.out && weights.valueUp)
    return;
  weights.valueUp = {};
  weights.out = reader.matrix("o_proj_x_w_uv", info.hidden_size, info.heads * info.kv_lora_rank);
}

static bool isComplete(const LayerWeights &weights, const mla_bundle_info &info) {
  bool query = !info.q_lora_rank || (weights.queryDown && !weights.queryNorm.empty());
  bool rope = !info.qk_rope_head_dim || weights.queryRope;
  return query && rope && weights.queryNope && weights.latentDown && !weights.latentNorm.empty() && weights.out;
}

Result<LayerWeights> mla::run::bundleWeights(const WeightFiles &files, const mla_bundle_info &info, int64_t layer) {
  BundleReader reader(files, info, layer);
  LayerWeights weights;
  int64_t down = info.kv_lora_rank + info.qk_rope_head_dim;
  if (info.q_lora_rank) {
    weights.queryDown = reader.matrix("q_a_proj", info.q_lora_rank, info.hidden_size);
    weights.queryDownBias = reader.vector("q_a_proj.bias", info.q_lora_rank);
    weights.queryNorm = reader.vector("q_a_layernorm", info.q_lora_rank);
  }
  weights.latentDown = reader.matrix("kv_a_proj_with_mqa", down, info.hidden_size);
  weights.latentDownBias = reader.vector("kv_a_proj_with_mqa.bias", down);
  weights.latentNorm = reader.vector("kv_a_layernorm", info.kv_lora_rank);
  readScores(reader, info, weights);
  readOutput(reader, info, weights);
  if (isComplete(weights, info))
    return weights;
  std::string names;
  for (const SafetensorsFile &file : files.files())
    for (const SafetensorsTensor &tensor : file.tensors())
      names += (names.empty() ? "" : ", ") + tensor.name;
  return Error(ErrorKind::Unsupported, files.path() + ": of its weights, " + names +
                                           ", no reference can be made; give the checkpoint with --weights");
}
