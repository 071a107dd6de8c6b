//===- WeightFiles.cpp - The files of a bundle's weights ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightFiles.h"

#include "mla/abi.h"

using namespace mla;

Result<WeightFiles> WeightFiles::open(const std::string &bundle, bool isShared, int64_t madeBytes) {
  WeightFiles weights;
  for (const char *name : {MLA_ADAPTER_FILE, MLA_WEIGHTS_FILE}) {
    std::string path = bundle + "/" + name;
    bool isAdapter = name == std::string_view(MLA_ADAPTER_FILE);
    if (isAdapter && !isShared)
      continue;
    Result<SafetensorsFile> file =
        madeBytes && !isAdapter ? SafetensorsFile::openHeader(path, madeBytes) : SafetensorsFile::open(path);
    if (!file)
      return file.error();
    weights.list.push_back(std::move(*file));
  }
  return weights;
}

const SafetensorsTensor *WeightFiles::find(std::string_view name) const {
  for (const SafetensorsFile &file : list)
    if (const SafetensorsTensor *tensor = file.find(name))
      return tensor;
  return nullptr;
}

int64_t WeightFiles::bytes() const {
  uint64_t bytes = 0;
  for (const SafetensorsFile &file : list)
    for (const SafetensorsTensor &tensor : file.tensors())
      bytes += tensor.bytes;
  return static_cast<int64_t>(bytes);
}
