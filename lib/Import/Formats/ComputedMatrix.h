//===- ComputedMatrix.h - Matrices computed from tensors --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_FORMATS_COMPUTEDMATRIX_H
#define MLA_LIB_IMPORT_FORMATS_COMPUTEDMATRIX_H

#include "mla/Import/Checkpoint.h"

#include <functional>
#include <mutex>

namespace mla::importer {

/// A matrix in F32 whose elements are computed from tensors of a checkpoint, which must outlive it.
class ComputedMatrix {
public:
  /// Computes the elements of a row.
  using Row = std::function<void(int64_t row, float *to)>;

  ComputedMatrix(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, std::string form, Row row);

  /// Return the tensor without data.
  const SafetensorsTensor &header() const { return tensor; }
  /// Return the packed form of the elements: "AWQ int4".
  const std::string &form() const { return stored; }
  /// Compute the elements, or share those that somebody else still has. Thread-safe.
  llvm::Expected<TensorHandle> read(llvm::StringRef where);

private:
  SafetensorsTensor tensor;
  std::string stored;
  Row row;
  std::mutex mutex;
  std::weak_ptr<const SafetensorsTensor> last;
};

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_FORMATS_COMPUTEDMATRIX_H
