//===- Probe.h - Start of dynamic shared memory -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_PROBE_H
#define MLA_CONVERSION_MLATOGPU_PROBE_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mla::gpu {

/// Adds the kernel `mla_probe` (mla/abi.h), which writes the address, as .u32, to its argument. The runtime compares it
/// with KernelBuilder::sharedBase, which all other kernels assume.
void emitProbe(mlir::gpu::GPUModuleOp module);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_PROBE_H
