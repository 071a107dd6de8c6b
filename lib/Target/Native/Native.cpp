//===- Native.cpp - The host's machine code -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/Native.h"
#include "LinkShared.h"

#include "mla/abi.h"

#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;

void mla::registerNativeTarget(DialectRegistry &registry) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createMachine(const mla::CPULevel &level, llvm::Reloc::Model relocations = llvm::Reloc::PIC_,
              std::optional<llvm::CodeModel::Model> model = std::nullopt) {
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  std::string message;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return llvm::createStringError("host: no code generator for " + triple.str() + ": " + message);
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, level.cpu, level.features, llvm::TargetOptions(), relocations, model, llvm::CodeGenOptLevel::Aggressive));
  if (!machine)
    return llvm::createStringError("host: no target machine for " + triple.str());
  return machine;
}

/// Request full-width vectors: by default LLVM uses half of them on processors with AVX-512.
static void requestVectorWidth(llvm::Module &module, const mla::CPULevel &level) {
  for (llvm::Function &function : module)
    if (!function.isDeclaration() && !level.vectorBits.empty())
      function.addFnAttr("prefer-vector-width", level.vectorBits);
}

static std::unique_ptr<llvm::Module> translate(Operation *module, const mla::CPULevel &level,
                                               llvm::LLVMContext &context) {
  std::unique_ptr<llvm::Module> translated = translateModuleToLLVMIR(module, context, "mla");
  if (translated)
    requestVectorWidth(*translated, level);
  return translated;
}

static llvm::Error emitObject(llvm::Module &module, llvm::TargetMachine &machine, llvm::StringRef path) {
  std::error_code code;
  llvm::raw_fd_ostream stream(path, code);
  if (code)
    return llvm::createFileError(path, code);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("host: the code generator cannot write object files");
  passes.run(module);
  stream.close();
  code = stream.error();
  stream.clear_error(); // otherwise the stream aborts the process
  return code ? mla::noSpace(path, code) : llvm::Error::success();
}

/// Adds a text that the shared object exports.
static void addText(llvm::Module &module, llvm::StringRef name, llvm::StringRef text) {
  llvm::Constant *value = llvm::ConstantDataArray::getString(module.getContext(), text);
  new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true, llvm::GlobalValue::ExternalLinkage, value,
                           name);
}

llvm::Error mla::emitSharedObject(ModuleOp module, const CPULevel &level, llvm::StringRef compiledFor,
                                  llvm::StringRef path) {
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine = createMachine(level);
  if (!machine)
    return machine.takeError();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> translated = translate(module, level, context);
  if (!translated)
    return llvm::createStringError("the module of the LLVM dialect cannot be translated to LLVM IR");
  addText(*translated, MLA_COMPILED_FOR, compiledFor);
  translated->setDataLayout((*machine)->createDataLayout());
  translated->setTargetTriple((*machine)->getTargetTriple());
  if (llvm::Error error = makeOptimizingTransformer(3, 0, machine->get())(translated.get()))
    return error;

  llvm::SmallString<128> object;
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("mla", "o", object))
    return llvm::createFileError("temporary object file", code);
  llvm::FileRemover remover(object);
  if (llvm::Error error = emitObject(*translated, **machine, object))
    return error;
  return linkShared(object, path);
}

llvm::Expected<std::unique_ptr<ExecutionEngine>> mla::compileInProcess(ModuleOp module) {
  const CPULevel &level = hostLevel();
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine = createMachine(level);
  if (!machine)
    return machine.takeError();
  ExecutionEngineOptions options;
  auto optimize = makeOptimizingTransformer(3, 0, machine->get());
  auto build = [&](Operation *op, llvm::LLVMContext &context) { return translate(op, level, context); };
  options.llvmModuleBuilder = build;
  options.transformer = optimize;
  options.jitCodeGenOptLevel = llvm::CodeGenOptLevel::Aggressive;
  // Use the large code model: next to terabytes of mapped weights, sections may be more than 2 GiB apart, and
  // RuntimeDyld silently truncates longer distances.
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> own =
      createMachine(level, llvm::Reloc::Static, llvm::CodeModel::Large);
  if (!own)
    return own.takeError();
  return ExecutionEngine::create(module, options, std::move(*own));
}
