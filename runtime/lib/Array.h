//===- Array.h - Arrays that report exhausted memory ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Without exceptions a std::vector that finds no memory ends the process. Data
// whose size depends on the caller is kept in an Array instead.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_ARRAY_H
#define MLA_RUNTIME_ARRAY_H

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <utility>

namespace mla {

/// A growing array of trivially copyable elements.
template <typename T> class Array {
  static_assert(std::is_trivially_copyable_v<T>);

public:
  Array() = default;
  Array(Array &&other) noexcept { swap(other); }
  Array &operator=(Array &&other) noexcept {
    swap(other);
    return *this;
  }
  ~Array() { std::free(first); }

  /// Reserves memory for `wanted` elements. Returns false, changing nothing, if there is no memory.
  [[nodiscard]] bool reserve(size_t wanted) {
    if (wanted <= room)
      return true;
    // Grow by half at least, so that many small steps copy little; if that is too much, only as wanted.
    return grow(std::max(wanted, room + room / 2)) || grow(wanted);
  }
  /// Resizes to `wanted` elements, all `value`.
  [[nodiscard]] bool assign(size_t wanted, T value) {
    if (!reserve(wanted))
      return false;
    count = wanted;
    std::fill(begin(), end(), value);
    return true;
  }
  [[nodiscard]] bool assign(const Array &other) {
    if (!reserve(other.count))
      return false;
    count = other.count;
    std::copy(other.begin(), other.end(), begin());
    return true;
  }
  /// Appends; the memory must be reserved.
  void push(T value) {
    assert(count < room && "reserve first");
    first[count++] = value;
  }
  void pop() { --count; }
  void clear() { count = 0; }

  size_t size() const { return count; }
  bool empty() const { return count == 0; }
  T *data() { return first; }
  const T *data() const { return first; }
  T *begin() { return first; }
  T *end() { return first + count; }
  const T *begin() const { return first; }
  const T *end() const { return first + count; }
  T &back() { return first[count - 1]; }
  const T &back() const { return first[count - 1]; }
  T &operator[](size_t index) { return first[index]; }
  const T &operator[](size_t index) const { return first[index]; }

private:
  T *first = nullptr;
  size_t count = 0, room = 0;

  bool grow(size_t wanted) {
    void *larger = wanted > SIZE_MAX / sizeof(T) ? nullptr : std::realloc(first, wanted * sizeof(T));
    if (!larger)
      return false;
    first = static_cast<T *>(larger);
    room = wanted;
    return true;
  }
  void swap(Array &other) {
    std::swap(first, other.first);
    std::swap(count, other.count);
    std::swap(room, other.room);
  }
};

} // namespace mla

#endif // MLA_RUNTIME_ARRAY_H
