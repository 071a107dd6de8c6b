//===- EmitPTX.cpp - The code of a GPU bundle   -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Pipeline/EmitPTX.h"
#include "CollectDiagnostics.h"
#include "mla/Pipeline/CompileOptions.h"
#include "mla/Target/PTX.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;

llvm::Expected<std::string> mla::emitPTX(mlir::ModuleOp module) {
  auto modules = module.getOps<mlir::gpu::GPUModuleOp>();
  if (!llvm::hasSingleElement(modules))
    return makeError("PTX: expected one module of kernels");
  CollectDiagnostics diagnostics(module.getContext());
  llvm::Expected<std::string> text = mla::gpu::emitPTX(*modules.begin());
  if (text)
    return text;
  return makeError(llvm::toString(text.takeError()) + ": " + diagnostics.takeErrors() +
                   "; this is a bug in mla-compile: please report it with the output of --emit=nvvm");
}

std::string mla::findPtxas() {
  if (std::optional<std::string> home = llvm::sys::Process::GetEnv("CUDA_HOME")) {
    llvm::SmallString<128> bin(*home);
    llvm::sys::path::append(bin, "bin");
    if (llvm::ErrorOr<std::string> path = llvm::sys::findProgramByName("ptxas", {bin.str()}))
      return *path;
  }
  llvm::ErrorOr<std::string> path = llvm::sys::findProgramByName("ptxas");
  return path ? *path : std::string();
}

llvm::Error mla::assemble(llvm::StringRef ptxas, llvm::StringRef chip, llvm::StringRef ptx, llvm::StringRef cubin) {
  llvm::SmallString<128> log;
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("mla-ptxas", "log", log))
    return makeError("ptxas: cannot create a file for its messages: " + code.message());
  llvm::FileRemover removeLog(log);
  std::string message, arch = ("-arch=" + chip).str();
  int status = llvm::sys::ExecuteAndWait(ptxas, {ptxas, arch, ptx, "-o", cubin}, std::nullopt,
                                         {std::nullopt, log.str(), log.str()}, 0, 0, &message);
  if (auto text = llvm::MemoryBuffer::getFile(log)) {
    llvm::errs() << (status == 0 ? (*text)->getBuffer() : "");
    message += status == 0 ? "" : (*text)->getBuffer().trim().split('\n').first.str();
  }
  if (status == 0)
    return llvm::Error::success();
  return makeError(ptxas + ": cannot assemble the kernels: " + message);
}
