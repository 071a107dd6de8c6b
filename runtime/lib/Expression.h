//===- Expression.h - Sizes that only a step knows --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Grids, workspaces and tensor maps of a launch list are arithmetic over a few
// sizes. Expressions come from a file, so parsing bounds them and evaluation
// checks every operation.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_EXPRESSION_H
#define MLA_RUNTIME_EXPRESSION_H

#include "Json.h"

namespace mla {

/// What a step knows before it is enqueued; abi.h has the meanings.
enum class Size : uint8_t { Tokens, Batch, MaxQueries, MaxLength, Cached, Pages, TableWidth, Processors, QStride };
constexpr unsigned numSizes = 9;

struct Sizes {
  int64_t values[numSizes] = {};
  int64_t &operator[](Size size) { return values[static_cast<unsigned>(size)]; }
  int64_t operator[](Size size) const { return values[static_cast<unsigned>(size)]; }
};

/// A set of sizes, or of other enumerators below 32.
template <typename Enum> constexpr uint32_t setOf(std::initializer_list<Enum> members) {
  uint32_t set = 0;
  for (Enum member : members)
    set |= 1u << static_cast<unsigned>(member);
  return set;
}

/// An expression of abi.h. By default it is the constant 0.
class Expression {
public:
  static constexpr size_t maxNodes = 128, maxDepth = 32;

  /// `allowed` is the set of sizes it may name. The error's message has no place in it: the caller names the field.
  static Result<Expression> parse(const json::Value &value, uint32_t allowed);

  /// Fails on overflow of 64 bits and on a divisor that is not positive. Allocates nothing when it succeeds.
  Result<int64_t> evaluate(const Sizes &sizes) const;

private:
  enum class Op : uint8_t { Constant, Size, Add, Multiply, FloorDivide, CeilDivide, Modulo };
  struct Node {
    Op op = Op::Constant;
    uint8_t left = 0, right = 0; ///< nodes before this one
    int64_t value = 0;           ///< of a Constant; the number of a Size
  };
  std::vector<Node> nodes; ///< operands before operators; the last is the root

  Result<uint8_t> add(const json::Value &value, uint32_t allowed, size_t depth);
  Result<uint8_t> addOperation(const json::Value &value, uint32_t allowed, size_t depth);
  Result<uint8_t> push(Node node);
  static Error apply(Op op, int64_t left, int64_t right, int64_t &result);
};

} // namespace mla

#endif // MLA_RUNTIME_EXPRESSION_H
