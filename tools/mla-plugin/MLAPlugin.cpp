//===- MLAPlugin.cpp - The dialect and its passes, for mlir-opt -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// --load-dialect-plugin brings the passes too, so that one flag does for both;
// --load-pass-plugin cannot bring a dialect, for no registry is given to it.
//
//===----------------------------------------------------------------------===//

#include "mla/InitAll.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/Support/Compiler.h"

static void registerDialectsAndPasses(mlir::DialectRegistry *registry) {
  mla::registerAllDialects(*registry);
  mla::registerAllPasses();
}

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::DialectPluginLibraryInfo mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "mla", MLA_VERSION, registerDialectsAndPasses};
}

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "mla", MLA_VERSION, mla::registerAllPasses};
}
