//===- CheckModel.cpp - Replay a golden model -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A golden model has for every prompt N golden.N.prompt, the tokens that were
// generated for it, golden.N.tokens, and the logits of all of them,
// golden.N.logits. Tokens are forced, so that an error does not spread.
//
//===----------------------------------------------------------------------===//

#include "Digest.h"
#include "Generate.h"
#include "Golden.h"
#include "Text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace mla;
using namespace mla::run;

static Error invalid(const SafetensorsFile &file, const std::string &tensor, const std::string &what) {
  return Error(ErrorKind::InvalidFile, file.path() + ": tensor " + quoted(tensor) + " " + what);
}

static Result<Ids> readIds(const SafetensorsFile &file, const std::string &name, int64_t vocabulary) {
  const SafetensorsTensor *tensor = file.find(name);
  if (!tensor || tensor->dtype != DType::I32 || tensor->shape.size() != 1 || tensor->bytes == 0)
    return invalid(file, name, "must be I32 of one dimension, with a token; correct the file");
  Ids ids(tensor->shape[0]);
  tensor->read(0, ids.data(), tensor->bytes);
  for (int32_t id : ids)
    if (id < 0 || id >= vocabulary)
      return invalid(file, name,
                     "has token " + std::to_string(id) + ", the bundle's vocabulary " + std::to_string(vocabulary) +
                         "; check against a file of its model");
  return ids;
}

namespace {
struct Prompt {
  std::string name;
  Ids prompt, tokens;
  const SafetensorsTensor *logits = nullptr;
};
} // namespace

static Result<Prompt> readPrompt(const SafetensorsFile &file, const std::string &name, int64_t vocabulary) {
  Prompt result{name, {}, {}, file.find(name + ".logits")};
  for (auto [ids, suffix] : {std::pair(&result.prompt, ".prompt"), std::pair(&result.tokens, ".tokens")}) {
    Result<Ids> read = readIds(file, name + suffix, vocabulary);
    if (!read)
      return read.error();
    *ids = std::move(*read);
  }
  auto rows = static_cast<int64_t>(result.prompt.size() + result.tokens.size());
  if (!result.logits || result.logits->dtype != DType::F32 ||
      result.logits->shape != std::vector<int64_t>{rows, vocabulary})
    return invalid(file, name + ".logits",
                   "must be F32 [" + std::to_string(rows) + ", " + std::to_string(vocabulary) +
                       "], a row per token; check against a file of the bundle's model");
  return result;
}

/// Compute the logits of all tokens: those of the prompt at once, the others one after the other.
static Result<std::vector<float>> computeLogits(const mla_bundle *bundle, const Prompt &prompt) {
  Session session(bundle);
  if (Error error = session.prepare({static_cast<int64_t>(prompt.prompt.size() + prompt.tokens.size())}))
    return error;
  std::vector<float> all, step;
  if (Error error = session.run({prompt.prompt}, MLA_LOGITS_ALL, all))
    return error;
  for (int32_t token : prompt.tokens) {
    if (Error error = session.run({Ids{token}}, MLA_LOGITS_LAST, step))
      return error;
    all.insert(all.end(), step.begin(), step.end());
  }
  return all;
}

/// Return whether the golden logits of a row prefer its token to another by no more than the tolerance, relative to the
/// largest: errors within it can then prefer either.
static bool isTie(const Prompt &prompt, size_t row, int32_t token, int32_t other, int64_t vocabulary,
                  double tolerance) {
  auto at = [&](int64_t i) { return double(goldenValue(*prompt.logits, row * vocabulary + i)); };
  double largest = 0;
  for (int64_t i = 0; i < vocabulary; ++i)
    largest = std::max(largest, std::abs(at(i)));
  return at(token) - at(other) <= tolerance * largest;
}

/// Compare logits and the tokens that they make most likely; print a line unless `quiet`. Return whether both are
/// right.
static bool compare(const Prompt &prompt, const std::vector<float> &logits, int64_t vocabulary, double tolerance,
                    bool quiet) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    double want = goldenValue(*prompt.logits, i), delta = logits[i] - want;
    difference += delta * delta;
    norm += want * want;
  }
  size_t same = 0, ties = 0;
  for (size_t i = 0; i < prompt.tokens.size(); ++i) {
    size_t row = prompt.prompt.size() + i - 1;
    int32_t made = pickLargest(logits.data() + row * vocabulary, vocabulary), token = prompt.tokens[i];
    same += made == token;
    ties += made != token && isTie(prompt, row, token, made, vocabulary, tolerance);
  }
  std::string tied = ties ? " (" + std::to_string(ties) + " nearly tied)" : "";
  double error = std::sqrt(difference) / std::sqrt(norm);
  bool passed = error <= tolerance && same + ties == prompt.tokens.size(); // false for NaN
  if (quiet)
    return passed;
  std::printf("%-10s  %zu of %zu tokens%s  logits: relative L2 error %.1e  (tolerance %.1e)  %s\n", prompt.name.c_str(),
              same, prompt.tokens.size(), tied.c_str(), error, tolerance, passed ? "ok" : "FAILED");
  std::fflush(stdout);
  return passed;
}

/// Reject tensors of prompts after a gap, which would not be checked. `prompts` are there.
static Error checkNoGap(const SafetensorsFile &file, size_t prompts) {
  std::string missing = "golden." + std::to_string(prompts) + ".";
  for (const SafetensorsTensor &tensor : file.tensors()) {
    std::string_view name = tensor.name, number = name.substr(0, 7) == "golden." ? name.substr(7) : "";
    number = number.substr(0, number.find('.'));
    if (number.empty() || number.find_first_not_of("0123456789") != number.npos)
      continue;
    if (number.size() > 9 || static_cast<size_t>(std::stol(std::string(number))) >= prompts)
      return invalid(file, missing + "prompt",
                     "is missing, though " + quoted(tensor.name) + " is there; number the prompts from 0 without gaps");
  }
  return {};
}

bool mla::run::isGoldenModel(const SafetensorsFile &file) { return file.find("golden.0.prompt"); }

Result<bool> mla::run::checkModel(const Options &options, const mla_bundle *bundle, const SafetensorsFile &file) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  if (Error error = checkIsModel(info, "the golden model"))
    return error;
  if (options.layer)
    return Error(ErrorKind::InvalidArgument, "--layer: " + file.path() +
                                                 " is a golden model, of which all layers run at "
                                                 "once; leave --layer out");
  if (Error error = checkConfig(file, info))
    return error;
  size_t prompts = 0, passed = 0;
  while (file.find("golden." + std::to_string(prompts) + ".prompt"))
    ++prompts;
  if (Error error = checkNoGap(file, prompts))
    return error;
  for (size_t i = 0; i < prompts; ++i) {
    std::string name = "golden." + std::to_string(i);
    Result<Prompt> prompt = readPrompt(file, name, info.vocab_size);
    if (!prompt)
      return prompt.error();
    Result<std::vector<float>> logits = computeLogits(bundle, *prompt);
    if (!logits)
      return Error(logits.error().kind(), name + ": " + logits.error().message());
    note(options, prompt->logits->name, logits->data(), logits->size() * sizeof(float));
    passed += compare(*prompt, *logits, info.vocab_size, toleranceOf(options, info), options.quiet);
  }
  if (!options.quiet)
    std::printf("%s: %zu of %zu prompts within tolerance\n", passed == prompts ? "passed" : "FAILED", passed, prompts);
  return passed == prompts;
}
