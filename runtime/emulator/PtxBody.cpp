//===- PtxBody.cpp - The bodies of kernels --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PtxParser.h"

#include <algorithm>

using namespace mla::emulator::ptx;

static constexpr uint64_t mostRegisters = 1 << 20;

bool Parser::body(Kernel &kernel) {
  if (!expect("{"))
    return false;
  scopes.emplace_back();
  sourceLine = 0;
  while (!scopes.empty())
    if (!item(kernel))
      return false;
  return true;
}

/// One of a scope's: a directive, a label, a scope, an instruction.
bool Parser::item(Kernel &kernel) {
  if (token.kind == Token::End)
    return fail("the body of '" + kernel.name + "' has no end");
  if (accept("{")) {
    scopes.emplace_back();
    return true;
  }
  if (accept("}"))
    return closeScope(kernel);
  if (accept(";"))
    return true;
  if (token.kind == Token::Word && token.text[0] == '.')
    return directive(kernel);
  return instruction(kernel);
}

bool Parser::directive(Kernel &kernel) {
  if (accept(".reg"))
    return declareRegisters(kernel);
  if (accept(".shared")) {
    Variable made;
    if (!variable(made) || !expect(";"))
      return false;
    kernel.shared.push_back(made);
    return true;
  }
  if (accept(".pragma")) {
    skipPast(";");
    return true;
  }
  if (accept(".loc")) {
    uint64_t file = 0, line = 0, column = 0;
    if (!integer(file) || !integer(line) || !integer(column))
      return false;
    sourceLine = static_cast<uint32_t>(line);
    if (token.is(",")) // function_name …, inlined_at …: to the end of the line
      for (uint32_t here = token.line; token.line == here && token.kind != Token::End;)
        advance();
    return true;
  }
  return fail("unknown directive '" + std::string(token.text) + "'");
}

bool Parser::declare(const std::string &name, Register reg) {
  return scopes.back().registers.emplace(name, reg).second || fail("register '" + name + "' is declared twice");
}

/// .reg .type NAME, NAME<COUNT>, …;
bool Parser::declareRegisters(Kernel &kernel) {
  unsigned bytes = bytesOfType(token.text);
  bool isPredicate = token.is(".pred");
  if (!isPredicate && !bytes)
    return fail("no registers of type '" + std::string(token.text) + "' are known");
  RegisterType type = isPredicate  ? RegisterType::Pred
                      : bytes == 1 ? RegisterType::B8
                      : bytes == 2 ? RegisterType::B16
                      : bytes == 4 ? RegisterType::B32
                                   : RegisterType::B64;
  advance();
  uint32_t &used = kernel.registers[static_cast<int>(type)];
  do {
    std::string name;
    uint64_t count = 0;
    if (!word(name))
      return false;
    bool isRange = accept("<");
    if (isRange && (!integer(count) || !expect(">")))
      return false;
    if (count > mostRegisters || used + count >= mostRegisters)
      return fail("more than 2^20 registers");
    if (!isRange && !declare(name, {type, used++}))
      return false;
    for (uint64_t i = 0; i < count; ++i)
      if (!declare(name + std::to_string(i), {type, used++}))
        return false;
  } while (accept(","));
  return expect(";");
}

const Register *Parser::findRegister(const std::string &name) const {
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope)
    if (auto found = scope->registers.find(name); found != scope->registers.end())
      return &found->second;
  return nullptr;
}

bool Parser::branchTargets(Kernel &kernel, const std::string &name) {
  std::vector<std::string> labels;
  do {
    labels.emplace_back();
    if (!word(labels.back()))
      return false;
  } while (accept(","));
  uint32_t table = static_cast<uint32_t>(kernel.branchTables.size());
  kernel.branchTables.emplace_back();
  scopes.back().tables[name] = table;
  scopes.back().targets.emplace_back(table, labels);
  return expect(";");
}

/// [LABEL:] [@[!]%p] OPCODE [OPERAND {, OPERAND}];
bool Parser::instruction(Kernel &kernel) {
  Instruction made;
  made.line = token.line;
  made.sourceLine = sourceLine;
  std::string name;
  if (accept("@")) {
    made.isGuarded = true;
    made.guardIsNegated = accept("!");
    if (!word(name))
      return false;
    const Register *guard = findRegister(name);
    if (!guard || guard->type != RegisterType::Pred)
      return fail("'" + name + "' is no predicate");
    made.guard = *guard;
  }
  if (!word(made.opcode))
    return false;
  if (!made.isGuarded && accept(":")) {
    if (accept(".branchtargets"))
      return branchTargets(kernel, made.opcode);
    bool isNew = scopes.back().labels.emplace(made.opcode, kernel.instructions.size()).second;
    return isNew || fail("label '" + made.opcode + "' is defined twice");
  }
  while (!token.is(";")) {
    made.operands.emplace_back();
    if (!operand(kernel, made, made.operands.back()))
      return false;
    if (!token.is(";") && !accept(",") && !accept("|"))
      return fail("expected ',' or ';', got '" + std::string(token.text) + "'");
  }
  kernel.instructions.push_back(std::move(made));
  return expect(";");
}

