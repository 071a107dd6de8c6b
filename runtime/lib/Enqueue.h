//===- Enqueue.h - Checks of enqueued calls ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_ENQUEUE_H
#define MLA_RUNTIME_ENQUEUE_H

#include "Bundle.h"
#include "Cache.h"
#include "CopyStruct.h"
#include "Profile.h"
#include "StepVerdict.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

namespace mla {

/// Checks the fields of one of the API's structs and keeps the first error, which names the field.
class FieldChecker {
public:
  FieldChecker(const char *function, Error &error) : function(function), error(error) {}

  void size(const char *name, int64_t value, int64_t least, int64_t most = INT32_MAX);
  /// Checks that the product of two checked sizes fits 32 bits.
  void product(const char *name, int64_t left, const char *otherName, int64_t right);
  /// Checks that the pointer is not null, and aligned.
  void pointer(const char *name, const void *pointer, uint64_t alignment);
  /// Checks both arrays of a layer, each of this many bytes. Entries may write the first rows of out before they read
  /// the last of hidden.
  void hiddenAndOut(const void *hidden, const void *out, uint64_t bytes, uint64_t alignment);
  void fail(const std::string &what);
  bool failed() const { return static_cast<bool>(error); }

private:
  const char *function;
  Error &error;
};

constexpr uint64_t bf16Alignment = alignmentOf(Element::BF16), int32Alignment = alignmentOf(Element::I32);

/// Copies a step, whose first release ended with `stream`.
template <typename Struct> Error copyStruct(const char *function, const char *name, const Struct *given, Struct &copy) {
  return copySized(function, name, given, offsetof(Struct, stream) + sizeof(given->stream), copy);
}

/// Checks that the bundle is open, with its code.
Error checkOpenBundle(const char *function, const mla_bundle *bundle);

/// Checks that the bundle is open, and for a GPU.
Error checkGpuBundle(const char *function, const mla_bundle *bundle);

/// Returns the core's launch list, if the bundle is open and has it.
Error findCore(const char *function, const mla_bundle *bundle, schema::Core core, const LaunchList *&list);

/// Returns the sizes common to all structs, which have the same names in each.
template <typename Struct> Sizes sizesOfQueries(const Struct &given) {
  Sizes sizes;
  sizes[Size::Tokens] = given.tokens;
  sizes[Size::Batch] = given.batch;
  sizes[Size::MaxQueries] = given.max_queries;
  sizes[Size::MaxLength] = given.max_length;
  sizes[Size::Cached] = given.cached;
  return sizes;
}

/// Returns those of a struct with a paged cache.
template <typename Struct> Sizes sizesOfPaged(const Struct &given) {
  Sizes sizes = sizesOfQueries(given);
  sizes[Size::Pages] = given.num_pages;
  sizes[Size::TableWidth] = given.table_width;
  return sizes;
}

/// Checks tokens, batch, max_queries and max_length. Later checks rely on it.
void checkQueries(FieldChecker &check, const Sizes &sizes, int64_t mostQueries = INT32_MAX);
/// Checks `cached` of a struct in which it has no default.
void checkCached(FieldChecker &check, const Sizes &sizes);
/// Checks num_pages, table_width and `cached`, and replaces 0 by its default.
void checkPaged(FieldChecker &check, const mla_bundle_info &info, Sizes &sizes);

/// Checks the pointers to a step's tables.
template <typename Struct> void checkTables(FieldChecker &check, const Struct &given) {
  check.pointer("cu_seqlens", given.cu_seqlens, int32Alignment);
  check.pointer("block_table", given.block_table, int32Alignment);
  check.pointer("lengths", given.lengths, int32Alignment);
}

/// Checks all sizes of a step, and replaces a `cached` of 0 by its default.
void checkStepSizes(FieldChecker &check, const mla_bundle_info &info, Sizes &sizes);

/// The arrays of the ends of a model.
struct EndArrays {
  const int32_t *ids;
  void *hidden;
  float *logits;
  int32_t *next;
};

/// Binds the buffers of a list of that kind, whose names are those of the struct's fields.
void give(LaunchBindings &bindings, schema::List list, const mla_step &step);
void give(LaunchBindings &bindings, schema::List list, const mla_latent_attention &attention);
void give(LaunchBindings &bindings, schema::List list, const mla_naive_attention &attention);
void give(LaunchBindings &bindings, schema::List list, const EndArrays &arrays);

/// Checks the bound buffers: each address is set and aligned, except arrays that the model does not have.
void checkGiven(FieldChecker &check, const LaunchList &list, const LaunchBindings &bindings);

/// A step with checked sizes.
struct CheckedStep {
  mla_step step;
  size_t layerIndex = 0;
  int64_t entry = 0;
  Sizes sizes; ///< with the default of `cached` if the step has 0
};

/// Checks everything but the pointers. The bundle must be open.
Error checkStep(const char *function, const mla_bundle &bundle, const mla_step *given, CheckedStep &checked);

/// The arrays of the step, and their bounds.
StepTables tablesOf(const mla_step &step, const mla_bundle_info &info);

/// Checks the contents of a step's tables, which are in host memory.
Error judgeTablesOnHost(const char *function, const mla_bundle &bundle, const CheckedStep &checked);

/// Checks a step of which only the tables are used, and their contents, where they are.
Error checkGivenTables(const char *function, const mla_bundle *bundle, const mla_step *given, CheckedStep &checked);

/// An open batch, and a layer that its cache and a bundle have.
struct BatchLayer {
  const mla_batch *batch = nullptr;
  size_t index = 0, cacheIndex = 0; ///< of the layer
};

/// Checks that the bundle can run the layer on the batch.
Error findBatchLayer(const char *function, const mla_bundle *bundle, int64_t layer, const mla_batch *handle,
                     BatchLayer &found);

/// Runs a layer on the batch, as mla_run_layer does. With a profile, waits and adds the times.
Error runLayer(const char *function, const mla_bundle *bundle, int64_t layer, const mla_batch *handle, mla_phase phase,
               const void *hidden, void *out, Profile *profile = nullptr);

/// The common last fields of the structs.
struct Workspace {
  void *memory;
  uint64_t bytes;
  void *stream;
};

/// Checks the workspace, binds it and enqueues the list. With a profile, waits and adds the times.
Error enqueueList(const char *function, const mla_bundle &bundle, const LaunchList &list, LaunchBindings &bindings,
                  const Workspace &workspace, Profile *profile = nullptr, int64_t layer = noLayer);

/// Returns the sizes with the processors of the bundle's device; if it was only inspected, of the usual one.
Sizes sizesOnDevice(const mla_bundle &bundle, Sizes sizes);

/// Implements the functions ..._workspace.
Error giveWorkspace(const char *function, const mla_bundle &bundle, const LaunchList &list, const Sizes &sizes,
                    uint64_t *bytes);

} // namespace mla

#endif // MLA_RUNTIME_ENQUEUE_H
