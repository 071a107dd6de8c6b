//===- Decoder.cpp - From text to executable instructions -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Chip.h"

using namespace mla::emulator;
using ptx::RegisterType;

//===----------------------------------------------------------------------===//
// The tables
//===----------------------------------------------------------------------===//

static std::vector<Row> allRows() {
  std::vector<Row> rows;
  for (auto part : {integerRows, floatRows, narrowRows, moveRows, controlRows, warpRows, memoryRows, barrierRows,
                    copyRows, productRows})
    for (Row &row : part())
      rows.push_back(std::move(row));
  return rows;
}

static std::unordered_map<std::string_view, const Row *> byOpcode(const std::vector<Row> &rows) {
  std::unordered_map<std::string_view, const Row *> found;
  for (const Row &row : rows)
    found.emplace(row.opcode, &row);
  return found;
}

static const std::unordered_map<std::string_view, const Row *> &table() {
  static const auto &rows = *new std::vector<Row>(allRows());
  static const auto &opcodes = *new std::unordered_map<std::string_view, const Row *>(byOpcode(rows));
  return opcodes;
}

/// The row of the whole opcode, else of the longest leading part that is a family's.
static const Row *findRow(std::string_view opcode) {
  auto found = table().find(opcode);
  if (found != table().end())
    return found->second;
  for (size_t dot = opcode.rfind('.'); dot != opcode.npos && dot > 0; dot = opcode.rfind('.', dot - 1)) {
    found = table().find(opcode.substr(0, dot));
    if (found != table().end() && found->second->decode)
      return found->second;
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Set-up
//===----------------------------------------------------------------------===//

Decoder::Decoder(const ptx::Module &module, const ptx::Kernel &kernel, const Symbols &symbols, Program &program)
    : kernel(kernel), program(program), module(module), symbols(symbols) {
  program.name = kernel.name;
  program.kernel = &kernel;
  layOutRegisters();
  layOutParameters();
  layOutShared();
}

static uint32_t countOf(const ptx::Kernel &kernel, RegisterType type) {
  return kernel.registers[static_cast<int>(type)];
}

void Decoder::layOutRegisters() {
  program.predicates = countOf(kernel, RegisterType::Pred);
  firstCell[static_cast<int>(RegisterType::B64)] = 0;
  program.cells = 2 * countOf(kernel, RegisterType::B64);
  for (RegisterType type : {RegisterType::B8, RegisterType::B16, RegisterType::B32}) {
    firstCell[static_cast<int>(type)] = program.cells;
    program.cells += countOf(kernel, type);
  }
}

void Decoder::layOutParameters() {
  for (const ptx::Variable &parameter : kernel.parameters) {
    program.parameterBytes =
        (program.parameterBytes + parameter.alignment - 1) / parameter.alignment * parameter.alignment;
    program.parameterOffsets.push_back(program.parameterBytes);
    program.parameterBytes += parameter.bytes;
    if (program.parameterBytes > chip::maxParameterBytes) {
      error = "kernel '" + kernel.name + "' has more than " + std::to_string(chip::maxParameterBytes) +
              " bytes of parameters";
      return;
    }
  }
}

/// Static variables, then the dynamic part.
void Decoder::layOutShared() {
  uint64_t end = SharedMemory::base;
  auto place = [&](const ptx::Variable &variable) {
    end = (end + variable.alignment - 1) / variable.alignment * variable.alignment;
    sharedAddresses[variable.name] = end;
    end += variable.isExternal ? 0 : variable.bytes;
  };
  for (const ptx::Variable &variable : kernel.shared)
    place(variable);
  for (const ptx::Variable &variable : module.shared)
    if (!variable.isExternal)
      place(variable);
  if (end - SharedMemory::base > chip::maxStaticSharedBytes)
    error = "kernel '" + kernel.name + "' has " + std::to_string(end - SharedMemory::base) +
            " bytes of static shared memory; expected at most " + std::to_string(chip::maxStaticSharedBytes);
  program.staticShared = static_cast<uint32_t>(end - SharedMemory::base);
  for (const ptx::Variable &variable : module.shared)
    if (variable.isExternal)
      place(variable);
}

//===----------------------------------------------------------------------===//
// Modifiers
//===----------------------------------------------------------------------===//

void Decoder::fail(const std::string &what) {
  if (error.empty())
    error = "line " + std::to_string(text->line) + ": " + text->opcode + ": " + what;
}

bool Decoder::expectOperands(size_t least, size_t most) {
  if (numOperands() >= least && numOperands() <= most)
    return true;
  fail("expected " + std::to_string(least) + (most == least ? "" : " to " + std::to_string(most)) + " operands, got " +
       std::to_string(numOperands()));
  return false;
}

/// `rest` is empty or begins with '.'. "::" belongs to a modifier, as in ".shared::cta".
static std::string_view firstModifier(std::string_view rest) {
  size_t end = rest.find('.', 1);
  return rest.empty() ? rest : rest.substr(1, end == rest.npos ? rest.npos : end - 1);
}

bool Decoder::accept(std::string_view modifier) {
  if (rest.empty() || firstModifier(rest) != modifier)
    return false;
  rest.remove_prefix(modifier.size() + 1);
  return true;
}

std::string Decoder::next() {
  std::string found(firstModifier(rest));
  if (rest.empty())
    fail("expected another modifier");
  else
    rest.remove_prefix(found.size() + 1);
  return found;
}

void Decoder::acceptAnyOf(std::initializer_list<std::string_view> modifiers) {
  for (std::string_view modifier : modifiers)
    if (accept(modifier))
      return;
}

void Decoder::expectEnd() {
  if (!rest.empty())
    fail("the modifier '" + std::string(rest) + "' is not emulated");
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

static RegisterType typeOf(char letter) {
  return letter == 'p'   ? RegisterType::Pred
         : letter == 'b' ? RegisterType::B8
         : letter == 'h' ? RegisterType::B16
         : letter == 'w' ? RegisterType::B32
                         : RegisterType::B64;
}

uint32_t Decoder::cellOf(ptx::Register reg) const {
  if (reg.type == RegisterType::Pred)
    return reg.index;
  return firstCell[static_cast<int>(reg.type)] + reg.index * (reg.type == RegisterType::B64 ? 2 : 1);
}

Source Decoder::constant(uint64_t value) {
  const uint32_t *&known = constants[value];
  if (!known) {
    std::vector<uint32_t> &words = program.constants.emplace_back(2 * lanes);
    known = words.data();
    for (unsigned lane = 0; lane < lanes; ++lane) {
      words[2 * lane] = static_cast<uint32_t>(value);
      words[2 * lane + 1] = static_cast<uint32_t>(value >> 32);
    }
  }
  return {known, 0};
}

bool Decoder::isParameter(const std::string &name) const {
  for (const ptx::Variable &parameter : kernel.parameters)
    if (parameter.name == name)
      return true;
  return false;
}

uint64_t Decoder::parameterSize(const std::string &name) const {
  for (const ptx::Variable &parameter : kernel.parameters)
    if (parameter.name == name)
      return parameter.bytes;
  return 0;
}

uint64_t Decoder::parameterOffset(const std::string &name) {
  for (size_t i = 0; i < kernel.parameters.size(); ++i)
    if (kernel.parameters[i].name == name)
      return program.parameterOffsets[i];
  fail("no parameter '" + name + "'");
  return 0;
}

uint64_t Decoder::addressOf(const ptx::Operand &symbol) {
  if (auto found = sharedAddresses.find(symbol.name); found != sharedAddresses.end())
    return found->second + symbol.bits;
  if (auto found = symbols.globals.find(symbol.name); found != symbols.globals.end())
    return found->second + symbol.bits;
  fail("unknown symbol '" + symbol.name + "'");
  return 0;
}

uint32_t Decoder::parameterBaseCell() {
  auto [found, isNew] = specials.emplace("parameters", program.cells);
  if (isNew) {
    program.cells += program.cells % 2; // 64 bits
    found->second = program.cells;
    program.parameterBase = static_cast<int32_t>(program.cells);
    program.cells += 2;
  }
  return found->second;
}

uint32_t Decoder::specialCell(const std::string &name) {
  static const std::unordered_map<std::string, Special> known = {
      {"%tid.x", Special::TidX},       {"%tid.y", Special::TidY},       {"%tid.z", Special::TidZ},
      {"%ntid.x", Special::NtidX},     {"%ntid.y", Special::NtidY},     {"%ntid.z", Special::NtidZ},
      {"%ctaid.x", Special::CtaidX},   {"%ctaid.y", Special::CtaidY},   {"%ctaid.z", Special::CtaidZ},
      {"%nctaid.x", Special::NctaidX}, {"%nctaid.y", Special::NctaidY}, {"%nctaid.z", Special::NctaidZ},
      {"%laneid", Special::LaneId},    {"%warpid", Special::WarpId},    {"%cluster_ctarank", Special::ClusterRank}};
  auto special = known.find(name);
  if (special == known.end()) {
    fail("the special register '" + name + "' is not emulated");
    return 0;
  }
  auto [found, isNew] = specials.emplace(name, program.cells);
  if (isNew)
    program.specials.emplace_back(special->second, program.cells++);
  return found->second;
}

Source Decoder::source(const ptx::Operand &operand, char letter, bool mayBeWider) {
  if (operand.isNegated)
    fail("a negated operand is not emulated");
  switch (operand.kind) {
  case ptx::Operand::Reg:
    if (operand.reg.type != typeOf(letter) && !(mayBeWider && operand.reg.type > typeOf(letter)))
      fail("operand '" + operand.name + "' has the wrong width");
    return {nullptr, cellOf(operand.reg), letter == 'p'};
  case ptx::Operand::Integer:
    if (letter == 'p')
      fail("a constant predicate is not emulated");
    // Words are read as 32 of 32 bits: both halves of a pair must be the value.
    if (letter != 'd')
      return constant((operand.bits & 0xffffffff) | operand.bits << 32);
    return constant(operand.bits);
  case ptx::Operand::Special:
    if (letter != 'w' && letter != 'h')
      fail("'" + operand.name + "' has 32 bits");
    return {nullptr, specialCell(operand.name)};
  case ptx::Operand::Symbol:
    if (letter != 'w' && letter != 'd')
      fail("'" + operand.name + "' is an address");
    return constant(letter == 'd' ? addressOf(operand) : (addressOf(operand) & 0xffffffff) | addressOf(operand) << 32);
  default:
    fail("expected a register or a constant");
    return {};
  }
}

int32_t Decoder::destinationOrSink(const ptx::Operand &operand, char letter, bool mayBeWider) {
  return operand.kind == ptx::Operand::Sink ? -1 : destination(operand, letter, mayBeWider);
}

int32_t Decoder::destination(const ptx::Operand &operand, char letter, bool mayBeWider) {
  if (operand.kind != ptx::Operand::Reg ||
      (operand.reg.type != typeOf(letter) && !(mayBeWider && operand.reg.type > typeOf(letter)))) {
    fail("expected a register of the right width as the destination");
    return 0;
  }
  return static_cast<int32_t>(cellOf(operand.reg));
}

void Decoder::addSource(Inst &inst, const ptx::Operand &operand, char letter, bool mayBeWider) {
  if (inst.numSources == std::size(inst.sources))
    return fail("too many operands");
  inst.sources[inst.numSources++] = source(operand, letter, mayBeWider);
}

void Decoder::addAddress(Inst &inst, const ptx::Operand &operand) {
  if (operand.kind != ptx::Operand::Memory || inst.numSources == std::size(inst.sources))
    return fail("expected an address in brackets");
  inst.offsets[inst.numSources] = static_cast<int64_t>(operand.bits);
  if (operand.elements.empty() || operand.elements[0].kind == ptx::Operand::Vector) {
    inst.sources[inst.numSources++] = constant(0);
    return;
  }
  const ptx::Operand &base = operand.elements[0];
  // A base of 32 bits is one of shared memory.
  bool isWord = base.kind == ptx::Operand::Reg && base.reg.type == RegisterType::B32;
  inst.addressIsWord[inst.numSources] = isWord;
  inst.sources[inst.numSources++] = source(base, isWord ? 'w' : 'd');
}

int64_t Decoder::immediate(const ptx::Operand &operand) {
  if (operand.kind != ptx::Operand::Integer)
    fail("expected an immediate operand");
  return static_cast<int64_t>(operand.bits);
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

/// Decodes "w=ww": destinations before the '=', sources after it.
void Decoder::decodeForm(const Row &row, Inst &inst) {
  size_t equals = row.form.find('='), sources = row.form.size() - equals - 1;
  if (!expectOperands(equals + sources, equals + sources))
    return;
  if (equals) {
    inst.destination = destination(operand(0), row.form[0]);
    inst.destinationIsPredicate = row.form[0] == 'p';
  }
  for (size_t i = 0; i < sources; ++i)
    addSource(inst, operand(equals + i), row.form[equals + 1 + i]);
}

void Decoder::decodeOne(const ptx::Instruction &instruction, Inst &inst) {
  text = &instruction;
  inst.text = text;
  const Row *row = findRow(instruction.opcode);
  if (!row)
    return fail("this instruction is not emulated");
  inst.run = row->run;
  inst.kind = row->kind;
  inst.isAligned = row->isAligned;
  inst.halves = row->halves;
  if (instruction.isGuarded) {
    inst.guard = static_cast<int32_t>(instruction.guard.index);
    inst.guardIsNegated = instruction.guardIsNegated;
  }
  rest = std::string_view(instruction.opcode).substr(row->opcode.size());
  if (row->decode)
    row->decode(*this, inst);
  else
    decodeForm(*row, inst);
  expectEnd();
  if (!inst.run)
    fail("this form of the instruction is not emulated");
}

std::string Decoder::decode() {
  program.code.resize(kernel.instructions.size());
  for (size_t i = 0; i < program.code.size() && !failed(); ++i) {
    program.code[i].index = static_cast<uint32_t>(i);
    decodeOne(kernel.instructions[i], program.code[i]);
  }
  return error;
}

/// A label may follow the last instruction, where execution cannot continue.
static std::string checkTargets(const Program &program) {
  for (const Inst &inst : program.code) {
    if (!inst.isBranch)
      continue;
    bool isInside = inst.isTableBranch || inst.target < program.code.size();
    if (inst.isTableBranch)
      for (uint32_t target : program.kernel->branchTables[inst.target])
        isInside &= target < program.code.size();
    if (!isInside)
      return "line " + std::to_string(inst.text->line) + ": " + inst.text->opcode +
             ": branches behind the last instruction of '" + program.name + "'; expected a ret there";
  }
  return "";
}

std::string mla::emulator::decode(const ptx::Module &module, const ptx::Kernel &kernel, const Symbols &symbols,
                                  Program &program) {
  std::string error = Decoder(module, kernel, symbols, program).decode();
  if (!error.empty())
    return error;
  if (program.code.empty() || !(program.code.back().isExit || program.code.back().isBranch) ||
      program.code.back().guard >= 0)
    return "kernel '" + kernel.name + "' does not end with ret, exit or bra";
  error = checkTargets(program);
  if (!error.empty())
    return error;
  findReconvergence(program);
  findProductRegisters(program);
  return "";
}