bool Parser::operand(Kernel &kernel, Instruction &made, Operand &operand) {
  if (token.is("["))
    return memory(kernel, made, operand);
  if (token.is("{"))
    return vector(kernel, made, operand);
  return scalar(kernel, made, operand);
}

bool Parser::scalar(Kernel &kernel, Instruction &made, Operand &operand) {
  if (token.kind == Token::Number || token.is("-")) {
    operand.kind = Operand::Integer;
    return integer(operand.bits);
  }
  operand.isNegated = accept("!");
  if (!word(operand.name))
    return false;
  if (operand.name == "_") {
    operand.kind = Operand::Sink;
    return true;
  }
  if (made.opcode.starts_with("bra") || (made.opcode == "brx.idx" && made.operands.size() == 2) ||
      (made.opcode == "brx.idx.uni" && made.operands.size() == 2)) {
    operand.kind = Operand::Label;
    scopes.back().branches.push_back({static_cast<uint32_t>(kernel.instructions.size()),
                                      static_cast<uint32_t>(made.operands.size() - 1), operand.name, made.line});
    return true;
  }
  return named(operand);
}

/// A register, a special register or a symbol.
bool Parser::named(Operand &operand) {
  if (const Register *found = findRegister(operand.name)) {
    operand.kind = Operand::Reg;
    operand.reg = *found;
    return true;
  }
  if (operand.name[0] == '%') {
    operand.kind = Operand::Special;
    return true;
  }
  operand.kind = Operand::Symbol;
  return !accept("+") || integer(operand.bits);
}

bool Parser::memory(Kernel &kernel, Instruction &made, Operand &operand) {
  operand.kind = Operand::Memory;
  if (!expect("["))
    return false;
  if (token.kind == Token::Number) {
    if (!integer(operand.bits))
      return false;
  } else {
    Operand base;
    if (!word(base.name))
      return false;
    bool known = named(base);
    operand.bits = base.bits; // of a symbol plus a number
    base.bits = 0;
    operand.elements.push_back(base);
    if (!known)
      return false;
    if (accept("+") || token.is("-")) {
      uint64_t offset = 0;
      if (!integer(offset))
        return false;
      operand.bits += offset;
    }
  }
  if (accept(",")) {
    operand.elements.emplace_back();
    if (!vector(kernel, made, operand.elements.back()))
      return false;
  }
  return expect("]");
}

bool Parser::vector(Kernel &kernel, Instruction &made, Operand &operand) {
  operand.kind = Operand::Vector;
  if (!expect("{"))
    return false;
  do {
    operand.elements.emplace_back();
    if (!scalar(kernel, made, operand.elements.back())) // no vectors of vectors
      return false;
  } while (accept(","));
  return expect("}");
}

/// Resolves what branches in the scope, and hands what is not found to the scope around.
bool Parser::closeScope(Kernel &kernel) {
  Scope scope = std::move(scopes.back());
  scopes.pop_back();
  auto labelOf = [&](const std::string &name, uint64_t &index) {
    auto found = scope.labels.find(name);
    if (found != scope.labels.end())
      index = found->second;
    return found != scope.labels.end();
  };
  for (const Scope::Use &use : scope.branches) {
    Instruction &user = kernel.instructions[use.instruction];
    Operand &operand = user.operands[use.operand];
    bool isTable = user.opcode.starts_with("brx");
    auto table = isTable ? scope.tables.find(use.name) : scope.tables.end();
    if (table != scope.tables.end())
      operand.bits = table->second;
    else if (!isTable && labelOf(use.name, operand.bits))
      ;
    else if (scopes.empty())
      return fail("no " + std::string(isTable ? "branch table" : "label") + " '" + use.name + "', to which line " +
                  std::to_string(use.line) + " branches");
    else
      scopes.back().branches.push_back(use);
  }
  for (const auto &[table, names] : scope.targets)
    for (const std::string &name : names) {
      uint64_t index = 0;
      if (!labelOf(name, index))
        return fail("no label '" + name + "' of a branch table");
      kernel.branchTables[table].push_back(static_cast<uint32_t>(index));
    }
  return true;
}
