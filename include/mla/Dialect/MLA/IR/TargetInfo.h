//===- TargetInfo.h - What kernels depend on of a GPU -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The facts that decide whether and how code runs on a GPU. Its rates, which
// the cost model needs, are in Analysis/Device.h.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_IR_TARGETINFO_H
#define MLA_DIALECT_MLA_IR_TARGETINFO_H

#include "mlir/IR/Operation.h"

#include <string>

namespace mla {

struct TargetInfo {
  std::string name;            ///< of --target and of a bundle's manifest
  std::string chip;            ///< as ptxas and LLVM name it
  std::string features;        ///< of LLVM's target machine: the PTX version
  int64_t multiprocessors = 0; ///< schedules are chosen for so many; launches use the device's own number

  static constexpr llvm::StringLiteral kName = "name", kChip = "chip", kFeatures = "features",
                                       kMultiprocessors = "multiprocessors";

  /// Replaces each fact that the `dlti.target_system_spec` of the closest operation around `op` states, by the keys
  /// above. Of several devices the first with a chip counts.
  void update(mlir::Operation *op);
};

} // namespace mla

#endif // MLA_DIALECT_MLA_IR_TARGETINFO_H
