//===- Program.h - A kernel, decoded for execution --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each PTX instruction becomes one Inst: a function that executes it for the
// lanes of a warp, and its operands. A register is an array with an element per
// lane, in cells of 32 words: one cell for up to 32 bits, two for 64.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_PROGRAM_H
#define MLA_EMULATOR_PROGRAM_H

#include "Ptx.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace mla::emulator {

class Warp;
struct Inst;

constexpr unsigned lanes = 32;
using Mask = uint32_t; ///< A bit per lane.
constexpr Mask allLanes = 0xffffffff;

/// Lanes whose value nobody wrote: of the low 16 bits of a register and of what is above them, for a register often
/// holds two elements of 16 bits.
struct Halves {
  Mask low = allLanes, high = allLanes;
  Halves operator|(Halves other) const { return {low | other.low, high | other.high}; }
};

/// Executes an instruction for the lanes of `mask`, which is not 0.
using Handler = void (*)(Warp &, const Inst &, Mask mask);
/// Returns what is undefined in the result of an instruction that computes a value per lane.
using HalvesFunction = Halves (*)(Warp &, const Inst &);

/// A register or a constant.
struct Source {
  const uint32_t *constant = nullptr; ///< A cell, or two.
  uint32_t cell = 0;                  ///< Of a predicate: its number.
  bool isPredicate = false;
};

/// The classes of instructions that counters distinguish.
enum class InstClass : uint8_t { Integer, Float, Move, Control, Global, Shared, Warp, Barrier, Copy, Product, Other };
constexpr unsigned numInstClasses = 11;

/// Which memory an instruction touches.
enum class Space : uint8_t { Global, Shared };

struct Inst {
  Handler run = nullptr;
  HalvesFunction halves = nullptr; ///< null: all of the result, if any operand is.
  int32_t guard = -1;              ///< A predicate, or -1.
  bool guardIsNegated = false;
  bool isAligned = false; ///< All threads of the warp must execute it together.
  bool isBranch = false, isTableBranch = false, isExit = false;
  bool isProduct = false;       ///< A wgmma.
  bool isRename = false;        ///< A move of a whole register of 32 bits.
  bool touchesProducts = false; ///< Has a register that may belong to a wgmma in flight, and must not read or write it.
  bool writesProductInput = false; ///< Writes a register that a wgmma reads.
  InstClass kind = InstClass::Other;
  Space space = Space::Global;
  uint8_t bytes = 0;     ///< Of an element of a memory access.
  bool isSigned = false; ///< A load that extends the sign.
  Source sources[4];
  uint8_t numSources = 0;
  bool addressIsWord[4] = {}; ///< Which sources are addresses of 32 bits.
  int32_t destination = -1;   ///< A cell or a predicate; -1: none.
  int32_t predicate = -1;     ///< A second destination (of shfl), or what a cp.async is ignored by.
  bool destinationIsPredicate = false;
  std::vector<int32_t> results; ///< Cells of a vector or of accumulators; -1: a sink.
  uint8_t inputIsLong = 0;      ///< Which inputs are registers of 64 bits, by bit.
  uint8_t resultIsLong = 0;     ///< The same of results.
  std::vector<Source> inputs;   ///< Of a vector, of coordinates, of a fragment.
  Source scale;                 ///< Of a wgmma: the predicate scale-d.
  int64_t offsets[4] = {};      ///< Of sources that are addresses.
  int64_t values[4] = {};       ///< Immediates that the handler knows.
  uint32_t target = 0;          ///< Of a branch: an instruction, or a table.
  uint32_t reconvergence = 0;   ///< Where lanes that part meet again.
  uint32_t index = 0;           ///< In the program.
  const ptx::Instruction *text = nullptr;
};

/// %tid.x and its like, as registers that are set when a warp starts.
enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  ClusterRank,
};

struct Program {
  std::string name;
  const ptx::Kernel *kernel = nullptr;
  std::vector<Inst> code;
  uint32_t cells = 0, predicates = 0;
  int32_t parameterBase = -1;                         ///< A cell with the address of the parameters; -1: none.
  std::vector<std::pair<Special, uint32_t>> specials; ///< And their cells.
  std::vector<uint64_t> parameterOffsets;             ///< Bytes from the start of the launch's parameters.
  uint64_t parameterBytes = 0;
  uint32_t staticShared = 0; ///< Bytes; dynamic shared memory comes after them.
  std::deque<std::vector<uint32_t>> constants;
};

/// Where symbols of a module lie.
struct Symbols {
  std::map<std::string, uint64_t> globals;
};

/// Decodes a kernel. Returns "" or the error, "line N: WHAT".
std::string decode(const ptx::Module &module, const ptx::Kernel &kernel, const Symbols &symbols, Program &program);

/// Sets the reconvergence point of every branch: its immediate postdominator. Lanes that part meet there again, as the
/// assembler arranges it.
void findReconvergence(Program &program);
/// Sets touchesProducts and writesProductInput.
void findProductRegisters(Program &program);

} // namespace mla::emulator

#endif // MLA_EMULATOR_PROGRAM_H
