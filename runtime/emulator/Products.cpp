//===- Products.cpp - wgmma in flight -------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"

#include <cstring>

using namespace mla::emulator;

static constexpr unsigned rowsOfWarp = 16, depth = 16; ///< Of a product of bf16.

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// K-major: groups of 8 rows of 128 bytes, `stride` apart. MN-major: rows are k; the next 64 of m or n lie `leading`
/// on, the next 8 of k `stride` on.
uint32_t Operand::chunk(unsigned mn, unsigned k) const {
  uint32_t address = isMnMajor ? start + mn / 64 * leading + k / 8 * stride + k % 8 * 128 + mn % 64 * 2
                               : start + mn / 8 * stride + mn % 8 * 128 + k * 2;
  return swizzled(address, 128);
}

static float widen(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

namespace {
/// A matrix as f32, and which of its rows (of m or n) have an undefined element.
struct Matrix {
  float values[depth][256]; ///< [k][m or n]
  bool undefined[256];
};
} // namespace

/// Calls action(m or n, k, shared address) of every chunk of 8 elements.
template <typename Action>
static void forChunks(const Operand &operand, unsigned first, unsigned count, Action action) {
  if (operand.isMnMajor) {
    for (unsigned k = 0; k < depth; ++k)
      for (unsigned mn = first; mn < first + count; mn += 8)
        action(mn, k, operand.chunk(mn, k));
    return;
  }
  for (unsigned mn = first; mn < first + count; ++mn)
    for (unsigned k = 0; k < depth; k += 8)
      action(mn, k, operand.chunk(mn, k));
}

static void load(SharedMemory &memory, const Operand &operand, unsigned first, unsigned count, Matrix &matrix) {
  std::memset(matrix.undefined, 0, sizeof(matrix.undefined));
  forChunks(operand, first, count, [&](unsigned mn, unsigned k, uint32_t address) {
    uint16_t elements[8];
    std::memcpy(elements, memory.contents(address), sizeof(elements));
    const uint8_t *undefined = memory.undefined(address);
    for (unsigned i = 0; i < 8; ++i) {
      unsigned row = mn - first + (operand.isMnMajor ? i : 0), column = k + (operand.isMnMajor ? 0 : i);
      matrix.values[column][row] = widen(elements[i]);
      matrix.undefined[row] |= undefined[2 * i] | undefined[2 * i + 1];
    }
  });
}

/// A fragment of registers: a0, a1 of rows lane/4 and lane/4 + 8, a2, a3 of columns 8 on (PTX ISA 8.6, 9.7.15.5.2).
static void loadRegisters(Warp &warp, const Inst &inst, Matrix &matrix) {
  std::memset(matrix.undefined, 0, sizeof(matrix.undefined));
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t *values = warp.words(inst.inputs[i]);
    Mask undefined = warp.undefinedOf(inst.inputs[i]);
    for (unsigned lane = 0; lane < lanes; ++lane) {
      unsigned row = lane / 4 + i % 2 * 8, column = lane % 4 * 2 + i / 2 * 8;
      matrix.values[column][row] = widen(static_cast<uint16_t>(values[lane]));
      matrix.values[column + 1][row] = widen(static_cast<uint16_t>(values[lane] >> 16));
      matrix.undefined[row] |= undefined >> lane & 1;
    }
  }
}

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

/// sums[16][n] += a · b
__attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4"))) static void
multiply(float *sums, const Matrix &a, const Matrix &b, unsigned n) {
  for (unsigned row = 0; row < rowsOfWarp; ++row)
    for (unsigned k = 0; k < depth; ++k) {
      float factor = a.values[k][row];
      float *sum = sums + row * n;
      for (unsigned column = 0; column < n; ++column)
        sum[column] += factor * b.values[k][column];
    }
}

