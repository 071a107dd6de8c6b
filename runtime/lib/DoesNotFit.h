//===- DoesNotFit.h - What a model needs of a device ---------- -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_DOESNOTFIT_H
#define MLA_RUNTIME_DOESNOTFIT_H

#include "CudaContext.h"
#include "Manifest.h"

namespace mla {

/// Returns the error of weights of so many bytes that the device has no memory for: how much is missing, and what would
/// fit. The context must be current.
Error weightsDoNotFit(const std::string &where, const CudaContext &context, const Manifest &manifest, uint64_t bytes);

/// Returns what to compile instead, for a device with so many free bytes.
std::string adviseToFit(const Manifest &manifest, uint64_t bytes, uint64_t free);

} // namespace mla

#endif // MLA_RUNTIME_DOESNOTFIT_H
