//===- Decoder.h - From text to executable instructions ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_DECODER_H
#define MLA_EMULATOR_DECODER_H

#include "Operations.h"

#include <unordered_map>

namespace mla::emulator {

class Decoder {
public:
  Decoder(const ptx::Module &module, const ptx::Kernel &kernel, const Symbols &symbols, Program &program);
  std::string decode();

  /// The instruction at hand.
  const ptx::Instruction *text = nullptr;
  const ptx::Operand &operand(size_t i) const { return text->operands[i]; }
  size_t numOperands() const { return text->operands.size(); }
  /// Reports that the instruction cannot be decoded.
  void fail(const std::string &what);
  bool failed() const { return !error.empty(); }
  /// Reports if there are not between `least` and `most` operands.
  bool expectOperands(size_t least, size_t most);

  //===- Modifiers ---------------------------------------------------------===//
  /// Takes the next modifier of the opcode if it is `modifier`, or one of several.
  bool accept(std::string_view modifier);
  /// Takes the next one, which must be there.
  std::string next();
  /// Takes a modifier that may be left out, such as the order of a memory access that is the default.
  void acceptAnyOf(std::initializer_list<std::string_view> modifiers);
  /// Reports if a modifier is left.
  void expectEnd();

  //===- Operands ----------------------------------------------------------===//
  /// An operand of `letter` 'b', 'h', 'w', 'd' (a wider register serves as well, if `mayBeWider`) or 'p'.
  Source source(const ptx::Operand &operand, char letter, bool mayBeWider = false);
  int32_t destination(const ptx::Operand &operand, char letter, bool mayBeWider = false);
  /// The same, or -1 of a sink (`_`).
  int32_t destinationOrSink(const ptx::Operand &operand, char letter, bool mayBeWider = false);
  void addSource(Inst &inst, const ptx::Operand &operand, char letter, bool mayBeWider = false);
  /// Adds [base + offset]: the base as the next source, the offset as that source's of inst.offsets. A symbol is a
  /// constant.
  void addAddress(Inst &inst, const ptx::Operand &operand);
  int64_t immediate(const ptx::Operand &operand);
  Source constant(uint64_t value);
  uint32_t cellOf(ptx::Register reg) const;
  /// The offset of a parameter; fails if there is none of the name.
  uint64_t parameterOffset(const std::string &name);
  /// The bytes of a parameter; 0 if there is none of the name.
  uint64_t parameterSize(const std::string &name) const;
  bool isParameter(const std::string &name) const;
  uint32_t specialCell(const std::string &name);
  uint32_t parameterBaseCell();

  const ptx::Kernel &kernel;
  Program &program;

private:
  uint64_t addressOf(const ptx::Operand &symbol);
  void decodeOne(const ptx::Instruction &instruction, Inst &inst);
  void decodeForm(const Row &row, Inst &inst);
  void layOutRegisters();
  void layOutParameters();
  void layOutShared();

  const ptx::Module &module;
  const Symbols &symbols;
  std::string error;
  std::string_view rest; ///< Of the opcode.
  uint32_t firstCell[ptx::numRegisterTypes] = {};
  std::unordered_map<uint64_t, const uint32_t *> constants;
  std::unordered_map<std::string, uint32_t> specials;
  std::unordered_map<std::string, uint64_t> sharedAddresses;
};

} // namespace mla::emulator

#endif // MLA_EMULATOR_DECODER_H
