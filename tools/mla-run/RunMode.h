//===- RunMode.h - Running a mode on an open bundle -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_RUNMODE_H
#define MLA_RUN_RUNMODE_H

#include "Options.h"

#include "mla/error.h"
#include "mla/runtime.h"

namespace mla::run {

/// Run the options' mode on the bundle, opened as the mode requires. Return whether all that it checks is right.
Result<bool> runMode(const Options &options, mla_bundle *bundle);

} // namespace mla::run

#endif // MLA_RUN_RUNMODE_H
