//===- Units.h - Numbers for readers ----------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_REPORT_UNITS_H
#define MLA_LIB_REPORT_UNITS_H

#include <cstdint>
#include <string>

namespace mla::report {

/// Return three digits and a unit: "37.3 ms", "1.34 TB", "671 G", "75.3 TFLOP", "x 1.27", "82.2%".
std::string inSeconds(double seconds);
std::string inBytes(double bytes);
std::string inFlops(double flops);
std::string inNumbers(double number);
std::string inTimes(double factor);
std::string inPercent(double share);
/// Return an integer with commas: "40,960".
std::string inCount(double count);

} // namespace mla::report

#endif // MLA_LIB_REPORT_UNITS_H
