//===- ScheduleKernels.cpp - How kernels are made ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScheduleDefaults.h"
#include "mla/Conversion/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {
#define GEN_PASS_DEF_MLASCHEDULEKERNELS
#include "mla/Conversion/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Functions that say nothing serve prefill: its tiles are right for any number of tokens.
static Phase phaseOf(func::FuncOp function) {
  auto phase = function->getAttrOfType<PhaseAttr>(kPhaseAttr);
  return phase ? phase.getValue() : Phase::Prefill;
}

namespace {
struct MLAScheduleKernels : mla::impl::MLAScheduleKernelsBase<MLAScheduleKernels> {
  using MLAScheduleKernelsBase::MLAScheduleKernelsBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk([&](KernelOp kernel) {
        if (!kernel.getSchedule())
          kernel.setScheduleAttr(defaultSchedule(kernel, phaseOf(function), batchInvariant));
      });
  }
};
} // namespace
