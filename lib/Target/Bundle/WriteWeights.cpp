//===- WriteWeights.cpp - From checkpoint to weights.safetensors ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerRecord.h"
#include "Parallel.h"
#include "mla/Target/Bundle.h"
#include "mla/abi.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Alignment.h"

#include <cstdlib>
#include <cstring>
#include <mutex>

using namespace mla;

/// Convert an error of the runtime.
static llvm::Error toLLVM(const mla::Error &error) { return llvm::createStringError(error.message()); }

/// Return a name with the prefix "model.layers.0.self_attn." changed to that of
/// another layer.
static std::string forLayer(llvm::StringRef name, llvm::StringRef prefix, int64_t layer) {
  if (!name.consume_front(prefix))
    return name.str();
  // The layer's number is the last one in the prefix.
  size_t end = prefix.find_last_of("0123456789") + 1;
  llvm::StringRef head = prefix.take_front(end).rtrim("0123456789");
  return (head + llvm::Twine(layer) + prefix.drop_front(end) + name).str();
}

namespace {
/// Memory aligned for vectors of any width.
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

static uint64_t bytesOf(DType dtype, llvm::ArrayRef<int64_t> shape) {
  uint64_t bytes = dtypeSize(dtype);
  for (int64_t size : shape)
    bytes *= size;
  return bytes;
}

//===----------------------------------------------------------------------===//
// One weight
//===----------------------------------------------------------------------===//

namespace {
/// The inputs of a weight of a layer.
struct Inputs {
  std::vector<std::shared_ptr<const SafetensorsTensor>> handles;
  std::vector<const SafetensorsTensor *> tensors;
  std::vector<const void *> data;
};

/// Writes a weight of a layer.
class WeightWriter {
public:
  /// `same` is the weight of a base, with which it is compared instead of written; or null.
  WeightWriter(const WeightPreparation::Weight &weight, const Inputs &inputs, Certifier &certifier,
               SafetensorsWriter &writer, std::string name, const SafetensorsTensor *same);
  int64_t numTiles() const { return tiles; }
  uint64_t tileBytes() const { return bytesOf(weight.spec.dtype, weight.tile); }
  /// Compute, check and write a tile. Thread-safe.
  llvm::Error write(int64_t tile) const;

private:
  llvm::SmallVector<int64_t> offsetsOf(int64_t tile) const;
  llvm::Error writeBox(llvm::ArrayRef<int64_t> offsets, const char *data) const;

