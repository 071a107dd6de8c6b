//===- TargetInfo.h - Facts of a GPU target ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The facts of a GPU that code generation depends on. The rates for the cost
// model are in Analysis/Device.h.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_IR_TARGETINFO_H
#define MLA_DIALECT_MLA_IR_TARGETINFO_H

#include "mlir/IR/Operation.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"

#include <string>

namespace mla {

/// Return the first device with one of the keys in the `dlti.target_system_spec` of the closest operation around `op`.
/// Return null if there is none.
mlir::TargetDeviceSpecInterface findDeviceSpec(mlir::Operation *op,
                                               llvm::function_ref<bool(llvm::StringRef key)> isKey);

struct TargetInfo {
  std::string name;            ///< of --target and of a bundle's manifest
  std::string chip;            ///< as ptxas and LLVM name it
  std::string features;        ///< of LLVM's target machine: the PTX version
  int64_t multiprocessors = 0; ///< SMs that schedules are chosen for; launches use the device's own number

  static constexpr llvm::StringLiteral kName = "name", kChip = "chip", kFeatures = "features",
                                       kMultiprocessors = "multiprocessors";

  /// Replaces the facts given by the `dlti.target_system_spec` of the closest operation around `op`, by the keys above.
  /// Of several devices the first with a chip is used.
  void update(mlir::Operation *op);
  /// Emits an error at `op` if that spec gives a fact of another type, or a number of SMs that no GPU has.
  static mlir::LogicalResult verifySpec(mlir::Operation *op);
};

} // namespace mla

#endif // MLA_DIALECT_MLA_IR_TARGETINFO_H
