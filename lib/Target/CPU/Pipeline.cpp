//===- Pipeline.cpp - From mla operations to the LLVM dialect -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/Passes.h"
#include "mla/Target/CPU/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mla;

static void simplify(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void mla::buildLinalgPipeline(OpPassManager &pm, const CPULevel &level) {
  pm.addPass(createMLAToLinalg({level.hasMatrixTiles}));
  // Until here, casts of whole tensors are arith operations on tensors.
  pm.addNestedPass<func::FuncOp>(createConvertElementwiseToLinalgPass());
  simplify(pm);
}

/// Vectorize products; accumulators stay in registers across the loop.
static void vectorize(OpPassManager &pm, const CPULevel &level) {
  MLACPUVectorizeOptions sizes;
  sizes.rows = level.rows;
  sizes.columns = level.columns;
  pm.addNestedPass<func::FuncOp>(createMLACPUVectorize(sizes));
  simplify(pm);
  pm.addNestedPass<func::FuncOp>(createLoopInvariantSubsetHoistingPass());
  simplify(pm);
}

/// Maximum size of a stack buffer in a body of parallel work.
static constexpr unsigned kLargestStackBuffer = 512 * 1024;

static void bufferize(OpPassManager &pm) {
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  pm.addPass(createMLACPUBufferize());
  simplify(pm);
  pm.addPass(createMLACPUDropReturned());
  bufferization::BufferResultsToOutParamsPassOptions results;
  results.modifyPublicFunctions = true;
  results.hoistDynamicAllocs = true;
  pm.addPass(bufferization::createBufferResultsToOutParamsPass(results));
  simplify(pm);
  pm.addNestedPass<func::FuncOp>(bufferization::createBufferLoopHoistingPass());
  bufferization::PromoteBuffersToStackPassOptions stack;
  stack.maxAllocSizeInBytes = kLargestStackBuffer;
  pm.addNestedPass<func::FuncOp>(bufferization::createPromoteBuffersToStackPass(stack));
  bufferization::buildBufferDeallocationPipeline(pm, bufferization::BufferDeallocationPipelineOptions());
  simplify(pm);
}

static void lowerVectors(OpPassManager &pm) {
  VectorTransferToSCFOptions unrolled; // keep vectors of several rows in registers
  unrolled.enableFullUnroll();
  pm.addNestedPass<func::FuncOp>(createConvertVectorToSCFPass(unrolled));
  ConvertVectorToLLVMPassOptions options;
  options.vectorContractLowering = vector::VectorContractLowering::OuterProduct;
  options.reassociateFPReductions = false;
  pm.addPass(createConvertVectorToLLVMPass(options));
}

void mla::buildCPUPipeline(OpPassManager &pm, const CPULevel &level) {
  pm.addPass(createMLACPUShareEntries());
  vectorize(pm, level);
  bufferize(pm);
  if (level.hasMatrixTiles)
    pm.addNestedPass<func::FuncOp>(createMLACPUMatrixTiles());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  pm.addPass(createMLACPUOutline());
  simplify(pm);
  pm.addNestedPass<func::FuncOp>(createMLACPUMath());
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = !level.roundsToBF16;
  pm.addNestedPass<func::FuncOp>(arith::createArithExpandOpsPass(expand));
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  lowerVectors(pm);
  pm.addNestedPass<func::FuncOp>(createMLACPUMarkEntries());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createMLACPUHoistAllocas());
  pm.addPass(createMLACPUAllocations());
  pm.addPass(createMLACPUEntries());
  simplify(pm);
}

void mla::registerCPUPipelines() {
  PassPipelineRegistration<>("mla-to-cpu", "mla operations to the LLVM dialect of the host", [](OpPassManager &pm) {
    buildLinalgPipeline(pm, hostLevel());
    buildCPUPipeline(pm, hostLevel());
  });
}
