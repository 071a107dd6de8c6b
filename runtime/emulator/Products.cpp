//===- Products.cpp - wgmma in flight -------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"
#include "Float.h"

#include <array>
#include <cstring>

using namespace mla::emulator;

static constexpr unsigned rowsOfWarp = 16, maxDepth = 32; ///< Of a product.

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// K-major: groups of 8 rows of 128 bytes, `stride` apart. MN-major: rows are k; the next 64 of m or n lie `leading`
/// on, the next 8 of k `stride` on.
uint32_t Operand::chunk(unsigned mn, unsigned k) const {
  uint32_t address = isMnMajor ? start + mn / 64 * leading + k / 8 * stride + k % 8 * 128 + mn % 64 * 2
                               : start + mn / 8 * stride + mn % 8 * 128 + k * elementBytes;
  return swizzled(address, 128);
}

namespace {
enum class BF16 : uint16_t {};
enum class F16 : uint16_t {};
enum class E4M3 : uint8_t {};
} // namespace
static float widen(BF16 bits) { return mla::widenBF16(static_cast<uint16_t>(bits)); }
static float widen(F16 bits) { return mla::widenF16(static_cast<uint16_t>(bits)); }
static float widen(E4M3 bits) {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> values;
    for (unsigned i = 0; i < 256; ++i)
      values[i] = mla::widenE4M3(static_cast<uint8_t>(i));
    return values;
  }();
  return table[static_cast<uint8_t>(bits)];
}

namespace {
/// A matrix as f32, and which of its rows (of m or n) have an undefined element.
struct Matrix {
  float values[maxDepth][256]; ///< [k][m or n]
  bool undefined[256];
  bool anyUndefined;
};
} // namespace

/// Calls action(m or n, k, shared address) of every chunk of 16 bytes.
template <typename Action>
static void forChunks(const Operand &operand, unsigned first, unsigned count, Action action) {
  if (operand.isMnMajor) {
    for (unsigned k = 0; k < operand.depth(); ++k)
      for (unsigned mn = first; mn < first + count; mn += operand.chunkElements())
        action(mn, k, operand.chunk(mn, k));
    return;
  }
  for (unsigned mn = first; mn < first + count; ++mn)
    for (unsigned k = 0; k < operand.depth(); k += operand.chunkElements())
      action(mn, k, operand.chunk(mn, k));
}

template <typename Element>
static void load(SharedMemory &memory, const Operand &operand, unsigned first, unsigned count, Matrix &matrix) {
  constexpr unsigned perChunk = 16 / sizeof(Element);
  std::memset(matrix.undefined, 0, sizeof(matrix.undefined));
  matrix.anyUndefined = false;
  forChunks(operand, first, count, [&](unsigned mn, unsigned k, uint32_t address) {
    Element elements[perChunk];
    std::memcpy(elements, memory.contents(address), sizeof(elements));
    unsigned row = mn - first;
    for (unsigned i = 0; i < perChunk; ++i)
      matrix.values[operand.isMnMajor ? k : k + i][operand.isMnMajor ? row + i : row] = widen(elements[i]);
    uint64_t undefined[2];
    std::memcpy(undefined, memory.undefined(address), sizeof(undefined));
    if (!(undefined[0] | undefined[1]))
      return;
    matrix.anyUndefined = true;
    for (unsigned i = 0; i < perChunk; ++i)
      matrix.undefined[row + (operand.isMnMajor ? i : 0)] |=
          memory.anyUndefined(address + sizeof(Element) * i, sizeof(Element));
  });
}

/// A fragment of registers: a0, a1 of rows lane/4 and lane/4 + 8, a2, a3 of the same and the second 16 bytes of
/// columns; lane mod 4 counts registers in these (PTX ISA 8.6, 9.7.15.5.1.1).
template <typename Element> static void loadRegisters(Warp &warp, const Inst &inst, Matrix &matrix) {
  constexpr unsigned perRegister = 4 / sizeof(Element);
  std::memset(matrix.undefined, 0, sizeof(matrix.undefined));
  matrix.anyUndefined = false;
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t *values = warp.words(inst.inputs[i]);
    Mask undefined = warp.undefinedOf(inst.inputs[i]);
    matrix.anyUndefined |= undefined != 0;
    for (unsigned lane = 0; lane < lanes; ++lane) {
      unsigned row = lane / 4 + i % 2 * 8, column = (lane % 4 + i / 2 * 4) * perRegister;
      for (unsigned e = 0; e < perRegister; ++e)
        matrix.values[column + e][row] = widen(static_cast<Element>(values[lane] >> (8 * sizeof(Element) * e)));
      matrix.undefined[row] |= undefined >> lane & 1;
    }
  }
}

/// The signs of A and B make that of the products.
static void negate(Matrix &a, unsigned depth) {
  for (unsigned k = 0; k < depth; ++k)
    for (unsigned row = 0; row < rowsOfWarp; ++row)
      a.values[k][row] = -a.values[k][row];
}

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

