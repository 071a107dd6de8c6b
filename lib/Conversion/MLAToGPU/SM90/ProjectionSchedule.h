//===- ProjectionSchedule.h - Schedules of projections ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the kinds of projections share: keys, choices, and classes of steps.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_PROJECTIONSCHEDULE_H
#define MLA_CONVERSION_MLATOGPU_SM90_PROJECTIONSCHEDULE_H

#include "Projection.h"

#include "mla/Dialect/MLA/IR/KernelKind.h"

namespace mla::gpu {

/// Return the keys of a schedule; `splits` is the last.
llvm::ArrayRef<ScheduleKey> projectionKeys();

/// Return the default limits of classes, and the default choices of one, of a kernel that also appends or not.
llvm::SmallVector<int64_t> limitsOf(const ProjectionDims &dims, const Purpose &purpose, const TargetInfo &target);
KernelKind::Choices scheduleOf(const ProjectionDims &dims, const Purpose &purpose, const TargetInfo &target,
                               bool appends = false);

/// Calls `add` with the choices of each class of a complete schedule, and with an expression that is 1 if a step of
/// `tokens` tokens is of the class, else 0. Their limits are the launches' choice.
llvm::LogicalResult
forEachClass(ScheduleAttr schedule, mlir::AffineExpr tokens, Launches &launches,
             llvm::function_ref<llvm::LogicalResult(const ProjectionChoices &, mlir::AffineExpr)> add);

/// Emits an error if no kernel can follow the choices.
llvm::LogicalResult checkChoices(KernelOp kernel, const ProjectionShape &shape);

/// Return the launch of the product of `tokens` tokens, without arguments: as many CTAs as run concurrently, and none
/// without tokens. They take tiles in turn.
Launch launchOfProduct(const ProjectionShape &shape, mlir::AffineExpr tokens);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_PROJECTIONSCHEDULE_H
