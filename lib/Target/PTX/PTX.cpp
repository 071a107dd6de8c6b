//===- PTX.cpp - From generated kernels to PTX ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/PTX.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

void mla::gpu::buildNVVMPipeline(OpPassManager &pm) {
  pm.addNestedPass<mlir::gpu::GPUModuleOp>(createSCFToControlFlowPass());
  pm.addNestedPass<mlir::gpu::GPUModuleOp>(createArithToLLVMConversionPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addNestedPass<mlir::gpu::GPUModuleOp>(createConvertNVVMToLLVMPass());
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>> makeTargetMachine(NVVM::NVVMTargetAttr spec) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  llvm::Triple triple(spec.getTriple());
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return llvm::createStringError("PTX: this LLVM has no NVPTX target: " + error + "; use one that has it");
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(triple, spec.getChip(), spec.getFeatures(), llvm::TargetOptions(), std::nullopt,
                                  std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

/// Run light optimization only. The default pipelines hoist loop-invariant code over accumulators of hundreds of
/// registers, which makes ptxas spill.
static llvm::Error optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PassBuilder builder(&machine);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager pm;
  if (llvm::Error error =
          builder.parsePassPipeline(pm, "function(sroa,instcombine<no-verify-fixpoint>,simplifycfg,early-cse,adce)"))
    return error;
  pm.run(module, modules);
  return llvm::Error::success();
}

static llvm::Expected<std::string> print(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager pm;
  if (machine.addPassesToEmitFile(pm, stream, nullptr, llvm::CodeGenFileType::AssemblyFile))
    return llvm::createStringError("PTX: this LLVM cannot write PTX");
  pm.run(module);
  return text.str().str();
}

llvm::Expected<std::string> mla::gpu::emitPTX(mlir::gpu::GPUModuleOp module) {
  auto targets = module.getTargetsAttr();
  auto spec = targets && targets.size() == 1 ? dyn_cast<NVVM::NVVMTargetAttr>(targets[0]) : nullptr;
  if (!spec)
    return llvm::createStringError("PTX: expected one #nvvm.target on the module of kernels; run convert-mla-to-gpu");
  MLIRContext &context = *module.getContext();
  registerBuiltinDialectTranslation(context);
  registerGPUDialectTranslation(context);
  registerLLVMDialectTranslation(context);
  registerNVVMDialectTranslation(context);
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> translated = translateModuleToLLVMIR(module, llvmContext, module.getName());
  if (!translated)
    return llvm::createStringError("PTX: kernels cannot be translated to LLVM IR");
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine = makeTargetMachine(spec);
  if (!machine)
    return machine.takeError();
  translated->setTargetTriple((*machine)->getTargetTriple());
  translated->setDataLayout((*machine)->createDataLayout());
  if (llvm::Error error = optimize(*translated, **machine))
    return error;
  return print(*translated, **machine);
}
