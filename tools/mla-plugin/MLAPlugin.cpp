//===- MLAPlugin.cpp - Plugin for mlir-opt --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// --load-dialect-plugin also registers the passes, so that one flag is enough;
// --load-pass-plugin cannot register a dialect because it is not given a
// registry.
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
