//===- ProfileItems.h - The launches of a step ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_PROFILEITEMS_H
#define MLA_RUN_PROFILEITEMS_H

#include "Handles.h"

#include "mla/profile.h"

#include <vector>

namespace mla::run {

/// Call `run` with room for so many items, again with more if there are more.
template <typename Run> Error collect(std::vector<mla_profile_item> &items, Run run) {
  size_t before = items.size();
  int64_t count = 256;
  for (int64_t room = 0; room < count;) {
    room = count;
    items.resize(before + room);
    if (Error error = toError(run(items.data() + before, room, &count)))
      return error;
  }
  items.resize(before + count);
  return {};
}

} // namespace mla::run

#endif // MLA_RUN_PROFILEITEMS_H
