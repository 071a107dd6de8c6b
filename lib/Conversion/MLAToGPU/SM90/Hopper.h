//===- Hopper.h - Copies, barriers and tensor cores of sm_90a ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The instructions specific to Hopper, over tiles of shared memory of one
// layout: 64 elements of bf16 per row of 128 bytes, 8 rows per swizzle atom
// (SWIZZLE_128B: 16-byte chunk c of row r lies at r*128 + ((c ^ (r & 7)) * 16)).
// A matrix wider than 64 is a sequence of such tiles.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_HOPPER_H
#define MLA_CONVERSION_MLATOGPU_SM90_HOPPER_H

#include "mla/Conversion/MLAToGPU/KernelBuilder.h"

namespace mla::gpu {

inline constexpr int64_t tileColumns = 64;               ///< elements of bf16 per row of a tile
inline constexpr int64_t tileRowBytes = 2 * tileColumns; ///< 128
/// Bytes of a tile of `rows` rows.
constexpr int64_t tileBytes(int64_t rows) { return rows * tileRowBytes; }

//===----------------------------------------------------------------------===//
// Barriers in shared memory that count arrivals and bytes (PTX ISA, 9.7.13.15)
//===----------------------------------------------------------------------===//

void initBarrier(KernelBuilder &k, Val barrier, int64_t arrivals);
/// Makes initialised barriers visible to TMA; one thread, before the CTA synchronises.
void fenceBarrierInit(KernelBuilder &k);
/// Arrives, and announces the bytes of copies.
void expectBytes(KernelBuilder &k, Val barrier, int64_t bytes);
void expectBytes(KernelBuilder &k, Val barrier, Val bytes, Val predicate);
void arrive(KernelBuilder &k, Val barrier);
/// Waits until the phase of this parity has completed.
void waitBarrier(KernelBuilder &k, Val barrier, Val parity);

//===----------------------------------------------------------------------===//
// TMA
//===----------------------------------------------------------------------===//

/// The L2 policy of loads. The encodings are createpolicy's own.
enum class CacheHint : uint64_t {
  EvictFirst = 0x12F0000000000000,
  EvictNormal = 0x1000000000000000, ///< measured 3% faster than EvictFirst where memory bounds
  EvictLast = 0x14F0000000000000,
};
/// Returns a hint as a value, to be chosen at run time.
Val encode(KernelBuilder &k, CacheHint hint);

/// Copies a box of the tensor at `coordinates` (innermost first) to `to`; the bytes count on `barrier`. One thread.
void copyTile(KernelBuilder &k, Val to, Val tensorMap, Val barrier, llvm::ArrayRef<Val> coordinates, CacheHint hint);
void copyTile(KernelBuilder &k, Val to, Val tensorMap, Val barrier, llvm::ArrayRef<Val> coordinates, Val hint);
/// Copies a box back; elements outside the tensor are not written.
void storeTile(KernelBuilder &k, Val tensorMap, Val from, llvm::ArrayRef<Val> coordinates);
/// Copies `bytes` (a multiple of 16) from shared to global memory, both aligned to 16.
void storeBytes(KernelBuilder &k, Val to, Val from, Val bytes);
void commitStores(KernelBuilder &k);
/// Waits until all stores of this thread have read their sources, or are complete.
void waitStoresRead(KernelBuilder &k);
void waitStores(KernelBuilder &k);
/// Copies 4 bytes from global to shared memory asynchronously; waitWords waits for all such copies of this thread.
void copyWord(KernelBuilder &k, Val to, Val from);
/// Copies 16 bytes likewise, both aligned to 16, or stores zeros if the source does not exist.
void copyChunk(KernelBuilder &k, Val to, Val from, Val exists);
void waitWords(KernelBuilder &k);
/// Arrives when all such copies of this thread so far are complete.
void arriveAfterWords(KernelBuilder &k, Val barrier);
/// Prefetches a line to L2.
void prefetch(KernelBuilder &k, Val from);
void prefetchTensorMap(KernelBuilder &k, Val tensorMap);
/// Orders ordinary writes of shared memory before what TMA and the tensor cores read; every writing thread,
/// then a barrier.
void fenceAsync(KernelBuilder &k);

//===----------------------------------------------------------------------===//
// Programmatic dependent launch
//===----------------------------------------------------------------------===//

/// Waits until the kernels before this one are complete and what they wrote is visible.
void waitForPredecessors(KernelBuilder &k);
/// Lets the next kernel start. Best at the end: dependents that start early take SMs.
void launchDependents(KernelBuilder &k);

/// Changes registers per thread: for warpgroups that copy (decrease) and that compute (increase). Multiples of 8.
void decreaseRegisters(KernelBuilder &k, int64_t count);
void increaseRegisters(KernelBuilder &k, int64_t count);

//===----------------------------------------------------------------------===//
// Tensor cores (wgmma): D[64 x n] += A[64 x 16] · B[16 x n], to f32
//===----------------------------------------------------------------------===//

/// Descriptors of operands in shared memory (PTX ISA, 9.7.15.5.1), for a tile at a constant offset.
/// K-major: rows are m or n, columns are k. Steps of 16 along k add kMajorStep; 8 rows are 1024 bytes.
int64_t kMajorDescriptor(int64_t offset);
inline constexpr int64_t kMajorStep = 2;
/// Moves a descriptor by a number of units of 16 bytes. Only the low half changes, which costs one instruction on the
/// way to the product.
Val moveDescriptor(KernelBuilder &k, int64_t descriptor, Val units);
/// MN-major: rows are k, columns are m or n; the next 64 columns are `tileStride` bytes further. Steps of 16 along k
/// add mnMajorStep.
int64_t mnMajorDescriptor(int64_t offset, int64_t tileStride);
inline constexpr int64_t mnMajorStep = 128;

enum class Major { K, MN };

/// Accumulators of one warpgroup: element 4j + 2h + e of a thread is row 16·warp + lane/4 + 8h, column
/// 8j + 2·(lane%4) + e, for j in [0, n/8).
inline int64_t accumulatorsOf(int64_t n) { return n / 2; }
/// Returns which of the thread's two rows an accumulator belongs to (h above).
inline int64_t rowOf(int64_t index) { return (index >> 1) & 1; }

/// Orders register writes before the next product; required at the start of a group.
void fenceProducts(KernelBuilder &k);
void commitProducts(KernelBuilder &k);
/// Waits until at most `pending` committed groups are unfinished.
void waitProducts(KernelBuilder &k, int64_t pending);
/// Elements of both operands. Of e4m3, a product has 32 columns of k, and both operands are K-major.
enum class Operands { BF16, F16, E4M3 };
/// A and B from shared memory, by descriptor. `start` overwrites the accumulators.
Vals multiply(KernelBuilder &k, Val a, Val b, llvm::ArrayRef<Val> accumulators, bool start = false,
              Major aMajor = Major::K, Major bMajor = Major::K, Operands operands = Operands::BF16);
/// A from registers: four i32 of packed elements, the accumulators' layout.
Vals multiplyRegisters(KernelBuilder &k, llvm::ArrayRef<Val> a, Val b, llvm::ArrayRef<Val> accumulators,
                       bool start = false, Major bMajor = Major::K, Operands operands = Operands::BF16);

//===----------------------------------------------------------------------===//
// Fragments of tiles
//===----------------------------------------------------------------------===//

/// Returns this lane's address for loadMatrix and storeMatrix, for the 16 rows of warp `warp` (in its warpgroup): bytes
/// from the start of a tile, for 16 columns from 16·j.
Val fragmentOffset(KernelBuilder &k, Val warp, Val lane, int64_t j);
/// Four 8x8 matrices of bf16: a fragment of A (16 x 16). Transposed, a register holds neighbours of a column.
Vals loadMatrix(KernelBuilder &k, Val from, bool transposed = false);
void storeMatrix(KernelBuilder &k, Val to, llvm::ArrayRef<Val> fragment, bool transposed = false);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_HOPPER_H
