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

/// What a kernel's choices are to be the best for.
struct Purpose {
  int64_t tokens;      ///< of a step
  bool batchInvariant; ///< what is computed for a sequence must not depend on the others in its batch
};

ScheduleAttr defaultSchedule(KernelOp kernel, const Purpose &purpose);

} // namespace mla

#endif // MLA_CONVERSION_MLATOGPU_SCHEDULEDEFAULTS_H
