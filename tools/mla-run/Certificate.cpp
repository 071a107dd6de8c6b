//===- Certificate.cpp - mla-run --certificate ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Modes.h"

#include "FieldReader.h"
#include "Source.h"

#include "mla/abi.h"
#include "mla/safetensors.h"

#include <cinttypes>
#include <cstdio>
#include <limits>
#include <set>

using namespace mla;
using json::Value;

namespace {
/// An item of "certificates" (mla/abi.h).
struct Certificate {
  int64_t layer = 0, depth = 0, probes = 0;
  std::string weight;
  bool isProduct = false;
  double ratio = 0, maxRounding = 0, rmsRounding = 0;
};
} // namespace

static Certificate read(FieldReader fields) {
  constexpr double largest = std::numeric_limits<double>::max();
  Certificate c;
  c.layer = fields.integer("layer", -1, INT32_MAX);
  c.weight = fields.text("weight");
  c.isProduct = fields.choice("check", {"elements", "probes"}) == 1;
  if (c.isProduct) {
    c.depth = fields.integer("depth", 1, INT64_MAX);
    c.probes = fields.integer("probes", 1, INT64_MAX);
    c.ratio = fields.number("ratio", 0, largest);
  }
  c.maxRounding = fields.number("max_rounding", 0, largest);
  c.rmsRounding = fields.number("rms_rounding", 0, largest);
  return c;
}

static void print(const Certificate &c) {
  std::printf("%5" PRId64 "  %-44s  ", c.layer, c.weight.c_str());
  if (c.isProduct)
    std::printf("%" PRId64 " probes, k = %-4" PRId64 "  %8.4f", c.probes, c.depth, c.ratio);
  else
    std::printf("%-18s  %8s", "every element", "-");
  std::printf("  %9.2e  %9.2e\n", c.maxRounding, c.rmsRounding);
}

static Error failed(const std::string &where, const std::string &what) {
  return Error(ErrorKind::InvalidFile, where + ": " + what + "; compile the bundle again");
}

/// Read, print and check a certificate.
static Error show(const std::string &path, const std::string &place, const Value &item,
                  std::set<std::string> &certified) {
  if (!item.is(Value::Kind::Object))
    return failed(path, "field '" + place + "' must be an object, is " + json::kindName(item.kind));
  Error error;
  Certificate c = read(FieldReader(path, place + ".", item, error));
  if (error)
    return error;
  print(c);
  if (c.isProduct && !(c.ratio <= 1 && c.probes >= 2))
    return failed(path, "the certificate of " + c.weight + " exceeds its bound");
  // -1 stands for the ends of a model.
  certified.insert((c.layer < 0 ? "" : "layers." + std::to_string(c.layer) + ".") + c.weight);
  return {};
}

/// Check that every weight has a certificate. Of a base's file, that base certifies those that are replaced.
static Error checkAll(const std::string &bundle, const std::set<std::string> &certified) {
  Result<WeightFiles> weights = mla::run::openWeights(bundle);
  if (!weights)
    return weights.error();
  for (const std::string &name : certified)
    if (!weights->find(name))
      return failed(weights->path(), "there is no tensor " + name + ", of which there is a certificate");
  for (const SafetensorsTensor &tensor : weights->files().front().tensors())
    if (!certified.count(tensor.name))
      return failed(weights->path(), "tensor " + tensor.name + " has no certificate");
  return {};
}

Error mla::run::printCertificate(const std::string &bundle) {
  std::string path = bundle + "/" MLA_MANIFEST_FILE;
  Result<Value> manifest = readManifest(bundle);
  if (!manifest)
    return manifest.error();
  const Value *list = manifest->find("certificates");
  if (!list || !list->is(Value::Kind::Array))
    return failed(path, "has no certificates; an older mla-compile wrote it");
  std::printf("layer  %-44s  %-18s  %8s  %9s  %9s\n", "weight", "checked by", "residual", "rounding", "rms");
  std::set<std::string> certified;
  for (size_t i = 0; i < list->items.size(); ++i)
    if (Error error = show(path, "certificates[" + std::to_string(i) + "]", list->items[i], certified))
      return error;
  std::printf("\nresidual: of random probes of a product before it is rounded, over its bound sqrt(k) 2^-24 |A||B||r|\n"
              "rounding: of storing, the largest relative to the element; rms: relative to the weight's norm\n");
  return checkAll(bundle, certified);
}
