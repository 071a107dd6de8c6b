//===- CheckOnDevice.h - Kernels that check a step --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_CHECKONDEVICE_H
#define MLA_RUNTIME_CHECKONDEVICE_H

#include "Enqueue.h"

#include <array>
#include <functional>

namespace mla {

/// The result of a check for one sequence: mla_step_verdict, mla_row_verdict.
using VerdictWords = std::array<int32_t, 4>;

/// Runs the list of a check on the step's stream, waits, and calls `take` with the verdicts in the order of the
/// sequences, until it returns an error.
Error runCheck(const char *function, const mla_bundle &bundle, const LaunchList &list, schema::List kind,
               const CheckedStep &checked, const std::function<Error(const VerdictWords &)> &take);

/// The same for a type of verdict.
template <typename Verdict, typename Take>
Error runCheck(const char *function, const mla_bundle &bundle, const LaunchList &list, schema::List kind,
               const CheckedStep &checked, Take &&take) {
  static_assert(sizeof(Verdict) == sizeof(VerdictWords));
  return runCheck(function, bundle, list, kind, checked, [&](const VerdictWords &words) -> Error {
    Verdict verdict;
    std::memcpy(&verdict, words.data(), sizeof(verdict));
    return take(verdict);
  });
}

} // namespace mla

#endif // MLA_RUNTIME_CHECKONDEVICE_H
