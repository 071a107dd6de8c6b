//===- mla-opt.cpp - Every pass and pipeline, one at a time -----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Target/CPU/Passes.h"
#include "mla/Target/PTX.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::registerAllPasses();
  mla::registerMLATransformsPasses();
  mla::registerMLAConversionPasses();
  mla::registerMLACPUPasses();
  mla::registerCPUPipelines();
  mlir::PassPipelineRegistration<>("mla-to-nvvm", "Kernels of gpu.module to the LLVM and NVVM dialects",
                                   mla::gpu::buildNVVMPipeline);

  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<mla::MLADialect>();
  mla::registerSpawnToLLVM(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Multi-head Latent Attention optimizer\n", registry));
}
