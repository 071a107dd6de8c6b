//===- WriteWeights.cpp - From checkpoint to weights.safetensors ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/Bundle.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Alignment.h"

#include <cstdlib>

using namespace mla;

/// The runtime's errors in the compiler's clothes.
static llvm::Error toLLVM(const mla::Error &error) { return llvm::createStringError(error.message()); }

/// "model.layers.0.self_attn." for another layer.
static std::string forLayer(llvm::StringRef name, llvm::StringRef prefix, int64_t layer) {
  if (!name.consume_front(prefix))
    return name.str();
  // The layer's number is the last one in the prefix.
  llvm::StringRef head = prefix.rtrim(".").rsplit('.').first, tail = prefix.drop_front(head.size());
  return (head.rsplit('.').first + "." + llvm::Twine(layer) + tail + name).str();
}

namespace {
/// Memory that vectors of any width may be loaded from.
class Buffer {
public:
  explicit Buffer(uint64_t bytes) : data(std::aligned_alloc(64, llvm::alignTo(std::max<uint64_t>(bytes, 1), 64))) {}
  Buffer(Buffer &&other) : data(other.data) { other.data = nullptr; }
  ~Buffer() { std::free(data); }
  void *get() const { return data; }

private:
  void *data;
};
} // namespace

static uint64_t bytesOf(const SafetensorsSpec &spec) {
  uint64_t bytes = dtypeSize(spec.dtype);
  for (int64_t size : spec.shape)
    bytes *= size;
  return bytes;
}

/// One weight of one layer, made and written.
static llvm::Error writeWeight(const WeightPreparation &preparation, const WeightPreparation::Weight &weight,
                               int64_t layer, llvm::StringRef prefix, FindTensor find, SafetensorsWriter &writer,
                               llvm::StringRef name) {
  std::vector<const void *> inputs;
  std::vector<Buffer> copies;
  for (const std::string &input : weight.inputs) {
    llvm::Expected<const SafetensorsTensor *> tensor = find(forLayer(input, prefix, layer));
    if (!tensor)
      return tensor.takeError();
    const void *data = (*tensor)->data;
    if (!(*tensor)->isAligned()) {
      copies.emplace_back((*tensor)->bytes);
      if (!copies.back().get() || !(*tensor)->read(0, copies.back().get(), (*tensor)->bytes))
        return llvm::createStringError(input + ": out of memory");
      data = copies.back().get();
    }
    inputs.push_back(data);
  }
  Buffer output(bytesOf(weight.spec));
  if (!output.get())
    return llvm::createStringError(name + ": out of memory");
  if (llvm::Error error = preparation.run(weight, inputs, output.get()))
    return error;
  if (mla::Error error = writer.write(name.str(), 0, output.get(), bytesOf(weight.spec)))
    return toLLVM(error);
  return llvm::Error::success();
}

static std::string nameIn(int64_t layer, llvm::StringRef weight) {
  return ("layers." + llvm::Twine(layer) + "." + weight).str();
}

llvm::Error mla::writeWeights(const WeightPreparation &preparation, llvm::ArrayRef<int64_t> layers,
                              llvm::StringRef prefix, FindTensor find, llvm::StringRef path,
                              llvm::function_ref<void(uint64_t, uint64_t)> progress) {
  std::vector<SafetensorsSpec> specs;
  uint64_t all = 0, done = 0;
  for (int64_t layer : layers)
    for (const WeightPreparation::Weight &weight : preparation.weights()) {
      specs.push_back(weight.spec);
      specs.back().name = nameIn(layer, weight.name);
      all += bytesOf(weight.spec);
    }
  Result<SafetensorsWriter> writer = SafetensorsWriter::create(path.str(), specs);
  if (!writer)
    return toLLVM(writer.error());
  for (int64_t layer : layers)
    for (const WeightPreparation::Weight &weight : preparation.weights()) {
      if (llvm::Error error =
              writeWeight(preparation, weight, layer, prefix, find, *writer, nameIn(layer, weight.name)))
        return error;
      progress(done += bytesOf(weight.spec), all);
    }
  if (mla::Error error = writer->finish())
    return toLLVM(error);
  return llvm::Error::success();
}
