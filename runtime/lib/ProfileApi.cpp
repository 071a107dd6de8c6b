//===- ProfileApi.cpp - The functions of profile.h ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EnqueueModel.h"
#include "Status.h"

using namespace mla;

namespace {
/// Where a caller wants the items.
struct Destination {
  mla_profile_item *items;
  size_t itemSize;
  int64_t capacity;
  int64_t *count;
};
} // namespace

/// Items of the first release were shorter, those of later ones are longer.
static Error check(const char *function, const Destination &to) {
  constexpr size_t first = offsetof(mla_profile_item, choice);
  if (!to.count || to.capacity < 0 || (to.capacity && !to.items))
    return badArgument(function, "count is NULL, or items is and capacity is not 0; pass places for the results");
  if (to.itemSize < first || to.itemSize > first + 4096)
    return badArgument(function, "item_size is " + std::to_string(to.itemSize) + "; pass sizeof, " +
                                     std::to_string(sizeof(mla_profile_item)));
  return {};
}

static void give(const Profile &profile, const Destination &to) {
  *to.count = static_cast<int64_t>(profile.items().size());
  char *at = reinterpret_cast<char *>(to.items);
  for (int64_t i = 0; i < std::min(*to.count, to.capacity); ++i, at += to.itemSize) {
    std::memset(at, 0, to.itemSize);
    std::memcpy(at, &profile.items()[i], std::min(to.itemSize, sizeof(mla_profile_item)));
  }
}

template <typename Run> static mla_status profileInto(const char *function, const Destination &to, Run run) {
  if (Error error = check(function, to))
    return report(error);
  Profile profile;
  if (Error error = run(profile))
    return report(error);
  give(profile, to);
  return MLA_OK;
}

mla_status mla_profile_layer(const mla_bundle *bundle, int64_t layer, const mla_batch *batch, mla_phase phase,
                             const void *hidden, void *out, mla_profile_item *items, size_t item_size, int64_t capacity,
                             int64_t *count) {
  const char *function = "mla_profile_layer";
  return profileInto(function, {items, item_size, capacity, count}, [&](Profile &profile) {
    return runLayer(function, bundle, layer, batch, phase, hidden, out, &profile);
  });
}

mla_status mla_profile_model(const mla_bundle *bundle, const mla_batch *batch, mla_phase phase, const int32_t *ids,
                             mla_logits which, float *logits, mla_profile_item *items, size_t item_size,
                             int64_t capacity, int64_t *count) {
  const char *function = "mla_profile_model";
  return profileInto(function, {items, item_size, capacity, count}, [&](Profile &profile) {
    return runModel(function, bundle, batch, phase, ids, which, logits, &profile);
  });
}
