//===- Certificate.cpp - mla-run --certificate ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Modes.h"

#include "Json.h"
#include "ReadFile.h"

#include "mla/abi.h"
#include "mla/safetensors.h"

#include <cinttypes>
#include <cstdio>
#include <set>

using namespace mla;
using json::Value;

/// A model's manifest is far smaller.
static constexpr int64_t maxManifestBytes = 256 << 20;

namespace {
/// An item of "certificates" (mla/abi.h).
struct Certificate {
  int64_t layer = 0, depth = 0, probes = 0;
  std::string weight, check;
  double ratio = 0, maxRounding = 0, rmsRounding = 0;

  bool isProduct() const { return check == "probes"; }
};
} // namespace

static double numberOf(const Value &item, const char *key) {
  const Value *value = item.find(key);
  return value && (value->is(Value::Kind::Number) || value->is(Value::Kind::Integer)) ? value->number : 0;
}

static std::string textOf(const Value &item, const char *key) {
  const Value *value = item.find(key);
  return value ? value->text : "";
}

static Certificate read(const Value &item) {
  Certificate c;
  c.layer = static_cast<int64_t>(numberOf(item, "layer"));
  c.depth = static_cast<int64_t>(numberOf(item, "depth"));
  c.probes = static_cast<int64_t>(numberOf(item, "probes"));
  c.weight = textOf(item, "weight");
  c.check = textOf(item, "check");
  c.ratio = numberOf(item, "ratio");
  c.maxRounding = numberOf(item, "max_rounding");
  c.rmsRounding = numberOf(item, "rms_rounding");
  return c;
}

static void print(const Certificate &c) {
  std::printf("%5" PRId64 "  %-44s  ", c.layer, c.weight.c_str());
  if (c.isProduct())
    std::printf("%" PRId64 " probes, k = %-4" PRId64 "  %8.4f", c.probes, c.depth, c.ratio);
  else
    std::printf("%-18s  %8s", "every element", "-");
  std::printf("  %9.2e  %9.2e\n", c.maxRounding, c.rmsRounding);
}

static Error failed(const std::string &where, const std::string &what) {
  return Error(ErrorKind::InvalidFile, where + ": " + what + "; compile the bundle again");
}

/// What a certificate may say: it was made, and of nothing that failed.
static Error checkOne(const std::string &path, const Certificate &c) {
  if (c.check != "probes" && c.check != "elements")
    return failed(path, "the certificate of " + c.weight + " names no known check");
  if (c.isProduct() && !(c.ratio <= 1 && c.probes >= 2))
    return failed(path, "the certificate of " + c.weight + " is beyond its bound");
  return {};
}

/// No weight without a certificate.
static Error checkAll(const std::string &bundle, const std::set<std::string> &certified) {
  Result<SafetensorsFile> weights = SafetensorsFile::open(bundle + "/" MLA_WEIGHTS_FILE);
  if (!weights)
    return weights.error();
  for (const SafetensorsTensor &tensor : weights->tensors())
    if (!certified.count(tensor.name))
      return failed(weights->path(), "tensor " + tensor.name + " has no certificate");
  return {};
}

Error mla::run::printCertificate(const std::string &bundle) {
  std::string path = bundle + "/" MLA_MANIFEST_FILE;
  Result<std::string> text = readFile(path, maxManifestBytes);
  if (!text)
    return text.error();
  Result<Value> manifest = json::parse(*text);
  if (!manifest)
    return failed(path, "is not valid JSON: " + manifest.error().message());
  const Value *list = manifest->find("certificates");
  if (!list || !list->is(Value::Kind::Array))
    return failed(path, "has no certificates; an older mla-compile wrote it");
  std::printf("layer  %-44s  %-18s  %8s  %9s  %9s\n", "weight", "checked by", "residual", "rounding", "rms");
  std::set<std::string> certified;
  for (const Value &item : list->items) {
    Certificate c = read(item);
    print(c);
    if (Error error = checkOne(path, c))
      return error;
    certified.insert("layers." + std::to_string(c.layer) + "." + c.weight);
  }
  std::printf("\nresidual: of random probes of a product before it is rounded, over its bound sqrt(k) 2^-24 |A||B||r|\n"
              "rounding: of storing, the largest relative to the element; rms: relative to the weight's norm\n");
  return checkAll(bundle, certified);
}
