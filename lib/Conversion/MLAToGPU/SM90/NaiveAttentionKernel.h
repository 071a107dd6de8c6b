//===- NaiveAttentionKernel.h - The kernel of naive attention ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention of a ragged batch, in which a sequence's queries are the last of its
// keys. One CTA per SM takes items in turn: 128 queries of one head, over all
// tiles with keys they see, from the last to the first, so that tiles of masked
// keys come first. One warp copies, two warpgroups compute 64 queries each:
//
//   copies:       K0 Q | K1 V0 | K2 V1 | ...            two stages of K, two of V
//   warpgroup w:  S0 = Q K0 | softmax | S1 = Q K1, O += P0 V0 | softmax | ...
//
// The scores of a step are computed during the previous step's P V. With
// `turns`, a warpgroup issues its products after the other has issued its own
// and continued to its softmax (the order of FlashAttention-3, Shah et al., 2024).
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_NAIVEATTENTIONKERNEL_H
#define MLA_CONVERSION_MLATOGPU_SM90_NAIVEATTENTIONKERNEL_H

#include "NaiveAttention.h"

#include "llvm/Support/MathExtras.h"

namespace mla::gpu {

inline constexpr int64_t naiveStages = 2;
inline constexpr int64_t warpsOfBoth = 8;
/// The initial maximum of a row: finite, so that a fully masked row has probabilities 0.
inline constexpr double lowestMaximum = -1e30;

/// Named barriers; 0 is the CTA's.
enum NaiveBarrier : int64_t { TurnOf0 = 1, TurnOf1 = 2, ValuesZeroed = 3 };

inline int64_t tilesOf(int64_t columns) { return llvm::divideCeil(columns, tileColumns); }

/// Offsets in dynamic shared memory, in bytes.
struct NaiveLayout {
  explicit NaiveLayout(const NaiveAttentionShape &shape) {
    nopeTiles = tilesOf(shape.nope);
    keyTiles = nopeTiles + tilesOf(shape.rope);
    valueTiles = tilesOf(shape.value);
    tile = tileBytes(shape.tileKeys);
    int64_t offset = 0;
    auto take = [&](int64_t bytes) { return std::exchange(offset, offset + bytes); };
    for (int64_t &own : q)
      own = take(queryBytes());
    for (int64_t &stage : k)
      stage = take(keyBytes());
    for (int64_t &stage : v)
      stage = take(valueBytes());
    for (int64_t s = 0; s < naiveStages; ++s) {
      kFull[s] = take(8);
      kEmpty[s] = take(8);
      vFull[s] = take(8);
      vEmpty[s] = take(8);
      qFull[s] = take(8);
      qEmpty[s] = take(8);
    }
    itemFull = take(8);
    itemEmpty = take(8);
    item = take(16);
    unused = take(16);
    bytes = offset;
  }
  int64_t queryBytes() const { return keyTiles * tileBytes(64); }
  int64_t keyBytes() const { return keyTiles * tile; }
  int64_t valueBytes() const { return valueTiles * tile; }

