//===- PtxLexer.cpp - Tokens of PTX ---------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PtxLexer.h"

#include <algorithm>
#include <cctype>
#include <charconv>

using namespace mla::emulator::ptx;

static bool isWordCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%' || c == '.';
}

/// The length of the word at the start. ':' belongs to it only as part of "::", as in ".shared::cta".
static size_t wordLength(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    if (isWordCharacter(text[length]))
      ++length;
    else if (text.substr(length, 2) == "::")
      length += 2;
    else
      break;
  }
  return length;
}

void Lexer::skipSpace() {
  while (!rest.empty()) {
    size_t skipped = 0;
    if (rest.starts_with("//"))
      skipped = std::min(rest.find('\n'), rest.size());
    else if (rest.starts_with("/*"))
      skipped = std::min(rest.find("*/", 2), rest.size() - 2) + 2; // what has no end goes to the end
    else if (std::isspace(static_cast<unsigned char>(rest[0])))
      skipped = 1;
    if (!skipped)
      return;
    line += static_cast<uint32_t>(std::count(rest.begin(), rest.begin() + skipped, '\n'));
    rest.remove_prefix(skipped);
  }
}

/// Integers, decimal, octal (0…) and hexadecimal (0x…), 0fXXXXXXXX and 0dXXXXXXXXXXXXXXXX (PTX ISA 8.6, 4.5).
Token Lexer::number(size_t length) {
  Token token{Token::Number, rest.substr(0, length), 0, line};
  std::string_view digits = token.text;
  int radix = digits.size() > 1 && digits[0] == '0' ? 8 : 10;
  if (digits.size() > 1 && digits.back() == 'U')
    digits.remove_suffix(1);
  if (digits.size() > 2 && digits[0] == '0' && std::string_view("xXfFdD").find(digits[1]) != std::string_view::npos) {
    radix = 16;
    digits.remove_prefix(2);
  }
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), token.value, radix);
  if (error != std::errc() || end != digits.data() + digits.size())
    token.kind = Token::Error;
  return token;
}

Token Lexer::next() {
  skipSpace();
  if (rest.empty())
    return {Token::End, {}, 0, line};
  Token token{Token::Punctuation, rest.substr(0, 1), 0, line};
  if (rest[0] == '"') {
    size_t end = rest.find('"', 1);
    token.kind = end == rest.npos ? Token::Error : Token::String;
    token.text = rest.substr(0, end == rest.npos ? rest.size() : end + 1);
  } else if (std::isdigit(static_cast<unsigned char>(rest[0]))) {
    token = number(wordLength(rest));
  } else if (isWordCharacter(rest[0])) {
    token.kind = Token::Word;
    token.text = rest.substr(0, wordLength(rest));
  }
  rest.remove_prefix(token.text.size());
  return token;
}
