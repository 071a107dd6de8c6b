//===- PtxParser.h - From text to a PTX module ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads what compilers emit: one module, kernels without functions to call. A
// directive or an operand that is not known is an error, never passed over.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_PTXPARSER_H
#define MLA_EMULATOR_PTXPARSER_H

#include "Ptx.h"
#include "PtxLexer.h"

#include <unordered_map>

namespace mla::emulator::ptx {

/// Bytes of a fundamental type such as ".b32"; 0 if it is none.
unsigned bytesOfType(std::string_view type);

class Parser {
public:
  Parser(const std::string &text, Module &module) : lexer(text), module(module) { advance(); }
  std::string parse();

private:
  // Tokens
  void advance() { token = lexer.next(); }
  bool accept(std::string_view what);
  bool expect(std::string_view what);
  bool fail(const std::string &what);
  bool integer(uint64_t &value);
  bool word(std::string &text);
  void skipPast(std::string_view what);
  // Module
  bool statement();
  bool variable(Variable &variable);
  bool initializer(Variable &variable, unsigned elementBytes);
  bool kernel();
  bool parameters(Kernel &kernel);
  bool performance(Kernel &kernel);
  // Bodies
  struct Scope {
    std::unordered_map<std::string, Register> registers;
    std::unordered_map<std::string, uint32_t> labels; ///< Indices of instructions.
    std::unordered_map<std::string, uint32_t> tables;
    struct Use {
      uint32_t instruction, operand;
      std::string name;
      uint32_t line;
    };
    std::vector<Use> branches;
    std::vector<std::pair<uint32_t, std::vector<std::string>>> targets; ///< Of branch tables.
  };
  bool body(Kernel &kernel);
  bool item(Kernel &kernel);
  bool directive(Kernel &kernel);
  bool declareRegisters(Kernel &kernel);
  bool declare(const std::string &name, Register reg);
  bool branchTargets(Kernel &kernel, const std::string &name);
  bool instruction(Kernel &kernel);
  bool operand(Kernel &kernel, Instruction &made, Operand &operand);
  bool scalar(Kernel &kernel, Instruction &made, Operand &operand);
  bool named(Operand &operand);
  bool memory(Kernel &kernel, Instruction &made, Operand &operand);
  bool vector(Kernel &kernel, Instruction &made, Operand &operand);
  const Register *findRegister(const std::string &name) const;
  bool closeScope(Kernel &kernel);

  Lexer lexer;
  Module &module;
  Token token;
  std::string error;
  std::vector<Scope> scopes;
  uint32_t sourceLine = 0;
};

} // namespace mla::emulator::ptx

#endif // MLA_EMULATOR_PTXPARSER_H
