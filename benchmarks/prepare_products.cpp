//===- prepare_products.cpp - Products of weights, tile by tile -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Computes one weight of a module of @prepare functions from generated f32
// inputs, once per line of standard input, and prints the times with and without
// checks. Called by prepare_products.py.
//
//   prepare-products MODULE.mlir WEIGHT
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Pipeline/Stages.h"
#include "mla/Target/Bundle.h"
#include "mla/abi.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>

using namespace mla;
using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Returns the processor time of all threads, which other processes do not affect.
static double cpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Returns a field of /proc/self/status, in MiB.
static int64_t status(llvm::StringRef key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (llvm::StringRef(line).starts_with(key))
      return std::stoll(line.substr(key.size())) >> 10;
  return -1;
}

namespace {
/// The inputs, and data shared by all tiles.
struct Product {
  const WeightPreparation::Weight &weight;
  std::vector<std::vector<float>> storage;
  std::vector<SafetensorsTensor> tensors;
  std::vector<const SafetensorsTensor *> pointers;
  std::vector<const void *> data;
  Certifier *certifier = nullptr;
  int64_t tiles = 1, tileElements = 1;

  explicit Product(const WeightPreparation::Weight &weight);
  void runTile(int64_t tile) const;
  double run() const;
};
} // namespace

Product::Product(const WeightPreparation::Weight &weight) : weight(weight) {
  uint32_t random = 1;
  for (const std::vector<int64_t> &shape : weight.inputShapes) {
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    for (float &value : storage.emplace_back(count))
      value = static_cast<float>((random = random * 1664525u + 1013904223u) >> 8) / (1 << 23) - 1.0f;
    SafetensorsTensor &tensor = tensors.emplace_back();
    tensor.shape = shape;
    tensor.data = storage.back().data();
    tensor.bytes = count * 4;
    data.push_back(tensor.data);
  }
  for (const SafetensorsTensor &tensor : tensors)
    pointers.push_back(&tensor);
  for (auto [all, part] : llvm::zip_equal(weight.spec.shape, weight.tile)) {
    tiles *= all / part;
    tileElements *= part;
  }
}

void Product::runTile(int64_t tile) const {
  thread_local std::vector<float> made, stored;
  made.resize(tileElements);
  stored.resize(tileElements);
  std::vector<int64_t> offsets(weight.tile.size());
  for (size_t d = offsets.size(); d-- > 0;) {
    int64_t count = weight.spec.shape[d] / weight.tile[d];
    offsets[d] = tile % count * weight.tile[d];
    tile /= count;
  }
  void *second = weight.isRounded() ? stored.data() : made.data();
  if (!weight.run(data, offsets, made.data(), second))
    std::abort();
  if (!certifier)
    return;
  if (llvm::Error error = certifier->check(offsets, weight.tile, made.data(), second)) {
    llvm::errs() << llvm::toString(std::move(error)) << "\n";
    std::_Exit(1);
  }
}

double Product::run() const {
  Clock::time_point start = Clock::now();
  mla_parallel_for([](void *self, int64_t tile) { static_cast<const Product *>(self)->runTile(tile); },
                   const_cast<Product *>(this), tiles);
  return secondsSince(start);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  if (argc != 3) {
    llvm::errs() << "usage: prepare-products MODULE.mlir WEIGHT\n";
    return 2;
  }
  mlir::DialectRegistry registry;
  registerStageDialects(registry, Stage::LLVM);
  registry.insert<mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::linalg::LinalgDialect,
                  mlir::tensor::TensorDialect, MLADialect>();
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(argv[1], &context);
  if (!module)
    return 1;
  Clock::time_point start = Clock::now();
  llvm::Expected<WeightPreparation> preparation = WeightPreparation::compile(std::move(module));
  if (!preparation) {
    llvm::errs() << llvm::toString(preparation.takeError()) << "\n";
    return 1;
  }
  llvm::errs() << "compiled in " << secondsSince(start) << " s\n";
  const auto *weight = llvm::find_if(preparation->weights(), [&](auto &each) { return each.name == argv[2]; });
  if (weight == preparation->weights().end()) {
    llvm::errs() << argv[2] << ": no such weight\n";
    return 1;
  }
  Product product(*weight);
  int64_t before = status("RssAnon:");
  for (std::string line; std::getline(std::cin, line);) {
    double plainCpu = cpuSeconds(), plain = product.run();
    plainCpu = cpuSeconds() - plainCpu;
    Clock::time_point start = Clock::now();
    double certifiedCpu = cpuSeconds();
    auto certifier = Certifier::create(weight->definition, product.pointers, 0, weight->name);
    if (!certifier) {
      llvm::errs() << llvm::toString(certifier.takeError()) << "\n";
      return 1;
    }
    product.certifier = &*certifier;
    product.run();
    product.certifier = nullptr;
    std::cout << "{\"seconds\": " << plain << ", \"certified_seconds\": " << secondsSince(start)
              << ", \"cpu_seconds\": " << plainCpu << ", \"certified_cpu_seconds\": " << cpuSeconds() - certifiedCpu
              << ", \"ratio\": " << certifier->finish().ratio << ", \"anonymous_MiB\": " << status("RssAnon:") - before
              << "}" << std::endl;
  }
  return 0;
}
