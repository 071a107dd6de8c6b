//===- Operations.h - The tables of instructions ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An instruction is a row of a table. One that computes a value per lane states
// its result as a function of its operands, as the ISA manual does:
//
//   alu("mad.lo.s32", [](u32 a, u32 b, u32 c) { return a * b + c; }),
//
// The types of the function are those of the registers: bool a predicate, u16,
// u32, s32 and float, u64 and s64. Families with modifiers have a function that
// decodes them, and refuses modifiers it does not know.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_OPERATIONS_H
#define MLA_EMULATOR_OPERATIONS_H

#include "Block.h"

#include <bit>
#include <type_traits>

namespace mla::emulator {

using u8 = uint8_t;
using u16 = uint16_t;
using s16 = int16_t;
using u32 = uint32_t;
using s32 = int32_t;
using u64 = uint64_t;
using s64 = int64_t;

/// The types of an operand, by the letters of Row::form: predicate, 16, 32 and 64 bits.
template <typename T> constexpr char letterOf() {
  return std::is_same_v<T, bool> ? 'p' : sizeof(T) == 2 ? 'h' : sizeof(T) == 4 ? 'w' : 'd';
}

/// Decodes the operands of one instruction (Decoder.h).
class Decoder;
using DecodeFunction = void (*)(Decoder &, Inst &);

struct Row {
  std::string opcode; ///< Whole; or its first part, of a family: then `decode` reads the modifiers.
  std::string form;   ///< "w=ww": a result of 32 bits, and two operands.
  Handler run = nullptr;
  InstClass kind = InstClass::Other;
  DecodeFunction decode = nullptr; ///< null: by the form.
  bool isAligned = false;
  HalvesFunction halves = nullptr; ///< Inst::halves
};

/// Each file's.
std::vector<Row> integerRows();
std::vector<Row> floatRows();
std::vector<Row> narrowRows();
std::vector<Row> moveRows();
std::vector<Row> controlRows();
std::vector<Row> warpRows();
std::vector<Row> memoryRows();
std::vector<Row> barrierRows();
std::vector<Row> copyRows();
std::vector<Row> productRows();

//===----------------------------------------------------------------------===//
// Values per lane
//===----------------------------------------------------------------------===//

template <typename T> using Storage = std::conditional_t<sizeof(T) == 8, u64, u32>;
template <typename T> T fromStorage(Storage<T> bits) {
  if constexpr (sizeof(T) == 2)
    return static_cast<T>(bits);
  else
    return std::bit_cast<T>(bits);
}
template <typename T> Storage<T> toStorage(T value) {
  if constexpr (sizeof(T) == 2)
    return static_cast<u16>(value);
  else
    return std::bit_cast<Storage<T>>(value);
}

/// An operand of all lanes.
template <typename T> struct Lanes {
  const Storage<T> *values;
  Lanes(Warp &warp, const Source &source) {
    if constexpr (sizeof(T) == 8)
      values = warp.longs(source);
    else
      values = warp.words(source);
  }
  T operator[](unsigned lane) const { return fromStorage<T>(values[lane]); }
  static Mask undefined(Warp &warp, const Source &source) { return warp.undefinedOf(source); }
};
template <> struct Lanes<bool> {
  Mask mask;
  Lanes(Warp &warp, const Source &source) : mask(warp.predicates[source.cell]) {}
  bool operator[](unsigned lane) const { return mask >> lane & 1; }
  static Mask undefined(Warp &warp, const Source &source) { return warp.undefinedPredicates[source.cell]; }
};

inline void writePredicate(Warp &warp, int32_t predicate, Mask mask, Mask value, Mask undefined) {
  warp.predicates[predicate] = (warp.predicates[predicate] & ~mask) | (value & mask);
  warp.undefinedPredicates[predicate] = (warp.undefinedPredicates[predicate] & ~mask) | (undefined & mask);
}

template <typename T> void writeLanes(T *to, const T *from, Mask mask) {
  if (mask == allLanes) {
    std::copy(from, from + lanes, to);
    return;
  }
  for (unsigned lane = 0; lane < lanes; ++lane)
    to[lane] = mask >> lane & 1 ? from[lane] : to[lane];
}

/// Writes a result of 32 bits and less.
inline void writeWords(Warp &warp, int32_t cell, const u32 *values, Mask mask, Halves undefined) {
  writeLanes(warp.words(cell), values, mask);
  warp.setUndefined(cell, mask, undefined);
}
inline void writeWords(Warp &warp, int32_t cell, const u32 *values, Mask mask, Mask undefined) {
  writeWords(warp, cell, values, mask, Halves{undefined, undefined});
}

/// A half of the result is undefined if that half of an operand is: of pairs of elements, and of logic by bits.
inline Halves undefinedOfEach(Warp &warp, const Inst &inst) {
  Halves all{0, 0};
  for (unsigned i = 0; i < inst.numSources; ++i)
    all = all | warp.undefinedHalves(inst.sources[i]);
  return all;
}

template <typename F, typename D, typename... S> struct Alu {
  template <size_t... I> static void compute(Warp &warp, const Inst &inst, Mask mask, std::index_sequence<I...>) {
    std::tuple<Lanes<S>...> operands(Lanes<S>(warp, inst.sources[I])...);
    Mask any = (Mask(0) | ... | Lanes<S>::undefined(warp, inst.sources[I]));
    if constexpr (std::is_same_v<D, bool>) {
      Mask result = 0;
      for (unsigned lane = 0; lane < lanes; ++lane)
        result |= Mask(F{}(std::get<I>(operands)[lane]...)) << lane;
      writePredicate(warp, inst.destination, mask, result, any);
    } else {
      Halves undefined = inst.halves ? inst.halves(warp, inst) : Halves{any, any};
      alignas(64) Storage<D> results[lanes];
      for (unsigned lane = 0; lane < lanes; ++lane)
        results[lane] = toStorage<D>(F{}(std::get<I>(operands)[lane]...));
      if constexpr (sizeof(D) == 8)
        writeLanes(warp.longs(inst.destination), results, mask);
      else
        writeLanes(warp.words(inst.destination), results, mask);
      warp.setUndefined(inst.destination, mask, undefined);
    }
  }
  static void run(Warp &warp, const Inst &inst, Mask mask) {
    compute(warp, inst, mask, std::index_sequence_for<S...>());
  }
};

template <typename F, typename D, typename... S> Row aluRow(const char *opcode, InstClass kind, D (F::*)(S...) const) {
  std::string form{letterOf<D>(), '='};
  (form.push_back(letterOf<S>()), ...);
  return {opcode, form, &Alu<F, D, S...>::run, kind};
}

/// An instruction whose result's halves are undefined by what halves(warp, inst) says: of two elements, or of one that
/// is moved or masked.
inline Row byHalves(HalvesFunction halves, Row row) {
  row.halves = halves;
  return row;
}

/// A row of an instruction that computes a value per lane. `function` has no state.
template <typename F> Row alu(const char *opcode, F, InstClass kind = InstClass::Integer) {
  return aluRow<F>(opcode, kind, &F::operator());
}

/// The lanes of a mask, one after the other: action(lane).
template <typename Action> void forLanes(Mask mask, Action action) {
  for (; mask; mask &= mask - 1)
    action(static_cast<unsigned>(std::countr_zero(mask)));
}

/// Returns the address in source `i`, with its offset.
u64 addressOf(Warp &warp, const Inst &inst, unsigned i, unsigned lane);

/// Returns whether the sources, of which the first is an address, and the inputs, which are coordinates, are defined in
/// all lanes of the mask. Reports the first that is not.
bool areDefined(Warp &warp, const Inst &inst, Mask mask);

/// A value that must be the same in all lanes that execute.
bool uniform(Warp &warp, const Source &source, Mask mask, const char *what, u32 &value);

} // namespace mla::emulator

#endif // MLA_EMULATOR_OPERATIONS_H