  const WeightPreparation::Weight &weight;
  const Inputs &inputs;
  Certifier &certifier;
  SafetensorsWriter &writer;
  std::string name;
  const SafetensorsTensor *same;
  int64_t tiles = 1;
};
} // namespace

static llvm::Error checkInput(llvm::StringRef name, const SafetensorsTensor &tensor, DType type,
                              const std::vector<int64_t> &shape) {
  if (tensor.dtype == type && tensor.shape == shape)
    return llvm::Error::success();
  return llvm::createStringError(name + ": type or shape differ between checkpoint and module; check --weights");
}

static llvm::Expected<Inputs> readInputs(const WeightPreparation::Weight &weight, int64_t layer, llvm::StringRef prefix,
                                         const WeightSource &source) {
  Inputs inputs;
  for (auto [name, type, shape] : llvm::zip_equal(weight.inputs, weight.inputTypes, weight.inputShapes)) {
    std::string layerName = forLayer(name, prefix, layer);
    llvm::Expected<std::shared_ptr<const SafetensorsTensor>> tensor = source.read(layerName);
    if (!tensor)
      return tensor.takeError();
    if (llvm::Error error = checkInput(layerName, **tensor, type, shape))
      return error;
    inputs.tensors.push_back(tensor->get());
    inputs.data.push_back((*tensor)->data);
    inputs.handles.push_back(std::move(*tensor));
  }
  return inputs;
}

WeightWriter::WeightWriter(const WeightPreparation::Weight &weight, const Inputs &inputs, Certifier &certifier,
                           SafetensorsWriter &writer, std::string name, const SafetensorsTensor *same)
    : weight(weight), inputs(inputs), certifier(certifier), writer(writer), name(std::move(name)), same(same) {
  for (auto [size, part] : llvm::zip_equal(weight.spec.shape, weight.tile))
    tiles *= size / part;
}

/// Return the offsets of a tile. Tiles are numbered in row-major order.
llvm::SmallVector<int64_t> WeightWriter::offsetsOf(int64_t tile) const {
  llvm::SmallVector<int64_t> offsets(weight.tile.size());
  for (size_t d = offsets.size(); d-- > 0;) {
    int64_t count = weight.spec.shape[d] / weight.tile[d];
    offsets[d] = tile % count * weight.tile[d];
    tile /= count;
  }
  return offsets;
}

/// Write, or compare, contiguous pieces of the file: the innermost dimensions from the last tiled one on.
llvm::Error WeightWriter::writeBox(llvm::ArrayRef<int64_t> offsets, const char *data) const {
  llvm::ArrayRef<int64_t> shape = weight.spec.shape, tile = weight.tile;
  size_t cut = tile.size() - 1;
  while (cut > 0 && tile[cut] == shape[cut])
    --cut;
  uint64_t piece = bytesOf(weight.spec.dtype, tile.drop_front(cut));
  for (uint64_t begin = 0, all = tileBytes(); begin < all; begin += piece, data += piece) {
    uint64_t index = begin / dtypeSize(weight.spec.dtype), at = 0, stride = dtypeSize(weight.spec.dtype);
    for (size_t i = tile.size(); i-- > 0; stride *= shape[i], index /= tile[i])
      at += (offsets[i] + index % tile[i]) * stride;
    if (same && std::memcmp(static_cast<const char *>(same->data) + at, data, piece) != 0)
      return llvm::createStringError("--base: its weight " + name +
                                     " has other elements; compile it from the same "
                                     "checkpoint with the same options, without the adapter");
    if (mla::Error error = same ? mla::Error() : writer.write(name, at, data, piece))
      return toLLVM(error);
  }
  return llvm::Error::success();
}

llvm::Error WeightWriter::write(int64_t tile) const {
  Buffer made(bytesOf(weight.madeType, weight.tile)), rounded(weight.isRounded() ? tileBytes() : 0);
  auto outOfMemory = [&] { return llvm::createStringError(name + ": out of memory"); };
  if (!made.get() || !rounded.get())
    return outOfMemory();
  llvm::SmallVector<int64_t> offsets = offsetsOf(tile);
  void *stored = weight.isRounded() ? rounded.get() : made.get();
  if (!weight.run(inputs.data, offsets, made.get(), stored))
    return outOfMemory();
  if (llvm::Error error = certifier.check(offsets, weight.tile, made.get(), stored))
    return error;
  return writeBox(offsets, static_cast<const char *>(stored));
}

//===----------------------------------------------------------------------===//
// All weights
//===----------------------------------------------------------------------===//

/// Return whether a weight depends on an adapter.
static bool isAdapted(const WeightPreparation::Weight &weight) {
  return llvm::any_of(weight.inputs,
                      [](llvm::StringRef input) { return input.contains(".lora_A.") || input.contains(".lora_B."); });
}

static std::string nameIn(int64_t layer, llvm::StringRef weight) {
  if (layer == kEndsLayer)
    return weight.str();
  return ("layers." + llvm::Twine(layer) + "." + weight).str();
}

static llvm::Expected<Certificate> writeWeight(const WeightPreparation::Weight &weight, int64_t layer,
                                               llvm::StringRef prefix, const WeightSource &source,
                                               SafetensorsWriter &writer, llvm::function_ref<void(uint64_t)> wrote) {
  llvm::Expected<Inputs> inputs = readInputs(weight, layer, prefix, source);
  if (!inputs)
    return inputs.takeError();
  llvm::Expected<Certifier> certifier = Certifier::create(weight.definition, inputs->tensors, layer, weight.name);
  if (!certifier)
    return certifier.takeError();
  std::string name = nameIn(layer, weight.name);
  const SafetensorsTensor *same = source.base && !isAdapted(weight) ? source.base->find(name) : nullptr;
  WeightWriter tiles(weight, *inputs, *certifier, writer, std::move(name), same);
  auto write = [&](int64_t tile) {
    llvm::Error error = tiles.write(tile);
    if (!error)
      wrote(tiles.tileBytes());
    return error;
  };
  if (llvm::Error error = forEachInParallel(tiles.numTiles(), write))
    return error;
  return certifier->finish();
}

namespace {
/// Writes the file of all weights.
class WeightFile {
public:
  WeightFile(const WeightPreparation &preparation, llvm::ArrayRef<int64_t> layers, llvm::StringRef prefix,
             const WeightUsers &users, const WeightSource &source, BundleDirectory &directory, WeightProgress progress);
  llvm::Expected<std::vector<Certificate>> write();
  llvm::Expected<uint64_t> announce() const;

private:
  llvm::Error checkInputsOf(const WeightPreparation::Weight &weight, int64_t layer) const;
  llvm::Error checkInputs() const;
  Result<SafetensorsWriter> open();
  llvm::Error writeLayer(int64_t layer, SafetensorsWriter &writer);
  std::vector<const WeightPreparation::Weight *> weightsOf(int64_t layer) const;
  uint64_t bytesOfLayer(int64_t layer) const;
  llvm::Error checkBase() const;
  bool isOwn(const WeightPreparation::Weight &weight) const { return !source.base || isAdapted(weight); }
  void wrote(uint64_t bytes);

