//===- Dialects.cpp - C API of the mla dialect ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla-c/Dialects.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/InitAll.h"

#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Registration.h"
#include "mlir/CAPI/Support.h"
#include "mlir/CAPI/Utils.h"

#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace mla;

MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(MLA, mla, mla::MLADialect)

void mlaRegisterAllDialects(MlirDialectRegistry registry) { mla::registerAllDialects(*unwrap(registry)); }

/// Return the context with the dialect loaded: MLIR aborts when a type or
/// attribute of an unloaded dialect is created.
static MLIRContext *contextOf(Location loc) {
  loc.getContext()->getOrLoadDialect<MLADialect>();
  return loc.getContext();
}

//===----------------------------------------------------------------------===//
// !mla.cache
//===----------------------------------------------------------------------===//

static CacheType unwrapCache(MlirType type) { return cast<CacheType>(unwrap(type)); }

bool mlaTypeIsACache(MlirType type) { return isa<CacheType>(unwrap(type)); }

MlirTypeID mlaCacheTypeGetTypeID() { return wrap(CacheType::getTypeID()); }

MlirType mlaCacheTypeGetChecked(MlirLocation location, int64_t page, int64_t latent, int64_t rope,
                                MlirType elementType) {
  Location loc = unwrap(location);
  return wrap(CacheType::getChecked([&] { return emitError(loc); }, contextOf(loc), page, latent, rope,
                                    unwrap(elementType), CacheFormat::Standard));
}

int64_t mlaCacheTypeGetPage(MlirType type) { return unwrapCache(type).getPage(); }
int64_t mlaCacheTypeGetLatent(MlirType type) { return unwrapCache(type).getLatent(); }
int64_t mlaCacheTypeGetRope(MlirType type) { return unwrapCache(type).getRope(); }
MlirType mlaCacheTypeGetElementType(MlirType type) { return wrap(unwrapCache(type).getElementType()); }

MlirType mlaCacheTypeGetPagesType(MlirType type) { return wrap(unwrapCache(type).getPagesType()); }
MlirType mlaCacheTypeGetBlockTableType(MlirType type) { return wrap(unwrapCache(type).getBlockTableType()); }
MlirType mlaCacheTypeGetLengthsType(MlirType type) { return wrap(unwrapCache(type).getLengthsType()); }

//===----------------------------------------------------------------------===//
// #mla.regime and #mla.plan
//===----------------------------------------------------------------------===//

static_assert(MlaPhasePrefill == static_cast<int>(Phase::Prefill) && MlaPhaseDecode == static_cast<int>(Phase::Decode));
static_assert(MlaFormNaive == static_cast<int>(Form::Naive) && MlaFormAbsorb == static_cast<int>(Form::Absorb) &&
              MlaFormFold == static_cast<int>(Form::Fold));
static_assert(MLA_UNBOUNDED == Range::kUnbounded);

/// Return the enumerator's value. C allows any value, but reading an invalid enumerator is undefined in C++.
template <typename Enum> static uint32_t numberOf(const Enum &enumerator) {
  return llvm::bit_cast<uint32_t>(enumerator);
}

static Range unwrap(MlaRange range) { return {range.first, range.last}; }
static MlaRange wrap(Range range) { return {range.first, range.last}; }
static RegimeAttr unwrapRegime(MlirAttribute attribute) { return cast<RegimeAttr>(unwrap(attribute)); }
static PlanAttr unwrapPlan(MlirAttribute attribute) { return cast<PlanAttr>(unwrap(attribute)); }

bool mlaAttributeIsARegime(MlirAttribute attribute) { return isa<RegimeAttr>(unwrap(attribute)); }

MlirTypeID mlaRegimeAttrGetTypeID() { return wrap(RegimeAttr::getTypeID()); }

MlirAttribute mlaRegimeAttrGetChecked(MlirLocation location, MlaPhase phase, MlaRange tokens, MlaRange contexts,
                                      MlaForm q, MlaForm o) {
  Location loc = unwrap(location);
  std::optional<Phase> knownPhase = symbolizePhase(numberOf(phase));
  std::optional<Form> knownQ = symbolizeForm(numberOf(q)), knownO = symbolizeForm(numberOf(o));
  if (!knownPhase || !knownQ || !knownO)
    return emitError(loc, "invalid phase or form: phase ")
               << numberOf(phase) << ", q " << numberOf(q) << ", o " << numberOf(o),
           MlirAttribute{nullptr};
  return wrap(RegimeAttr::getChecked([&] { return emitError(loc); }, contextOf(loc), *knownPhase, unwrap(tokens),
                                     unwrap(contexts), *knownQ, *knownO));
}

MlaPhase mlaRegimeAttrGetPhase(MlirAttribute regime) { return static_cast<MlaPhase>(unwrapRegime(regime).getPhase()); }
MlaRange mlaRegimeAttrGetTokens(MlirAttribute regime) { return wrap(unwrapRegime(regime).getTokens()); }
MlaRange mlaRegimeAttrGetContexts(MlirAttribute regime) { return wrap(unwrapRegime(regime).getContexts()); }
MlaForm mlaRegimeAttrGetQ(MlirAttribute regime) { return static_cast<MlaForm>(unwrapRegime(regime).getQ()); }
MlaForm mlaRegimeAttrGetO(MlirAttribute regime) { return static_cast<MlaForm>(unwrapRegime(regime).getO()); }

bool mlaAttributeIsAPlan(MlirAttribute attribute) { return isa<PlanAttr>(unwrap(attribute)); }

MlirTypeID mlaPlanAttrGetTypeID() { return wrap(PlanAttr::getTypeID()); }

MlirAttribute mlaPlanAttrGetChecked(MlirLocation location, intptr_t numRegimes, MlirAttribute const *regimes,
                                    MlirStringRef why) {
  Location loc = unwrap(location);
  SmallVector<RegimeAttr> all;
  for (MlirAttribute attribute : ArrayRef(regimes, numRegimes)) {
    auto regime = dyn_cast_or_null<RegimeAttr>(unwrap(attribute));
    if (!regime)
      return emitError(loc, "expected regime ") << all.size() << " of a plan to be a #mla.regime",
             MlirAttribute{nullptr};
    all.push_back(regime);
  }
  return wrap(PlanAttr::getChecked([&] { return emitError(loc); }, contextOf(loc), ArrayRef(all), unwrap(why)));
}

intptr_t mlaPlanAttrGetNumRegimes(MlirAttribute plan) { return unwrapPlan(plan).getRegimes().size(); }
MlirAttribute mlaPlanAttrGetRegime(MlirAttribute plan, intptr_t index) {
  return wrap(unwrapPlan(plan).getRegimes()[index]);
}
MlirStringRef mlaPlanAttrGetWhy(MlirAttribute plan) { return wrap(unwrapPlan(plan).getWhy()); }
