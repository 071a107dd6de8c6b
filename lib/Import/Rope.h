//===- Rope.h - Rotary frequencies, with YaRN -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_ROPE_H
#define MLA_LIB_IMPORT_ROPE_H

#include <cstdint>
#include <vector>

namespace mla::importer {

/// The parameters of YaRN (Peng et al., arXiv:2309.00071), named as in config.json.
struct Yarn {
  double factor = 1.0;
  int64_t originalLength = 0;
  double betaFast = 32.0;
  double betaSlow = 1.0;
  bool truncate = true;
};

/// Return theta^(-2i/dim) for i < dim/2 (Su et al., arXiv:2104.09864, section 3.2.2).
std::vector<float> plainFrequencies(double theta, int64_t dim);

/// Return the plain frequencies, each blended with its value divided by the factor (YaRN, section 3.2, "NTK-by-parts").
std::vector<float> yarnFrequencies(double theta, int64_t dim, const Yarn &yarn);

/// Return 0.1 * mscale * ln(factor) + 1 (YaRN, equation 22, with DeepSeek's weight mscale).
double yarnMscale(double factor, double mscale);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_ROPE_H