  int64_t nopeTiles, keyTiles, valueTiles, tile;
  int64_t q[2]; ///< one per warpgroup
  int64_t k[naiveStages], v[naiveStages];
  int64_t kFull[naiveStages], kEmpty[naiveStages], vFull[naiveStages], vEmpty[naiveStages], qFull[2], qEmpty[2];
  int64_t itemFull, itemEmpty, item; ///< the result of findItem
  int64_t unused;
  int64_t bytes;
};

/// Bits of the word that holds the parity of the next phase of each barrier.
enum PhaseBit : int64_t { PhaseOfK = 0, PhaseOfV = 2, PhaseOfQ = 4, PhaseOfItem = 5 };

/// 128 queries of one head.
struct NaiveItem {
  Val head;
  Val firstQuery, queries; ///< of the item in its sequence; number in the sequence
  Val sequenceRow;         ///< the sequence's first among all queries
  Val firstKey, keys;      ///< the sequence's first among all keys, and their number
  Val unseen;              ///< query i of the sequence sees keys 0 … i + unseen; may be negative
  Val tiles;               ///< of keys before and visible to some query
  Val steps;               ///< the last of these tiles, which are visible to some query
};

/// The state carried over the steps of an item, in one warpgroup.
struct NaiveRows {
  Vals out;           ///< 64 x V, not yet divided by the sums
  Vals probabilities; ///< 64 x tileKeys of the step before, bf16 pairs
  Val maximum[2];     ///< of this thread's two rows, times scale · log2(e)
  Val sum[2];         ///< of this thread's own columns
  Val phases;
};

class NaiveAttention {
public:
  NaiveAttention(mlir::gpu::GPUModuleOp module, const NaiveAttentionShape &shape)
      : shape(shape), at(shape), k(module, shape.name(), naiveThreads, /*oneBlock=*/true) {}
  void emit();

private:
  void addArguments();
  void setUp();
  // Items
  struct Place {
    Val index;                 ///< of the item, among all
    Val sequence, itemsBefore; ///< its sequence; the number of items of earlier sequences
  };
  Place findItem(Val index, Val sequence, Val itemsBefore);
  NaiveItem itemAt(const Place &place);
  Val announce(const Place &place, Val phases);
  std::pair<Place, Val> nextAnnounced(Val phases);
  Val stepKey(const NaiveItem &item, Val step) { return (item.tiles - 1 - step) * shape.tileKeys; }
  // Copies
  void copyItems();
  Val copyItem(const NaiveItem &item, Val phases);
  Val ofStage(const int64_t (&offsets)[naiveStages], Val stage);
  Vals coordinates(const NaiveItem &item, int64_t tile, Val row, bool perHead);
  void copyTiles(unsigned map, int64_t count, const NaiveItem &item, Val row, bool perHead, Val to, int64_t tileSize,
                 Val full);
  Val copyKeys(const NaiveItem &item, Val step, Val phases);
  Val copyValues(const NaiveItem &item, Val step, Val phases);
  Val copyQueries(const NaiveItem &item, Val phases);
  // One warpgroup
  void computeItems(int64_t group);
  Val attend(const NaiveItem &item, Val phases);
  void firstScores(const NaiveItem &item, NaiveRows &rows);
  void step(const NaiveItem &item, Val index, NaiveRows &rows);
  void lastProduct(Val stage, NaiveRows &rows);
  Vals issueScores(Val stage);
  void issueOutput(Val stage, NaiveRows &rows);
  /// Returns the key behind those that a query of the sequence sees.
  Val borderOf(const NaiveItem &item, Val query);
  void hide(const NaiveItem &item, Val key, Vals &scores);
  Vals softmax(Vals &scores, NaiveRows &rows);
  void zeroValuesBeyond(const NaiveItem &item, NaiveRows &rows);
  void storeRows(const NaiveItem &item, NaiveRows &rows);
  Val denominator(const NaiveItem &item, Val sum, Val maximum);
  void storeRow(Val to, llvm::ArrayRef<Val> pairs, Val wanted);
  // Barriers
  void wait(Val barrier, NaiveRows &rows, Val bit);
  void release(Val barrier);
  Val bitOf(Val phases, Val bit) { return (phases >> bit) & 1; }

  const NaiveAttentionShape &shape;
  NaiveLayout at;
  KernelBuilder k;
  // Arguments
  unsigned qNopeArg, qRopeArg, kNopeArg, kRopeArg, valuesArg, cuQueriesArg, cuKeysArg, outArg, lseArg, sinksArg,
      counterArg, batchArg, headsArg, scaleArg;
  // Threads
  Val thread, warp, lane, quad; ///< `warp` of its warpgroup; `quad` of the four lanes of a row
  int64_t group = 0;            ///< the warpgroup whose code is being written
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_NAIVEATTENTIONKERNEL_H
