//===- Ptx.h - A PTX module as text describes it ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_PTX_H
#define MLA_EMULATOR_PTX_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mla::emulator::ptx {

/// Types of registers, by width.
enum class RegisterType : uint8_t { Pred, B8, B16, B32, B64 };
constexpr unsigned numRegisterTypes = 5;

struct Register {
  RegisterType type = RegisterType::Pred;
  uint32_t index = 0; ///< Among the kernel's registers of the type.
};

struct Operand {
  enum Kind {
    Reg,
    Sink,    ///< `_`
    Integer, ///< Also a floating-point literal, by its bits.
    Special, ///< %tid.x and its like: `name`.
    Symbol,  ///< A variable or a parameter: `name`, plus `bits`.
    Label,   ///< The index of an instruction, or of a branch table (brx.idx), in `bits`.
    Vector,  ///< {a, b, …}: `elements`
    Memory,  ///< [base + bits] or [base, {…}]: `elements` are the base (Reg or Symbol; none for an integer), then the
             ///< vector.
  };
  Kind kind = Integer;
  Register reg;
  bool isNegated = false; ///< !%p
  uint64_t bits = 0;
  std::string name;
  std::vector<Operand> elements;
};

struct Instruction {
  std::string opcode; ///< With all modifiers: "ld.global.nc.v4.b32".
  bool isGuarded = false, guardIsNegated = false;
  Register guard;
  std::vector<Operand> operands;
  uint32_t line = 0;       ///< Of the PTX text.
  uint32_t sourceLine = 0; ///< Of the last .loc; 0: none.
};

/// A parameter, a variable in global memory or one in shared memory.
struct Variable {
  std::string name;
  uint64_t bytes = 0, alignment = 1;
  bool isExternal = false;      ///< .extern: dynamic shared memory.
  std::vector<uint8_t> initial; ///< Empty: none.
};

struct Kernel {
  std::string name;
  std::vector<Variable> parameters; ///< In order.
  uint32_t maxThreads = 1024;
  uint32_t registers[numRegisterTypes] = {}; ///< How many of each RegisterType.
  std::vector<Instruction> instructions;
  std::vector<std::vector<uint32_t>> branchTables;
  std::vector<Variable> shared; ///< Static.
};

struct Module {
  std::string version, target;
  std::vector<Variable> globals, shared;
  std::map<std::string, Kernel> kernels;
};

/// Parses a module. Returns "" or the error, "line N: WHAT".
std::string parse(const std::string &text, Module &module);

} // namespace mla::emulator::ptx

#endif // MLA_EMULATOR_PTX_H
