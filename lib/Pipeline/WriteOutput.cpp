//===- WriteOutput.cpp - The output of a compilation ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WriteOutput.h"
#include "Output.h"
#include "Summary.h"
#include "mla/Pipeline/EmitBundle.h"
#include "mla/Pipeline/EmitPTX.h"

#include "mlir/IR/OperationSupport.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;

static llvm::Expected<uint64_t> writeSized(llvm::StringRef path, llvm::StringRef text) {
  if (llvm::Error error = writeText(path, text))
    return error;
  return text.size();
}

static llvm::Expected<uint64_t> writeModule(mlir::ModuleOp module, llvm::StringRef path) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, mlir::OpPrintingFlags().printNameLocAsPrefix());
  return writeSized(path, text);
}

static llvm::Expected<uint64_t> writePTX(mlir::ModuleOp module, const CompileOptions &options) {
  options.progress("PTX");
  llvm::Expected<std::string> text = emitPTX(module);
  if (!text)
    return text.takeError();
  return writeSized(options.output, *text);
}

/// Write the output and return its size in bytes.
static llvm::Expected<uint64_t> write(mlir::ModuleOp module, Source *source, const CompileOptions &options) {
  if (options.emit == Stage::PTX)
    return writePTX(module, options);
  if (options.emit != Stage::Bundle)
    return writeModule(module, options.output);
  if (llvm::Error error = emitBundle(module, *source->checkpoint, source->configText, options, options.output))
    return error;
  return sizeOfFiles(options.output);
}

llvm::Error mla::writeOutput(mlir::ModuleOp module, Source *source, llvm::ArrayRef<importer::WeightSpec> specs,
                             const CompileOptions &options) {
  llvm::Expected<uint64_t> bytes = write(module, source, options);
  if (!bytes)
    return bytes.takeError();
  options.progress("");
  llvm::errs() << "mla-compile: " << (options.output == "-" ? "standard output" : options.output) << ": "
               << summarize(module, specs, source && source->madeWeights, options, *bytes) << "\n";
  return llvm::Error::success();
}
