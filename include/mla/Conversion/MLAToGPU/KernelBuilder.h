//===- KernelBuilder.h - Builder for GPU kernels ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thin layer over arith, scf, llvm and nvvm, so that a generator reads like
// the kernel it emits: values with operators, structured control flow by
// lambdas, memory by address. Instructions of a chip are next to its kernels.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_KERNELBUILDER_H
#define MLA_CONVERSION_MLATOGPU_KERNELBUILDER_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mla::gpu {

class KernelBuilder;

/// A value of a kernel: i1, i32, i64, f32, a vector, an address, or a bundle of registers (an LLVM struct). Integers
/// are signed in comparisons and unsigned in division, remainder and right shift.
class Val {
public:
  Val() = default;
  Val(KernelBuilder &builder, mlir::Value value) : k(&builder), v(value) {}
  operator mlir::Value() const { return v; }
  mlir::Type type() const { return v.getType(); }
  KernelBuilder &builder() const { return *k; }
  explicit operator bool() const { return static_cast<bool>(v); }

private:
  KernelBuilder *k = nullptr;
  mlir::Value v;
};

using Vals = llvm::SmallVector<Val>;
/// As operands.
llvm::SmallVector<mlir::Value> raw(llvm::ArrayRef<Val> values);

Val operator+(Val a, Val b);
Val operator-(Val a, Val b);
Val operator*(Val a, Val b);
Val operator/(Val a, Val b);
Val operator%(Val a, Val b);
Val operator&(Val a, Val b);
Val operator|(Val a, Val b);
Val operator^(Val a, Val b);
Val operator<<(Val a, Val b);
Val operator>>(Val a, Val b);
Val operator<(Val a, Val b);
Val operator<=(Val a, Val b);
Val operator>(Val a, Val b);
Val operator>=(Val a, Val b);
Val operator==(Val a, Val b);
Val operator!=(Val a, Val b);
Val operator-(Val a);

/// Return a constant of the type of `like`.
Val constantLike(Val like, double value);
/// The same, exact for all integers: a descriptor has 64 bits.
Val integerLike(Val like, int64_t value);
#define MLA_WITH_CONSTANT(op)                                                                                          \
  inline Val operator op(Val a, int64_t b) { return a op integerLike(a, b); }
MLA_WITH_CONSTANT(+)
MLA_WITH_CONSTANT(-)
MLA_WITH_CONSTANT(*)
MLA_WITH_CONSTANT(/)
MLA_WITH_CONSTANT(%)
MLA_WITH_CONSTANT(&)
MLA_WITH_CONSTANT(|)
MLA_WITH_CONSTANT(^)
MLA_WITH_CONSTANT(<<)
MLA_WITH_CONSTANT(>>)
MLA_WITH_CONSTANT(<)
MLA_WITH_CONSTANT(<=)
MLA_WITH_CONSTANT(>)
MLA_WITH_CONSTANT(>=)
MLA_WITH_CONSTANT(==)
MLA_WITH_CONSTANT(!=)
#undef MLA_WITH_CONSTANT

Val select(Val condition, Val yes, Val no);
Val min(Val a, Val b);
Val max(Val a, Val b);
Val ceilDiv(Val a, int64_t b);
Val fma(Val a, Val b, Val c);
/// 2^a, log2(a), 1/a, 1/sqrt(a): hardware approximations (2 ulp, subnormals are zero).
Val exp2(Val a);
Val log2(Val a);
Val reciprocal(Val a);
Val rsqrt(Val a);

/// Packs two f32 as bf16 into an i32, `low` in the low half, rounded to nearest even.
Val packBF16(Val low, Val high);
/// Unpacks the two bf16 of an i32 to f32.
Val lowBF16(Val pair);
Val highBF16(Val pair);

