//===- CheckpointIndex.cpp - Map from tensors to shards -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckpointIndex.h"
#include "Json.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mla::importer;
using llvm::StringRef;

llvm::Expected<std::string> mla::importer::readTextFile(StringRef path) {
  // Opening a pipe would wait for a writer.
  if (llvm::sys::fs::exists(path) && !llvm::sys::fs::is_regular_file(path))
    return fail(path + ": is not a regular file; give the path of a file");
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return fail(path + ": cannot be read: " + buffer.getError().message() + "; check the path and the permissions");
  return (*buffer)->getBuffer().str();
}

/// Return whether the name is a plain file name, without directories.
static bool isPlainFileName(StringRef name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of(StringRef("/\\\0", 3)) == StringRef::npos;
}

llvm::Expected<CheckpointIndex> mla::importer::readCheckpointIndex(StringRef path) {
  llvm::Expected<std::string> text = readTextFile(path);
  if (!text)
    return text.takeError();
  llvm::Expected<llvm::json::Value> value = parseObject(*text, path);
  if (!value)
    return value.takeError();
  const llvm::json::Object *map = value->getAsObject()->getObject("weight_map");
  if (!map)
    return fail(path + ": weight_map: missing or not an object; fetch the index again");
  CheckpointIndex index;
  for (const auto &[tensor, shard] : *map) {
    std::optional<StringRef> name = shard.getAsString();
    if (!name || !isPlainFileName(*name))
      return fail(path + ": weight_map: " + StringRef(tensor) + ": " + shortText(shard) +
                  " is not the name of a file in the same directory; fetch the index again");
    index[StringRef(tensor)] = name->str();
  }
  return index;
}
