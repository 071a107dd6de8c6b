//===- PagePool.h - Reference-counted pages ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tracks free pages, and the number of sequences that share each. Knows nothing
// about the contents of pages.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_PAGEPOOL_H
#define MLA_RUNTIME_PAGEPOOL_H

#include <cassert>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace mla {

class PagePool {
public:
  /// Returns false if there is no memory for the counters.
  bool init(int64_t pages) {
    references.reset(new (std::nothrow) int32_t[pages]());
    freeList.reset(new (std::nothrow) int32_t[pages]);
    if (!references || !freeList)
      return false;
    numPages = numFree = pages;
    // The last is handed out first: so the first handed out is page 0.
    for (int64_t i = 0; i < pages; ++i)
      freeList[i] = static_cast<int32_t>(pages - 1 - i);
    return true;
  }

  int64_t pages() const { return numPages; }
  int64_t free() const { return numFree; }
  int32_t sharers(int32_t page) const { return references[page]; }

  /// Takes a free page, with one reference. There must be one.
  int32_t take() {
    assert(numFree > 0 && "the caller counts first");
    int32_t page = freeList[--numFree];
    references[page] = 1;
    return page;
  }
  void share(int32_t page) { ++references[page]; }
  /// Drops one reference.
  void drop(int32_t page) {
    assert(references[page] > 0 && "dropped once too often");
    if (--references[page] == 0)
      freeList[numFree++] = page;
  }

  void shuffleFree(uint64_t seed) {
    for (int64_t i = numFree - 1; i > 0; --i) {
      // SplitMix64: one multiplication chain per number, good enough to scatter.
      uint64_t z = seed += 0x9e3779b97f4a7c15;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      std::swap(freeList[i], freeList[(z ^ (z >> 31)) % (i + 1)]);
    }
  }

private:
  int64_t numPages = 0, numFree = 0;
  std::unique_ptr<int32_t[]> references, freeList;
};

} // namespace mla

#endif // MLA_RUNTIME_PAGEPOOL_H
