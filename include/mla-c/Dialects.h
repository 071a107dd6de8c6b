/*===-- mla-c/Dialects.h - C API of the mla dialect ---------------*- C -*-===*\
|*                                                                            *|
|* Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.      *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Beside MLIR's own C API (mlir-c/IR.h) and as that does it: values are      *|
|* handles into a context and live as long as it; a function that reads a     *|
|* type or attribute wants one of its kind, as the IsA functions tell it, and *|
|* a function that makes one loads the dialect.                               *|
|* Operations are made and read by MLIR's generic functions; what they mean   *|
|* is in the dialect's reference.                                             *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef MLA_C_DIALECTS_H
#define MLA_C_DIALECTS_H

#include "mlir-c/IR.h"

#ifdef __cplusplus
extern "C" {
#endif

MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(MLA, mla);

/// Inserts the dialect, and the interfaces that upstream's passes need on its operations. The pipelines to code also
/// need upstream's dialects in the registry (mlirRegisterAllDialects of mlir-c/RegisterEverything.h).
MLIR_CAPI_EXPORTED void mlaRegisterAllDialects(MlirDialectRegistry registry);

//===----------------------------------------------------------------------===//
// !mla.cache: a layer's paged latent cache.
//===----------------------------------------------------------------------===//

MLIR_CAPI_EXPORTED bool mlaTypeIsACache(MlirType type);

MLIR_CAPI_EXPORTED MlirTypeID mlaCacheTypeGetTypeID(void);

/// Creates `!mla.cache<page = …, latent = …, rope = …, elementType>`: tokens per page, and elements of a token's latent
/// and of its k_rope (0 without k_rope). If a number or the element type is invalid, returns a null type and emits a
/// diagnostic at `location`.
MLIR_CAPI_EXPORTED MlirType mlaCacheTypeGetChecked(MlirLocation location, int64_t page, int64_t latent, int64_t rope,
                                                   MlirType elementType);

MLIR_CAPI_EXPORTED int64_t mlaCacheTypeGetPage(MlirType type);
MLIR_CAPI_EXPORTED int64_t mlaCacheTypeGetLatent(MlirType type);
MLIR_CAPI_EXPORTED int64_t mlaCacheTypeGetRope(MlirType type);
MLIR_CAPI_EXPORTED MlirType mlaCacheTypeGetElementType(MlirType type);

/// Return the three tensors that a value of the type stands for: pages `[pages, page, latent + rope]` of the element
/// type, block table `[batch, max pages]` of i32, lengths `[batch]` of i32.
MLIR_CAPI_EXPORTED MlirType mlaCacheTypeGetPagesType(MlirType type);
MLIR_CAPI_EXPORTED MlirType mlaCacheTypeGetBlockTableType(MlirType type);
MLIR_CAPI_EXPORTED MlirType mlaCacheTypeGetLengthsType(MlirType type);

//===----------------------------------------------------------------------===//
// #mla.regime and #mla.plan: the chosen forms.
//===----------------------------------------------------------------------===//

typedef enum MlaPhase { MlaPhasePrefill = 0, MlaPhaseDecode = 1 } MlaPhase;

/// The form of a side's up-projection.
typedef enum MlaForm { MlaFormNaive = 0, MlaFormAbsorb = 1, MlaFormFold = 2 } MlaForm;

/// The numbers from `first` to `last`, inclusive; a last of MLA_UNBOUNDED means no bound.
typedef struct MlaRange {
  int64_t first, last;
} MlaRange;
#define MLA_UNBOUNDED INT64_C(-1)

MLIR_CAPI_EXPORTED bool mlaAttributeIsARegime(MlirAttribute attribute);

MLIR_CAPI_EXPORTED MlirTypeID mlaRegimeAttrGetTypeID(void);

/// Creates `#mla.regime<{phase = …, tokens = …, context = …, q = …, o = …}>`: the forms of both sides for steps whose
/// most query tokens of a sequence are in `tokens`, and whose longest sequence has a number of cached tokens in
/// `contexts`. If a range or an enumerator is invalid, returns a null attribute and emits a diagnostic at `location`.
MLIR_CAPI_EXPORTED MlirAttribute mlaRegimeAttrGetChecked(MlirLocation location, MlaPhase phase, MlaRange tokens,
                                                         MlaRange contexts, MlaForm q, MlaForm o);

MLIR_CAPI_EXPORTED MlaPhase mlaRegimeAttrGetPhase(MlirAttribute regime);
MLIR_CAPI_EXPORTED MlaRange mlaRegimeAttrGetTokens(MlirAttribute regime);
MLIR_CAPI_EXPORTED MlaRange mlaRegimeAttrGetContexts(MlirAttribute regime);
MLIR_CAPI_EXPORTED MlaForm mlaRegimeAttrGetQ(MlirAttribute regime);
MLIR_CAPI_EXPORTED MlaForm mlaRegimeAttrGetO(MlirAttribute regime);

MLIR_CAPI_EXPORTED bool mlaAttributeIsAPlan(MlirAttribute attribute);

MLIR_CAPI_EXPORTED MlirTypeID mlaPlanAttrGetTypeID(void);

/// Creates `#mla.plan<[regimes], why = "…">`; copies both. If a regime is no #mla.regime, or those of a phase overlap
/// or leave a step out, returns a null attribute and emits a diagnostic at `location`. mla-absorb follows the plan that
/// is `mla.plan` on a module.
MLIR_CAPI_EXPORTED MlirAttribute mlaPlanAttrGetChecked(MlirLocation location, intptr_t numRegimes,
                                                       MlirAttribute const *regimes, MlirStringRef why);

MLIR_CAPI_EXPORTED intptr_t mlaPlanAttrGetNumRegimes(MlirAttribute plan);
/// Returns a regime, 0 to the number of regimes - 1.
MLIR_CAPI_EXPORTED MlirAttribute mlaPlanAttrGetRegime(MlirAttribute plan, intptr_t index);
/// Lives as long as the context.
MLIR_CAPI_EXPORTED MlirStringRef mlaPlanAttrGetWhy(MlirAttribute plan);

#ifdef __cplusplus
}
#endif

#endif // MLA_C_DIALECTS_H
