//===- ModulePattern.cpp - Regular expressions of modules -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModulePattern.h"

#include "llvm/ADT/StringExtras.h"

using namespace mla::importer;
using llvm::StringRef;

/// Exceeds a list of all modules of a layer by far. Limits recursion: LLVM's parser recurses on parentheses.
static constexpr size_t maxLength = 1024;

/// Translate an escape of Python to POSIX: punctuation and classes of ASCII.
static std::optional<std::string> translateEscape(char c) {
  if (c == 'd')
    return "[0-9]";
  if (c == 'w')
    return "[A-Za-z0-9_]";
  if (llvm::isAlnum(c) || !llvm::isPrint(c))
    return std::nullopt;
  return std::string{'\\', c};
}

/// Consume "[a-z]". In POSIX a backslash inside is literal and "[:" begins a class.
static std::optional<StringRef> consumeSet(StringRef &rest) {
  size_t end = rest.find(']', rest.starts_with("[^") ? 3 : 2);
  StringRef set = rest.take_front(end == StringRef::npos ? end : end + 1);
  if (end == StringRef::npos || set.contains('\\') || set.drop_front().contains('['))
    return std::nullopt;
  rest = rest.drop_front(set.size());
  return set;
}

static bool repeats(char c) { return c == '*' || c == '+' || c == '?'; }

/// Consume one element of the expression. A lazy repetition matches the same names as a greedy one.
static std::optional<std::string> translateNext(StringRef &rest) {
  char c = rest.front();
  if (c == '[') {
    std::optional<StringRef> set = consumeSet(rest);
    return set ? std::optional(set->str()) : std::nullopt;
  }
  rest = rest.drop_front();
  if (c == '\\' && !rest.empty()) {
    char escaped = rest.front();
    rest = rest.drop_front();
    return translateEscape(escaped);
  }
  if (c == '(' && !rest.consume_front("?:") && rest.starts_with("?"))
    return std::nullopt;
  if (repeats(c) && rest.consume_front("?") && rest.empty())
    return std::string{c};
  // Nested counted repetitions multiply; possessive repetitions do not backtrack.
  if (c == '{' || (repeats(c) && !rest.empty() && repeats(rest.front())))
    return std::nullopt;
  return std::string{c};
}

std::optional<ModulePattern> ModulePattern::parse(StringRef pattern, Extent extent) {
  if (pattern.size() > maxLength)
    return std::nullopt;
  std::string posix = extent == Extent::End ? "^(.*\\.)?(" : "^(";
  while (!pattern.empty()) {
    std::optional<std::string> next = translateNext(pattern);
    if (!next)
      return std::nullopt;
    posix += *next;
  }
  ModulePattern result(posix + (extent == Extent::Begin ? ")" : ")$"));
  return result.regex.isValid() ? std::optional(std::move(result)) : std::nullopt;
}
