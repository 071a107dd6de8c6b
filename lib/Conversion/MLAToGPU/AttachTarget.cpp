//===- AttachTarget.cpp - Attach the GPU target of a module -----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"

#include "mlir/Dialect/DLTI/DLTI.h"

namespace mla {
#define GEN_PASS_DEF_MLAATTACHTARGET
#include "mla/Conversion/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static DataLayoutEntryInterface entry(StringRef key, Attribute value) {
  return DataLayoutEntryAttr::get(StringAttr::get(value.getContext(), key), value);
}

static Attribute systemSpecOf(const TargetInfo &info, MLIRContext *context) {
  Builder builder(context);
  DataLayoutEntryInterface facts[] = {
      entry(TargetInfo::kName, builder.getStringAttr(info.name)),
      entry(TargetInfo::kChip, builder.getStringAttr(info.chip)),
      entry(TargetInfo::kFeatures, builder.getStringAttr(info.features)),
      entry(TargetInfo::kMultiprocessors, builder.getI64IntegerAttr(info.multiprocessors)),
  };
  return TargetSystemSpecAttr::get(context, entry("GPU", TargetDeviceSpecAttr::get(context, facts)));
}

namespace {
struct MLAAttachTarget : mla::impl::MLAAttachTargetBase<MLAAttachTarget> {
  using MLAAttachTargetBase::MLAAttachTargetBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (module->hasAttr(kSpec))
      return;
    const KernelTarget *named = KernelTarget::findNamed(target, module);
    if (!named)
      return signalPassFailure();
    module->setAttr(kSpec, systemSpecOf(named->getInfo(), &getContext()));
  }

  static constexpr llvm::StringLiteral kSpec = "dlti.target_system_spec";
};
} // namespace
