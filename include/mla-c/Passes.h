/*===-- mla-c/Passes.h - C API of the passes ----------------------*- C -*-===*\
|*                                                                            *|
|* Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.      *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef MLA_C_PASSES_H
#define MLA_C_PASSES_H

#include "mlir-c/Support.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Registers every pass and pipeline under its name in mla-opt, once per process; may be called again. Run them by
/// text, with options if needed: `mla-plan{device=cpu},mla-absorb` (mlirOpPassManagerAddPipeline of mlir-c/Pass.h).
MLIR_CAPI_EXPORTED void mlaRegisterPasses(void);

#ifdef __cplusplus
}
#endif

#endif // MLA_C_PASSES_H
