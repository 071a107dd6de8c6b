//===- WeightFiles.h - The files of a bundle's weights ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A bundle has all its weights in one file. A bundle of an adapter that shares
// the weights of its base has those that the adapter changes in a file of its
// own; the other file is the base's, by a hard link: mappings of one file share
// their memory.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_WEIGHTFILES_H
#define MLA_RUNTIME_WEIGHTFILES_H

#include "mla/safetensors.h"

namespace mla {

class WeightFiles {
public:
  /// Opens those of a bundle. `madeBytes`: the file has only a header, of weights that the device makes.
  static Result<WeightFiles> open(const std::string &bundle, bool isShared, int64_t madeBytes = 0);

  /// Returns the weight of that name, or null. A weight of an adapter stands in the place of the base's.
  const SafetensorsTensor *find(std::string_view name) const;
  /// Returns the files, the bundle's own first.
  const std::vector<SafetensorsFile> &files() const { return list; }
  /// For messages.
  const std::string &path() const { return list.front().path(); }
  /// Returns the bytes of all tensors in them.
  int64_t bytes() const;

private:
  std::vector<SafetensorsFile> list;
};

} // namespace mla

#endif // MLA_RUNTIME_WEIGHTFILES_H
