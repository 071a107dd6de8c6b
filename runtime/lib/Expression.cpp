//===- Expression.cpp - Sizes that only a step knows ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Expression.h"
#include "Text.h"

using namespace mla;
using json::Value;

/// By Size: the names in the manifest.
static const char *const sizeNames[numSizes] = {"tokens", "batch",       "max_queries", "max_length", "cached",
                                                "pages",  "table_width", "processors",  "q_stride"};

static Error malformed(std::string what) { return Error(ErrorKind::InvalidFile, std::move(what)); }

Result<uint8_t> Expression::push(Node node) {
  if (nodes.size() >= maxNodes)
    return malformed("is an expression of more than " + std::to_string(maxNodes) + " parts");
  nodes.push_back(node);
  return static_cast<uint8_t>(nodes.size() - 1);
}

Result<uint8_t> Expression::addOperation(const Value &value, uint32_t allowed, size_t depth) {
  static const char *const operators[] = {"+", "*", "//", "ceil/", "%"};
  if (value.items.size() != 3 || !value.items[0].is(Value::Kind::String))
    return malformed("has an operation that is not [operator, expression, expression]");
  Node node;
  for (const char *const &name : operators)
    if (value.items[0].text == name)
      node.op = static_cast<Op>(static_cast<int>(Op::Add) + (&name - operators));
  if (node.op == Op::Constant)
    return malformed("has the operator " + quoted(value.items[0].text) + ", which is none of + * // ceil/ %");
  Result<uint8_t> left = add(value.items[1], allowed, depth + 1);
  if (!left)
    return left;
  Result<uint8_t> right = add(value.items[2], allowed, depth + 1);
  if (!right)
    return right;
  node.left = *left;
  node.right = *right;
  return push(node);
}

Result<uint8_t> Expression::add(const Value &value, uint32_t allowed, size_t depth) {
  if (depth >= maxDepth)
    return malformed("is an expression nested deeper than " + std::to_string(maxDepth));
  Node node;
  switch (value.kind) {
  case Value::Kind::Integer:
    node.value = value.integer;
    return push(node);
  case Value::Kind::String:
    for (unsigned i = 0; i < numSizes; ++i)
      if (value.text == sizeNames[i] && (allowed >> i & 1)) {
        node.op = Op::Size;
        node.value = i;
        return push(node);
      }
    return malformed("names the size " + quoted(value.text) + ", which is not known here");
  case Value::Kind::Array:
    return addOperation(value, allowed, depth);
  default:
    return malformed(std::string("must be an expression, is ") + json::kindName(value.kind));
  }
}

Result<Expression> Expression::parse(const Value &value, uint32_t allowed) {
  Expression expression;
  if (Result<uint8_t> root = expression.add(value, allowed, 0); !root)
    return root.error();
  return expression;
}

Error Expression::apply(Op op, int64_t left, int64_t right, int64_t &result) {
  if (op == Op::Add || op == Op::Multiply) {
    bool overflow =
        op == Op::Add ? __builtin_add_overflow(left, right, &result) : __builtin_mul_overflow(left, right, &result);
    return overflow ? Error(ErrorKind::InvalidArgument, "a size exceeds 64 bits; lower the sizes") : Error();
  }
  if (right <= 0)
    return Error(ErrorKind::InvalidFile,
                 "a size is divided by " + std::to_string(right) + "; compile the bundle again");
  // C++ rounds towards zero: adjust for negative dividends. A positive divisor cannot overflow.
  int64_t quotient = left / right, remainder = left % right;
  if (op == Op::Modulo)
    result = remainder < 0 ? remainder + right : remainder;
  else if (op == Op::FloorDivide)
    result = quotient - (remainder < 0);
  else
    result = quotient + (remainder > 0);
  return {};
}

Result<int64_t> Expression::evaluate(const Sizes &sizes) const {
  int64_t values[maxNodes];
  size_t count = 0;
  for (const Node &node : nodes) {
    int64_t &value = values[count++];
    if (node.op == Op::Constant)
      value = node.value;
    else if (node.op == Op::Size)
      value = sizes.values[node.value];
    else if (Error error = apply(node.op, values[node.left], values[node.right], value))
      return error;
  }
  return count ? values[count - 1] : 0;
}
