//===- LaunchList.h - Launch lists of a bundle ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fields "bindings", "choices", "workspace" and "launches" of the manifest, which abi.h
// describes, with every name resolved to a number.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_LAUNCHLIST_H
#define MLA_RUNTIME_LAUNCHLIST_H

#include "Bindings.h"

#include "mla/launch_part.h"

#include <map>
#include <optional>

namespace mla {

/// A place in a buffer.
struct BufferUse {
  enum Kind : uint8_t { Bound, Weight, Temp } kind = Bound;
  uint32_t index = 0; ///< in the list's bindings, among the entry's weights, or in the workspace
  int64_t offset = 0; ///< bytes
};

struct LaunchArgument {
  using Kind = schema::Argument;
  Kind kind = Kind::Integer;
  BufferUse buffer;                      ///< of a Map or a Pointer
  std::vector<Expression> dims, strides; ///< of a Map, as abi.h has them
  std::vector<uint32_t> box;
  bool swizzled = false;
  schema::Element element = schema::Element::BF16;
  Expression value; ///< of an Integer
  float number = 0; ///< of a Float

  /// Bytes of the kernel's parameter.
  size_t bytes() const { return schema::argumentBytes[static_cast<unsigned>(kind)]; }
};

/// A kernel's classes of launches, as abi.h has them.
struct Choice {
  std::string kernel;
  Expression size;
  std::vector<int64_t> limits, most; ///< of all classes but the last, ascending
};

/// An exchange of data with other ranks.
struct CollectiveLaunch {
  schema::Collective kind = schema::Collective::AllReduce;
  int64_t ranks = 1; ///< of a group
  BufferUse in, out;
  Expression count; ///< elements of a block; of the whole for AllReduce
  schema::Element element = schema::Element::F32;
};

struct Launch {
  uint32_t kernel = 0;                        ///< its number in Kernels
  std::optional<CollectiveLaunch> collective; ///< in the place of a kernel
  Expression grid[3];
  uint32_t threads = 0, shared = 0;
  bool overlap = false;
  std::vector<LaunchArgument> arguments;
  // For profiles, if the bundle has them.
  std::optional<schema::Part> part;
  std::optional<Expression> bytes, flops;
  std::optional<uint32_t> choice; ///< its kernel's, by its number in the list
};

struct LaunchList {
  std::vector<Choice> choices;
  std::vector<BufferBinding> bindings; ///< buffers of the caller
  std::vector<Expression> workspace;   ///< bytes of each scratch buffer
  std::vector<Launch> launches;

  /// Returns the limits of all choices, by their numbers in expressions.
  std::vector<int64_t> limits() const;
  /// Returns why a choice cannot have the limits; "" if it can.
  std::string whyNot(size_t choice, const std::vector<int64_t> &limits) const;
  /// Replaces the limits of a choice by others that it can have.
  void setLimits(size_t choice, std::vector<int64_t> limits);
};

/// The names of kernels, and their numbers in order of appearance.
using Kernels = std::map<std::string, uint32_t>;

constexpr size_t maxArguments = schema::Limit::Arguments, maxTemps = schema::Limit::Workspaces,
                 maxMapRank = schema::Limit::MapRank;

/// The names that a launch list may refer to.
struct LaunchScope {
  schema::List list;
  const std::vector<std::string> &weights; ///< none of a core
  const BindingTypes &types;
  int64_t ranks = 1; ///< of the bundle's group
};

/// Reads "bindings", "choices", "workspace" and "launches" of the object at `prefix`.
void readLaunchList(const std::string &path, const std::string &prefix, const json::Value &object,
                    const LaunchScope &scope, LaunchList &list, Kernels &kernels, Error &error);

} // namespace mla

#endif // MLA_RUNTIME_LAUNCHLIST_H
