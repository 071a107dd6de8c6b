//===- launch_abi.h - Names, types and limits of launch lists ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rows of launch_abi.def as constants, for the compiler and the runtime.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LAUNCH_ABI_H
#define MLA_LAUNCH_ABI_H

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mla::schema {

//===-- Targets ------------------------------------------------------------===//

/// The target of bundles for the CPU.
inline constexpr const char *cpuTarget = "cpu";

enum class GpuTarget : uint8_t {
#define MLA_GPU_TARGET(Enumerator, name, isa, major, minor, devices) Enumerator,
#include "mla/launch_abi.def"
};
struct GpuTargetRow {
  const char *name, *isa;
  int major, minor;    ///< the compute capability
  const char *devices; ///< for messages
};
inline constexpr GpuTargetRow gpuTargetRows[] = {
#define MLA_GPU_TARGET(Enumerator, name, isa, major, minor, devices) {name, isa, major, minor, devices},
#include "mla/launch_abi.def"
};
constexpr const GpuTargetRow &rowOf(GpuTarget target) { return gpuTargetRows[static_cast<unsigned>(target)]; }

/// Returns the row, or null if no GPU target has that name.
constexpr const GpuTargetRow *findGpuTarget(std::string_view name) {
  for (const GpuTargetRow &row : gpuTargetRows)
    if (name == row.name)
      return &row;
  return nullptr;
}

/// In the manifest.
inline constexpr const char *targetNames[] = {
    cpuTarget,
#define MLA_GPU_TARGET(Enumerator, name, isa, major, minor, devices) name,
#include "mla/launch_abi.def"
};

//===-- Enumerators and names ----------------------------------------------===//

enum class Size : uint8_t {
#define MLA_SIZE(Enumerator, name, Lists, meaning) Enumerator,
#include "mla/launch_abi.def"
};
enum class Operator : uint8_t {
#define MLA_OPERATOR(Enumerator, manifest, assembly) Enumerator,
#include "mla/launch_abi.def"
};
enum class Argument : uint8_t {
#define MLA_ARGUMENT(Enumerator, key, bytes) Enumerator,
#include "mla/launch_abi.def"
};
enum class Element : uint8_t {
#define MLA_ELEMENT(Enumerator, name, bits, alignment) Enumerator,
#include "mla/launch_abi.def"
  DType, ///< only in bindings: the bundle's type, like CacheDType
  CacheDType,
};
enum class CacheFormat : uint8_t {
#define MLA_CACHE_FORMAT(Enumerator, name) Enumerator,
#include "mla/launch_abi.def"
};
enum class Core : uint8_t {
#define MLA_CORE(Enumerator, name) Enumerator,
#include "mla/launch_abi.def"
};
/// The kinds of launch lists: Entry, and core N as N + 1.
enum class List : uint8_t {
  Entry,
#define MLA_CORE(Enumerator, name) Enumerator,
#include "mla/launch_abi.def"
};
enum class Collective : uint8_t {
#define MLA_COLLECTIVE(Enumerator, name) Enumerator,
#include "mla/launch_abi.def"
};
enum class Buffer : uint8_t {
#define MLA_BUFFER(Enumerator, name) Enumerator,
#include "mla/launch_abi.def"
};
enum class Extent : uint8_t {
  None,
#define MLA_STEP_EXTENT(Enumerator, Size, more) Enumerator,
#define MLA_QUERY_EXTENT(Enumerator, Size, key) Enumerator,
#define MLA_MODEL_EXTENT(Enumerator, key) Enumerator,
#define MLA_FIXED_EXTENT(Enumerator, value) Enumerator,
#include "mla/launch_abi.def"
};
enum class Access : uint8_t { In, Out, InOut };
enum class Group : uint8_t { Always, Cache, Optional };

struct Limit {
#define MLA_LIMIT(Enumerator, value) static constexpr int64_t Enumerator = value;
#include "mla/launch_abi.def"
};

inline constexpr const char *sizeNames[] = {
#define MLA_SIZE(Enumerator, name, Lists, meaning) #name,
#include "mla/launch_abi.def"
};
/// Names in the manifest.
inline constexpr const char *operatorNames[] = {
#define MLA_OPERATOR(Enumerator, manifest, assembly) manifest,
#include "mla/launch_abi.def"
};
inline constexpr const char *operatorKeywords[] = {
#define MLA_OPERATOR(Enumerator, manifest, assembly) assembly,
#include "mla/launch_abi.def"
};
inline constexpr const char *argumentKeys[] = {
#define MLA_ARGUMENT(Enumerator, key, bytes) key,
#include "mla/launch_abi.def"
};
inline constexpr unsigned argumentBytes[] = {
#define MLA_ARGUMENT(Enumerator, key, bytes) bytes,
#include "mla/launch_abi.def"
};
inline constexpr const char *elementNames[] = {
#define MLA_ELEMENT(Enumerator, name, bits, alignment) name,
#include "mla/launch_abi.def"
};
inline constexpr unsigned elementBits[] = {
#define MLA_ELEMENT(Enumerator, name, bits, alignment) bits,
#include "mla/launch_abi.def"
};
inline constexpr unsigned elementAlignments[] = {
#define MLA_ELEMENT(Enumerator, name, bits, alignment) alignment,
#include "mla/launch_abi.def"
};
inline constexpr const char *cacheFormatNames[] = {
#define MLA_CACHE_FORMAT(Enumerator, name) name,
#include "mla/launch_abi.def"
};
inline constexpr const char *coreNames[] = {
#define MLA_CORE(Enumerator, name) name,
#include "mla/launch_abi.def"
};
inline constexpr const char *collectiveNames[] = {
#define MLA_COLLECTIVE(Enumerator, name) name,
#include "mla/launch_abi.def"
};
inline constexpr const char *bufferNames[] = {
#define MLA_BUFFER(Enumerator, name) #name,
#include "mla/launch_abi.def"
};

template <typename Row, size_t count> constexpr unsigned countOf(const Row (&)[count]) { return count; }
inline constexpr unsigned numSizes = countOf(sizeNames), numElements = countOf(elementNames),
                          numCores = countOf(coreNames), numBuffers = countOf(bufferNames);

constexpr const char *nameOf(Size size) { return sizeNames[static_cast<unsigned>(size)]; }
constexpr const char *nameOf(Operator op) { return operatorNames[static_cast<unsigned>(op)]; }
constexpr const char *nameOf(Argument argument) { return argumentKeys[static_cast<unsigned>(argument)]; }
/// Return the type's name. DType and CacheDType are placeholders without one.
constexpr const char *nameOf(Element element) { return elementNames[static_cast<unsigned>(element)]; }
constexpr const char *nameOf(CacheFormat format) { return cacheFormatNames[static_cast<unsigned>(format)]; }
constexpr const char *nameOf(Core core) { return coreNames[static_cast<unsigned>(core)]; }
constexpr const char *nameOf(Collective collective) { return collectiveNames[static_cast<unsigned>(collective)]; }
constexpr const char *nameOf(Buffer buffer) { return bufferNames[static_cast<unsigned>(buffer)]; }
/// Return the type's size in bits. DType and CacheDType have none.
constexpr unsigned bitsOf(Element element) { return elementBits[static_cast<unsigned>(element)]; }
constexpr unsigned alignmentOf(Element element) { return elementAlignments[static_cast<unsigned>(element)]; }
constexpr List listOf(Core core) { return static_cast<List>(static_cast<unsigned>(core) + 1); }

/// Return the bytes of this many consecutive elements, rounded up to a whole byte.
constexpr uint64_t bytesOf(uint64_t elements, unsigned bits) {
  return elements / 8 * bits + (elements % 8 * bits + 7) / 8;
}

/// Return whether the lists of entries may name the size too.
constexpr bool isOfEntries(Size size) {
  enum { Any = true, Core = false };
  constexpr bool rows[] = {
#define MLA_SIZE(Enumerator, name, Lists, meaning) Lists,
#include "mla/launch_abi.def"
  };
  return rows[static_cast<unsigned>(size)];
}

//===-- Extents ------------------------------------------------------------===//

struct ExtentRow {
  enum Kind : uint8_t { Step, Query, Model, Fixed } kind;
  Size size;       ///< of a Step or a Query
  int64_t number;  ///< added by a Step, or the value of a Fixed
  const char *key; ///< of a Model; of a Query, the used part
};
inline constexpr ExtentRow extentRows[] = {
    {ExtentRow::Fixed, Size::Tokens, 0, ""},
#define MLA_STEP_EXTENT(Enumerator, Name, more) {ExtentRow::Step, Size::Name, more, ""},
#define MLA_QUERY_EXTENT(Enumerator, Name, key) {ExtentRow::Query, Size::Name, 0, key},
#define MLA_MODEL_EXTENT(Enumerator, key) {ExtentRow::Model, Size::Tokens, 0, key},
#define MLA_FIXED_EXTENT(Enumerator, value) {ExtentRow::Fixed, Size::Tokens, value, ""},
#include "mla/launch_abi.def"
};
constexpr const ExtentRow &rowOf(Extent extent) { return extentRows[static_cast<unsigned>(extent)]; }
/// Return whether the extent is known only per step.
constexpr bool isDynamic(Extent extent) { return rowOf(extent).kind <= ExtentRow::Query; }

//===-- Bindings -----------------------------------------------------------===//

inline constexpr unsigned maxBindingRank = 4;

struct Extents {
  Extent values[maxBindingRank] = {};
  unsigned rank = 0;
  template <typename... Values> constexpr Extents(Values... values) : values{values...}, rank(sizeof...(values)) {}
  constexpr Extent operator[](unsigned i) const { return values[i]; }
};

struct Binding {
  List list;
  Buffer buffer;
  const char *name;
  Access access;
  Element element;
  Group group;
  Extents extents;
};

namespace rows {
// The names of extents are in scope only here.
#define MLA_STEP_EXTENT(Enumerator, Size, more) inline constexpr Extent Enumerator = Extent::Enumerator;
#define MLA_QUERY_EXTENT(Enumerator, Size, key) inline constexpr Extent Enumerator = Extent::Enumerator;
#define MLA_MODEL_EXTENT(Enumerator, key) inline constexpr Extent Enumerator = Extent::Enumerator;
#define MLA_FIXED_EXTENT(Enumerator, value) inline constexpr Extent Enumerator = Extent::Enumerator;
#include "mla/launch_abi.def"
inline constexpr Binding bindings[] = {
#define MLA_BINDING(Kind, Name, name, Use, Type, Set, Shape)                                                           \
  {List::Kind, Buffer::Name, #name, Access::Use, Element::Type, Group::Set, Extents Shape},
#include "mla/launch_abi.def"
};
} // namespace rows

/// All bindings. Those of one list are consecutive, in the order of its functions' arguments and results.
using rows::bindings;

/// Return the row, or null if a list of that kind has no such buffer.
constexpr const Binding *findBinding(List list, std::string_view name) {
  for (const Binding &binding : bindings)
    if (binding.list == list && name == binding.name)
      return &binding;
  return nullptr;
}

/// Check the whole table.
constexpr bool isConsistent() {
  for (const Binding &binding : bindings)
    if (std::string_view(binding.name) != nameOf(binding.buffer) || findBinding(binding.list, binding.name) != &binding)
      return false;
  return true;
}
static_assert(isConsistent(), "every binding has the name of its buffer, and no list has a buffer twice");

} // namespace mla::schema

#endif // MLA_LAUNCH_ABI_H
