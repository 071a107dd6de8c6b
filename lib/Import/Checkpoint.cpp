//===- Checkpoint.cpp - Sources of weights --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Import/Checkpoint.h"
#include "CheckpointIndex.h"
#include "Formats/GGUF/GGUFCheckpoint.h"
#include "Formats/GGUF/GGUFFile.h"
#include "Json.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <map>
#include <mutex>
#include <set>

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;

namespace fs = llvm::sys::fs;

namespace {
/// What the files of a directory are called: the index of several files, a file alone, and the config.
struct Layout {
  StringRef index, file, config;
};
} // namespace

// Of a directory with both, the first is read.
static constexpr Layout layouts[] = {
    {"model.safetensors.index.json", "model.safetensors", "config.json"},
    {"consolidated.safetensors.index.json", "consolidated.safetensors", "params.json"}, // Mistral's own
};

Checkpoint::~Checkpoint() = default;

llvm::Expected<TensorHandle> Checkpoint::read(StringRef name) {
  llvm::Expected<const SafetensorsTensor *> tensor = find(name);
  if (!tensor)
    return tensor.takeError();
  return TensorHandle(TensorHandle(), *tensor); // the checkpoint owns it
}

/// Return the first names of a set: "a, b, c, …".
static std::string sample(const std::set<std::string> &names) {
  constexpr size_t most = 6;
  std::string text = llvm::join(names.begin(), std::next(names.begin(), std::min(most, names.size())), ", ");
  return names.size() > most ? text + ", … (" + std::to_string(names.size()) + ")" : text;
}

/// Return the part of `name` after `prefix`, up to the next dot.
static StringRef nextComponent(StringRef name, StringRef prefix) {
  return name.drop_front(prefix.size()).take_until([](char c) { return c == '.'; });
}

llvm::Error Checkpoint::missing(StringRef name) const {
  // Find the longest prefix "a.b." of the name that another name shares, and the components that follow it.
  StringRef prefix = name;
  std::set<std::string> beside;
  do {
    size_t dot = prefix.drop_back(prefix.empty() ? 0 : 1).rfind('.');
    prefix = dot == StringRef::npos ? "" : prefix.take_front(dot + 1);
    forEachName([&](StringRef other) {
      if (other.starts_with(prefix))
        beside.insert(nextComponent(other, prefix).str());
    });
  } while (beside.empty() && !prefix.empty());
  if (beside.empty())
    return fail(where() + ": tensor " + name + ": missing, and the checkpoint has no tensors; give another checkpoint");
  return fail(where() + ": tensor " + name + ": missing; " + (prefix.empty() ? "" : "under ") + prefix +
              (prefix.empty() ? "the checkpoint has " : " it has ") + sample(beside) +
              "; give a matching checkpoint, layer and config");
}

namespace {
/// A single .safetensors file.
class FileCheckpoint : public Checkpoint {
public:
  explicit FileCheckpoint(SafetensorsFile opened) : Checkpoint(opened.path()), file(std::move(opened)) {
    auto it = file.metadata().find("config");
    if (it != file.metadata().end())
      setConfig(it->second, path + " (metadata key config)");
  }
  void setConfig(std::string text, std::string where) {
    config = std::move(text);
    configPath = std::move(where);
  }

  bool contains(StringRef name) const override { return file.find(name); }
  void forEachName(llvm::function_ref<void(StringRef)> callback) const override {
    for (const SafetensorsTensor &tensor : file.tensors())
      callback(tensor.name);
  }
  llvm::Expected<const SafetensorsTensor *> find(StringRef name) override {
    if (const SafetensorsTensor *tensor = file.find(name))
      return tensor;
    return missing(name);
  }

private:
  SafetensorsFile file;
};

/// A directory with an index that maps tensors to files.
class ShardedCheckpoint : public Checkpoint {
public:
  ShardedCheckpoint(StringRef directory, StringRef indexName, CheckpointIndex index)
      : Checkpoint(directory.str()), indexName(indexName), index(std::move(index)) {}
  void setConfig(std::string text, std::string where) {
    config = std::move(text);
    configPath = std::move(where);
  }