/// Builds one kernel.
class KernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  /// Creates an empty kernel with `threads` threads per CTA, one CTA per SM if `oneBlock`. The caller adds arguments,
  /// then calls begin().
  KernelBuilder(mlir::gpu::GPUModuleOp module, llvm::StringRef name, int64_t threads, bool oneBlock);

  //===- Signature: in the order of the calls ------------------------------===//
  unsigned addTensorMap();
  /// Adds an address in global memory. `readOnly` memory is not written while the kernel runs.
  unsigned addPointer();
  unsigned addInt();
  unsigned addFloat();
  /// Creates the function; arguments have values from here on.
  void begin();
  Val argument(unsigned index);
  /// Ends the kernel.
  void finish();

  //===- Constants ---------------------------------------------------------===//
  Val i1(bool value);
  Val i32(int64_t value);
  Val i64(int64_t value);
  Val f32(double value);

  //===- Control flow ------------------------------------------------------===//
  using Body = llvm::function_ref<void()>;
  using YieldingBody = llvm::function_ref<Vals()>;
  void when(Val condition, Body then);
  void when(Val condition, Body then, Body otherwise);
  Vals choose(Val condition, YieldingBody then, YieldingBody otherwise);
  /// for (i = from; i < to; i += step) state = body(i, state)
  Vals loop(Val from, Val to, Val step, llvm::ArrayRef<Val> initial,
            llvm::function_ref<Vals(Val i, llvm::ArrayRef<Val> state)> body);
  /// Runs `body`, whose last value is the condition for `between` and another round; returns the other values.
  Vals repeat(llvm::ArrayRef<Val> initial, llvm::function_ref<Vals(llvm::ArrayRef<Val>)> body,
              llvm::function_ref<Vals(llvm::ArrayRef<Val>)> between);
  /// while (condition(state)) state = body(state)
  Vals loopWhile(llvm::ArrayRef<Val> initial, llvm::function_ref<Val(llvm::ArrayRef<Val>)> condition,
                 llvm::function_ref<Vals(llvm::ArrayRef<Val>)> body);

  //===- Threads -----------------------------------------------------------===//
  Val thread(); ///< in the CTA
  Val blockX();
  Val blockY();
  Val gridX();
  /// Return `value` of the lane whose number is this lane's xor `mask`.
  Val shuffleXor(Val value, int64_t mask);
  /// Return `value` of lane `lane`.
  Val shuffle(Val value, Val lane);
  /// Return `value` of the lane `distance` below; lanes without one keep theirs.
  Val shuffleUp(Val value, int64_t distance);
  /// Return a bit per lane: its condition.
  Val ballot(Val condition);
  Val populationCount(Val bits);
  /// Sum or maximum over the warp, the same in every lane.
  Val warpSum(Val value);
  Val warpMax(Val value);
  /// Sums of i32 over the lanes before this one, and over all.
  std::pair<Val, Val> warpPrefix(Val own);
  void syncWarp();
  void syncBlock();
  /// Waits at (or only arrives at) one of the CTA's 16 named barriers.
  void syncNamed(Val barrier, int64_t threads);
  void syncNamed(int64_t barrier, int64_t threads);
  void arriveNamed(Val barrier, int64_t threads);
  void arriveNamed(int64_t barrier, int64_t threads);

  //===- Memory ------------------------------------------------------------===//
  /// Start of dynamic shared memory in a kernel without static shared memory and cluster; the runtime checks it once
  /// per device.
  static constexpr int64_t sharedBase = 1024;
  /// Return the address `offset` bytes into dynamic shared memory: a constant, so that ptxas need not keep it.
  Val shared(int64_t offset);
  Val shared(int64_t offset, Val bytes);
  /// Return `pointer` plus a number of bytes, constant, i32 or i64.
  Val at(Val pointer, Val bytes);
  Val at(Val pointer, int64_t bytes);
  mlir::Type f32Type();
  mlir::Type i32Type();
  mlir::Type vectorType(int64_t lanes, mlir::Type element);
  Val load(Val pointer, mlir::Type type, int64_t alignment = 0);
  /// Loads from memory that nothing writes while the kernel runs.
  Val loadConstant(Val pointer, mlir::Type type);
  /// Loads array[index] of i32 that nothing writes while the kernel runs.
  Val loadInt(Val array, Val index);
  void store(Val value, Val pointer, int64_t alignment = 0);
  /// Adds to an i32 in global memory atomically; returns the previous value.
  Val atomicAdd(Val pointer, Val value);
  Val zeroVector(int64_t lanes, mlir::Type element);
  Val element(Val vector, int64_t index);
  Val vectorOf(llvm::ArrayRef<Val> elements);

  Val bitcast(Val value, mlir::Type type);
  Val extend(Val i32Value);                  ///< i32 to i64, as unsigned
  Val toFloat(Val i32Value);                 ///< as signed
  Val toInt(Val f32Value);                   ///< towards zero
  Val toInt(Val condition, mlir::Type type); ///< i1 to 0 or 1

  /// Packs many registers into one value, for loops, and back.
  Val pack(llvm::ArrayRef<Val> values);
  Vals unpack(Val bundle);

  Val intrinsic(llvm::StringRef name, llvm::ArrayRef<Val> arguments);
  Val wrap(mlir::Value value) { return Val(*this, value); }
  mlir::LLVM::LLVMFuncOp function() const { return func; }

private:
  Val reduce(Val value, llvm::function_ref<Val(Val, Val)> combine);

  mlir::gpu::GPUModuleOp module;
  std::string name;
  int64_t threads;
  bool oneBlock;
  llvm::SmallVector<mlir::Type> types;
  llvm::SmallVector<unsigned> tensorMaps;
  mlir::LLVM::LLVMFuncOp func;
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_KERNELBUILDER_H
