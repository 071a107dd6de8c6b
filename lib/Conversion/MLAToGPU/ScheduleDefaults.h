//===- ScheduleDefaults.h - Choices where nobody asks -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SCHEDULEDEFAULTS_H
#define MLA_CONVERSION_MLATOGPU_SCHEDULEDEFAULTS_H

#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla {

/// `batchInvariant`: what is computed for a sequence must not depend on the others in its batch.
ScheduleAttr defaultSchedule(KernelOp kernel, Phase phase, bool batchInvariant);

} // namespace mla

#endif // MLA_CONVERSION_MLATOGPU_SCHEDULEDEFAULTS_H