  const WeightPreparation &preparation;
  llvm::ArrayRef<int64_t> layers;
  llvm::StringRef prefix;
  const WeightUsers &users;
  const WeightSource &source;
  BundleDirectory &directory;
  WeightProgress progress;
  LayerRecord record;
  std::vector<SafetensorsSpec> specs;
  uint64_t allBytes = 0, done = 0;
  std::mutex mutex; // guards `done`
};
} // namespace

WeightFile::WeightFile(const WeightPreparation &preparation, llvm::ArrayRef<int64_t> layers, llvm::StringRef prefix,
                       const WeightUsers &users, const WeightSource &source, BundleDirectory &directory,
                       WeightProgress progress)
    : preparation(preparation), layers(layers), prefix(prefix), users(users), source(source), directory(directory),
      progress(progress), record(directory.file(BundleDirectory::recordFile)) {
  for (int64_t layer : layers) {
    for (const WeightPreparation::Weight *weight : weightsOf(layer))
      if (isOwn(*weight)) {
        specs.push_back(weight->spec);
        specs.back().name = nameIn(layer, weight->name);
      }
    allBytes += bytesOfLayer(layer);
  }
}

/// Return the weights that a layer uses.
std::vector<const WeightPreparation::Weight *> WeightFile::weightsOf(int64_t layer) const {
  std::vector<const WeightPreparation::Weight *> used;
  for (const WeightPreparation::Weight &weight : preparation.weights())
    if (auto it = users.find(weight.name); it == users.end() ? layer != kEndsLayer : it->second.count(layer) > 0)
      used.push_back(&weight);
  return used;
}

uint64_t WeightFile::bytesOfLayer(int64_t layer) const {
  uint64_t bytes = 0;
  for (const WeightPreparation::Weight *weight : weightsOf(layer))
    bytes += bytesOf(weight->spec.dtype, weight->spec.shape);
  return bytes;
}

llvm::Error WeightFile::checkInputsOf(const WeightPreparation::Weight &weight, int64_t layer) const {
  for (auto [name, type, shape] : llvm::zip_equal(weight.inputs, weight.inputTypes, weight.inputShapes)) {
    std::string layerName = forLayer(name, prefix, layer);
    llvm::Expected<const SafetensorsTensor *> tensor = source.find(layerName);
    if (!tensor)
      return tensor.takeError();
    if (llvm::Error error = checkInput(layerName, **tensor, type, shape))
      return error;
  }
  return llvm::Error::success();
}

/// Check that the checkpoint has the inputs of all layers: work on the first ones would be lost.
llvm::Error WeightFile::checkInputs() const {
  for (int64_t layer : layers)
    for (const WeightPreparation::Weight *weight : weightsOf(layer))
      if (llvm::Error error = checkInputsOf(*weight, layer))
        return error;
  return llvm::Error::success();
}

/// Check that the base has the weights that no adapter changes.
llvm::Error WeightFile::checkBase() const {
  for (int64_t layer : layers)
    for (const WeightPreparation::Weight *weight : weightsOf(layer)) {
      std::string name = nameIn(layer, weight->name);
      const SafetensorsTensor *same = source.base && !isOwn(*weight) ? source.base->find(name) : nullptr;
      if (isOwn(*weight) || (same && same->dtype == weight->spec.dtype && same->shape == weight->spec.shape))
        continue;
      return llvm::createStringError("--base: " + source.base->path() + " has no weight " + name +
                                     " of this type and shape; compile it with the same options, without the adapter");
    }
  return llvm::Error::success();
}

/// Open the file, with the contents of an interrupted run if the record has complete layers.
Result<SafetensorsWriter> WeightFile::open() {
  std::vector<std::string> written;
  for (int64_t layer : layers)
    for (const WeightPreparation::Weight *weight : weightsOf(layer))
      if (record.find(layer) && isOwn(*weight))
        written.push_back(nameIn(layer, weight->name));
  std::string path = directory.file(source.base ? MLA_ADAPTER_FILE : MLA_WEIGHTS_FILE);
  return written.empty() ? SafetensorsWriter::create(path, specs) : SafetensorsWriter::resume(path, specs, written);
}

void WeightFile::wrote(uint64_t bytes) {
  std::lock_guard<std::mutex> lock(mutex);
  progress(done += bytes, allBytes);
}

llvm::Error WeightFile::writeLayer(int64_t layer, SafetensorsWriter &writer) {
  std::vector<Certificate> certificates;
  for (const WeightPreparation::Weight *weight : weightsOf(layer)) {
    llvm::Expected<Certificate> certificate =
        writeWeight(*weight, layer, prefix, source, writer, [&](uint64_t bytes) { wrote(bytes); });
    if (!certificate)
      return certificate.takeError();
    certificates.push_back(std::move(*certificate));
  }
  if (mla::Error error = directory.isResumable() ? writer.flush() : mla::Error())
    return toLLVM(error);
  if (llvm::Error error = record.add(layer, std::move(certificates), /*write=*/directory.isResumable()))
    return error;
  directory.keep();
  return llvm::Error::success();
}

llvm::Expected<std::vector<Certificate>> WeightFile::write() {
  if (llvm::Error error = checkInputs())
    return error;
  if (llvm::Error error = checkBase())
    return error;
  Result<SafetensorsWriter> writer = open();
  if (!writer)
    return toLLVM(writer.error());
  if (directory.isResumable())
    writer->keep();
  std::vector<Certificate> certificates;
  for (int64_t layer : layers) {
    if (record.find(layer))
      wrote(bytesOfLayer(layer));
    else if (llvm::Error error = writeLayer(layer, *writer))
      return error;
    llvm::append_range(certificates, *record.find(layer));
  }
  if (mla::Error error = writer->finish())
    return toLLVM(error);
  return certificates;
}

llvm::Expected<std::vector<Certificate>> mla::writeWeights(const WeightPreparation &preparation,
                                                           llvm::ArrayRef<int64_t> layers, llvm::StringRef prefix,
                                                           const WeightUsers &users, const WeightSource &source,
                                                           BundleDirectory &directory, WeightProgress progress) {
  return WeightFile(preparation, layers, prefix, users, source, directory, progress).write();
}

llvm::Expected<uint64_t> WeightFile::announce() const {
  Result<uint64_t> bytes = SafetensorsWriter::writeHeader(directory.file(MLA_WEIGHTS_FILE), specs);
  if (!bytes)
    return toLLVM(bytes.error());
  return *bytes;
}

llvm::Expected<uint64_t> mla::announceWeights(const WeightPreparation &preparation, llvm::ArrayRef<int64_t> layers,
                                              const WeightUsers &users, BundleDirectory &directory) {
  WeightSource none = {nullptr, nullptr};
  return WeightFile(preparation, layers, /*prefix=*/"", users, none, directory, [](uint64_t, uint64_t) {}).announce();
}
