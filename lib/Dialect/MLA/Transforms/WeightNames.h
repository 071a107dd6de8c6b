//===- WeightNames.h - Readable names of prepared weights -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TRANSFORMS_WEIGHTNAMES_H
#define MLA_DIALECT_MLA_TRANSFORMS_WEIGHTNAMES_H

#include "mlir/IR/Value.h"

#include <string>

namespace mla {

/// Return a name for the computation of a weight-only value:
///
///     checkpoint name          without `prefix` and `.weight`   q_a_proj
///     `mla.name` on an op      as it is                         w_uk
///     rows or columns a to b   .atob                            kv_b_proj.0to31
///     matrix transposed        .t                               w_uk.t
///     product                  outer_x_inner                    w_uk.t_x_q_b_proj
///     sum                      a_plus_b                         kv_b_proj_plus_lora_B_x_lora_A
///
/// Constant scales, reshapes, dequantisation, casts and moves of other dimensions add nothing.
std::string getWeightName(mlir::Value value, llvm::StringRef prefix);

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_WEIGHTNAMES_H
