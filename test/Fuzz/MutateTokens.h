//===- MutateTokens.h - Text changed a token at a time ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random changes of bytes hardly ever parse. Most mutations here replace a token
// by another of its kind, or repeat or delete a line; some are libFuzzer's.
// Included by one file of a target: it defines the hook.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_FUZZ_MUTATETOKENS_H
#define MLA_TEST_FUZZ_MUTATETOKENS_H

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

extern "C" __attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

namespace mla::fuzz {

/// Words, numbers and strings are one kind each; other characters are single.
inline int kindOf(const std::string &token) {
  unsigned char first = token[0];
  if (std::isdigit(first))
    return 1;
  if (std::isalpha(first) || first == '_' || first == '.')
    return 2;
  if (first == '%' || first == '@' || first == '#' || first == '!' || first == '"')
    return first;
  return std::isspace(first) ? 3 : 4;
}

inline size_t tokenEnd(const std::string &text, size_t at) {
  unsigned char first = text[at];
  auto isWord = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.' || c == '$'; };
  size_t end = at + 1;
  if (first == '"') {
    end = text.find('"', end);
    return end == text.npos ? text.size() : end + 1;
  }
  // "4x32xbf16" is several tokens: each size is one.
  if (std::isdigit(first))
    while (end < text.size() && (std::isdigit(static_cast<unsigned char>(text[end])) || text[end] == '.'))
      ++end;
  else if (isWord(first) || std::strchr("%@#!", first))
    while (end < text.size() && first != 'x' && isWord(text[end]))
      ++end;
  return end;
}

inline std::vector<std::string> tokensOf(const std::string &text) {
  std::vector<std::string> tokens;
  for (size_t at = 0, end; at < text.size(); at = end)
    tokens.push_back(text.substr(at, (end = tokenEnd(text, at)) - at));
  return tokens;
}

using Random = std::minstd_rand;

/// Replaces a token by another of the text, or by a number that is difficult for arithmetic.
inline std::string replaceToken(const std::string &text, Random &random) {
  static const char *const numbers[] = {"0",  "1",          "2",          "3",          "7",
                                        "8",  "64",         "128",        "576",        "65536",
                                        "-1", "2147483647", "2147483648", "4294967296", "9223372036854775807"};
  std::vector<std::string> tokens = tokensOf(text);
  std::string &changed = tokens[random() % tokens.size()];
  std::vector<std::string> others;
  for (const std::string &token : tokens)
    if (kindOf(token) == kindOf(changed) && token != changed)
      others.push_back(token);
  if (kindOf(changed) == 1 && random() % 2)
    changed = random() % 4 ? numbers[random() % std::size(numbers)] : "?";
  else if (!others.empty())
    changed = others[random() % others.size()];
  else
    changed.clear();
  std::string result;
  for (const std::string &token : tokens)
    result += token;
  return result;
}

/// Repeats a line elsewhere, or deletes it.
inline std::string moveLine(const std::string &text, Random &random) {
  std::vector<std::string> lines;
  for (size_t at = 0, end; at < text.size(); at = end) {
    end = std::min(text.find('\n', at), text.size() - 1) + 1;
    lines.push_back(text.substr(at, end - at));
  }
  size_t from = random() % lines.size(), to = random() % (lines.size() + 1);
  std::string line = lines[from];
  if (random() % 2)
    lines.erase(lines.begin() + from);
  else
    lines.insert(lines.begin() + to, line);
  std::string result;
  for (const std::string &each : lines)
    result += each;
  return result;
}

} // namespace mla::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maxSize, unsigned seed) {
  mla::fuzz::Random random(seed + 1);
  if (!size || random() % 8 == 0)
    return LLVMFuzzerMutate(data, size, maxSize);
  std::string text(reinterpret_cast<char *>(data), size);
  for (unsigned changes = 1 + random() % 3; changes && !text.empty(); --changes)
    text = random() % 5 ? mla::fuzz::replaceToken(text, random) : mla::fuzz::moveLine(text, random);
  size = std::min(text.size(), maxSize);
  std::memcpy(data, text.data(), size);
  return size;
}

#endif // MLA_TEST_FUZZ_MUTATETOKENS_H
