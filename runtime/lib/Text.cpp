//===- Text.cpp - Words for messages --------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text.h"

#include <cstring>

static constexpr size_t maxQuoted = 160;

static void appendEscaped(std::string &to, char character) {
  static const char digits[] = "0123456789abcdef";
  unsigned char byte = static_cast<unsigned char>(character);
  // Bytes above ASCII are left alone: names are valid UTF-8 by the time they are shown.
  if (byte >= 0x20 && byte != 0x7f) {
    to += character;
    return;
  }
  to += "\\x";
  to += digits[byte >> 4];
  to += digits[byte & 15];
}

std::string mla::quoted(std::string_view name) {
  std::string result = "'";
  for (char character : name.substr(0, maxQuoted))
    appendEscaped(result, character);
  return result + (name.size() > maxQuoted ? "...'" : "'");
}

std::string mla::shapeText(const std::vector<int64_t> &shape) {
  std::string result = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    result += (i ? ", " : "") + std::to_string(shape[i]);
  return result + "]";
}

std::string mla::errnoText(int number) {
  char buffer[128] = "";
  // The GNU form returns the text, which need not be in the buffer.
  return strerror_r(number, buffer, sizeof(buffer));
}
