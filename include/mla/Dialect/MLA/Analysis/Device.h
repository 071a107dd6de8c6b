//===- Device.h - Devices of the cost model ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_DEVICE_H
#define MLA_DIALECT_MLA_ANALYSIS_DEVICE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>

namespace mla {

/// The limits of kernels on a device. Rates are those measured for large transfers and products, not nominal ones.
struct Device {
  std::string name;
  double readRate = 0;         ///< bytes per second, reading only
  double copyRate = 0;         ///< bytes per second, read plus written, half of each
  double flopRate = 0;         ///< FLOP per second of a large product, in the type of the weights
  double e4m3FlopRate = 0;     ///< the same in e4m3 with a scale per 128 elements; 0: as `flopRate`
  double launchSeconds = 0;    ///< from one kernel's last byte to the next one's full speed
  double attentionSeconds = 0; ///< additional time of an attention: dividing the batch, first pages, merging
  int64_t tokenTile = 1;       ///< tokens of a product, times terms in e4m3, are rounded up to a multiple of this
  int64_t rowTile = 1;         ///< queries of an attention that share keys, likewise
  int64_t memoryBytes = 0;
  llvm::StringRef target; ///< whose code a known device runs; empty for a device in a file

  /// Bytes per second, writing only: derived from the additional time of a copy over reading.
  double getWriteRate() const { return 1 / (2 / copyRate - 1 / readRate); }
  double getE4m3FlopRate() const { return e4m3FlopRate ? e4m3FlopRate : flopRate; }

  /// NVIDIA H100 80GB HBM3: rates as measured (docs/the-trap.md), launch and attention fitted to measured kernels. The
  /// rate in e4m3 is the H200's, which has the same chip; nominal are 1,979 TFLOP/s.
  static const Device &h100();
  /// NVIDIA H200: rates as measured (benchmarks/results/ceilings_h200_2026-11-29.json,
  /// ceilings_e4m3_h200_2026-11-29.json). It has the H100's chip, and so its launch, attention and tiles.
  static const Device &h200();
  /// A small host: two cores with AVX-512.
  static const Device &cpu();
  /// Return all of these.
  static llvm::ArrayRef<const Device *> getKnown();
};

/// Parses a device from one JSON object; an error names the fault and `where`.
///
///     {"name": "NVIDIA H100 80GB HBM3", "read_bytes_per_second": 3.07e12, "copy_bytes_per_second": 2.4e12,
///      "flops_per_second": 7.44e14, "e4m3_flops_per_second": 1.1e15, "launch_seconds": 2.75e-6,
///      "attention_seconds": 5e-6, "token_tile": 128, "row_tile": 64, "memory_bytes": 8e10}
///
/// Without e4m3_flops_per_second products in e4m3 are as fast as others.
llvm::Expected<Device> parseDevice(llvm::StringRef text, llvm::StringRef where);

/// Return the known device of that name, or the device in a file, by parseDevice.
llvm::Expected<Device> findDevice(llvm::StringRef nameOrFile);

/// Return the device of a module's `dlti.target_system_spec`: the first one that has these fields as entries. None if
/// no device has any; an error if one has only some.
llvm::Expected<std::optional<Device>> findDevice(mlir::ModuleOp module);

/// Return the named device, else the module's, else the H100.
llvm::Expected<Device> findDevice(mlir::ModuleOp module, llvm::StringRef nameOrFile);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_DEVICE_H
