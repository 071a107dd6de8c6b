//===- WeightPreparation.cpp - Running the @prepare functions -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"
#include "mla/Target/Bundle.h"
#include "mla/Target/CPU/Passes.h"
#include "mla/Target/Native.h"
#include "mla/abi.h"

#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/Pass/PassManager.h"

using namespace mla;

static DType dtypeOf(mlir::Type type) {
  if (type.isBF16())
    return DType::BF16;
  if (type.isF16())
    return DType::F16;
  return type.isF32() ? DType::F32 : DType::F8_E4M3;
}

static WeightPreparation::Weight describe(mlir::func::FuncOp function) {
  WeightPreparation::Weight weight;
  weight.name = getPreparedName(function).str();
  auto type = mlir::cast<mlir::RankedTensorType>(function.getResultTypes()[0]);
  weight.spec = {weight.name, dtypeOf(type.getElementType()), type.getShape().vec()};
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    weight.inputs.push_back(function.getArgAttrOfType<mlir::StringAttr>(i, kWeightAttr).str());
    weight.inputShapes.push_back(mlir::cast<mlir::RankedTensorType>(function.getArgumentTypes()[i]).getShape().vec());
  }
  return weight;
}

WeightPreparation::WeightPreparation(std::vector<Weight> list, std::unique_ptr<mlir::ExecutionEngine> engine)
    : list(std::move(list)), engine(std::move(engine)) {}
WeightPreparation::WeightPreparation(WeightPreparation &&) = default;
WeightPreparation::~WeightPreparation() = default;

llvm::Expected<WeightPreparation> WeightPreparation::compile(mlir::OwningOpRef<mlir::ModuleOp> module) {
  std::vector<Weight> list;
  for (auto function : module->getOps<mlir::func::FuncOp>()) {
    list.push_back(describe(function));
    function.setPublic(); // only public functions have entries
  }
  mlir::PassManager pm(module->getContext());
  buildLinalgPipeline(pm);
  buildCPUPipeline(pm);
  if (mlir::failed(pm.run(*module)))
    return llvm::createStringError("the preparation of weights has no code for the host");
  llvm::Expected<std::unique_ptr<mlir::ExecutionEngine>> engine = compileInProcess(*module);
  if (!engine)
    return engine.takeError();
  return WeightPreparation(std::move(list), std::move(*engine));
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// A row-major memref descriptor as mla/abi.h has it, in words.
static std::vector<int64_t> descriptor(const void *data, llvm::ArrayRef<int64_t> shape) {
  auto address = reinterpret_cast<int64_t>(data);
  std::vector<int64_t> words = {address, address, 0};
  words.insert(words.end(), shape.begin(), shape.end());
  int64_t stride = 1;
  words.resize(words.size() + shape.size());
  for (size_t i = shape.size(); i-- > 0; stride *= shape[i])
    words[3 + shape.size() + i] = stride;
  return words;
}

llvm::Error WeightPreparation::run(const Weight &weight, llvm::ArrayRef<const void *> inputs, void *output) const {
  llvm::Expected<void *> symbol = engine->lookup(("mla_entry_" + kPreparePrefix + weight.name).str());
  if (!symbol)
    return symbol.takeError();
  std::vector<std::vector<int64_t>> descriptors;
  for (auto [data, shape] : llvm::zip_equal(inputs, weight.inputShapes))
    descriptors.push_back(descriptor(data, shape));
  descriptors.push_back(descriptor(output, weight.spec.shape));
  std::vector<void *> arguments;
  for (std::vector<int64_t> &words : descriptors)
    arguments.push_back(words.data());
  reinterpret_cast<mla_entry_fn>(*symbol)(arguments.data());
  return llvm::Error::success();
}
