//===- LaunchList.h - How the kernels of a bundle are launched --*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fields "workspace" and "launches" of the manifest, which abi.h describes,
// with every name resolved to a number.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_LAUNCHLIST_H
#define MLA_RUNTIME_LAUNCHLIST_H

#include "Expression.h"
#include "FieldReader.h"

#include <map>

namespace mla {

/// The buffers that a caller gives.
enum class Given : uint8_t {
  Hidden,
  CuSeqlens,
  Pages,
  BlockTable,
  Lengths,
  Out,
  QLatent,
  QRope,
  QNope,
  KNope,
  KRope,
  V,
  CuKeys,
  Lse,
};
constexpr unsigned numGiven = 14;

/// The name in the manifest, such as "block_table".
const char *givenName(Given given);

/// A place in a buffer.
struct BufferUse {
  enum Kind : uint8_t { Caller, Weight, Temp } kind = Caller;
  uint32_t index = 0; ///< a Given; or where it stands among the entry's weights, or in the workspace
  int64_t offset = 0; ///< bytes
};

struct LaunchArgument {
  enum Kind : uint8_t { Map, Pointer, Integer, Float } kind = Integer;
  BufferUse buffer;                      ///< of a Map or a Pointer
  std::vector<Expression> dims, strides; ///< of a Map, as abi.h has them
  std::vector<uint32_t> box;
  bool swizzled = false;
  Expression value; ///< of an Integer
  float number = 0; ///< of a Float

  /// Bytes of the kernel's parameter.
  size_t bytes() const { return kind == Map ? 128 : kind == Pointer ? 8 : 4; }
};

struct Launch {
  uint32_t kernel = 0; ///< its number in Kernels
  Expression grid[3];
  uint32_t threads = 0, shared = 0;
  bool overlap = false;
  std::vector<LaunchArgument> arguments;
};

struct LaunchList {
  std::vector<Expression> workspace; ///< bytes of each scratch buffer
  std::vector<Launch> launches;
};

/// The names of kernels, and their numbers in order of appearance.
using Kernels = std::map<std::string, uint32_t>;

constexpr size_t maxLaunches = 1024, maxArguments = 48, maxTemps = 256, maxMapRank = 5;
constexpr int64_t maxThreadsOfBlock = 1024, maxSharedBytes = 232448;

/// What a launch list may refer to.
struct LaunchScope {
  uint32_t buffers = 0; ///< a set of Given
  uint32_t sizes = 0;   ///< a set of Size
  const std::vector<std::string> *weights = nullptr;
};

/// Of an entry; its weights must have been read.
LaunchScope entryScope(const std::vector<std::string> &weights);

/// The attention kernels alone, and the check of a step.
enum class CoreKind : uint8_t { LatentAttention, NaiveAttention, StepCheck };
constexpr unsigned numCores = 3;
const char *coreName(CoreKind core);
LaunchScope coreScope(CoreKind core);

/// Reads "workspace" and "launches" of an object of which `prefix` is the place.
void readLaunchList(const std::string &path, const std::string &prefix, const json::Value &object,
                    const LaunchScope &scope, LaunchList &list, Kernels &kernels, Error &error);

} // namespace mla

#endif // MLA_RUNTIME_LAUNCHLIST_H
