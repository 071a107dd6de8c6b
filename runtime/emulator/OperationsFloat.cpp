//===- OperationsFloat.cpp - Floating-point arithmetic --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 8.6, 9.7.3 (f32), 9.7.6 (comparison) and 9.7.9.21 (conversion from and to
// integers; narrow formats are in OperationsNarrow.cpp). The approximations are the host's functions, whose errors are
// within those that the ISA documents.
//
//===----------------------------------------------------------------------===//

#include "Extrema.h"
#include "Operations.h"

#include <cmath>

using namespace mla::emulator;

static constexpr InstClass kind = InstClass::Float;

/// .ftz: subnormal numbers are zero with the same sign.
static float flush(float a) { return std::fpclassify(a) == FP_SUBNORMAL ? std::copysign(0.0f, a) : a; }
template <typename F> static float flushed(float a, F f) { return flush(static_cast<float>(f(double(flush(a))))); }

/// Towards zero; NaN is 0, and what is out of range the nearest limit.
template <typename T> static T truncate(float a) {
  if (std::isnan(a))
    return 0;
  double low = double(std::numeric_limits<T>::min()), high = double(std::numeric_limits<T>::max());
  return static_cast<T>(std::clamp(std::trunc(double(a)), low, high));
}

static std::vector<Row> arithmetic() {
  return {
      alu(
          "add.f32", [](float a, float b) { return a + b; }, kind),
      alu(
          "add.rn.f32", [](float a, float b) { return a + b; }, kind),
      alu(
          "sub.f32", [](float a, float b) { return a - b; }, kind),
      alu(
          "sub.rn.f32", [](float a, float b) { return a - b; }, kind),
      alu(
          "mul.f32", [](float a, float b) { return a * b; }, kind),
      alu(
          "mul.rn.f32", [](float a, float b) { return a * b; }, kind),
      alu(
          "fma.rn.f32", [](float a, float b, float c) { return std::fma(a, b, c); }, kind),
      alu(
          "div.rn.f32", [](float a, float b) { return a / b; }, kind),
      alu(
          "rcp.rn.f32", [](float a) { return 1.0f / a; }, kind),
      alu(
          "sqrt.rn.f32", [](float a) { return std::sqrt(a); }, kind),
      alu(
          "neg.f32", [](float a) { return -a; }, kind),
      alu(
          "abs.f32", [](float a) { return std::fabs(a); }, kind),
      alu(
          "copysign.f32", [](float a, float b) { return std::copysign(b, a); }, kind),
      alu(
          "min.f32", [](float a, float b) { return smaller(a, b); }, kind),
      alu(
          "max.f32", [](float a, float b) { return larger(a, b); }, kind),
      alu(
          "min.NaN.f32", [](float a, float b) { return smallerOrNaN(a, b); }, kind),
      alu(
          "max.NaN.f32", [](float a, float b) { return largerOrNaN(a, b); }, kind),
      alu(
          "ex2.approx.ftz.f32", [](float a) { return flush(std::exp2(flush(a))); }, kind),
      alu(
          "lg2.approx.ftz.f32", [](float a) { return flushed(a, [](double x) { return std::log2(x); }); }, kind),
      alu(
          "rcp.approx.ftz.f32", [](float a) { return flush(1.0f / flush(a)); }, kind),
      alu(
          "rsqrt.approx.ftz.f32", [](float a) { return flushed(a, [](double x) { return 1 / std::sqrt(x); }); }, kind),
      alu(
          "sin.approx.ftz.f32", [](float a) { return flushed(a, [](double x) { return std::sin(x); }); }, kind),
      alu(
          "cos.approx.ftz.f32", [](float a) { return flushed(a, [](double x) { return std::cos(x); }); }, kind),
      alu(
          "tanh.approx.f32", [](float a) { return std::tanh(a); }, kind),
  };
}

static std::vector<Row> conversions() {
  return {
      alu(
          "cvt.rn.f32.s32", [](s32 a) { return static_cast<float>(a); }, kind),
      alu(
          "cvt.rn.f32.u32", [](u32 a) { return static_cast<float>(a); }, kind),
      alu(
          "cvt.rzi.s32.f32", [](float a) { return truncate<s32>(a); }, kind),
      alu(
          "cvt.rzi.u32.f32", [](float a) { return truncate<u32>(a); }, kind),
      alu(
          "cvt.rni.f32.f32", [](float a) { return std::nearbyint(a); }, kind),
      alu(
          "cvt.rmi.f32.f32", [](float a) { return std::floor(a); }, kind),
  };
}

/// A comparison with a NaN is false, but for those that end in u: they are true.
static std::vector<Row> comparisons() {
  return {
      alu(
          "setp.eq.f32", [](float a, float b) { return a == b; }, kind),
      alu(
          "setp.neu.f32", [](float a, float b) { return !(a == b); }, kind),
      alu(
          "setp.ne.f32", [](float a, float b) { return a < b || a > b; }, kind),
      alu(
          "setp.lt.f32", [](float a, float b) { return a < b; }, kind),
      alu(
          "setp.le.f32", [](float a, float b) { return a <= b; }, kind),
      alu(
          "setp.gt.f32", [](float a, float b) { return a > b; }, kind),
      alu(
          "setp.ge.f32", [](float a, float b) { return a >= b; }, kind),
      alu(
          "setp.ltu.f32", [](float a, float b) { return !(a >= b); }, kind),
      alu(
          "setp.leu.f32", [](float a, float b) { return !(a > b); }, kind),
      alu(
          "setp.gtu.f32", [](float a, float b) { return !(a <= b); }, kind),
      alu(
          "setp.geu.f32", [](float a, float b) { return !(a < b); }, kind),
      alu(
          "setp.nan.f32", [](float a, float b) { return std::isnan(a) || std::isnan(b); }, kind),
  };
}

std::vector<Row> mla::emulator::floatRows() {
  std::vector<Row> rows = arithmetic();
  for (const std::vector<Row> &part : {conversions(), comparisons()})
    rows.insert(rows.end(), part.begin(), part.end());
  return rows;
}
