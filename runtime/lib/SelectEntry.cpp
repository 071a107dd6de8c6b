//===- SelectEntry.cpp - Selection of the entry for a step ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bundle.h"
#include "Status.h"

#include "mla/abi.h"

using namespace mla;

static Result<mla_phase> resolvePhase(const char *function, mla_phase phase, int64_t maxQueries) {
  bool fitsDecode = maxQueries <= MLA_MAX_DECODE_QUERIES;
  if (phase == MLA_PHASE_AUTO)
    return fitsDecode ? MLA_PHASE_DECODE : MLA_PHASE_PREFILL;
  if (phase != MLA_PHASE_PREFILL && phase != MLA_PHASE_DECODE)
    return badArgument(function, "phase is " + std::to_string(static_cast<int>(phase)) + "; use a value of mla_phase");
  if (phase == MLA_PHASE_DECODE && !fitsDecode)
    return badArgument(function, "a sequence of the batch has " + std::to_string(maxQueries) +
                                     " query tokens, decode serves up to " + std::to_string(MLA_MAX_DECODE_QUERIES) +
                                     "; use MLA_PHASE_AUTO or _PREFILL");
  return phase;
}

Result<int64_t> mla::selectEntry(const char *function, const mla_bundle &bundle, int64_t layer, mla_phase asked,
                                 int64_t maxQueries, int64_t maxLength) {
  Result<mla_phase> phase = resolvePhase(function, asked, maxQueries);
  if (!phase)
    return phase.error();
  for (int64_t i = 0; i < bundle.info.num_entries; ++i) {
    const ManifestEntry &entry = bundle.manifest.entries[i];
    if (entry.serves(layer) && entry.phase == *phase && entry.tokens.covers(maxQueries) &&
        entry.contexts.covers(maxLength))
      return i;
  }
  return Error(ErrorKind::Unsupported, std::string(function) + ": bundle " + bundle.path + " has no " +
                                           (*phase == MLA_PHASE_DECODE ? "decode" : "prefill") + " entry for " +
                                           std::to_string(maxQueries) + " query tokens on " +
                                           std::to_string(maxLength) +
                                           " cached ones; compile it with a plan that has one");
}
