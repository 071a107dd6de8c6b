//===- Cache.h - The paged cache and its batches ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_CACHE_H
#define MLA_RUNTIME_CACHE_H

#include "Array.h"
#include "BatchHandles.h"
#include "Device.h"
#include "GpuBatch.h"
#include "PagePool.h"

#include "mla/launch_abi.h"
#include "mla/runtime.h"

#include <mutex>
#include <unordered_map>
#include <vector>

namespace mla {

inline unsigned bitsOf(mla_dtype dtype) { return schema::elementBits[dtype]; }
inline uint64_t elementBytes(mla_dtype dtype) { return schema::bytesOf(1, bitsOf(dtype)); }

/// The layout that a bundle and a cache must agree on.
struct CacheLayout {
  int64_t page = 0, row = 0; ///< tokens per page, elements per token
  int64_t latent = 0;        ///< the first elements of a row; the others are k_rope
  mla_dtype dtype = MLA_F32;
  std::string format;
  double scale = 1; ///< of all rows
  /// Ranks that share the tokens of a sequence, page by page in turn, and which of them this one is.
  int64_t tokenRanks = 1, tokenRank = 0;

  bool operator==(const CacheLayout &other) const {
    return page == other.page && row == other.row && latent == other.latent && dtype == other.dtype &&
           format == other.format && scale == other.scale && tokenRanks == other.tokenRanks &&
           tokenRank == other.tokenRank;
  }
  /// Returns what differs first: "has format F, NAME has G", where `name` has the other layout.
  std::string differenceFrom(const CacheLayout &other, const std::string &name) const;
  uint64_t rowBytes() const { return schema::bytesOf(row, bitsOf(dtype)); }
  /// Returns the tokens of a sequence for which this rank has one page.
  int64_t span() const { return page * tokenRanks; }
};

CacheLayout layoutOf(const mla_bundle_info &info);

/// Returns the elements of a token's hidden states.
inline int64_t widthOf(const mla_bundle_info &info) { return info.hidden_size * info.streams; }

Error unknownSequence(const char *function, mla_sequence id);

/// A sequence holds exactly the pages its tokens need; during a batch, also those of the new tokens. Where ranks share
/// tokens, all hold a page for every span of them, also one that the last tokens do not reach on this rank: so all
/// ranks run out of pages at the same step.
struct Sequence {
  Array<int32_t> pages;
  int64_t length = 0;
  int32_t adapter = -1; ///< a bundle's number; -1: none
  bool inBatch = false;
  uint64_t mark = 0; ///< Detects a sequence that occurs twice in a call.
};

/// The last page of a sequence, copied because others share it. The original is held until the copy is complete.
struct PageCopy {
  Sequence *sequence;
  size_t index; ///< among the sequence's pages
  int32_t from, to;
};

} // namespace mla

struct mla_cache {
  mla::CacheLayout layout;
  std::vector<int64_t> layers;
  std::unique_ptr<mla::DeviceMemory> device;
  std::shared_ptr<mla::CudaContext> context; ///< null: pages are in host memory
  char *memory = nullptr;                    ///< all pages of the first layer, then of the next, …
  uint64_t layerBytes = 0;
  bool ownRows = false; ///< rows depend on their sequence's adapter

  std::mutex mutex; ///< guards everything below
  mla::PagePool pool;
  std::unordered_map<mla_sequence, mla::Sequence> sequences;
  uint64_t nextMark = 1;
  int64_t openBatches = 0;                         ///< including those being begun or ended
  std::vector<std::unique_ptr<mla_batch>> batches; ///< all ever created; those of ended steps are reused

  ~mla_cache();
  uint64_t memoryBytes() const { return layerBytes * layers.size(); }
  int64_t pagesFor(int64_t tokens) const { return (tokens + layout.span() - 1) / layout.span(); }
  /// Returns an entry of a sequence's row of the block table, or `foreign` for a page of another rank.
  int32_t tableEntry(const mla::Sequence &sequence, int64_t entry, int32_t foreign) const {
    return entry % layout.tokenRanks == layout.tokenRank ? sequence.pages[entry / layout.tokenRanks] : foreign;
  }
  mla::Tensor layerPages(size_t layerIndex) const;
  int64_t layerIndex(int64_t layer) const;
  /// Drops the pages that `length` tokens do not need.
  void shrink(mla::Sequence &sequence, int64_t length);
  /// Returns the sequence, if it exists and no batch has it; else null, and the error.
  mla::Sequence *findIdle(const char *function, mla_sequence id, mla::Error &error);
};

/// Callers hold no address of it but a handle: see BatchHandles.h.
struct mla_batch {
  mla_cache *cache = nullptr;
  std::optional<size_t> slot;
  bool inUse = false;                    ///< from the beginning of mla_batch_begin to the end of the step
  mla::Array<mla::Sequence *> sequences; ///< an unordered_map never moves its values
  mla::Array<mla::PageCopy> copies;      ///< while the step begins
  mla::Array<int32_t> cuSeqlens, lengths, blockTable, adapters;
  int64_t maxPages = 0, maxLength = 0, maxQueries = 0;
  std::unique_ptr<mla::GpuBatch> gpu; ///< null: kernels run on the host

  explicit mla_batch(mla_cache *cache) : cache(cache), slot(mla::takeBatchSlot(this)) {}
  ~mla_batch() {
    if (slot)
      mla::giveBatchSlot(*slot);
  }

  int64_t count() const { return static_cast<int64_t>(sequences.size()); }
  int64_t tokens() const { return cuSeqlens.back(); }
};

#endif // MLA_RUNTIME_CACHE_H
