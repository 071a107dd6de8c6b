//===- ScheduleRequest.h - Schedules forced by the user ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mla-compile --schedule=KERNEL:KEY=VALUE,… and the option of
// mla-schedule-kernels.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SCHEDULEREQUEST_H
#define MLA_CONVERSION_MLATOGPU_SCHEDULEREQUEST_H

#include "mla/Dialect/MLA/IR/MLA.h"

#include "llvm/Support/Error.h"

#include <string>

namespace mla {

/// On a kernel, with the text of the request: parts of its schedule were forced, not chosen.
constexpr llvm::StringLiteral kForcedAttr = "mla.forced";

/// Choices for the kernels of a name.
struct ScheduleRequest {
  using Choices = llvm::SmallVector<std::pair<std::string, int64_t>>;

  std::string text;                   ///< as given
  std::string kernel;                 ///< `q`, or with its function `decode.q`
  llvm::SmallVector<Choices> classes; ///< one: the choices of every class
  bool isOneClass = false;            ///< the kernel has one class, for any number of tokens

  bool names(KernelOp kernel) const;
  /// Return the choices as a schedule to be completed. `limits` are those of the classes that the kernel would have.
  ScheduleAttr makeSchedule(KernelOp kernel, llvm::ArrayRef<int64_t> limits) const;
};

/// Parses `KERNEL:KEY=VALUE,…`. Choices of successive classes are separated by `/`; `classes=1` makes one class.
llvm::Expected<ScheduleRequest> parseScheduleRequest(llvm::StringRef text);

/// Parses requests separated by `;`.
llvm::Expected<llvm::SmallVector<ScheduleRequest>> parseScheduleRequests(llvm::StringRef text);

/// Runs `check`. If the kernel's schedule was forced, its first error names the request.
llvm::LogicalResult checkForced(KernelOp kernel, llvm::function_ref<llvm::LogicalResult()> check);

} // namespace mla

#endif // MLA_CONVERSION_MLATOGPU_SCHEDULEREQUEST_H
