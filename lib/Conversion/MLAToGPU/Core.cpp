//===- Core.cpp - Kernels that no function computes -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Core.h"

#include "mla/Dialect/MLA/IR/LaunchWork.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/IR/Sizes.h"
#include "mla/launch_part.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

void mla::gpu::addCore(ModuleOp module, mlir::gpu::GPUModuleOp kernels, schema::Core core, const CoreLaunch &launch,
                       ArrayRef<StringRef> buffers, ArrayRef<AffineExpr> integers) {
  MLIRContext *context = module.getContext();
  auto builder = ImplicitLocOpBuilder::atBlockEnd(module.getLoc(), module.getBody());
  StringRef name = nameOf(core);
  auto list = LaunchesOp::create(builder, name, RegimeAttr(), builder.getArrayAttr({}));
  builder.createBlock(&list.getBody());
  SmallVector<Attribute> arguments;
  for (StringRef buffer : buffers)
    arguments.push_back(PointerAttr::get(context, builder.getStringAttr(buffer), /*offset=*/0));
  for (AffineExpr integer : integers)
    arguments.push_back(ExtentAttr::get(context, mapOf(integer, context)));
  AffineExpr one = builder.getAffineConstantExpr(1);
  auto kernel = SymbolRefAttr::get(kernels.getSymNameAttr(), {FlatSymbolRefAttr::get(context, name)});
  auto op = LaunchOp::create(builder, kernel, AffineMapAttr::get(mapOf({launch.blocks, one, one}, context)),
                             builder.getI64IntegerAttr(launch.threads), builder.getI64IntegerAttr(launch.sharedBytes),
                             UnitAttr(), builder.getArrayAttr(arguments));
  if (!launch.bytes)
    return;
  op->setAttr(kPartAttr, builder.getStringAttr(nameOf(schema::Part::Rest)));
  op->setAttr(kBytesAttr, ExtentAttr::get(context, mapOf(launch.bytes, context)));
  op->setAttr(kFlopsAttr, ExtentAttr::get(context, mapOf(builder.getAffineConstantExpr(0), context)));
}
