//===- SafetensorsHeader.h - The header of a safetensors file ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_SAFETENSORSHEADER_H
#define MLA_RUNTIME_SAFETENSORSHEADER_H

#include "mla/safetensors.h"

namespace mla {

/// The format's limit of the header, in bytes.
constexpr uint64_t maxSafetensorsHeader = 100000000;

struct SafetensorsHeader {
  SafetensorsMetadata metadata;
  std::vector<SafetensorsTensor> tensors; ///< In the order of their data.
};

/// Returns the bytes of a tensor; nothing if a size is negative or a product (zero sizes aside) does not fit in
/// int64_t. Ignoring the zeros protects callers that multiply some of the sizes, as strides do.
std::optional<uint64_t> tensorBytes(DType dtype, const std::vector<int64_t> &shape);

/// Parses and checks the header `text` of file `path`, whose data are `dataBytes` bytes at `data`.
Result<SafetensorsHeader> parseSafetensorsHeader(const std::string &path, std::string_view text, const char *data,
                                                 uint64_t dataBytes);

/// Returns the header of those tensors, with their data one after the other in the given order.
std::string printSafetensorsHeader(const std::vector<SafetensorsSpec> &tensors, const SafetensorsMetadata &metadata);

} // namespace mla

#endif // MLA_RUNTIME_SAFETENSORSHEADER_H
