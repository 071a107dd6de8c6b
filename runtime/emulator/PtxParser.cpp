//===- PtxParser.cpp - From text to a PTX module --------------------------===//
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

#include "Ptx.h"
#include "PtxLexer.h"

#include <algorithm>
#include <unordered_map>

using namespace mla::emulator::ptx;

namespace {
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
} // namespace

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

bool Parser::fail(const std::string &what) {
  if (error.empty())
    error = "line " + std::to_string(token.line) + ": " + what;
  return false;
}

bool Parser::accept(std::string_view what) {
  if (!token.is(what))
    return false;
  advance();
  return true;
}

bool Parser::expect(std::string_view what) {
  return accept(what) || fail("expected '" + std::string(what) + "', got '" + std::string(token.text) + "'");
}

bool Parser::integer(uint64_t &value) {
  bool negative = accept("-");
  if (token.kind != Token::Number)
    return fail("expected a number, got '" + std::string(token.text) + "'");
  value = negative ? -token.value : token.value;
  advance();
  return true;
}

bool Parser::word(std::string &text) {
  if (token.kind != Token::Word)
    return fail("expected a name, got '" + std::string(token.text) + "'");
  text = token.text;
  advance();
  return true;
}

void Parser::skipPast(std::string_view what) {
  while (token.kind != Token::End && !token.is(what))
    advance();
  accept(what);
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

std::string Parser::parse() {
  while (error.empty() && token.kind != Token::End)
    statement();
  if (error.empty() && module.version.empty())
    fail("no .version: this is no PTX module");
  return error;
}

bool Parser::statement() {
  if (accept(".version")) {
    module.version = token.text; // a number such as 8.6: two tokens would be too many
    advance();
    return true;
  }
  if (accept(".target")) {
    if (!word(module.target))
      return false;
    while (accept(","))
      advance();
    return true;
  }
  uint64_t bits = 0;
  if (accept(".address_size"))
    return integer(bits) && (bits == 64 || fail("expected .address_size 64"));
  if (accept(".file")) {
    advance();
    advance();
    while (accept(","))
      advance();
    return true;
  }
  bool isExternal = false;
  while (token.is(".visible") || token.is(".extern") || token.is(".weak"))
    isExternal |= token.is(".extern"), advance();
  if (accept(".entry"))
    return kernel();
  bool isShared = token.is(".shared"), isGlobal = token.is(".global") || token.is(".const");
  if (!isShared && !isGlobal)
    return fail("unknown directive '" + std::string(token.text) + "'");
  advance();
  Variable made;
  made.isExternal = isExternal;
  if (!variable(made) || !expect(";"))
    return false;
  (isShared ? module.shared : module.globals).push_back(made);
  return true;
}

/// Bytes of a fundamental type; 0 if it is none.
static unsigned bytesOfType(std::string_view type) {
  static const std::unordered_map<std::string_view, unsigned> sizes = {
      {".b8", 1},  {".u8", 1},  {".s8", 1},  {".b16", 2}, {".u16", 2}, {".s16", 2}, {".f16", 2}, {".bf16", 2},
      {".b32", 4}, {".u32", 4}, {".s32", 4}, {".f32", 4}, {".b64", 8}, {".u64", 8}, {".s64", 8}, {".f64", 8}};
  auto found = sizes.find(type);
  return found == sizes.end() ? 0 : found->second;
}

static constexpr uint64_t mostVariableBytes = 1 << 28, mostRegisters = 1 << 20;

/// [.align N] .type [.ptr …] NAME [[COUNT]] [= {…}]
bool Parser::variable(Variable &made) {
  if (accept(".align") && !integer(made.alignment))
    return false;
  if (made.alignment < 1 || made.alignment > 1 << 16 || (made.alignment & (made.alignment - 1)))
    return fail("an alignment of " + std::to_string(made.alignment) + "; expected a power of two up to 2^16");
  unsigned bytes = bytesOfType(token.text);
  if (!bytes)
    return fail("expected a type, got '" + std::string(token.text) + "'");
  advance();
  made.alignment = std::max<uint64_t>(made.alignment, bytes);
  uint64_t ignored = 0;
  while (token.is(".ptr") || token.is(".global") || token.is(".shared") || token.is(".align")) // of what it points to
    if (accept(".align") ? !integer(ignored) : (advance(), false))
      return false;
  if (!word(made.name))
    return false;
  uint64_t count = 1;
  if (accept("[")) {
    count = 0;
    if (!token.is("]") && !integer(count))
      return false;
    if (!expect("]"))
      return false;
  }
  if (count > mostVariableBytes / bytes)
    return fail("a variable of more than 2^28 bytes");
  made.bytes = count * bytes;
  return !accept("=") || initializer(made, bytes);
}

bool Parser::initializer(Variable &made, unsigned elementBytes) {
  bool isList = accept("{");
  do {
    uint64_t value = 0;
    if (!integer(value))
      return false;
    for (unsigned i = 0; i < elementBytes; ++i)
      made.initial.push_back(static_cast<uint8_t>(value >> (8 * i)));
  } while (isList && accept(","));
  if (made.initial.size() > made.bytes)
    return fail("more initial values than elements");
  made.initial.resize(made.bytes);
  return !isList || expect("}");
}

bool Parser::kernel() {
  Kernel made;
  if (!word(made.name) || !parameters(made) || !performance(made) || !body(made))
    return false;
  std::string name = made.name;
  return module.kernels.emplace(name, std::move(made)).second || fail("two kernels named '" + name + "'");
}

bool Parser::parameters(Kernel &kernel) {
  if (!accept("(") || accept(")"))
    return true;
  do {
    Variable made;
    if (!expect(".param") || !variable(made))
      return false;
    kernel.parameters.push_back(made);
  } while (accept(","));
  return expect(")");
}

/// Directives between the parameters and the body.
bool Parser::performance(Kernel &kernel) {
  while (!token.is("{")) {
    bool isThreads = token.is(".maxntid") || token.is(".reqntid"), isBlocks = token.is(".minnctapersm");
    if (!isThreads && !isBlocks && !token.is(".maxnreg"))
      return fail("unknown directive of a kernel '" + std::string(token.text) + "'");
    advance();
    uint64_t product = 1, value = 0;
    do {
      if (!integer(value))
        return false;
      product *= value;
    } while (accept(","));
    if (isThreads)
      kernel.maxThreads = static_cast<uint32_t>(std::min<uint64_t>(product, 1024));
    if (isBlocks)
      kernel.minBlocks = static_cast<uint32_t>(std::min<uint64_t>(product, 32));
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

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
  if (!isPredicate && bytes < 2)
    return fail("no registers of type '" + std::string(token.text) + "' are known");
  RegisterType type = isPredicate  ? RegisterType::Pred
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

std::string mla::emulator::ptx::parse(const std::string &text, Module &module) { return Parser(text, module).parse(); }