/// sums[0 … width) += Σ a[k] · b[k][0 … width)
template <unsigned width>
static inline void multiplyRow(float *sums, const Matrix &a, unsigned row, const float *b, unsigned depth) {
  float partial[width];
  std::memcpy(partial, sums, sizeof(partial));
  for (unsigned k = 0; k < depth; ++k)
    for (unsigned i = 0; i < width; ++i)
      partial[i] += a.values[k][row] * b[k * 256 + i];
  std::memcpy(sums, partial, sizeof(partial));
}

/// sums[16][n] += a · b
static void multiply(float *sums, const Matrix &a, const Matrix &b, unsigned n, unsigned depth) {
  constexpr unsigned wide = 32, narrow = 8;
  for (unsigned row = 0; row < rowsOfWarp; ++row) {
    unsigned column = 0;
    for (; column + wide <= n; column += wide)
      multiplyRow<wide>(sums + row * n + column, a, row, &b.values[0][column], depth);
    for (; column < n; column += narrow)
      multiplyRow<narrow>(sums + row * n + column, a, row, &b.values[0][column], depth);
  }
}

/// Accumulator i of a lane is of row lane/4 + 8 (i/2 mod 2) and column 8 (i/4) + 2 (lane mod 4) + i mod 2.
static unsigned rowOf(unsigned i, unsigned lane) { return lane / 4 + i / 2 % 2 * 8; }
static unsigned columnOf(unsigned i, unsigned lane) { return i / 4 * 8 + lane % 4 * 2 + i % 2; }

/// Register i of all lanes, from and to the rows of a product.
static void readRegister(Product &product, unsigned i, const uint32_t *from) {
  for (unsigned lane = 0; lane < lanes; ++lane)
    std::memcpy(&product.values[rowOf(i, lane) * product.columns() + columnOf(i, lane)], &from[lane], sizeof(float));
}
static void writeRegister(const Product &product, unsigned i, uint32_t *to) {
  for (unsigned lane = 0; lane < lanes; ++lane)
    std::memcpy(&to[lane], &product.values[rowOf(i, lane) * product.columns() + columnOf(i, lane)], sizeof(float));
}

namespace mla::emulator {
/// Computes products of a warpgroup's warps, which share B.
struct ProductComputer {
  Matrix a, b;
  const Product *loaded = nullptr; ///< Whose B is there.

  template <typename Element> void loadA(Warp &warp, const Product &product) {
    if (product.aFromRegisters)
      loadRegisters<Element>(warp, *product.inst, a);
    else
      load<Element>(warp.block.shared, product.a, warp.index % 4 * rowsOfWarp, rowsOfWarp, a);
    if (product.negates)
      negate(a, product.b.depth());
  }

  template <typename Element> void loadB(Warp &warp, const Product &product) {
    if (loaded && loaded->b == product.b && loaded->columns() == product.columns())
      return;
    load<Element>(warp.block.shared, product.b, 0, product.columns(), b);
    loaded = &product;
  }

  /// What the accumulators were, if that is the result of other products.
  static void takeEarlier(Product &product) {
    if (product.earlier.size() == 1) {
      Product &source = *product.earlier[0].product;
      product.undefined = source.undefined;
      if (source.isConsumed)
        product.values = std::move(source.values);
      else
        product.values = source.values;
    } else {
      for (unsigned i = 0; i < product.earlier.size(); ++i)
        if (const Product *source = product.earlier[i].product.get()) {
          uint32_t registers[lanes];
          writeRegister(*source, product.earlier[i].index, registers);
          readRegister(product, i, registers);
          product.undefined[i] = source->undefined[product.earlier[i].index];
        }
    }
    product.earlier.clear();
  }

  void compute(Warp &warp, Product &product) {
    product.isComputed = true;
    takeEarlier(product);
    if (product.b.elementBytes == 1)
      loadA<E4M3>(warp, product), loadB<E4M3>(warp, product);
    else if (product.b.isHalf)
      loadA<F16>(warp, product), loadB<F16>(warp, product);
    else
      loadA<BF16>(warp, product), loadB<BF16>(warp, product);
    multiply(product.values.data(), a, b, product.columns(), product.b.depth());
    if (a.anyUndefined || b.anyUndefined)
      for (unsigned i = 0; i < product.undefined.size(); ++i)
        for (unsigned lane = 0; lane < lanes; ++lane)
          product.undefined[i] |= Mask(a.undefined[rowOf(i, lane)] || b.undefined[columnOf(i, lane)]) << lane;
  }

  /// All up to a number, in order; those of one number together.
  void computeUpTo(Warp &first, uint64_t last);
};
} // namespace mla::emulator

