//===- PtxLexer.h - Tokens of PTX -------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_PTXLEXER_H
#define MLA_EMULATOR_PTXLEXER_H

#include <cstdint>
#include <string_view>

namespace mla::emulator::ptx {

struct Token {
  enum Kind {
    End,
    Word,        ///< A name, a directive or an opcode with its modifiers: letters, digits, and any of _ $ % . :
    Number,      ///< An integer or the bits of a floating-point literal, in `value`.
    Punctuation, ///< One character.
    String,
    Error,
  };
  Kind kind = End;
  std::string_view text;
  uint64_t value = 0;
  uint32_t line = 1;
  bool is(std::string_view what) const { return (kind == Word || kind == Punctuation) && text == what; }
};

class Lexer {
public:
  explicit Lexer(std::string_view text) : rest(text) {}
  Token next();

private:
  void skipSpace();
  Token number(size_t digits);
  std::string_view rest;
  uint32_t line = 1;
};

} // namespace mla::emulator::ptx

#endif // MLA_EMULATOR_PTXLEXER_H