  bool contains(StringRef name) const override { return index.contains(name); }
  void forEachName(llvm::function_ref<void(StringRef)> callback) const override {
    for (const auto &entry : index)
      callback(entry.getKey());
  }
  llvm::Expected<const SafetensorsTensor *> find(StringRef name) override;

private:
  llvm::Expected<const SafetensorsFile *> open(StringRef shard);

  StringRef indexName;
  CheckpointIndex index;
  std::mutex mutex;
  std::map<std::string, SafetensorsFile> shards; ///< The shards opened so far.
};
} // namespace

static std::string inDirectory(StringRef directory, StringRef name) {
  llvm::SmallString<256> path(directory);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

/// Reject a link into a cache of the hub from which the file is gone.
static llvm::Error checkLink(StringRef path) {
  if (fs::exists(path) || !fs::is_symlink_file(path))
    return llvm::Error::success();
  return fail(path + ": is a link to a file that is not there; fetch the checkpoint again");
}

llvm::Expected<const SafetensorsFile *> ShardedCheckpoint::open(StringRef shard) {
  std::lock_guard<std::mutex> lock(mutex);
  auto it = shards.find(shard.str());
  if (it != shards.end())
    return &it->second;
  std::string shardPath = inDirectory(path, shard);
  if (llvm::Error error = checkLink(shardPath))
    return error;
  if (!fs::exists(shardPath))
    return fail(shardPath + ": no such file, though " + indexName + " names it; fetch the checkpoint again");
  Result<SafetensorsFile> file = SafetensorsFile::open(shardPath);
  if (!file)
    return fail(file.error().message());
  return &shards.emplace(shard.str(), std::move(*file)).first->second;
}

llvm::Expected<const SafetensorsTensor *> ShardedCheckpoint::find(StringRef name) {
  auto it = index.find(name);
  if (it == index.end())
    return missing(name);
  llvm::Expected<const SafetensorsFile *> file = open(it->second);
  if (!file)
    return file.takeError();
  if (const SafetensorsTensor *tensor = (*file)->find(name))
    return tensor;
  return fail((*file)->path() + ": tensor " + name + ": missing, though " + indexName +
              " lists it here; fetch the checkpoint again");
}

static llvm::Expected<std::unique_ptr<FileCheckpoint>> openFile(StringRef path) {
  Result<SafetensorsFile> file = SafetensorsFile::open(path.str());
  if (!file)
    return fail(file.error().message());
  return std::make_unique<FileCheckpoint>(std::move(*file));
}

/// Return the names of a directory's files of a type.
static llvm::Expected<std::set<std::string>> filesOf(StringRef directory, StringRef extension) {
  std::set<std::string> files;
  std::error_code code;
  for (fs::directory_iterator it(directory, code), end; it != end && !code; it.increment(code))
    if (llvm::sys::path::extension(it->path()) == extension)
      files.insert(llvm::sys::path::filename(it->path()).str());
  if (code)
    return fail(directory + ": cannot be listed: " + code.message() + "; check its permissions");
  return files;
}

/// Return the only GGUF file of a directory, or the first of the only model in several.
static llvm::Expected<std::string> onlyGGUF(StringRef directory) {
  llvm::Expected<std::set<std::string>> files = filesOf(directory, ".gguf");
  if (!files)
    return files.takeError();
  std::set<std::string> models;
  for (const std::string &name : *files)
    if (!StringRef(name).contains("-of-") || StringRef(name).contains("-00001-of-"))
      models.insert(name);
  if (models.size() == 1)
    return inDirectory(directory, *models.begin());
  if (models.empty())
    return fail(directory + ": has neither " + layouts[0].index +
                " nor a .safetensors file; give the checkpoint's directory");
  return fail(directory + ": has several models (" + sample(models) + "); give one of the files");
}

/// Return the only .safetensors file of a directory; if there are several, the one with the name of a layout. If there
/// is none, return a GGUF file.
static llvm::Expected<std::string> onlyFile(StringRef directory) {
  llvm::Expected<std::set<std::string>> files = filesOf(directory, ".safetensors");
  if (!files)
    return files.takeError();
  if (files->empty())
    return onlyGGUF(directory);
  if (files->size() == 1)
    return inDirectory(directory, *files->begin());
  for (const Layout &layout : layouts)
    if (files->count(layout.file.str()))
      return inDirectory(directory, layout.file);
  return fail(directory + ": has several .safetensors files (" + sample(*files) + ") but no " + layouts[0].index +
              "; give one of the files, or add the index");
}

/// Return the path of a directory's config, in the layout of its weights or else in another one; "" if there is none.
static llvm::Expected<std::string> findConfig(StringRef directory, const Layout &own) {
  for (StringRef name : {own.config, layouts[0].config, layouts[1].config}) {
    std::string path = inDirectory(directory, name);
    if (llvm::Error error = checkLink(path))
      return error;
    if (fs::exists(path))
      return path;
  }
  return "";
}

/// Set the config of a directory if it has one.
template <typename C>
static llvm::Expected<std::unique_ptr<Checkpoint>> withConfig(std::unique_ptr<C> checkpoint, StringRef directory,
                                                              const Layout &layout) {
  llvm::Expected<std::string> path = findConfig(directory, layout);
  if (!path)
    return path.takeError();
  if (path->empty())
    return checkpoint;
  llvm::Expected<std::string> text = readTextFile(*path);
  if (!text)
    return text.takeError();
  checkpoint->setConfig(std::move(*text), *path);
  return checkpoint;
}

/// Reject the folder of a model in a cache of the hub, whose revisions are directories of links.
static llvm::Error checkIsNoCache(StringRef directory) {
  std::string snapshots = inDirectory(directory, "snapshots"), revisions;
  std::error_code code;
  if (fs::exists(inDirectory(directory, "blobs")))
    for (fs::directory_iterator it(snapshots, code), end; it != end && !code; it.increment(code))
      revisions += (revisions.empty() ? "" : " or ") + it->path();
  if (revisions.empty())
    return llvm::Error::success();
  return fail(directory + ": is a model's folder in a cache of the hub; give the directory of a revision, " +
              revisions);
}

/// Return the layout of a file alone.
static const Layout &layoutOf(StringRef path) {
  const Layout *own =
      llvm::find_if(layouts, [&](const Layout &layout) { return llvm::sys::path::filename(path) == layout.file; });
  return own == std::end(layouts) ? layouts[0] : *own;
}

static llvm::Expected<std::unique_ptr<Checkpoint>> openDirectory(StringRef directory) {
  if (llvm::Error error = checkIsNoCache(directory))
    return error;
  for (const Layout &layout : layouts) {
    std::string indexPath = inDirectory(directory, layout.index);
    if (llvm::Error error = checkLink(indexPath))
      return error;
    if (!fs::exists(indexPath))
      continue;
    llvm::Expected<CheckpointIndex> index = readCheckpointIndex(indexPath);
    if (!index)
      return index.takeError();
    return withConfig(std::make_unique<ShardedCheckpoint>(directory, layout.index, std::move(*index)), directory,
                      layout);
  }
  llvm::Expected<std::string> path = onlyFile(directory);
  if (!path)
    return path.takeError();
  if (isGGUF(*path))
    return openGGUF(*path);
  llvm::Expected<std::unique_ptr<FileCheckpoint>> file = openFile(*path);
  if (!file)
    return file.takeError();
  return withConfig(std::move(*file), directory, layoutOf(*path));
}

llvm::Expected<std::unique_ptr<Checkpoint>> mla::importer::openCheckpoint(StringRef path) {
  if (fs::is_directory(path))
    return openDirectory(path);
  if (path.ends_with(".json"))
    return fail(path + ": is not a checkpoint but a JSON file; give the directory that holds it");
  if (isGGUF(path))
    return openGGUF(path);
  return openFile(path);
}
