//===- Certificate.h - Checks of prepared weights ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every weight of a bundle is checked against the checkpoint while it is
// computed, tile by tile, by code independent of the code that computes it:
//
// - A product W = A·B by random vectors r (Freivalds, 1977), before rounding:
//   in every row |W r - A(B r)| <= sqrt(k) u |A||B||r|, with k the contracted
//   size, u = 2^-24 of f32, and everything but W in f64; k / sqrt(m) replaces
//   sqrt(k) if the columns m are fewer than the steps.
// - A sum that holds products, W = A + c B·C (a merged LoRA), likewise: its probes
//   are sums of its terms', and so are its bounds, with one more u per operation.
// - Every other weight element by element: reading, moving, dequantizing and
//   rounding have only one correct result.
// - Every stored element is the nearest one to the computed one.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TARGET_CERTIFICATE_H
#define MLA_TARGET_CERTIFICATE_H

#include "mla/safetensors.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <memory>

namespace mla {

/// The result of checking one weight of one layer; an entry of "certificates" in manifest.json (mla/abi.h).
struct Certificate {
  int64_t layer = 0;
  std::string weight;
  bool isProduct = false;
  int64_t depth = 0, probes = 0; ///< of a product, or the deepest of a sum: its contracted size; vectors per tile
  double ratio = 0;              ///< of a product: the largest residual over its bound, at most 1
  double maxRounding = 0, rmsRounding = 0; ///< of storing: relative to the element, and to the weight's norm
};

llvm::json::Value toJSON(const Certificate &certificate);
bool fromJSON(const llvm::json::Value &value, Certificate &certificate, llvm::json::Path path);

/// Checks the tiles of one weight of one layer. Any number of threads may check tiles at the same time.
class Certifier {
public:
  /// `prepare` is the function before tiling, with bound weights, and `inputs` are these; both must outlive the
  /// certifier. `layer` and `weight` are for messages and the certificate.
  static llvm::Expected<Certifier> create(mlir::func::FuncOp prepare, llvm::ArrayRef<const SafetensorsTensor *> inputs,
                                          int64_t layer, llvm::StringRef weight);
  Certifier(Certifier &&) noexcept;
  ~Certifier();

  /// Check a box of the weight: as computed, and as stored; the same memory if nothing is rounded. Fails if it is
  /// wrong, or if `prepare` holds an operation without a check.
  llvm::Error check(llvm::ArrayRef<int64_t> offsets, llvm::ArrayRef<int64_t> sizes, const void *made,
                    const void *stored);
  /// Return the certificate, after all tiles.
  Certificate finish() const;

private:
  struct Impl;
  explicit Certifier(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace mla

#endif // MLA_TARGET_CERTIFICATE_H
