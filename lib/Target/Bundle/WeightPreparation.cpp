//===- WeightPreparation.cpp - Running the @prepare functions -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/Analysis/PrepareTile.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"
#include "mla/Target/Bundle.h"
#include "mla/Target/CPU/Passes.h"
#include "mla/Target/Native.h"
#include "mla/abi.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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

static std::vector<int64_t> toVector(llvm::ArrayRef<int64_t> list) { return list.vec(); }

/// Describe a function with bound weights before tiling.
static WeightPreparation::Weight describeWeight(mlir::func::FuncOp function) {
  WeightPreparation::Weight weight;
  weight.name = getPreparedName(function).str();
  weight.definition = function;
  auto made = mlir::cast<mlir::RankedTensorType>(function.getResultTypes()[0]);
  weight.spec = {weight.name, dtypeOf(made.getElementType()), toVector(made.getShape())};
  mlir::arith::TruncFOp rounding = findRounding(function);
  weight.madeType = rounding ? dtypeOf(mlir::getElementTypeOrSelf(rounding.getIn())) : weight.spec.dtype;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    weight.inputs.push_back(function.getArgAttrOfType<mlir::StringAttr>(i, kWeightAttr).str());
    auto type = mlir::cast<mlir::RankedTensorType>(function.getArgumentTypes()[i]);
    weight.inputTypes.push_back(dtypeOf(type.getElementType()));
    weight.inputShapes.push_back(toVector(type.getShape()));
  }
  return weight;
}

WeightPreparation::WeightPreparation(mlir::OwningOpRef<mlir::ModuleOp> definitions, std::vector<Weight> list,
                                     std::unique_ptr<mlir::ExecutionEngine> engine)
    : definitions(std::move(definitions)), list(std::move(list)), engine(std::move(engine)) {}
WeightPreparation::WeightPreparation(WeightPreparation &&) = default;
WeightPreparation::~WeightPreparation() = default;

/// Tile the functions. Only public ones have entries.
static llvm::Error tile(mlir::ModuleOp module, RunPasses run) {
  for (auto function : module.getOps<mlir::func::FuncOp>())
    function.setPublic();
  mlir::PassManager pm(module.getContext());
  pm.addPass(createMLATilePrepare());
  buildLinalgPipeline(pm, hostLevel());
  return mlir::failed(run(pm, module, "preparation of weights"))
             ? llvm::createStringError("the preparation of weights cannot be tiled")
             : llvm::Error::success();
}

/// Do not assume alignment: tensors of a safetensors file may begin at any
/// byte, and copying them would need the memory that tiling saves.
static void assumeNoAlignment(mlir::ModuleOp module) {
  module.walk([](mlir::LLVM::LoadOp load) { load.setAlignment(1); });
}

/// Remove the names of weights. The translation to LLVM IR warns of attributes that it does not know, of each with the
/// text of its function, which takes longer than the rest where a weight has many pieces.
static void dropNames(mlir::ModuleOp module) {
  module.walk([](mlir::LLVM::LLVMFuncOp function) {
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      function.removeArgAttr(i, kWeightAttr);
  });
}

static llvm::Error lower(mlir::ModuleOp module, RunPasses run) {
  mlir::PassManager pm(module.getContext());
  buildCPUPipeline(pm, hostLevel());
  if (mlir::failed(run(pm, module, "code that prepares weights")))
    return llvm::createStringError("the preparation of weights cannot be compiled for the host");
  assumeNoAlignment(module);
  dropNames(module);
  return llvm::Error::success();
}

WeightPreparation WeightPreparation::describe(mlir::OwningOpRef<mlir::ModuleOp> definitions) {
  std::vector<Weight> list;
  for (auto function : definitions->getOps<mlir::func::FuncOp>())
    list.push_back(describeWeight(function));
  return WeightPreparation(std::move(definitions), std::move(list), nullptr);
}

llvm::Expected<WeightPreparation> WeightPreparation::compile(mlir::OwningOpRef<mlir::ModuleOp> definitions,
                                                             RunPasses run) {
  auto runAlone = [](mlir::PassManager &pm, mlir::ModuleOp module, llvm::StringRef) { return pm.run(module); };
  run = run ? run : RunPasses(runAlone);
  mlir::OwningOpRef<mlir::ModuleOp> module = definitions->clone();
  WeightPreparation made = describe(std::move(definitions));
  if (llvm::Error error = tile(*module, run))
    return error;
  for (auto [weight, function] : llvm::zip_equal(made.list, module->getOps<mlir::func::FuncOp>()))
    weight.tile = toVector(function->getAttrOfType<mlir::DenseI64ArrayAttr>(kPrepareTileAttr));
  if (llvm::Error error = lower(*module, run))
    return error;
  llvm::Expected<std::unique_ptr<mlir::ExecutionEngine>> engine = compileInProcess(*module);
  if (!engine)
    return engine.takeError();
  for (Weight &weight : made.list) {
    llvm::Expected<void *> symbol = (*engine)->lookup(("mla_entry_" + kPreparePrefix + weight.name).str());
    if (!symbol)
      return symbol.takeError();
    weight.entry = reinterpret_cast<mla_entry_fn>(*symbol);
  }
  made.engine = std::move(*engine);
  return made;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// Return the words of a row-major memref descriptor (mla/abi.h).
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

bool WeightPreparation::Weight::run(llvm::ArrayRef<const void *> data, llvm::ArrayRef<int64_t> offsets, void *made,
                                    void *stored) const {
  std::vector<std::vector<int64_t>> descriptors;
  for (auto [input, shape] : llvm::zip_equal(data, inputShapes))
    descriptors.push_back(descriptor(input, shape));
  descriptors.push_back(descriptor(offsets.data(), {static_cast<int64_t>(offsets.size())}));
  descriptors.push_back(descriptor(made, tile));
  if (isRounded())
    descriptors.push_back(descriptor(stored, tile));
  std::vector<void *> arguments;
  for (std::vector<int64_t> &words : descriptors)
    arguments.push_back(words.data());
  return mla_call_entry(entry, arguments.data()) == 0;
}
