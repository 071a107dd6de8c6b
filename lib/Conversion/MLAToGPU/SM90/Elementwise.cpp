//===- Elementwise.cpp - Sums and activations of rows ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

#include "Hopper.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mla::gpu;

/// Returns this thread's first column.
static Val firstColumn(KernelBuilder &k) { return (k.blockY() * elementwiseThreads + k.thread()) * laneElements; }

static void storeResult(KernelBuilder &k, llvm::ArrayRef<Val> values, Val y, Val token, Val column, int64_t columns) {
  Val row = rowAt(k, y, token, k.i32(columns), Element::BF16);
  storeElements(k, values, elementAt(k, row, column, Element::BF16), Element::BF16);
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

std::string SumShape::name() const {
  return "sum_" + std::to_string(width) + "_" + order + (choices ? std::to_string(choices) : "");
}

static Vals add(llvm::ArrayRef<Val> a, llvm::ArrayRef<Val> b) {
  Vals sums;
  for (auto [left, right] : llvm::zip_equal(a, b))
    sums.push_back(left + right);
  return sums;
}

Vals mla::gpu::sumInOrder(llvm::StringRef order, llvm::function_ref<Vals(size_t term, char letter)> load) {
  llvm::SmallVector<Vals> stack;
  size_t term = 0;
  for (char step : order) {
    if (step != 'a') {
      stack.push_back(load(term++, step));
      continue;
    }
    Vals right = stack.pop_back_val();
    stack.back() = add(stack.back(), right);
  }
  return stack.back();
}

namespace {
/// A term of a sum: its elements, and of choices their weights, which are the next argument.
struct Term {
  unsigned rows, stride;
};
} // namespace

static Vals loadTerm(KernelBuilder &k, const Term &term, Val row, Val column, Element element) {
  Val from = rowAt(k, k.argument(term.rows), row, k.argument(term.stride), element);
  return loadElements(k, elementAt(k, from, column, element), laneElements, element);
}

/// Returns the weighted sum of a token's choices. All loads are in flight at the same time.
static Vals mixChoices(KernelBuilder &k, const Term &term, int64_t choices, Val token, Val column) {
  llvm::SmallVector<Vals> values;
  Vals weights, sums(laneElements, k.f32(0));
  for (int64_t i = 0; i < choices; ++i) {
    Val choice = token * choices + i;
    values.push_back(loadTerm(k, term, choice, column, Element::BF16));
    weights.push_back(k.load(elementAt(k, k.argument(term.rows + 1), choice, Element::F32), k.f32Type(), 4));
  }
  for (auto [weight, ofChoice] : llvm::zip_equal(weights, values))
    for (auto [sum, value] : llvm::zip_equal(sums, ofChoice))
      sum = fma(weight, value, sum);
  return sums;
}

void mla::gpu::emitSum(mlir::gpu::GPUModuleOp module, const SumShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  KernelBuilder k(module, shape.name(), elementwiseThreads, /*oneBlock=*/false);
  llvm::SmallVector<Term> terms;
  for (char step : shape.order) {
    if (step != 'a')
      terms.push_back({k.addPointer(), 0});
    if (step == 'm')
      k.addPointer();
  }
  unsigned y = k.addPointer();
  for (Term &term : terms)
    term.stride = k.addInt();
  k.begin();
  Val token = k.blockX(), column = firstColumn(k);
  launchDependents(k);
  waitForPredecessors(k);
  k.when(column < shape.width, [&] {
    Vals sums = sumInOrder(shape.order, [&](size_t i, char letter) {
      return letter == 'm' ? mixChoices(k, terms[i], shape.choices, token, column)
                           : loadTerm(k, terms[i], token, column, elementOfTerm(letter));
    });
    storeResult(k, sums, k.argument(y), token, column, shape.width);
  });
  k.finish();
}

//===----------------------------------------------------------------------===//
// SwiGLU
//===----------------------------------------------------------------------===//

std::string SwigluShape::name() const {
  return "swiglu_" + std::to_string(choices) + "x" + std::to_string(width) + (input == Element::F32 ? "_f32" : "");
}

static Val sigmoid(KernelBuilder &k, Val x) { return reciprocal(exp2(x * k.f32(-llvm::numbers::log2e)) + k.f32(1)); }

Val mla::gpu::activate(KernelBuilder &k, Val gate, Val up) { return gate * sigmoid(k, gate) * up; }

void mla::gpu::emitSwiglu(mlir::gpu::GPUModuleOp module, const SwigluShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  KernelBuilder k(module, shape.name(), elementwiseThreads, /*oneBlock=*/false);
  unsigned gate = k.addPointer(), up = k.addPointer(), y = k.addPointer();
  unsigned gateToken = k.addInt(), gateChoice = k.addInt(), upToken = k.addInt(), upChoice = k.addInt();
  k.begin();
  Val token = k.blockX(), column = firstColumn(k), choice = column / shape.width, inside = column % shape.width;
  auto load = [&](unsigned from, unsigned ofToken, unsigned ofChoice) {
    Val row = rowAt(k, k.argument(from), token, k.argument(ofToken), shape.input);
    Val own = rowAt(k, row, choice, k.argument(ofChoice), shape.input);
    return loadElements(k, elementAt(k, own, inside, shape.input), laneElements, shape.input);
  };
  launchDependents(k);
  waitForPredecessors(k);
  k.when(column < shape.columns(), [&] {
    Vals gates = load(gate, gateToken, gateChoice), ups = load(up, upToken, upChoice), values;
    for (auto [left, right] : llvm::zip_equal(gates, ups))
      values.push_back(activate(k, left, right));
    storeResult(k, values, k.argument(y), token, column, shape.columns());
  });
  k.finish();
}

//===----------------------------------------------------------------------===//
// Gates
//===----------------------------------------------------------------------===//

std::string GateShape::name() const {
  auto suffix = [](Element element) { return element == Element::F32 ? "_f32" : "_bf16"; };
  return "gate_" + std::to_string(heads) + "x" + std::to_string(width) + (isPerHead ? "_heads" : "") + suffix(x) +
         suffix(gate);
}

/// Loads one element.
static Val loadElement(KernelBuilder &k, Val from, Element element) {
  if (element == Element::F32)
    return k.load(from, k.f32Type(), 4);
  Val bits = k.load(from, k.getI16Type(), 2);
  return lowBF16(k.wrap(mlir::LLVM::ZExtOp::create(k, k.i32Type(), bits)));
}

void mla::gpu::emitGate(mlir::gpu::GPUModuleOp module, const GateShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  KernelBuilder k(module, shape.name(), elementwiseThreads, /*oneBlock=*/false);
  unsigned x = k.addPointer(), gate = k.addPointer(), y = k.addPointer();
  unsigned xToken = k.addInt(), xHead = k.addInt(), gateToken = k.addInt(), gateHead = k.addInt();
  k.begin();
  Val token = k.blockX(), column = firstColumn(k), head = column / shape.width, inside = column % shape.width;
  auto rowOfHead = [&](unsigned from, unsigned ofToken, unsigned ofHead, Element element) {
    return rowAt(k, rowAt(k, k.argument(from), token, k.argument(ofToken), element), head, k.argument(ofHead), element);
  };
  launchDependents(k);
  waitForPredecessors(k);
  k.when(column < shape.columns(), [&] {
    Val rowOfX = rowOfHead(x, xToken, xHead, shape.x), rowOfGate = rowOfHead(gate, gateToken, gateHead, shape.gate);
    Vals values = loadElements(k, elementAt(k, rowOfX, inside, shape.x), laneElements, shape.x), gates;
    if (shape.isPerHead)
      gates.assign(laneElements, loadElement(k, rowOfGate, shape.gate));
    else
      gates = loadElements(k, elementAt(k, rowOfGate, inside, shape.gate), laneElements, shape.gate);
    for (auto [value, own] : llvm::zip_equal(values, gates))
      value = value * sigmoid(k, own);
    storeResult(k, values, k.argument(y), token, column, shape.columns());
  });
  k.finish();
}

//===----------------------------------------------------------------------===//
// Choices that return their input
//===----------------------------------------------------------------------===//

std::string PassShape::name() const {
  return "pass_" + std::to_string(width) + "_" + std::to_string(choices) + "from" + std::to_string(from);
}

/// Returns the sum of the weights of a token's choices that return their input.
static Val passedWeight(KernelBuilder &k, const PassShape &shape, Val numbers, Val weights, Val token) {
  Val sum = k.f32(0);
  for (int64_t i = 0; i < shape.choices; ++i) {
    Val choice = token * shape.choices + i;
    Val number = k.load(elementAt(k, numbers, choice, Element::F32), k.i32Type(), 4);
    Val weight = k.load(elementAt(k, weights, choice, Element::F32), k.f32Type(), 4);
    sum = sum + select(number >= k.i32(shape.from), weight, k.f32(0));
  }
  return sum;
}

void mla::gpu::emitPass(mlir::gpu::GPUModuleOp module, const PassShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  KernelBuilder k(module, shape.name(), elementwiseThreads, /*oneBlock=*/false);
  unsigned x = k.addPointer(), numbers = k.addPointer(), weights = k.addPointer(), y = k.addPointer();
  unsigned stride = k.addInt();
  k.begin();
  Val token = k.blockX(), column = firstColumn(k);
  launchDependents(k);
  waitForPredecessors(k);
  k.when(column < shape.width, [&] {
    Vals values = loadTerm(k, {x, stride}, token, column, Element::BF16);
    Val factor = passedWeight(k, shape, k.argument(numbers), k.argument(weights), token);
    for (Val &value : values)
      value = value * factor;
    storeResult(k, values, k.argument(y), token, column, shape.width);
  });
  k.finish();
}

//===----------------------------------------------------------------------===//
// Joined rows
//===----------------------------------------------------------------------===//

std::string JoinShape::name() const { return "join_" + std::to_string(left) + "_" + std::to_string(right); }

void mla::gpu::emitJoin(mlir::gpu::GPUModuleOp module, const JoinShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  KernelBuilder k(module, shape.name(), elementwiseThreads, /*oneBlock=*/false);
  unsigned left = k.addPointer(), right = k.addPointer(), y = k.addPointer();
  unsigned leftStride = k.addInt(), rightStride = k.addInt();
  k.begin();
  Val token = k.blockX(), column = firstColumn(k);
  launchDependents(k);
  waitForPredecessors(k);
  k.when(column < shape.columns(), [&] {
    auto fromLeft = [&] { return loadTerm(k, {left, leftStride}, token, column, Element::BF16); };
    auto fromRight = [&] { return loadTerm(k, {right, rightStride}, token, column - shape.left, Element::BF16); };
    Vals values = k.choose(column < shape.left, fromLeft, fromRight);
    storeResult(k, values, k.argument(y), token, column, shape.columns());
  });
  k.finish();
}
