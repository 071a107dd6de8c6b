//===- OptionValues.cpp - Values of options of mla-run ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OptionValues.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>

using namespace mla::run;

static std::optional<int64_t> parseInteger(const char *text, int64_t least, int64_t most) {
  char *end = nullptr;
  errno = 0;
  long long value = std::strtoll(text, &end, 10);
  if (errno || end == text || *end || value < least || value > most)
    return std::nullopt;
  return value;
}

/// Parse a finite number of at least 0.
static std::optional<double> parseNumber(const char *text) {
  char *end = nullptr;
  double value = std::strtod(text, &end);
  if (end == text || *end || !std::isfinite(value) || value < 0)
    return std::nullopt;
  return value;
}

std::string mla::run::setInteger(const char *name, const char *text, int64_t least, int64_t most, int64_t &value) {
  if (std::optional<int64_t> parsed = parseInteger(text, least, most))
    return value = *parsed, "";
  return std::string(name) + " must be an integer from " + std::to_string(least) + " to " + std::to_string(most) +
         ", got '" + text + "'";
}

std::string mla::run::setPhase(const char *text, Options &options) {
  options.prefill = std::strcmp(text, "prefill") == 0;
  return options.prefill || std::strcmp(text, "decode") == 0
             ? ""
             : std::string("--phase must be decode or prefill, got '") + text + "'";
}

std::string mla::run::setTolerance(const char *text, Options &options) {
  options.tolerance = parseNumber(text);
  return options.tolerance ? "" : std::string("--tolerance must be a number of at least 0, got '") + text + "'";
}

std::string mla::run::setLayer(const char *text, Options &options) {
  return setInteger("--layer", text, 0, 1 << 20, options.layer.emplace());
}

std::string mla::run::setSeed(const char *text, Options &options) {
  int64_t seed = 0;
  std::string error = setInteger("--seed", text, 0, INT64_MAX, seed);
  options.seed = static_cast<uint64_t>(seed);
  return error;
}

std::string mla::run::setPath(const char *name, const char *text, std::string &path) {
  path = text;
  return path.empty() ? std::string(name) + " is empty" : "";
}

std::string mla::run::setTemperature(const char *text, Options &options) {
  std::optional<double> value = parseNumber(text);
  options.temperature = value.value_or(0);
  return value ? "" : std::string("--temperature must be a number of at least 0, got '") + text + "'";
}

std::string mla::run::setTopP(const char *text, Options &options) {
  std::optional<double> value = parseNumber(text);
  options.topP = value.value_or(0);
  return value && *value > 0 && *value <= 1
             ? ""
             : std::string("--top-p must be a number above 0 and up to 1, got '") + text + "'";
}

std::string mla::run::setStop(const char *text, Options &options) {
  std::string rest = text;
  for (size_t start = 0, end = 0; end != rest.npos; start = end + 1) {
    end = rest.find(',', start);
    std::string word = rest.substr(start, end == rest.npos ? end : end - start);
    std::optional<int64_t> token = parseInteger(word.c_str(), 0, INT32_MAX);
    if (!token)
      return std::string("--stop must be token numbers between commas, got '") + text + "'";
    options.stop.push_back(static_cast<int32_t>(*token));
  }
  return "";
}

std::string mla::run::setAdapters(const char *text, Options &options) {
  std::string rest = text;
  for (size_t start = 0, end = 0; end != rest.npos; start = end + 1) {
    end = rest.find(',', start);
    options.adapters.push_back(rest.substr(start, end == rest.npos ? end : end - start));
    if (options.adapters.back().empty())
      return std::string("--adapter-of must be names or numbers of adapters, or none, between commas, got '") + text +
             "'";
  }
  return "";
}

std::string mla::run::setSizes(const char *text, Options &options) {
  constexpr int64_t most = 65536;
  std::string rest = text;
  for (size_t start = 0, end = 0; end != rest.npos; start = end + 1) {
    end = rest.find(',', start);
    std::string word = rest.substr(start, end == rest.npos ? end : end - start);
    int64_t least = options.sizes.empty() ? 1 : options.sizes.back() + 1;
    std::optional<int64_t> size = parseInteger(word.c_str(), least, most);
    if (!size)
      return "--tune must be ascending numbers of tokens from 1 to " + std::to_string(most) + ", got '" + text + "'";
    options.sizes.push_back(*size);
  }
  return "";
}

std::string mla::run::setTimeout(const char *text, Options &options) {
  constexpr double most = 1e6;
  std::optional<double> value = parseNumber(text);
  options.timeoutSeconds = value.value_or(0);
  return options.timeoutSeconds > 0 && options.timeoutSeconds <= most
             ? ""
             : std::string("--timeout must be a number of seconds above 0 and up to a million, got '") + text + "'";
}
