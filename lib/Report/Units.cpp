//===- Units.cpp - Numbers for readers ------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Units.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using llvm::StringRef;

static std::string print(const char *format, double number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format(format, number);
  return text;
}

/// Return three digits without an exponent: "0.0123", "92.3", "940", "123456".
static std::string threeDigits(double number) {
  int decimals = number == 0 ? 0 : std::clamp(2 - int(std::floor(std::log10(number))), 0, 6);
  return print(("%." + std::to_string(decimals) + "f").c_str(), number);
}

/// Return the number in the largest unit of which there is at least one; each unit is a thousand times the previous
/// one.
static std::string scale(double number, double least, llvm::ArrayRef<StringRef> units) {
  number /= least;
  size_t unit = 0;
  while (unit + 1 < units.size() && number >= 999.5)
    number /= 1000, ++unit;
  return threeDigits(number) + " " + units[unit].str();
}

std::string mla::report::inSeconds(double seconds) { return scale(seconds, 1e-6, {"us", "ms", "s", "ks", "Ms", "Gs"}); }

std::string mla::report::inBytes(double bytes) { return scale(bytes, 1, {"B", "kB", "MB", "GB", "TB", "PB"}); }

std::string mla::report::inFlops(double flops) {
  return scale(flops, 1e6, {"MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"});
}

std::string mla::report::inNumbers(double number) { return scale(number, 1e6, {"M", "G", "T"}); }

std::string mla::report::inTimes(double factor) { return threeDigits(factor) + " times"; }

std::string mla::report::inPercent(double share) { return print("%.1f%%", 100 * share); }

std::string mla::report::inCount(double count) {
  std::string text = print("%.0f", count);
  for (int at = int(text.size()) - 3; at > 0; at -= 3)
    text.insert(at, ",");
  return text;
}
