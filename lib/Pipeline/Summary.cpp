//===- Summary.cpp - One-line summary of a compilation --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Summary.h"
#include "mla/Dialect/MLA/Analysis/ScaledWeight.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Pipeline/Stages.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;
namespace fs = llvm::sys::fs;

uint64_t mla::sizeOfFiles(StringRef directory) {
  uint64_t sum = 0, size;
  std::error_code code;
  for (fs::directory_iterator it(directory, code), end; it != end && !code; it.increment(code))
    if (!fs::file_size(it->path(), size))
      sum += size;
  return sum;
}

/// Return "layers 0-3, ", or "" for a module that was not imported.
static std::string nameLayers(mlir::ModuleOp module) {
  auto attr = module->getAttrOfType<mlir::DenseI64ArrayAttr>(kLayersAttr);
  if (!attr || attr.empty())
    return "";
  llvm::ArrayRef<int64_t> layers = attr;
  if (layers.size() == 1)
    return "layer " + std::to_string(layers.front()) + ", ";
  return "layers " + std::to_string(layers.front()) + "-" + std::to_string(layers.back()) + ", ";
}

static StringRef nameType(DType dtype) {
  switch (dtype) {
  case DType::F8_E4M3:
    return "e4m3";
  case DType::BF16:
    return "bf16";
  case DType::F16:
    return "f16";
  default:
    return "f32";
  }
}

/// Norms and biases are omitted: their types are irrelevant.
std::string mla::nameTypes(llvm::ArrayRef<WeightSpec> weights) {
  llvm::SmallSetVector<StringRef, 4> names;
  for (const WeightSpec &weight : weights)
    if (weight.expected.shape.size() == 2)
      names.insert(weight.form.empty() ? nameType(weight.dtype) : weight.form);
  return llvm::join(names, " and ");
}

static std::string nameForms(RegimeAttr regime) {
  if (regime.getQ() == regime.getO())
    return stringifyForm(regime.getQ()).str();
  return ("q " + stringifyForm(regime.getQ()) + " o " + stringifyForm(regime.getO())).str();
}

/// Return ", decode absorb, prefill naive or absorb", or "" before planning.
static std::string namePlan(mlir::ModuleOp module) {
  auto plan = module->getAttrOfType<PlanAttr>(kPlanAttr);
  std::string text;
  for (Phase phase : {Phase::Decode, Phase::Prefill}) {
    std::vector<std::string> forms;
    for (RegimeAttr regime : plan ? plan.getRegimes(phase) : llvm::SmallVector<RegimeAttr>())
      if (std::string name = nameForms(regime); !llvm::is_contained(forms, name))
        forms.push_back(std::move(name));
    if (!forms.empty())
      text += (", " + stringifyPhase(phase) + " " + llvm::join(forms, " or ")).str();
  }
  return text;
}

static std::string nameSize(uint64_t bytes) {
  static constexpr std::pair<double, const char *> units[] = {{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}};
  std::string text;
  llvm::raw_string_ostream os(text);
  for (auto [size, name] : units)
    if (bytes >= size) {
      os << llvm::format(bytes < 100 * size ? "%.1f" : "%.0f", bytes / size) << " " << name;
      return text;
    }
  return std::to_string(bytes) + " bytes";
}

std::string mla::summarize(mlir::ModuleOp module, llvm::ArrayRef<WeightSpec> weights, bool madeWeights,
                           const CompileOptions &options, uint64_t bytes) {
  std::string text = options.from ? "from " + nameOf(*options.from).str() + ", " : "";
  text += nameLayers(module);
  if (options.tensorParallel > 1)
    text += "rank " + std::to_string(options.rank) + " of " + std::to_string(options.tensorParallel) + ", ";
  text += options.target + ", ";
  if (madeWeights || !weights.empty())
    text += (madeWeights ? "made weights" : nameTypes(weights)) + " -> ";
  text += findTokenTerms(module) ? "e4m3 and bf16" : nameType(options.dtype);
  return text + namePlan(module) + ", " + nameSize(bytes);
}
