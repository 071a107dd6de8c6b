//===- Checkpoint.cpp - A model's checkpoint -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Checkpoint.h"
#include "ReadFile.h"

#include <filesystem>
#include <fstream>
#include <set>

using namespace mla;
using namespace mla::run;
using json::Value;

namespace fs = std::filesystem;

// Of Hugging Face, and of Mistral's own format.
static constexpr const char *indexNames[] = {"model.safetensors.index.json", "consolidated.safetensors.index.json"},
                            *fileNames[] = {"model.safetensors", "consolidated.safetensors"},
                            *configNames[] = {"config.json", "params.json"};
static constexpr int64_t maxJsonBytes = 256 << 20;

static bool exists(const std::string &path) {
  std::error_code code;
  return fs::exists(path, code);
}

Result<Value> mla::run::readJson(const std::string &path) {
  Result<std::string> text = readForeignFile(path, maxJsonBytes);
  if (!text)
    return text.error();
  Result<Value> value = json::parse(*text);
  if (!value)
    return Error(ErrorKind::InvalidFile, path + ": is not valid JSON: " + value.error().message() + "; correct it");
  return value;
}

/// Whether a directory has a GGUF file, and no weights of another kind.
static bool hasOnlyGGUF(const std::string &directory) {
  bool found = false;
  std::error_code code;
  for (fs::directory_iterator it(directory, code), end; it != end && !code; it.increment(code)) {
    if (it->path().extension() == ".safetensors")
      return false;
    found |= it->path().extension() == ".gguf";
  }
  return found;
}

bool mla::run::isGGUF(const std::string &path) {
  std::error_code code;
  if (fs::is_directory(path, code))
    return hasOnlyGGUF(path);
  char start[4] = {};
  std::ifstream file(path, std::ios::binary);
  return file.read(start, sizeof(start)) && std::string_view(start, sizeof(start)) == "GGUF";
}

static Error checkNoGGUF(const std::string &path) {
  return isGGUF(path)
             ? Error(ErrorKind::InvalidArgument,
                     path + ": is GGUF, which mla-run does not read; leave out --weights, or give the original "
                            "checkpoint")
             : Error();
}

Error Checkpoint::openFile(const std::string &path) {
  if (Error error = checkNoGGUF(path))
    return error;
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file)
    return file.error();
  files.push_back(std::move(*file));
  return {};
}

/// Return the files that an index lists.
static Result<std::set<std::string>> indexed(const std::string &path) {
  Result<Value> index = readJson(path);
  if (!index)
    return index.error();
  const Value *map = index->find("weight_map");
  if (!map || !map->is(Value::Kind::Object))
    return Error(ErrorKind::InvalidFile, path + ": has no object 'weight_map'; fetch the checkpoint again");
  std::set<std::string> names;
  for (const Value &name : map->items)
    names.insert(name.text);
  return names;
}

static Result<std::set<std::string>> filesOf(const std::string &directory) {
  for (const char *index : indexNames)
    if (exists(directory + "/" + index))
      return indexed(directory + "/" + index);
  std::set<std::string> names;
  std::error_code code;
  for (fs::directory_iterator it(directory, code), end; it != end && !code; it.increment(code))
    if (it->path().extension() == ".safetensors")
      names.insert(it->path().filename());
  for (const char *file : fileNames)
    if (names.size() > 1 && names.count(file))
      return std::set<std::string>{file};
  if (names.size() == 1)
    return names;
  return Error(ErrorKind::InvalidFile, directory + ": has " + (names.empty() ? "no" : "several") +
                                           " .safetensors files and no " + indexNames[0] +
                                           "; give the directory of a checkpoint, or one of its files");
}

Error Checkpoint::openDirectory() {
  if (Error error = checkNoGGUF(where))
    return error;
  Result<std::set<std::string>> names = filesOf(where);
  if (!names)
    return names.error();
  for (const std::string &name : *names)
    if (!exists(where + "/" + name))
      absent = where + "/" + name; // it may not be needed
    else if (Error error = openFile(where + "/" + name))
      return error;
  return {};
}

/// Read the config from a directory's config.json or params.json, or from a file's metadata.
Error Checkpoint::readConfig() {
  bool isOwn = exists(where + "/" + indexNames[1]) && !exists(where + "/" + indexNames[0]);
  for (const char *name : {configNames[isOwn], configNames[!isOwn]}) {
    configWhere = where + "/" + name;
    if (!exists(configWhere))
      continue;
    Result<Value> config = readJson(configWhere);
    if (!config)
      return config.error();
    parsedConfig = std::move(*config);
    return {};
  }
  for (const SafetensorsFile &file : files)
    if (auto found = file.metadata().find("config"); found != file.metadata().end()) {
      configWhere = file.path() + ": metadata 'config'";
      Result<Value> config = json::parse(found->second);
      if (!config)
        return Error(ErrorKind::InvalidFile, configWhere + " is not valid JSON: " + config.error().message());
      parsedConfig = std::move(*config);
      return {};
    }
  return {};
}

Result<Checkpoint> Checkpoint::open(const std::string &path) {
  Checkpoint checkpoint;
  checkpoint.where = path;
  std::error_code code;
  if (Error error = fs::is_directory(path, code) ? checkpoint.openDirectory() : checkpoint.openFile(path))
    return error;
  if (Error error = checkpoint.readConfig())
    return error;
  return checkpoint;
}

const SafetensorsTensor *Checkpoint::find(const std::string &name) const {
  for (const SafetensorsFile &file : files)
    if (const SafetensorsTensor *tensor = file.find(name))
      return tensor;
  return nullptr;
}

std::optional<std::string> Checkpoint::prefixOf(const std::string &suffix) const {
  for (const SafetensorsFile &file : files)
    for (const SafetensorsTensor &tensor : file.tensors()) {
      if (tensor.name.size() < suffix.size())
        continue;
      size_t at = tensor.name.size() - suffix.size();
      if (tensor.name.compare(at, suffix.size(), suffix) == 0 && (at == 0 || tensor.name[at - 1] == '.'))
        return tensor.name.substr(0, at);
    }
  return std::nullopt;
}
