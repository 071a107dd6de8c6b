//===- PtxParser.cpp - From text to a PTX module --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PtxParser.h"

#include <algorithm>

using namespace mla::emulator::ptx;

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
unsigned mla::emulator::ptx::bytesOfType(std::string_view type) {
  static const std::unordered_map<std::string_view, unsigned> sizes = {
      {".b8", 1},  {".u8", 1},  {".s8", 1},  {".b16", 2}, {".u16", 2}, {".s16", 2}, {".f16", 2}, {".bf16", 2},
      {".b32", 4}, {".u32", 4}, {".s32", 4}, {".f32", 4}, {".b64", 8}, {".u64", 8}, {".s64", 8}, {".f64", 8}};
  auto found = sizes.find(type);
  return found == sizes.end() ? 0 : found->second;
}

static constexpr uint64_t mostVariableBytes = 1 << 28;

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
    bool isThreads = token.is(".maxntid") || token.is(".reqntid");
    if (!isThreads && !token.is(".minnctapersm") && !token.is(".maxnreg"))
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
  }
  return true;
}

std::string mla::emulator::ptx::parse(const std::string &text, Module &module) { return Parser(text, module).parse(); }
