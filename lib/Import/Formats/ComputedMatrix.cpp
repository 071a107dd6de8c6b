//===- ComputedMatrix.cpp - Matrices computed from tensors ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ComputedMatrix.h"
#include "../Json.h"

#include "llvm/ADT/STLExtras.h"

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;

namespace {
struct WithElements {
  SafetensorsTensor tensor;
  std::unique_ptr<float[]> elements;
};
} // namespace

ComputedMatrix::ComputedMatrix(StringRef name, llvm::ArrayRef<int64_t> shape, std::string form, Row row)
    : stored(std::move(form)), row(std::move(row)) {
  tensor.name = name.str();
  tensor.dtype = DType::F32;
  tensor.shape = shape.vec();
  tensor.bytes = llvm::product_of(shape) * sizeof(float);
}

llvm::Expected<TensorHandle> ComputedMatrix::read(StringRef where) {
  std::lock_guard<std::mutex> lock(mutex);
  if (TensorHandle shared = last.lock())
    return shared;
  int64_t columns = tensor.shape.back(), rows = tensor.numElements() / columns;
  auto made = std::make_shared<WithElements>();
  made->elements.reset(new (std::nothrow) float[rows * columns]);
  if (!made->elements)
    return fail(where + ": tensor " + tensor.name + ": no memory for its " + llvm::Twine(tensor.bytes) +
                " bytes in F32; free memory, or use a larger machine");
  for (int64_t i = 0; i < rows; ++i)
    row(i, made->elements.get() + i * columns);
  made->tensor = tensor;
  made->tensor.data = made->elements.get();
  TensorHandle handle(made, &made->tensor);
  last = handle;
  return handle;
}
