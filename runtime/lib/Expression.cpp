//===- Expression.cpp - Expressions over sizes of a step ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Expression.h"
#include "Text.h"

using namespace mla;
using json::Value;

static Error malformed(std::string what) { return Error(ErrorKind::InvalidFile, std::move(what)); }

Result<uint8_t> Expression::push(Node node) {
  if (nodes.size() >= maxNodes)
    return malformed("is an expression of more than " + std::to_string(maxNodes) + " parts");
  nodes.push_back(node);
  return static_cast<uint8_t>(nodes.size() - 1);
}

Result<uint8_t> Expression::addOperation(const Value &value, const Names &names, size_t depth) {
  if (value.items.size() != 3 || !value.items[0].is(Value::Kind::String))
    return malformed("has an operation that is not [operator, expression, expression]");
  Node node;
  std::string known;
  for (const char *const &name : schema::operatorNames) {
    known += std::string(" ") + name;
    if (value.items[0].text != name)
      continue;
    node.kind = Node::Operation;
    node.op = static_cast<schema::Operator>(&name - schema::operatorNames);
  }
  if (node.kind != Node::Operation)
    return malformed("has the operator " + quoted(value.items[0].text) + ", which is none of" + known);
  Result<uint8_t> left = add(value.items[1], names, depth + 1);
  if (!left)
    return left;
  Result<uint8_t> right = add(value.items[2], names, depth + 1);
  if (!right)
    return right;
  node.left = *left;
  node.right = *right;
  return push(node);
}

Result<uint8_t> Expression::addName(const std::string &name, const Names &names) {
  Node node;
  for (unsigned i = 0; i < numSizes; ++i)
    if (name == schema::sizeNames[i] && (names.sizes >> i & 1)) {
      node.kind = Node::Size;
      node.value = i;
      return push(node);
    }
  for (size_t i = 0; names.limits && i < names.limits->size(); ++i)
    if (name == "limit" + std::to_string(i)) {
      node.kind = Node::Limit;
      node.left = static_cast<uint8_t>(i); // Limit::ClassLimits
      node.value = (*names.limits)[i];
      return push(node);
    }
  return malformed("names the size " + quoted(name) + ", which is not known here");
}

Result<uint8_t> Expression::add(const Value &value, const Names &names, size_t depth) {
  if (depth >= maxDepth)
    return malformed("is an expression nested deeper than " + std::to_string(maxDepth));
  Node node;
  switch (value.kind) {
  case Value::Kind::Integer:
    node.value = value.integer;
    return push(node);
  case Value::Kind::String:
    return addName(value.text, names);
  case Value::Kind::Array:
    return addOperation(value, names, depth);
  default:
    return malformed(std::string("must be an expression, is ") + json::kindName(value.kind));
  }
}

Result<Expression> Expression::parse(const Value &value, const Names &names) {
  Expression expression;
  if (Result<uint8_t> root = expression.add(value, names, 0); !root)
    return root.error();
  return expression;
}

void Expression::setLimits(const std::vector<int64_t> &limits) {
  for (Node &node : nodes)
    if (node.kind == Node::Limit)
      node.value = limits[node.left];
}

Expression Expression::constant(int64_t value) {
  Expression expression;
  Node node;
  node.value = value;
  expression.nodes.push_back(node);
  return expression;
}

Expression Expression::size(Size size, int64_t more) {
  Expression expression = constant(static_cast<int64_t>(size));
  expression.nodes.back().kind = Node::Size;
  if (!more)
    return expression;
  expression.nodes.push_back(constant(more).nodes.back());
  Node sum;
  sum.kind = Node::Operation;
  sum.right = 1;
  expression.nodes.push_back(sum);
  return expression;
}

Error Expression::apply(schema::Operator op, int64_t left, int64_t right, int64_t &result) {
  using Op = schema::Operator;
  if (op == Op::Add || op == Op::Mul) {
    bool overflow =
        op == Op::Add ? __builtin_add_overflow(left, right, &result) : __builtin_mul_overflow(left, right, &result);
    return overflow ? Error(ErrorKind::InvalidArgument, "a size exceeds 64 bits; lower the sizes") : Error();
  }
  if (right <= 0)
    return Error(ErrorKind::InvalidFile,
                 "a size is divided by " + std::to_string(right) + "; compile the bundle again");
  // C++ rounds towards zero: adjust for negative dividends. A positive divisor cannot overflow.
  int64_t quotient = left / right, remainder = left % right;
  if (op == Op::Mod)
    result = remainder < 0 ? remainder + right : remainder;
  else if (op == Op::FloorDiv)
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
    if (node.kind == Node::Constant || node.kind == Node::Limit)
      value = node.value;
    else if (node.kind == Node::Size)
      value = sizes.values[node.value];
    else if (Error error = apply(node.op, values[node.left], values[node.right], value))
      return error;
  }
  return count ? values[count - 1] : 0;
}