/// Accumulator i of a lane is of row lane/4 + 8 (i/2 mod 2) and column 8 (i/4) + 2 (lane mod 4) + i mod 2.
static unsigned rowOf(unsigned i, unsigned lane) { return lane / 4 + i / 2 % 2 * 8; }
static unsigned columnOf(unsigned i, unsigned lane) { return i / 4 * 8 + lane % 4 * 2 + i % 2; }

void Products::compute(Warp &warp, Product &product) {
  if (product.isComputed)
    return;
  product.isComputed = true;
  static thread_local Matrix a, b;
  unsigned registers = static_cast<unsigned>(product.undefined.size()), n = 2 * registers;
  for (unsigned i = 0; i < product.earlier.size(); ++i)
    if (const Product *source = product.earlier[i].product.get()) {
      unsigned index = product.earlier[i].index;
      std::memcpy(&product.values[i * lanes], &source->values[index * lanes], lanes * sizeof(float));
      product.undefined[i] = source->undefined[index];
    }
  product.earlier.clear();
  if (product.aFromRegisters)
    loadRegisters(warp, *product.inst, a);
  else
    load(warp.block.shared, product.a, warp.index % 4 * rowsOfWarp, rowsOfWarp, a);
  load(warp.block.shared, product.b, 0, n, b);
  float sums[rowsOfWarp * 256];
  for (unsigned i = 0; i < registers; ++i)
    for (unsigned lane = 0; lane < lanes; ++lane) {
      sums[rowOf(i, lane) * n + columnOf(i, lane)] = product.values[i * lanes + lane];
      product.undefined[i] |= Mask(a.undefined[rowOf(i, lane)] || b.undefined[columnOf(i, lane)]) << lane;
    }
  multiply(sums, a, b, n);
  for (unsigned i = 0; i < registers; ++i)
    for (unsigned lane = 0; lane < lanes; ++lane)
      product.values[i * lanes + lane] = sums[rowOf(i, lane) * n + columnOf(i, lane)];
}

//===----------------------------------------------------------------------===//
// Registers and groups
//===----------------------------------------------------------------------===//

/// The warps of a warp's warpgroup.
template <typename Action> static void forWarpgroup(Warp &warp, Action action) {
  std::vector<Warp> &warps = warp.block.warps;
  for (size_t i = warp.index / 4 * 4; i < std::min<size_t>(warp.index / 4 * 4 + 4, warps.size()); ++i)
    action(warps[i]);
}

void Products::begin(uint32_t cells, Time from) {
  owner.resize(cells);
  ownerIndex.resize(cells);
  readers.resize(cells);
  start = from;
}

/// The reads of shared memory are as long as the product is in flight.
static bool noteReads(Warp &warp, const Operand &operand, unsigned first, unsigned count, Time time) {
  SharedMemory &memory = warp.block.shared;
  Accessor by{warp.block.agents.products(warp.index), time, warp.clock, warp.pc, true};
  bool isRight = true;
  forChunks(operand, first, count, [&](unsigned, unsigned, uint32_t address) {
    if (!isRight)
      return;
    if (!memory.contains(address, 16)) {
      warp.fail(FaultKind::OutOfBounds, "the descriptor's matrix reaches shared address " + std::to_string(address) +
                                            ", outside of the block's " + std::to_string(memory.size()) + " bytes");
      isRight = false;
    } else if (Conflict conflict = memory.read(address, 16, by)) {
      warp.block.failConflict(warp, conflict, "reads", -1);
      isRight = false;
    }
  });
  return isRight;
}

