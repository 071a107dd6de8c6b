//===- Source.cpp - The inputs of a bundle --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Source.h"
#include "FieldReader.h"
#include "ReadFile.h"

#include "mla/abi.h"

using namespace mla;
using namespace mla::run;
using json::Value;

Result<Value> mla::run::readManifest(const std::string &bundle) {
  std::string path = bundle + "/" MLA_MANIFEST_FILE;
  Result<std::string> text = readFile(path, maxManifestBytes);
  if (!text)
    return text.error();
  Result<Value> manifest = json::parse(*text);
  if (!manifest)
    return Error(ErrorKind::InvalidFile, path + ": is not valid JSON: " + manifest.error().message());
  return manifest;
}

Result<WeightFiles> mla::run::openWeights(const std::string &bundle) {
  Result<Value> manifest = readManifest(bundle);
  if (!manifest)
    return manifest.error();
  if (manifest->find("made_weights"))
    return Error(ErrorKind::InvalidArgument, bundle +
                                                 ": has no weights, for which the device makes random ones; compile "
                                                 "without --no-weights");
  const Value *files = manifest->find("files");
  return WeightFiles::open(bundle, files && files->find(MLA_ADAPTER_FILE));
}

static DeviceSource readDevice(FieldReader fields) {
  constexpr double most = 1e21;
  DeviceSource device;
  device.name = fields.text("name");
  device.bytesPerSecond = fields.number("read_bytes_per_second", 0, most);
  device.flopsPerSecond = fields.number("flops_per_second", 0, most);
  device.e4m3FlopsPerSecond = fields.number("e4m3_flops_per_second", 0, most);
  return device;
}

static Result<Source> sourceOf(const std::string &bundle, const Value &manifest) {
  std::string path = bundle + "/" MLA_MANIFEST_FILE;
  Source source;
  const Value *object = manifest.find("source");
  if (!object)
    return source;
  Error error;
  FieldReader root(path, "", manifest, error);
  FieldReader fields = root.child("source");
  for (auto [key, to] : {std::pair("weights", &source.weights), std::pair("adapter", &source.adapter)})
    if (object->find(key))
      *to = fields.text(key);
  if (object->find("adapters"))
    for (const Value &path : fields.get("adapters", Value::Kind::Array).items)
      source.adapters.push_back(path.text);
  if (const Value *config = object->find("config"))
    source.config = *config;
  if (object->find("device"))
    source.device = readDevice(fields.child("device"));
  if (error)
    return error;
  return source;
}

Result<Source> mla::run::readSource(const std::string &bundle, Value *manifest) {
  Result<Value> read = readManifest(bundle);
  if (!read)
    return read.error();
  Result<Source> source = sourceOf(bundle, *read);
  if (manifest)
    *manifest = std::move(*read);
  return source;
}
