//===- LayerRecord.h - Layers whose weights are written ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file with one line of JSON per layer, added when all its weights are on
// disk. An incomplete line is ignored.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_LAYERRECORD_H
#define MLA_LIB_TARGET_BUNDLE_LAYERRECORD_H

#include "mla/Target/Certificate.h"

#include <map>

namespace mla {

class LayerRecord {
public:
  /// Read the file, which need not exist.
  explicit LayerRecord(llvm::StringRef path);

  /// Return the certificates of a complete layer, or null.
  const std::vector<Certificate> *find(int64_t layer) const;
  /// Add a layer. With `write`, write it to the file, so that it survives an interruption.
  llvm::Error add(int64_t layer, std::vector<Certificate> certificates, bool write);

private:
  std::string path, text;
  std::map<int64_t, std::vector<Certificate>> layers;
};

} // namespace mla

#endif // MLA_LIB_TARGET_BUNDLE_LAYERRECORD_H