void Products::issue(Warp &warp, std::shared_ptr<Product> product) {
  const Inst &inst = *product->inst;
  unsigned registers = static_cast<unsigned>(inst.results.size());
  if (!product->aFromRegisters && !noteReads(warp, product->a, warp.index % 4 * rowsOfWarp, rowsOfWarp, time()))
    return;
  if (!noteReads(warp, product->b, 0, 2 * registers, time()))
    return;
  bool keeps = product->keeps;
  product->values.assign(registers * lanes, 0);
  product->undefined.assign(registers, 0);
  product->earlier.resize(registers);
  for (unsigned i = 0; i < registers; ++i) {
    int32_t cell = inst.results[i];
    if (keeps && owner[cell])
      product->earlier[i] = {owner[cell], ownerIndex[cell]};
    else if (keeps) {
      std::memcpy(&product->values[i * lanes], warp.words(cell), lanes * sizeof(float));
      product->undefined[i] = warp.undefined[cell];
    }
  }
  for (unsigned i = 0; i < registers; ++i) {
    owner[inst.results[i]] = product;
    ownerIndex[inst.results[i]] = i;
    product->holders.emplace_back(inst.results[i], i);
  }
  if (product->aFromRegisters)
    for (const Source &input : inst.inputs)
      ++readers[input.cell];
  product->number = ++count;
  open.push_back(product);
  if (warp.block.isEager())
    compute(warp, *product);
  forWarpgroup(warp, [&](Warp &other) { // who waits looks again
    if (other.state == Warp::State::AtProducts)
      other.state = Warp::State::Ready;
  });
}

void Products::rename(int32_t from, int32_t to) {
  owner[to] = owner[from];
  ownerIndex[to] = ownerIndex[from];
  if (owner[to])
    owner[to]->holders.emplace_back(to, ownerIndex[to]);
}

void Products::commit() {
  groups.push_back(std::move(open));
  open.clear();
  ++committed;
}

/// Its results are in their registers.
void Products::retire(Warp &warp, Product &product) {
  compute(warp, product);
  for (auto [cell, index] : product.holders) {
    if (owner[cell].get() != &product || ownerIndex[cell] != index)
      continue; // holds something later
    std::memcpy(warp.words(cell), &product.values[index * lanes], lanes * sizeof(float));
    warp.undefined[cell] = product.undefined[index];
    owner[cell] = nullptr;
  }
  if (product.aFromRegisters)
    for (const Source &input : product.inst->inputs)
      --readers[input.cell];
}

void Products::computeUpTo(Warp &warp, uint64_t number) {
  auto computeAll = [&](const std::vector<std::shared_ptr<Product>> &products) {
    for (const std::shared_ptr<Product> &product : products)
      if (product->number <= number)
        compute(warp, *product);
  };
  for (const auto &group : groups)
    computeAll(group);
  computeAll(open);
}

bool Products::wait(Warp &warp, size_t pending) {
  if (groups.size() <= pending)
    return true;
  uint64_t last = 0;
  for (size_t i = 0; i + pending < groups.size(); ++i)
    for (const std::shared_ptr<Product> &product : groups[i])
      last = std::max(last, product->number);
  bool areExecuted = true;
  forWarpgroup(warp, [&](Warp &other) { areExecuted &= other.products.issued() >= last; });
  if (!areExecuted) {
    warp.state = Warp::State::AtProducts;
    warp.awaitedProduct = last;
    return false;
  }
  forWarpgroup(warp, [&](Warp &other) { other.products.computeUpTo(other, last); });
  while (groups.size() > pending) {
    // A register may be the last that keeps a product: keep the group until it is done.
    std::vector<std::shared_ptr<Product>> group = std::move(groups.front());
    groups.pop_front();
    for (const std::shared_ptr<Product> &product : group)
      retire(warp, *product);
  }
  Time completed = start + committed - static_cast<Time>(groups.size());
  forWarpgroup(warp, [&](Warp &other) {
    Time &time = warp.clock.all[warp.block.agents.products(other.index)];
    time = std::max(time, completed);
  });
  return true;
}

bool Products::computeOne(Warp &warp) {
  auto computeFirst = [&](const std::vector<std::shared_ptr<Product>> &products) {
    for (const std::shared_ptr<Product> &product : products)
      if (!product->isComputed)
        return compute(warp, *product), true;
    return false;
  };
  for (const auto &group : groups)
    if (computeFirst(group))
      return true;
  return computeFirst(open);
}
