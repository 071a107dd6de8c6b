//===- Settings.cpp - Settings of the emulated device ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Settings.h"

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <thread>

using namespace mla::emulator;

static bool parseNumber(std::string_view text, uint64_t least, uint64_t most, uint64_t &value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= least && value <= most;
}

static std::string setPolicy(std::string_view text, Settings &settings) {
  constexpr std::string_view random = "random:";
  if (text == "eager")
    settings.policy = Policy::Eager;
  else if (text == "lazy")
    settings.policy = Policy::Lazy;
  else if (text.starts_with(random) && parseNumber(text.substr(random.size()), 0, UINT64_MAX, settings.seed))
    settings.policy = Policy::Random;
  else
    return "unknown policy '" + std::string(text) + "'; expected eager, lazy or random:SEED";
  return "";
}

static std::string set(std::string_view key, std::string_view value, Settings &settings) {
  uint64_t number = 0;
  auto outside = [&](const char *range) {
    return std::string(key) + " is '" + std::string(value) + "'; expected an integer from " + range;
  };
  if (key == "policy")
    return setPolicy(value, settings);
  if (key == "devices") {
    if (!parseNumber(value, 1, 64, number))
      return outside("1 to 64");
    settings.devices = static_cast<int>(number);
  } else if (key == "multiprocessors") {
    if (!parseNumber(value, 1, 1024, number))
      return outside("1 to 1024");
    settings.multiprocessors = static_cast<int>(number);
  } else if (key == "threads") {
    if (!parseNumber(value, 1, 256, number))
      return outside("1 to 256");
    settings.threads = static_cast<int>(number);
  } else if (key == "instructions") {
    if (!parseNumber(value, 1, UINT64_MAX, settings.instructions))
      return outside("1 to 2^64 - 1");
  } else {
    return "unknown key '" + std::string(key) + "'; expected policy, devices, multiprocessors, threads or instructions";
  }
  return "";
}

std::string Settings::parse(const std::string &text) {
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    size_t equals = item.find('=');
    if (equals == item.npos)
      return "expected KEY=VALUE, got '" + std::string(item) + "'";
    std::string error = set(item.substr(0, equals), item.substr(equals + 1), *this);
    if (!error.empty())
      return error;
  }
  return "";
}

std::string Settings::policyName() const {
  switch (policy) {
  case Policy::Eager:
    return "eager";
  case Policy::Lazy:
    return "lazy";
  case Policy::Random:
    return "random:" + std::to_string(seed);
  }
  return "";
}

namespace {
struct Loaded {
  Settings settings;
  std::string error;
  Loaded() {
    if (const char *text = std::getenv("MLA_EMULATOR"))
      error = settings.parse(text);
    if (!settings.threads)
      settings.threads = std::max(1u, std::thread::hardware_concurrency());
  }
};
} // namespace

const Settings &mla::emulator::settings(std::string &error) {
  static const Loaded loaded;
  error = loaded.error;
  return loaded.settings;
}

const Settings &mla::emulator::settings() {
  std::string error;
  return settings(error);
}