static ProductComputer &computer() {
  static thread_local const auto made = std::make_unique<ProductComputer>();
  made->loaded = nullptr; // shared memory may have changed
  return *made;
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

void Products::begin(uint32_t cells) {
  owner.resize(cells);
  ownerIndex.resize(cells);
  readers.resize(cells);
}

/// The reads of shared memory are as long as the product is in flight.
static bool noteReads(Warp &warp, const Operand &operand, unsigned first, unsigned count, Time time) {
  SharedMemory &memory = warp.block.shared;
  Accessor by{warp.block.agents.products(warp.index), time, warp.clock, warp.pc, true};
  ChunkReader reader(memory, by);
  uint32_t outside = 0;
  forChunks(operand, first, count, [&](unsigned, unsigned, uint32_t address) {
    if (!memory.contains(address, 16))
      outside = address | 1;
    else
      reader.read(address);
  });
  if (outside) {
    warp.fail(FaultKind::OutOfBounds, "the descriptor's matrix reaches shared address " +
                                          std::to_string(outside & ~1u) + ", outside of the block's " +
                                          std::to_string(memory.size()) + " bytes");
    return false;
  }
  if (!reader.conflict())
    return true;
  warp.block.failConflict(warp, reader.conflict(), "reads", -1);
  return false;
}

/// What the accumulators are before the product.
static void readAccumulators(Warp &warp, Product &product, const std::vector<std::shared_ptr<Product>> &owner,
                             const std::vector<uint32_t> &ownerIndex) {
  const std::vector<int32_t> &cells = product.inst->results;
  bool isOne = true; // all from the same registers of one product
  for (unsigned i = 0; i < cells.size(); ++i)
    isOne &= owner[cells[i]] && owner[cells[i]] == owner[cells[0]] && ownerIndex[cells[i]] == i;
  if (isOne && owner[cells[0]]->columns() == product.columns()) {
    owner[cells[0]]->isConsumed = owner[cells[0]]->holders.size() == cells.size();
    product.earlier.push_back({owner[cells[0]], 0});
    return;
  }
  product.values.assign(cells.size() * lanes, 0);
  product.earlier.resize(cells.size());
  for (unsigned i = 0; i < cells.size(); ++i) {
    if (owner[cells[i]]) {
      product.earlier[i] = {owner[cells[i]], ownerIndex[cells[i]]};
      continue;
    }
    readRegister(product, i, warp.words(cells[i]));
    product.undefined[i] = warp.undefinedOf({nullptr, static_cast<uint32_t>(cells[i])});
  }
}

void Products::issue(Warp &warp, std::shared_ptr<Product> product) {
  const Inst &inst = *product->inst;
  unsigned registers = static_cast<unsigned>(inst.results.size());
  if (!product->aFromRegisters && !noteReads(warp, product->a, warp.index % 4 * rowsOfWarp, rowsOfWarp, time()))
    return;
  if (!noteReads(warp, product->b, 0, 2 * registers, time()))
    return;
  product->undefined.assign(registers, 0);
  if (product->keeps)
    readAccumulators(warp, *product, owner, ownerIndex);
  else
    product->values.assign(registers * lanes, 0);
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
    computer().compute(warp, *product);
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
  for (auto [cell, index] : product.holders) {
    if (owner[cell].get() != &product || ownerIndex[cell] != index)
      continue; // holds something later
    writeRegister(product, index, warp.words(cell));
    warp.setUndefined(cell, allLanes, product.undefined[index]);
    owner[cell] = nullptr;
  }
  if (product.aFromRegisters)
    for (const Source &input : product.inst->inputs)
      --readers[input.cell];
}

std::vector<Product *> Products::uncomputed(uint64_t last) const {
  std::vector<Product *> found;
  auto take = [&](const std::vector<std::shared_ptr<Product>> &products) {
    for (const std::shared_ptr<Product> &product : products)
      if (!product->isComputed && product->number <= last)
        found.push_back(product.get());
  };
  for (const auto &group : groups)
    take(group);
  take(open);
  return found;
}

void ProductComputer::computeUpTo(Warp &first, uint64_t last) {
  std::vector<std::pair<Warp *, Product *>> all;
  forWarpgroup(first, [&](Warp &warp) {
    for (Product *product : warp.products.uncomputed(last))
      all.emplace_back(&warp, product);
  });
  std::sort(all.begin(), all.end(), [](auto &a, auto &b) {
    return std::pair(a.second->number, a.first->index) < std::pair(b.second->number, b.first->index);
  });
  for (auto [warp, product] : all)
    compute(*warp, *product);
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
  computer().computeUpTo(warp, last);
  while (groups.size() > pending) {
    // A register may be the last that keeps a product: keep the group until it is done.
    std::vector<std::shared_ptr<Product>> group = std::move(groups.front());
    groups.pop_front();
    for (const std::shared_ptr<Product> &product : group)
      retire(warp, *product);
  }
  Time completed = committed - static_cast<Time>(groups.size());
  forWarpgroup(warp, [&](Warp &other) {
    Time &time = warp.clock.all[warp.block.agents.products(other.index)];
    time = std::max(time, completed);
  });
  return true;
}

bool Products::computeOne(Warp &warp) {
  std::vector<Product *> left = uncomputed(UINT64_MAX);
  if (left.empty())
    return false;
  computer().compute(warp, *left.front());
  return true;
}
