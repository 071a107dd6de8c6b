//===- Expression.h - Expressions over sizes of a step ----------*- C++ -*-===//
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

#include "mla/launch_abi.h"

namespace mla {

using schema::numSizes;
using schema::Size;

struct Sizes {
  int64_t values[numSizes] = {};
  int64_t &operator[](Size size) { return values[static_cast<unsigned>(size)]; }
  int64_t operator[](Size size) const { return values[static_cast<unsigned>(size)]; }
};

/// An expression of abi.h. By default it is the constant 0.
class Expression {
public:
  static constexpr size_t maxNodes = schema::Limit::ExpressionParts, maxDepth = schema::Limit::ExpressionDepth;

  static Expression constant(int64_t value);
  /// Returns the size plus `more`.
  static Expression size(Size size, int64_t more);

  /// The names that an expression may have.
  struct Names {
    uint32_t sizes;                               ///< bit set
    const std::vector<int64_t> *limits = nullptr; ///< values of limit0, limit1, …
  };

  /// The error's message has no location: the caller names the field.
  static Result<Expression> parse(const json::Value &value, const Names &names);

  /// Replaces the values of the limits.
  void setLimits(const std::vector<int64_t> &limits);

  /// Fails on overflow of 64 bits and on a divisor that is not positive. Allocates nothing on success.
  Result<int64_t> evaluate(const Sizes &sizes) const;

  /// Compares the written form.
  bool operator==(const Expression &other) const { return nodes == other.nodes; }

private:
  struct Node {
    enum Kind : uint8_t { Constant, Size, Limit, Operation } kind = Constant;
    schema::Operator op = schema::Operator::Add; ///< of an Operation
    uint8_t left = 0, right = 0;                 ///< likewise: nodes before this one; left of a Limit: its number
    int64_t value = 0;                           ///< of a Constant or a Limit; the number of a Size

    bool operator==(const Node &other) const {
      return kind == other.kind && op == other.op && left == other.left && right == other.right && value == other.value;
    }
  };
  std::vector<Node> nodes; ///< operands before operators; the last is the root

  Result<uint8_t> add(const json::Value &value, const Names &names, size_t depth);
  Result<uint8_t> addName(const std::string &name, const Names &names);
  Result<uint8_t> addOperation(const json::Value &value, const Names &names, size_t depth);
  Result<uint8_t> push(Node node);
  static Error apply(schema::Operator op, int64_t left, int64_t right, int64_t &result);
};

} // namespace mla

#endif // MLA_RUNTIME_EXPRESSION_H
