//===- Golden.cpp - Golden files ------------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Golden.h"
#include "Float.h"
#include "Text.h"

#include <algorithm>

using namespace mla;
using namespace mla::run;

static Error invalid(const SafetensorsFile &file, const std::string &tensor, const std::string &what) {
  return Error(ErrorKind::InvalidFile, file.path() + ": tensor " + quoted(tensor) + " " + what);
}

float mla::run::goldenValue(const SafetensorsTensor &tensor, uint64_t index) {
  uint32_t wide = 0;
  uint16_t narrow = 0;
  if (tensor.dtype == DType::F32)
    return tensor.read(index * 4, &wide, 4), floatFromBits(wide);
  tensor.read(index * 2, &narrow, 2);
  return tensor.dtype == DType::BF16 ? widenBF16(narrow) : widenF16(narrow);
}

static Error checkValues(const SafetensorsFile &file, const SafetensorsTensor &tensor, const mla_bundle_info &info) {
  if (tensor.dtype != DType::F32 && tensor.dtype != DType::BF16 && tensor.dtype != DType::F16)
    return invalid(file, tensor.name,
                   std::string("has dtype ") + dtypeName(tensor.dtype) + "; write it as F32, BF16 or F16");
  if (tensor.shape.size() != 3 || tensor.bytes == 0)
    return invalid(file, tensor.name,
                   "has shape " + shapeText(tensor.shape) + "; write [batch, tokens, hidden_size], none of them 0");
  if (tensor.shape[2] != info.hidden_size)
    return invalid(file, tensor.name,
                   "has hidden_size " + std::to_string(tensor.shape[2]) + ", the bundle has " +
                       std::to_string(info.hidden_size) + "; check against a file of its model");
  return {};
}

static Error readLengths(const SafetensorsFile &file, GoldenStep &step) {
  int64_t batch = step.hidden->shape[0], tokens = step.rowTokens();
  step.lengths.assign(batch, tokens);
  const SafetensorsTensor *tensor = file.find(step.name + ".lengths");
  if (!tensor)
    return {};
  bool wide = tensor->dtype == DType::I64;
  if ((!wide && tensor->dtype != DType::I32) || tensor->shape != std::vector<int64_t>{batch})
    return invalid(file, tensor->name,
                   std::string("is ") + dtypeName(tensor->dtype) + " " + shapeText(tensor->shape) +
                       "; write it as I32 [" + std::to_string(batch) + "]");
  int64_t sum = 0;
  for (int64_t row = 0; row < batch; ++row) {
    int32_t narrow = 0;
    wide ? tensor->read(row * 8, &step.lengths[row], 8) : tensor->read(row * 4, &narrow, 4);
    if (!wide)
      step.lengths[row] = narrow;
    if (step.lengths[row] < 0 || step.lengths[row] > tokens)
      return invalid(file, tensor->name,
                     "has " + std::to_string(step.lengths[row]) + " for row " + std::to_string(row) + "; write 0 to " +
                         std::to_string(tokens));
    sum += step.lengths[row];
  }
  return sum ? Error() : invalid(file, tensor->name, "has no token to run; leave the step out");
}

static Error addStep(Golden &golden, const std::string &name, const mla_bundle_info &info) {
  GoldenStep step;
  step.name = name;
  step.hidden = golden.file.find(name + ".hidden");
  step.out = golden.file.find(name + ".out");
  if (!step.hidden && !step.out)
    return {};
  for (const auto &[tensor, suffix] : {std::pair(step.hidden, ".hidden"), std::pair(step.out, ".out")}) {
    if (!tensor)
      return invalid(golden.file, name + suffix, "is missing, though its pair is there; write both");
    if (Error error = checkValues(golden.file, *tensor, info))
      return error;
  }
  if (step.hidden->shape != step.out->shape)
    return invalid(golden.file, step.out->name,
                   "has shape " + shapeText(step.out->shape) + ", but " + quoted(step.hidden->name) + " has " +
                       shapeText(step.hidden->shape) + "; give both the same shape");
  if (!golden.steps.empty() && step.hidden->shape[0] != golden.batch())
    return invalid(golden.file, step.hidden->name,
                   "has batch " + std::to_string(step.hidden->shape[0]) + ", the first step has " +
                       std::to_string(golden.batch()) + "; give every step all rows, with length 0 for idle ones");
  if (Error error = readLengths(golden.file, step))
    return error;
  golden.steps.push_back(std::move(step));
  return {};
}

/// Return the largest N of the tensors decode.N.hidden and decode.N.out, or -1.
static int64_t lastDecode(const SafetensorsFile &file) {
  int64_t last = -1;
  for (const SafetensorsTensor &tensor : file.tensors()) {
    std::string_view name = tensor.name;
    size_t dot = name.rfind('.');
    if (name.substr(0, 7) != "decode." || dot < 8 || (name.substr(dot) != ".hidden" && name.substr(dot) != ".out"))
      continue;
    std::string_view digits = name.substr(7, dot - 7);
    if (digits.size() <= 9 && digits.find_first_not_of("0123456789") == digits.npos)
      last = std::max<int64_t>(last, std::stol(std::string(digits)));
  }
  return last;
}

Result<Golden> mla::run::openGolden(const std::string &path, const mla_bundle_info &info) {
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file)
    return file.error();
  if (Error error = checkConfig(*file, info))
    return error;
  Golden golden{std::move(*file), {}};
  if (Error error = addStep(golden, "prefill", info))
    return error;
  int64_t last = lastDecode(golden.file);
  for (int64_t n = 0; n <= last; ++n) {
    std::string name = "decode." + std::to_string(n);
    size_t before = golden.steps.size();
    if (Error error = addStep(golden, name, info))
      return error;
    if (golden.steps.size() == before)
      return invalid(golden.file, name + ".hidden",
                     "is missing, though decode." + std::to_string(last) +
                         " is there; number the steps from 0 without gaps");
  }
  if (golden.steps.empty())
    return Error(ErrorKind::InvalidFile, path + ": has no prefill.hidden, prefill.out, decode.0.hidden, …; give a "
                                                "golden file");
  return golden;
}
