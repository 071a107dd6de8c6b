//===- Bindings.h - Buffers bound by launch lists ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The field "bindings" of the manifest, which abi.h describes, checked against
// the rows of launch_abi.def.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_BINDINGS_H
#define MLA_RUNTIME_BINDINGS_H

#include "Expression.h"
#include "FieldReader.h"

namespace mla {

using schema::Buffer;
using schema::Element;

/// The parts of rows of launch_abi.def that depend on the bundle.
struct BindingTypes {
  const json::Value &root; ///< the manifest, with "model" and "page" checked
  Element dtype, cacheDType;
  int64_t cacheRow; ///< elements per row of the cache

  /// Returns a number of the model, by its key.
  int64_t number(std::string_view key) const;
  Element element(Element row) const;
};

/// A buffer of the caller.
struct BufferBinding {
  Buffer buffer = Buffer::Hidden;
  Element element = Element::BF16;
  std::vector<Expression> shape;
  /// Elements of the innermost extent that are used, if rows are wider.
  int64_t used = INT64_MAX;

  /// Returns the bytes from the first element to the end of the last used one. Fails beyond 64 bits.
  Result<uint64_t> bytes(const Sizes &sizes) const;
  /// Returns whether it has no elements, such as the rotary part of models without one.
  bool isEmpty() const;
};

/// Reads "bindings" of the object at `prefix`. Bundles of earlier releases have none, and bind all.
void readBindings(const std::string &path, const std::string &prefix, const json::Value &object, schema::List list,
                  const BindingTypes &types, std::vector<BufferBinding> &bindings, Error &error);

} // namespace mla

#endif // MLA_RUNTIME_BINDINGS_H
