//===- Products.h - wgmma in flight -----------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A wgmma is one operation of a warpgroup: it is complete for all four warps
// when it is for one, and that can only be when all four have executed it. Warp
// w computes rows 16 w to 16 w + 15 of the 64. It reads shared memory and
// registers as late as the policy has it, at the latest when one of the warps
// has waited for its group; until then its accumulators are in flight. A move
// of such a register is no access: it stands for the choice of a name, which
// the assembler makes without an instruction.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_PRODUCTS_H
#define MLA_EMULATOR_PRODUCTS_H

#include "Clock.h"
#include "Program.h"

#include <deque>
#include <memory>
#include <vector>

namespace mla::emulator {

/// A matrix in shared memory as a descriptor has it (PTX ISA 8.6, 9.7.15.5.1).
struct Operand {
  uint32_t start = 0, leading = 0, stride = 0; ///< Bytes.
  bool isMnMajor = false;                      ///< Of elements of 16 bits.
  unsigned elementBytes = 2;
  bool isHalf = false; ///< Elements of 16 bits are f16, else bf16.
  bool operator==(const Operand &) const = default;
  /// k of a product: 32 bytes.
  unsigned depth() const { return 32 / elementBytes; }
  unsigned chunkElements() const { return 16 / elementBytes; }
  /// The address of 16 bytes of elements: rows m or n from `mn`, column k; along the major dimension.
  uint32_t chunk(unsigned mn, unsigned k) const;
};

struct Product {
  uint64_t number = 0; ///< Among the warp's.
  const Inst *inst = nullptr;
  Operand a, b;
  bool aFromRegisters = false;
  bool keeps = false;   ///< scale-d: adds to the accumulators.
  bool negates = false; ///< imm-scale-a times imm-scale-b is -1.
  bool isComputed = false;
  bool isConsumed = false; ///< Its results go to the next product of a chain and nowhere else.
  /// Accumulators of this warp's rows: what they were, then what they are. [16][n]
  std::vector<float> values;
  std::vector<Mask> undefined; ///< By register: a bit per lane.
  /// Accumulators that come from a product that is not computed yet: that, and the register there. If all come from the
  /// same registers of one product, only the first entry is there.
  struct Earlier {
    std::shared_ptr<Product> product;
    uint32_t index;
  };
  std::vector<Earlier> earlier;
  unsigned columns() const { return static_cast<unsigned>(2 * undefined.size()); }
  std::vector<std::pair<int32_t, uint32_t>> holders; ///< Cells that hold a result, and which.
};

/// The products of one warp.
class Products {
public:
  void begin(uint32_t cells);
  /// A register that belongs to a product in flight.
  bool isPending(int32_t cell) const { return !owner.empty() && owner[cell]; }
  /// A register that a product in flight reads.
  bool isRead(int32_t cell) const { return !readers.empty() && readers[cell]; }
  void issue(Warp &warp, std::shared_ptr<Product> product);
  /// `cell` holds something else from now on.
  void forget(int32_t cell) { owner[cell] = nullptr; }
  /// `to` is another name of `from`.
  void rename(int32_t from, int32_t to);
  void commit();
  /// Completes all but the `pending` newest groups. False: other warps of the warpgroup have not executed them yet, and
  /// the warp waits for these.
  bool wait(Warp &warp, size_t pending);
  /// Computes the oldest product that is not computed. Returns false if there is none.
  bool computeOne(Warp &warp);
  bool isEmpty() const {
    return open.empty() && std::all_of(groups.begin(), groups.end(), [](auto &group) { return group.empty(); });
  }
  /// The time of reads of what is issued now.
  Time time() const { return committed + 1; }
  uint64_t issued() const { return count; }

private:
  friend struct ProductComputer;
  /// The products that are not computed, up to a number, oldest first.
  std::vector<Product *> uncomputed(uint64_t last) const;
  void retire(Warp &warp, Product &product);
  std::vector<std::shared_ptr<Product>> open;
  std::deque<std::vector<std::shared_ptr<Product>>> groups;
  std::vector<std::shared_ptr<Product>> owner; ///< By cell.
  std::vector<uint32_t> ownerIndex, readers;
  uint32_t committed = 0;
  uint64_t count = 0;
};

} // namespace mla::emulator

#endif // MLA_EMULATOR_PRODUCTS_H
