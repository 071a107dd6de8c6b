//===- InitAll.cpp - Everything there is to register ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mla-opt, the plugin and the C API know the same passes because all three ask
// here.
//
//===----------------------------------------------------------------------===//

#include "mla/InitAll.h"

#include "mla/Conversion/MLAToGPU/Targets.h"
#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Target/CPU/Passes.h"
#include "mla/Target/PTX.h"

void mla::registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<MLADialect>();
  registerGPUTargets(registry);
  registerSpawnToLLVM(registry);
  registerCollectivesBufferization(registry);
}

static bool registerPassesOnce() {
  mla::registerMLATransformsPasses();
  mla::registerMLAConversionPasses();
  mla::registerMLACPUPasses();
  mla::registerCPUPipelines();
  mlir::PassPipelineRegistration<>("mla-to-nvvm", "Kernels of gpu.module to the LLVM and NVVM dialects",
                                   mla::gpu::buildNVVMPipeline);
  return true;
}

void mla::registerAllPasses() { [[maybe_unused]] static bool done = registerPassesOnce(); }
