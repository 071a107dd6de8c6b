//===- KernelKind.h - Kinds of kernels, by target ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Passes query a target's kinds and know none of them. A new kind is a class
// derived from KernelKind, added to its target by an extension of the dialect:
//
//   registry.addExtension(+[](mlir::MLIRContext *, mla::MLADialect *dialect) {
//     dialect->findTarget("sm_90a")->add(std::make_unique<MyKind>());
//   });
//
// Kinds and targets do not change once a context is in use, so that any thread
// may read them.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_IR_KERNELKIND_H
#define MLA_DIALECT_MLA_IR_KERNELKIND_H

#include "mla/Dialect/MLA/IR/Launch.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/IR/TargetInfo.h"

namespace mlir::gpu {
class GPUModuleOp;
} // namespace mlir::gpu

namespace mla {

/// A key of a schedule, and its range of values. The generator checks combinations of values.
struct ScheduleKey {
  llvm::StringRef name;
  int64_t least, most;
  /// The value in a complete schedule without the key; none: it must have the key.
  std::optional<int64_t> absent = std::nullopt;
};

/// The key of a class's limit. A kind with it among its keys may have several classes of choices, for different numbers
/// of tokens; all but the last have a limit.
constexpr llvm::StringLiteral kLimitKey = "limit";

/// The purpose of choices.
struct Purpose {
  int64_t tokens;      ///< of a step, typically
  bool batchInvariant; ///< results of a sequence must not depend on the others in its batch
};

/// Elements of a key, of its rotary part and of a value of a naive attention.
struct AttentionWidths {
  int64_t key, rope, value;
};

/// Sizes of a projection of elements with scales: rows and contracted elements of a weight, and contracted elements
/// with one scale.
struct ScaledProduct {
  int64_t rows, contracted, group;
};

class KernelKind {
public:
  using Choices = llvm::SmallVector<std::pair<llvm::StringRef, int64_t>>;

  /// Creates a kind for the operation `operation` of the dialect, such as "mla.project".
  KernelKind(llvm::StringRef name, llvm::StringRef operation) : name(name), operation(operation) {}
  virtual ~KernelKind();

  llvm::StringRef getName() const { return name; }
  /// Return the operation whose results a kernel stores.
  llvm::StringRef getOperation() const { return operation; }

  //===- What a kernel computes --------------------------------------------===//

  /// Return whether a kernel of this kind ends with `op`.
  virtual bool takes(mlir::Operation *op) const { return op->getName().getStringRef() == operation; }
  /// Return whether `producer`, whose only user is `last`, is computed in the kernel that ends with `last`.
  virtual bool fuses(mlir::Operation *producer, mlir::Operation *last) const { return false; }
  /// Return whether the kernel that ends with `last` also computes `op`, whose result others read, and stores it behind
  /// its own results. Its inputs are available there, and all readers follow.
  virtual bool alsoStores(mlir::Operation *op, mlir::Operation *last) const { return false; }
  /// Return the result of the kind's operation, or of one that it also stores, that a yielded value comes from, looking
  /// through fused operations.
  virtual mlir::Value findComputed(mlir::Value yielded) const { return yielded; }
  /// Checks that the region holds the kind's computation. Emits "(C4) …", as numbered in the documentation of
  /// mla.kernel.
  mlir::LogicalResult verifyRegion(KernelOp kernel) const;

  //===- Limits ------------------------------------------------------------===//

  /// Emits an error if the target does not support `op`, for which a kernel is requested. The base checks the elements
  /// of caches.
  virtual mlir::LogicalResult checkOperation(mlir::Operation *op) const;
  /// Return whether a kernel may store elements of this type as its `result`-th result. The base: bf16 and i32.
  virtual bool stores(mlir::Type element, unsigned result) const;
  /// Return whether a kernel's `result`-th result has as many rows as its type says, for any number of tokens. The
  /// base: no.
  virtual bool storesStaticRows(unsigned result) const { return false; }
  /// Return whether a kernel that ends with the operand's owner reads it as f32, so that the kernel that stores it must
  /// not round it. The base: no.
  virtual bool readsFloat(const mlir::OpOperand &operand) const { return false; }
  /// Return whether the kind computes naive attentions of these widths. A plan has no forms that no kind computes.
  virtual bool attends(const AttentionWidths &widths) const { return false; }
  /// Return whether the kind multiplies e4m3 of these sizes. Other projections of scaled weights stay as they are.
  virtual bool multiplies(const ScaledProduct &product) const { return false; }
  /// Return whether the kind attends to a cache by products of e4m3.
  virtual bool multiplies(CacheType cache) const { return false; }

  //===- Schedules ---------------------------------------------------------===//

  virtual llvm::ArrayRef<ScheduleKey> getScheduleKeys() const { return {}; }
  /// Chooses the limits of all classes but the last, in ascending order. The base: one class.
  virtual llvm::SmallVector<int64_t> chooseLimits(KernelOp kernel, const Purpose &purpose,
                                                  const TargetInfo &target) const {
    return {};
  }
  /// Chooses a value for each key of a class, except its limit.
  virtual Choices chooseSchedule(KernelOp kernel, const Purpose &purpose, const TargetInfo &target) const { return {}; }
  /// Rejects unknown keys, values out of range and wrong limits; unless `isPartial`, missing keys as well.
  mlir::LogicalResult verifySchedule(KernelOp kernel, bool isPartial) const;

  //===- Code --------------------------------------------------------------===//

  /// Adds the kernel's functions to `module`, unless functions of the same name exist, and returns their launches.
  /// Takes widths from the region and choices from the complete schedule. Emits an error for unsupported cases.
  virtual mlir::FailureOr<gpu::Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const = 0;

private:
  mlir::LogicalResult verifyLimits(KernelOp kernel) const;
  mlir::LogicalResult verifyChoices(KernelOp kernel, size_t ofClass, bool isPartial) const;

  llvm::StringRef name, operation;
};

/// The kinds of kernels that run on a chip.
class KernelTarget {
public:
  explicit KernelTarget(TargetInfo info) : info(std::move(info)) {}

  /// Return the facts for `op`: the target's own, updated by the module's.
  TargetInfo getInfo(mlir::Operation *op) const;
  const TargetInfo &getInfo() const { return info; }

  /// Adds a kind, replacing one of the same name.
  void add(std::unique_ptr<KernelKind> kind);
  auto getKinds() const {
    return llvm::map_range(kinds, [](const auto &kind) -> const KernelKind & { return *kind; });
  }
  /// Finds a kind by name; returns null if there is none.
  const KernelKind *find(llvm::StringRef name) const;
  /// Finds the kind of the kernel that ends with `op`; returns null if there is none.
  const KernelKind *findTaking(mlir::Operation *op) const;
  /// Return whether some kind computes naive attentions of these widths.
  bool attends(const AttentionWidths &widths) const;
  /// Return whether some kind multiplies e4m3 of these sizes.
  bool multiplies(const ScaledProduct &product) const;
  /// Return whether some kind attends to a cache by products of e4m3.
  bool multiplies(CacheType cache) const;

  /// Finds the target of the chip in the target spec around `op`, or without one the first registered target. Emits an
  /// error at `op` and returns null if there is none.
  static const KernelTarget *findFor(mlir::Operation *op);
  /// Finds the target of this name. Emits an error at `op` and returns null if there is none.
  static const KernelTarget *findNamed(llvm::StringRef name, mlir::Operation *op);

private:
  TargetInfo info;
  std::vector<std::unique_ptr<KernelKind>> kinds;
};

} // namespace mla

#endif // MLA_DIALECT_MLA_IR_KERNELKIND_H
