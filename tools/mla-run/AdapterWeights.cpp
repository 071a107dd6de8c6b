//===- AdapterWeights.cpp - What a LoRA adapter adds ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AdapterWeights.h"
#include "ReferenceWeights.h"

#include <cmath>

using namespace mla;
using namespace mla::run;
using json::Value;

Result<AdapterWeights> AdapterWeights::open(const std::string &directory) {
  std::string path = directory + "/adapter_config.json";
  Result<Value> config = readJson(path);
  if (!config)
    return config.error();
  const Value *alpha = config->find("lora_alpha"), *root = config->find("use_rslora");
  const Value *pattern = config->find("alpha_pattern");
  if (!alpha || (!alpha->is(Value::Kind::Integer) && !alpha->is(Value::Kind::Number)))
    return Error(ErrorKind::InvalidFile, path + ": field 'lora_alpha' must be a number; correct it");
  if (pattern && !pattern->items.empty())
    return Error(ErrorKind::Unsupported, path + ": alpha_pattern is not read by --self-check; use --check");
  Result<Checkpoint> tensors = Checkpoint::open(directory + "/adapter_model.safetensors");
  if (!tensors)
    return tensors.error();
  return AdapterWeights(std::move(*tensors), alpha->number, root && root->boolean);
}

const SafetensorsTensor *AdapterWeights::find(const std::string &module, const char *half) const {
  std::optional<std::string> prefix = tensors.prefixOf(module + half);
  return prefix ? tensors.find(*prefix + module + half) : nullptr;
}

Matrix AdapterWeights::addTo(Matrix matrix, const std::vector<std::string> &names) const {
  const SafetensorsTensor *a = nullptr, *b = nullptr;
  for (size_t i = 0; i < names.size() && !a; ++i) {
    a = find(names[i], ".lora_A.weight");
    b = find(names[i], ".lora_B.weight");
  }
  if (!matrix || !a || !b || a->shape.size() != 2 || b->shape.size() != 2 || a->shape[1] != matrix.columns ||
      b->shape[0] != matrix.rows || a->shape[0] != b->shape[1] || !isReadable(a->dtype) || !isReadable(b->dtype))
    return matrix;
  int64_t rank = a->shape[0], columns = matrix.columns;
  double scale = alpha / (rootOfRank ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank));
  std::vector<double> inner(rank * columns);
  readElements(*a, 0, rank * columns, inner.data());
  return {matrix.rows, columns, [=, read = std::move(matrix.read), inner = std::move(inner)](int64_t row, double *to) {
            std::vector<double> factors(rank);
            readElements(*b, row * rank, rank, factors.data());
            read(row, to);
            for (int64_t i = 0; i < rank; ++i)
              for (int64_t column = 0; column < columns; ++column)
                to[column] += scale * factors[i] * inner[i * columns + column];
          }};
}
